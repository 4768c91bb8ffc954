"""What we say to Slack, held to programs nobody here wrote: its own types, an emulator, two parsers.

npm brings them (tests/contract/README.md). Where it cannot be had, these tests are skipped and say so.
"""

from __future__ import annotations

import copy
import html
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from daemon import blocks, plain, wording
from daemon.backoff import Pace
from daemon.cli import main as topicwired
from daemon.commands import HELP
from daemon.errors import AppRefusedError, DeliveryError, ReceiverRefusedError
from daemon.limits import Block
from daemon.listening import Listener
from daemon.messages import Message
from daemon.neutral import Room, cleaned, fitted
from daemon.records import Sent
from daemon.slack import SlackSender
from daemon.slackapi import SlackApp
from daemon.slackapp import manifest
from daemon.webhook import WebhookSender
from tests.builders import ENERGY_ARTICLE
from tests.contract import mistakes, samples
from tests.contract.hostile import FRAGMENTS, hostile_texts
from tests.contract.peers import HERE, NoPeersError, Peers, set_up
from tests.contract.recording import Exchange, Recorder
from tests.contract.typed import Claim, complaints, other, request, response
from tests.slack_elements import elements_of
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


def test_the_lock_file_pins_every_program_and_names_no_place_to_get_it_from() -> None:
    lock = (HERE / "package-lock.json").read_text()
    packages = [package for path, package in json.loads(lock)["packages"].items() if path]

    assert all({"version", "integrity"} <= set(package) for package in packages)
    assert "://" not in lock


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
    found += [
        other(name, given[name], f"{method}: {name}") for name in ("blocks", "metadata") if given.get(name)
    ]
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
        for number, (claim, problems) in enumerate(
            zip(claims, complaints(peers, claims, folder), strict=True)
        )
        if problems
    }


METHODS = {
    "auth.test", "chat.postMessage", "chat.update", "conversations.history", "conversations.join",
    "conversations.replies", "files.completeUploadExternal", "files.getUploadURLExternal", "files.info",
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


def test_the_stand_in_refuses_each_mistake_in_blocks_and_metadata(alert_said: Exchange) -> None:
    """But those that Slack lets pass: it gives a button a name of its own, and takes blocks for a text."""
    given = alert_said.given
    assert given is not None
    planted = {**mistakes.TYPES, **mistakes.LIMITS}
    with SlackStandIn() as slack:
        client = SlackApp(slack.token, slack.url).writing

        taken = []
        for name, mistake in planted.items():
            body = mistakes.made(given, mistake)
            with suppress(SlackApiError):
                client.api_call("chat.postMessage", json=body)
                taken.append(name)

    about_blocks = [name for name in taken if name not in mistakes.ABOUT_ARGUMENTS]
    assert about_blocks == ["a button without a name", "a message without a text"]


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


# Socket Mode, the manifest, the webhook


@pytest.fixture(scope="module")
def pressed() -> list[Claim]:
    """What the stand-in tells of presses on each thing that an alert and a burst show, and of a command."""
    with SlackStandIn() as slack:
        sender = sender_to(slack.url, slack.token)
        for name in ("alert with all that became of it", "burst", "question that people answered"):
            sent = sender.send(samples.roots()[name])
            shown = [element for block in slack.messages[-1]["blocks"] for element in elements_of(block)]
            for element in shown:
                slack.click(str(sent.message), action_id=element["action_id"])
        slack.slash("/topicwire", "mute energy 2h", channel=CHANNEL)
        kinds = {"interactive": "click", "slash_commands": "command"}
        return [other(kinds[sent.kind], sent.payload) for sent in slack.socket_mode.envelopes]


def test_what_the_stand_in_tells_of_a_press_is_what_the_types_of_slack_promise(
    peers: Peers, pressed: list[Claim], tmp_path: Path
) -> None:
    for claim in pressed:
        if isinstance(claim.value, dict):
            claim.value.get("message", {}).pop("blocks", None)

    assert len(pressed) > 12
    assert (
        broken(peers, [replace(claim, value=_without_nulls(claim.value)) for claim in pressed], tmp_path)
        == {}
    )


def test_an_app_of_slacks_own_framework_hears_the_stand_in_and_is_heard(peers: Peers) -> None:
    with SlackStandIn() as slack:
        sent = sender_to(slack.url, slack.token).send(samples.roots()["alert"])
        given = {"url": slack.url, "token": slack.token, "appToken": slack.app_token, "number": 3}
        with peers.started(HERE / "bolt.js", given) as told:
            assert next(told) == {"kind": "started"}
            assert slack.wait_for_connections(1, 20)
            menu = slack.click(str(sent.message), action_id="0-other")
            button = slack.click(str(sent.message), action_id="0-right", user="U2")
            command = slack.slash("/topicwire", "list", channel=CHANNEL)
            heard = sorted(told, key=lambda one: str(one["kind"]))
        acks = [slack.wait_for_ack(one) for one in (menu, button, command)]

    assert [(one["kind"], one["user"], one["channel"]) for one in heard] == [
        ("button", "U2", CHANNEL), ("command", "U1", CHANNEL), ("static_select", "U1", CHANNEL)
    ]  # fmt: skip
    assert None not in acks
    assert acks[2] is not None
    assert acks[2].payload == {"response_type": "ephemeral", "text": "heard list"}


def test_our_answer_to_a_command_is_what_the_types_of_slack_ask_for(peers: Peers, tmp_path: Path) -> None:
    with SlackStandIn() as slack, Recorder(slack.url) as recorder:
        listener = Listener(slack.app_token, recorder.url, lambda click: None, lambda typed: HELP)
        listener.work()
        assert slack.wait_for_connections()
        ack = slack.wait_for_ack(slack.slash("/topicwire", "help", channel=CHANNEL))
        listener.close()
    [opened] = recorder.of("apps.connections.open")

    assert ack is not None
    claims = [other("answer", ack.payload), *claims_of_request(opened), *claims_of_answer(opened)]
    assert broken(peers, claims, tmp_path) == {}


def test_the_manifest_and_what_a_webhook_is_sent_are_what_the_types_of_slack_ask_for(
    peers: Peers, tmp_path: Path
) -> None:
    with SlackStandIn() as slack:
        sender = WebhookSender(slack.webhook_url, Pace(0.0, 1))
        for message in samples.roots().values():
            sender.send(message)
        posted = list(slack.webhook_messages)

    claims = [other("manifest", manifest()), *(other("webhook", body) for body in posted)]
    claims += [other("blocks", body["blocks"]) for body in posted]
    assert len(posted) == len(samples.roots())
    assert broken(peers, claims, tmp_path) == {}


# The emulator

GENERAL = "C000000001"
TOKEN, POSTS_ONLY, READS_ONLY = "xoxb-1-contract", "xoxb-2-posts-only", "xoxb-3-reads-only"


@pytest.fixture(scope="module")
def emulator(peers: Peers) -> Iterator[str]:
    """The address of the emulator's Web API."""
    with peers.emulate(HERE / "seed.yaml") as url:
        yield f"{url}/api/"


@pytest.fixture
def alert(request: pytest.FixtureRequest) -> Message:
    """An alert with a key of the test's own."""
    return replace(samples.roots()["alert"], key=f"key of {request.node.name}")


def as_it_stands(url: str, sent: Sent, token: str = TOKEN) -> Block:
    """A message as the emulator has it."""
    answer = SlackApp(token, url).reading.conversations_replies(
        channel=str(sent.channel), ts=str(sent.message)
    )
    return next(message for message in answer["messages"] if message["ts"] == sent.message)


def test_the_emulator_keeps_an_alert_as_it_was_posted(emulator: str, alert: Message) -> None:
    sent = sender_to(emulator, TOKEN, GENERAL).send(alert)

    message = as_it_stands(emulator, sent)
    assert sent.channel == GENERAL
    assert message["text"] == plain.fallback(alert)
    assert message["blocks"] == blocks.blocks(alert)
    assert message["metadata"]["event_payload"]["key"] == alert.key


def test_what_arrived_is_found_again_by_its_key_in_the_channel_and_in_threads(
    emulator: str, alert: Message
) -> None:
    sender = sender_to(emulator, TOKEN, GENERAL)
    root = sender.send(alert)
    replies = samples.replies(str(root.message)).values()
    sent = [sender.send(reply) for reply in replies]

    after_a_crash = sender_to(emulator, TOKEN, GENERAL)

    assert after_a_crash.find(alert, 0.0) == root
    assert [after_a_crash.find(reply, 0.0) for reply in replies] == sent
    assert after_a_crash.find(replace(alert, key="never sent", entries=()), 0.0) is None


def test_a_reply_that_lost_its_thread_is_found_when_all_threads_are_searched(
    emulator: str, alert: Message
) -> None:
    sender = sender_to(emulator, TOKEN, GENERAL)
    root = sender.send(alert)
    reply = replace(alert, key=f"reply to {alert.key}", thread=root.message, entries=())
    sent = sender.send(reply)

    restored = sender_to(emulator, TOKEN, GENERAL)

    assert restored.find(replace(reply, thread=None), 0.0) is None
    assert restored.find(replace(reply, thread=None), 0.0, everywhere=True) == sent


def test_an_alert_is_shown_anew_where_it_stands(emulator: str, alert: Message) -> None:
    sender = sender_to(emulator, TOKEN, GENERAL)
    sent = sender.send(alert)
    now = replace(alert, entries=samples.roots()["alert with all that became of it"].entries)

    sender.update(now, sent)

    message = as_it_stands(emulator, sent)
    assert message["blocks"] == blocks.blocks(now) != blocks.blocks(alert)
    assert sender_to(emulator, TOKEN, GENERAL).find(now, 0.0) == sent


def test_a_digest_shows_the_picture_that_was_uploaded(emulator: str) -> None:
    sender = sender_to(emulator, TOKEN, GENERAL)

    picture = sender.upload(PNG, "Articles by topic")
    sent = sender.send(replace(samples.roots()["digest"], key="digest with picture", picture=picture))

    pictures = [block for block in as_it_stands(emulator, sent)["blocks"] if block["type"] == "image"]
    assert [block["slack_file"] for block in pictures] == [{"id": picture}]
    assert SlackApp(TOKEN, emulator).reading.files_info(file=picture)["file"]["size"] == len(PNG)


def test_a_channel_that_is_not_there_and_an_app_without_rights_are_told_apart(
    emulator: str, alert: Message
) -> None:
    with pytest.raises(ReceiverRefusedError, match="channel_not_found") as channel:
        sender_to(emulator, TOKEN, "C0NOWHERE").send(alert)
    with pytest.raises(AppRefusedError, match="missing_scope"):
        sender_to(emulator, READS_ONLY, GENERAL).send(alert)

    assert not isinstance(channel.value, AppRefusedError)


def test_who_may_post_but_not_read_is_told_so_when_it_looks(emulator: str, alert: Message) -> None:
    sender = sender_to(emulator, POSTS_ONLY, GENERAL)
    sender.send(alert)

    with pytest.raises(ReceiverRefusedError, match="missing_scope"):
        sender_to(emulator, POSTS_ONLY, GENERAL).find(alert, 0.0)


def test_an_incoming_webhook_takes_each_kind_of_message(emulator: str) -> None:
    hook = emulator.removesuffix("/api/") + "/services/T000000001/B000000001/X000000001"
    sender = WebhookSender(hook, Pace(0.0, 1))

    for message in samples.roots().values():
        assert sender.send(message) == Sent()


def test_a_daemon_posts_an_article_of_its_inbox_to_the_emulator_once(
    emulator: str, home: Path, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    config = tmp_path / "topicwire.toml"
    config.write_text(
        f'[slack]\ntoken_file = "{token}"\napi_url = "{emulator}"\n[inbox]\nsettle_seconds = 0.0\n'
        '[[receiver]]\nname = "desk"\ntype = "slack"\nchannel = "C000000002"\n[[route]]\nreceiver = "desk"\n'
    )
    (home / "inbox").mkdir()
    (home / "inbox" / "refinery.txt").write_text(ENERGY_ARTICLE)

    codes = [topicwired(["run", "--once", "--home", str(home), "--config", str(config)]) for _ in range(2)]

    posted = SlackApp(TOKEN, emulator).reading.conversations_history(channel="C000000002")["messages"]
    assert codes == [0, 0]
    assert ["Refinery in Atyrau" in message["text"] for message in posted] == [True]
    assert posted[0]["metadata"]["event_type"] == "topicwire_alert"


# Escaping

NUMBER = 5_000
MESSAGES = 2_100  # each with some twenty texts, so that all texts are in them, each in several places
ROOMS = [wording.HEADLINE, wording.QUOTE, wording.FACT, wording.TITLE, wording.WORD, wording.PERSON]

Nodes = list[list[str]]  # each a kind and what it was made of
Kinds = list[list[str]]  # for each parser
Parse = Callable[[list[str]], list[list[Nodes]]]


@pytest.fixture(scope="module")
def hostile() -> list[str]:
    return hostile_texts(NUMBER)


@pytest.fixture
def parse(peers: Peers) -> Parse:
    """What each of the two parsers makes of texts."""

    def parsed(texts: list[str]) -> list[list[Nodes]]:
        found: list[list[Nodes]] = peers.run(HERE / "parse.js", texts)
        return found

    return parsed


def tally(parsed: list[list[Nodes]]) -> Counter[str]:
    """In how many texts a parser, "0" or "1", sees something of a kind."""
    return Counter(
        f"{kind} by {number}"
        for nodes_of in parsed
        for number, nodes in enumerate(nodes_of)
        for kind in {kind for kind, _ in nodes}
    )


def mrkdwn_of(part: object) -> Iterator[str]:
    """Every text in blocks that Slack reads for formatting."""
    if isinstance(part, dict) and part.get("type") == "mrkdwn":
        yield part["text"]
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from mrkdwn_of(one)


def seen(texts: list[str], parsed: list[list[Nodes]]) -> list[str]:
    """The first few texts in which a parser sees anything."""
    return [f"{nodes} in {text!a}" for text, nodes in zip(texts, parsed, strict=True) if nodes != [[], []]][
        :10
    ]


def test_both_parsers_see_what_hostile_texts_hold_as_long_as_they_are_raw(
    parse: Parse, hostile: list[str]
) -> None:
    found = tally(parse([text[:3000] for text in hostile]))

    kinds = ("mention", "link", "emoji", "bold", "italic", "strike", "code", "pretext", "quote")
    assert [
        f"{kind} by {number}" for kind in kinds for number in range(2) if found[f"{kind} by {number}"] < 20
    ] == []
    assert min(found["mention by 0"], found["mention by 1"]) > NUMBER / 3


def test_with_entities_alone_the_parsers_still_see_formatting_and_emoji(
    parse: Parse, hostile: list[str]
) -> None:
    found = tally(parse([html.escape(text[:3000], quote=False) for text in hostile]))

    assert found["mention by 0"] == found["mention by 1"] == 0
    assert min(found[f"{kind} by {number}"] for kind in ("bold", "emoji") for number in range(2)) > 50


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_no_parser_sees_anything_in_article_text_that_was_made_neutral(
    parse: Parse, hostile: list[str], room: Room
) -> None:
    texts = [fitted(text, room) for text in hostile]

    parsed = parse(texts)

    assert seen(texts, parsed) == []


def test_no_parser_sees_anything_in_article_text_for_chats_without_blocks(
    parse: Parse, hostile: list[str]
) -> None:
    texts = [plain.defused(text[:1000]) for text in hostile]

    parsed = parse(texts)

    assert seen(texts, parsed) == []


@pytest.mark.slow
def test_whatever_an_article_says_the_parsers_see_in_our_messages_only_what_is_ours(
    parse: Parse, hostile: list[str]
) -> None:
    visible = [text for text in hostile if cleaned(text)]
    places = [
        {place: visible[(number + 250 * place) % len(visible)] for place in range(samples.PLACES)}
        for number in range(MESSAGES)
    ]

    messages = [(samples.SHAPES[number % len(samples.SHAPES)], texts) for number, texts in enumerate(places)]

    assert len(visible) > 0.9 * NUMBER
    assert foreign_in(messages, parse) == []


@pytest.mark.slow
def test_each_sign_of_slacks_stays_a_sign_wherever_it_stands_in_a_message(parse: Parse) -> None:
    """As when a headline ends in what, with a sign of our own after it, would be an emoji's name."""
    everywhere = [dict.fromkeys(range(samples.PLACES), text) for text in FRAGMENTS if cleaned(text)]

    messages = [(shape, texts) for texts in everywhere for shape in samples.SHAPES]

    assert len(messages) > 500
    assert foreign_in(messages, parse) == []


def foreign_in(messages: list[tuple[str, dict[int, str]]], parse: Parse) -> list[str]:
    """The first few texts in which a parser sees other things than in the same message of harmless texts."""
    harmless = {place: f"harmless {place}" for place in range(samples.PLACES)}
    twins = {shape: texts_of(samples.made_of(harmless, shape)) for shape in samples.SHAPES}
    expected = {shape: [kinds_of(nodes) for nodes in parse(texts)] for shape, texts in twins.items()}
    texts: list[str] = []
    kinds: list[Kinds] = []
    for shape, places in messages:
        said = texts_of(samples.made_of(places, shape))
        assert len(said) == len(expected[shape])
        texts += said
        kinds += expected[shape]
    return [
        f"{kinds_of(nodes)} for {right} in {text!a}"
        for text, nodes, right in zip(texts, parse(texts), kinds, strict=True)
        if kinds_of(nodes) != right
    ][:10]


def texts_of(message: Message) -> list[str]:
    """All texts of a message that Slack reads for formatting; the message itself is within every limit."""
    text, shown = plain.fallback(message), blocks.blocks(message)
    assert blocks.problems({"text": text, "blocks": shown}) == []
    return [text, plain.text(message), *mrkdwn_of(shown)]


def kinds_of(nodes_of: list[Nodes]) -> Kinds:
    return [sorted(kind for kind, _ in nodes) for nodes in nodes_of]


def plain_texts_of(part: object) -> Iterator[Block]:
    """Every text in blocks that Slack shows as it is."""
    if isinstance(part, dict) and part.get("type") == "plain_text":
        yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from plain_texts_of(one)


def test_what_slack_shows_as_it_is_has_no_emoji_of_an_article(hostile: list[str]) -> None:
    messages = [samples.made_of(dict(enumerate(hostile)), shape) for shape in samples.SHAPES]

    shown = [text for message in messages for text in plain_texts_of(blocks.blocks(message))]

    assert len(shown) > 20
    assert [text for text in shown if text.get("emoji") is not False] == []
