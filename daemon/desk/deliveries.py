"""Deliveries: what is owed to whom, what is held up and why; tried again, held and let go by hand.

Nothing here sends. It says in the ledger what is to be done, and the daemon's dispatch does it, with all
that it promises: what may have arrived is looked for before it is sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from daemon import clock, holds, interventions, outbox, owed
from daemon.clock import to_text
from daemon.config import Receiver
from daemon.desk.doors import Editor, Reader
from daemon.desk.languages import marked
from daemon.desk.people import Person
from daemon.desk.rendering import page
from daemon.desk.state import Desk, desk_of
from daemon.interventions import Deed
from daemon.owed import Owed, Reason
from daemon.records import DeliveryState
from daemon.records import Form as MessageForm

logger = logging.getLogger(__name__)
router = APIRouter()

# A request that was cut off may still be on its way when somebody asks; see `dispatch`.
LOOK_AFTER = timedelta(seconds=2)

_MOST = 50  # deliveries a page
_AT_ONCE = 500  # deliveries a transaction
_MOST_DEEDS = 10

Name = Annotated[str, Query(max_length=80)]
Identity = Annotated[int, Path(ge=1, le=owed.LAST)]
Beyond = Annotated[int | None, Query(ge=0, le=owed.LAST)]
Done = Annotated[Deed | None, Query()]
Number = Annotated[int, Query(ge=0, le=owed.LAST)]
NameGiven = Annotated[str, Form(max_length=80)]

RETRIED = (DeliveryState.DEAD, DeliveryState.PARKED, DeliveryState.UNKNOWN)
SHOWN = (*owed.OPEN, DeliveryState.SENT)

NAMES: Mapping[str, str] = {
    DeliveryState.DEAD: marked("Dead"),
    DeliveryState.PARKED: marked("Parked"),
    DeliveryState.UNKNOWN: marked("Unknown"),
    DeliveryState.PENDING: marked("Waiting"),
    DeliveryState.SENDING: marked("On its way"),
    DeliveryState.HELD: marked("For the digest"),
    DeliveryState.SENT: marked("Sent"),
}
MEANINGS: Mapping[str, str] = {
    DeliveryState.DEAD: marked(
        "The receiver refused them for good, or nobody can know whether they arrived."
    ),
    DeliveryState.PARKED: marked(
        "The receiver takes nothing until somebody mends it. It is asked again every few minutes."
    ),
    DeliveryState.UNKNOWN: marked(
        "They may have arrived. The channel is looked through before anything is sent again."
    ),
    DeliveryState.PENDING: marked("They are in line, or will be tried again by themselves."),
    DeliveryState.SENDING: marked("They are being sent just now."),
    DeliveryState.HELD: marked("They go with the next digest of their receiver."),
    DeliveryState.SENT: marked("They were delivered; the newest stand first."),
}
CONSEQUENCES: Mapping[str, str] = {
    DeliveryState.DEAD: marked(
        "What was refused for sure is sent again. What may have arrived is looked for first: nothing is sent"
        " twice. They go one after the other, before anything newer; looking for one takes 15 seconds."
    ),
    DeliveryState.PARKED: marked(
        "The receiver is asked again within half a minute. If it still refuses, they stay parked."
    ),
    DeliveryState.UNKNOWN: marked(
        "Each is looked for twice, which takes 15 seconds, and sent only if it is not there: nothing is sent"
        " twice."
    ),
}
FORMS: Mapping[str, str] = {
    MessageForm.DIGEST: marked("Digest"),
    MessageForm.REPORT: marked("Report"),
    MessageForm.QUESTION: marked("Question"),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A receiver with what it is owed. `channel` is None for one that the configuration no longer has."""

    name: str
    channel: str | None
    counts: Mapping[DeliveryState, int]
    reasons: tuple[Reason, ...]
    hold: holds.Hold | None

    @property
    def is_known(self) -> bool:
        return self.channel is not None


@router.get("/deliveries", response_class=HTMLResponse)
def deliveries(
    request: Request, person: Reader, done: Done = None, number: Number = 0, about: Name = ""
) -> HTMLResponse:
    desk = desk_of(request)
    with desk.database.reading() as connection:
        counts = owed.counts(connection, [each.name for each in desk.settings.receivers])
        held = {each.receiver: each for each in holds.listed(connection)}
        why = {name: _reasons(connection, name, states) for name, states in counts.items()}
        deeds = interventions.last(connection, _MOST_DEEDS)
    known = {each.name: each for each in desk.settings.receivers}
    standings = [
        Standing(name, _channel(known.get(name)), states, why[name], held.get(name))
        for name, states in counts.items()
    ]
    return page(
        request,
        "deliveries.html",
        standings=standings,
        open=owed.OPEN,
        names=NAMES,
        meanings=MEANINGS,
        retried=RETRIED,
        deeds=deeds,
        done=done if about in counts else None,  # or a link could say what it likes
        number=number,
        about=about,
    )


@router.get("/deliveries/list", response_class=HTMLResponse)
def listed(
    request: Request,
    person: Reader,
    receiver: Name,
    state: DeliveryState,
    beyond: Beyond = None,
    done: Done = None,
) -> HTMLResponse:
    desk = desk_of(request)
    if state not in SHOWN:
        raise HTTPException(404, "no list of these")
    with desk.database.reading() as connection:
        found = owed.listed(connection, receiver, state, beyond=beyond, most=_MOST + 1)
        hold = holds.is_held(connection, receiver)
    return page(
        request,
        "deliveries_list.html",
        receiver=receiver,
        state=state,
        rows=found[:_MOST],
        beyond=found[_MOST - 1].id if len(found) > _MOST else None,
        hold=hold,
        known=_is_known(desk, receiver),
        now=to_text(clock.now()),
        names=NAMES,
        meanings=MEANINGS,
        forms=FORMS,
        retried=RETRIED,
        done=done,
    )


@router.get("/deliveries/retry", response_class=HTMLResponse)
def confirm_retry(request: Request, person: Editor, receiver: Name, state: DeliveryState) -> HTMLResponse:
    """Asks whether all of a receiver's deliveries in a state are really to be tried again."""
    _must_be_retried(desk_of(request), receiver, state)
    with desk_of(request).database.reading() as connection:
        up_to = owed.last_of(connection, receiver, state)
        number = owed.count_up_to(connection, receiver, state, up_to)
        hold = holds.is_held(connection, receiver)
    return page(
        request,
        "deliveries_retry.html",
        receiver=receiver,
        state=state,
        number=number,
        up_to=up_to,
        hold=hold,
        names=NAMES,
        consequences=CONSEQUENCES,
    )


@router.post("/deliveries/retry")
def retry_all(
    request: Request,
    person: Editor,
    receiver: NameGiven,
    state: Annotated[DeliveryState, Form()],
    up_to: Annotated[int, Form(ge=0, le=owed.LAST)],
) -> Response:
    """Those that stood there when somebody was asked, up to the id `up_to`."""
    _must_be_retried(desk_of(request), receiver, state)
    number = _retry(desk_of(request), person, receiver, state, up_to)
    return _done(Deed.RETRY, number, receiver)


@router.post("/deliveries/{identity}/retry")
def retry_one(request: Request, person: Editor, identity: Identity) -> Response:
    desk = desk_of(request)
    with desk.database.transaction() as connection:
        found = owed.one(connection, identity)
        if found is None:
            raise HTTPException(404, "no such delivery")
        if found.state in RETRIED and _is_known(desk, found.receiver):
            now = clock.now()
            outbox.retry(
                connection,
                found.receiver,
                found.state,
                now=now,
                look_at=now + LOOK_AFTER,
                after=identity - 1,
                up_to=identity,
            )
            interventions.add(connection, Deed.RETRY, person=person.name, now=now, about=found.receiver)
            logger.info("tried again by hand", extra=_said(person, found.receiver) | {"delivery": identity})
        after = owed.one(connection, identity)
        held = holds.is_held(connection, found.receiver)
    if "HX-Request" in request.headers and after is not None:
        return _row(request, after, held)
    query = {"receiver": found.receiver, "state": found.state.value, "done": Deed.RETRY.value}
    return RedirectResponse(f"/deliveries/list?{urlencode(query)}", 303)


@router.get("/deliveries/hold", response_class=HTMLResponse)
def confirm_hold(request: Request, person: Editor, receiver: Name) -> HTMLResponse:
    """Asks whether a receiver is really to hear nothing more, and why."""
    desk = desk_of(request)
    _must_be_known(desk, receiver)
    with desk.database.reading() as connection:
        number = sum(owed.counts(connection, [receiver])[receiver].values())
    return page(request, "deliveries_hold.html", receiver=receiver, number=number)


@router.post("/deliveries/hold")
def hold(
    request: Request,
    person: Editor,
    receiver: NameGiven,
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    desk = desk_of(request)
    _must_be_known(desk, receiver)
    why = " ".join(reason.split())
    with desk.database.transaction() as connection:
        now = clock.now()
        if holds.put(connection, receiver, person=person.name, reason=why, now=now):
            interventions.add(connection, Deed.HOLD, person=person.name, now=now, about=receiver, reason=why)
    logger.warning("deliveries are held by hand", extra=_said(person, receiver))
    return _done(Deed.HOLD, 1, receiver)


@router.get("/deliveries/go", response_class=HTMLResponse)
def confirm_go(request: Request, person: Editor, receiver: Name) -> HTMLResponse:
    """Asks whether what a receiver is owed is really to go."""
    with desk_of(request).database.reading() as connection:
        counts = owed.counts(connection, [receiver])[receiver]
        found = next((each for each in holds.listed(connection) if each.receiver == receiver), None)
    if found is None:
        raise HTTPException(404, "no such hold")
    ended = (DeliveryState.DEAD, DeliveryState.HELD)
    number = sum(each for state, each in counts.items() if state not in ended)
    return page(request, "deliveries_go.html", receiver=receiver, number=number, hold=found)


@router.post("/deliveries/go")
def let_go(request: Request, person: Editor, receiver: NameGiven) -> Response:
    with desk_of(request).database.transaction() as connection:
        if holds.lift(connection, receiver):
            interventions.add(connection, Deed.LET_GO, person=person.name, now=clock.now(), about=receiver)
    logger.warning("deliveries are let go by hand", extra=_said(person, receiver))
    return _done(Deed.LET_GO, 1, receiver)


def _retry(desk: Desk, person: Person, receiver: str, state: DeliveryState, up_to: int) -> int:
    """Part by part, so that whoever else writes waits for a moment alone; how many there were."""
    after, number = owed.FIRST, 0
    while True:
        with desk.database.transaction() as connection:
            now = clock.now()
            if not number:
                there = owed.count_up_to(connection, receiver, state, up_to)
                interventions.add(
                    connection, Deed.RETRY, person=person.name, now=now, about=receiver, number=there
                )
            part = outbox.retry(
                connection,
                receiver,
                state,
                now=now,
                look_at=now + LOOK_AFTER,
                after=after,
                up_to=up_to,
                most=_AT_ONCE,
            )
        number += len(part)
        if len(part) < _AT_ONCE:
            break
        after = part[-1]
    logger.warning("tried again by hand", extra=_said(person, receiver) | {"deliveries": number})
    return number


def _reasons(
    connection: Connection, receiver: str, counts: Mapping[DeliveryState, int]
) -> tuple[Reason, ...]:
    states = [state for state in owed.OPEN if counts.get(state)]
    return tuple(reason for state in states for reason in owed.reasons(connection, receiver, state))


def _row(request: Request, row: Owed, held: bool) -> HTMLResponse:
    return page(
        request,
        "deliveries_row.html",
        row=row,
        hold=held,
        known=True,
        now=to_text(clock.now()),
        names=NAMES,
        forms=FORMS,
        retried=RETRIED,
        again=True,
    )


def _done(deed: Deed, number: int, about: str) -> Response:
    query = urlencode({"done": deed.value, "number": number, "about": about})
    return RedirectResponse(f"/deliveries?{query}", 303)


def _channel(receiver: Receiver | None) -> str | None:
    """Where a receiver hears, as far as that may be shown: the address of a webhook is a secret."""
    if receiver is None:
        return None
    return f"{receiver.type} {receiver.channel}" if receiver.channel else receiver.type


def _is_known(desk: Desk, receiver: str) -> bool:
    return any(each.name == receiver for each in desk.settings.receivers)


def _must_be_known(desk: Desk, receiver: str) -> None:
    if not _is_known(desk, receiver):
        raise HTTPException(404, outbox.STRANGER)


def _must_be_retried(desk: Desk, receiver: str, state: DeliveryState) -> None:
    _must_be_known(desk, receiver)
    if state not in RETRIED:
        raise HTTPException(404, "these go on by themselves")


def _said(person: Person, receiver: str) -> dict[str, str | int]:
    return {"person": person.name, "receiver": receiver}
