"""Batches: files that are ready, read and tagged together.

While there are many, a process beside this one tags the next batch as this one is recorded. A
lone file, or a few, are tagged here at once.
"""

from __future__ import annotations

import errno
import logging
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from classifier import Reader, needs_jail
from daemon import arrivals, beside, clock, ledger, poison
from daemon.arrivals import Arrival, Content
from daemon.beside import Beside, Found, GoneError
from daemon.claiming import Claiming
from daemon.config import Settings
from daemon.database import Database, plainly
from daemon.errors import DaemonError
from daemon.inbox import Candidate, Inbox, printable
from daemon.serving import Serving

logger = logging.getLogger(__name__)

_Made = TypeVar("_Made")

# A batch ends at so many files, bytes, or seconds of reading.
_MOST_FILES, _MOST_BYTES, _LONGEST = 400, 8 * 2**20, 1.0
_MOST_JAILED = 40  # files of it that need a parser: each takes as long as many texts
_CLAIMED = 100  # files at a time, so that other daemons of the inbox have some too

# To start a process takes as long as to tag a thousand files; it stays for a while, should more come.
_MANY = 2000  # files
_KEPT = 30.0  # seconds without a batch
_AFTER_A_DEATH = 600.0  # seconds

# Not the fault of the file in hand: the next one would fare no better.
EVERYBODYS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}
)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was read, each with its fingerprint, and which of these the ledger knows."""

    contents: Sequence[Content]
    prints: Sequence[str]
    known: Collection[str]

    @property
    def to_tag(self) -> list[bool]:
        each = zip(self.contents, self.prints, strict=True)
        return [content.failure is None and fingerprint not in self.known for content, fingerprint in each]


def _arrival(content: Content, fingerprint: str, found: Found) -> Arrival:
    return Arrival(
        content.candidate,
        fingerprint,
        found.tagged,
        found.failure,
        sketches=found.sketches,
        left_out=found.left_out,
    )


class Batches:
    """What is ready in the inbox, taken a batch at a time. `put_off` is told what cannot be read now."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        inbox: Inbox,
        serving: Serving,
        note: poison.Note,
        claiming: Claiming,
    ) -> None:
        self._models = settings.models
        self._reader = Reader(settings.reading.rules)
        self._poison_tries = settings.poison_tries
        self._database = database
        self._inbox = inbox
        self._serving = serving
        self._note = note
        self._claiming = claiming
        self._ready: deque[Candidate] = deque()
        self._ours: deque[Candidate] = deque()  # of those that were ready
        self._are_others = False  # is all that was asked for last
        self._begun: deque[_Batch] = deque()  # in the process beside
        self._beside: Beside | None = None
        self._used_at = 0.0
        self._not_before = float("-inf")

    @property
    def reader(self) -> Reader:
        return self._reader

    @property
    def are_empty(self) -> bool:
        return not self._ready and not self._ours and not self._begun

    @property
    def are_others(self) -> bool:
        """Whether there is nothing to do but what other daemons are at."""
        return self.are_empty and self._are_others

    @property
    def _waiting(self) -> int:
        return len(self._ready) + len(self._ours)

    def add(self, ready: Iterable[Candidate]) -> None:
        self._ready.extend(ready)

    def drop(self) -> None:
        """Forget all that is ready or begun: the next look finds it again."""
        self._ready.clear()
        self._ours.clear()
        with suppress(SQLAlchemyError, DaemonError):  # they are ours still, and may be claimed again
            self._claiming.let_all_go()
        if self._begun:
            self._end_begun()

    def rest(self, now: float) -> None:
        """There is nothing to do: what was started for many files ends after a while."""
        if self._beside is not None and now - self._used_at > _KEPT:
            self._end_begun()

    def close(self) -> None:
        self._end_begun()
        self._reader.close()

    def _end_begun(self) -> None:
        self._begun.clear()
        self._end_beside()

    def next(self) -> list[Arrival]:
        """The next batch, tagged; only a part of it if that takes long or much memory."""
        try:
            if not self._begun:
                batch = self._read()
                if not (self._waiting and self._is_beside_ready() and self._hand(batch)):
                    return self._here(batch)
            following = self._read()
            if following.contents and not self._hand(following):
                self._put_back(following.contents)
            return self._taken()
        finally:
            self._note.free()

    def put_off(self, candidate: Candidate, error: Exception) -> None:
        """It cannot be taken now, and is tried again later."""
        wait = self._inbox.put_off(candidate, clock.monotonic())
        logger.warning(
            "file cannot be taken now, it stays in the inbox",
            extra={"file": printable(candidate.name), "error": plainly(error), "again_in": wait},
        )

    def _is_beside_ready(self) -> bool:
        """Whether a process beside can take a batch; one is started where many files are ready."""
        now = clock.monotonic()
        pays = self._waiting >= _MANY and len(os.sched_getaffinity(0)) > 1
        try:
            if self._beside is None and pays and now >= self._not_before:
                self._beside = Beside(self._models, self._reader.rules)
                self._used_at = now
            return self._beside is not None and self._beside.is_ready()
        except GoneError:
            self._lose()
            return False

    def _hand(self, batch: _Batch) -> bool:
        """Have a batch tagged beside; False where there is nobody any more."""
        if self._beside is None:
            return False
        model = self._serving.model
        files = compress(((each.candidate.path.name, each.data) for each in batch.contents), batch.to_tag)
        try:
            self._beside.hand(beside.Batch(model.version, model.retired, model.cuts, tuple(files)))
        except GoneError:
            self._lose()
            return False
        self._begun.append(batch)
        self._used_at = clock.monotonic()
        return True

    def _taken(self) -> list[Arrival]:
        """The batch that was begun first beside; tagged here where that failed."""
        batch, tagged = self._begun.popleft(), None
        try:
            tagged = self._beside.take() if self._beside is not None else None
        except GoneError:
            self._lose()
        if tagged is None:
            return self._here(batch)
        found = iter(tagged)
        return [
            _arrival(content, fingerprint, next(found) if to_tag else Found((), (), content.failure))
            for content, fingerprint, to_tag in zip(batch.contents, batch.prints, batch.to_tag, strict=True)
        ]

    def _lose(self) -> None:
        logger.warning("the process that tagged beside has gone; batches are tagged here")
        self._end_beside()
        self._not_before = clock.monotonic() + _AFTER_A_DEATH

    def _end_beside(self) -> None:
        if self._beside is not None:
            self._beside.close()
            self._beside = None

    def _put_back(self, contents: Sequence[Content]) -> None:
        self._ours.extendleft(content.candidate for content in reversed(contents))

    def _here(self, batch: _Batch) -> list[Arrival]:
        return self._tagged(self._opened(batch))

    def _read(self) -> _Batch:
        contents = self._contents()
        prints = [content.fingerprint for content in contents]
        if not contents:
            return _Batch((), (), ())
        with self._database.reading() as connection:
            return _Batch(contents, prints, ledger.first_files(connection, prints))

    def _contents(self) -> list[Content]:
        """The bytes of what is ready, up to a batch of them."""
        contents: list[Content] = []
        unread: list[Candidate] = []
        started, size, jailed = clock.monotonic(), 0, 0
        while len(contents) < _MOST_FILES and size < _MOST_BYTES and jailed < _MOST_JAILED:
            if not self._claim():
                break
            content = self._content(candidate := self._ours.popleft())
            if content is None:
                unread.append(candidate)
            else:
                contents.append(content)
                size += len(content.data)
                jailed += needs_jail(content.data, content.candidate.path.name)
            if clock.monotonic() - started > _LONGEST:
                break
        self._claiming.let_go(unread)
        return contents

    def _claim(self) -> bool:
        """Have some of what is ready for ourselves, whether there is any; others see to what they are at."""
        while self._ready and not self._ours:
            asked = [self._ready.popleft() for _ in range(min(_CLAIMED, len(self._ready)))]
            self._ours.extend(self._claiming.claim(asked))
            self._are_others = not self._ours
        return bool(self._ours)

    def _content(self, candidate: Candidate) -> Content | None:
        deaths = self._inbox.deaths(candidate)
        if deaths >= self._poison_tries:
            return Content(candidate, failure=arrivals.deadly(deaths))
        if self._inbox.is_being_written(candidate, clock.monotonic()):
            return None
        return self._with(candidate, lambda: arrivals.read(candidate, self._reader))

    def _opened(self, batch: _Batch) -> list[Arrival]:
        """The articles in what was read, but of bytes that the ledger knows. What takes long ends it."""
        found: list[Arrival] = []
        started = clock.monotonic()
        for number, (content, fingerprint) in enumerate(zip(batch.contents, batch.prints, strict=True)):
            if fingerprint in batch.known:
                found.append(Arrival(content.candidate, fingerprint))
                continue
            if clock.monotonic() - started > _LONGEST:
                self._put_back(batch.contents[number:])
                break
            work = partial(arrivals.opened, content, fingerprint, self._reader)
            arrival = self._with(content.candidate, work)
            if arrival is not None:
                found.append(arrival)
        return found

    def _tagged(self, opened: Sequence[Arrival]) -> list[Arrival]:
        """All together, but singly where the process died over some of them or where that fails."""
        if not any(self._inbox.is_suspect(each.candidate) for each in opened):
            self._note.hold(each.candidate.identity for each in opened if each.articles)
            try:
                return arrivals.tag(opened, self._serving.model)
            except Exception:
                logger.exception("tagging a batch failed, its files are tagged one by one")
        singly = [self._with(each.candidate, partial(self._tagged_alone, each)) for each in opened]
        return [arrival for arrival in singly if arrival is not None]

    def _tagged_alone(self, opened: Arrival) -> Arrival:
        (arrival,) = arrivals.tag([opened], self._serving.model)
        return arrival

    def _with(self, candidate: Candidate, work: Callable[[], _Made | None]) -> _Made | None:
        """What is made of a file; None if it has gone, is still being written, or cannot be read now."""
        self._note.hold([candidate.identity])
        try:
            return work()
        except FileNotFoundError:
            logger.info("file vanished before it was read", extra={"file": printable(candidate.name)})
        except OSError as error:
            if error.errno in EVERYBODYS:
                raise
            self.put_off(candidate, error)
        except Exception as error:
            logger.exception("reading a file failed", extra={"file": printable(candidate.name)})
            self.put_off(candidate, error)
        return None
