"""People of the day: at Slack they press and type, at the desk page they read and follow; Prometheus asks."""

from __future__ import annotations

import json
import random
import re
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.cookiejar import CookieJar
from typing import Self

from tests.day.household import CHANNELS, Household

_PAGES = (
    "/",
    "/queue",
    "/topics",
    "/model",
    "/deliveries",
    "/health",
    "/api/articles?limit=20",
    "/topics/energy",
)
_VALUE = re.compile(r'"value": "((?:right|wrong|other|undo) [^"]+)"')
_SLASHES = ("mute energy 2h", "unmute energy", "list", "follow space 3h", "mute trade 1h", "unfollow space")
_SECONDS = 20.0


class People:
    """Threads of their own; `did` counts what they did, `odd` what an honest desk does not answer."""

    def __init__(self, household: Household) -> None:
        self.did: Counter[str] = Counter()
        self.odd: list[str] = []
        self._household = household
        self._chance = random.Random(household.plan.seed)
        self._stop = threading.Event()
        every = household.plan.speed
        minute = 60.0 / every
        self._threads = [
            self._thread(self._press, 4.0 * minute),
            self._thread(self._type, 45.0 * minute),
            self._thread(self._read, 3.0 * minute),
            self._thread(self._follow, 1.0 * minute),
            self._thread(self._scrape, household.plan.scrape / every),
        ]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """They go home."""
        self._stop.set()
        for each in self._threads:
            each.join(_SECONDS + 5.0)

    def _thread(self, what: Callable[[], None], every: float) -> threading.Thread:
        def work() -> None:
            while not self._stop.wait(every):
                # Whoever is broken on purpose refuses, hangs up, or answers late.
                with suppress(OSError, urllib.error.URLError, LookupError, ValueError):
                    what()

        return threading.Thread(target=work, daemon=True)

    def _press(self) -> None:
        """A button of one of the last messages; one in twenty twice."""
        slack = self._household.slack
        with slack.lock:
            messages = [one for one in slack.messages[-60:] if one.get("blocks")]
        if not messages:
            return
        message = self._chance.choice(messages)
        values = _VALUE.findall(json.dumps(message["blocks"]))
        if not values:
            return
        value = self._chance.choice(values)
        for _ in range(2 if self._chance.random() < 0.05 else 1):
            user = f"U{self._chance.randrange(6)}"
            slack.click(message["ts"], value, user=user, channel=message["channel"])
            self.did["clicks"] += 1

    def _type(self) -> None:
        slack = self._household.slack
        slack.slash("/topicwire", self._chance.choice(_SLASHES), channel=CHANNELS["newsroom"])
        self.did["slash commands"] += 1

    def _read(self) -> None:
        opener = self._let_in()
        for page in self._chance.sample(_PAGES, 2):
            self._get(opener, page)
            self.did["pages"] += 1

    def _follow(self) -> None:
        """What an open page asks again and again: is there anything new."""
        self._get(self._let_in(), "/today/new")
        self.did["looks for news"] += 1

    def _scrape(self) -> None:
        address = f"http://127.0.0.1:{self._household.metrics_port}/metrics"
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
            body = answer.read()
        self.did["scrapes"] += 1
        if b"topicwire_ledger_up" not in body:
            self.odd.append(f"metrics without topicwire_ledger_up: {body[:200]!r}")

    _opener: urllib.request.OpenerDirector | None = None

    def _let_in(self) -> urllib.request.OpenerDirector:
        if self._opener is None:
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            token = (self._household.home / "desk.token").read_text().strip()
            with opener.open(f"{self._address}/enter?token={token}", timeout=_SECONDS):
                opener.addheaders = [("Authorization", f"Bearer {token}")]
            self._opener = opener
        return self._opener

    def _get(self, opener: urllib.request.OpenerDirector, page: str) -> None:
        try:
            with opener.open(f"{self._address}{page}", timeout=_SECONDS) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            self.did[f"answers {error.code}"] += 1
            if error.code == 500:
                self.odd.append(f"the desk answers {page} with 500: {error.read()[:300]!r}")

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self._household.desk_port}"


def said(did: Counter[str]) -> Sequence[str]:
    return [f"{number} {what}" for what, number in sorted(did.items())]
