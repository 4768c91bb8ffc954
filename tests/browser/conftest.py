"""What the browser's tests share: the browser, axe-core, and a newsroom with a few articles."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.articles import ARTICLES
from tests.browser.driving import Newsroom, Seat, browser_of, seat_at
from tests.contract.peers import NoPeersError, set_up


# Of a module, and no longer: while Playwright runs, no test of its thread can have a loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium.found()
    if program is None:
        pytest.skip("the desk's tests in a browser need Chromium, and there is none here: make browser")
    with browser_of(program) as running:
        yield running


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    try:
        return (set_up().modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except NoPeersError as error:
        pytest.skip(f"axe-core comes by npm, and cannot be had here: {error}")


@pytest.fixture(scope="module")
def newsroom(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A daemon that has tagged an article of each language, with the shipped labels' model."""
    home = tmp_path_factory.mktemp("newsroom") / "home"
    shutil.copytree(trained_home / "models", home / "models")
    running = Newsroom(home)
    try:
        for name, text in ARTICLES.items():
            running.drop(name, text)
        running.process.wait_until(
            lambda: running.asked("SELECT count(*) FROM articles") == [(len(ARTICLES),)], seconds=60.0
        )
        yield running
    finally:
        running.stop()


@pytest.fixture
def seat(browser: Browser, newsroom: Newsroom) -> Iterator[Seat]:
    """Somebody who is signed in, at a screen; the page must not have complained by the end."""
    with seat_at(browser, newsroom) as taken:
        yield taken
        assert taken.complaints == []
