"""A message as plain text: complete, and harmless in any chat."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from daemon.messages import DigestBody, Entry, Form, Leading, Message, Remark, TopicVolume, alone
from daemon.neutral import JOINT
from daemon.plain import MOST, defused, fallback, text
from daemon.records import AlertTopic
from daemon.wording import dated
from tests.builders import make_alert
from tests.hostile import LONG, MESSAGES, TEXT, fullest
from tests.thoroughness import cases

ENERGY = AlertTopic("energy", "Energy", "main", 0.93, "The refinery restarted.", ("refinery",))
TRADE = AlertTopic("trade", "Trade", "mention", 0.61, "Exports grew.", ("exports",))
ALERT = make_alert(source="Wire", date="5 March", topics=(ENERGY, TRADE), url="https://wire.example/1")


def visible(said: str) -> str:
    return said.replace(JOINT, "")


def digest(**changes: object) -> Message:
    leading = (Leading("Refinery restarts", "https://wire.example/1", "Wire", 0.9),)
    volumes = (
        TopicVolume("energy", "Energy", 12, (5, 7), leading),
        TopicVolume("trade", "Trade", 3, (3, 0), ()),
    )
    body = DigestBody(
        "Digest of 22 November", "21 November", "22 November", 14, ("21 Nov", "22 Nov"), volumes
    )
    return Message("k", "desk", Form.DIGEST, digest=replace(body, **changes))  # type: ignore[arg-type]


def test_the_fallback_of_an_alert_says_on_one_line_what_its_blocks_say() -> None:
    entry = Entry(
        ALERT, (Remark("U1", "energy", "right"), Remark("U2", "trade", "wrong")), ("Daily", "Gazette"), 3
    )

    assert visible(fallback(replace(alone(ALERT), entries=(entry,)))) == (
        "Headline 1 — Energy 93%, Trade 61% (mention). “The refinery restarted.”"
        " Wire · 5 March · en · article-1.txt. why: refinery, exports."
        " also in: 2 sources (Daily, Gazette) · 3 further articles. 1 ✓ 1 ✗."
    )


def test_the_text_of_an_alert_is_complete_with_its_address_and_every_quote() -> None:
    assert visible(text(alone(ALERT))).split("\n") == [
        "Headline 1",
        "https://wire.example/1",
        "Energy 93%: “The refinery restarted.”",
        "Trade 61% (mention): “Exports grew.”",
        "Wire · 5 March · en · article-1.txt",
        "why: refinery, exports",
    ]


def test_a_follow_up_says_of_what_where_there_are_no_threads() -> None:
    reply = replace(ALERT, follows="Refinery burns", news=("4.5 million", "Aktau"))

    said = visible(text(alone(reply)))

    assert said.startswith("↳ follow-up of “Refinery burns” · new: 4.5 million, Aktau\nHeadline 1\n")


def test_many_at_once_are_told_with_what_stands_in_the_thread() -> None:
    entries = tuple(Entry(make_alert(number=number)) for number in (1, 2))
    message = Message("k", "desk", Form.BURST, entries, more=15)

    assert fallback(message) == (
        "17 articles at once. ● Headline 1 · Energy 93%. ● Headline 2 · Energy 93%."
        " and 15 more in this thread."
    )
    assert text(message).split("\n") == [
        "17 articles at once",
        "● Headline 1 · Energy 93%",
        "“The refinery restarted.”",
        "● Headline 2 · Energy 93%",
        "“The refinery restarted.”",
        "and 15 more",
    ]


def test_a_digest_is_told_with_its_numbers_and_leading_articles() -> None:
    assert visible(fallback(digest())) == (
        "Digest of 22 November — 14 articles · 2 topics · 21 November – 22 November."
        " Energy · 12. • Refinery restarts — Wire. Trade · 3."
    )
    assert visible(text(digest(held=True))).split("\n") == [
        "Digest of 22 November — 14 articles · 2 topics · 21 November – 22 November",
        "Each of these articles follows.",
        "Energy · 12",
        "• Refinery restarts — Wire",
        "https://wire.example/1",
        "Trade · 3",
    ]


def test_a_later_part_of_a_digest_says_which_and_does_not_repeat_the_numbers() -> None:
    assert visible(text(digest(part=2, parts=3, held=True))).split("\n")[:2] == [
        "Digest of 22 November (2 of 3)",
        "Energy · 12",
    ]


@pytest.mark.parametrize(
    ("hostile", "sent"),
    [
        ("@everyone @channel", f"@{JOINT}everyone @{JOINT}channel"),
        ("<!channel> <b>", "‹!channel› ‹b›"),
        ("[a](http://evil.example)", f"[a]{JOINT}(http:{JOINT}//evil.{JOINT}example)"),
        ("![a](b)", f"!{JOINT}[a]{JOINT}(b)"),
        ("**b** __i__ ~~s~~ `c` ||d||", f"∗∗b∗∗ ˍˍiˍˍ ∼∼s∼∼ ˋcˋ |{JOINT}|{JOINT}d|{JOINT}|{JOINT}"),
        ("# head", f"{JOINT}# head"),
        ("- item", f"{JOINT}- item"),
        ("1. item", f"{JOINT}1. item"),
        ("/start #tag $AAPL", f"/{JOINT}start #{JOINT}tag ${JOINT}AAPL"),
        ("&lt;b&#62;", f"&{JOINT}lt;b&{JOINT}#{JOINT}62;"),
        ("Exports & imports: 3/4 in May", "Exports & imports: 3/4 in May"),
    ],
)
def test_text_is_harmless_in_other_chats(hostile: str, sent: str) -> None:
    assert defused(hostile) == sent


@given(TEXT)
def test_defused_text_has_no_sign_of_markup_or_of_a_mention(hostile: str) -> None:
    found = defused(hostile)

    assert not re.search(r"[<>*~`]|://|\]\(|\|\||[@#](?=[^\s\u200b])|&[#\w]", found)
    assert not re.match(r"[-+=#]|\d+[.)]", found)
    assert not re.search(r"[^\S ]", found)


@given(MESSAGES)
@settings(max_examples=30, deadline=None)
def test_every_message_is_told_within_its_limits(message: Message) -> None:
    short, whole = fallback(message), text(message)

    assert 1 <= len(short.encode()) <= 3_000
    assert "\n" not in short
    assert 1 <= len(whole) <= MOST
    assert not re.search(r"<|[\x00-\x09\x0b-\x1f]", short + whole)


@pytest.mark.parametrize("hostile", LONG[:: cases(1, 3)])
def test_the_fullest_messages_are_told_within_their_limits(hostile: str) -> None:
    for name, message in fullest(hostile):
        assert len(fallback(message).encode()) <= 3_000, name
        assert len(text(message)) <= MOST, name


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("2026-11-21T14:05:00+05:00", "2026-11-21 14:05 +05:00"),
        ("2026-11-21T14:05:33.250Z", "2026-11-21 14:05 Z"),
        ("2026-11-21T14:05", "2026-11-21 14:05"),
        ("2026-11-21", "2026-11-21"),
        ("5 March", "5 March"),
        ("2026-11-21T14:05+05:00 <!channel>", "2026-11-21T14:05+05:00 <!channel>"),
    ],
)
def test_a_moment_is_said_to_the_minute_with_its_zone(date: str, said: str) -> None:
    assert dated(replace(ALERT, date=date)) == said
