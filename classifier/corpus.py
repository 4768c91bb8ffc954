"""Seeds + labels ▶ corpus: articles joined with what a person judged of them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from classifier.articles import Article
from classifier.errors import LabelError, UnreadableArticleError
from classifier.labels import (
    ArticleLabels,
    LabelledPassage,
    read_article_labels,
    read_examples,
)
from classifier.languages import SHIPPED, detect
from classifier.passages import Passage, passages
from classifier.reading import read_articles, read_bytes
from classifier.topics import Topic, load_topics


@dataclass(frozen=True, slots=True)
class Stretch:
    """A passage of a labelled article and its topics."""

    text: str
    topics: frozenset[str]


@dataclass(frozen=True, slots=True)
class Judged:
    """An article as the model sees it, with a person's judgement of it and of its stretches.

    The stretches are what the labels name; `passages` are what tagging would cut.
    """

    article: Article
    main: frozenset[str]
    mention: frozenset[str]
    stretches: tuple[Stretch, ...]
    where: str = ""  # file and line of the judgement

    @property
    def passages(self) -> tuple[Passage, ...]:
        return passages(self.article)


@dataclass(frozen=True, slots=True)
class Corpus:
    """All that a model is trained from."""

    topics: tuple[Topic, ...]
    articles: tuple[Judged, ...]

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
        return digest.hexdigest()


def _add(digest: hashlib._Hash, value: object) -> None:
    digest.update(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def load_corpus(seeds: Path, labels: Path, own: Path | None = None) -> Corpus:
    """The corpus of a folder of seeds and a folder of labels.

    `own` is a folder of the user's: its `topics.toml` adds to the topics, its `.tsv` sheets are
    examples.

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
    problems += _repeated(articles)
    if problems:
        raise LabelError(problems)
    return Corpus(topics, tuple(articles))


def _collect(problems: list[str], read: Callable[[], list[Judged]]) -> list[Judged]:
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
    seen: dict[str, Judged] = {}
    for judged in articles:
        first = seen.setdefault(judged.article.fingerprint, judged)
        if first is not judged:
            said = "with other topics" if first.main != judged.main else "with the same topics"
            yield f"{judged.where}: the same text as in {first.where}, {said}"
