"""What a process did to the files of a home, call by call, out of a log of strace.

Only calls that succeeded count. One that the model of the disk does not know is an error when it is
about the home: a recording is whole or there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.disk import Link, MakeFolder, Open, Operation, Remove, Rename, Resize, Sync, Write

# What changes files or moves an offset, what makes and ends descriptors, and what goes to Slack.
TRACED = (
    "open", "openat", "openat2", "creat", "close", "dup", "dup2", "dup3", "fcntl", "lseek",
    "read", "readv", "write", "writev", "pwrite64", "pwritev", "pwritev2", "truncate", "ftruncate",
    "fallocate", "copy_file_range", "sendfile", "fsync", "fdatasync", "sync_file_range",
    "link", "linkat", "unlink", "unlinkat", "rename", "renameat", "renameat2",
    "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat", "mknod", "mknodat",
    "socket", "sendto", "sendmsg", "clone", "clone3", "fork", "vfork",
)  # fmt: skip
RECORDER = (*"strace -f -xx -s 1000000 -e".split(), f"trace={','.join(TRACED)}")

_LINE = re.compile(r"(?:(?P<process>\d+) +)?(?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?P<more>.*)", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_UNFINISHED = " <unfinished ...>"
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_POST = re.compile(rb"POST \S*/chat\.postMessage ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Post:
    """A whole chat.postMessage went out: Slack has it."""


Step = Operation | Post


class UnknownCallError(Exception):
    """A recorded call changed the home in a way that the model of the disk does not know."""


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that succeeded."""

    name: str
    arguments: str
    result: int

    def number(self, position: int) -> int:
        """The number at a position; the strings before it hold no commas, strace -xx sees to that."""
        return int(self.arguments.split(", ")[position])

    def descriptors(self) -> list[int]:
        """All plain numbers among the arguments; some of them may be descriptors."""
        return [int(part) for part in self.arguments.split(", ") if part.isdecimal()]

    def folder_of(self, number: int) -> int:
        """The descriptor of the folder that a path is relative to; -1 for the working folder."""
        parts = self.arguments.split(", ")
        texts = [position for position, part in enumerate(parts) if part.startswith('"')]
        before = parts[texts[number] - 1] if texts[number] else ""
        return int(before) if before.isdecimal() else -1

    def has(self, flag: str) -> bool:
        return flag in self.arguments

    def texts(self) -> list[bytes]:
        """All strings among the arguments, as bytes."""
        found: list[bytes] = []
        for text, cut_off in _TEXT.findall(self.arguments):
            if cut_off:
                raise UnknownCallError(f"{self.name}: strace cut a string off")
            found.append(bytes.fromhex(text.replace("\\x", "")))
        return found

    def data(self) -> bytes:
        """The bytes that went out: a call may take fewer than it is given."""
        return b"".join(self.texts())[: self.result]

    def paths(self) -> list[str]:
        return [text.decode("utf-8", "surrogateescape") for text in self.texts()]


@contextmanager
def recorded(process: int, log: Path) -> Iterator[None]:
    """strace holds a process and its threads in this block, and writes down all that they do until they end.

    RuntimeError where strace cannot take hold.
    """
    command = [*RECORDER, "-e", "signal=none", "-o", str(log), "-p", str(process)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracer.stderr
    try:
        said = tracer.stderr.readline()
        if "attached" not in said:
            raise RuntimeError(said.strip() or "strace said nothing")
        yield
        tracer.communicate(timeout=30)
    finally:
        tracer.kill()
        tracer.communicate()


def calls(log: Iterable[str]) -> Iterator[Call]:
    """The calls of a log of `strace -f -xx` that succeeded, in the order in which they ended."""
    begun: dict[str | None, str] = {}
    for line in log:
        found = _LINE.match(line)
        process, rest = (found["process"], found["rest"]) if found else (None, "")
        if rest.endswith(_UNFINISHED):
            begun[process] = rest.removesuffix(_UNFINISHED)
            continue
        if resumed := _RESUMED.match(rest):
            rest = begun.pop(process) + rest[resumed.end() :]
        call = _CALL.match(rest)
        if call is not None and int(call["result"]) >= 0:
            yield Call(call["name"], call["arguments"], int(call["result"]))


@dataclass(slots=True)
class _Opened:
    """A file or folder below the home that is open: where the next write without an offset goes."""

    handle: int
    path: str
    appends: bool
    position: int = 0


@dataclass(slots=True)
class _Connection:
    sent: bytearray = field(default_factory=bytearray)

    def whole_posts(self) -> Iterator[Post]:
        """Those posts that are complete now; what was sent of them is forgotten."""
        while (end := self.sent.find(b"\r\n\r\n")) >= 0:
            head = bytes(self.sent[: end + 2])
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.sent) < whole:
                return
            del self.sent[:whole]
            if _POST.match(head):
                yield Post()


class Recording:
    """Turns calls into steps: operations on what is below `home`, and posts."""

    def __init__(self, home: Path) -> None:
        self._home = str(home)
        self._open: dict[int, _Opened | _Connection] = {}
        self._handles = 0

    def steps(self, log: Iterable[str]) -> Iterator[Step]:
        """All steps of a log. Raises UnknownCallError where the model would go wrong."""
        for call in calls(log):
            yield from self._steps(call)

    def _steps(self, call: Call) -> Iterator[Step]:
        match call.name:
            case "open" | "openat" | "openat2" | "creat":
                yield from self._opened(call)
            case "close":
                self._open.pop(call.number(0), None)
            case "dup" | "dup2" | "dup3" | "fcntl":
                self._doubled(call)
            case "socket":
                self._open[call.result] = _Connection()
            case "write" | "writev" | "pwrite64" | "pwritev" | "sendto" | "sendmsg":
                yield from self._written(call)
            case "read" | "readv" | "lseek":
                self._moved_on(call)
            case "ftruncate" | "fsync" | "fdatasync":
                yield from self._settled(call)
            case "clone" | "clone3" | "fork" | "vfork":
                if not call.has("CLONE_FILES"):
                    raise UnknownCallError("a second process, whose descriptors are its own")
            case _:
                yield from self._named(call)

    def _opened(self, call: Call) -> Iterator[Step]:
        path = self._below_home(call, 0)
        if path is None:
            self._open.pop(call.result, None)
            return
        if call.has("O_TMPFILE"):
            raise UnknownCallError(f"a file without a name: {path}")
        self._handles += 1
        created = call.name == "creat"
        self._open[call.result] = _Opened(self._handles, path, call.has("O_APPEND"))
        yield Open(self._handles, path, created or call.has("O_CREAT"), created or call.has("O_TRUNC"))

    def _doubled(self, call: Call) -> None:
        if call.name == "fcntl" and not call.has("F_DUPFD"):
            return
        known = self._open.get(call.number(0))
        if known is None:
            self._open.pop(call.result, None)
        else:
            self._open[call.result] = known

    def _written(self, call: Call) -> Iterator[Step]:
        opened = self._open.get(call.number(0))
        match opened:
            case _Connection():
                opened.sent += call.data()
                yield from opened.whole_posts()
            case _Opened() if call.name.startswith("pwrite"):
                yield Write(opened.handle, call.data(), call.number(-1))
            case _Opened(appends=True):
                yield Write(opened.handle, call.data())
            case _Opened():
                yield Write(opened.handle, call.data(), opened.position)
                opened.position += call.result

    def _moved_on(self, call: Call) -> None:
        opened = self._open.get(call.number(0))
        if isinstance(opened, _Opened):
            opened.position = call.result if call.name == "lseek" else opened.position + call.result

    def _settled(self, call: Call) -> Iterator[Step]:
        opened = self._open.get(call.number(0))
        if isinstance(opened, _Opened):
            settled = call.name != "ftruncate"
            yield Sync(opened.handle) if settled else Resize(opened.handle, call.number(1))

    def _named(self, call: Call) -> Iterator[Step]:
        """Calls that name what they change, and all that the model does not know."""
        places = [self._below_home(call, number) for number in range(len(call.texts()))]
        handles = [self._open.get(number) for number in call.descriptors()]
        if all(place is None for place in places) and not any(isinstance(h, _Opened) for h in handles):
            return
        match call.name, places:
            case "link" | "linkat", [str(old), str(new)]:
                yield Link(old, new)
            case "rename" | "renameat" | "renameat2", [str(old), str(new)] if not call.has("RENAME_EXCHANGE"):
                yield Rename(old, new)
            case "unlink" | "unlinkat" | "rmdir", [str(path)]:
                yield Remove(path)
            case "mkdir" | "mkdirat", [str(path)]:
                yield MakeFolder(path)
            case _:
                raise UnknownCallError(f"{call.name}({call.arguments[:200]})")

    def _below_home(self, call: Call, number: int) -> str | None:
        """The path of a call's string by its number, below the home; None where it is not."""
        path = call.paths()[number]
        folder = self._open.get(call.folder_of(number))
        if isinstance(folder, _Opened):
            path = os.path.join(self._home, folder.path, path)
        path = os.path.normpath(Path.cwd() / path)
        if path == self._home:
            return ""
        return path.removeprefix(f"{self._home}/") if path.startswith(f"{self._home}/") else None
