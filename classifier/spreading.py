"""Batches ▶ their tags, in order, here or in as many processes as there are cores.

The processes are joblib's, so what joblib can reach (`--backend`) can tag.
"""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

from classifier import storage
from classifier.articles import Article
from classifier.errors import ClassifierError, UnreadableArticleError
from classifier.model import Model
from classifier.reading import Reader, articles_of_lines
from classifier.records import as_json
from classifier.rules import Rules
from classifier.streams import Batch, Mark, Piece, is_address
from classifier.tagging import Tagged

FEW = 16  # batches; to start a process for them takes longer than to tag them

_AHEAD = 32  # batches for each process, of which the first may keep the others waiting
_PARENT_LOOKED_AT = 0.5  # seconds

_T = TypeVar("_T")

_here = threading.local()  # a model is not safe for several threads at once


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a batch: its tags, as JSON Lines or as they are, and one line a problem.

    `left_out` has a line for each part of a file that is no article.
    """

    size: int
    articles: int
    lines: bytes | memoryview = b""
    tagged: tuple[tuple[str, Tagged], ...] = ()
    problems: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tagger:
    """Tags batches, with a model that each thread and process loads once, by its path, and one reader.

    Names of files that begin at no root are looked up in `folder`, else in the working folder.
    """

    models: Path
    version: str
    retired: frozenset[str]
    json: bool
    rules: Rules = field(default_factory=Rules)
    folder: str = ""

    def use(self, model: Model) -> None:
        """Tag with this one here, where it has been loaded already."""
        _here.of, _here.model, _here.reader = self, model, Reader(self.rules)

    def model(self) -> Model:
        if getattr(_here, "of", None) != self:
            self.use(replace(storage.load(self.models, self.version), retired=self.retired))
        return _here.model  # type: ignore[no-any-return]

    def read(self, batch: Batch) -> tuple[Reading, list[tuple[str, Article]]]:
        """The articles of a batch, each with the name of its file."""
        self.model()
        read = Reading(_here.reader, self.folder)
        return read, [(piece.file, article) for piece in batch for article in read.articles(piece)]

    def __call__(self, batch: Batch) -> Told:
        model = self.model()
        read, articles = self.read(batch)
        found = model.tag_all(article for _, article in articles)
        tagged = tuple(zip((file for file, _ in articles), found, strict=True))
        size = sum(piece.size for piece in batch)
        if not self.json:
            return Told(size, len(tagged), b"", tagged, tuple(read.problems), tuple(read.left_out))
        lines = [json.dumps(as_json(found, file), ensure_ascii=False) + "\n" for file, found in tagged]
        # A name may hold what UTF-8 cannot.
        text = "".join(lines).encode("utf-8", "backslashreplace")
        return Told(size, len(tagged), text, (), tuple(read.problems), tuple(read.left_out))


def spread(
    tagger: Callable[[Batch], _T], batches: Iterable[Batch], *, jobs: int | None, backend: str
) -> Generator[tuple[Mark, _T]]:
    """What came of each batch and the mark after it, in order, with a bounded number in the making.

    Without `jobs`: all cores, and for a few batches this process alone.
    """
    batches = iter(batches)
    if jobs is None:
        first = tuple(islice(batches, FEW + 1))
        batches = chain(first, batches)
        jobs = _cores() if len(first) > FEW else 1
    if jobs == 1:
        for batch in batches:
            yield batch[-1].after, tagger(batch)
        return
    yield from _in_processes(tagger, batches, jobs, backend)


def _in_processes(
    tagger: Callable[[Batch], _T], batches: Iterator[Batch], jobs: int, backend: str
) -> Generator[tuple[Mark, _T]]:
    from multiprocessing import resource_tracker

    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool
    from joblib.parallel import get_active_backend

    marks: deque[Mark] = deque()

    def tasks() -> Iterator[object]:
        # A round ends before the next begins: joblib itself would run ahead of a slow batch for ever.
        for batch in islice(batches, _AHEAD * jobs):
            marks.append(batch[-1].after)
            yield delayed(tagger)(batch)

    ours: dict[str, Any] = {}
    if backend == "loky":
        # Two processes with two threads each would fight for two cores.
        ours = {"inner_max_num_threads": 1, "initializer": _end_with, "initargs": (os.getpid(),)}
    # Its start lets Ctrl-C through to what is started next, so it comes before the processes.
    resource_tracker.ensure_running()
    try:
        with parallel_config(backend, n_jobs=jobs, **ours):
            streams = get_active_backend()[0].supports_return_generator
            how = "generator" if streams else "list"
            with Parallel(batch_size=1, return_as=how, max_nbytes=None) as parallel:
                more = True
                while more:
                    more = False
                    with _interrupts_for_us_alone():
                        results = parallel(tasks())
                    with _cancelled(results):
                        for told in results:
                            more = True
                            yield marks.popleft(), told
    except BrokenProcessPool as error:
        raise ClassifierError(
            "a process that tagged has died, killed perhaps because memory ran out; try fewer --jobs"
        ) from error


@contextmanager
def _cancelled(results: Iterable[object]) -> Iterator[None]:
    """Nothing goes on behind the back of one who wants no more results, and nothing is said of it."""
    try:
        yield
    finally:
        if isinstance(results, Generator):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results.close()


def _cores() -> int:
    from joblib import cpu_count

    return int(cpu_count())


class Reading:
    """Reads pieces, and keeps what went wrong."""

    def __init__(self, reader: Reader, folder: str = "") -> None:
        self._reader, self._folder = reader, folder
        self.problems: list[str] = []
        self.left_out: list[str] = []

    def articles(self, piece: Piece) -> Sequence[Article]:
        try:
            if piece.problem:
                self.problems.append(f"{piece.file}: {piece.problem}")
                return ()
            if piece.first_line:
                return self._of_lines(piece)
            data = self._bytes_of(piece.file) if piece.data is None else piece.data
            contents = self._reader.read(data, Path(piece.file).name)
        except (UnreadableArticleError, OSError) as error:
            if self._folder and isinstance(error, OSError) and error.filename:
                error.filename = piece.file  # as it is called where no folder stands before it
            self.problems.append(f"{piece.file}: {error}")
            return ()
        self.left_out += [f"{piece.file}: left out: {line}" for line in contents.left_out]
        return contents.articles

    def _bytes_of(self, file: str) -> bytes:
        if not is_address(file):
            return self._reader.bytes_of(Path(self._folder, file))
        from classifier import addresses

        return addresses.bytes_of(file, self._reader.rules.limits.file_mib * 2**20)

    def _of_lines(self, piece: Piece) -> list[Article]:
        encoding = "utf-8-sig" if piece.first_line == 1 else "utf-8"
        lines = io.TextIOWrapper(io.BytesIO(piece.data or b""), encoding=encoding, errors="replace")
        found = articles_of_lines(
            lines,
            piece.file,
            piece.first_line,
            lambda error: self.problems.append(str(error)),
            self._reader.rules,
        )
        return list(found)


@contextmanager
def _interrupts_for_us_alone() -> Iterator[None]:
    """Processes started in here never hear of Ctrl-C: we end them, and say so once."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with(starter: int) -> None:
    """End this process when the one that started it has gone; joblib's would wait for minutes."""

    def watch() -> None:
        while os.getppid() == starter:
            time.sleep(_PARENT_LOOKED_AT)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="watching the parent").start()
