"""What we say to Slack, held to programs nobody here wrote: its own types, an emulator, two parsers.

npm brings them (tests/contract/README.md). Where it cannot be had, these tests are skipped and say so.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daemon import blocks, plain
from daemon.backoff import Pace
from daemon.errors import AppRefusedError, DeliveryError, ReceiverRefusedError
from daemon.limits import Block
from daemon.messages import Message, alone
from daemon.records import Sent
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from tests.contract import mistakes, samples
from tests.contract.hostile import hostile_texts
from tests.contract.peers import HERE, NoPeersError, Peers, set_up
from tests.contract.recording import Exchange, Recorder
from tests.contract.typed import Claim, complaints, other, request, response
from tests.slack_stand_in import Fault, SlackStandIn

pytestmark = pytest.mark.timeout(300)  # the first time npm installs

CHANNEL = "C0DESK"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture(scope="session")
def peers() -> Peers:
    try:
        return set_up()
    except NoPeersError as error:
        pytest.skip(f"the contract tests need what npm brings, and it cannot be had here: {error}")


def sender_to(url: str, token: str, channel: str = CHANNEL) -> SlackSender:
    return SlackSender(SlackApp(token, url, update_pace=Pace(0.0, 1)), channel, Pace(0.0, 1))


# Types


def say_everything(slack: SlackStandIn, url: str) -> None:
    """Every request there is for a sender to make, each at least once."""
    sender = sender_to(url, slack.token)
    sent: dict[str, Sent] = {}
    for name, message in samples.roots().items():
        sent[name] = sender.send(message)
        sender.update(message, sent[name])
    root = sent["burst"].message
    assert root is not None
    for message in samples.replies(root).values():
        sender.update(message, sender.send(message))
        assert sender_to(url, slack.token).find(message, 0.0) is not None
    unseen = replace(samples.roots()["alert"], key="never sent")
    assert sender_to(url, slack.token).find(unseen, 0.0, everywhere=True) is None
    picture = sender.upload(PNG, "Articles by topic")
    sender.send(replace(samples.roots()["digest"], key="with picture", picture=picture))
    for error in ("invalid_blocks", "metadata_too_large", "invalid_blocks", "msg_blocks_too_long"):
        slack.faults = [Fault("error", error=error) for _ in range(3)]
        with suppress(DeliveryError):
            sender.send(replace(samples.roots()["alert"], key=f"refused {error}"))
    slack.faults.clear()
    slack.remove_bot(CHANNEL)
    sender.send(replace(samples.roots()["alert"], key="after joining"))
    sender_to(url, slack.token)._app.identity()


@pytest.fixture(scope="module")
def said() -> list[Exchange]:
    """All that a sender and the stand-in say to each other."""
    with SlackStandIn() as slack:
        slack.scopes = "chat:write,channels:read,channels:history,channels:join,files:read,files:write"
        with Recorder(slack.url) as recorder:
            say_everything(slack, recorder.url)
            return list(recorder.exchanges)


def claims_of_request(exchange: Exchange) -> list[Claim]:
    given, method = exchange.given, exchange.method
    assert given is not None, f"{method}: neither JSON nor a form"
    found = [request(method, {key: value for key, value in given.items() if key != "token"})]
    # Inside a whole request the compiler overlooks a key too many in a block.
    found += [other(name, given[name], f"{method}: {name}") for name in ("blocks", "metadata") if given.get(name)]
    return found


def claims_of_answer(exchange: Exchange) -> list[Claim]:
    """What is answered, and each message in it by itself.

    The types of answers want enums in blocks, and an object without keys for metadata: these are
    held to the types of requests.
    """
    assert exchange.answer is not None, f"{exchange.method}: the answer is no JSON"
    answer = _without_nulls(copy.deepcopy(exchange.answer))
    found = []
    messages = [answer.get("message"), *answer.get("messages", [])]
    for message in filter(None, [*messages, *(one.pop("root", None) for one in messages if one)]):
        for name in ("blocks", "metadata"):
            if name in message:
                found.append(other(name, message.pop(name), f"{exchange.method}: {name} in the answer"))
        found.append(other("message", message, f"{exchange.method}: message in the answer"))
    return [response(exchange.method, answer, f"{exchange.method}: answer"), *found]


def _without_nulls(value: Any) -> Any:
    """Slack writes null for what there is not; its types leave it out."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def broken(peers: Peers, claims: list[Claim], folder: Path) -> dict[str, list[str]]:
    return {
        f"{number} {claim.origin}": problems
        for number, (claim, problems) in enumerate(zip(claims, complaints(peers, claims, folder), strict=True))
        if problems
    }


METHODS = {
    "auth.test", "chat.postMessage", "chat.update", "conversations.history", "conversations.replies", "conversations.join",
    "files.getUploadURLExternal", "files.completeUploadExternal", "files.info",
}  # fmt: skip


def test_every_request_of_a_sender_is_what_the_types_of_slack_ask_for(
    peers: Peers, said: list[Exchange], tmp_path: Path
) -> None:
    claims = [claim for exchange in said for claim in claims_of_request(exchange)]

    assert {exchange.method for exchange in said} >= METHODS
    assert broken(peers, claims, tmp_path) == {}


def test_every_answer_of_the_stand_in_is_what_the_types_of_slack_promise(
    peers: Peers, said: list[Exchange], tmp_path: Path
) -> None:
    claims = [claim for exchange in said for claim in claims_of_answer(exchange)]

    assert broken(peers, claims, tmp_path) == {}


@pytest.fixture(scope="module")
def alert_said(said: list[Exchange]) -> Exchange:
    """An alert, whole, and what was answered."""
    return next(exchange for exchange in said if exchange.method == "chat.postMessage")


def test_the_types_catch_each_mistake_that_is_planted_in_an_alert(
    peers: Peers, alert_said: Exchange, tmp_path: Path
) -> None:
    given = alert_said.given
    assert given is not None
    bodies = {name: mistakes.made(given, mistake) for name, mistake in mistakes.TYPES.items()}
    claims = [
        replace(claim, origin=name)
        for name, body in bodies.items()
        for claim in claims_of_request(Exchange("chat.postMessage", body, None))
    ]

    found = complaints(peers, claims, tmp_path)

    caught = {claim.origin for claim, problems in zip(claims, found, strict=True) if problems}
    assert caught == set(mistakes.TYPES)


def test_the_types_catch_each_mistake_that_is_planted_in_an_answer(
    peers: Peers, alert_said: Exchange, tmp_path: Path
) -> None:
    given, right = alert_said.answer, alert_said
    assert given is not None
    planted = [Exchange(right.method, None, mistakes.made(given, one)) for one in mistakes.ANSWERS.values()]

    found = complaints(peers, [claims_of_answer(exchange)[0] for exchange in planted], tmp_path)

    assert [name for name, problems in zip(mistakes.ANSWERS, found, strict=True) if not problems] == []


@pytest.mark.parametrize("name", mistakes.LIMITS)
def test_our_own_limits_catch_what_types_cannot(alert_said: Exchange, name: str) -> None:
    given = alert_said.given
    assert given is not None

    assert blocks.problems(given) == []
    assert blocks.problems(mistakes.made(given, mistakes.LIMITS[name]))


def test_every_body_of_a_sender_is_within_the_limits(said: list[Exchange]) -> None:
    shown = [exchange.given for exchange in said if exchange.given and exchange.given.get("blocks")]

    assert len(shown) >= 30
    assert {str(problems) for body in shown if (problems := blocks.problems(body))} == set()
