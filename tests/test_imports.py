"""What a command loads before it works. Counted in modules: milliseconds are the machine's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import ENERGY_ARTICLE

TRAINING = {"sklearn", "scipy", "pandas", "matplotlib"}
PROCESSES = {"joblib", "loky", "multiprocessing", "concurrent"}
DATABASE = {"sqlalchemy", "alembic", "sqlite3"}
NETWORK = {"slack_sdk", "apprise", "http", "ssl", "socket", "asyncio", "flask", "fastapi", "starlette"}

CALL = """
import sys
try:
    code = {command}({arguments!r})
except SystemExit as exit:
    code = exit.code
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


def imported(command: str, *arguments: str) -> set[str]:
    """The packages that a fresh process has loaded by the end of a command."""
    call = f"from {command}.cli import main\n" + CALL.format(command="main", arguments=list(arguments))
    process = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in process.stderr.splitlines()[-1].split()}


@pytest.mark.parametrize("command", ["classifier", "daemon"])
def test_help_loads_nothing_heavy(command: str) -> None:
    loaded = imported(command, "--help")

    assert command in loaded
    assert not loaded & (
        TRAINING | PROCESSES | DATABASE | NETWORK | {"numpy", "pydantic", "rich", "structlog"}
    )


@pytest.mark.parametrize("ending", [".txt", ".jsonl"])
def test_an_article_is_tagged_without_what_training_and_the_daemon_need(
    trained_home: Path, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / f"article{ending}"
    file.write_text(ENERGY_ARTICLE if ending == ".txt" else '{"text": "Crude oil rose."}', encoding="utf-8")

    loaded = imported("classifier", "tag", str(file), "--home", str(trained_home), "--json")

    assert "numpy" in loaded
    assert not loaded & (TRAINING | PROCESSES | DATABASE | NETWORK | {"pydantic", "rich", "structlog"})


def test_tags_are_shown_to_a_reader_without_what_training_and_the_daemon_need(
    trained_home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "article.txt"
    file.write_text(ENERGY_ARTICLE, encoding="utf-8")

    loaded = imported("classifier", "tag", str(file), "--home", str(trained_home))

    assert not loaded & (TRAINING | PROCESSES | DATABASE | NETWORK | {"pydantic", "structlog"})


@pytest.mark.parametrize("articles", [0, 1])
def test_the_daemon_takes_files_in_without_what_training_needs(home: Path, articles: int) -> None:
    (home / "inbox").mkdir()
    for number in range(articles):
        (home / "inbox" / f"{number}.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")

    loaded = imported("daemon", "run", "--once", "--home", str(home))

    assert "sqlalchemy" in loaded
    assert len(list((home / "done").rglob("*.txt"))) == articles
    assert not loaded & (TRAINING | {"joblib", "loky"})
