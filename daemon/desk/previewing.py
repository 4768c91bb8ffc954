"""What terms would touch: the last days' articles that say an added or a removed one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from daemon import clock
from daemon.desk import articles
from daemon.desk.articles import ArticleShown, Span
from daemon.desk.index import Filter
from daemon.desk.state import Desk
from daemon.desk.terms import Difference

DAYS = 14
_MOST_TERMS = 20  # looked for
_MOST = 3  # articles shown of each


@dataclass(frozen=True, slots=True)
class Touched:
    """A term and the newest articles that say all its words; `has`: those that have the topic by now."""

    language: str
    term: str
    is_added: bool
    articles: tuple[ArticleShown, ...]
    has: frozenset[int]
    is_more: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """`left_out` terms were not looked for: there are too many."""

    difference: Difference
    touched: tuple[Touched, ...]
    left_out: int


def preview(desk: Desk, topic: str, difference: Difference) -> Preview:
    """What a difference touches, by the index."""
    changed = [(each, True) for each in difference.added] + [(each, False) for each in difference.removed]
    since = Span(since=clock.now() - timedelta(days=DAYS))
    touched = []
    with desk.database.reading() as connection:
        for (language, term), is_added in changed[:_MOST_TERMS]:
            wanted = Filter(text=term)
            found = articles.newest(connection, desk.index, wanted, since, most=_MOST + 1)
            has = frozenset(each.identity for each in found if any(tag.topic == topic for tag in each.tags))
            touched.append(Touched(language, term, is_added, tuple(found[:_MOST]), has, len(found) > _MOST))
    return Preview(difference, tuple(touched), max(0, len(changed) - _MOST_TERMS))
