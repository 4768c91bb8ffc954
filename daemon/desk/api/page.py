"""The page that tells programs' authors what there is: made from the contract, so that both say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from daemon.desk.doors import Reader
from daemon.desk.rendering import page

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    where: str
    kind: str
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    about: str
    parameters: tuple[Parameter, ...]
    takes: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]


@router.get("/api", response_class=HTMLResponse)
def documentation(request: Request, person: Reader) -> HTMLResponse:
    contract = request.app.state.contract
    base = str(request.base_url).rstrip("/")
    return page(request, "api.html", operations=list(operations(contract)), about=contract["info"], base=base)


def operations(contract: Mapping[str, Any]) -> Iterator[Operation]:
    """What an OpenAPI document promises, in its order."""
    for path, methods in contract["paths"].items():
        for method, told in methods.items():
            yield Operation(
                id=told["operationId"],
                method=method.upper(),
                path=f"/api{path}",
                about=" ".join(told.get("description", "").split()),
                parameters=tuple(_parameter(each) for each in told.get("parameters", ())),
                takes=tuple(told.get("requestBody", {}).get("content", ())),
                answers=tuple((status, each["description"]) for status, each in told["responses"].items()),
            )


def _parameter(told: Mapping[str, Any]) -> Parameter:
    return Parameter(told["name"], told["in"], _kind(told["schema"]), told.get("description", ""))


def _kind(schema: Mapping[str, Any]) -> str:
    """What a value may be, in a few words."""
    if "anyOf" in schema:
        return " | ".join(kind for each in schema["anyOf"] if (kind := _kind(each)) != "null")
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"{_kind(schema['items'])} …"
    return str(schema.get("format") or schema.get("type", "any"))
