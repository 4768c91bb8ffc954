"""A real daemon with its desk, and a browser that is signed in there and hears every complaint."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests import ledgers
from tests.browser import chromium
from tests.daemon_process import DaemonProcess

Scheme = Literal["light", "dark"]

PHONE, SCREEN = (360, 740), (1280, 800)
SECONDS = 20.0


@contextmanager
def browser_of(program: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(chromium.ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Newsroom:
    """`topicwired run` on a home, its desk on a port of its own."""

    def __init__(self, home: Path, more: str = "") -> None:
        self.home = home
        self.address = f"http://127.0.0.1:{_free_port()}"
        listen = self.address.removeprefix("http://")
        config = f'[inbox]\nsettle_seconds = 0.05\n{more}\n[desk]\nlisten = "{listen}"\n'
        if "[retrain]" not in more:
            config += '[retrain]\ncron = "never"\n'
        self.process = DaemonProcess(home, config=config)
        self.process.wait_until_watching()
        self.process.wait_until(self._is_open, seconds=60.0)

    @property
    def link(self) -> str:
        """What lets its reader in."""
        token = (self.home / "desk.token").read_text(encoding="ascii").strip()
        return f"{self.address}/enter?token={token}"

    def drop(self, name: str, text: str) -> None:
        """Put an article into the inbox, whole at once."""
        self.process.inbox.mkdir(exist_ok=True)
        fresh = self.home / f"{name}.fresh"
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(self.process.inbox / name)

    def asked(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Rows of the ledger."""
        return ledgers.asked(self.home, query, **values)

    def wait_for(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        """Rows of the ledger, as soon as there are any."""
        self.process.wait_until(lambda: bool(self.asked(query, **values)))
        return self.asked(query, **values)

    def id_of(self, start: str) -> str:
        """What the desk calls the article whose title begins so."""
        [(fingerprint,)] = self.wait_for(
            "SELECT fingerprint FROM articles WHERE title LIKE :start ORDER BY id LIMIT 1", start=f"{start}%"
        )
        return str(fingerprint)[:12]

    def stop(self) -> None:
        self.process.stop()

    def _is_open(self) -> bool:
        """Whether it answers: its socket is there before its secrets are."""
        try:
            with urllib.request.urlopen(f"{self.address}/-/healthy", timeout=5.0) as answer:
                return int(answer.status) == 200
        except OSError:
            return False


@dataclass
class Seat:
    """A page of the browser, signed in. `complaints`: what its console and its policy reported."""

    page: Page
    newsroom: Newsroom
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a page and wait until its scripts ran."""
        self.page.goto(self.newsroom.address + path, wait_until="load")
        return self.page

    def until(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Wait without sleeping in the page, so that what it does goes on."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, (
                f"not in {seconds} s; the page says:\n{self.page.inner_text('body')}"
            )
            self.page.wait_for_timeout(50)


@contextmanager
def seat_at(
    browser: Browser,
    newsroom: Newsroom,
    *,
    size: tuple[int, int] = SCREEN,
    scheme: Scheme = "light",
    language: str = "en",
    scripts: bool = True,
    scale: float = 1.0,
) -> Iterator[Seat]:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        locale=language,
        java_script_enabled=scripts,
        device_scale_factor=scale,
        reduced_motion="reduce",
    )
    try:
        seat = Seat(context.new_page(), newsroom)
        _listen(context, seat)
        seat.page.goto(newsroom.link)
        seat.page.wait_for_url(f"{newsroom.address}/")
        yield seat
    finally:
        context.close()


def _listen(context: BrowserContext, seat: Seat) -> None:
    """Chromium reports what its policy forbids on the console as well, as an error."""
    context.on(
        "console",
        lambda said: (
            seat.complaints.append(f"{said.page.url if said.page else ''}: {said.text}")
            if said.type in ("error", "warning")
            else None
        ),
    )
    context.on("weberror", lambda error: seat.complaints.append(str(error.error)))


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core finds wrong, in a line each."""
    page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    return [
        f"{page.url}: {each['id']}: {json.dumps(node['target'])}: {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
