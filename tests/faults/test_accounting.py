"""The accounting must see each kind of fault that it is there for."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.faults import way
from tests.faults.accounting import account
from tests.faults.articles import article_text
from tests.faults.patient_slack import PatientSlack

pytestmark = pytest.mark.sqlite("the accounting reads its file")

MADE = {1: article_text(1), 2: article_text(2, arabic=True), 3: article_text(3, quiet=True), 4: b""}
ALERTED = frozenset({1, 2})

Messages = list[dict[str, Any]]
Breakage = Callable[[Path, Messages], object]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Messages]:
    """A home through which three articles and an empty file went, and what Slack heard."""
    home = tmp_path_factory.mktemp("walked") / "home"
    way.prepare(home, MADE)
    with PatientSlack() as slack:
        assert way.walk(home, slack.url)
        return home, slack.messages


@pytest.fixture
def home(walked: tuple[Path, Messages], tmp_path: Path) -> Path:
    return Path(shutil.copytree(walked[0], tmp_path / "home"))


@pytest.fixture
def messages(walked: tuple[Path, Messages]) -> Messages:
    return deepcopy(walked[1])


def test_a_home_at_which_nothing_went_wrong_is_sound(home: Path, messages: Messages) -> None:
    assert account(home, MADE, messages, alerted=ALERTED) == []


def test_an_inbox_that_is_not_drained_is_sound_only_where_it_need_not_be(tmp_path: Path) -> None:
    way.prepare(tmp_path, MADE)

    assert account(tmp_path, MADE, [], alerted=ALERTED, drained=False) == []
    assert "article 1 was never alerted" in account(tmp_path, MADE, [], alerted=ALERTED)
    assert "article 1 stands 1 times in inbox/" in account(tmp_path, MADE, [], alerted=ALERTED)


def test_an_article_that_the_test_took_away_is_not_missed(home: Path, messages: Messages) -> None:
    one = next(home.rglob("*-000003.txt"))
    one.unlink()
    change(home, "UPDATE files SET state = 'gone' WHERE name LIKE '%3.txt'")

    assert account(home, MADE, messages, alerted=ALERTED, gone={3}) == []
    assert account(home, MADE, messages, alerted=ALERTED) != []


def test_two_files_of_one_content_are_both_kept_and_alerted_once(tmp_path: Path) -> None:
    home, made = tmp_path / "home", {1: article_text(1), 2: article_text(1)}
    way.prepare(home, made)
    with PatientSlack() as slack:
        assert way.walk(home, slack.url)

        assert account(home, made, slack.messages, alerted={1}) == []


def change(home: Path, statement: str) -> None:
    with closing(sqlite3.connect(home / "ledger.db")) as connection, connection:
        assert connection.execute(statement).rowcount != 0


def done(home: Path, number: int) -> Path:
    return next((home / "done").rglob(f"*{number}.txt"))


def flip(home: Path, messages: Messages) -> None:
    change(home, "PRAGMA wal_checkpoint(TRUNCATE)")
    ledger = home / "ledger.db"
    content = bytearray(ledger.read_bytes())
    for place in range(4096, len(content), 4096):
        content[place + 1 : place + 9] = b"\xff" * 8
    ledger.write_bytes(content)


BREAKAGES: dict[str, tuple[Breakage, str]] = {
    "lost": (lambda home, _: done(home, 1).unlink(), "stands nowhere"),
    "twice in done": (
        lambda home, _: shutil.copy(done(home, 1), home / "done" / "again.txt"),
        "2 times in done/",
    ),
    "in two places": (
        lambda home, _: shutil.copy(done(home, 1), home / "inbox"),
        "1 times in inbox/, 1 times in done/",
    ),
    "back in the inbox": (
        lambda home, _: done(home, 1).rename(home / "inbox" / "a.txt"),
        "article 1 stands 1 times in inbox/",
    ),
    "set aside without cause": (
        lambda home, _: done(home, 3).rename(home / "failed" / "a.txt"),
        "article 3 stands 1 times in failed/",
    ),
    "changed on the way": (lambda home, _: done(home, 1).write_bytes(b"cut off"), "nobody made"),
    "temporary file": (
        lambda home, _: (home / "failed" / ".a.txt.new").touch(),
        "a temporary file is left: failed/.a.txt.new",
    ),
    "no reason": (
        lambda home, _: next(home.glob("failed/*.json")).unlink(),
        "stands there without a reason beside it",
    ),
    "reason alone": (
        lambda home, _: (home / "failed" / "b.txt.error.json").touch(),
        "explains a file that is not there",
    ),
    "alert lost": (lambda _, messages: messages.pop(), "was never alerted"),
    "alert twice": (lambda _, messages: messages.append(messages[0]), "was alerted 2 times"),
    "quiet one alerted": (
        lambda _, messages: messages.append({"text": "Striker number 3 signs"}),
        "article 3 is not to be alerted",
    ),
    "message about nothing": (
        lambda _, messages: messages.append({"text": "Refinery"}),
        "a message is about 0 articles",
    ),
    "row lost": (
        lambda home, _: change(home, "UPDATE files SET duplicate_of = 1 WHERE name LIKE '%3.txt'"),
        "article 3 has 0 rows that are no duplicates",
    ),
    "row twice": (lambda home, _: change(home, TWICE), "article 3 has 2 rows in the ledger"),
    "row unfinished": (
        lambda home, _: change(home, "UPDATE files SET state = 'taken' WHERE name LIKE '%3.txt'"),
        "article 3 is 'taken' in the ledger",
    ),
    "row of nobody's": (
        lambda home, _: change(home, TWICE.replace("SELECT fingerprint", "SELECT 'abc'")),
        "the ledger has a file that nobody made",
    ),
    "row that points astray": (
        lambda home, _: change(home, "UPDATE files SET target = 'done/x' WHERE name LIKE '%3.txt'"),
        "stands at done/x: it does not",
    ),
    "delivery owed": (
        lambda home, _: change(home, "UPDATE deliveries SET state = 'unknown' WHERE id = 1"),
        "1 deliveries are 'unknown'",
    ),
    "ledger damaged": (flip, "the ledger"),
    "ledger gone": (lambda home, _: (home / "ledger.db").unlink(), "there is no ledger.db"),
}
TWICE = """
    INSERT INTO files (fingerprint, name, size, state, target, arrived_at)
    SELECT fingerprint, name, size, state, target, arrived_at
    FROM files
    WHERE name LIKE '%3.txt'
    """


@pytest.mark.parametrize(("broken", "said"), BREAKAGES.values(), ids=BREAKAGES)
def test_whatever_is_broken_is_said(home: Path, messages: Messages, broken: Breakage, said: str) -> None:
    broken(home, messages)

    faults = account(home, MADE, messages, alerted=ALERTED)

    assert any(said in fault for fault in faults), faults
