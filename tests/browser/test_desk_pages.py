"""Every page of the desk in a real browser: readable on a phone and by everybody, in both themes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from classifier.storage import current
from tests.browser.driving import PHONE, Newsroom, Scheme, Seat, seat_at, violations

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGES = (
    "/",
    "/?q=oil&topic=energy",
    "/articles/{refinery}",
    "/articles/{pipeline}?topic=energy&label=1",
    "/queue",
    "/topics",
    "/topics/energy",
    "/model",
    "/model/versions/{version}",
    "/deliveries",
    "/deliveries/list?receiver=console&state=sent",
    "/deliveries/hold?receiver=console",
    "/health",
    "/subscribe",
    "/api",
)
# How far the last line of an element ends from the sides of what it stands in, in pixels.
GAPS = """each => {
  const range = document.createRange();
  range.selectNodeContents(each);
  const lines = [...range.getClientRects()].filter(line => line.width > 1);
  const bottom = Math.max(...lines.map(line => line.bottom));
  const last = lines.filter(line => line.bottom > bottom - 12);
  const around = each.getBoundingClientRect();
  return [Math.min(...last.map(line => line.left)) - around.left,
          around.right - Math.max(...last.map(line => line.right))];
}"""


def paths(newsroom: Newsroom) -> list[str]:
    named = {"refinery": newsroom.id_of("Refinery"), "pipeline": newsroom.id_of("مصفاة")}
    return [each.format(**named, version=current(newsroom.home / "models")) for each in PAGES]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_on_any_page_and_no_page_complains(
    browser: Browser, newsroom: Newsroom, axe: str, scheme: Scheme
) -> None:
    with seat_at(browser, newsroom, scheme=scheme) as seat:
        found = [line for path in paths(newsroom) for line in violations(seat.open(path), axe)]
        seat.page.context.clear_cookies()
        found += violations(seat.open("/login"), axe)

        assert found == []
        assert seat.complaints == []


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_no_page_is_wider_than_a_phone(browser: Browser, newsroom: Newsroom, language: str) -> None:
    with seat_at(browser, newsroom, size=PHONE, language=language) as seat:
        widths = {path: _width(seat.open(path)) for path in paths(newsroom)}

    assert widths == dict.fromkeys(widths, PHONE[0])


def test_on_a_phone_no_word_of_a_table_is_broken_in_two(browser: Browser, newsroom: Newsroom) -> None:
    with seat_at(browser, newsroom, size=PHONE, language="ru") as seat:
        broken = [seat.open(path).evaluate(_BROKEN) for path in ("/deliveries", "/health", "/model")]

    assert broken == [[], [], []]


# The words of letters alone that stand on more than one line.
_BROKEN = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll("main th, main td")) {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      for (const word of node.data.matchAll(/(?<=^|\\s)\\p{L}+(?=\\s|$)/gu)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (range.getClientRects().length > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


def _width(page: Page) -> int:
    """What would have to be scrolled through sideways, in pixels."""
    return int(page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"))


def test_a_key_does_nothing_by_accident_and_help_tells_what_keys_there_are(seat: Seat) -> None:
    page = seat.open(f"/articles/{seat.newsroom.id_of('Refinery')}")

    page.keyboard.press("r")
    expect(page.locator("#tag-energy")).to_be_focused()
    page.keyboard.press("?")
    shown = page.locator("#keys dl").inner_text()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.wait_for_url("**/queue")

    assert seat.newsroom.asked("SELECT * FROM verdicts") == []
    assert "right" in shown
    assert "wrong" in shown


def test_the_focus_stays_near_when_what_had_it_is_gone(seat: Seat) -> None:
    page = seat.open(f"/articles/{seat.newsroom.id_of('Refinery')}")
    page.locator("#add-topic").select_option("space")
    page.get_by_role("button", name="Add", exact=True).click()
    # htmx settles a little after it has swapped (htmx.config.defaultSettleDelay); nobody's eye is as fast.
    expect(page.locator(".htmx-settling, .htmx-added, .htmx-request")).to_have_count(0)
    page.wait_for_timeout(300)
    page.locator("#tag-space").focus()

    page.keyboard.press("u")

    expect(page.locator("#tag-space")).to_have_count(0)
    expect(page.locator("[data-item]:focus")).to_have_count(1)


def test_the_queue_takes_a_key_for_each_decision_and_takes_one_back(seat: Seat) -> None:
    page, newsroom = seat.open("/queue"), seat.newsroom
    first = page.locator("#entry-headline").inner_text()

    page.keyboard.press("n")
    expect(page.locator("#entry-headline")).not_to_have_text(first)
    [(verdict, person)] = newsroom.asked("SELECT verdict, person FROM verdicts")
    page.keyboard.press("u")
    expect(page.locator("#entry-headline")).to_have_text(first)

    assert (verdict, person) == ("wrong", "operator")
    assert newsroom.asked("SELECT * FROM verdicts") == []
    expect(page.get_by_role("status").filter(has_text="Taken back")).to_be_visible()


def test_the_slider_shows_at_once_what_another_cut_would_have_brought(seat: Seat) -> None:
    page = seat.open("/topics/energy")
    expect(page.locator("#cut-said")).to_contain_text("As it is", timeout=30_000)
    page.evaluate("window.notLoadedAnew = true")

    page.get_by_role("slider").focus()
    page.keyboard.press("End")

    expect(page.locator("#cut-said")).to_contain_text("Cut 0.99 in place of")
    assert page.get_by_label("or exactly").input_value() == "0.990"
    assert page.evaluate("window.notLoadedAnew")
    expect(page.get_by_role("slider")).to_be_focused()


def test_an_arabic_article_reads_from_right_to_left_and_its_words_are_coloured(seat: Seat) -> None:
    page = seat.open(f"/articles/{seat.newsroom.id_of('مصفاة')}?topic=energy")
    text = page.locator(".text")

    left, right = text.locator("p").last.evaluate(GAPS)

    assert text.evaluate("each => each.lang") == "ar"
    assert page.locator("html").get_attribute("lang") == "en"
    assert right < 40 < left, "its last line ends on the left"
    assert text.locator("[class^='for-']").count() > 3


def test_without_scripts_one_reads_corrects_and_changes_the_language(
    browser: Browser, newsroom: Newsroom
) -> None:
    with seat_at(browser, newsroom, scripts=False) as seat:
        page = seat.open("/")
        page.get_by_role("link", name="Striker scores twice").click()
        expect(page.locator(".text")).to_contain_text("visitors won the derby")

        page.locator("#add-topic").select_option("health")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("#right-health")).to_have_attribute("aria-pressed", "true")
        page.locator("details.menu summary").click()
        page.get_by_role("button", name="Русский").click()
        expect(page.locator("html")).to_have_attribute("lang", "ru")
        page.locator("#undo-health").click()

        expect(page.locator("#right-health")).to_have_count(0)
        assert newsroom.asked("SELECT * FROM verdicts") == []
        assert seat.complaints == []
