"""Hostile texts, and messages full of them, for tests of what is made of article text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from daemon import asking, plain
from daemon.blocks import Block, blocks
from daemon.messages import (
    Answered,
    DigestBody,
    Entry,
    Form,
    Leading,
    Message,
    Nearest,
    Notice,
    QuestionBody,
    Remark,
    TopicVolume,
)
from daemon.records import Alert, AlertTopic
from tests.builders import make_alert

FRAGMENTS = (
    "<!channel>", "<!here>", "<!everyone>", "<@U123>", "<#C123>", "<!subteam^S1>",
    "<http://evil.example|click>", "<!date^1392734382^{date}|x>", "&lt;", "&amp;", "&", "<", ">", "> quote",
    "@channel", "@here", "@everyone", "#general", "*bold*", "_it_", "~no~", "`code`", "```", ":fire:",
    ":+1:", "::", "*", "_", "~", "`", "|", "http://evil.example", "www.evil.example", "evil.example",
    "a@evil.example", "mailto:a@evil.example", "[a](http://evil.example)", "![a](b)", "<b>b</b>",
    "||hidden||", "# head", "- item", "1. item", "/start", "\n", "\t", " ", "\x00", "\x1b[31m", "\u202e",
    "\u2067", "\u200b", "\ud800", "\ufeff", "\U000e0041", "мақала ", "مقال ", "漢字", "👩\u200d👩\u200d👧",
    "a" * 80, "&" * 80, ":" * 40, "12:30:45", "a_b_c.txt",
)  # fmt: skip
LONG = ("&" * 700, "漢" * 700, "😀" * 700, "*" * 700, ":" * 700, "مقال " * 200, "word " * 200, "a." * 300)
TEXT = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join),
    st.text(max_size=60),
    st.sampled_from(LONG),
)
_MAYBE = st.none() | TEXT
_LONGEST_TOPIC = "a-" * 39 + "bc"
_URL = st.sampled_from(
    [
        None,
        "https://a.example/?a=1&b=2|<x>",
        "https://a.example/" + "x" * 470,
        "javascript:alert(1)",
        "http://[",
    ]
)


def _repeated(one: st.SearchStrategy[Any], *times: int) -> st.SearchStrategy[tuple[Any, ...]]:
    """As many of one kind as there may be, without the time that it takes to make each anew."""
    few = st.lists(one, min_size=1, max_size=2).map(tuple)
    return few | st.builds(lambda each, number: (each,) * number, one, st.sampled_from(times))


TOPICS = st.builds(
    AlertTopic,
    id=st.sampled_from(["energy", "trade", _LONGEST_TOPIC]),
    title=TEXT,
    grade=st.sampled_from(["main", "mention"]),
    probability=st.floats(min_value=0.0, max_value=1.0),
    passage=TEXT,
    words=_repeated(TEXT, 12),
)
ALERTS = st.builds(
    Alert,
    key=st.sampled_from(["0" * 32, "f" * 32]),
    receiver=st.just("desk"),
    headline=TEXT,
    language=st.sampled_from([None, "en", "ar"]),
    date=_MAYBE,
    source=_MAYBE,
    file=TEXT,
    topics=_repeated(TOPICS, 6, 60),
    model=st.just("model-1"),
    url=_URL,
    follows=_MAYBE,
    news=st.just(()) | _repeated(TEXT, 12),
)
REMARKS = st.builds(
    Remark,
    person=st.sampled_from(["U123", "W0A9", "<!channel>"]) | TEXT,
    topic=st.sampled_from(["energy", "trade", "space"]),
    verdict=st.sampled_from(["right", "wrong"]),
)
ENTRIES = st.builds(
    Entry,
    alert=ALERTS,
    remarks=st.just(()) | st.lists(REMARKS, max_size=12).map(tuple),
    also_in=st.just(()) | _repeated(TEXT, 5),
    further=st.integers(0, 99),
)
CHOICES = st.just(()) | st.builds(
    lambda title, length, number: tuple((f"t{index}{'x' * length}", title) for index in range(number)),
    TEXT,
    st.integers(0, 75),
    st.sampled_from([12, 60, 100, 150]),
)
VOLUMES = st.builds(
    TopicVolume,
    topic=st.just("energy"),
    title=TEXT,
    articles=st.integers(0, 9_999),
    by_day=st.just((1, 2)),
    leading=st.just(()) | _repeated(st.builds(Leading, TEXT, _URL, _MAYBE, st.just(0.5)), 3),
)
BODIES = st.builds(
    DigestBody,
    title=TEXT,
    since=TEXT,
    until=TEXT,
    articles=st.integers(0, 9_999),
    days=st.just(("21 Nov", "22 Nov")),
    volumes=st.just(()) | _repeated(VOLUMES, 12, 60, 200),
    held=st.booleans(),
    recall=st.just(()) | _repeated(TEXT, 4, 40),
)
NOTICES = st.builds(
    Notice,
    title=TEXT,
    lines=st.just(()) | _repeated(TEXT | TEXT.map(" {}".format) | st.just(""), 10, 80, 2_000),
)
QUESTIONS = st.builds(
    QuestionBody,
    name=st.just("48a66882711a9a9f"),
    headline=TEXT,
    url=_URL,
    source=_MAYBE,
    date=_MAYBE,
    language=_MAYBE,
    opening=TEXT,
    nearest=st.none() | st.builds(Nearest, st.sampled_from(["energy", "t1"]) | TEXT, st.just(0.31)),
    topics=CHOICES.map(asking.within_a_menu),
)
ANSWERS = st.builds(
    Answered,
    person=st.sampled_from(["U123", "W0A9", "<!channel>"]) | TEXT,
    topics=st.just(()) | _repeated(st.sampled_from(["t1x", "energy"]) | TEXT, 30),
)
_ALERTED = st.builds(
    Message,
    key=st.just("0" * 32),
    receiver=st.just("desk"),
    form=st.sampled_from([Form.ALERT, Form.BURST, Form.QUIET, Form.LIST]),
    entries=st.just(()) | _repeated(ENTRIES, 8, 30, 60),
    thread=st.none() | st.just("1700000000.000100"),
    follows=_MAYBE,
    more=st.integers(0, 2_000),
    choices=CHOICES,
)
_DIGESTS = st.builds(
    Message,
    key=st.just("0" * 32),
    receiver=st.just("desk"),
    form=st.just(Form.DIGEST),
    digest=BODIES,
    picture=st.none() | st.just("F0123456789"),
)
REPORTED = st.builds(
    Message, key=st.just("0" * 32), receiver=st.just("desk"), form=st.just(Form.REPORT), notice=NOTICES
)
ASKED = st.builds(
    Message,
    key=st.just("0" * 32),
    receiver=st.just("desk"),
    form=st.just(Form.QUESTION),
    question=QUESTIONS,
    answers=st.just(()) | _repeated(ANSWERS, 3, 20),
)
MESSAGES = _ALERTED | _DIGESTS | REPORTED | ASKED


def fullest(text: str) -> Iterator[tuple[str, Message]]:
    """Messages of every form, with more of everything than there is room for, and their names."""
    url = "https://a.example/" + "x" * 470
    topic = AlertTopic(_LONGEST_TOPIC, text, "mention", 0.5, text, (text,) * 12)
    choices = tuple((f"t{index}", text) for index in range(100))
    alert = make_alert(
        headline=text, date=text, source=text, file=text, url=url, topics=(topic,) * 60, follows=text,
        news=(text,) * 12,
    )  # fmt: skip
    remarks = tuple(
        Remark(f"{index // 12}{text}", f"t{index % 100}", ("right", "wrong")[index % 2])
        for index in range(240)
    )
    entry = Entry(alert, remarks, (text,) * 5, 99)
    whole = Message("0" * 32, "desk", entries=(entry,), choices=choices, follows=text)
    yield "an alert", whole
    yield "burst", replace(whole, form=Form.BURST, entries=(entry,) * 60, more=5)
    volume = TopicVolume("energy", text, 9_999, (1, 2), (Leading(text, url, text, 0.5),) * 3)
    days = ("21 Nov", "22 Nov")
    for topics, lines in ((0, 40), (12, 4), (200, 0), (200, 40)):
        body = DigestBody(
            text, text, text, 9, days, (volume,) * topics, held=True, recall=(text,) * lines
        )  # fmt: skip
        yield f"digest of {topics}, {lines}", Message("0" * 32, "desk", Form.DIGEST, digest=body, picture="F")
    notice = Notice(text, (text, f"  {text}", "") * 700)
    yield "report", Message("0" * 32, "desk", Form.REPORT, notice=notice)
    question = QuestionBody(
        "48a66882711a9a9f",
        text,
        url,
        text,
        text,
        text,
        text,
        Nearest("t1", 0.3),
        asking.within_a_menu(choices),
    )
    answers = tuple(
        Answered(f"{index}{text}", tuple(id for id, _ in choices[: 20 + index])) for index in range(20)
    )
    yield "question", Message("0" * 32, "desk", Form.QUESTION, question=question, answers=answers)


def request(message: Message, *, interactive: bool = True) -> Block:
    """The body of a request that posts a message, with all that such a body may hold."""
    payload = {"key": message.key, "alerts": ",".join(message.keys)}
    return {
        "channel": "C0123456789",
        "text": plain.fallback(message),
        "blocks": blocks(message, interactive=interactive),
        "metadata": {"event_type": "topicwire_alert", "event_payload": payload},
        "thread_ts": "1700000000.000100",
        "reply_broadcast": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "client_msg_id": "00000000-0000-0000-0000-000000000000",
    }
