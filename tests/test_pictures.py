"""The pictures in the README show what Slack is sent, and are drawn from nothing else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest

from daemon.blocks import Block, blocks, problems
from tests.hostile import request
from tests.pictures import FOLDER, LARGEST, MARK, drawn, fingerprint, page
from tests.scenes import PEOPLE, SCENES


def said(found: list[Block]) -> Iterator[str]:
    """What a reader of some blocks reads, in order, without mrkdwn's signs."""

    def of(block: Block) -> Iterator[str]:
        if "text" in block and isinstance(block["text"], dict):
            yield block["text"]["text"]
        for element in block.get("elements", []):
            yield element["text"] if isinstance(element.get("text"), str) else next(of(element))
        if "placeholder" in block:
            yield block["placeholder"]["text"]

    for text in (text for block in found for text in of(block)):
        for person, name in PEOPLE.items():
            text = text.replace(f"<@{person}>", f"@{name}")
        yield html.unescape(re.sub(r"<[^|>]+\|([^>]*)>", r"\1", text).replace("*", ""))


@pytest.mark.parametrize("name", SCENES)
def test_a_picture_is_drawn_from_the_blocks_that_are_sent_and_from_nothing_else(name: str) -> None:
    for post in SCENES[name]:
        sent = blocks(post.message)

        seen = html.unescape(re.sub(r"<[^>]+>", "", drawn(sent).replace("<br>", "\n")))

        assert problems(request(post.message)) == []
        assert seen.replace("⋯", "") == "".join(said(sent))
        assert drawn(sent) in page(SCENES[name])


@pytest.mark.parametrize("name", SCENES)
def test_the_picture_in_the_repository_shows_what_is_sent_now(name: str) -> None:
    picture = (FOLDER / f"{name}.png").read_bytes()

    assert len(picture) <= LARGEST
    mark = f"tEXt{MARK}\0{fingerprint(SCENES[name])}".encode()
    assert mark in picture, "draw them anew: python -m tests.pictures"


def test_the_page_says_that_it_is_no_screenshot() -> None:
    assert "not a screenshot of Slack" in page(())
