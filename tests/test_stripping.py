"""The plain tag strip: what is text, what is not, and that no input makes it slow."""

from __future__ import annotations

from time import process_time

import pytest

from classifier.formats.web.stripping import long_tags, strip_tags


def test_a_block_is_a_line_and_an_inline_tag_is_nothing() -> None:
    page = "<div><h1>Refinery\n restarts</h1><p>Crude <b>oil</b> flo<i>w</i>s.<p>Petrol<br>too</div>"

    assert strip_tags(page) == "Refinery restarts\nCrude oil flows.\nPetrol\ntoo"


def test_cells_are_parted_by_a_blank_and_rows_by_a_line() -> None:
    page = "<table><tr><th>Year</th><td>2025</td></tr><tr><th>Tonnes</th><td>8.8</td></tr></table>"

    assert strip_tags(page) == "Year 2025\nTonnes 8.8"


@pytest.mark.parametrize(
    "unread",
    [
        "<script>if (a < b) document.write('<p>no</p>')</script>",
        "<SCRIPT type='text/javascript'>no</SCRIPT >",
        "<style>p { color: red }</style>",
        "<noscript>no</noscript>",
        "<template><p>no</p></template>",
        "<title>no</title>",
        "<!-- no <p>no</p> -->",
        "<!--><!-- no -->",
        "<svg><text>no</text></svg>",
        "<iframe src=x>no</iframe>",
        "<!DOCTYPE html>",
        "<?php no ?>",
        "<![if !mso]>",
    ],
)
def test_scripts_and_comments_are_no_text(unread: str) -> None:
    assert strip_tags(f"<p>before</p>{unread}<p>after</p>") == "before\nafter"


def test_a_value_in_quotes_may_hold_what_ends_a_tag() -> None:
    assert strip_tags('<img alt="a > b" title=\'<p>\'>text <a href = "x>y">link</a>') == "text link"


def test_an_apostrophe_outside_a_value_opens_nothing() -> None:
    assert strip_tags("<p it's>text</p><p>don't</p>") == "text\ndon't"


def test_entities_become_their_characters_once() -> None:
    assert strip_tags("<p>AT&amp;T &laquo;нефть&raquo;&nbsp;&#1171; &amp;lt;b&amp;gt; &lt;i&gt;</p>") == (
        "AT&T «нефть» ғ &lt;b&gt; <i>"
    )


def test_numbers_that_no_character_has_do_no_harm() -> None:
    assert strip_tags(f"a &#{'9' * 5000}; b &#x{'f' * 5000}; c") == "a \ufffd b \ufffd c"


def test_a_mark_that_opens_no_tag_stays() -> None:
    assert strip_tags("3 < 4, x <3 and 5 > 4") == "3 < 4, x <3 and 5 > 4"


def test_lines_of_preformatted_text_stay_lines() -> None:
    assert strip_tags("<p>one\ntwo</p><pre>three\nfour</pre>five\nsix") == "one two\nthree\nfour\nfive six"


def test_text_after_a_comment_or_a_frame_that_nobody_closes_is_not_lost() -> None:
    assert strip_tags("<p>one<!-- two <p>three<iframe><p>four") == "one two\nthree\nfour"


def test_a_tag_that_nobody_closes_is_taken_away_and_what_follows_stays() -> None:
    assert strip_tags("<p>one</p><p two words") == "one\ntwo words"


def test_without_menus_navigation_is_left_out_and_one_that_nobody_closes_is_not() -> None:
    page = "<nav>a<nav>b</nav>c</nav><p>text</p><aside>d</aside><footer>e</footer><nav><p>end"

    assert strip_tags(page, menus=False) == "text\nend"
    assert strip_tags(page) == "a\nb\nc\ntext\nd\ne\nend"


def test_long_tags_are_found_where_a_quoted_value_would_hide_them_but_not_in_scripts() -> None:
    long = f'<a x=">" {"y " * 100}>'
    unclosed = f"<b {'z ' * 100}"

    assert list(long_tags(f"<p>{long}<script>{long}</script>{unclosed}", 150)) == [long, unclosed]


HOSTILE = {
    "attributes": "<a " + 'b="c" ' * 10_000 + "><p>words</p>",
    "attributes that nobody closes": "<a " + 'b="c" ' * 10_000,
    "open comments": "<!--" * 20_000 + "words",
    "pairs of comments": "<!---->" * 12_000 + "words",
    "nested": "<div>" * 12_000 + "words",
    "nested and closed": "<b>" * 10_000 + "words" + "</b>" * 10_000,
    "marks": "<" * 80_000 + " words",
    "tags that nobody closes": "<a " * 26_000 + "words",
    "tags closed at the end": "<a " * 26_000 + "> words",
    "quotes": '<a b="' * 14_000 + "words",
    "quotes closed at the end": '<a b=" ' * 12_001 + "> words",
    "quotes of both kinds": "<a b='\" " * 10_001 + "> words",
    "equals": "<a " + "= " * 40_000 + "> words",
    "frames": "<svg><iframe><object>" * 4_000 + "words",
    "lists of text": "<pre>" * 16_000 + "words",
    "menus": "<nav>" * 16_000 + "words" + "</nav>" * 16_000,
    "ampersands": "&" * 80_000 + " words",
    "long entities": "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" * 2_400 + " words",
    "digits": "&#" + "1" * 80_000 + " words",
    "blanks": " " * 80_000 + "words",
    "declarations": "<!" * 40_000 + "> words",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_four_times_the_page_costs_about_four_times_the_time(kind: str) -> None:
    page = HOSTILE[kind]
    strip_tags(page)

    once = _seconds(page)
    fourfold = _seconds(page * 4)

    # Sixteen times, were it quadratic. The addition is for a machine that is busy.
    assert fourfold < 9 * once + 0.3
    assert "words" in strip_tags(page) or "nobody closes" in kind or kind == "menus"


def _seconds(page: str) -> float:
    start = process_time()
    strip_tags(page, menus=False)
    return process_time() - start
