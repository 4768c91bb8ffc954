"""Does what the README says, from its top, as somebody would who has just cloned the repository.

python -m tests.readme

Each command is run as it is printed, in a copy of the repository, in a network of its own where root may
make one. ARTICLE, VERSION and HOST are filled in, folders of the machine such as /srv lie in the copy,
and Slack is the stand-in. `plan` says what each block needs and must say.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.readme.blocks import Block, blocks_of
from tests.readme.plan import Way, way_of
from tests.readme.scene import ROOT, BlockFailedError, Scene

_APART = "TOPICWIRE_README_APART"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.readme", description=__doc__)
    parser.parse_args()
    _go_apart()
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="topicwire-readme-") as folder:
        scene = Scene(Path(folder) / "reader")
        try:
            return _read(scene, [each for each in blocks_of(page) if each.kind == "sh"])
        finally:
            scene.close()


def _go_apart() -> None:
    """Begin again in a network of our own, so that nobody else has the desk page's port."""
    if os.geteuid() != 0 or shutil.which("unshare") is None or _APART in os.environ:
        return
    again = 'ip link set lo up; exec "$0" -m tests.readme "$@"'
    command = ["unshare", "--net", "bash", "-c", again, sys.executable, *sys.argv[1:]]
    if subprocess.run(["unshare", "--net", "ip", "link"], capture_output=True, check=False).returncode == 0:
        os.execvpe("unshare", command, {**os.environ, _APART: "1"})


def _read(scene: Scene, blocks: list[Block]) -> int:
    failed = 0
    for block in blocks:
        first = block.commands[0]
        way = way_of(first)
        if way is None:
            print(f"README.md:{block.line}: nobody has said how to run: {first}", flush=True)
            failed += 1
            continue
        began = time.monotonic()
        said = _run(scene, block, way)
        print(f"README.md:{block.line}: {said} ({time.monotonic() - began:.1f} s): {first}", flush=True)
        failed += said.startswith("FAILED")
    print(f"README.md: {len(blocks)} blocks of commands, {failed} failed")
    return min(failed, 1)


def _run(scene: Scene, block: Block, way: Way) -> str:
    if way.elsewhere:
        return f"run by {way.elsewhere} instead"
    if way.needs and shutil.which(way.needs) is None:
        return f"passed over, no {way.needs} here"
    try:
        for each in way.before:
            each(scene)
        said = scene.shell(block.commands, way.stays)
        if missing := [words for words in way.says if words not in said]:
            raise BlockFailedError(f"nothing says {missing[0]!r}:\n{said}")
        for each in way.after:
            each(scene)
    except BlockFailedError as error:
        scene.end_beside()
        return f"FAILED {error}"
    finally:
        scene.typed = ""
    return "ran"


if __name__ == "__main__":
    sys.exit(main())
