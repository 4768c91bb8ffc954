"""The world around a daemon under test: desks that hear, and a newsroom that drops files."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from tests.faults.accounting import LEDGER, account, asked_of, misplaced
from tests.faults.articles import article_text, follow_up_text, more_of
from tests.slack_stand_in import SlackStandIn

_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
_OWED = (
    "SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('sent', 'merged', 'dead')"
    " OR (state = 'sent' AND revision > shown AND message IS NOT NULL)"
)
_NOT_FINAL = "SELECT COUNT(*) FROM files WHERE state NOT IN ('done', 'failed', 'gone')"


def configuration(
    folder: Path,
    slack: SlackStandIn,
    *,
    desks: int = 1,
    settle: float = 2.0,
    manners: Mapping[int, str] = MappingProxyType({}),
    more: str = "",
) -> str:
    """Slack desks that all hear of everything, as fast as they take it; nothing is retrained.

    `manners`: what else a desk says of itself, by its number.
    """
    token = folder / "slack-token"
    token.write_text(slack.token)
    token.chmod(0o600)
    receivers = "".join(
        f'[[receiver]]\nname = "desk-{number}"\ntype = "slack"\nchannel = "C0DESK{number}"\n'
        + manners.get(number, "")
        for number in range(desks)
    )
    return (
        f'[slack]\ntoken_file = "{token}"\napi_url = "{slack.url}"\npace_seconds = 0\n{receivers}'
        f'[inbox]\nsettle_seconds = {settle}\n[desk]\nlisten = "never"\n[retrain]\ncron = "never"\n{more}'
    )


def drop(inbox: Path, name: str, data: bytes) -> None:
    """As one should: write beside the inbox, then rename."""
    fresh = inbox / f".{name}.part"
    fresh.write_bytes(data)
    fresh.rename(inbox / name)


def files_in(folder: Path) -> int:
    """How many files stand below a folder, without what is hidden."""
    return sum(path.is_file() and not path.name.startswith(".") for path in folder.rglob("*"))


def is_at_rest(home: Path, ledger: Path | None = None) -> bool:
    """Whether everything that was dropped has been taken and everything owed delivered."""
    if files_in(home / "inbox"):
        return False
    address = f"file:{ledger or home / LEDGER}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=10.0)) as connection:
            return not any(connection.execute(count).fetchone()[0] for count in (_OWED, _NOT_FINAL))
    except sqlite3.OperationalError:
        return False  # being made, or busy


def job(home: Path) -> dict[str, str]:
    """The only job's row in the ledger, without what is not known yet; empty before there is one."""
    try:
        with closing(sqlite3.connect(f"file:{home / LEDGER}?mode=ro", uri=True, timeout=10.0)) as connection:
            connection.row_factory = sqlite3.Row
            row = connection.execute("SELECT * FROM jobs").fetchone()
    except sqlite3.OperationalError:
        return {}
    return {key: str(value) for key, value in dict(row or {}).items() if value is not None}


def account_for_desks(
    home: Path,
    made: Mapping[int, bytes],
    slack: SlackStandIn,
    *,
    desks: int,
    alerted: Collection[int],
    set_aside: Collection[int] = (),
) -> list[str]:
    """`account` for each desk, every fault once."""
    heard: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with slack.lock:
        for message in slack.messages:
            heard[message["channel"]].append(message)
    faults: dict[str, None] = {}
    for number in range(desks):
        found = account(home, made, heard[f"C0DESK{number}"], alerted=alerted, set_aside=set_aside)
        faults.update(dict.fromkeys(found))
        faults.update(dict.fromkeys(misplaced(asked_of(home), f"desk-{number}", heard[f"C0DESK{number}"])))
    return list(faults)


class Newsroom:
    """Drops files from a thread of its own, in all the ways that files come, and keeps count.

    Renamed in, written slowly in place, with the bytes of an earlier one, under the name of an
    earlier one, and files that are no articles. A slow writer who was himself held up stops
    where he is: each state of his file is a whole article.
    """

    def __init__(self, inbox: Path, *, seed: int, pause: float, settle: float) -> None:
        self.made: dict[int, bytes] = {}
        self.alerted: set[int] = set()
        self.set_aside: set[int] = set()
        self.begun: list[int] = []  # articles that begin a story
        self._inbox = inbox
        self._chance = random.Random(seed)
        self._pause = pause
        self._patience = settle / 2
        self._names: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="newsroom", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(self._chance.uniform(0.2, 1.8) * self._pause):
            self._drop_one(len(self.made))

    def _drop_one(self, number: int) -> None:
        ways = (self._alerted, self._follow_up, self._quiet, self._slow, self._again, self._no_article)
        [way] = self._chance.choices(ways, (20, 10, 40, 10, 10, 10))
        way(number)

    def _alerted(self, number: int) -> None:
        self.alerted.add(number)
        self.begun.append(number)
        self._drop(number, article_text(number))

    def _follow_up(self, number: int) -> None:
        """The event of a late article goes on."""
        if self.begun:
            self.alerted.add(number)
            self._drop(number, follow_up_text(number, self._chance.choice(self.begun[-20:])))

    def _quiet(self, number: int) -> None:
        self._drop(number, article_text(number, quiet=True))

    def _again(self, number: int) -> None:
        earlier = [n for n in self.made if n not in self.set_aside]
        if earlier:
            self._drop(number, self.made[self._chance.choice(earlier)])

    def _no_article(self, number: int) -> None:
        self.set_aside.add(number)
        self._drop(number, _PICTURE + str(number).encode())

    def _drop(self, number: int, data: bytes) -> None:
        self.made[number] = data
        drop(self._inbox, self._name(number), data)

    def _slow(self, number: int) -> None:
        self.alerted.add(number)
        data = b""
        with (self._inbox / f"slow-{number}.txt").open("wb", buffering=0) as file:
            for piece in _pieces(number):
                file.write(piece)
                data += piece
                written = time.monotonic()
                time.sleep(self._patience / 4)
                if time.monotonic() - written > self._patience:
                    break
        self.made[number] = data

    def _name(self, number: int) -> str:
        """A new name, or one that has left the inbox."""
        if self._names and self._chance.random() < 0.1:
            name = self._chance.choice(self._names)
            if not (self._inbox / name).exists():
                return name
        name = f"article-{number}.txt"
        self._names.append(name)
        return name


def _pieces(number: int) -> tuple[bytes, ...]:
    return (article_text(number), more_of(number), b"Petrol prices did not change.\n")
