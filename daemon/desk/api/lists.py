"""Topics, models, deliveries and how things stand."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from classifier import Cuts, ModelError, current_version, gate_of, model_history, model_versions
from daemon import status
from daemon.desk import queries
from daemon.desk.api.contract import may_answer
from daemon.desk.api.paging import next_page
from daemon.desk.api.shapes import DeliveryPage, Models, Status, Topics
from daemon.desk.doors import Reader
from daemon.desk.meanwhile import Meanwhile
from daemon.desk.problems import ProblemError
from daemon.desk.queries import Cursor
from daemon.desk.state import Desk, desk_of
from daemon.records import DeliveryState
from daemon.verdicts import SHORT_ID

router = APIRouter()

_FRESH, _LONGEST = 5.0, 25.0  # seconds

_DELIVERIES = """
    SELECT deliveries.id, deliveries.receiver, deliveries.key, state, form, articles.fingerprint, attempts,
        due_at, sent_at, error
    FROM deliveries
    LEFT JOIN alerts ON alerts.id = deliveries.alert_id
    LEFT JOIN articles ON articles.id = alerts.article_id
    WHERE deliveries.id < :before
      {and_of_the_state}
    ORDER BY deliveries.id DESC
    LIMIT :most
"""
_ALL = text(_DELIVERIES.format(and_of_the_state=""))
_OF_STATE = text(_DELIVERIES.format(and_of_the_state="AND state = :state"))


def status_of(desk: Desk) -> Meanwhile[dict[str, Any]]:
    """How things stand, found out once for all who ask within some seconds: it counts the whole ledger."""
    return Meanwhile(lambda: status.gather(desk.settings, desk.database), fresh=_FRESH)


class DeliveryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: DeliveryState | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


@router.get(
    "/topics", response_model=Topics, responses=may_answer(), operation_id="listTopics", tags=["topics"]
)
def list_topics(request: Request, person: Reader) -> Any:
    """The topics that an article may be about, and from which probability we say so."""
    desk = desk_of(request)
    cuts, version = _cuts(desk)
    rows = [
        {"id": id, "title": title, "main": cuts[id].main, "mention": cuts[id].mention}
        if id in cuts
        else {"id": id, "title": title, "main": None, "mention": None}
        for id, title in desk.topics().items()
    ]
    return {"topics": rows, "model": version}


@router.get(
    "/models", response_model=Models, responses=may_answer(), operation_id="listModels", tags=["models"]
)
def list_models(request: Request, person: Reader) -> Any:
    """The versions of the model that there are, oldest first, and which of them serves."""
    models = desk_of(request).settings.models
    serves = current_version(models)
    last = {entry.version: entry for entry in model_history(models)}
    rows = []
    for version in model_versions(models):
        gate, entry = gate_of(models, version), last.get(version)
        refused = gate is not None and not gate.passed
        rows.append(
            {
                "version": version,
                "serves": version == serves,
                "passed": None if gate is None else gate.passed,
                "reasons": list(gate.reasons) if gate is not None and refused else [],
                "served_at": entry.at if entry else None,
                "because": entry.because if entry else None,
            }
        )
    return {"serves": serves, "models": rows}


@router.get(
    "/deliveries",
    response_model=DeliveryPage,
    responses=may_answer(),
    operation_id="listDeliveries",
    tags=["deliveries"],
)
def list_deliveries(
    request: Request, response: Response, person: Reader, query: Annotated[DeliveryQuery, Query()]
) -> Any:
    """Messages that are, or were, owed to receivers, newest first; all, or those in one state."""
    asked = {"before": queries.begins_below(query.cursor), "most": query.limit + 1, "state": query.state}
    statement = _ALL if query.state is None else _OF_STATE
    if query.state is None:
        del asked["state"]
    with desk_of(request).database.reading() as connection:
        rows = [
            (row.id, dict(row._mapping) | {"article": row.fingerprint and row.fingerprint[:SHORT_ID]})
            for row in connection.execute(statement, asked)
        ]
    shown, following = next_page(request, response, rows, query.limit)
    return {"deliveries": shown, "next": following}


@router.get(
    "/status", response_model=Status, responses=may_answer(), operation_id="getStatus", tags=["status"]
)
def get_status(request: Request, person: Reader) -> Any:
    """How things stand, as `topicwired status --json` tells it."""
    meanwhile = request.app.state.status
    assert isinstance(meanwhile, Meanwhile)
    meanwhile.ask()
    meanwhile.settle(_LONGEST)
    found = meanwhile.ask()
    if found is None or meanwhile.failed:
        raise ProblemError(503, "how things stand cannot be found out now", headers={"Retry-After": "5"})
    return found


def _cuts(desk: Desk) -> tuple[dict[str, Cuts], str | None]:
    """None where no model can serve: topics are there without one."""
    try:
        model = desk.models.served()
    except ModelError:
        return {}, None
    return dict(model.cuts), model.version
