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
READERS = {
    "markdown_it",
    "lxml",
    "trafilatura",
    "pypdf",
    "pypdfium2",
    "feedparser",
    "email",
    "re2",
    "tomllib",
}  # of what a plain text in UTF-8 is not
NETWORK = {"slack_sdk", "apprise", "http", "ssl", "socket", "asyncio", "flask", "fastapi", "starlette"}
TAGGING_DOES_WITHOUT = (
    TRAINING | PROCESSES | DATABASE | NETWORK | READERS | {"pydantic", "rich", "structlog", "zipfile"}
)

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
    return {name.partition(".")[0] for name in imported_modules(command, *arguments)}


def imported_modules(command: str, *arguments: str) -> set[str]:
    call = f"from {command}.cli import main\n" + CALL.format(command="main", arguments=list(arguments))
    process = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)
    return set(process.stderr.splitlines()[-1].split())


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
    assert not loaded & TAGGING_DOES_WITHOUT


def test_tags_go_into_a_pipe_without_what_only_a_terminal_or_another_format_needs(
    trained_home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "article.txt"
    file.write_text(ENERGY_ARTICLE, encoding="utf-8")

    loaded = imported("classifier", "tag", str(file), "--home", str(trained_home))

    assert not loaded & TAGGING_DOES_WITHOUT


def test_only_what_tags_is_loaded_of_the_classifier(trained_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "article.txt"
    file.write_text(ENERGY_ARTICLE, encoding="utf-8")

    modules = imported_modules("classifier", "tag", str(file), "--home", str(trained_home))

    assert {name.partition(".")[2] for name in modules if name.startswith("classifier.")} == {
        "articles", "boilerplate", "bulk", "cli", "comparing", "dates", "decoding", "defaults", "errors",
        "features", "formats", "formats.heading", "formats.keys", "formats.kinds", "formats.plain",
        "formats.signatures", "formats.sniffing", "formats.ways", "helping", "languages", "model", "names",
        "passages", "printing", "progress", "reading", "records", "rules", "spreading", "storage", "streams",
        "table", "tagging", "teaching", "topics", "transliteration", "words",
    }  # fmt: skip


def test_an_article_is_tagged_by_one_thread(
    trained_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    file = tmp_path / "article.txt"
    file.write_text(ENERGY_ARTICLE, encoding="utf-8")
    call = (
        "import os; from classifier.cli import main;"
        f"main(['tag', {str(file)!r}, '--home', {str(trained_home)!r}]);"
        "print(len(os.listdir('/proc/self/task')))"
    )

    process = subprocess.run([sys.executable, "-c", call], capture_output=True, text=True, check=True)

    assert process.stdout.splitlines()[-1] == "1"


@pytest.mark.parametrize("articles", [0, 1])
def test_the_daemon_takes_files_in_without_what_training_needs(home: Path, articles: int) -> None:
    (home / "inbox").mkdir()
    for number in range(articles):
        (home / "inbox" / f"{number}.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")

    loaded = imported("daemon", "run", "--once", "--home", str(home))

    assert "sqlalchemy" in loaded
    assert len(list((home / "done").rglob("*.txt"))) == articles
    assert not loaded & (TRAINING | {"joblib", "loky"})
