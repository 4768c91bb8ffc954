"""Stories that an article may belong to: found by the rare marks that they share with it.

However many stories there are and whatever stands in them, a bounded number of rows is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from sqlalchemy import Connection

from daemon import sketches
from daemon.likeness import rarity
from daemon.sketches import Sketch
from daemon.statements import Statement

LAST = 3  # articles of a story that a new one is compared with, besides its first

_ASKED = 28  # marks of an article that are looked up
_SEARCHED = 12  # of these, the ones by which stories are searched
_RARE = 24  # a mark that more stories share is not searched by
_CANDIDATES = 6  # stories that are compared
_ENOUGH_IN_COMMON = 1.0
_MILLIONTHS = 1_000_000  # what marks weigh is added up in whole numbers: the same in whatever order


@dataclass(frozen=True, slots=True)
class Marks:
    """How many stories have each of an article's most telling marks. None is kept for more than COMMON."""

    counts: Mapping[str, int]
    rarities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A story, with those of its articles that a new one is compared with; `articles` are their ids."""

    story: int
    articles: tuple[int, ...]
    members: tuple[Sketch, ...]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f":{name}" for name in names)


_MARKS = [f"mark{number}" for number in range(_ASKED)]
_WEIGHTS = [f"weight{number}" for number in range(_SEARCHED)]
_PAIRS = [f"(:mark{number}, CAST(:weight{number} AS BIGINT))" for number in range(_SEARCHED)]

# A row without a mark is the story that the article belongs to already.
_COUNT = Statement(
    f"""
    SELECT mark, COUNT(*)
    FROM marks
    WHERE mark IN ({_listed(_MARKS)})
    GROUP BY mark
    UNION ALL
    SELECT NULL, story_id
    FROM sketches
    WHERE article_id = :article
    """  # noqa: S608  our own words alone
)
_COMPARED = Statement(
    f"""
    WITH
    asked (mark, weight) AS (
        VALUES {", ".join(_PAIRS)}
    ),
    likely AS (
        SELECT story_id
        FROM asked
        JOIN marks ON marks.mark = asked.mark
        GROUP BY story_id
        HAVING SUM(weight) >= :enough
        ORDER BY SUM(weight) DESC, story_id
        LIMIT {_CANDIDATES}
    )
    SELECT likely.story_id, article_id, sketch
    FROM likely
    JOIN stories ON stories.id = likely.story_id
    JOIN sketches ON sketches.story_id = likely.story_id
    WHERE sketch IS NOT NULL
      AND last_at >= :since
    ORDER BY likely.story_id, article_id
    """  # noqa: S608  our own words alone
)
_MARKS_OF = Statement(
    f"""
    SELECT mark
    FROM marks
    WHERE mark IN ({_listed(_MARKS)})
      AND story_id = :story
    """  # noqa: S608  our own words alone
)


def known_marks(connection: Connection, article: int, sketch: Sketch) -> Marks | None:
    """None where the article belongs to a story already."""
    asked = sketch.marks[:_ASKED]
    given = {**_padded(_MARKS, asked, ""), "article": article}
    counts = dict.fromkeys(asked, 0)
    for mark, count in _COUNT.execute(connection, given).all():
        if mark is None:
            return None
        counts[mark] = count
    return Marks(counts, {mark: rarity(count) for mark, count in counts.items()})


def candidates(connection: Connection, sketch: Sketch, marks: Marks, *, since: str) -> list[Candidate]:
    """The stories that share most with the article, in the order they began.

    `since`: no story that got its last article before.
    """
    rare = sorted((count, mark) for mark, count in marks.counts.items() if 0 < count <= _RARE)
    searched = [mark for _, mark in rare[:_SEARCHED]]
    weights = [round(sketch.weights[mark] * marks.rarities[mark] * _MILLIONTHS) for mark in searched]
    enough = round(_ENOUGH_IN_COMMON * _MILLIONTHS)
    if sum(weights) < enough:
        return []
    given = {**_padded(_MARKS[:_SEARCHED], searched, ""), **_padded(_WEIGHTS, weights, 0)}
    found: dict[int, list[tuple[int, str]]] = {}
    rows = _COMPARED.execute(connection, {**given, "enough": enough, "since": since})
    for story, article, written in rows.all():
        found.setdefault(story, []).append((article, written))
    return [
        Candidate(
            story,
            tuple(article for article, _ in members),
            tuple(sketches.from_json(written) for _, written in members),
        )
        for story, members in found.items()
    ]


def marks_of(connection: Connection, story: int, marks: Marks) -> frozenset[str]:
    """Those of the marks that a story is known by."""
    given = _padded(_MARKS, list(marks.counts), "")
    return frozenset(_MARKS_OF.execute(connection, {**given, "story": story}).scalars())


def _padded(names: Sequence[str], values: Sequence[str | int], filler: str | int) -> dict[str, str | int]:
    """Values for a statement that always takes so many, so that it is prepared only once."""
    return dict(zip(names, chain(values, repeat(filler)), strict=False))
