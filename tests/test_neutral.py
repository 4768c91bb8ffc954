"""Article text made neutral: it pings nobody, formats nothing, links nowhere, and still reads as it did."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.neutral import JOINT, Room, address, cleaned, directed, fitted, linked, neutral, quoted
from tests.hostile import TEXT

LIKENESSES = str.maketrans({"∗": "*", "ˋ": "`", "∼": "~", "ˍ": "_", "∶": ":", "∖": "\\"})
ROOM = Room(60, 180)


def seen(text: str) -> str:
    """What a reader of the Slack message sees of neutral text, likenesses taken for what they are like."""
    return html.unescape(text).replace(JOINT, "").translate(LIKENESSES)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("<!channel>", "&lt;!channel&gt;"),
        ("&lt;", "&amp;lt;"),
        ("a & b", "a &amp; b"),
        ("> said he", f"{JOINT}&gt; said he"),
        ("two\nlines\tand  blanks", "two lines and blanks"),
        ("*b* `c` ~d~", "∗b∗ ˋcˋ ∼d∼"),
        ("_it_ (_i_)", "ˍitˍ (ˍiˍ)"),
        ("a\\*", "a∖∗"),
        (":fire: ::x::", "∶fire: ∶∶x∶:"),
        ("@here #a", f"@{JOINT}here #{JOINT}a"),
        ("http://evil.example", f"http:{JOINT}//evil.{JOINT}example"),
        ("mail a@evil.example", f"mail a@{JOINT}evil.{JOINT}example"),
        ("қаз.қз and موقع.شبكة", f"қаз.{JOINT}қз and موقع.{JOINT}شبكة"),
    ],
)
def test_what_slack_would_act_upon_is_made_harmless(text: str, sent: str) -> None:
    assert neutral(text) == sent


@pytest.mark.parametrize(
    "text",
    [
        "мақала",
        "At 12:30, 4.5 million: 3.2%.",
        "001_98a66882711a9a9f.txt",
        "No. 5 said: no",
        "a – b",
        "a @ b",
        "👩\u200d👧",
    ],
)
def test_harmless_text_is_left_as_it_is(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "a\x1bb",
        "a\u202eb",
        "a\u2067b",
        "a\u200fb",
        "a\u200bb",
        "a\ufeffb",
        "a\ud800b",
        "a\U000e0041b",
    ],
)
def test_controls_and_what_turns_the_direction_are_dropped(text: str) -> None:
    assert cleaned(text) == "ab"


@given(TEXT)
@example("<!channel> <@U1> <http://x|y> *a* _b_ ~c~ `d` :e: &lt; @f #g")
@example("::::a:b:")
def test_neutral_text_has_no_sign_that_slack_acts_upon_and_reads_the_same(text: str) -> None:
    found = neutral(text)

    assert not re.search(r"[<>*~`\\]", found)
    assert not re.search(r"&(?!(amp|lt|gt);)", found)
    assert not re.search(r":\S*:|://|[@#](?=[^\s\u200b])", found)
    assert not re.search(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", found)
    assert not found.startswith("&gt;")
    assert seen(found) == cleaned(text).translate(LIKENESSES)


@given(TEXT, st.integers(1, 80), st.integers(40, 200))
@settings(max_examples=60)
def test_text_is_cut_to_its_room_and_no_entity_in_two(text: str, read: int, sent: int) -> None:
    found = fitted(text, Room(read, sent))

    assert len(seen(found)) <= read
    assert len(found.encode()) <= sent
    assert not re.search(r"&(?!(amp|lt|gt);)", found)


def test_text_that_is_cut_says_so() -> None:
    assert fitted("word " * 100, ROOM) == "word " * 10 + "word…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Oil", "Oil"),
        ("Нефть", "Нефть"),
        ("2026", "2026"),
        ("مصفاة النفط", "\u2067مصفاة النفط\u2069"),
        ("«2026» مصفاة", "\u2067«2026» مصفاة\u2069"),
        ("The word مصفاة", "\u2066The word مصفاة\u2069"),
    ],
)
def test_text_from_right_to_left_is_kept_apart_from_what_stands_around_it(text: str, shown: str) -> None:
    assert directed(text) == shown


def test_quotation_marks_have_the_direction_of_what_they_quote() -> None:
    assert quoted(directed("مصفاة")) == "\u2067«مصفاة»\u2069"
    assert quoted(directed("Oil مصفاة")) == "\u2066“Oil مصفاة”\u2069"
    assert quoted(directed("Oil")) == "“Oil”"


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://a.example/b?c=d&e=f#g", "https://a.example/b?c=d&e=f#g"),
        ("https://a.example/b c|d<e>", "https://a.example/b%20c%7Cd%3Ce%3E"),
        ("https://a.example/*b*/~c/@everyone", "https://a.example/%2Ab%2A/%7Ec/%40everyone"),
        ("https://a.example/мұнай", "https://a.example/мұнай"),
    ],
)
def test_an_address_can_stand_in_a_text(url: str, sent: str) -> None:
    assert address(url) == sent


@pytest.mark.parametrize(
    "url",
    [
        None, "", "a.example", "javascript:alert(1)", "ftp://a.example", "http://", "https://user@a.example/",
        "http://[", "https://a.example/\u202egnp", "https://a.example/\x00", "https://a.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_what_is_no_address_to_follow_is_not_linked(url: str | None) -> None:
    assert address(url) is None
    assert linked(url, "Oil | gas", ROOM) == "Oil | gas"


def test_a_link_has_its_address_its_label_and_nothing_of_either_breaks_out() -> None:
    said = linked("https://a.example/?a=1&b=2|<x>", "Oil | gas > *coal*", ROOM)

    assert said == "<https://a.example/?a=1&amp;b=2%7C%3Cx%3E|Oil ¦ gas &gt; ∗coal∗>"
