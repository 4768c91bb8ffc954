"""Tries the built wheel where nothing of the checkout is: a bare environment, another folder.

python -m tests.bare_wheel DIST
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# What the pages of the desk are made of came along: templates, what stands beside them, and words.
_DESK = """
from pathlib import Path
from daemon.desk import languages, rendering
assert all(languages.words(each).gettext("Today") != "Today" for each in ("ru", "kk"))
desk = Path(rendering.__file__).parent
for each in ("desk.css", "desk.js", "htmx.min.js", "htmx.LICENSE"):
    assert (desk / "static" / each).is_file(), each
assert (desk / "templates" / "base.html").is_file()
"""


def main(dist: Path) -> int:
    (wheel,) = dist.glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="topicwire-wheel-") as name:
        folder = Path(name)
        venv.create(folder / "venv", with_pip=True)
        bin_ = folder / "venv" / "bin"
        _run(folder, [bin_ / "pip", "install", "--quiet", "-c", _pins(folder), wheel.resolve()])
        _run(folder, [bin_ / "pip", "check"])
        _run(folder, [bin_ / "classifier", "check"])
        _run(folder, [bin_ / "topicwired", "unit"])
        (folder / "home" / "inbox").mkdir(parents=True)
        article = folder / "home" / "inbox" / "article.txt"
        article.write_text("Refinery restarts\nThe oil refinery in Atyrau resumed processing crude oil.\n")
        alert = _run(folder, [bin_ / "topicwired", "run", "--once", "--home", folder / "home"])
        if "Energy" not in alert or "Refinery restarts" not in alert:
            print(f"the wheel raised no alert:\n{alert}", file=sys.stderr)
            return 1
        _run(folder, [bin_ / "python", "-I", "-c", _DESK])
    print(f"{wheel.name}: installs in a bare environment, trains and alerts")
    return 0


def _pins(folder: Path) -> Path:
    """The pinned versions without their hashes: with them pip would want one of the wheel as well.

    The wheel itself says what it needs, so a dependency that it forgets to name is missed here.
    """
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.removesuffix(" \\") for line in lines if line and line[0] not in " #"]
    path = folder / "pins.txt"
    path.write_text("\n".join(pins) + "\n", encoding="utf-8")
    return path


def _run(folder: Path, command: list[str | Path]) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TOPICWIRE_"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    if done.returncode != 0:
        raise SystemExit(f"{command} failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
