"""The command `classifier`. A command parses, calls and prints; nothing heavy loads before it runs."""

from __future__ import annotations

import argparse
import inspect
import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import bulk, defaults
from classifier.errors import ClassifierError, UnreadableArticleError

if TYPE_CHECKING:
    from classifier.corpus import Corpus, Judged
    from classifier.evaluation import Judgements
    from classifier.model import Model
    from classifier.tagging import Tagged

Command = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """Text ▶ topics: train a model from labels, tag articles with it, explain and judge it."""
    _open_what_is_closed()
    options = _parser().parse_args(arguments)
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
    """Make a model from seeds and labels, or from labelled articles of your own, and serve it.

    Prints its quality, measured on folds that keep an article together, and which topics have
    few labels. Label sheets in HOME/labels/*.tsv are read as well. --examples takes JSON Lines,
    an export of doccano or Label Studio, or a folder as Annif has it; its topics are then the
    model's.
    """
    from classifier import archives, calibrating, display, features, printing, storage, training

    if options.examples:
        corpus = archives.corpus(archives.read(options.examples))
        recipe = training.recipe_for(corpus)
    else:
        corpus, recipe = _corpus(options), features.PASSAGES
    models = options.home / "models"
    version = storage.current(models)
    made_by = {
        **training.versions(),
        "terms": "yes" if options.terms else "no",
        "from": "examples" if options.examples else "labels",
    }
    if options.if_changed and version and not options.examples and _is_of_examples(models, version):
        text = f"{version}: trained from examples, so the labels do not replace it"
        _say(options, {"version": version, "trained": False}, text)
        return 0
    if options.if_changed and version and _is_made_of(models, version, corpus, made_by):
        _say(options, {"version": version, "trained": False}, f"{version}: no label has changed")
        return 0
    with display.progress("training") as tell:
        trained = training.train(corpus, terms=options.terms, recipe=recipe, progress=tell)
    probes = [judged.article.headline for judged in corpus.articles[:5]]
    model = storage.save(trained.model, models, probes=probes, made_by=made_by)
    storage.use(models, model.version)
    summary = {
        "version": model.version,
        "trained": True,
        "quality": model.quality,
        "few_labels": list(trained.few),
    }
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
        return 0
    display.quality_table(model.quality, "Quality on folds that keep an article together")
    few = [f"few labels: {topic} has under {calibrating.FEW_LABELS} main articles" for topic in trained.few]
    printing.lines([*few, f"serving {model.version} from {models}"])
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Judge the served model on labelled articles that it was never trained on.

    By default those that ship with topicwire (own wording of real events, four languages). With
    --folds: the labels it was trained from, each judged by a model that had not seen it.
    --report writes one HTML page with curves, reliability, what more labels would buy, and the
    worst mistakes.
    """
    from classifier import archives, display, evaluation, judging, training

    with display.progress("evaluating") as tell:
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
    stand in no labelled passage or more often in another topic's, and the labels that models
    trained without them contradict most (--quick leaves this out: it takes a training).
    """
    from classifier import auditing, display, printing, training

    corpus = _corpus(options)
    few = auditing.too_few(corpus, options.at_least)
    terms = auditing.term_use(corpus)
    idle = [use for use in terms if not use.own and not use.others]
    astray = sorted((use for use in terms if use.others > use.own), key=lambda use: use.own - use.others)
    doubts: list[auditing.Doubt] = []
    if not options.quick:
        with display.progress("looking for doubtful labels") as tell:
            doubts = auditing.doubts(corpus, training.examine(corpus, progress=tell), options.most)
    nothing = sum(not judged.main and not judged.mention for judged in corpus.articles)
    summary: dict[str, object] = {
        "topics": len(corpus.topics),
        "articles": len(corpus.articles),
        "about_nothing": nothing,
        "terms": len(terms),
        "few_labels": few,
        "terms_astray": [asdict(use) for use in astray],
        "terms_never_seen": [asdict(use) for use in idle],
        "doubtful": [asdict(doubt) for doubt in doubts],
        "fingerprint": corpus.fingerprint,
    }
    if options.json:
        print(json.dumps(summary, ensure_ascii=False))
        return 0
    printing.lines([f"few labels: {line}" for line in few])
    printing.lines([f"term of two topics? {use}" for use in astray[: options.most]])
    printing.lines([f"doubtful: {doubt}" for doubt in doubts])
    printing.lines(
        [
            f"ok: {summary['topics']} topics, {len(corpus.articles)} labelled articles, {nothing} of them"
            f" about nothing we follow, {len(terms)} terms ({len(idle)} of them in no labelled passage)"
        ]
    )
    return 0


def models_list(options: argparse.Namespace) -> int:
    """All versions with their quality on folds; the served one is marked with a star."""
    from classifier import printing, storage

    folder = options.home / "models"
    served = storage.current(folder)
    for version in storage.versions(folder):
        try:
            found = storage.card(folder, version)["quality"]["all"]
            row: dict[str, Any] = {"version": version, "served": version == served, **found}
            text = f"{'*' if version == served else ' '} {version}  F1 {found['f1']:.3f}"
        except ClassifierError as error:
            row = {"version": version, "served": version == served, "error": str(error)}
            text = f"! {error}"
        if options.json:
            print(json.dumps(row))
        else:
            printing.lines([text])
    return 0


def models_show(options: argparse.Namespace) -> int:
    """What a version says of itself: quality, cuts, the libraries that made it."""
    from classifier import display, printing, storage

    found = storage.card(options.home / "models", options.version)
    if options.json:
        print(json.dumps(found, ensure_ascii=False))
        return 0
    display.quality_table(found["quality"], f"{options.version}, on folds")
    for topic in found["topics"]:
        cuts = found["cuts"][topic["id"]]
        printing.lines([f"{topic['id']}: main from {cuts['main']:.2f}, mention from {cuts['mention']:.2f}"])
    printing.lines([f"labels {found['labels'][:12]}, made by {found['made_by']}"])
    return 0


def models_use(options: argparse.Namespace) -> int:
    """Serve this version from now on; a running daemon changes over by itself."""
    from classifier import printing, storage

    storage.use(options.home / "models", options.version)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="classifier", description=main.__doc__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _add(commands, "train", train)
    _labels_options(command)
    command.add_argument("--examples", type=Path, metavar="PATH", help="labelled articles of your own")
    command.add_argument("--if-changed", action="store_true", help="only if a label has changed")
    command.add_argument(
        "--terms", action=argparse.BooleanOptionalAction, default=True, help="use the topics' terms"
    )
    command = _add(commands, "evaluate", evaluate)
    command.add_argument("--examples", type=Path, metavar="PATH", help="labelled articles")
    command.add_argument("--folds", action="store_true", help="the labels themselves, on folds")
    command.add_argument("--report", type=Path, metavar="FILE.html", help="write a page as well")
    _labels_options(command)
    bulk.add_options(_add(commands, "tag", bulk.tag))
    command = _add(commands, "explain", explain)
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--topic", metavar="T", help="this topic's id")
    bulk.add_config(command)
    command = _add(commands, "check", check)
    _labels_options(command)
    command.add_argument(
        "--at-least", type=int, default=10, metavar="N", help="main articles a topic and language should have"
    )
    command.add_argument("--quick", action="store_true", help="without the doubtful labels")
    command.add_argument("--most", type=int, default=20, metavar="N", help="doubtful labels to list")
    models = commands.add_parser("models", help="list, show and use versions of the model")
    inner = models.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add(inner, "list", models_list)
    _add(inner, "show", models_show).add_argument("version", metavar="V")
    _add(inner, "use", models_use).add_argument("version", metavar="V")
    return parser


def _add(commands: Any, name: str, command: Command) -> argparse.ArgumentParser:
    """A command whose help is its docstring, with the options that all have."""
    text = inspect.getdoc(command) or ""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text.split("\n\n", 1)[0], description=text
    )
    parser.add_argument(
        "--home", type=Path, default=defaults.home(), help="folder with models/ (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.set_defaults(command=command)
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


def _is_made_of(models: Path, version: str, corpus: Corpus, made_by: dict[str, str]) -> bool:
    from classifier import storage

    try:
        card = storage.card(models, version)
    except ClassifierError:
        return False
    return bool(card.get("labels") == corpus.fingerprint and card.get("made_by") == made_by)


def _is_of_examples(models: Path, version: str) -> bool:
    from classifier import storage

    try:
        return bool(storage.card(models, version)["made_by"].get("from") == "examples")
    except (ClassifierError, KeyError):
        return False


def _load(options: argparse.Namespace) -> Model:
    from classifier import storage
    from classifier.topics import retired_of

    return storage.load(options.home / "models").without(retired_of(options.home))


def _say(options: argparse.Namespace, row: dict[str, object], text: str) -> None:
    print(json.dumps(row, ensure_ascii=False) if options.json else text)


if __name__ == "__main__":
    sys.exit(main())
