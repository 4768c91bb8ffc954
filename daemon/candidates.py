"""Stories that an article may belong to: found by the rare marks that they share with it.

However many stories there are and whatever stands in them, a bounded number of rows is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from daemon import sketches
from daemon.likeness import rarity
from daemon.sketches import Sketch

LAST = 3  # articles of a story that a new one is compared with, besides its first

_ASKED = 28  # marks of an article that are looked up
_SEARCHED = 12  # of these, the ones by which stories are searched
_RARE = 24  # a mark that more stories share is not searched by
_CANDIDATES = 6  # stories that are compared
_ENOUGH_IN_COMMON = 1.0


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


def _names(name: str, count: int) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def _parameters(name: str, count: int) -> str:
    return ", ".join(f":{each}" for each in _names(name, count))


_COUNT = text(
    f"""
    SELECT mark, COUNT(*)
    FROM marks
    WHERE mark IN ({_parameters("mark", _ASKED)})
    GROUP BY mark
    """  # noqa: S608  our own words alone
)
_SEARCH = text(
    f"""
    SELECT mark, story_id
    FROM marks
    WHERE mark IN ({_parameters("mark", _SEARCHED)})
    """  # noqa: S608  our own words alone
)
_COMPARED = text(
    f"""
    SELECT story_id, article_id, sketch
    FROM sketches
    JOIN stories ON stories.id = story_id
    WHERE story_id IN ({_parameters("story", _CANDIDATES)})
      AND sketch IS NOT NULL
      AND last_at >= :since
    ORDER BY story_id, article_id
    """  # noqa: S608  our own words alone
)
_MARKS_OF = text(
    f"""
    SELECT mark
    FROM marks
    WHERE mark IN ({_parameters("mark", _ASKED)})
      AND story_id = :story
    """  # noqa: S608  our own words alone
)


def known_marks(connection: Connection, sketch: Sketch) -> Marks:
    asked = sketch.marks[:_ASKED]
    found = connection.execute(_COUNT, _padded("mark", asked, _ASKED, ""))
    counts = {**dict.fromkeys(asked, 0), **dict(map(tuple, found))}
    return Marks(counts, {mark: rarity(count) for mark, count in counts.items()})


def candidates(connection: Connection, sketch: Sketch, marks: Marks, *, since: str) -> list[Candidate]:
    """The stories that share most with the article, in the order they began.

    `since`: no story that got its last article before.
    """
    rare = sorted((count, mark) for mark, count in marks.counts.items() if 0 < count <= _RARE)
    searched = [mark for _, mark in rare[:_SEARCHED]]
    if not searched:
        return []
    shared: dict[int, float] = {}
    for mark, story in connection.execute(_SEARCH, _padded("mark", searched, _SEARCHED, "")):
        shared[story] = shared.get(story, 0.0) + sketch.weights[mark] * marks.rarities[mark]
    likely = sorted((-weight, story) for story, weight in shared.items() if weight >= _ENOUGH_IN_COMMON)
    stories = [story for _, story in likely[:_CANDIDATES]]
    return _with_members(connection, stories, since) if stories else []


def marks_of(connection: Connection, story: int, marks: Marks) -> frozenset[str]:
    """Those of the marks that a story is known by."""
    given = {**_padded("mark", list(marks.counts), _ASKED, ""), "story": story}
    return frozenset(connection.execute(_MARKS_OF, given).scalars())


def _with_members(connection: Connection, stories: Sequence[int], since: str) -> list[Candidate]:
    found: dict[int, list[tuple[int, str]]] = {}
    given = {**_padded("story", stories, _CANDIDATES, 0), "since": since}
    for story, article, written in connection.execute(_COMPARED, given):
        found.setdefault(story, []).append((article, written))
    return [
        Candidate(
            story,
            tuple(article for article, _ in members),
            tuple(sketches.from_json(written) for _, written in members),
        )
        for story, members in found.items()
    ]


def _padded(name: str, values: Sequence[str | int], count: int, filler: str | int) -> dict[str, str | int]:
    """Values for a statement that always takes so many, so that it is prepared only once."""
    padded = [*values, *[filler] * (count - len(values))]
    return dict(zip(_names(name, count), padded, strict=True))
