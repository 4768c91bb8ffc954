"""Backups of the day: whether each has what the ledger had, and can be restored.

One that is made while the ledger stands still must equal our own copy of that moment, row for row. One that
is made in motion must have at least what was there before, at most what was there after, and nothing that
the ledger tells otherwise.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.day.household import Household, Said
from tests.faults.accounting import LEDGER

# Rows that are written once and never changed, with their number.
_LASTING = {
    "articles": "id, file_id, fingerprint, position, title, text, language, date",
    "alerts": "id, key, article_id, receiver, payload, created_at",
    "sayings": "id, article_id, topic, said, person, said_at",
    "clicks": "id, key, person, verb, action, clicked_at",
}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
# What a restoring changes: it looks for what stands in done/ and at Slack, and says how jobs stand.
_RESTORED = ("articles", "alerts", "tags", "sayings", "clicks", "verdicts", "stories", "sketches", "wishes")


@dataclass(frozen=True, slots=True)
class Print:
    """A table at a moment."""

    rows: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup: what to restore, its ledger, how it was made, and what the ledger then had; `before` and
    `after` count rows.
    """

    place: Path  # of a whole home, or the ledger's file
    how: str  # still | in motion | nightly
    still: Mapping[str, Print] | None
    before: Mapping[str, int]
    after: Mapping[str, int]

    @property
    def ledger(self) -> Path:
        return self.place / LEDGER if self.place.is_dir() else self.place


class Keeping:
    """Makes backups as people do, and looks into all of them at the end of the day."""

    def __init__(self, household: Household) -> None:
        self.kept: list[Kept] = []
        self.faults: list[str] = []
        self._household = household
        self._place = household.folder / "kept"

    def still(self) -> str:
        """To be called while somebody else holds the ledger's lock: nothing is written meanwhile."""
        with self._household.reading() as connection:
            ours = prints(connection)
        counts = {name: each.rows for name, each in ours.items()}
        return self._make("still", self._place, ours, counts, lambda: counts)

    def in_motion(self) -> str:
        """One of the whole home, and one of the ledger alone."""
        said = self._make("in motion", self._place, None, self._counts(), self._counts)
        file = self._place / f"backup-{len(self.kept)}.db"
        return f"{said}, {self._make('in motion', file, None, self._counts(), self._counts)}"

    def _make(
        self,
        how: str,
        place: Path,
        still: Mapping[str, Print] | None,
        before: Mapping[str, int],
        after: Callable[[], Mapping[str, int]],
    ) -> str:
        self._place.mkdir(exist_ok=True)
        said = self._household.command("backup", str(place), "--json")
        if said.code != 0:
            self.faults.append(str(said))
            return str(said)
        self.kept.append(Kept(Path(said.json()["backup"]), how, still, before, after()))
        return f"{said.json()['articles']} articles"

    def _counts(self) -> Mapping[str, int]:
        with self._household.reading() as connection:
            return {
                name: connection.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0]
                for (name,) in connection.execute(_TABLES).fetchall()
            }

    def judge(self, restored: int) -> list[str]:
        """Every fault of every backup of the day; so many of them are put into homes of their own."""
        for place in sorted(self._household.bundles.glob("topicwire-*")):
            self.kept.append(Kept(place, "nightly", None, {}, self._counts()))
        found = list(self.faults)
        for number, kept in enumerate(self.kept):
            faults = self._compared(kept)
            if len(self.kept) - number <= restored:
                faults += self._restored(kept)
            found += [f"{kept.place.name}, {kept.how}: {fault}" for fault in faults]
        return found

    def _compared(self, kept: Kept) -> list[str]:
        with closing(sqlite3.connect(f"file:{kept.ledger}?mode=ro", uri=True)) as connection:
            damage = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if damage != "ok":
                return [f"is damaged: {damage}"]
            theirs = prints(connection)
            lasting = {name: _lasting(connection, name, -1) for name in _LASTING}
        faults = []
        if kept.still is not None:
            faults += differing(kept.still, theirs)
        for name in _LASTING:
            rows, least = theirs[name].rows, kept.before.get(name, 0)
            if not least <= rows <= kept.after.get(name, rows):
                faults.append(f"{name} has {rows} rows, of {least} to {kept.after[name]}")
            with self._household.reading() as connection:
                if _lasting(connection, name, rows) != lasting[name]:
                    faults.append(f"the first {rows} rows of {name} are not those of the ledger")
        return faults

    def _restored(self, kept: Kept) -> list[str]:
        """In a home that has nothing; of the ledger alone, in one that has nothing but models."""
        home = self._household.folder / "restored"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        try:
            if not kept.place.is_dir():
                shutil.copytree(self._household.home / "models", home / "models", symlinks=True)
            said = self._household.command("restore", str(kept.place), home=home)
            return self._same(kept, home, said)
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _same(self, kept: Kept, home: Path, said: Said) -> list[str]:
        if said.code != 0:
            return [str(said)]
        with (
            closing(sqlite3.connect(f"file:{kept.ledger}?mode=ro", uri=True)) as connection,
            closing(sqlite3.connect(f"file:{home / LEDGER}?mode=ro", uri=True)) as other,
        ):
            was, became = prints(connection), prints(other)
        served = home / "models" / "current"
        faults = [] if served.exists() else ["restored, no model serves"]
        return faults + [
            f"restored, {name} has {became[name].rows} rows of {was[name].rows}, or others"
            for name in _RESTORED
            if was[name] != became[name]
        ]


def prints(connection: sqlite3.Connection) -> dict[str, Print]:
    """Every table as it is, by its name."""
    found = {}
    for (name,) in connection.execute(_TABLES).fetchall():
        rows = sorted(repr(row) for row in connection.execute(f'SELECT * FROM "{name}"'))
        found[name] = Print(len(rows), hashlib.sha256("\n".join(rows).encode("utf-8", "replace")).hexdigest())
    return found


def differing(ours: Mapping[str, Print], theirs: Mapping[str, Print]) -> list[str]:
    """The tables of a backup that are not those of the ledger at that moment."""
    return [
        f"{name} has {theirs[name].rows if name in theirs else 'no'} rows, and the ledger had {was.rows}"
        + (", others" if name in theirs and theirs[name].rows == was.rows else "")
        for name, was in ours.items()
        if theirs.get(name) != was
    ]


def _lasting(connection: sqlite3.Connection, name: str, first: int) -> str:
    """A fingerprint of what lasts of the first rows of a table; -1 is all."""
    statement = f"SELECT {_LASTING[name]} FROM {name} ORDER BY id LIMIT {first}"
    digest = hashlib.sha256()
    for row in connection.execute(statement):
        digest.update(repr(row).encode("utf-8", "replace"))
    return digest.hexdigest()
