"""An alert as a Slack message: hostile text pings nobody, formats nothing and fits Slack's limits."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.blocks import Block, blocks, fallback, neutral
from daemon.records import Alert, AlertTopic
from tests.builders import make_alert

JOINT = "\u200b"
FRAGMENTS = [
    "<!channel>", "<!here>", "<@U123>", "<#C123>", "<!subteam^S1>", "<http://evil.example|click>",
    "&lt;", "&amp;", "@channel", "@here", "#general", "*bold*", "_it_", "~no~", "`code`", "```", ":fire:",
    "> quote", "&", "<", ">", "http://evil.example", "\n", "\u202e", "мақала ", "مقال ", "a" * 80, "&" * 80,
]  # fmt: skip
HOSTILE = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join), st.text(max_size=600), st.just("&" * 700)
)
TOPICS = st.builds(
    AlertTopic,
    id=st.just("energy"),
    title=st.sampled_from(["Energy", "Constitutional reform", "Trade & investment"]),
    grade=st.sampled_from(["main", "mention"]),
    probability=st.floats(min_value=0.0, max_value=1.0),
    passage=HOSTILE,
    words=st.lists(HOSTILE, max_size=5).map(tuple),
)
ALERTS = st.builds(
    Alert,
    key=st.just("k"),
    receiver=st.just("desk"),
    headline=HOSTILE,
    language=st.sampled_from([None, "en", "ar"]),
    date=st.none() | HOSTILE,
    source=st.none() | HOSTILE,
    file=HOSTILE,
    topics=st.lists(TOPICS, min_size=1, max_size=12).map(tuple),
    model=st.just("model-1"),
)


def texts(found: list[Block]) -> Iterator[str]:
    for block in found:
        for part in [block["text"]] if "text" in block else block["elements"]:
            yield str(part["text"])


def make_topic(title: str, grade: str = "main", *words: str, passage: str = "It restarted.") -> AlertTopic:
    return AlertTopic(title.lower(), title, grade, 0.93, passage, words)


def visible(text: str) -> str:
    """What a reader of the Slack message sees of neutral text."""
    return html.unescape(text).replace(JOINT, "")


def test_a_message_has_the_headline_the_facts_each_topic_with_its_passage_and_why() -> None:
    alert = make_alert(
        source="wire",
        date="2026-03-05",
        topics=(
            make_topic("Energy", "main", "refinery", "crude", passage="The refinery restarted."),
            make_topic("Trade", "mention", "crude", "exports", passage="Exports grew."),
        ),
    )

    found = blocks(alert)

    assert [block["type"] for block in found] == ["section", "context", "section", "section", "context"]
    assert [visible(text) for text in texts(found)] == [
        "*Headline 1*",
        "wire · 2026-03-05 · en · article-1.txt",
        "*Energy 93%*\n“The refinery restarted.”",
        "*Trade 93% (mention)*\n“Exports grew.”",
        "why: refinery, crude, exports",
    ]


def test_topics_beyond_the_sixth_are_only_named() -> None:
    alert = make_alert(topics=tuple(make_topic(f"T{number}") for number in range(8)))

    said = [visible(text) for text in texts(blocks(alert))]

    assert [text.split("\n")[0] for text in said[2:8]] == [f"*T{number} 93%*" for number in range(6)]
    assert said[8:] == ["also: T6 93%, T7 93%"]


def test_a_message_without_words_says_no_why() -> None:
    said = list(texts(blocks(make_alert(topics=(make_topic("Energy"),)))))

    assert not any(text.startswith("why") for text in said)


def test_the_plain_text_says_the_same_in_one_line() -> None:
    alert = make_alert(
        topics=(make_topic("Energy", passage="It\nrestarted."), make_topic("Trade", "mention"))
    )

    assert visible(fallback(alert)) == "Headline 1 — Energy 93%, Trade 93% (mention). “It restarted.”"


def test_a_long_headline_and_a_long_passage_are_cut_with_a_mark() -> None:
    alert = make_alert(headline="word " * 100, topics=(make_topic("Energy", passage="word " * 200),))

    headline, _, passage = (visible(text) for text in texts(blocks(alert)))

    assert len(headline) <= 152
    assert headline.endswith("word…*")
    assert len(passage) <= 450
    assert passage.endswith("word…”")


def test_slack_makes_nothing_of_its_own_out_of_any_text() -> None:
    for block in blocks(make_alert(topics=(make_topic("Energy", "main", "refinery"),))):
        for part in [block["text"]] if "text" in block else block["elements"]:
            assert (part["type"], part["verbatim"]) == ("mrkdwn", True)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;", "&amp;lt;"),
        ("a & b", "a &amp; b"),
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ("*b*", f"*{JOINT}b*{JOINT}"),
        (":x:", f":{JOINT}x:{JOINT}"),
        ("@here #a", f"@{JOINT}here #{JOINT}a"),
        ("12:30", f"12:{JOINT}30"),
        ("мақала", "мақала"),
    ],
)
def test_text_is_made_neutral(text: str, seen: str) -> None:
    assert neutral(text) == seen


@given(HOSTILE)
@example("<!channel> <@U1> <http://x|y> *a* _b_ ~c~ `d` :e: &lt; @f #g")
def test_neutral_text_has_no_sign_that_slack_acts_upon_and_reads_the_same(text: str) -> None:
    found = neutral(text)

    assert not re.search(r"[<>]", found)
    assert not re.search(r"&(?!(amp|lt|gt);)", found)
    assert not re.search(rf"[*_~`:@#](?!{JOINT})", found)
    assert visible(found) == " ".join(text.split()).replace(JOINT, "")


@given(ALERTS)
@settings(max_examples=50)
def test_no_message_pings_or_links_and_no_entity_is_cut_in_two(alert: Alert) -> None:
    for text in [*texts(blocks(alert)), fallback(alert)]:
        assert not re.search(r"[<>]", text)
        assert not re.search(r"&(?!(amp|lt|gt);)", text)


@given(ALERTS)
@settings(max_examples=50)
def test_formatting_in_a_message_is_only_our_own(alert: Alert) -> None:
    found = list(texts(blocks(alert)))

    for text in found:
        ours = re.sub(r"\A\*([^\n]*)\*(?=\n|\Z)", r"\1", text)
        ours = re.sub(r"\A(also|why):", "", ours)
        assert not re.search(rf"[*_~`:@#](?!{JOINT})", ours)


@given(ALERTS)
@settings(max_examples=50)
def test_every_message_has_few_blocks_and_no_section_is_too_long_or_empty(alert: Alert) -> None:
    found = blocks(alert)

    assert len(found) <= 50
    for block in found:
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3000
        else:
            assert 1 <= len(block["elements"]) <= 10


@given(ALERTS)
@settings(max_examples=50)
def test_the_plain_text_is_as_short_as_slack_likes_it(alert: Alert) -> None:
    assert len(fallback(alert)) <= 4_000
