"""Power cuts: one walk is recorded, call by call, and what a cut leaves after each call is walked on from.

The recorded calls are replayed on the disk of `tests.faults.disk`; the limits of that model are written
there. After each call that changed or synced anything three kinds of image are made: the strictest (only
what was synced), the mildest (all that was written), and some by chance. Each becomes a home in which a
clean walk goes on, with those messages in Slack that had been sent by then, and which is then accounted.

What a cut may take back: a file may stand in the inbox again after it was moved. It is then known by its
fingerprint, and nobody is told of it again.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import strace, way
from tests.faults.accounting import LEDGER, Outcome, account
from tests.faults.articles import article_text
from tests.faults.disk import (
    Disk,
    Image,
    Link,
    MakeFolder,
    Open,
    Remove,
    Rename,
    Resize,
    Survives,
    Sync,
    Write,
    by_chance,
    everything_written,
    image_of,
    nothing_unsynced,
)
from tests.faults.forks import Case, End, ForkServer
from tests.faults.recording import Post, Recording, Step, recorded
from tests.slack_stand_in import SlackStandIn

STRICTEST = "only what was synced"
MILDEST = "all that was written"
PLANT = "synchronous normal"

_CHANCES = 2  # images by chance after each step
_ROW_LOST = "has 0 rows"  # of an article, in the words of the accounting

# Three that are alerted, a quiet one, one without a word in it, which goes to failed/, and one twice.
ARTICLES: Mapping[int, bytes] = {
    1: article_text(1),
    2: article_text(2, quiet=True),
    3: b"",
    4: article_text(4),
    5: article_text(5, arabic=True),
    6: article_text(4),
}
ALERTED = frozenset({1, 4, 5})


def _to_nobody(line: str) -> None:
    """Where nobody wants to hear how far it is."""


@dataclass(frozen=True, slots=True)
class Walk:
    """A recorded walk: what stood there before it, its steps, and what Slack has after it.

    `heard` of the messages were there before it.
    """

    before: Image
    steps: Sequence[Step]
    messages: Sequence[dict[str, Any]]
    heard: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """What stands on the disk after a cut that came after a step, and what Slack has by then."""

    step: int
    last: str
    kind: str
    image: Image
    messages: Sequence[dict[str, Any]]

    def __str__(self) -> str:
        return f"cut after step {self.step} ({self.last}), {self.kind}"


class Rig:
    """What all cases of a run share: a fork server, a stand-in for Slack, a folder. Use it with `with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = ForkServer()
        self._slack = SlackStandIn()
        self._stack = ExitStack()

    def __enter__(self) -> Rig:
        self._folder.mkdir(parents=True)
        self._stack.enter_context(self._server)
        self._stack.enter_context(self._slack)
        return self

    def __exit__(self, *of: object) -> None:
        self._stack.close()

    def record(self, *, plant: str = "", ledger: bool = True) -> Walk:
        """The way of all articles; without a ledger it is made on that way."""
        home = self._home("recorded")
        way.prepare(home, ARTICLES, ledger=ledger)
        self._slack.messages.clear()
        return self._record(self._case(home, days_behind=3, plant=plant))

    def record_after(self, cut: Cut) -> Walk:
        """The walk that goes on after a cut."""
        home = self._home("recorded")
        self._go_back(home, cut)
        return self._record(self._case(home, days_behind=2))

    def walk_on(self, cut: Cut) -> list[str]:
        """All faults of a home on which a clean walk goes on after a cut."""
        home = self._home("home")
        self._go_back(home, cut)
        end = self._server.run(self._case(home, days_behind=1))
        faults = [] if end == End.IDLE else [f"the walk that went on ended with {end}"]
        faults += account(home, ARTICLES, self._slack.messages, alerted=ALERTED)
        return faults + _empty_explanations(home)

    def _record(self, case: Case) -> Walk:
        """Raises unless the replay of the walk leaves what the walk left, byte for byte."""
        log = self._folder / "calls"
        before, heard = image_of(case.home, _is_shared_memory), len(self._slack.messages)
        child = self._server.fork(case)
        with recorded(child, log):
            end = self._server.let_go()
        if end != End.IDLE:
            raise RuntimeError(f"the walk to be recorded ended with {end}, see {case.log}")
        with log.open(encoding="ascii") as lines:
            steps = tuple(Recording(case.home).steps(lines))
        walk = Walk(before, steps, tuple(self._slack.messages), heard)
        _check(walk, image_of(case.home, _is_shared_memory))
        return walk

    def _home(self, name: str) -> Path:
        home = self._folder / name
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        return home

    def _go_back(self, home: Path, cut: Cut) -> None:
        cut.image.write(home)
        self._slack.messages[:] = cut.messages

    def _case(self, home: Path, *, days_behind: int, plant: str = "") -> Case:
        return Case(home, self._slack.url, self._folder / "log", plant=plant, days_behind=days_behind)


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: each cut of a walk, of a first start, second cuts, and a ledger that is not synced."""
    if why := strace.missing():
        return [Outcome("power cuts", 0, (), f"skipped: {why}")]
    return [
        suffer(folder / "once", say=say),
        suffer(folder / "first", most=100, ledger=False, say=say),
        suffer_twice(folder / "twice", say=say),
        find_the_plant(folder / "plant", say=say),
    ]


def suffer(
    folder: Path,
    *,
    most: int | None = None,
    plant: str = "",
    ledger: bool = True,
    kinds: Collection[str] = (),
    say: Callable[[str], None] = _to_nobody,
) -> Outcome:
    """Record a walk, and walk on from what its cuts leave: from all of it, or from `most` spread evenly.

    `kinds` are those of the images, by default all; `plant` is a fault of the recorded walk only;
    without a `ledger` that walk makes it.
    """
    began = time.monotonic()
    faults: list[str] = []
    with Rig(folder) as rig:
        walk = rig.record(plant=plant, ledger=ledger)
        found = list(cuts(walk, kinds))
        tried = spread(found, most)
        for number, cut in enumerate(tried, 1):
            faults += [f"{cut}: {fault}" for fault in rig.walk_on(cut)]
            if number % 50 == 0:
                say(f"{number} of {len(tried)} images, {len(faults)} faults")
    note = f"of {len(found)} images, {len(walk.steps)} steps; took {time.monotonic() - began:.0f} s"
    part = "power cut after each call" if ledger else "power cut at the first start"
    return Outcome(part, len(tried), tuple(faults), note)


def suffer_twice(
    folder: Path, *, firsts: int = 8, most: int = 15, say: Callable[[str], None] = _to_nobody
) -> Outcome:
    """Cut, record the walk that goes on, cut that one too: `most` images of each of `firsts` first cuts."""
    began = time.monotonic()
    faults: list[str] = []
    cases = 0
    with Rig(folder) as rig:
        for first in spread(list(cuts(rig.record())), firsts):
            tried = spread(list(cuts(rig.record_after(first))), most)
            cases += len(tried)
            for second in tried:
                faults += [f"{first}; {second}: {fault}" for fault in rig.walk_on(second)]
            say(f"{cases} images of second cuts, {len(faults)} faults")
    note = f"{firsts} first cuts; took {time.monotonic() - began:.0f} s"
    return Outcome("power cut in the walk after a power cut", cases, tuple(faults), note)


def find_the_plant(folder: Path, *, say: Callable[[str], None] = _to_nobody) -> Outcome:
    """A ledger that does not sync its commits loses rows of moved files; that none is seen is the fault."""
    found = suffer(folder, plant=PLANT, kinds={STRICTEST}, say=say)
    showing = [fault for fault in found.faults if _ROW_LOST in fault]
    missed = () if showing else (f"no image showed the planted fault {PLANT!r}",)
    images = len({fault.partition(":")[0] for fault in showing})
    note = f"{images} of them miss a row of a file that was moved; {found.note}"
    return Outcome(f"power cut, planted: {PLANT}", found.cases, missed, note)


def spread(found: Sequence[Cut], most: int | None) -> Sequence[Cut]:
    """As many of the cuts as are wanted, evenly spread."""
    if most is None or most >= len(found):
        return found
    return [found[number * len(found) // most] for number in range(most)]


def cuts(walk: Walk, kinds: Collection[str] = ()) -> Iterator[Cut]:
    """What cuts may leave, in the order of the steps; nothing that differs in no byte comes twice."""
    disk = Disk(walk.before)
    seen: set[str] = set()
    heard = walk.heard
    paths: dict[int, str] = {}
    for number, step in enumerate(walk.steps, 1):
        if isinstance(step, Open):
            paths[step.handle] = step.path or "the home"
        if isinstance(step, Post):
            heard += 1
        elif not disk.apply(step):
            continue
        for kind, survives in _kinds(number):
            if kinds and kind not in kinds:
                continue
            image = disk.after_cut(survives).without(_is_shared_memory)
            fingerprint = _fingerprint(image, heard)
            if fingerprint not in seen:
                seen.add(fingerprint)
                yield Cut(number, _told(step, paths), kind, image, walk.messages[:heard])


def _check(walk: Walk, left: Image) -> None:
    """The model is to be trusted only if it ends where the real folder does."""
    disk = Disk(walk.before)
    for step in walk.steps:
        if not isinstance(step, Post):
            disk.apply(step)
    if disk.after_cut(everything_written).without(_is_shared_memory) != left:
        raise AssertionError("the replay does not leave what the walk left")
    posts = sum(isinstance(step, Post) for step in walk.steps)
    if walk.heard + posts != len(walk.messages):
        raise AssertionError(f"{posts} posts were recorded, and Slack got {len(walk.messages) - walk.heard}")


def _empty_explanations(home: Path) -> list[str]:
    """A name can reach the disk before its content does."""
    explanations = (home / "failed").glob("*.error.json")
    return [f"{path.name} is empty" for path in explanations if not path.read_bytes().strip(b"\0")]


def _kinds(step: int) -> Iterator[tuple[str, Survives]]:
    yield STRICTEST, nothing_unsynced
    yield MILDEST, everything_written
    for seed in range(step * _CHANCES, (step + 1) * _CHANCES):
        yield f"by chance {seed}", by_chance(seed)


def _is_shared_memory(name: str) -> bool:
    """SQLite writes its -shm through mmap, and builds it anew."""
    return name == f"{LEDGER}-shm"


def _fingerprint(image: Image, posts: int) -> str:
    digest = hashlib.sha256(repr((posts, sorted(image.folders), sorted(image.links.items()))).encode())
    for name, content in sorted(image.files.items()):
        digest.update(f"{name!r} {len(content)} ".encode())
        digest.update(content)
    return digest.hexdigest()


def _told(step: Step, paths: Mapping[int, str]) -> str:
    """A step in a few words; `paths` are what the handles were opened as."""
    match step:
        case Open(path=path):
            return f"open {path}"
        case Write(handle, data, offset):
            return f"write {len(data)} bytes to {paths[handle]} at {'its end' if offset is None else offset}"
        case Resize(handle, size):
            return f"resize {paths[handle]} to {size}"
        case Sync(handle):
            return f"sync {paths[handle]}"
        case Link(old, new):
            return f"link {old} to {new}"
        case Rename(old, new):
            return f"rename {old} to {new}"
        case Remove(path):
            return f"remove {path}"
        case MakeFolder(path):
            return f"make {path}/"
        case Post():
            return "post"
