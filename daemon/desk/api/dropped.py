"""What programs send: into the inbox, and what became of it; or tagged at once, with nothing kept."""

from __future__ import annotations

from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from classifier import tags_as_json
from daemon.desk import dropping
from daemon.desk.api.bodies import given
from daemon.desk.api.contract import BRINGS_AN_ARTICLE, may_answer
from daemon.desk.api.reading import Tagging
from daemon.desk.api.shapes import Accepted, FileRead, Fingerprint, TaggedFile
from daemon.desk.doors import Editor, Reader
from daemon.desk.problems import ProblemError
from daemon.desk.state import desk_of

router = APIRouter(tags=["articles"])


@router.post(
    "/articles",
    status_code=202,
    response_model=Accepted,
    responses=may_answer(413, 415, 507),
    openapi_extra=BRINGS_AN_ARTICLE,
    operation_id="postArticle",
)
async def post_article(request: Request, response: Response, person: Editor) -> Any:
    """Put an article, or a file of any format that we read, into the inbox. It is on the disk when this
    answers, and taken as any other file is; the same bytes sent again are a duplicate.
    """
    settings = desk_of(request).settings
    async with given(request, settings) as brought:
        dropped = await run_in_threadpool(_dropped, request, brought.name, brought.content)
    location = f"/api/files/{dropped.fingerprint}"
    response.headers["Location"] = location
    return {"fingerprint": dropped.fingerprint, "name": dropped.name, "location": location}


@router.get(
    "/files/{fingerprint}", response_model=FileRead, responses=may_answer(404), operation_id="getFile"
)
def get_file(request: Request, person: Reader, fingerprint: Annotated[Fingerprint, Path()]) -> Any:
    """What became of a file, by sha256 of its bytes: it waits in the inbox, is done, has failed, or is a
    duplicate of what had been there before.
    """
    desk = desk_of(request)
    with desk.database.reading() as connection:
        found = dropping.whereabouts(desk.settings, connection, fingerprint)
    if found is None:
        raise ProblemError(404, "neither the inbox nor the ledger knows a file with these bytes")
    return {
        "fingerprint": fingerprint,
        "state": found.fate,
        "name": found.name,
        "reason": found.reason,
        "mend": found.mend,
        "left_out": list(found.left_out),
        "articles": list(found.articles),
    }


@router.post(
    "/tag",
    response_model=TaggedFile,
    response_model_exclude_unset=True,
    responses=may_answer(413, 415, 507),
    openapi_extra=BRINGS_AN_ARTICLE,
    operation_id="tag",
)
async def tag(request: Request, person: Reader) -> Any:
    """The topics of an article, or of those in a file, with the passages that carry them. Nothing is kept."""
    settings = desk_of(request).settings
    async with given(request, settings) as brought:
        return await run_in_threadpool(_tagged, request, brought.name, brought.content)


def _dropped(request: Request, name: str, content: BinaryIO) -> dropping.Dropped:
    try:
        return dropping.drop(desk_of(request).settings, name, content)
    except dropping.FullError as error:
        raise ProblemError(507, str(error)) from error
    except dropping.NoInboxError as error:
        raise ProblemError(503, str(error), headers={"Retry-After": "10"}) from error


def _tagged(request: Request, name: str, content: BinaryIO) -> dict[str, Any]:
    tagging = request.app.state.tagging
    assert isinstance(tagging, Tagging)
    found, left_out = tagging.tag(request, content, name)
    return {"articles": [tags_as_json(each, name) for each in found], "left_out": list(left_out)}
