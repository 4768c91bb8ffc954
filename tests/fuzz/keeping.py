"""Of all that an entry has learnt, the few small files that together reach most of its code."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.names import JAIL, corpus

_MOST_FILES, _MOST_BYTES, _MOST_TOGETHER = 20, 4096, 24_000
_FEATURES = re.compile(rb"^(?:FT|COV) (\d+) ?([\d ]*)$")


def keep(name: str, scratch: Path) -> None:
    """Put them into the corpus, beside what a person put there (its names have a dot)."""
    if name == JAIL:
        return
    folder = corpus(name)
    folder.mkdir(parents=True, exist_ok=True)
    by_hand = sorted(path for path in folder.iterdir() if "." in path.name)
    reached = _reached(name, [folder, scratch / name / "corpus"])
    covered: set[bytes] = set().union(*(reached.get(path, set()) for path in by_hand))
    candidates = {
        path: found
        for path, found in reached.items()
        if path not in by_hand and path.stat().st_size <= _MOST_BYTES
    }
    size = sum(path.stat().st_size for path in by_hand)
    chosen: list[Path] = []
    while candidates and len(by_hand) + len(chosen) < _MOST_FILES:
        path = max(candidates, key=lambda each: (len(candidates[each] - covered), -each.stat().st_size))
        found = candidates.pop(path)
        if not found - covered:
            break
        if size + path.stat().st_size <= _MOST_TOGETHER:
            size += path.stat().st_size
            covered |= found
            chosen.append(path)
    contents = {path.name: path.read_bytes() for path in chosen}
    for path in folder.iterdir():
        if path not in by_hand:
            path.unlink()
    for each, data in contents.items():
        (folder / each).write_bytes(data)


def _reached(name: str, folders: list[Path]) -> dict[Path, set[bytes]]:
    """What each file reaches, as libFuzzer notes it when it merges."""
    paths = [path for folder in folders if folder.exists() for path in sorted(folder.iterdir())]
    with tempfile.TemporaryDirectory() as scratch:
        # The outer half of a merge starts its own program anew, which is Python here: so we are that half.
        control = Path(scratch, "control")
        control.write_text("\n".join((str(len(paths)), "0", *map(str, paths), "")), encoding="utf-8")
        command = [sys.executable, "-m", "tests.fuzz.one", name]
        options = ["-merge_inner=1", f"-merge_control_file={control}", "-timeout=20"]
        subprocess.run([*command, *options], capture_output=True, check=False)
        lines = control.read_bytes().splitlines()[2 + len(paths) :]
    reached: dict[Path, set[bytes]] = {}
    for line in lines:
        if match := _FEATURES.match(line):
            reached.setdefault(paths[int(match[1])], set()).update(match[2].split())
    return reached
