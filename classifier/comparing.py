"""The command `classifier models diff`: which decisions differ between two versions, and why they may."""

from __future__ import annotations

import argparse
import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import bulk, defaults
from classifier.errors import ClassifierError

if TYPE_CHECKING:
    from classifier.differing import Differing, Tally
    from classifier.model import Model
    from classifier.spreading import Tagger
    from classifier.streams import Batch
    from classifier.tagging import Tagged

NEWEST = 200  # files of HOME/done


def diff(options: argparse.Namespace) -> int:
    r"""Which decisions differ between two versions, A before and B after.

    On the articles of PATHs as `tag` takes them; without a PATH on the shipped held-out articles and
    the newest 200 files of HOME/done. Shows for each topic how often A alone says it, B alone, or
    both in other grades; what differs in their cuts, quality and labels; and the articles that
    differ most, with the passage that carried the topic.

        classifier models diff 20261121T033000Z-5a6b7c8d 20261122T033000Z-1f2e3d4c
        classifier models diff 20261121T033000Z-5a6b7c8d 20261122T033000Z-1f2e3d4c \
            archive/ --most 50 --config topicwire.toml
    """
    from classifier import differing, storage, walking

    models = options.home / "models"
    cards = differing.cards(*(storage.card(models, version) for version in (options.a, options.b)))
    paths = options.paths or _usual(options.home)
    pair = _pair(options)
    tally = differing.Tally(options.most)
    read = 0
    for found in walking.walk(paths, pair, jobs=1, backend="loky"):
        read += found.articles
        for file, before, after in found.tagged:
            tally.add(file, (pair.before, before), (pair.after, after))
    if not read:
        raise ClassifierError(f"{', '.join(paths)}: no article to compare {options.a} and {options.b} on")
    rows = _with_labels(models, options.a, options.b, cards)
    if options.json:
        _print_json(options, tally, rows)
    else:
        _print(options, tally, rows)
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="the version before")
    parser.add_argument("b", metavar="B", help="the version after")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="articles to compare them on")
    parser.add_argument(
        "--most", type=_most, default=20, metavar="N", help="articles to show (default: %(default)s)"
    )
    bulk.add_config(parser)


def _most(given: str) -> int:
    number = int(given)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _usual(home: Path) -> list[str]:
    held_out = sorted((defaults.shipped("labels") / "held-out").glob("*.jsonl"))
    done = (path for path in (home / "done").rglob("*") if path.is_file())
    newest = heapq.nlargest(NEWEST, done, key=lambda path: (path.stat().st_mtime_ns, str(path)))
    return [str(path) for path in (*held_out, *newest)]


@dataclass(frozen=True, slots=True)
class _Compared:
    """What both models say of the articles of a batch."""

    size: int
    tagged: tuple[tuple[str, Tagged, Tagged], ...]
    problems: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def articles(self) -> int:
        return len(self.tagged)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two models and what reads for both."""

    tagger: Tagger
    before: Model
    after: Model

    def __call__(self, batch: Batch) -> _Compared:
        read, articles = self.tagger.read(batch)
        sides = [model.tag_all(article for _, article in articles) for model in (self.before, self.after)]
        files = [file for file, _ in articles]
        return _Compared(
            sum(piece.size for piece in batch),
            tuple(zip(files, *sides, strict=True)),
            tuple(read.problems),
            tuple(read.left_out),
        )


def _pair(options: argparse.Namespace) -> _Pair:
    from classifier import storage
    from classifier.spreading import Tagger
    from classifier.topics import retired_of

    models = (options.home / "models").absolute()
    retired = retired_of(options.home)
    before, after = (storage.load(models, version).without(retired) for version in (options.a, options.b))
    tagger = Tagger(models, before.version, before.retired, json=False, rules=bulk.rules_from(options))
    tagger.use(before)
    return _Pair(tagger, before, after)


def _with_labels(models: Path, a: str, b: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same rows, with how many main articles each version was made from; None where it kept none."""
    counts = [_labels(models, version) for version in (a, b)]
    return [{**row, "labels": [found.get(row["topic"]) for found in counts]} for row in rows]


def _labels(models: Path, version: str) -> dict[str, int]:
    from classifier import folds

    found = folds.read_folds(models, version)
    if found is None:
        return {}
    main = dict(zip(found.topics, found.main.sum(axis=0).tolist(), strict=True))
    return {"all": len(found.ids), **main}


def _print_json(options: argparse.Namespace, tally: Tally, rows: Sequence[Mapping[str, Any]]) -> None:
    summary = {
        "before": options.a,
        "after": options.b,
        "articles": tally.articles,
        "differing": tally.differing,
        "topics": tally.by_topic(),
        "cards": list(rows),
    }
    print(json.dumps(summary, ensure_ascii=False))
    for found in tally.strongest():
        print(json.dumps(found.as_json(), ensure_ascii=False))


def _print(options: argparse.Namespace, tally: Tally, rows: Sequence[Mapping[str, Any]]) -> None:
    from classifier import display, printing

    a, b = options.a, options.b
    counts = [
        (topic, *(str(row[kind]) for kind in ("before", "after", "grade", "same")))
        for topic, row in tally.by_topic().items()
    ]
    title = f"{tally.differing} of {tally.articles} articles differ between {a} (A) and {b} (B)"
    display.table(title, ("said by", "A alone", "B alone", "other grade", "both alike"), counts)
    display.table(
        "What they were made to be",
        ("", "F1 on folds A", "B", "main from A", "B", "mention from A", "B", "labels A", "B"),
        [_card_row(row) for row in rows],
    )
    for found in tally.strongest():
        printing.lines(map(printing.visible, _lines(found)))
    left = tally.differing - len(tally.strongest())
    if left:
        printing.lines([f"and {left} more articles; see --most"])


def _card_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    main, mention = ([cuts and cuts[kind] for cuts in row["cuts"]] for kind in ("main", "mention"))
    numbers = [
        *map(_number, (*row["f1"], *main, *mention)),
        *("" if n is None else str(n) for n in row["labels"]),
    ]
    return (row["topic"], *numbers)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _lines(found: Differing) -> Iterator[str]:
    yield f"{found.article.headline}  ({found.file}, {found.article.language or '?'})"
    for difference in found.differences:
        yield f"  {difference.topic}: A {difference.before}; B {difference.after}"
        yield f"    “{difference.passage}”"
