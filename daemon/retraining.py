"""Retraining: the labels people keep, and what desks said, become the next model.

The training runs in a process of its own, so that intake never pauses for it, its memory goes
back to the machine, and a crash in it is only a line in our log.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from daemon import verdicts
from daemon.database import Database
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

_LONGEST = 1800  # seconds

_HEAD = (
    "# What desks said, written anew before each training by topicwired. Edit your own labels in\n"
    "# other .tsv files of this folder: topics (or -), one tab, the text.\n"
)


_children: set[subprocess.Popen[bytes]] = set()


def cancel() -> None:
    """End the training in hand, if there is one: it is made anew after the next start."""
    for child in list(_children):
        child.kill()


def retrain(home: Path, *, if_changed: bool = True, shown: bool = False) -> dict[str, Any]:
    """Train a model for a home and serve it; with `if_changed` only if a label has.

    Returns what `classifier train --json` said. `shown` lets its progress through to stderr.
    Raises DaemonError where the training failed.
    """
    command = [sys.executable, "-m", "classifier.cli", "train", "--json", "--home", str(home)]
    if if_changed:
        command.append("--if-changed")
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
    )
    _children.add(child)
    try:
        said, wrong = child.communicate(timeout=_LONGEST)
    except subprocess.TimeoutExpired as error:
        raise DaemonError(f"training took longer than {_LONGEST} seconds") from error
    finally:
        _children.discard(child)
        child.kill()
        child.wait()
    if child.returncode != 0:
        raise DaemonError(
            f"training failed: {(wrong or b'').decode(errors='replace').strip() or 'see above'}"
        )
    result: dict[str, Any] = json.loads(said)
    return result


def nightly(home: Path, database: Database) -> str:
    """The timetable's job: verdicts become labels, and changed labels a model."""
    write_verdicts(home, database)
    result = retrain(home)
    changed = bool(result["trained"])
    logger.info("retrained" if changed else "no label changed", extra={"model": result["version"]})
    return f"trained {result['version']}" if changed else "no label changed"


def write_verdicts(home: Path, database: Database) -> int:
    """Write what desks said as a label sheet, HOME/labels/verdicts.tsv. Returns its rows.

    Each article that someone judged is a row with the topics that people left it.
    """
    with database.reading() as connection:
        judged = verdicts.judged_topics(connection)
        texts = {record.article: record.text for record in verdicts.all_verdicts(connection)}
    rows = [
        f"{', '.join(sorted(topics)) or '-'}\t{' '.join(texts[article].split())}\n"
        for article, topics in sorted(judged.items())
    ]
    sheet = home / "labels" / "verdicts.tsv"
    if not rows and not sheet.exists():
        return 0
    sheet.parent.mkdir(exist_ok=True)
    fresh = sheet.with_name(f".{sheet.name}.new")
    fresh.write_text(_HEAD + "".join(rows), encoding="utf-8")
    os.replace(fresh, sheet)
    return len(rows)
