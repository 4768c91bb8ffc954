"""From every earlier state of the schema to today's, and back: with the code that wrote it, out of git.

For each commit that brought a migration: its own daemon trains, takes files in and alerts, and a person says
something of an alert. Then today's daemon goes on with that home and configuration, and then the earlier one
again, on the copy that was made before the ledger was changed. Nothing may be lost, nobody alerted twice,
and the model goes on serving.

python -m tests.upgrade [COMMIT...]
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from daemon.database import newest_schema

ROOT = Path(__file__).resolve().parents[1]
MIGRATIONS = "daemon/migrations/versions"
NEW = "Refinery restarts\nThe oil refinery in Atyrau resumed processing crude oil after repairs.\n"
LATE = "Railway grows\nThe freight railway to the port of Aktau carried more containers, the operator said.\n"
CONFIGURATION = """
[inbox]
settle_seconds = 0.2

[retrain]
cron = "never"

[[receiver]]
name = "newsroom"
type = "console"

[[route]]
receiver = "newsroom"
"""
WAITED = ("sent", "merged")  # told, alone or in a message with others

Row = tuple[object, ...]


def main(commits: list[str]) -> int:
    """One line for each commit; 1 if one of them did not come through."""
    bad = 0
    for commit in commits or with_migrations():
        with tempfile.TemporaryDirectory(prefix="topicwire-upgrade-") as name:
            begun = time.monotonic()
            try:
                said = Upgrade(commit, Path(name)).run()
            except (AssertionError, subprocess.TimeoutExpired) as error:
                bad += 1
                said = f"FAILED: {error}"
            print(f"{commit}: {said} ({time.monotonic() - begun:.0f} s)", flush=True)
    return 1 if bad else 0


def with_migrations() -> list[str]:
    """The first commit with each schema before the newest, oldest first.

    A migration that was changed once more before any release counts from its last change: of what came before
    only developers have a ledger.
    """
    found: dict[str, str] = {}
    for commit in git("log", "--reverse", "--format=%h", "--", MIGRATIONS).split():
        there, today = migrations_at(commit), migrations_at("HEAD")
        schema = max(there)
        if schema != newest_schema() and all(today.get(name) == blob for name, blob in there.items()):
            found.setdefault(schema, commit)
    return list(found.values())


def schema_at(commit: str) -> str:
    """The newest schema that the code of a commit knows."""
    return max(migrations_at(commit))


def migrations_at(commit: str) -> dict[str, str]:
    """Each migration by its number, with git's name for its content."""
    rows = [row.split() for row in git("ls-tree", commit, f"{MIGRATIONS}/").splitlines()]
    named = {Path(path).name: blob for _, _, blob, path in rows}
    return {name[:4]: blob for name, blob in named.items() if name[:1].isdigit()}


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


class Upgrade:
    """One home, which the code of two releases works on in turn."""

    def __init__(self, commit: str, folder: Path) -> None:
        self.commit = commit
        self.home = folder / "home"
        self.config = folder / "topicwire.toml"
        self.earlier = folder / "earlier"
        self.earlier.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(self.earlier)], input=archive, check=True)
        self.config.write_text(CONFIGURATION)
        self.seeds = sorted((self.earlier / "seeds").glob("*.txt"))

    def run(self) -> str:
        """What came of it, in one line. Raises AssertionError where something did not."""
        before = self._written_by_the_earlier()
        after = self._taken_over(before)
        back = self._backed_out(before, after)
        counts = ", ".join(f"{len(rows)} {name}" for name, rows in before.items())
        return f"schema {schema_at(self.commit)} to {newest_schema()}: {counts} kept; {back}"

    def _written_by_the_earlier(self) -> dict[str, list[Row]]:
        self._drop(*self.seeds)
        self._call(self.earlier, "run", "--once")
        article = self._one("SELECT substr(fingerprint, 1, 16) FROM articles ORDER BY id LIMIT 1")
        self._call(self.earlier, "verdicts", "add", str(article), "energy", "wrong", configured=False)
        found = self._picture()
        assert found["articles"] and found["alerts"] and found["verdicts"], found
        self.model = (self.home / "models" / "current").read_text()
        return found

    def _taken_over(self, before: dict[str, list[Row]]) -> dict[str, list[Row]]:
        """Today's daemon, with the same files again and one that is new."""
        self._drop(*self.seeds, new=NEW)
        said = self._call(ROOT, "run", "--once")
        after = self._picture()
        for name, rows in before.items():
            assert set(rows) <= set(after[name]), f"{name} lost {set(rows) - set(after[name])}"
        assert len(after["articles"]) == len(before["articles"]) + 1, "articles came twice"
        assert "Refinery restarts" in said and said.count("●") == 1, f"alerts:\n{said}"
        assert self._one("SELECT version_num FROM alembic_version") == newest_schema()
        serving = (self.home / "models" / "current").read_text()
        assert serving == self.model or "training" in self.log, f"{self.model} was given up for {serving}"
        self._call(ROOT, "check")
        (copy,) = (self.home / "backups").glob("schema-*.db")
        assert self._picture(copy) == before, "the copy is not what it was"
        self.copy, self.rebuilt = copy, serving != self.model
        return after

    def _backed_out(self, before: dict[str, list[Row]], after: dict[str, list[Row]]) -> str:
        """The earlier release again, on the copy; what came since it reads from done/."""
        rebuilt = "the model was rebuilt" if self.rebuilt else "the model serves on"
        if "restore" not in self._call(self.earlier, "--help", configured=False):
            return f"{rebuilt}; it knows no `restore`"
        refused = self._call(self.earlier, "status", fails=True)
        assert "made by a newer topicwire" in refused, refused
        self._call(self.earlier, "restore", str(self.copy))
        self._drop(*self.seeds, late=LATE)
        said = self._call(self.earlier, "run", "--once")
        back = self._picture()
        for name in ("articles", "verdicts"):
            assert set(before[name]) <= set(back[name]), f"back: {name} lost"
        assert {row[:1] for row in after["articles"]} <= {row[:1] for row in back["articles"]}
        assert len(back["articles"]) == len(after["articles"]) + 1, "back: articles came twice"
        assert "Railway grows" in said and said.count("●") == 1, f"back: alerts:\n{said}"
        return f"{rebuilt}; and back"

    def _drop(self, *files: Path, **new: str) -> None:
        inbox = self.home / "inbox"
        inbox.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, inbox)
        for name, text in new.items():
            (inbox / f"{name}.txt").write_text(text)

    def _picture(self, ledger: Path | None = None) -> dict[str, list[Row]]:
        """What must never be lost or told again."""
        asked = {
            "articles": "SELECT fingerprint, text FROM articles",
            "alerts": "SELECT key, receiver, payload FROM alerts",
            "deliveries": f"SELECT alert_id, state FROM deliveries WHERE state IN {WAITED}",
            "verdicts": "SELECT article_id, topic, verdict, person FROM verdicts",
        }
        return {name: self._rows(sql, ledger) for name, sql in asked.items()}

    def _rows(self, sql: str, ledger: Path | None = None) -> list[Row]:
        with closing(sqlite3.connect(ledger or self.home / "ledger.db")) as connection:
            return sorted(connection.execute(sql).fetchall(), key=repr)

    def _one(self, sql: str) -> object:
        return self._rows(sql)[0][0]

    def _call(self, code: Path, *arguments: str, configured: bool = True, fails: bool = False) -> str:
        """What a command of a release says on stdout, or where it is to fail, on stderr."""
        given = ["--home", str(self.home)] * (arguments[0] != "--help")
        given += ["--config", str(self.config)] * configured
        call = "import sys; from daemon.cli import main; sys.exit(main())"
        done = subprocess.run(
            [sys.executable, "-c", call, *arguments, *given],
            cwd=code,
            env={**os.environ, "PYTHONPATH": str(code), "TOPICWIRE_HOME": "", "TOPICWIRE_CONFIG": ""},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        self.log = done.stderr
        ended = f"`{' '.join(arguments)}` of {code.name} ended with {done.returncode}"
        assert (done.returncode == 1) == fails, f"{ended}:\n{done.stdout}{done.stderr}"
        return done.stderr if fails else done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
