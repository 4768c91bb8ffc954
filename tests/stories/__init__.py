"""Labelled stories: which articles tell the same event. README.md says how they were written and judged."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from pathlib import Path

from sqlalchemy import Connection, text

from daemon import stories
from daemon.sketches import sketch
from daemon.stories import Place
from tests.builders import NOON

HELD_OUT = ("held_out_a", "held_out_b")
DEVELOPMENT = ("development",)

_FOLDER = Path(__file__).parent
_WINDOW = timedelta(hours=48)
_BETWEEN = timedelta(minutes=7)

_FILE = text(
    """
    INSERT INTO files (id, fingerprint, name, state, size, arrived_at)
    VALUES (1, 'f', 'a.txt', 'done', 1, '2026-01-01')
    ON CONFLICT DO NOTHING
    """
)
_ARTICLE = text(
    """
    INSERT INTO articles (id, file_id, fingerprint, position, title, text, language, model, tagged_at)
    VALUES (:id, 1, 'article ' || :id, 0, :title, :text, :language, 'm', '2026-01-01')
    """
)


@dataclass(frozen=True, slots=True)
class Told:
    """An article of the set: what it tells, and how it came to be (`told`)."""

    family: str
    apart: str
    event: int
    language: str
    told: str
    source: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two articles of a family, and whether they were put into the same story."""

    first: Told
    second: Told
    joined: bool

    @property
    def same_event(self) -> bool:
        return self.first.event == self.second.event

    @property
    def languages(self) -> str:
        return "-".join(sorted((self.first.language, self.second.language)))

    @property
    def kind(self) -> str:
        """Why this pair is hard."""
        if not self.same_event:
            return f"apart: {self.first.apart}"
        kinds = {self.first.told, self.second.told}
        if "near-copy" in kinds and self.first.language == self.second.language:
            return "same: near-copy"
        return "same: follow-up" if "follow-up" in kinds else "same: reworded"


def read(names: Iterable[str]) -> list[Told]:
    found = []
    for name in names:
        for family in tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["family"]:
            for number, event in enumerate(family["event"]):
                for article in event["article"]:
                    found.append(Told(family=family["name"], apart=family["apart"], event=number, **article))
    return found


def as_they_come(articles: Sequence[Told]) -> list[Told]:
    """All first reports, then all second ones, and so on: every story lies among all others."""
    depth: dict[tuple[str, int], int] = {}
    order: list[tuple[int, int, Told]] = []
    for article in articles:
        place = depth.get((article.family, article.event), 0)
        depth[article.family, article.event] = place + 1
        order.append((place, len(order), article))
    return [article for _, _, article in sorted(order, key=lambda each: each[:2])]


def join_all(connection: Connection, articles: Sequence[Told], *, first_id: int = 1) -> list[Place]:
    """Put articles into stories in the order given, some minutes apart."""
    return [
        join_one(connection, article, identity, minutes=identity)
        for identity, article in enumerate(articles, first_id)
    ]


def join_one(connection: Connection, article: Told, identity: int, *, minutes: int = 0) -> Place:
    add_article(connection, identity, article.title, article.text, article.language)
    return stories.join(
        connection,
        article=identity,
        sketch=sketch(article.title, article.text, article.language),
        source=article.source,
        now=NOON + minutes * _BETWEEN,
        window=_WINDOW,
    )


def add_article(
    connection: Connection, identity: int, title: str | None, body: str, language: str | None
) -> None:
    connection.execute(_FILE)
    connection.execute(_ARTICLE, {"id": identity, "title": title, "text": body, "language": language})


def pairs(articles: Sequence[Told], places: Sequence[Place]) -> list[Pair]:
    """All pairs within a family, judged by the stories that they were put into."""
    known = list(zip(articles, places, strict=True))
    return [
        Pair(one, other, place.story == another.story)
        for (one, place), (other, another) in combinations(known, 2)
        if one.family == other.family
    ]


def pairs_alone(connection: Connection, articles: Sequence[Told]) -> list[Pair]:
    """All pairs within a family, each in a ledger that knows nothing else."""
    found = []
    for one, other in combinations(articles, 2):
        if one.family == other.family:
            with connection.begin_nested() as savepoint:
                first, second = join_all(connection, [one, other])
                savepoint.rollback()
            found.append(Pair(one, other, first.story == second.story))
    return found


def f1(found: Iterable[Pair]) -> float:
    """Of joining, over pairs."""
    right = wrong = missed = 0
    for pair in found:
        right += pair.joined and pair.same_event
        wrong += pair.joined and not pair.same_event
        missed += pair.same_event and not pair.joined
    return 2 * right / max(2 * right + wrong + missed, 1)


def false_joins(found: Iterable[Pair]) -> float:
    """The share of pairs of different events that were joined."""
    apart = [pair.joined for pair in found if not pair.same_event]
    return sum(apart) / max(len(apart), 1)
