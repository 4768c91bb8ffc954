"""Stories: the articles that tell the same event. Which article joins which, and what it brings.

A story is found by the rare marks of its articles, and taken by how like they are. However many
articles there are and whatever stands in them, joining one reads a bounded number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from daemon import sketches
from daemon.clock import to_text
from daemon.sketches import COMMON, Sketch

_ASKED = 32  # marks of an article that are looked up
_SEARCHED = 12  # of these, the ones by which stories are searched
_RARE = 24  # a mark that more stories share is not searched by
_KEPT = 16  # marks of an article by which its story is found later
_CANDIDATES = 6  # stories that are compared
_LAST = 3  # articles of a story that are compared, besides its first
_ENOUGH_IN_COMMON = 1.0
_RELATED = 0.02  # how like its story's first article one must be that is like a later one
_FORGOTTEN_WITH = 16  # every so many new stories, as many and more that ended are forgotten
_FORGOTTEN_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Place:
    """An article's place among stories. `news` is what its story had not, as it stands in the article."""

    story: int
    is_first: bool
    near_copy: bool
    news: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A story that an article may belong to, with those of its articles that it is compared with."""

    story: int
    compared: tuple[int, ...]
    members: tuple[Sketch, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    candidate: _Candidate
    score: float
    near_copy: bool


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def _several(name: str, count: int) -> str:
    return ", ".join(f":{each}" for each in _numbered(name, count))


# At most so many rows of a mark are looked at, however many stories have it.
_COUNT_OF_ONE = "(SELECT COUNT(*) FROM (SELECT 1 FROM marks WHERE mark = :{0} LIMIT {1}) AS few)"
_COUNT = text("SELECT " + ", ".join(_COUNT_OF_ONE.format(each, COMMON) for each in _numbered("mark", _ASKED)))
_SEARCH = text(
    f"""
    SELECT mark, story_id
    FROM marks
    WHERE mark IN ({_several("mark", _SEARCHED)})
    """  # noqa: S608  our own words alone
)
_STORIES = text(
    f"""
    SELECT id, compared
    FROM stories
    WHERE id IN ({_several("story", _CANDIDATES)})
      AND last_at >= :since
    """  # noqa: S608
)
_SKETCHES = text(
    f"""
    SELECT article_id, sketch
    FROM sketches
    WHERE article_id IN ({_several("article", _CANDIDATES * (_LAST + 1))})
    """  # noqa: S608
)
_PLACED = text(
    """
    SELECT story_id, compared, near_copy, news
    FROM sketches
    JOIN stories ON stories.id = story_id
    WHERE article_id = :article
    """
)
_OPEN = text(
    """
    INSERT INTO stories (opened_at, last_at, compared)
    VALUES (:now, :now, :article)
    RETURNING id
    """
)
_GO_ON = text(
    """
    UPDATE stories
    SET last_at = :now, compared = :compared
    WHERE id = :story
    """
)
_ADD = text(
    """
    INSERT INTO sketches (article_id, story_id, source, near_copy, news, sketch)
    VALUES (:article, :story, :source, :near_copy, :news, :sketch)
    """
)
_MARK = text(
    """
    INSERT INTO marks (mark, story_id)
    VALUES (:mark, :story)
    ON CONFLICT DO NOTHING
    """
)
_MARKS_OF = text(
    """
    SELECT mark
    FROM marks
    WHERE story_id = :story
    LIMIT 1000
    """
)
_ALSO_TOLD = text(
    """
    SELECT source, COUNT(*)
    FROM sketches
    WHERE story_id = :story
      AND article_id > :after
    GROUP BY source
    ORDER BY MIN(article_id)
    """
)
_SOURCE = text("SELECT source FROM sketches WHERE article_id = :article")
_ENDED = text(
    """
    SELECT id
    FROM stories
    WHERE open
      AND last_at < :before
    ORDER BY last_at, id
    LIMIT :limit
    """
)
_DROP_MARKS = text("DELETE FROM marks WHERE story_id = :story")
_DROP_SKETCHES = text("UPDATE sketches SET sketch = NULL WHERE story_id = :story")
_CLOSE = text("UPDATE stories SET open = false WHERE id = :story")


def join(
    connection: Connection,
    *,
    article: int,
    title: str | None,
    text: str,
    language: str | None,
    source: str | None,
    now: datetime,
    window: timedelta,
) -> Place:
    """Put an article into the story whose event it tells, or open one with it.

    A story takes articles until nothing was added to it for a window. An article that has its place
    already keeps it.
    """
    placed = _placed(connection, article)
    if placed is not None:
        return placed
    sketch = sketches.sketch(title, text, language)
    counts = _counts(connection, sketch)
    rarities = {mark: sketches.rarity(count) for mark, count in counts.items()}
    since = to_text(now - window)
    match = _best(_candidates(connection, sketch, counts, rarities, since), sketch, rarities)
    if match is None:
        place = Place(_open(connection, article, now, since), is_first=True, near_copy=False, news=())
    else:
        place = _go_on(connection, match, sketch, article, now)
    _keep(connection, place, sketch, article, source)
    if not place.near_copy:
        _mark(connection, place.story, sketch, counts, rarities)
    return place


def also_told(connection: Connection, story: int, *, after: int) -> tuple[tuple[str, ...], int]:
    """Who else told a story after this article, each once in order, and in how many articles.

    Near-copies count; the source of the article itself is not named.
    """
    own = connection.execute(_SOURCE, {"article": after}).scalar()
    rows = connection.execute(_ALSO_TOLD, {"story": story, "after": after}).all()
    told = tuple(source for source, _ in rows if source and source != own)
    return told, sum(count for _, count in rows)


def forget(connection: Connection, *, before: datetime) -> int:
    """Drop what stories were known by that got their last article before this moment; returns how many.

    Which articles told them stays. `join` forgets as well, a few at a time.
    """
    forgotten = 0
    while ended := _forget(connection, to_text(before)):
        forgotten += ended
    return forgotten


def _forget(connection: Connection, before: str) -> int:
    rows = connection.execute(_ENDED, {"before": before, "limit": _FORGOTTEN_AT_ONCE}).all()
    ended = [{"story": story} for (story,) in rows]
    if ended:
        for statement in (_DROP_MARKS, _DROP_SKETCHES, _CLOSE):
            connection.execute(statement, ended)
    return len(ended)


def _placed(connection: Connection, article: int) -> Place | None:
    row = connection.execute(_PLACED, {"article": article}).one_or_none()
    if row is None:
        return None
    story, compared, near_copy, news = row
    return Place(story, int(compared.split()[0]) == article, bool(near_copy), tuple(json.loads(news)))


def _counts(connection: Connection, sketch: Sketch) -> dict[str, int]:
    """How many stories have each of the article's most telling marks; COMMON means so many or more."""
    asked = sketch.marks[:_ASKED]
    if not asked:
        return {}
    row = connection.execute(_COUNT, _padded("mark", asked, _ASKED, "")).one()
    return dict(zip(asked, row, strict=False))


def _candidates(
    connection: Connection,
    sketch: Sketch,
    counts: Mapping[str, int],
    rarities: Mapping[str, float],
    since: str,
) -> list[_Candidate]:
    """The stories that share most with the article, counted by rare marks; in the order they began."""
    rare = sorted((count, mark) for mark, count in counts.items() if 0 < count <= _RARE)
    searched = [mark for _, mark in rare[:_SEARCHED]]
    if not searched:
        return []
    shared: dict[int, float] = {}
    for mark, story in connection.execute(_SEARCH, _padded("mark", searched, _SEARCHED, "")):
        shared[story] = shared.get(story, 0.0) + sketch.weights[mark] * rarities[mark]
    likely = sorted((-weight, story) for story, weight in shared.items() if weight >= _ENOUGH_IN_COMMON)
    if not likely:
        return []
    stories = [story for _, story in likely[:_CANDIDATES]]
    found = connection.execute(_STORIES, _padded("story", stories, _CANDIDATES, 0) | {"since": since}).all()
    members = {story: tuple(map(int, compared.split())) for story, compared in sorted(map(tuple, found))}
    return _with_sketches(connection, members)


def _with_sketches(connection: Connection, members: Mapping[int, tuple[int, ...]]) -> list[_Candidate]:
    articles = [article for compared in members.values() for article in compared]
    if not articles:
        return []
    rows = connection.execute(_SKETCHES, _padded("article", articles, _CANDIDATES * (_LAST + 1), 0))
    written = {article: sketch for article, sketch in rows if sketch is not None}
    return [
        _Candidate(
            story, compared, tuple(sketches.from_json(written[each]) for each in compared if each in written)
        )
        for story, compared in members.items()
    ]


def _best(candidates: Iterable[_Candidate], sketch: Sketch, rarities: Mapping[str, float]) -> _Match | None:
    """The story whose article is most like this one.

    Being like one of the last articles is enough only if the first one has to do with it too: else
    a chain of small steps would lead from any event to any other.
    """
    best: _Match | None = None
    for candidate in candidates:
        likenesses = [sketches.likeness(each, sketch, rarities) for each in candidate.members]
        if (
            not likenesses
            or likenesses[0].score < _RELATED
            or not any(each.same_story for each in likenesses)
        ):
            continue
        near_copy = any(each.near_copy for each in likenesses)
        score = max(each.score for each in likenesses) + near_copy
        if best is None or score > best.score:
            best = _Match(candidate, score, near_copy)
    return best


def _open(connection: Connection, article: int, now: datetime, since: str) -> int:
    story = connection.execute(_OPEN, {"now": to_text(now), "article": str(article)}).scalar_one()
    if story % _FORGOTTEN_WITH == 0:
        _forget(connection, since)
    return int(story)


def _go_on(connection: Connection, match: _Match, sketch: Sketch, article: int, now: datetime) -> Place:
    candidate = match.candidate
    marks = frozenset(connection.execute(_MARKS_OF, {"story": candidate.story}).scalars())
    news = sketches.news(sketch, candidate.members, marks)
    first, *last = candidate.compared
    # A near-copy says nothing that the article which it copies does not say.
    compared = candidate.compared if match.near_copy else (first, *[*last, article][-_LAST:])
    written = " ".join(map(str, compared))
    connection.execute(_GO_ON, {"now": to_text(now), "compared": written, "story": candidate.story})
    return Place(candidate.story, is_first=False, near_copy=match.near_copy, news=news)


def _keep(connection: Connection, place: Place, sketch: Sketch, article: int, source: str | None) -> None:
    connection.execute(
        _ADD,
        {
            "article": article,
            "story": place.story,
            "source": source,
            "near_copy": place.near_copy,
            "news": json.dumps(place.news, ensure_ascii=False),
            "sketch": None if place.near_copy else sketch.to_json(),
        },
    )


def _mark(
    connection: Connection,
    story: int,
    sketch: Sketch,
    counts: Mapping[str, int],
    rarities: Mapping[str, float],
) -> None:
    """Make the story known by the article's marks, the rarest and most telling of them.

    What COMMON stories have is not kept: so no mark is ever kept for more.
    """
    telling = sorted(
        (-sketch.weights[mark] * rarities[mark], mark) for mark in counts if counts[mark] < COMMON
    )
    kept = [{"mark": mark, "story": story} for _, mark in telling[:_KEPT]]
    if kept:
        connection.execute(_MARK, kept)


def _padded(name: str, values: list[str] | list[int], count: int, filler: str | int) -> dict[str, str | int]:
    """Values for a statement that always takes so many, so that it is prepared only once."""
    padded = [*values, *[filler] * (count - len(values))]
    return dict(zip(_numbered(name, count), padded, strict=True))
