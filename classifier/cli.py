"""The command `classifier`. A command parses, calls and prints; nothing heavy loads before it runs."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import bulk, comparing, defaults, helping, teaching
from classifier.errors import ClassifierError, UnreadableArticleError

if TYPE_CHECKING:
    from classifier.corpus import Corpus, Judged
    from classifier.evaluation import Judgements
    from classifier.making import Made
    from classifier.model import Model
    from classifier.tagging import Tagged

Command = Callable[[argparse.Namespace], int]

_HEADINGS = {
    "use a model": ("tag", "explain"),
    "make a model": ("train", "evaluate", "models"),
    "teach it": ("check", "suggest"),
    "besides": ("completion",),
}
_THEN = (
    "`classifier COMMAND --help` tells of each, with examples; `man classifier` tells all."
    " `topicwired` is the daemon that tags what is dropped into a folder, and alerts."
)


def main(arguments: list[str] | None = None) -> int:
    """Text ▶ topics: train a model from labels, tag articles with it, explain and judge it."""
    _open_what_is_closed()
    options = program().parse_args(arguments)
    command: Command = options.command
    # Names and ids may hold what UTF-8 cannot; a tag is worth more than their exact form.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except ClassifierError as error:
        for line in str(error).splitlines():
            print(f"classifier: {line}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"classifier: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def train(options: argparse.Namespace) -> int:
    r"""Make a model from seeds and labels, or from labelled articles of your own, and serve it.

    It serves only if it is not worse than the model that serves: otherwise the reasons are printed
    and it is kept as a candidate (see `classifier models`). Prints its quality, measured on folds
    that keep an article together, and which topics have few labels. Label sheets in
    HOME/labels/*.tsv are read as well. --examples takes JSON Lines, an export of doccano or Label
    Studio, or a folder as Annif has it; its topics are then the model's.

        classifier train
        classifier train --if-changed --home /srv/topicwire
        classifier train --labels my-labels --seeds my-articles --no-terms
        classifier train --examples archive.jsonl --home /srv/archive
        classifier train --examples archive.jsonl.gz --streaming --config topicwire.toml
        classifier train --backend dask --scheduler tls://10.0.0.5:8786 \
            --tls-ca-file ca.pem --tls-cert me.pem --tls-key me.key
        classifier train --backend dask --scheduler tcp://10.0.0.5:8786 --insecure
    """
    from classifier import calibrating, display, history, making, printing

    models = options.home / "models"
    with bulk.folds_on(options), display.progress("training") as tell:
        made = making.make_model(
            options.home,
            seeds=options.seeds,
            labels=options.labels,
            examples=options.examples,
            terms=options.terms,
            if_changed=options.if_changed,
            streaming_above=_streaming_above(options),
            progress=_telling_who_waits(tell),
        )
    if not made.trained:
        _say(options, {"version": made.version, "trained": False}, f"{made.version}: {made.note}")
        return 0
    if not made.refused:
        because = f"trained by {made.way}" if made.way else "trained"
        history.use_model(models, made.version, because=because, instead_of=made.before)
    summary = {
        "version": made.version,
        "trained": True,
        "served": not made.refused,
        "reasons": list(made.gate.reasons) if made.gate else [],
        "quality": made.quality,
        "few_labels": list(made.few_labels),
    }
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
        return 0
    display.quality_table(made.quality, "Quality on folds that keep an article together")
    least = calibrating.FEW_LABELS
    few = [f"few labels: {topic} has under {least} main articles" for topic in made.few_labels]
    printing.lines([*few, *_outcome(made, models)])
    return 0


def evaluate(options: argparse.Namespace) -> int:
    r"""Judge the served model on labelled articles that it was never trained on.

    By default those that ship with topicwire (own wording of real events, four languages). With
    --folds: the labels it was trained from, each judged by a model that had not seen it.
    --report writes one HTML page with curves, reliability, what more labels would buy, and the
    worst mistakes.

        classifier evaluate
        classifier evaluate --examples others.jsonl --report quality.html
        classifier evaluate --folds --labels my-labels --seeds my-articles --json
        classifier evaluate --folds --backend dask --scheduler tls://10.0.0.5:8786 \
            --tls-ca-file ca.pem --tls-cert me.pem --tls-key me.key
        classifier evaluate --folds --backend dask --scheduler tcp://10.0.0.5:8786 --insecure
    """
    from classifier import archives, display, evaluation, judging, training

    if not options.folds and options.backend != bulk.LOKY:
        raise ClassifierError("--backend: is of the trainings of --folds; nothing else is spread")
    with bulk.folds_on(options), display.progress("evaluating") as tell:
        if options.folds:
            corpus = _corpus(options)
            articles, model = corpus.articles, "folds"
            tagged: tuple[Tagged, ...] = ()
            judgements, name = training.examine(corpus, progress=tell), "labels, on folds"
        else:
            path = options.examples or defaults.shipped("labels") / "held-out" / "dev.jsonl"
            served = _load(options)
            articles, name, model = archives.read(path), path.name, served.version
            judgements, tagged = judging.judge(served, articles, tell)
        figures = evaluation.report(judgements)
        if options.report:
            _write_report(options, judgements, figures, articles, tagged, f"{name}, model {model}", tell)
    if options.json:
        print(json.dumps({"file": name, "model": model, **figures}))
    else:
        display.quality_table(figures, f"{name}, model {model}")
    return 0


def explain(options: argparse.Namespace) -> int:
    """What spoke for and against a topic in a file, word by word.

    Without --topic: for each topic that was said, or else for the likeliest one.

        classifier explain article.txt
        classifier explain article.pdf --topic energy --config topicwire.toml
    """
    from classifier import display, explaining, printing
    from classifier.reading import Reader

    model = _load(options)
    if options.topic and options.topic not in model.topics:
        raise ClassifierError(f"no topic {options.topic!r}; there are {', '.join(model.topics)}")
    try:
        with closing(Reader(bulk.rules_from(options))) as reader:
            articles = reader.read(reader.bytes_of(options.file), options.file.name).articles
    except UnreadableArticleError as error:
        raise ClassifierError(f"{options.file}: {error}") from error
    for article in articles:
        found = model.tag(article)
        likeliest = max(model.topics, key=lambda topic: found.probabilities[topic])
        chosen = [options.topic] if options.topic else [tag.topic for tag in found.tags]
        explanations = [explaining.explain(model, article, t) for t in chosen or [likeliest]]
        if options.json:
            topics = [explanation.as_json() for explanation in explanations]
            print(json.dumps({"id": article.id, "topics": topics}, ensure_ascii=False))
            continue
        printing.tagged(found, model.titles, str(options.file))
        for explanation in explanations:
            display.explained(explanation, model.titles[explanation.topic])
    return 0


def check(options: argparse.Namespace) -> int:
    """Are labels, topics and seeds sound, and which labels are missing, doubtful or of no use.

    Reads everything, then lists topics with too few labels and in which language, terms that
    stand in no labelled passage or more often in another topic's, the labels that models trained
    without them contradict most (--quick leaves this out: it takes a training), what desks dispute, and
    their verdicts that contradict a sheet. Of the sheets of `suggest` it says how far they are
    filled in, and where they contradict the model.

        classifier check
        classifier check --quick --labels my-labels --seeds my-articles
        classifier check --at-least 25 --most 100
    """
    from classifier import auditing, display, printing, sheets, training

    corpus = _corpus(options)
    few = auditing.too_few(corpus, options.at_least)
    terms = auditing.term_use(corpus)
    idle = [use for use in terms if not use.own and not use.others]
    astray = sorted((use for use in terms if use.others > use.own), key=lambda use: use.own - use.others)
    to_fill_in = sheets.sheets_of(options.home / "labels", corpus.topic_ids)
    doubts: list[auditing.Doubt] = []
    filled_in: list[auditing.Doubt] = []
    if not options.quick:
        with display.progress("looking for doubtful labels") as tell:
            judged = training.examine(corpus, progress=tell)
        doubts = auditing.doubts(corpus, judged, options.most)
        own = frozenset(sheet.file for sheet in to_fill_in)
        filled_in = auditing.doubts(corpus, judged, options.most, sheets=own)
    nothing = sum(not (judged.main or judged.mention or judged.unknown) for judged in corpus.articles)
    disputes, overruled = auditing.disputes(corpus), auditing.overruled(corpus)
    summary: dict[str, object] = {
        "topics": len(corpus.topics),
        "articles": len(corpus.articles),
        "about_nothing": nothing,
        "terms": len(terms),
        "few_labels": few,
        "terms_astray": [asdict(use) for use in astray],
        "terms_never_seen": [asdict(use) for use in idle],
        "doubtful": [asdict(doubt) for doubt in doubts],
        "sheets": [asdict(sheet) for sheet in to_fill_in],
        "filled_in_doubtful": [asdict(doubt) for doubt in filled_in],
        "verdicts": auditing.verdict_count(corpus),
        "disputed": [asdict(dispute) for dispute in disputes],
        "overruled": [asdict(each) for each in overruled],
        "fingerprint": corpus.fingerprint,
    }
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
        return 0
    printing.lines([f"few labels: {line}" for line in few])
    printing.lines([f"term of two topics? {use}" for use in astray[: options.most]])
    printing.lines([f"doubtful: {doubt}" for doubt in doubts])
    printing.lines([f"sheet: {sheet}" for sheet in to_fill_in])
    printing.lines([f"filled in, but doubtful: {doubt}" for doubt in filled_in])
    printing.lines([f"disputed, and not learned from: {dispute}" for dispute in disputes])
    printing.lines([f"verdict against sheet: {each}" for each in overruled])
    printing.lines(
        [
            f"ok: {summary['topics']} topics, {len(corpus.articles)} labelled articles, {nothing} of them"
            f" about nothing we follow, {len(terms)} terms ({len(idle)} of them in no labelled passage),"
            f" {summary['verdicts']} verdicts of desks"
        ]
    )
    return 0


def models_list(options: argparse.Namespace) -> int:
    """All versions with their quality on folds; the served one is marked with a star.

    classifier models list --home /srv/topicwire
    """
    from classifier import versions

    return versions.show_all(options.home / "models", as_json=options.json)


def models_show(options: argparse.Namespace) -> int:
    """What a version says of itself: quality, cuts, the libraries that made it.

    classifier models show 20261122T033000Z-1f2e3d4c
    """
    from classifier import versions

    return versions.show(options.home / "models", options.version, as_json=options.json)


def models_use(options: argparse.Namespace) -> int:
    """Serve this version from now on; a running daemon changes over by itself.

    A version that has served, or came through the gate, is served freely: that is how to roll back.
    A candidate that the gate refused is served only with --despite, which is kept in the history.

        classifier models use 20261121T033000Z-5a6b7c8d
        classifier models use 20261122T033000Z-1f2e3d4c --despite "the desk wants it"
    """
    from classifier import history, printing

    history.use_model(options.home / "models", options.version, because="asked for", despite=options.despite)
    printing.lines([f"serving {options.version}"])
    return 0


def _open_what_is_closed() -> None:
    """What is said where nobody hears it (`2>&-`) goes nowhere, and no file of ours takes its number."""
    if sys.stdin is not None and sys.stdout is not None and sys.stderr is not None:
        return
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(nowhere)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)


def program() -> helping.Program:
    """Its parser: all its commands, with their help."""
    parser = helping.Program("classifier", main.__doc__, _HEADINGS, _THEN)
    commands = parser.commands

    command = _add(commands, "train", train)
    _labels_options(command)
    command.add_argument("--examples", type=Path, metavar="PATH", help="labelled articles of your own")
    command.add_argument(
        "--streaming",
        action=argparse.BooleanOptionalAction,
        help="learn from --examples in bounded memory, or exactly (default: by their number; see --config)",
    )
    bulk.add_config(command, "training")
    bulk.add_folds(command)
    command.add_argument("--if-changed", action="store_true", help="only if a label has changed")
    command.add_argument(
        "--terms", action=argparse.BooleanOptionalAction, default=True, help="use the topics' terms"
    )
    command = _add(commands, "evaluate", evaluate)
    command.add_argument("--examples", type=Path, metavar="PATH", help="labelled articles")
    command.add_argument("--folds", action="store_true", help="the labels themselves, on folds")
    command.add_argument("--report", type=Path, metavar="FILE.html", help="write a page as well")
    _labels_options(command)
    bulk.add_folds(command)
    bulk.add_options(_add(commands, "tag", bulk.tag))
    command = _add(commands, "explain", explain)
    command.add_argument("file", type=Path, metavar="FILE", help="an article, in any format that is read")
    command.add_argument("--topic", metavar="T", help="this topic's id")
    bulk.add_config(command)
    command = _add(commands, "check", check)
    _labels_options(command)
    command.add_argument(
        "--at-least", type=int, default=10, metavar="N", help="main articles a topic and language should have"
    )
    command.add_argument("--quick", action="store_true", help="without the doubtful labels")
    command.add_argument("--most", type=int, default=20, metavar="N", help="doubtful labels to list")
    command = _add(commands, "suggest", teaching.suggest)
    teaching.add_options(command)
    _labels_options(command)
    models = helping.add_group(
        commands,
        "models",
        """List, show, compare and use versions of the model.

        Each training makes a version; one of them serves, and the others are kept to go back to.
        """,
    )
    inner = models.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(inner, "list", models_list)
    command = _add(inner, "show", models_show)
    command.add_argument("version", metavar="V", help="as `classifier models list` names it")
    comparing.add_options(_add(inner, "diff", comparing.diff))
    command = _add(inner, "use", models_use)
    command.add_argument("version", metavar="V", help="as `classifier models list` names it")
    command.add_argument("--despite", metavar="REASON", help="serve a refused candidate, for this reason")
    helping.add_completion(commands, program)
    return parser


def _add(commands: Any, name: str, command: Command) -> argparse.ArgumentParser:
    """A command whose help is its docstring, with the options that all have."""
    parser = helping.add_command(commands, name, command)
    parser.add_argument(
        "--home", type=Path, default=defaults.home(), help="folder with models/ (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _labels_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--labels", type=Path, metavar="DIR", help="other labels than the shipped")
    parser.add_argument("--seeds", type=Path, metavar="DIR", help="other seeds than the shipped")


def _write_report(
    options: argparse.Namespace,
    judgements: Judgements,
    figures: Mapping[str, Any],
    articles: Sequence[Judged],
    tagged: Sequence[Tagged],
    title: str,
    tell: Callable[[str, int, int], None],
) -> None:
    from classifier import reporting, training

    learning: list[tuple[int, float]] = []
    if not options.examples and not options.folds:
        learning = training.learning_curve(_corpus(options), articles, progress=tell)
    points = [reporting.LearningPoint(*point) for point in learning]
    page = reporting.page(title, judgements, figures, articles, tagged, points)
    options.report.write_text(page, encoding="utf-8")


def _corpus(options: argparse.Namespace) -> Corpus:
    from classifier.corpus import load_corpus

    return load_corpus(
        options.seeds or defaults.shipped("seeds"),
        options.labels or defaults.shipped("labels"),
        options.home / "labels",
    )


def _telling_who_waits(tell: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
    """The same, but that we wait for another is said where no progress is shown as well."""
    from classifier import making

    def told(what: str, done: int, steps: int) -> None:
        if what == making.WAITING:
            print(f"classifier: {what}", file=sys.stderr)
        tell(what, done, steps)

    return told


def _streaming_above(options: argparse.Namespace) -> int | None:
    """More examples than this are streamed; None: never."""
    from classifier import ways

    if options.streaming is None:
        return ways.streaming_above(options.config)
    if not options.examples:
        raise ClassifierError("--streaming and --no-streaming need --examples: labels are never so many")
    if not options.streaming:
        return None
    if options.backend != bulk.LOKY:
        raise ClassifierError("--streaming learns on this machine alone; leave --backend out")
    if options.examples.exists() and not (options.examples.is_file() or options.examples.is_dir()):
        raise ClassifierError(f"{options.examples}: --streaming reads it more than once; give a file")
    return 0


def _outcome(made: Made, models: Path) -> list[str]:
    """Whether the model that was made serves, and if it does not, why and what can be done."""
    if made.gate is None or made.gate.passed:
        return [f"serving {made.version} from {models}"]
    return [
        *(f"refused: {reason}" for reason in made.gate.reasons),
        f"kept as candidate {made.version}; serve it all the same with"
        f" `classifier models use {made.version} --despite REASON`",
        *([f"{made.before} serves on"] if made.before else []),
    ]


def _load(options: argparse.Namespace) -> Model:
    from classifier import storage
    from classifier.topics import retired_of

    return storage.load(options.home / "models").without(retired_of(options.home))


def _say(options: argparse.Namespace, row: dict[str, object], text: str) -> None:
    print(json.dumps(row, ensure_ascii=False) if options.json else text)


if __name__ == "__main__":
    sys.exit(main())
