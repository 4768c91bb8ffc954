"""What the interface promises, as OpenAPI 3.1: every address with all that it may answer."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from daemon.desk.api.shapes import NewArticle
from daemon.desk.problems import MEDIA_TYPE, FieldProblem, Problem

# Before an address is even looked at: not signed in, not allowed, too long, too much, too often, not now.
_ALWAYS = (400, 401, 403, 405, 414, 422, 429, 431, 503)
_REF = "#/components/schemas/{model}"
_TEXT = (
    "Articles, their topics and what people say of them, for programs. Sign in with `Authorization: Bearer"
    " TOKEN`. Every failure is a problem as RFC 9457 has it. Of a list hand `next` back as `cursor`."
)
_BRINGS = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": _REF.format(model="NewArticle")}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "minLength": 1},
                },
                "additionalProperties": False,
            }
        },
    },
}

BRINGS_AN_ARTICLE: dict[str, Any] = {"requestBody": _BRINGS}


def may_answer(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an address may answer with beside those that any may."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
        for status in sorted({*_ALWAYS, *statuses})
    }


def promised(app: FastAPI, version: str) -> dict[str, Any]:
    """The OpenAPI document of an application that is reached under /api."""
    found = get_openapi(
        title="topicwire",
        version=version,
        openapi_version="3.1.0",
        description=_TEXT,
        routes=app.routes,
        servers=[{"url": "/api"}],
    )
    parts = found.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    schemas |= {model.__name__: _schema(model) for model in (NewArticle, FieldProblem, Problem)}
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    return found


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(ref_template=_REF)
    schema.pop("$defs", None)  # each has a place of its own
    return schema
