"""The command `classifier tag`: one article or an archive of millions, printed or into a file."""

from __future__ import annotations

import argparse
import atexit
import gc
import json
import os
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from classifier.defaults import CONFIG_VARIABLE
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from distributed import Client

    from classifier.cluster import Access
    from classifier.model import Model
    from classifier.progress import Tell
    from classifier.resuming import Output, Progress
    from classifier.rules import Rules
    from classifier.spreading import Tagger, Told
    from classifier.streams import Mark

LOKY = "loky"  # joblib's own processes on this machine
_INTERRUPTED = 130


def tag(options: argparse.Namespace) -> int:
    r"""Topics of each article, with the passage that says so.

    A PATH is a file (text, Markdown, web page, PDF, docx, odt, rtf, mail, mbox, JSON, feed, zip), a
    folder of them, a .jsonl file with an article a line, or a quoted pattern of such
    ('archive/2026-*/**'); "-" reads one file from standard input. Of any number of articles: all
    cores work, and memory stays as it is. --output writes JSON Lines, in the order of the input;
    should that end early, in whatever way, --resume goes on with it. A PATH may also be an address
    (s3://bucket/archive, https://host/rows.jsonl). With --backend dask the workers of a cluster tag
    and write the same output, which must be in a folder that all of them share, as what they read.

        classifier tag article.txt
        classifier tag - < article.html
        classifier tag --json 'archive/2026-*/**' | jq .main
        classifier tag --output tagged.jsonl --jobs 4 archive/
        classifier tag --output tagged.jsonl --resume archive/
        classifier tag --output tagged.jsonl --overwrite --config topicwire.toml archive.jsonl
        classifier tag --output /shared/tagged.jsonl --backend dask --scheduler tls://10.0.0.5:8786 \
            --tls-ca-file ca.pem --tls-cert me.pem --tls-key me.key /shared/archive/
        classifier tag --output /shared/tagged.jsonl --backend dask --scheduler tcp://10.0.0.5:8786 \
            --insecure /shared/archive/
    """
    _start_lightly()
    try:
        return _into_file(options) if options.output else _printed(options)
    except KeyboardInterrupt:
        then = "; go on with --resume" if options.output else ""
        print(f"classifier: interrupted{then}", file=sys.stderr)
        return _INTERRUPTED


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, .jsonl, pattern, or -")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON Lines there")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with --output where a run ended")
    again.add_argument("--overwrite", action="store_true", help="begin --output anew")
    add_config(parser)
    add_processes(parser)
    add_cluster(parser)


def add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes (default: a core each; 1 for a few articles)"
    )
    parser.add_argument(
        "--backend", default=LOKY, metavar="NAME", help="joblib's, for the processes (default: %(default)s)"
    )


def add_folds(parser: argparse.ArgumentParser) -> None:
    """Where the trainings without each fold are done; see `folds_on`."""
    parser.add_argument(
        "--backend", default=LOKY, metavar="NAME", help="joblib's, for the folds (default: %(default)s)"
    )
    add_cluster(parser)


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """How a cluster is reached, for `--backend dask`; see `access_from`."""
    cluster = parser.add_argument_group("with --backend dask")
    cluster.add_argument("--scheduler", metavar="ADDRESS", help="where `dask scheduler` is: tls://host:port")
    for name, what in (
        ("--tls-ca-file", "certificate of the private authority"),
        ("--tls-cert", "our certificate, which it signed"),
        ("--tls-key", "the key of our certificate"),
    ):
        cluster.add_argument(name, type=Path, metavar="FILE", help=f"{what} (or in Dask's configuration)")
    cluster.add_argument(
        "--insecure", action="store_true", help="allow tcp:// beyond this machine, where anyone may run code"
    )


def access_from(options: argparse.Namespace) -> Access | None:
    """How to reach the cluster that the options name; None where joblib's own processes are meant.

    Raises ClassifierError where an option of a cluster stands without `--backend dask`.
    """
    if options.backend == "dask":
        from classifier.cluster import Access

        return Access(
            options.scheduler, options.tls_ca_file, options.tls_cert, options.tls_key, options.insecure
        )
    given = (options.scheduler, options.tls_ca_file, options.tls_cert, options.tls_key)
    if any(given) or options.insecure:
        raise ClassifierError("--scheduler, --tls-… and --insecure need --backend dask")
    return None


@contextmanager
def folds_on(options: argparse.Namespace) -> Iterator[None]:
    """Within, trainings side by side are done where the options say, with the same result to the bit.

    Raises ClassifierError where there is no such place, or where it is lost on the way.
    """
    access = access_from(options)
    if access is not None:
        from classifier.cluster import connected, trained_on

        with connected(access) as client, trained_on(client):
            yield
    elif options.backend == LOKY:
        yield
    else:
        from joblib import parallel_config

        if options.backend == "threading":
            raise ClassifierError(
                "--backend threading: threads share liblinear's random numbers, so no model would be made"
                " twice; leave --backend out"
            )
        try:
            chosen = parallel_config(options.backend)
        except ValueError as error:
            raise ClassifierError(f"--backend {options.backend}: {error}") from error
        with chosen:
            yield


def add_config(parser: argparse.ArgumentParser, table: str = "reading") -> None:
    """The daemon's configuration, of which one table counts: by default how files are read."""
    given = os.environ.get(CONFIG_VARIABLE)
    parser.add_argument(
        "--config",
        type=Path,
        default=given and Path(given),
        metavar="FILE",
        help=f"its table [{table}] counts",
    )


def rules_from(options: argparse.Namespace) -> Rules:
    """The rules of the configuration that is named, or the usual ones. Raises ClassifierError."""
    from classifier.rules import Rules, load_rules

    return load_rules(options.config) if options.config else Rules()


def _jobs(given: str) -> int:
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _start_lightly() -> None:
    """Leave out what takes a third of the time of tagging one article, and is of no use here."""
    if "numpy" not in sys.modules:
        # Its threads for products of large matrices: ours are small.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # The end of the process frees memory without a search for what refers to itself.
    atexit.register(gc.freeze)


def _printed(options: argparse.Namespace) -> int:
    if access_from(options):
        raise ClassifierError("--backend dask needs --output FILE, in a folder that all machines share")
    if options.resume or options.overwrite:
        raise ClassifierError("--resume and --overwrite need --output")
    model = _model(options)
    failed = 0
    results = _results(options, _tagger(options, model, as_json=options.json))
    with closing(results), _pace(options, bar=not sys.stdout.isatty()) as tell:
        for _, told in results:
            failed += _complain(told)
            if told.lines:
                sys.stdout.write(bytes(told.lines).decode())
            if told.tagged:
                _show(told, model)
            sys.stdout.flush()
            tell(told.articles, told.size)
    return 1 if failed else 0


def _into_file(options: argparse.Namespace) -> int:
    from classifier import resuming

    path: Path = options.output
    if "-" in options.paths and options.resume:
        raise ClassifierError("-: standard input cannot be read again from where a run ended")
    for name in options.paths:
        if Path(name).exists() and path.exists() and path.samefile(name):
            raise ClassifierError(f"{path}: is a PATH as well; write the tags to another file")
    access = access_from(options)
    if access:
        _refuse_for_workers(options)
    before = resuming.kept(path, options.paths, resume=options.resume, overwrite=options.overwrite)
    model = _model(options, before.model if before else None)
    retired = tuple(sorted(model.retired))
    if before and before.retired != retired:
        raise ClassifierError(f"{path}: other topics have been retired since; see --overwrite")
    begin = before or resuming.Progress(tuple(options.paths), model.version, retired, time.time_ns())
    with ExitStack() as stack:
        client = _connected(stack, options, access, model.version) if access else None
        output = stack.enter_context(closing(resuming.Output(path, begin)))
        tagger = _tagger(options, model, as_json=True)
        results = _sharded(options, client, tagger, output) if client else _results(options, tagger, begin)
        with closing(results), _pace(options, bar=True, done=begin) as tell:
            for mark, told in results:
                failed = _complain(told)
                output.add(told.lines, mark, size=told.size, articles=told.articles, failed=failed)
                tell(told.articles, told.size)
    done = output.progress
    _sum_up(options, done, nothing_left=bool(before) and done.mark == begin.mark)
    return 1 if done.failed else 0


def _model(options: argparse.Namespace, version: str | None = None) -> Model:
    gc.disable()  # what is loaded stays; there is nothing to find in it
    try:
        from classifier import storage
        from classifier.topics import retired_of

        return storage.load(options.home / "models", version).without(retired_of(options.home))
    finally:
        gc.enable()


def _tagger(options: argparse.Namespace, model: Model, *, as_json: bool) -> Tagger:
    from classifier.spreading import Tagger

    models = (options.home / "models").absolute()
    tagger = Tagger(models, model.version, model.retired, as_json, rules_from(options))
    tagger.use(model)
    return tagger


def _results(
    options: argparse.Namespace, tagger: Tagger, begin: Progress | None = None
) -> Generator[tuple[Mark, Told]]:
    from classifier import streams
    from classifier.spreading import spread

    start = begin.mark if begin else streams.Mark()
    begun_at = begin.begun_at if begin else 0
    pieces = streams.pieces(options.paths, start, begun_at=begun_at, without=options.output)
    return spread(tagger, streams.batches(pieces), jobs=options.jobs, backend=options.backend)


def _refuse_for_workers(options: argparse.Namespace) -> None:
    if "-" in options.paths:
        raise ClassifierError("-: standard input cannot be read by workers; give files")
    if options.jobs:
        raise ClassifierError("--jobs is of this machine; with --backend dask all workers tag")


def _connected(stack: ExitStack, options: argparse.Namespace, access: Access, version: str) -> Client:
    from classifier import cluster

    client = stack.enter_context(cluster.connected(access))
    from classifier import sharding

    sharding.refuse_others(options.output, version, resume=options.resume, overwrite=options.overwrite)
    return client


def _sharded(
    options: argparse.Namespace, client: Client, tagger: Tagger, output: Output
) -> Generator[tuple[Mark, Told]]:
    from classifier import parts, sharding, shards

    begin = output.progress
    if options.overwrite:
        shards.clear(sharding.folder_of(options.output))
    found = parts.parts(options.paths, begin.mark, begun_at=begin.begun_at, without=options.output)
    tagger = replace(tagger, folder=str(Path.cwd()))
    return sharding.Cluster(client, tagger, options.output, output.keep).spread(found, begin.mark)


@contextmanager
def _pace(options: argparse.Namespace, *, bar: bool, done: Progress | None = None) -> Iterator[Tell]:
    from classifier import progress, streams

    pace = progress.Pace(done.articles, done.size) if done else progress.Pace()

    def total() -> int:
        return streams.size(options.paths, options.output)

    with progress.shown(pace, total, bar=bar and sys.stderr.isatty()) as tell:
        yield tell


def _complain(told: Told) -> int:
    if told.problems or told.left_out:
        from classifier import printing

        for line in (*told.problems, *told.left_out):
            print(f"classifier: {printing.visible(line)}", file=sys.stderr)
    return len(told.problems)


def _show(told: Told, model: Model) -> None:
    from classifier import printing

    for file, found in told.tagged:
        printing.tagged(found, model.titles, file)


def _sum_up(options: argparse.Namespace, done: Progress, *, nothing_left: bool) -> None:
    row = {"output": str(options.output), "articles": done.articles, "failed": done.failed}
    text = f"{options.output}: {done.articles:,} articles" + (f", {done.failed:,} failed" * bool(done.failed))
    if nothing_left:
        text += "; nothing was left to do"
    print(json.dumps({**row, "nothing_left": nothing_left}, ensure_ascii=False) if options.json else text)
