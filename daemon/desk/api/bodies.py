"""What a request brings: an article as JSON, or a file, within the limits of the configuration."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from fastapi import Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message, Receive

from classifier import Rules
from daemon.config import Settings
from daemon.desk.api.shapes import NewArticle
from daemon.desk.problems import ProblemError, field_problem

_MIB = 2**20
_MOST_JSON = 32 * _MIB  # the longest text that is read, however it is written
_ENVELOPE = 64 * 1024  # bytes of a multipart body beside the file
_NAME = "article"
_LONGEST_NAME = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """A file as it would lie in the inbox: its name and its bytes."""

    name: str
    content: BinaryIO


@asynccontextmanager
async def given(request: Request, settings: Settings) -> AsyncIterator[Given]:
    """What a request brings, for as long as the block lasts. Raises ProblemError: 400, 413, 415, 422."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most = settings.reading.rules.limits.file_mib * _MIB
    if kind == "application/json":
        body = await _bytes(request, min(most, _MOST_JSON))
        yield await run_in_threadpool(lambda: as_file(_article(body), settings.reading.rules))
    elif kind == "multipart/form-data":
        limited = Request(request.scope, _Limited(request.receive, most + _ENVELOPE, most))
        async with limited.form(max_files=1, max_fields=1, max_part_size=_LONGEST_NAME) as form:
            yield _file(form, most)
    else:
        raise ProblemError(415, "send application/json, or multipart/form-data with a part named file")


def as_file(article: NewArticle, rules: Rules) -> Given:
    """An article as a file of the inbox: JSON, by the keys that the configuration has for its parts."""
    record = {
        "id": article.id,
        "date": article.date,
        "lang": article.language,
        "source": article.source,
        "author": article.author,
        "url": article.url,
        rules.title_fields[0]: article.title,
        rules.text_fields[0]: article.text,
    }
    written = json.dumps({key: value for key, value in record.items() if value is not None})
    name = (article.name or (article.title or "").replace("/", "-")).strip().removesuffix(".json") or _NAME
    return Given(f"{name[:_LONGEST_NAME]}.json", BytesIO(written.encode()))


def too_large(most: int) -> ProblemError:
    return ProblemError(413, f"larger than {most // _MIB} MiB; part it into smaller files")


class _Limited:
    """What comes, as long as it is not too much."""

    def __init__(self, receive: Receive, left: int, most: int) -> None:
        self._receive = receive
        self._left = left
        self._most = most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise too_large(self._most)
        return message


async def _bytes(request: Request, most: int) -> bytes:
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:20]) > most:
        raise too_large(most)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_large(most)
        parts.append(part)
    return b"".join(parts)


def _article(body: bytes) -> NewArticle:
    try:
        return NewArticle.model_validate(_parsed(body))
    except ValidationError as error:
        errors = [field_problem(("body", *each["loc"]), each["msg"]) for each in error.errors()[:20]]
        raise ProblemError(422, "the article is not as it should be; see errors", errors) from error


def _parsed(body: bytes) -> Any:
    """JSON ▶ what it says; that of many programs is nested too deep, or has numbers too long, for Python."""
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        said = "nested too deep" if isinstance(error, RecursionError) else "not JSON in UTF-8"
        raise ProblemError(422, "the body cannot be read", [("body", said)]) from error


def _file(form: FormData, most: int) -> Given:
    unknown = [key for key in form if key != "file"]
    if unknown:
        errors = [(f"body.{each[:80]}", "is not known; there is file") for each in unknown]
        raise ProblemError(422, "the form is not as it should be; see errors", errors)
    file = form.get("file")
    if not isinstance(file, UploadFile):
        errors = [("body.file", "a part with this name and a file is missing")]
        raise ProblemError(422, "the form is not as it should be; see errors", errors)
    if not file.size:
        raise ProblemError(422, "there is nothing in the file", [("body.file", "is empty")])
    if file.size > most:
        raise too_large(most)
    return Given((file.filename or _NAME)[:_LONGEST_NAME], file.file)
