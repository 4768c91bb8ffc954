"""Links: where an article stands on the web, if it says so itself."""

from __future__ import annotations

import time

import pytest

from daemon import links

ADDRESS = "https://example.org/news/2026/03/refinery-restarts"


@pytest.mark.parametrize(
    "text",
    [
        f"{ADDRESS}\nA title\nA text.",
        f"A title\nA text.\n{ADDRESS}\n",
        f"A title\nA text.\n\nSource: {ADDRESS}",
        f"Заголовок\nТекст.\nИсточник: {ADDRESS}",
        f"Тақырып\nМәтін.\nДереккөз: {ADDRESS}",
        f"عنوان\nنص.\nالمصدر: {ADDRESS}",
        f"{ADDRESS}\nA title\nA text.\n{ADDRESS}",
    ],
)
def test_an_address_that_stands_alone_near_an_edge_is_the_articles(text: str) -> None:
    assert links.address(text) == ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        "A title\nA text.",
        f"A title\nSee {ADDRESS} for more.",
        f"{ADDRESS}\nA title\nA text.\nhttps://example.org/another",
        "A title\n" + "A line.\n" * 5 + f"{ADDRESS}\n" + "A line.\n" * 5,
        "javascript:alert(1)\nA title",
        "ftp://example.org/file\nA title",
        "https://user:password@example.org/x\nA title",
        "https://example.org:0/\nA title",
        "https://exa<mple.org/x>\nA title",
        "https://пример.рф/x\nA title",
        "https://[::1\nA title",
        "",
    ],
)
def test_anything_else_is_not(text: str) -> None:
    assert links.address(text) is None


def test_a_hostile_text_takes_no_time() -> None:
    begun = time.process_time()
    for line in ("https://" + "a" * 100_000, "a:" * 50_000, ": " * 50_000, "x " * 50_000 + ADDRESS):
        links.address(f"{line}\ntext")
    assert time.process_time() - begun < 1.0
