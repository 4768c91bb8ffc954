"""What people say of tags: the last word of each, all that was ever said, and saying something."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, text

from daemon import clock, feedback, sayings
from daemon.desk import articles, queries
from daemon.desk.api.articles import identity_of, verdicts_of
from daemon.desk.api.contract import may_answer
from daemon.desk.api.paging import next_page
from daemon.desk.api.shapes import ArticleId, NewVerdict, VerdictPage, VerdictRead, VerdictsOfArticle
from daemon.desk.doors import Editor, Reader
from daemon.desk.problems import ProblemError
from daemon.desk.queries import Cursor
from daemon.desk.state import Desk, desk_of
from daemon.verdicts import SHORT_ID, Verdict

logger = logging.getLogger(__name__)
router = APIRouter(tags=["verdicts"])

_NEWEST = text(
    """
    SELECT verdicts.id, articles.fingerprint, verdicts.topic, verdict, person, said_at
    FROM verdicts
    JOIN articles ON articles.id = verdicts.article_id
    WHERE verdicts.id < :before
    ORDER BY verdicts.id DESC
    LIMIT :most
    """
)
_ONE = text(
    """
    SELECT verdict, said_at
    FROM verdicts
    WHERE article_id = :article
      AND topic = :topic
      AND person = :person
    """
)
_HAS_TOPIC = text("SELECT 1 FROM tags WHERE article_id = :article AND topic = :topic")


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


@router.get("/verdicts", response_model=VerdictPage, responses=may_answer(), operation_id="listVerdicts")
def list_verdicts(
    request: Request, response: Response, person: Reader, query: Annotated[PageQuery, Query()]
) -> Any:
    """The last word of each person on each tag, those first that were first said last."""
    asked = {"before": queries.begins_below(query.cursor), "most": query.limit + 1}
    with desk_of(request).database.reading() as connection:
        rows = [(row.id, _row(*row[1:])) for row in connection.execute(_NEWEST, asked)]
    shown, following = next_page(request, response, rows, query.limit)
    return {"verdicts": shown, "next": following}


@router.post(
    "/verdicts", response_model=VerdictRead, responses=may_answer(404, 413), operation_id="postVerdict"
)
def post_verdict(request: Request, person: Editor, said: NewVerdict) -> Any:
    """Say that an article is about a topic (right) or is not (wrong), in your name. It replaces what you
    said of it before; said twice, it is said once.
    """
    desk = desk_of(request)
    judged = False
    with desk.database.transaction() as connection:
        article = identity_of(connection, said.article)
        _must_be_a_topic(connection, desk, article, said.topic)
        key = {"article": article, "topic": said.topic, "person": person.name}
        standing = connection.execute(_ONE, key).one_or_none()
        if standing is None or standing.verdict != said.verdict:
            judged = True
            feedback.judge(
                connection,
                article=article,
                topic=said.topic,
                verdict=Verdict(said.verdict),
                person=person.name,
                now=clock.now(),
            )
        verdict, said_at = connection.execute(_ONE, key).one()
        (found,) = articles.shown(connection, [article])
    if judged:
        about = {"article": found.fingerprint[:16], "topic": said.topic, "said": said.verdict}
        logger.info("verdict taken", extra={"work": "verdict", **about, "person": person.name})
    return _row(found.fingerprint, said.topic, verdict, person.name, said_at)


@router.get(
    "/articles/{id}/verdicts",
    response_model=VerdictsOfArticle,
    responses=may_answer(404),
    operation_id="getVerdictsOfArticle",
)
def get_verdicts(request: Request, person: Reader, id: Annotated[ArticleId, Path()]) -> Any:
    """What people say of an article now, and all that they ever said of it."""
    with desk_of(request).database.reading() as connection:
        identity = identity_of(connection, id)
        (found,) = articles.shown(connection, [identity])
        history = sayings.history(connection, identity)
    rows = [
        {"topic": each.topic, "said": each.said.value, "person": each.person}
        | {"said_at": each.said_at, "settles": each.settles}
        for each in history
    ]
    return {"article": found.id, "verdicts": verdicts_of(found), "history": rows}


def _must_be_a_topic(connection: Connection, desk: Desk, article: int, topic: str) -> None:
    """One that articles may be about now, or that this one was said to be about."""
    tag = {"article": article, "topic": topic}
    if topic not in desk.topics() and connection.execute(_HAS_TOPIC, tag).one_or_none() is None:
        errors = [("body.topic", "is no topic; GET /api/topics lists those there are")]
        raise ProblemError(422, "there is no such topic", errors)


def _row(fingerprint: str, topic: str, verdict: str, person: str, said_at: str) -> dict[str, str]:
    row = {"article": fingerprint[:SHORT_ID], "topic": topic, "verdict": verdict}
    return row | {"person": person, "said_at": said_at}
