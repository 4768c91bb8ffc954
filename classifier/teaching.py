"""The command `classifier suggest`: which passages to judge next, in a sheet to fill in."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from classifier import bulk, defaults
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.corpus import Corpus, Judged
    from classifier.model import Model
    from classifier.scouting import Pool, Scout
    from classifier.spreading import Tagger
    from classifier.suggesting import Needs, Suggestion


def suggest(options: argparse.Namespace) -> int:
    """Which passages to judge next: those whose labels would teach the served model most.

    Looks through files, folders and archives as `tag` reads them and writes a label sheet into
    HOME/labels in which each passage has "?" for its topics. Put topics or "-" there: the next
    training learns from what is filled in and passes over the rest; `classifier check` says how far
    it has come. Asked about is what the model doubts, the more where a topic has few labels in a
    language, and no two of a kind; every fifth passage is drawn at random, for what it is wrongly
    sure of. Never asked about: what is labelled or asked already, and the held-out articles. The
    same passages come of the same input, model and labels.

        classifier suggest --unlabelled var/done
        classifier suggest --unlabelled archive.jsonl --topics energy,trade --languages kk --number 20
        classifier suggest --unlabelled archive/ --output sheet.tsv
        classifier suggest --unlabelled archive/ --labels my-labels --seeds my-articles
        classifier suggest --unlabelled mails/ --config topicwire.toml
        classifier suggest --unlabelled archive/ --jobs 4 --backend multiprocessing
    """
    from classifier import scouting, storage, suggesting
    from classifier.corpus import load_corpus
    from classifier.topics import retired_of

    labels = options.labels or defaults.shipped("labels")
    corpus = load_corpus(options.seeds or defaults.shipped("seeds"), labels, options.home / "labels")
    model = storage.load(options.home / "models").without(retired_of(options.home))
    scout = scouting.Scout(
        _tagger(options, model),
        _needs(options, corpus, model),
        _languages(options, corpus),
        frozenset(_known(corpus, [labels / "held-out", options.home / "held-out"], options.home / "labels")),
        most=2 * options.number,
    )
    articles, pool = _look(options, scout)
    suggestions = suggesting.suggest(pool.doubted(), pool.drawn(), scout.needs, options.number)
    if not suggestions:
        raise ClassifierError(
            f"{', '.join(options.unlabelled)}: nothing to ask about in {articles:,} articles: no passage in"
            f" {', '.join(sorted(scout.languages))} is long enough, and neither labelled nor asked already"
        )
    return _write(options, suggestions, f"{pool.passages:,} passages of {articles:,} articles", model)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unlabelled",
        nargs="+",
        required=True,
        metavar="PATH",
        help="files, folders, .jsonl, .jsonl.gz, patterns",
    )
    parser.add_argument(
        "--number", type=_number, default=50, metavar="N", help="passages to ask about (default: %(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE.tsv", help="the sheet (default: HOME/labels/suggested-N.tsv)"
    )
    parser.add_argument("--topics", type=_names, metavar="T,…", help="ask about these alone (default: all)")
    parser.add_argument(
        "--languages", type=_names, metavar="L,…", help="of these alone (default: those with labels)"
    )
    bulk.add_config(parser)
    bulk.add_processes(parser)


def _number(given: str) -> int:
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _names(given: str) -> tuple[str, ...]:
    return tuple(name for part in given.split(",") if (name := part.strip()))


def _tagger(options: argparse.Namespace, model: Model) -> Tagger:
    from classifier.spreading import Tagger

    models = (options.home / "models").absolute()
    tagger = Tagger(models, model.version, model.retired, json=False, rules=bulk.rules_from(options))
    tagger.use(model)
    return tagger


def _needs(options: argparse.Namespace, corpus: Corpus, model: Model) -> Needs:
    from classifier import suggesting

    unknown = [topic for topic in model.topics if topic not in corpus.topic_ids]
    if unknown:
        raise ClassifierError(
            f"{model.version}: knows {unknown[0]!r}, which is no topic of topics.toml; a model that was"
            " trained from examples learns nothing of a label sheet"
        )
    asked = frozenset(options.topics or model.topics) - model.retired
    for topic in sorted(asked - frozenset(model.topics)):
        raise ClassifierError(f"no topic {topic!r}; there are {', '.join(model.topics)}")
    if not asked:
        raise ClassifierError("--topics: all of them are retired")
    cuts = tuple(model.cuts[topic].main for topic in model.topics)
    return suggesting.Needs(model.topics, cuts, corpus.counts(), asked)


def _languages(options: argparse.Namespace, corpus: Corpus) -> frozenset[str]:
    """A language without labels would take all the questions, and may be one that was guessed wrongly."""
    from classifier.calibrating import FEW_LABELS

    if options.languages:
        return frozenset(options.languages)
    labelled = Counter(judged.article.language for judged in corpus.articles)
    return frozenset(name for name, number in labelled.items() if name and number >= FEW_LABELS)


def _known(corpus: Corpus, held_out: Iterable[Path], own: Path) -> Iterator[str]:
    """Fingerprints of what nobody is to be asked about."""
    from classifier import archives, scouting, sheets
    from classifier.articles import Article

    apart = [judged for path in _files(held_out) for judged in archives.read(path)]
    texts = [text for judged in corpus.articles for text in _judged(judged)]
    texts += [passage.text for judged in apart for passage in judged.passages]
    texts += sheets.waiting_texts(own)
    yield from (Article(scouting.one_line(text)).fingerprint for text in texts)
    yield from (judged.article.fingerprint for judged in [*corpus.articles, *apart])


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob("*.jsonl"))]


def _judged(judged: Judged) -> list[str]:
    """Passages of which people judged every topic; of an article with verdicts alone those are none."""
    if judged.unknown:
        return []
    return [stretch.text for stretch in judged.stretches] + [passage.text for passage in judged.passages]


def _look(options: argparse.Namespace, scout: Scout) -> tuple[int, Pool]:
    """How many articles there are, and the passages that are worth a look."""
    from classifier import scouting, walking

    articles, pool = 0, scouting.Pool(scout.most)
    for seen in walking.walk(options.unlabelled, scout, jobs=options.jobs, backend=options.backend):
        articles += seen.articles
        pool.join(seen.pool)
    return articles, pool


def _write(options: argparse.Namespace, suggestions: Sequence[Suggestion], among: str, model: Model) -> int:
    from classifier import printing, sheets

    kinds = {
        "language": Counter(suggestion.candidate.language for suggestion in suggestions),
        "topic": Counter(suggestion.topic for suggestion in suggestions if not suggestion.drawn),
    }
    drawn = sum(suggestion.drawn for suggestion in suggestions)
    number = len(suggestions)
    head = [
        f"{number} passages to judge of {among}, asked for by {model.version}; {drawn} are drawn at random.",
        f"Topics: {', '.join(topic for topic in model.topics if topic not in model.retired)}.",
    ]
    if options.output:
        path = options.output
        sheets.write_sheet_to(path, suggestions, head)
    else:
        path = sheets.write_sheet(options.home / "labels", suggestions, head)
    if options.json:
        for suggestion in suggestions:
            print(json.dumps({"sheet": str(path), **suggestion.as_json()}, ensure_ascii=False))
        return 0
    counted = [", ".join(f"{name} {often}" for name, often in kinds[kind].most_common()) for kind in kinds]
    printing.lines(
        [
            f"{path}: {number} passages to judge of {among}, {drawn} of them drawn at random",
            f"languages: {counted[0]}",
            f"asked about: {counted[1]}",
            "put topics or - in place of each ?; `classifier check` says how far it has come",
        ]
    )
    return 0
