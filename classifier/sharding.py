"""Parts ▶ their tags, in order, by the workers of a cluster, which write a shard each.

A worker gets the names of files and the model, once, as the files that it is; it reads, tags, and puts
a shard beside the output. So nothing large goes through the scheduler, what a lost worker did is done
again, and what one did twice is the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from distributed import CancelledError, Future, KilledWorker, get_worker, wait

from classifier import addresses, cluster, shards, storage, streams
from classifier.cluster import ClusterError
from classifier.errors import ClassifierError
from classifier.parts import Kind, Part
from classifier.shards import About, Record, ShardError
from classifier.spreading import Tagger, Told
from classifier.streams import InputChangedError, Mark, Piece, Source

if TYPE_CHECKING:
    from distributed import Client, Worker

TRIES = 4  # of a part that workers die of; before each, Dask itself tries as often
FAR_AHEAD = 100  # parts that are done before the first that is not

_AT_ONCE = 2  # parts for each thread of a worker, so that none waits for us
_LOOK = 2.0  # seconds
_GONE = "the scheduler has gone; go on with --resume"
_MODELS = "topicwire-models"


class UnseenError(ClassifierError):
    """A worker does not see a file as it was listed."""

    def __init__(self, worker: str, file: str, facts: tuple[int | str, ...]) -> None:
        super().__init__(worker, file, facts)
        self.worker, self.file, self.facts = worker, file, facts


@dataclass(frozen=True, slots=True)
class Run:
    """What all parts have in common: who tags, and where the shards go."""

    tagger: Tagger
    folder: Path
    about: About
    identity: Mapping[str, str]


@dataclass
class Standing:
    """A part on its way: the task that tags it, or that it is done."""

    part: Part
    name: str
    number: int
    task: Future[str] | None = None
    done: bool = False
    tries: int = 0


def folder_of(output: Path) -> Path:
    return output.with_name(f"{output.name}{streams.SHARDS}")


def refuse_others(output: Path, model: str, *, resume: bool, overwrite: bool) -> None:
    """Raise ClassifierError where shards of another run stand beside the output, or what are none."""
    folder = folder_of(output)
    found = shards.about(folder)
    if found is None and folder.exists() and any(folder.glob("[!.]*")):
        raise ClassifierError(f"{folder}: is there and holds no shards; move it away")
    if overwrite:
        return
    if found and not resume:
        raise ClassifierError(f"{folder}: holds shards of another run; begin with --overwrite")
    if found and found.model != model:
        raise ClassifierError(f"{folder}: holds shards of model {found.model}, not {model}; see --overwrite")


@dataclass
class Cluster:
    """Tags parts at a cluster's workers; `keep` puts on the disk what the output has so far."""

    client: Client
    tagger: Tagger
    output: Path
    keep: Callable[[], None]
    _run: Run = field(init=False)
    _files: Mapping[str, bytes] = field(init=False)
    _parted: int = 0

    def spread(self, parts: Iterator[Part], start: Mark) -> Generator[tuple[Mark, Told]]:
        """What came of each part and the mark behind it, in order. Raises ClassifierError.

        Lines that were given are gone when the next are asked for. A part whose shard is there
        already is not tagged again.
        """
        tagger, folder = self.tagger, folder_of(self.output).absolute()
        self._files = storage.packed(tagger.models, tagger.version)
        about = shards.make(folder, _fingerprint(tagger, self._files), tagger.version)
        self._run = Run(tagger, folder, about, cluster.identity())
        standing: deque[Standing] = deque()
        mark, more = start, True
        self._give_model()
        while more or standing:
            more = more and self._fill(standing, parts)
            self._look_at(standing)
            while standing and standing[0].done:
                head = standing[0]
                try:
                    with shards.reading(folder, head.name, tagger.version) as (record, lines):
                        before, mark = mark, _behind(head.part, record, mark)
                        yield mark, _told(head.part, record, lines, before)
                except ShardError as error:
                    self._again(head, error)
                    break
                self.keep()
                shards.remove(folder, standing.popleft().name)
        shards.clear(folder)

    def _give_model(self, workers: list[str] | None = None) -> None:
        """Put it into each worker's own folder, as the files that it is; those that come later ask for it."""
        with _asking():
            answers = self.client.run(
                put_model, self.tagger.version, self._files, workers=workers, on_error="return"
            )
        for worker, answer in answers.items():
            # One that has just gone needs no model.
            if isinstance(answer, Exception) and not isinstance(answer, OSError):
                raise ClusterError(f"the worker at {worker} cannot take the model: {answer}") from answer

    def _fill(self, standing: deque[Standing], parts: Iterator[Part]) -> bool:
        """Give the workers enough to do; whether there may be more parts."""
        with _asking():
            threads = sum(self.client.nthreads().values())
        room = max(_AT_ONCE * threads, 1) - sum(not each.done for each in standing)
        while room > 0 and len(standing) < FAR_AHEAD:
            part = next(parts, None)
            if part is None:
                return False
            self._parted += 1
            each = Standing(part, part.name(self._run.about.run), self._parted)
            standing.append(each)
            if shards.is_there(self._run.folder, each.name):
                each.done = True
            else:
                self._submit(each)
                room -= 1
        return True

    def _submit(self, each: Standing) -> None:
        key = f"tag-{each.name}-{secrets.token_hex(4)}"
        # The first comes first, again as well: the others wait for it in the output.
        each.task = self.client.submit(tag_part, self._run, each.part, key=key, priority=-each.number)
        each.done = False

    def _look_at(self, standing: deque[Standing]) -> None:
        """See which parts are done; wait a little where the first is not."""
        running = [each.task for each in standing if each.task and not each.done]
        if running and not standing[0].done:
            with _asking(), suppress(TimeoutError):
                wait(running, timeout=_LOOK, return_when="FIRST_COMPLETED")
            if self.client.status not in ("running", "connecting"):
                raise ClusterError(_GONE)
        for each in standing:
            if each.task and not each.done and each.task.done():
                self._settle(each, each.task)

    def _settle(self, each: Standing, task: Future[str]) -> None:
        if task.status == "cancelled":
            raise ClusterError(_GONE)
        error = task.exception() if task.status == "error" else None
        match error:
            case None if late := task.result():
                self._give_model([late])
                self._submit(each)
            case None:
                each.done, each.task = True, None
            case KilledWorker():
                self._again(each, ClassifierError("workers die of it, perhaps because memory ran out"))
            case UnseenError():
                raise _unseen(self._run, error)
            case ClassifierError():
                raise error
            case OSError() | MemoryError():
                self._again(each, error)
            case ImportError() | AttributeError():
                raise ClusterError(f"a worker has another topicwire, or none: {error}") from error
            case _:
                raise error

    def _again(self, each: Standing, error: BaseException) -> None:
        each.tries += 1
        if each.tries >= TRIES:
            where = each.part.files[0].file
            more = f" and the {len(each.part.files) - 1:,} files after it" if len(each.part.files) > 1 else ""
            raise ClusterError(f"{where}{more}: {error or type(error).__name__}") from error
        self._submit(each)


@contextmanager
def _asking() -> Iterator[None]:
    """What is asked of the scheduler fails for one reason only."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise ClusterError(_GONE) from error


def put_model(version: str, files: Mapping[str, bytes], dask_worker: Worker) -> None:
    """Make it a model of this worker. Raises ClassifierError where what came is not a sound one."""
    try:
        storage.put(Path(dask_worker.local_directory) / _MODELS, version, files)
    except OSError as error:
        raise ClusterError(str(error)) from error


def tag_part(run: Run, part: Part) -> str:
    """Read and tag a part, on a worker, and put its shard into the folder of shards.

    Does nothing but tell its address where this worker has no model yet: it came later than that did.
    Raises ClassifierError where this worker cannot do what another could, OSError for what may pass.
    """
    worker = get_worker()
    if differs := cluster.difference(cluster.identity(), run.identity):
        raise ClusterError(f"the worker at {worker.address} has {differs}; install the same on all machines")
    if shards.about(run.folder) != run.about:
        raise ClusterError(
            f"the worker at {worker.address} does not see {run.folder}, or cannot read it: workers write"
            " there, so the output's folder must be one that all machines share"
        )
    models = Path(worker.local_directory) / _MODELS
    if run.tagger.version not in storage.versions(models):
        return str(worker.address)
    _refuse_changed(run, part, worker.address)
    name = part.name(run.about.run)
    with shards.writing(run.folder, name) as writer:
        writer.keep(_tag(replace(run.tagger, models=models), part, name, writer.add))
    return ""


def _tag(tagger: Tagger, part: Part, name: str, add: Callable[[bytes], None]) -> Record:
    articles = 0
    problems: list[str] = []
    left_out: list[str] = []
    begin = end = _begin(part, tagger.folder)
    for batch in streams.batches(_pieces(part, begin, tagger.folder)):
        told = tagger(batch)
        add(bytes(told.lines))
        articles += told.articles
        problems += told.problems
        left_out += told.left_out
        end = batch[-1].after
    return Record(
        name=name,
        model=tagger.version,
        articles=articles,
        begin=begin.offset,
        end=end.offset,
        counted_from=begin.lines,
        counted_to=end.lines,
        files=end.files,
        problems=tuple(problems),
        left_out=tuple(left_out),
    )


def _begin(part: Part, folder: str) -> Mark:
    """Where the first line of a part begins; no line but a file's first is counted from 0."""
    offset = part.start.offset
    if part.kind is not Kind.STRETCH or not offset:
        return Mark(0, offset, part.start.lines)
    with streams.opened(_place(part.files[0].file, folder)) as file:
        file.seek(offset - 1)
        offset -= 1
        while line := file.readline(2**20):
            offset += len(line)
            if line.endswith(b"\n"):
                break
    return Mark(0, offset, 1)


def _pieces(part: Part, begin: Mark, folder: str) -> Iterator[Piece]:
    """What is in a part, with marks that count its files from 0."""
    if part.kind is Kind.FILES:
        for number, each in enumerate(part.files, 1):
            yield Piece(
                each.file, Mark(number), int(each.facts[0]) if each.facts else 0, problem=each.problem
            )
        return
    file = part.files[0].file
    until = part.until if part.kind is Kind.STRETCH else None
    for piece in streams.lines(Source(_place(file, folder)), begin, until):
        if part.kind is Kind.STRETCH and piece.after.files:
            raise OSError(piece.problem)  # of one of many who read this file: it is tried again
        yield replace(piece, file=file + piece.file.removeprefix(_place(file, folder)))


def _place(file: str, folder: str) -> str:
    return file if streams.is_address(file) else os.path.join(folder, file)


def _facts(file: str, folder: str) -> tuple[int | str, ...]:
    """As `Source.facts`, seen from here; none where it is not seen."""
    try:
        if streams.is_address(file):
            return streams.Source(file, far=addresses.entry(file)).facts
        return streams.Source(file, Path(folder, file).stat()).facts
    except OSError:
        return ()


def _refuse_changed(run: Run, part: Part, worker: str) -> None:
    """Raise UnseenError for a file that is not what was listed."""
    for each in part.files:
        # Of small files at an address this would be one question more for each.
        asked = part.kind is not Kind.FILES or not streams.is_address(each.file)
        if asked and not each.problem and _facts(each.file, run.tagger.folder) != each.facts:
            raise UnseenError(worker, each.file, each.facts)


def _unseen(run: Run, error: UnseenError) -> ClassifierError:
    if _facts(error.file, run.tagger.folder) == error.facts:
        return ClusterError(
            f"the worker at {error.worker} does not see {error.file} as it is here: workers read files"
            " themselves, so a folder must be at the same place on all machines"
        )
    return InputChangedError(
        f"{error.file}: changed or gone since it was listed; begin again with --overwrite"
    )


def _behind(part: Part, record: Record, before: Mark) -> Mark:
    """The mark behind a part that was tagged. Raises ShardError where the part before it ends elsewhere."""
    if part.after:
        return part.after
    at = _at(part, before)
    if record.begin != at.offset:
        raise ShardError(f"{part.files[0].file}: tagged from byte {record.begin}, and not from {at.offset}")
    if record.files or not record.end:
        return Mark(part.start.files + 1, seen=part.start.seen)
    passed = at.lines + record.counted_to - record.counted_from
    return Mark(part.start.files, record.end, passed, part.start.seen)


def _at(part: Part, before: Mark) -> Mark:
    """The place in its file where a part begins, if `before` is where the one before it ends."""
    same = (before.files, before.seen) == (part.start.files, part.start.seen)
    return before if same else Mark(part.start.files, seen=part.start.seen)


def _told(part: Part, record: Record, lines: memoryview, before: Mark) -> Told:
    """The numbers of lines as they are in the file: who tagged a stretch could not know them."""
    problems = record.problems
    if part.kind is Kind.STRETCH:
        file, more = part.files[0].file, _at(part, before).lines - record.counted_from
        numbered = re.compile(rf"{re.escape(file)}:(\d+)")
        problems = tuple(
            numbered.sub(lambda found: f"{file}:{int(found[1]) + more}", line, count=1) for line in problems
        )
    return Told(part.size, record.articles, lines, (), problems, record.left_out)


def _fingerprint(tagger: Tagger, files: Mapping[str, bytes]) -> str:
    """Of all that the tags of a part depend on, but the part."""
    told = {
        "format": shards.FORMAT,
        "model": [tagger.version, hashlib.sha256(files["MANIFEST.json"]).hexdigest()],
        "retired": sorted(tagger.retired),
        "rules": tagger.rules.as_json(),
        "identity": dict(cluster.identity()),
        "folder": tagger.folder,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
