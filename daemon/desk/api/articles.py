"""Articles of the ledger: those that a query asks for, and one as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from sqlalchemy import Connection, bindparam, text

from classifier import Grade
from daemon.desk import articles, queries
from daemon.desk.api.contract import may_answer
from daemon.desk.api.paging import next_page
from daemon.desk.api.shapes import ArticleId, ArticlePage, ArticleWhole
from daemon.desk.articles import ArticleShown
from daemon.desk.doors import Reader
from daemon.desk.problems import ProblemError
from daemon.desk.queries import ArticleQuery, Cursor
from daemon.desk.state import desk_of

router = APIRouter(tags=["articles"])

_KNOWN = ("date", "source", "author", "url")
_FILES = text(
    """
    SELECT articles.id, files.name
    FROM articles
    JOIN files ON files.id = articles.file_id
    WHERE articles.id IN :ids
    """
).bindparams(bindparam("ids", expanding=True))


class PageQuery(ArticleQuery):
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


@router.get(
    "/articles",
    response_model=ArticlePage,
    response_model_exclude_unset=True,
    responses=may_answer(),
    operation_id="listArticles",
)
def list_articles(
    request: Request, response: Response, person: Reader, query: Annotated[PageQuery, Query()]
) -> Any:
    """The newest articles that a query leaves, newest first, without their text."""
    desk = desk_of(request)
    rows: list[tuple[int, dict[str, Any]]] = []
    with desk.database.reading() as connection:
        before = queries.begins_below(query.cursor)
        wanted, span, most = query.filter, query.span, query.limit + 1
        for some in queries.found(connection, desk.index, wanted, span, before=before, most=most):
            rows += zip((each.identity for each in some), _told(connection, some), strict=True)
    shown, following = next_page(request, response, rows, query.limit)
    return {"articles": shown, "next": following}


@router.get(
    "/articles/{id}",
    response_model=ArticleWhole,
    response_model_exclude_unset=True,
    responses=may_answer(404),
    operation_id="getArticle",
)
def get_article(request: Request, person: Reader, id: Annotated[ArticleId, Path()]) -> Any:
    """One article, by its id or by as much of its fingerprint as tells it from all others."""
    with desk_of(request).database.reading() as connection:
        found = articles.shown(connection, [identity_of(connection, id)])
        return next(_told(connection, found)) | {"text": found[0].text}


def identity_of(connection: Connection, id: str) -> int:
    """The id in the ledger of what programs call so. Raises ProblemError."""
    found = articles.identity_of(connection, id)
    if found is None:
        raise ProblemError(404, "there is no such article")
    return found


def verdicts_of(article: ArticleShown) -> list[dict[str, str]]:
    """The last word of each person on each topic, oldest first."""
    return [
        {"article": article.id, "topic": each.topic, "verdict": each.verdict}
        | {"person": each.person, "said_at": each.said_at}
        for each in article.verdicts
    ]


def _told(connection: Connection, found: Sequence[ArticleShown]) -> Iterator[dict[str, Any]]:
    """Articles as programs are told of them, in order, without their text."""
    asked = {"ids": [each.identity for each in found]}
    files = {row.id: row.name for row in connection.execute(_FILES, asked)}
    for each in found:
        yield _one(each, files[each.identity])


def _one(article: ArticleShown, file: str) -> dict[str, Any]:
    known = {name: getattr(article, name) for name in _KNOWN if getattr(article, name)}
    if article.caveats:
        known["caveats"] = article.caveats.split("\n")
    return {
        "id": article.id,
        "file": file,
        "title": article.title,
        "language": article.language,
        "main": [tag.topic for tag in article.tags if tag.grade == Grade.MAIN],
        "mention": [tag.topic for tag in article.tags if tag.grade == Grade.MENTION],
        "scores": {tag.topic: tag.probability for tag in article.tags},
        "evidence": {tag.topic: list(tag.evidence) for tag in article.tags},
        "model": article.model,
        **known,
        "fingerprint": article.fingerprint,
        "headline": article.headline,
        "tagged_at": article.tagged_at,
        "alerts": [{"receiver": receiver, "state": state} for receiver, state in article.alerts],
        "verdicts": verdicts_of(article),
        "story": article.story,
        "page": f"/articles/{article.id}",
    }
