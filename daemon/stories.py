"""Stories: the articles that tell the same event. Which article joins which, and what it brings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, text

from daemon.candidates import LAST, Candidate, Marks, candidates, known_marks, marks_of
from daemon.clock import to_text
from daemon.likeness import COMMON, likeness, news
from daemon.sketches import Sketch
from daemon.statements import Statement

_KEPT = 16  # marks of an article by which its story is found later
_RELATED = 0.02  # how like its story's first article one must be that is like a later one
_FORGOTTEN_WITH = 16  # every so many new stories, some that ended are forgotten
_FORGOTTEN_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Place:
    """An article's place among stories. `news` is what its story had not, as it stands in the article."""

    story: int
    is_first: bool
    near_copy: bool
    news: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Match:
    candidate: Candidate
    score: float
    near_copy: bool


_PLACED = Statement(
    """
    SELECT story_id, first_article, near_copy, news
    FROM sketches
    JOIN stories ON stories.id = story_id
    WHERE article_id = :article
    """
)
_OPEN = Statement(
    """
    INSERT INTO stories (opened_at, last_at, first_article)
    VALUES (:now, :now, :article)
    RETURNING id
    """
)
_GO_ON = Statement(
    """
    UPDATE stories
    SET last_at = :now
    WHERE id = :story
    """
)
_COMPARE_NO_MORE = Statement(
    """
    UPDATE sketches
    SET sketch = NULL
    WHERE article_id = :article
    """
)
_ADD = Statement(
    """
    INSERT INTO sketches (article_id, story_id, source, near_copy, news, sketch)
    VALUES (:article, :story, :source, :near_copy, :news, :sketch)
    """
)
_MARK = Statement(
    """
    INSERT INTO marks (mark, story_id)
    VALUES (:mark, :story)
    ON CONFLICT DO NOTHING
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
_SOURCE = text(
    """
    SELECT source
    FROM sketches
    WHERE article_id = :article
    """
)
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
_DROP_SKETCHES = text("UPDATE sketches SET sketch = NULL WHERE story_id = :story AND sketch IS NOT NULL")
_CLOSE = text("UPDATE stories SET open = false WHERE id = :story")


def join(
    connection: Connection,
    *,
    article: int,
    sketch: Sketch,
    source: str | None,
    now: datetime,
    window: timedelta,
) -> Place:
    """Put an article into the story whose event it tells, or open one with it.

    A story takes articles until it got none for a window. An article that has its place already
    keeps it. The same articles in the same order give the same stories.
    """
    marks = known_marks(connection, article, sketch)
    if marks is None:
        return _placed(connection, article)
    since = to_text(now - window)
    match = _best(candidates(connection, sketch, marks, since=since), sketch, marks)
    if match is None:
        place = _open(connection, article, now, since)
    else:
        place = _go_on(connection, match, sketch, marks, now)
    _keep(connection, place, sketch, article, source)
    if not place.near_copy:
        _mark(connection, place.story, sketch, marks)
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
    """Drop what those stories are known by that got their last article before; returns how many.

    Which articles told them stays. `join` forgets as well, a few stories at a time.
    """
    forgotten = 0
    while ended := _forget(connection, to_text(before)):
        forgotten += ended
    return forgotten


def _forget(connection: Connection, before: str) -> int:
    rows = connection.execute(_ENDED, {"before": before, "limit": _FORGOTTEN_AT_ONCE})
    ended = [{"story": story} for story in rows.scalars()]
    if ended:
        for statement in (_DROP_MARKS, _DROP_SKETCHES, _CLOSE):
            connection.execute(statement, ended)
    return len(ended)


def _placed(connection: Connection, article: int) -> Place:
    story, first, near_copy, brought = _PLACED.execute(connection, {"article": article}).one()
    return Place(story, first == article, bool(near_copy), tuple(from_json(brought)))


def _best(found: Iterable[Candidate], sketch: Sketch, marks: Marks) -> _Match | None:
    """The story whose article is most like this one.

    Being like one of the last articles is enough only if the first one has to do with it too: else
    a chain of small steps would lead from any event to any other.
    """
    best: _Match | None = None
    for candidate in found:
        alike = [likeness(member, sketch, marks.rarities) for member in candidate.members]
        if alike[0].score < _RELATED or not any(each.same_story for each in alike):
            continue
        near_copy = any(each.near_copy for each in alike)
        score = max(each.score for each in alike) + near_copy
        if best is None or score > best.score:
            best = _Match(candidate, score, near_copy)
    return best


def _open(connection: Connection, article: int, now: datetime, since: str) -> Place:
    story = _OPEN.execute(connection, {"now": to_text(now), "article": article}).scalar_one()
    if story % _FORGOTTEN_WITH == 0:
        _forget(connection, since)
    return Place(story, is_first=True, near_copy=False, news=())


def _go_on(connection: Connection, match: _Match, sketch: Sketch, marks: Marks, now: datetime) -> Place:
    candidate = match.candidate
    _GO_ON.execute(connection, {"now": to_text(now), "story": candidate.story})
    if match.near_copy:
        return Place(candidate.story, is_first=False, near_copy=True, news=())
    if len(candidate.articles) > LAST:
        _COMPARE_NO_MORE.execute(connection, {"article": candidate.articles[1]})
    known = marks_of(connection, candidate.story, marks)
    return Place(
        candidate.story, is_first=False, near_copy=False, news=news(sketch, candidate.members, known)
    )


def _keep(connection: Connection, place: Place, sketch: Sketch, article: int, source: str | None) -> None:
    # A near-copy says nothing that the article which it copies does not say.
    written = None if place.near_copy else sketch.to_json()
    _ADD.execute(
        connection,
        {
            "article": article,
            "story": place.story,
            "source": source,
            "near_copy": place.near_copy,
            "news": to_json(place.news).decode(),
            "sketch": written,
        },
    )


def _mark(connection: Connection, story: int, sketch: Sketch, marks: Marks) -> None:
    """Make the story known by the article's marks, the rarest and most telling of them.

    What COMMON stories have is not kept: so no mark is ever kept for more.
    """
    telling = sorted(
        (-sketch.weights[mark] * marks.rarities[mark], mark)
        for mark, count in marks.counts.items()
        if count < COMMON
    )
    kept = [{"mark": mark, "story": story} for _, mark in telling[:_KEPT]]
    if kept:
        _MARK.execute_all(connection, kept)
