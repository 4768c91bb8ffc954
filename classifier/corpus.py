"""Seeds + labels + verdicts ▶ corpus: articles joined with what people judged of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from classifier.articles import Article
from classifier.errors import LabelError, UnreadableArticleError
from classifier.labels import (
    ArticleLabels,
    LabelledPassage,
    read_article_labels,
    read_examples,
    said_again,
)
from classifier.languages import SHIPPED, detect
from classifier.passages import Passage, passages
from classifier.reading import read_articles, read_bytes
from classifier.topics import Topic, load_topics
from classifier.verdicts import Opinion, Standing, joined, read_verdicts, standing

MOST_STRETCHES = 8  # passages of an article with verdicts alone that are learned from

# What a passage counts that carried a wrong tag. Measured with one click each in four languages: at 1 a
# like article kept its tag, from 6 on most lost it, and quality on folds stayed within chance.
_WRONG = 6.0

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A passage of a labelled article and its topics.

    Of a topic in `unknown` nobody knows whether it is about it. `weights`: what it counts in the
    learning of a topic; one that is not in it counts 1.
    """

    text: str
    topics: frozenset[str]
    unknown: frozenset[str] = frozenset()
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """An article as the model sees it, with people's judgement of it and of its stretches.

    The stretches are what the labels name; `passages` are what tagging would cut. Of a topic in
    `unknown` nobody judged. `weights` are those of verdicts, in labels of a sheet: a topic that is not
    in it weighs 1. `right` are the topics that a desk called right, undisputed; `overruled` those of
    which a desk said the contrary of the sheet.
    """

    article: Article
    main: frozenset[str]
    mention: frozenset[str]
    stretches: tuple[Stretch, ...]
    where: str = ""  # file and line of the judgement
    unknown: frozenset[str] = frozenset()
    weights: Mapping[str, float] = field(default_factory=dict)
    right: frozenset[str] = frozenset()
    overruled: frozenset[str] = frozenset()

    @property
    def passages(self) -> tuple[Passage, ...]:
        return passages(self.article)


@dataclass(frozen=True, slots=True)
class Corpus:
    """All that a model is trained from."""

    topics: tuple[Topic, ...]
    articles: tuple[Judged, ...]
    opinions: tuple[Opinion, ...] = ()  # what desks said, disputed or not; an article each

    @property
    def topic_ids(self) -> tuple[str, ...]:
        return tuple(topic.id for topic in self.topics)

    def terms(self) -> Iterator[Stretch]:
        """Each term of each topic, as the very short passage that it is."""
        for topic in self.topics:
            for terms in topic.terms.values():
                for term in terms:
                    yield Stretch(term, frozenset({topic.id}))

    def counts(self) -> dict[str, Counter[str]]:
        """For each topic, in how many articles of each language it is main ("?" for unknown)."""
        counts: dict[str, Counter[str]] = {topic: Counter() for topic in self.topic_ids}
        for judged in self.articles:
            for topic in judged.main:
                counts[topic][judged.article.language or "?"] += 1
        return counts

    @property
    def fingerprint(self) -> str:
        """sha256 over everything that training reads, whatever files it came from."""
        digest = hashlib.sha256()
        for topic in self.topics:
            _add(digest, [topic.id, topic.title, topic.covers, topic.retired])
            _add(digest, sorted((k, list(v)) for k, v in topic.terms.items()))
        for judged in self.articles:
            _add(digest, [judged.article.text, judged.article.language])
            _add(digest, [sorted(judged.main), sorted(judged.mention)])
            _add(digest, [[stretch.text, sorted(stretch.topics)] for stretch in judged.stretches])
            if judged.unknown or judged.weights:
                _add(digest, [sorted(judged.unknown), sorted(judged.right), sorted(judged.weights.items())])
                _add(digest, [[sorted(s.unknown), sorted(s.weights.items())] for s in judged.stretches])
        return digest.hexdigest()


def _add(digest: hashlib._Hash, value: object) -> None:
    digest.update(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def load_corpus(seeds: Path, labels: Path, own: Path | None = None) -> Corpus:
    """The corpus of a folder of seeds and a folder of labels.

    `own` is a folder of the user's: its `topics.toml` adds to the topics, its `.tsv` sheets are
    examples, its `.jsonl` files verdicts. What several of these say of one article is joined. On an
    article that has a sheet a verdict outweighs it, for its topic alone.

    Raises LabelError with every problem in every file: a label must fit its text, a topic must
    be known, a source file must have its labels.
    """
    topics = load_topics(labels / "topics.toml", own / "topics.toml" if own else None)
    more = sorted(own.glob("*.tsv")) if own else []
    known = frozenset(topic.id for topic in topics)
    problems: list[str] = []
    articles: list[Judged] = []
    for source in sorted(seeds.glob("*.txt")):
        if not (labels / "seeds" / f"{source.stem}.tsv").exists():
            problems.append(f"{source}: nobody has labelled it; its sheet would be seeds/{source.stem}.tsv")
    for sheet in sorted((labels / "seeds").glob("*.tsv")):
        articles += _collect(problems, partial(_seed_articles, sheet, seeds, known))
    for sheet in [*sorted((labels / "examples").glob("*/*.tsv")), *more]:
        articles += _collect(problems, partial(_examples, sheet, known))
    opinions: list[Opinion] = []
    for file in sorted(own.glob("*.jsonl")) if own else []:
        opinions += _collect(problems, partial(read_verdicts, file, known))
    problems += _repeated(articles)
    if problems:
        raise LabelError(problems)
    opinions = joined(opinions)
    return Corpus(topics, tuple(_with_verdicts(articles, opinions, known)), tuple(opinions))


def _collect(problems: list[str], read: Callable[[], Sequence[_T]]) -> Sequence[_T]:
    try:
        return read()
    except LabelError as error:
        problems += error.problems
        return []


def _seed_articles(sheet: Path, seeds: Path, known: frozenset[str]) -> list[Judged]:
    source = seeds / f"{sheet.stem}.txt"
    try:
        articles = read_articles(read_bytes(source), source.name)
    except (OSError, UnreadableArticleError) as error:
        raise LabelError([f"{sheet}:1: its source {source} cannot be read: {error}"]) from error
    labels = read_article_labels(sheet, known)
    if len(labels) != len(articles):
        raise LabelError([f"{sheet}:1: labels {len(labels)} articles, but {source} holds {len(articles)}"])
    problems: list[str] = []
    for article, labelled in zip(articles, labels, strict=True):
        problems += _misfits(article, labelled)
    if problems:
        raise LabelError(problems)
    return [_judged(article, given) for article, given in zip(articles, labels, strict=True)]


def _misfits(article: Article, labels: ArticleLabels) -> Iterator[str]:
    """Where labels and text have come apart: each labelled passage stands in the text, in order."""
    if not article.text.startswith(labels.opening):
        yield f"{labels.where}: the article does not open with {labels.opening[:60]!r}"
        return
    place = 0
    for passage in labels.passages:
        found = article.text.find(passage.text, place)
        if found < 0:
            yield f"{passage.where}: no longer in the article's text: {passage.text[:60]!r}"
            continue
        if article.text[place:found].strip():
            left_out = article.text[place:found].strip()[:60]
            yield f"{passage.where}: nothing labels the text before it: {left_out!r}"
        place = found + len(passage.text)
    if article.text[place:].strip():
        yield f"{labels.where}: nothing labels its end: {article.text[place:].strip()[:60]!r}"


def _judged(article: Article, labels: ArticleLabels) -> Judged:
    stretches = tuple(Stretch(passage.text, passage.topics) for passage in labels.passages)
    return Judged(article, labels.main, labels.mention, stretches, labels.where)


def _examples(sheet: Path, known: frozenset[str]) -> list[Judged]:
    """A written example is an article of one passage, all of whose topics are main."""
    return [_example(passage) for passage in read_examples(sheet, known)]


def _example(passage: LabelledPassage) -> Judged:
    folder = passage.file.parent.name  # examples/<language>/<topic>.tsv
    language = folder if folder in SHIPPED else detect(passage.text)
    article = Article(passage.text, language=language)
    stretch = Stretch(passage.text, passage.topics)
    return Judged(article, passage.topics, frozenset(), (stretch,), passage.where)


def _repeated(articles: Iterable[Judged]) -> Iterator[str]:
    seen: dict[str, list[Judged]] = {}
    for judged in articles:
        seen.setdefault(judged.article.fingerprint, []).append(judged)
    for first, *others in seen.values():
        said = [f"with {'the same' if first.main == other.main else 'other'} topics" for other in others]
        yield from said_again(first.where, [other.where for other in others], said)


def _with_verdicts(
    articles: Sequence[Judged], opinions: Iterable[Opinion], topics: frozenset[str]
) -> list[Judged]:
    """The articles of the sheets as desks corrected them, then those that desks alone judged."""
    found = {judged.article.fingerprint: judged for judged in articles}
    for opinion in opinions:
        said = standing(opinion.said)
        sheet = found.get(opinion.article.fingerprint)
        if sheet is not None:
            found[opinion.article.fingerprint] = _corrected(sheet, said, opinion)
        elif said.right or said.wrong:
            found[opinion.article.fingerprint] = _of_desks(said, opinion, topics)
    return list(found.values())


def _of_desks(said: Standing, opinion: Opinion, topics: frozenset[str]) -> Judged:
    """An article of which nothing is known but what desks said.

    About a topic that is right are the passages that carried its tag, or the opening where none did, and
    of the others nobody knows; no passage is about a topic that is wrong. At most MOST_STRETCHES are
    learned from: those that were named, and others at even distances where they tell something.
    """
    unjudged = topics - said.right - said.wrong
    texts = [passage.text for passage in passages(opinion.article)]
    rows = {topic: _named(topic, said, opinion, texts) for topic in said.right | said.wrong}
    named = sorted(set[int]().union(*rows.values()))[:MOST_STRETCHES]
    others = [row for row in range(len(texts)) if row not in named] if said.wrong else []
    stretches = []
    for row in sorted([*named, *_evenly(others, MOST_STRETCHES - len(named))]):
        about = frozenset(topic for topic in said.right if row in rows[topic])
        unknown = unjudged | (said.right - about)
        stretches.append(Stretch(texts[row], about, unknown, _weights(row, said, rows)))
    return Judged(
        opinion.article, said.right, frozenset(), tuple(stretches), opinion.where,
        unknown=unjudged, weights=said.weights, right=said.right,
    )  # fmt: skip


def _corrected(sheet: Judged, said: Standing, opinion: Opinion) -> Judged:
    """An article of a sheet with what desks said: theirs counts for the topics that they judged."""
    texts = [stretch.text for stretch in sheet.stretches]
    rows = {topic: _named(topic, said, opinion, texts) for topic in said.right | said.wrong}
    new = said.right - sheet.main
    stretches = []
    for row, stretch in enumerate(sheet.stretches):
        more = frozenset(topic for topic in new if row in rows[topic])
        topics = (stretch.topics | more) - said.wrong - said.disputed
        unknown = (new | said.disputed) - topics
        stretches.append(Stretch(stretch.text, topics, unknown, _weights(row, said, rows)))
    return replace(
        sheet,
        main=(sheet.main | said.right) - said.wrong - said.disputed,
        mention=sheet.mention - said.right - said.wrong - said.disputed,
        stretches=tuple(stretches),
        unknown=said.disputed,
        weights=said.weights,
        right=said.right,
        overruled=(said.right - sheet.main - sheet.mention) | (said.wrong & sheet.main),
    )


def _named(topic: str, said: Standing, opinion: Opinion, texts: Sequence[str]) -> set[int]:
    """The passages that a verdict on a topic is about: those that carried its tag, and the opening.

    Of a right one the opening only where no passage carried it: a title often says nothing of the topic.
    Measured: with the opening beside the evidence precision on folds falls.
    """
    passages_of_tag = set(opinion.evidence.get(topic, ()))
    carried = {row for row, text in enumerate(texts) if text in passages_of_tag}
    opening = {0, 1} if texts[0] == opinion.article.title and len(texts) > 1 else {0}
    return carried if carried and topic in said.right else carried | opening


def _weights(row: int, said: Standing, rows: Mapping[str, set[int]]) -> dict[str, float]:
    """What a passage counts for the topics that desks judged.

    A verdict "right" counts as one labelled passage, shared by those that it is about. In learning, the few
    passages about a topic weigh together as much as the many that are not, of which one alone would not
    be felt: those that a desk was woken by for nothing count more.
    """
    found = {}
    for topic, weight in sorted(said.weights.items()):
        if topic in said.wrong:
            found[topic] = weight * (_WRONG if row in rows[topic] else 1.0)
        elif row in rows[topic]:
            found[topic] = weight / len(rows[topic])
    return found


def _evenly(rows: Sequence[int], most: int) -> list[int]:
    if len(rows) <= most:
        return list(rows)
    return [rows[number * len(rows) // most] for number in range(most)]
