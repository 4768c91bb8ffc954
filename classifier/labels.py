"""Label sheets: text files in which people judge articles and passages by hand.

A row is two columns parted by one tab, on the left topics parted by ", " (or "-" for none of
them), on the right the passage. In a sheet about a source file the rows of an article follow
three head rows, `article` (its opening line), `main` and `mention`. A line that starts with
"# " is a comment. A row with "?" on the left waits for its topics: it labels nothing yet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from classifier.errors import LabelError

NOTHING = "-"
NOT_YET = "?"

_MOST_AGAIN = 3  # places of one text that are named one by one


@dataclass(frozen=True, slots=True)
class LabelledPassage:
    """A passage and the topics that a desk would want it for; and where that is written."""

    text: str
    topics: frozenset[str]
    file: Path
    line: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class ArticleLabels:
    """What a person judged of one article of a source file."""

    opening: str
    main: frozenset[str]
    mention: frozenset[str]
    passages: tuple[LabelledPassage, ...]
    file: Path
    line: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class _Row:
    left: str
    right: str
    line: int


def read_examples(path: Path, known: Collection[str]) -> tuple[LabelledPassage, ...]:
    """A sheet of passages that stand alone, without those that wait for their topics.

    Raises LabelError with every problem in it.
    """
    problems: list[str] = []
    passages = [
        LabelledPassage(row.right, _topics(row, path, known, problems), path, row.line)
        for row in _rows(path, problems)
        if row.left != NOT_YET
    ]
    if problems:
        raise LabelError.of(path, problems)
    return tuple(passages)


def read_waiting(path: Path) -> tuple[str, ...]:
    """The passages of a sheet that wait for their topics. Raises LabelError where it cannot be read."""
    return tuple(row.right for row in _rows(path, []) if row.left == NOT_YET)


def read_article_labels(path: Path, known: Collection[str]) -> tuple[ArticleLabels, ...]:
    """A sheet about the articles of one source file. Raises LabelError with every problem in it."""
    problems: list[str] = []
    rows = list(_rows(path, problems))
    starts = [number for number, row in enumerate(rows) if row.left == "article"]
    if rows and (not starts or starts[0] != 0):
        problems.append(f"{path}:{rows[0].line}: rows before the first 'article' row")
    articles = [
        _article(rows[start:end], path, known, problems) for start, end in pairwise([*starts, len(rows)])
    ]
    if problems:
        raise LabelError.of(path, problems)
    return tuple(articles)


def said_again(first: str, again: Sequence[str], said: Sequence[str] = ()) -> list[str]:
    """What to say of a text that stands at `first` and again elsewhere: a line each, of many one line.

    `said` has a word on each of the others, such as "with other topics".
    """
    if len(again) <= _MOST_AGAIN:
        words = said or [""] * len(again)
        return [
            f"{where}: the same text as in {first}" + (f", {word}" if word else "")
            for where, word in zip(again, words, strict=True)
        ]
    named, more = ", ".join(again[:_MOST_AGAIN]), len(again) - _MOST_AGAIN
    return [f"{first}: the same text stands {len(again) + 1:,} times, again in {named} and {more:,} more"]


def _article(rows: list[_Row], path: Path, known: Collection[str], problems: list[str]) -> ArticleLabels:
    head = {row.left: row for row in rows[:3]}
    if list(head) != ["article", "main", "mention"]:
        problems.append(f"{path}:{rows[0].line}: an article opens with the rows article, main and mention")
    main = _topics(_head_row(head.get("main"), rows[0]), path, known, problems)
    mention = _topics(_head_row(head.get("mention"), rows[0]), path, known, problems)
    for topic in sorted(main & mention):
        problems.append(f"{path}:{rows[0].line}: {topic!r} is both main and mention")
    passages = tuple(
        LabelledPassage(row.right, _topics(row, path, known, problems), path, row.line) for row in rows[3:]
    )
    return ArticleLabels(rows[0].right, main, mention, passages, path, rows[0].line)


def _head_row(row: _Row | None, article: _Row) -> _Row:
    """A head row names its topics on the right; read it as if they stood on the left."""
    return _Row(row.right, "", row.line) if row else _Row(NOTHING, "", article.line)


def _rows(path: Path, problems: list[str]) -> Iterator[_Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LabelError([f"{path}: {error}"]) from error
    # Not splitlines(): U+2028 and its like may stand inside a passage.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("# "):
            continue
        left, tab, right = line.rstrip("\r").partition("\t")
        if not tab or "\t" in right or not left.strip() or not right.strip():
            problems.append(f"{path}:{number}: should be topics, one tab, text")
            continue
        yield _Row(left.strip(), right.strip(), number)


def _topics(row: _Row, path: Path, known: Collection[str], problems: list[str]) -> frozenset[str]:
    if row.left == NOTHING:
        return frozenset()
    topics = [topic.strip() for topic in row.left.split(",")]
    for topic in topics:
        if topic not in known:
            problems.append(f"{path}:{row.line}: no topic {topic!r} in topics.toml")
        elif topics.count(topic) > 1:
            problems.append(f"{path}:{row.line}: topic {topic!r} stands twice")
    return frozenset(topics)
