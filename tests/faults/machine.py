"""Everything at once, in any order: a state machine of writers, deaths, full disks, lies and wrong clocks.

Hypothesis makes up programs of the rules below (D. R. MacIver et al., "Hypothesis: A new approach to
property-based testing", JOSS 2019) and shrinks one that finds a fault to the shortest. What was
dropped is kept as papers; at the end all is mended, time passes, and every paper and every alert is
accounted for.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import random
import re
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from pathlib import Path
from typing import Any, ClassVar, Concatenate, ParamSpec

import hypothesis
from hypothesis import HealthCheck, Phase, strategies
from hypothesis.reporting import with_reporter
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileSystemEvent

from classifier import Model, UnreadableArticleError, load_model, read_articles
from daemon import routing
from daemon.config import Route
from tests.faults.accounting import Outcome
from tests.faults.articles import article_text
from tests.faults.world import RECEIVERS, Configuration, Template, World, make_template
from tests.slack_stand_in import Fault

NAMES = (
    "a.txt",
    "b.txt",
    "news of today.txt",
    "sub/a.txt",
    "sub/deep/b.txt",
    "новость.txt",
    "-rf two\nlines.txt",
    os.fsdecode(b"not utf-8 \xff.txt"),
    "x" * 251 + ".txt",
)
FIRST = ("nothing", "a title", "an article")  # what a slow writer begins with
_TITLE = b"Refinery number %d restarts crude unit\n"
_MORE = {
    "energy": b"More crude oil and gas came from the field than a year ago, line %d.\n",
    "trade": b"Export duty fell, exports rose, and export after export was shipped, line %d.\n"
    b"Exporters counted every export of exports, and the export office was content.\n",
    "neither": b"The coach praised his team for its calm, line %d.\n",
}
_TRADE = b"Ministers at meeting number %d spoke of export\nExport, exports and more export.\n"

# What Slack does to the next post, by name.
LIES: Mapping[str, Fault] = {
    "500 though posted": Fault(status=500, posted=True),
    "500": Fault(status=500),
    "reset though posted": Fault("reset", posted=True),
    "reset": Fault("reset"),
    "closed though posted": Fault("close", posted=True),
    "429 though posted": Fault(status=429, posted=True, headers={"Retry-After": "20"}),
    "429": Fault(status=429, headers={"Retry-After": "20"}),
    "html": Fault("html"),
    "html though posted": Fault("html", posted=True),
    "ratelimited": Fault("error", error="ratelimited", headers={"Retry-After": "5"}),
    "internal_error though posted": Fault("error", error="internal_error", posted=True),
    "invalid_auth": Fault("error", error="invalid_auth"),
    "channel_not_found": Fault("error", error="channel_not_found"),
    "is_archived": Fault("error", error="is_archived"),
}
WEATHER: Mapping[str, Fault | None] = {
    "503": Fault(status=503),
    "html": Fault("html"),
    "reset": Fault("reset"),
    "good": None,
}
JUMPS = (-31_536_000.0, -86_400.0, -3600.0, -60.0, -1.0, 1.0, 60.0, 3600.0, 86_400.0, 31_536_000.0)

_LONGEST_DRAIN = 3 * 3600.0  # seconds
_GROWTH_IS_SEEN = 700.0  # seconds: daemon.growth looks at a day's files every ten minutes
_LATE = 20 * 3600.0  # a clock that was set back further hides growth, which is looked for a day
_TOLD = re.compile(r"(Energy|Trade) \d+%")
_EACH = "● "  # before each of several alerts in a message
_NUMBER = re.compile(r"number (\d+) ")

_P = ParamSpec("_P")


@dataclass
class Paper:
    """One file that somebody dropped: what is in it, and what has been in it."""

    number: int
    name: str  # in the inbox, or where it last was there
    data: bytes
    inode: int
    is_open: bool = False
    handle: int | None = None
    outside: Path | None = None  # another name of it, outside the home
    is_gone: bool = False  # taken away, or written over, by a person
    versions: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions.append(self.data)


@dataclass(frozen=True, slots=True)
class Said:
    """One message: about which article, to whom, of which topics."""

    number: int
    receiver: str
    topics: frozenset[str]


@cache
def template() -> Template:
    """Made once in a process."""
    folder = Path(tempfile.mkdtemp(prefix="topicwire-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make_template(folder)


@cache
def _model() -> Model:
    return load_model(template().folder / "models", template().versions[0])


@cache
def topics_for(data: bytes, topics: tuple[str, ...] | None) -> frozenset[str]:
    """Of which topics a receiver with such a route would hear, of a text read on its own."""
    try:
        articles = read_articles(data, "article.txt")
    except UnreadableArticleError:
        return frozenset()
    model, route = _model(), Route(receiver="desk", topics=topics)
    alerts = [
        alert
        for article in articles
        for alert in routing.alerts(model.tag(article), (route,), model.titles, file="article.txt")
    ]
    return frozenset(topic.title for alert in alerts for topic in alert.topics)


def heard(messages: Iterable[Mapping[str, Any]]) -> list[Said]:
    """The alerts in the messages that Slack kept, in the order they came."""
    return [said for message in messages for said in _said(str(message["text"]), str(message["channel"]))]


def _said(text: str, channel: str) -> Iterator[Said]:
    """Each alert of a message: alone it has a quote behind it, together each has its sign."""
    entries = text.split(_EACH)[1:] if _EACH in text else [text.split("“", maxsplit=1)[0]]
    for entry in entries:
        numbers = set(_NUMBER.findall(entry))
        assert len(numbers) == 1, f"an alert is about {len(numbers)} articles: {text!r}"
        yield Said(int(numbers.pop()), channel, frozenset(_TOLD.findall(entry)))


def repeats(said: Sequence[Said]) -> list[str]:
    """Messages that tell a receiver nothing it was not told before."""
    told: dict[tuple[int, str], frozenset[str]] = {}
    faults = []
    for each in said:
        before = told.get((each.number, each.receiver), frozenset())
        if each.topics <= before:
            faults.append(f"{each.receiver} was told twice that {each.number} is about {sorted(each.topics)}")
        told[each.number, each.receiver] = before | each.topics
    return faults


def counted(
    function: Callable[Concatenate[Breaking, _P], None],
) -> Callable[Concatenate[Breaking, _P], None]:
    """Counts how often a rule is executed, for the report."""

    @wraps(function)
    def step(machine: Breaking, /, *given: _P.args, **more: _P.kwargs) -> None:
        machine.tally[function.__name__] += 1
        function(machine, *given, **more)

    return step


_which = strategies.integers(0, 30)
_pause = strategies.sampled_from((0.0, 1.0, 6.0, 40.0, 700.0))
_more = strategies.lists(strategies.sampled_from(sorted(_MORE)), max_size=2)


class Breaking(RuleBasedStateMachine):
    """The rules. To repeat a program by hand, make one, call the rules, and `teardown()`."""

    folder: ClassVar[Path | None] = None  # where homes are made; None: where temporary files go
    tally: ClassVar[Counter[str]] = Counter()
    sums: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="world-", dir=self.folder))
        self.outside = self.base / "outside"
        self.outside.mkdir()
        self.world = World(self.base / "home", template())
        self.world.__enter__()
        self.papers: list[Paper] = []
        self.odd: list[Path] = []
        self.furthest_back = 0.0
        self._heard = 0
        self._renames = 0

    # Writers

    @rule(
        name=strategies.sampled_from(NAMES),
        first=strategies.sampled_from(FIRST),
        linked=strategies.booleans(),
        pause=_pause,
        more=_more,
    )
    @counted
    def begin(self, name: str, first: str, linked: bool, pause: float, more: list[str]) -> None:
        """Somebody begins to write a file in place, perhaps by another name of it that is opened each
        time; pauses, perhaps for so long that it is taken; and goes on.
        """
        number = len(self.papers)
        path = self._free(name, number)
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        paper = Paper(number, self._name(path), b"", os.fstat(handle).st_ino, is_open=True)
        if linked:
            os.close(handle)
            paper.outside = self.outside / str(number)
            os.link(path, paper.outside)
        else:
            paper.handle = handle
        self.papers.append(paper)
        self._tell(FileCreatedEvent(str(path)))
        if first != "nothing":
            self._write(paper, _TITLE % number if first == "a title" else article_text(number))
        self._go_on(paper, pause, more)

    @precondition(lambda self: self._writing())
    @rule(which=_which, pause=_pause, more=_more)
    @counted
    def write(self, which: int, pause: float, more: list[str]) -> None:
        """More of a file, after a pause; perhaps long after it was taken."""
        self._go_on(_choose(self._writing(), which), pause, more)

    def _go_on(self, paper: Paper, pause: float, more: list[str]) -> None:
        self.world.pass_time(pause)
        for kind in more:
            if not paper.data:
                self._write(paper, _TITLE % paper.number)
            self._write(paper, _MORE[kind] % len(paper.versions))

    @precondition(lambda self: self._writing())
    @rule(which=_which)
    @counted
    def finish(self, which: int) -> None:
        """The writer closes the file."""
        self._close(_choose(self._writing(), which))

    @rule(
        arrivals=strategies.lists(
            strategies.tuples(
                strategies.sampled_from(NAMES),
                strategies.sampled_from(("energy", "trade", "quiet", "empty")),
                strategies.sampled_from(("tmp", "outside", "in place")),
            ),
            min_size=1,
            max_size=5,
        ),
        told=strategies.booleans(),
    )
    @counted
    def drop(self, arrivals: list[tuple[str, str, str]], told: bool) -> None:
        """Whole files arrive, by rename from tmp/ or from outside, over what has their name, or in one
        write; `told`: we get the events.
        """
        for name, kind, way in arrivals:
            happened = self._arrive(name, kind, way)
            if told:
                self._tell(happened)

    def _arrive(self, name: str, kind: str, way: str) -> FileSystemEvent:
        number = len(self.papers)
        data = self._text(number, kind)
        if way == "in place":
            path = self._free(name, number)
            self._add(path, number, data)
            return FileClosedEvent(str(path))
        source = (self.world.inbox / "tmp" if way == "tmp" else self.outside) / f"fresh-{number}"
        source.parent.mkdir(exist_ok=True)
        source.write_bytes(data)
        path = self._over(name, number)
        source.rename(path)
        self._add(path, number, data, written=True)
        return FileMovedEvent(str(source), str(path)) if way == "tmp" else FileCreatedEvent(str(path))

    @precondition(lambda self: self._waiting())
    @rule(which=_which, kind=strategies.sampled_from(("energy", "quiet")))
    @counted
    def rewrite(self, which: int, kind: str) -> None:
        """A file that waits is written over in place: the same name, another article."""
        old = _choose(self._waiting(), which)
        number = len(self.papers)
        path, data = self.world.inbox / old.name, self._text(number, kind)
        with path.open("r+b") as file:
            file.truncate()
            file.write(data)
        self._close(old)
        old.is_gone = True
        self._add(path, number, data, written=True)

    @precondition(lambda self: self._whole())
    @rule(which=_which, name=strategies.sampled_from(NAMES))
    @counted
    def repeat(self, which: int, name: str) -> None:
        """The same bytes arrive again, under some name."""
        paper = _choose(self._whole(), which)
        self._add(self._free(name, len(self.papers)), paper.number, paper.data)

    @precondition(lambda self: self._waiting())
    @rule(which=_which, name=strategies.sampled_from(NAMES))
    @counted
    def rename(self, which: int, name: str) -> None:
        """A file that waits gets another name."""
        paper = _choose(self._waiting(), which)
        path = self._free(name, 10_000 + self._renames)
        self._renames += 1
        old = self.world.inbox / paper.name
        old.rename(path)
        paper.name = self._name(path)
        self._tell(FileMovedEvent(str(old), str(path)))

    @precondition(lambda self: self._waiting())
    @rule(which=_which)
    @counted
    def delete(self, which: int) -> None:
        """A file that waits is taken away."""
        paper = _choose(self._waiting(), which)
        (self.world.inbox / paper.name).unlink()
        self._close(paper)
        paper.is_gone = True

    @rule(what=strategies.sampled_from(("link", "dangling link", "pipe", "folder", "unfinished")))
    @counted
    def leave_something_odd(self, what: str) -> None:
        """Something that is no article: it must be left alone."""
        path = self.world.inbox / f"odd-{len(self.odd)}.txt"
        match what:
            case "link":
                path.symlink_to(self.base / "home" / "models" / "current")
            case "dangling link":
                path.symlink_to("nowhere")
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case _:
                path = path.with_suffix(".part")
                path.write_bytes(article_text(1_000_000))
        self.odd.append(path)

    # The process

    @rule(effect=strategies.integers(1, 40), seconds=strategies.sampled_from((0.0, 3.0, 30.0)))
    @counted
    def kill(self, effect: int, seconds: float) -> None:
        """The process will die before its n-th effect from here, whenever that is."""
        self.world.kill_before(effect)
        self.world.pass_time(seconds)

    @rule(
        configuration=strategies.builds(
            Configuration,
            settle=strategies.sampled_from((0.0, 2.0, 5.0)),
            second_topics=strategies.sampled_from((("trade",), ("energy", "trade"))),
        )
    )
    @counted
    def restart(self, configuration: Configuration) -> None:
        """A clean stop; when time passes it starts again, perhaps under another configuration."""
        self.world.reload(configuration)

    @rule(which=strategies.integers(0, 1))
    @counted
    def swap_model(self, which: int) -> None:
        self.world.swap_model(template().versions[which])

    # Slack

    @rule(
        weather=strategies.sampled_from(("down", "503", "html", "reset", "good")),
        spared=strategies.booleans(),
        seconds=_pause,
    )
    @counted
    def slack(self, weather: str, spared: bool, seconds: float) -> None:
        """From here on Slack is down, answers badly or well; `spared`: its history can be read."""
        slack = self.world.stand_in
        if weather == "down":
            slack.go_down()
        else:
            slack.weather = WEATHER[weather]
            slack.spared = frozenset({"conversations.history", "conversations.replies"} if spared else ())
            slack.come_up()
        self.world.pass_time(seconds)

    @rule(lies=strategies.lists(strategies.sampled_from(sorted(LIES)), min_size=1, max_size=4))
    @counted
    def slack_lies(self, lies: list[str]) -> None:
        """What the next posts meet."""
        self.world.stand_in.faults.extend(LIES[lie] for lie in lies)

    # Disk and clock

    @rule(full=strategies.booleans(), seconds=_pause)
    @counted
    def disk(self, full: bool, seconds: float) -> None:
        """The disk is full from here on, or has room again."""
        if full:
            self.world.fill_disk()
        else:
            self.world.free_disk()
        self.world.pass_time(seconds)

    @rule(seconds=strategies.sampled_from((0.0, *JUMPS)))
    @counted
    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, by so much or (0.0) right."""
        clockwork = self.world.clockwork
        clockwork.wrong_by = clockwork.wrong_by + seconds if seconds else 0.0
        self.furthest_back = min(self.furthest_back, clockwork.wrong_by)

    @rule(seconds=strategies.sampled_from((1.0, 60.0, 900.0, 3600.0)))
    @counted
    def freeze(self, seconds: float) -> None:
        self.world.freeze(seconds)

    @rule(
        seconds=strategies.sampled_from((0.0, 0.5, 2.0, 3.0, 7.0, 20.0, 60.0, 320.0)),
        tick=strategies.booleans(),
    )
    @counted
    def pass_time(self, seconds: float, tick: bool = False) -> None:
        """Time passes; `tick`: the inbox is looked at at once."""
        if tick:
            self.world.wake()
        self.world.pass_time(seconds)

    # What must hold

    @invariant()
    def nobody_is_told_twice(self) -> None:
        with self.world.stand_in.lock:
            messages = list(self.world.stand_in.messages)
        if len(messages) == self._heard:
            return
        self._heard = len(messages)
        _must_be_sound(repeats(heard(messages)))

    def teardown(self) -> None:
        try:
            self._mend()
            _must_be_sound(self._drain())
            _must_be_sound(list(self._account()))
            self._add_up()
        finally:
            for paper in self.papers:
                self._close(paper)
            self.world.__exit__()
            shutil.rmtree(self.base)

    def _mend(self) -> None:
        """All that is broken is whole again, and the writers have gone home."""
        for paper in self.papers:
            self._close(paper)
        self.world.clockwork.wrong_by = 0.0
        self.world.free_disk()
        self.world.spare()
        slack = self.world.stand_in
        slack.weather = None
        slack.faults.clear()
        slack.come_up()

    def _add_up(self) -> None:
        """What happened in this program, for the report."""
        [(grown,)] = self.world.query("SELECT COUNT(*) FROM files WHERE version_of IS NOT NULL")
        [(looks,)] = self.world.query("SELECT SUM(attempts > 1) FROM deliveries")
        self.sums.update(
            {
                "programs": 1,
                "files": len(self.papers),
                "messages": len(self.world.stand_in.messages),
                "deaths": self.world.deaths,
                "failed starts": len(self.world.failed_starts),
                "grown late": grown,
                "sent more than once": looks or 0,
                "nightly runs": len(self.world.nights),
            }
        )

    def _drain(self) -> list[str]:
        """Time passes until nothing is left to do; what is left after three hours is a fault."""
        self.world.pass_time(_GROWTH_IS_SEEN)
        until = self.world.clockwork.elapsed + _LONGEST_DRAIN
        while left := [*self._still_waiting(), *self._still_owed()]:
            if self.world.clockwork.elapsed > until:
                return [*left, *self.world.errors()]
            self.world.pass_time(60.0)
        return []

    def _still_waiting(self) -> list[str]:
        return [f"{paper.name!r} is still in the inbox" for paper in self._waiting()]

    def _still_owed(self) -> list[str]:
        return [f"{number} are {state}" for state, number in self.world.query(_LEFT)]

    def _account(self) -> Iterator[str]:
        """Exact accounting at the end; a sentence for each fault."""
        home = self.world.home
        done, failed = _contents(home / "done"), _contents(home / "failed")
        kept = [paper for paper in self.papers if not paper.is_gone]
        made = Counter(paper.data for paper in kept)
        yield from _difference(made, Counter(done.values()) + Counter(failed.values()))
        died = {target for (target,) in self.world.query(_DEADLY)}
        unseen = {paper.data for paper in kept if self._is_unseen(paper)}
        for name, data in failed.items():
            if data and data not in unseen and f"failed/{name}" not in died:
                yield f"failed/{name} is sound and was set aside"
        explained = {path.name.removesuffix(_EXPLANATION) for path in home.glob(f"failed/*{_EXPLANATION}")}
        for name in explained.symmetric_difference(failed):
            yield f"failed/{name}: the file or its explanation is missing"
        yield from self._misheard(kept, set(failed.values()))
        yield from _misrecorded(home, self.world.query(_ROWS), len(kept), hidden=self._growth_is_hidden)
        for path in self.odd:
            if not os.path.lexists(path):
                yield f"{path.name} was not left alone"
        yield from (f"a temporary file is left: {path.name}" for path in home.rglob(".*.new"))
        if (found := self.world.query("PRAGMA integrity_check")) != [("ok",)]:
            yield f"the ledger is damaged: {found}"

    @property
    def _growth_is_hidden(self) -> bool:
        """Whether the clock was once so wrong that files seem to have arrived days ago."""
        return self.furthest_back < -_LATE

    def _is_unseen(self, paper: Paper) -> bool:
        return self._growth_is_hidden and len(paper.versions) > 1

    def _misheard(self, kept: Sequence[Paper], set_aside: Collection[bytes]) -> Iterator[str]:
        said = heard(self.world.stand_in.messages)
        yield from repeats(said)
        told: dict[tuple[int, str], set[str]] = {}
        for each in said:
            told.setdefault((each.number, each.receiver), set()).update(each.topics)
        routes = {"desk": (None, None), "second": (("trade",), ("energy", "trade"))}
        versions: dict[int, set[bytes]] = {}
        for paper in self.papers:
            versions.setdefault(paper.number, set()).update(paper.versions)
        for (number, receiver), topics in told.items():
            might = [topics_for(data, routes[receiver][1]) for data in versions[number]]
            if surplus := topics.difference(*might):
                yield f"{receiver} was told that {number} is about {sorted(surplus)}: it never was"
        for paper in kept:
            if paper.data in set_aside or self._is_unseen(paper):
                continue
            for receiver in RECEIVERS:
                must = topics_for(paper.data, routes[receiver][0])
                if missing := must - told.get((paper.number, receiver), set()):
                    yield f"{receiver} was never told that {paper.number} is about {sorted(missing)}"

    # Papers

    def _text(self, number: int, kind: str) -> bytes:
        match kind:
            case "energy":
                return article_text(number)
            case "trade":
                return _TRADE % number
            case "quiet":
                return article_text(number, quiet=True)
            case _:
                return b""

    def _add(self, path: Path, number: int, data: bytes, *, written: bool = False) -> None:
        if not written:
            path.write_bytes(data)
        self.papers.append(Paper(number, self._name(path), data, path.stat().st_ino))

    def _write(self, paper: Paper, data: bytes) -> None:
        if paper.handle is not None:
            os.write(paper.handle, data)
        elif paper.outside is not None:
            with paper.outside.open("ab") as file:
                file.write(data)
        paper.data += data
        paper.versions.append(paper.data)

    def _close(self, paper: Paper) -> None:
        if paper.handle is not None:
            os.close(paper.handle)
        paper.handle, paper.is_open = None, False

    def _writing(self) -> list[Paper]:
        return [paper for paper in self.papers if paper.is_open]

    def _whole(self) -> list[Paper]:
        """Files that were dropped whole: they do not grow, so the same bytes are the same article."""
        return [
            paper for paper in self.papers if len(paper.versions) == 1 and not paper.is_open and paper.data
        ]

    def _waiting(self) -> list[Paper]:
        """Files that still stand in the inbox."""
        return [paper for paper in self.papers if not paper.is_gone and self._stands(paper)]

    def _stands(self, paper: Paper) -> bool:
        try:
            return (self.world.inbox / paper.name).lstat().st_ino == paper.inode
        except FileNotFoundError:
            return False

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.world.inbox))

    def _free(self, name: str, number: int) -> Path:
        """A path in the inbox that nothing has: the name given, if it is free."""
        path = self.world.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.with_name(f"{number}.txt") if os.path.lexists(path) else path

    def _over(self, name: str, number: int) -> Path:
        """A path in the inbox to rename to; a file that has it is written over."""
        path = self.world.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for paper in self._waiting():
            if paper.name == name:
                self._close(paper)
                paper.is_gone = True
        return path

    def _tell(self, happened: FileSystemEvent) -> None:
        self.world.tell(happened)


_EXPLANATION = ".error.json"
_DEADLY = "SELECT target FROM files WHERE reason LIKE 'the process died %'"
_LEFT = (
    "SELECT state, COUNT(*) FROM deliveries WHERE state NOT IN ('sent', 'merged') GROUP BY state"
    " UNION ALL SELECT state, COUNT(*) FROM files WHERE state = 'taken' GROUP BY state"
)
_ROWS = "SELECT fingerprint, state, target FROM files WHERE state IN ('taken', 'done', 'failed') ORDER BY id"


def _choose(papers: Sequence[Paper], which: int) -> Paper:
    return papers[which % len(papers)]


def _must_be_sound(faults: Collection[str]) -> None:
    assert not faults, "; ".join(faults)


def _contents(folder: Path) -> dict[str, bytes]:
    """What each file holds, but not the explanations beside failed ones."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if not path.name.endswith(_EXPLANATION)
    }


def _difference(made: Counter[bytes], found: Counter[bytes]) -> Iterator[str]:
    for data, number in (made - found).items():
        yield f"{number} copies are lost of {data[:60]!r}"
    for data, number in (found - made).items():
        yield f"{number} copies too many of {data[:60]!r}"


def _misrecorded(home: Path, rows: Sequence[tuple[Any, ...]], kept: int, *, hidden: bool) -> Iterator[str]:
    """Each file has one row, whose target is where it stands."""
    if len(rows) != kept:
        yield f"the ledger has {len(rows)} rows that stand for files, and there are {kept}"
    targets = Counter(target for _, _, target in rows)
    yield from (f"{number} rows name {target}" for target, number in targets.items() if number > 1)
    for fingerprint, state, target in rows:
        place = home / (target or "?")
        if state not in ("done", "failed"):
            yield f"{target} is {state!r} in the ledger"
        elif not place.is_file():
            yield f"the ledger has {target}, which is not there"
        elif fingerprint and hashlib.sha256(place.read_bytes()).hexdigest() != fingerprint and not hidden:
            yield f"{target} is not what the ledger says"


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: at least 10,000 steps."""
    return [break_it(folder, steps=10_000, seed=random.SystemRandom().randrange(2**32), say=say)]


def break_it(
    folder: Path, *, steps: int, seed: int, say: Callable[[str], None] = print, shrink: bool = True
) -> Outcome:
    """Programs of 50 steps at most until so many steps are done, or one finds a fault."""
    started, lines = time.monotonic(), list[object]()
    folder.mkdir(parents=True, exist_ok=True)
    tally: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    machine = type("Breaking", (Breaking,), {"folder": folder, "tally": tally, "sums": sums})
    faults: list[str] = []
    while tally.total() < steps and not faults:
        batch = hypothesis.seed(seed)(machine)
        examples = _settings(max(5, (steps - tally.total()) // 40), shrink=shrink)
        try:
            with with_reporter(lines.append):
                run_state_machine_as_test(batch, settings=examples)
        except Exception as error:
            faults.append(
                f"{type(error).__name__}: {error}\nTo repeat it (seed {seed}):\n{_program(lines, error)}"
            )
        seed += 1
        say(f"state machine: {tally.total()} steps")
    most = ", ".join(f"{name} {number}" for name, number in tally.most_common())
    came = ", ".join(f"{number} {name}" for name, number in sums.items())
    note = f"{time.monotonic() - started:.0f} s; {came}; {most}"
    return Outcome("any order of faults (hypothesis)", tally.total(), tuple(faults), note)


def _program(lines: Iterable[object], error: Exception) -> str:
    """The program that found the fault, as Hypothesis prints it."""
    printed = "\n".join(str(line) for line in (*lines, *getattr(error, "__notes__", []))).splitlines()
    return "\n".join(line for line in printed if "nobody_is_told_twice" not in line)


def _settings(examples: int, *, shrink: bool) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
