"""A disk in a model: what stands in a folder after a power cut.

A file has a content that was written and a content that was synced, a folder likewise its entries.
A cut leaves what was synced, and of each change since then whatever `survives` says. The method is
that of ALICE (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014): record the system
calls of one run, and build from each prefix of them the states that a cut may leave.

It promises no more than fsync(2) does: a file's sync brings its content to the disk and not its name,
"for that an explicit fsync() on a file descriptor for the directory is also needed". Ext4 keeps more
than that, so a daemon that stands this disk stands ext4. SQLite syncs the folder of a new write-ahead
log by itself (os_unix.c, UNIXFILE_DIRSYNC); that is a recorded call as any other.

A rename inside a folder is one change. One between folders may be seen half done, with both names
(rename(2): "there will probably be a window in which both oldpath and newpath refer to the file"), but
never with neither: so do file systems with a journal. Ext2 and FAT need not, and are not promised.

Limits: a single write survives whole or not at all; what survives of a file is put on in the order in
which it was written; modes, owners and times are left out. Writes through mmap are no system calls: a
file that is written so (SQLite's -shm, which SQLite builds anew) has to be left out of an image.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Open:
    """A file or folder was opened; later operations name it by `handle`."""

    handle: int
    path: str
    creates: bool = False
    empties: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset; without one, at the end."""

    handle: int
    data: bytes
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Resize:
    handle: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """fsync or fdatasync of a file or a folder."""

    handle: int


@dataclass(frozen=True, slots=True)
class Link:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Rename:
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A file, or a folder that is empty."""

    path: str


@dataclass(frozen=True, slots=True)
class MakeFolder:
    path: str


Operation = Open | Write | Resize | Sync | Link | Rename | Remove | MakeFolder
Survives = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Image:
    """What stands on the disk: the content of each file and the names of all folders, below the root.

    `links` names for each further name of a file the first one; it is not among `files`.
    """

    files: Mapping[str, bytes]
    folders: frozenset[str] = frozenset()
    links: Mapping[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Put it into a folder."""
        for name in sorted(self.folders):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        for name, first in self.links.items():
            os.link(folder / first, folder / name)

    def without(self, leave_out: Callable[[str], bool]) -> Image:
        """The same without the files, none of them linked, whose path is to be left out."""
        files = {name: content for name, content in self.files.items() if not leave_out(name)}
        return replace(self, files=files)


def image_of(folder: Path, leave_out: Callable[[str], bool] = lambda name: False) -> Image:
    """What stands in a folder now, but for the paths to be left out, with all that is below them."""
    folders: set[str] = set()
    names: dict[int, list[str]] = {}
    waiting = [folder]
    while waiting:
        for path in waiting.pop().iterdir():
            name = path.relative_to(folder).as_posix()
            if leave_out(name):
                continue
            if path.is_dir():
                folders.add(name)
                waiting.append(path)
            else:
                names.setdefault(path.stat().st_ino, []).append(name)
    return _image(((found, (folder / found[0]).read_bytes()) for found in names.values()), folders)


def nothing_unsynced() -> bool:
    """The strictest cut: only what was synced is there."""
    return False


def everything_written() -> bool:
    """The mildest cut, and what SIGKILL leaves: all that was written is there."""
    return True


def by_chance(seed: int) -> Survives:
    """Each change since the last sync survives or not, evenly."""
    chance = random.Random(seed)
    return lambda: chance.random() < 0.5


@dataclass(eq=False, slots=True)
class _File:
    synced: bytes = b""
    content: bytearray = field(default_factory=bytearray)
    unsynced: list[Write | Resize] = field(default_factory=list)

    def change(self, change: Write | Resize) -> None:
        if isinstance(change, Write) and change.offset is None:
            change = replace(change, offset=len(self.content))
        _put(self.content, change)
        self.unsynced.append(change)

    def sync(self) -> None:
        self.synced = bytes(self.content)
        self.unsynced.clear()

    def after_cut(self, survives: Survives) -> bytes:
        content = bytearray(self.synced)
        for change in self.unsynced:
            if survives():
                _put(content, change)
        return bytes(content)


@dataclass(eq=False, slots=True)
class _Change:
    """Names of a folder and what they now stand for; None for a name that is gone."""

    folder: _Folder
    names: Mapping[str, _Node | None]
    needs: _Change | None = None  # without which this one does not survive


@dataclass(eq=False, slots=True)
class _Folder:
    synced: dict[str, _Node] = field(default_factory=dict)
    entries: dict[str, _Node] = field(default_factory=dict)
    unsynced: list[_Change] = field(default_factory=list)

    def change(self, names: Mapping[str, _Node | None], needs: _Change | None = None) -> _Change:
        change = _Change(self, names, needs)
        _name(self.entries, names)
        self.unsynced.append(change)
        return change

    def sync(self) -> None:
        if self.unsynced:
            self.sync_to(self.unsynced[-1])

    def sync_to(self, last: _Change) -> None:
        """Up to and with a change, and with all that those need; nothing where it is synced already."""
        while last in self.unsynced:
            change = self.unsynced.pop(0)
            if change.needs is not None:
                change.needs.folder.sync_to(change.needs)
            _name(self.synced, change.names)

    def after_cut(self, survives: Callable[[_Change], bool]) -> dict[str, _Node]:
        entries = dict(self.synced)
        for change in self.unsynced:
            if survives(change):
                _name(entries, change.names)
        return entries


_Node = _File | _Folder


class Disk:
    """Starts with an image, all of it synced, and takes operations in the order they were made."""

    def __init__(self, image: Image) -> None:
        self._root = _Folder()
        self._handles: dict[int, _Node] = {}
        for name in sorted(image.folders):
            self._make(name, _Folder())
        for name, content in image.files.items():
            self._make(name, _File(content, bytearray(content)))
        for name, first in image.links.items():
            self._make(name, self._node(first))
        _sync_below(self._root)

    def apply(self, operation: Operation) -> bool:
        """Carry out an operation that succeeded; whether it changed or synced anything.

        Raises LookupError where it cannot have succeeded on what stands here.
        """
        match operation:
            case Open():
                return self._open(operation)
            case Write(handle=handle) | Resize(handle=handle):
                self._file(handle).change(operation)
            case Sync(handle=handle):
                return _sync(self._handles[handle])
            case Link(old, new):
                self._make(new, self._node(old))
            case Rename(old, new):
                self._rename(old, new)
            case Remove(path):
                folder, name = self._place(path)
                if name not in folder.entries:
                    raise LookupError(path)
                folder.change({name: None})
            case MakeFolder(path):
                self._make(path, _Folder())
        return True

    def after_cut(self, survives: Survives) -> Image:
        """What a power cut leaves now; `survives` is asked of each change that was not synced."""
        folders: set[str] = set()
        names: dict[_File, list[str]] = {}
        decided = _Decided(survives)
        waiting = [("", self._root)]
        while waiting:
            above, folder = waiting.pop()
            for name, node in sorted(folder.after_cut(decided).items()):
                if isinstance(node, _File):
                    names.setdefault(node, []).append(f"{above}{name}")
                else:
                    folders.add(f"{above}{name}")
                    waiting.append((f"{above}{name}/", node))
        return _image(((found, file.after_cut(survives)) for file, found in names.items()), folders)

    def _open(self, operation: Open) -> bool:
        folder, name = self._place(operation.path)
        created = operation.creates and name not in folder.entries
        if created:
            folder.change({name: _File()})
        node = self._node(operation.path)
        self._handles[operation.handle] = node
        if operation.empties and isinstance(node, _File) and node.content:
            node.change(Resize(operation.handle, 0))
            return True
        return created

    def _rename(self, old: str, new: str) -> None:
        node = self._node(old)
        old_folder, old_name = self._place(old)
        new_folder, new_name = self._place(new)
        if new_folder.entries.get(new_name) is node:
            return  # rename(2): where both are names of one file it does nothing
        if old_folder is new_folder:
            old_folder.change({old_name: None, new_name: node})
        else:
            old_folder.change({old_name: None}, needs=new_folder.change({new_name: node}))

    def _make(self, path: str, node: _Node) -> None:
        folder, name = self._place(path)
        if name in folder.entries:
            raise LookupError(f"{path} stands there already")
        folder.change({name: node})

    def _place(self, path: str) -> tuple[_Folder, str]:
        above, _, name = path.rpartition("/")
        folder = self._node(above)
        if not isinstance(folder, _Folder):
            raise LookupError(f"{above} is not a folder")
        return folder, name

    def _node(self, path: str) -> _Node:
        node: _Node = self._root
        for name in filter(None, path.split("/")):
            if not isinstance(node, _Folder) or name not in node.entries:
                raise LookupError(path)
            node = node.entries[name]
        return node

    def _file(self, handle: int) -> _File:
        node = self._handles[handle]
        if not isinstance(node, _File):
            raise LookupError(f"handle {handle} is not a file's")
        return node


def _image(named: Iterable[tuple[list[str], bytes]], folders: Iterable[str]) -> Image:
    """Of files by their names, of which the first in order counts."""
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for names, content in named:
        first, *others = sorted(names)
        files[first] = content
        links.update(dict.fromkeys(others, first))
    return Image(files, frozenset(folders), links)


class _Decided:
    """What becomes of each change of a folder's entries in one cut, asked once."""

    def __init__(self, survives: Survives) -> None:
        self._survives = survives
        self._known: dict[_Change, bool] = {}

    def __call__(self, change: _Change) -> bool:
        if change not in self._known:
            needed = (
                change.needs is None or change.needs not in change.needs.folder.unsynced or self(change.needs)
            )
            self._known[change] = needed and self._survives()
        return self._known[change]


def _sync(node: _Node) -> bool:
    had_more = bool(node.unsynced)
    node.sync()
    return had_more


def _sync_below(node: _Node) -> None:
    node.sync()
    if isinstance(node, _Folder):
        for below in node.entries.values():
            _sync_below(below)


def _put(content: bytearray, change: Write | Resize) -> None:
    """Onto a file's content; what lies between its end and a later offset is zeros."""
    match change:
        case Write(data=data, offset=offset):
            start = offset or 0
            content.extend(bytes(max(0, start - len(content))))
            content[start : start + len(data)] = data
        case Resize(size=size):
            content.extend(bytes(max(0, size - len(content))))
            del content[size:]


def _name(entries: dict[str, _Node], change: Mapping[str, _Node | None]) -> None:
    for name, node in change.items():
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node
