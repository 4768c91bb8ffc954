"""Tries the built wheel where nothing of the checkout is: a bare environment, another folder, another user.

By venv and by pipx: both programs and their manual pages are there, a home is made and raises an alert as a
user without rights, and after uninstalling nothing is left but that home.

python -m tests.bare_wheel DIST
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("classifier", "topicwired")
SECONDS = 120.0
ARTICLE = "Refinery restarts\nThe oil refinery in Atyrau resumed processing crude oil.\n"
_INSTALLED = 8  # two packages, what pip knows of them, two programs, three pages
_LINKED = 6  # two programs and three pages, to one environment
SYSTEM_PYTHON = Path("/usr/bin/python3")

# What the pages of the desk are made of came along: templates, what stands beside them, and words.
# Calls the interpreter, and lets the environment that pipx makes for us see the packages of another.
_LENDING = """#!/bin/sh
'{python}' "$@" || exit
for last; do :; done
case "$2 $last" in
venv*/venvs/topicwire)
    for each in "$last"/lib/python*/site-packages; do echo '{packages}' > "$each/lent.pth"; done ;;
esac
"""

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
        place = Place(Path(name), wheel.resolve())
        place.folder.chmod(0o755)
        place.install()
        place.make_a_home_and_alert()
        place.uninstall()
        said = place.by_pipx()
    print(f"{wheel.name}: installs {said}, trains and alerts as {place.who}, and leaves nothing but the home")
    return 0


class Place:
    """A folder outside the checkout, with an environment of its own and somebody without rights."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self.wheel = wheel
        self.user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self.python = _python(for_others=self.user is not None)
        self.bin = folder / "venv" / "bin"
        self.home = folder / "srv" / "topicwire"
        self.scratch = folder / "scratch"  # of that user: whatever lands there is found

    @property
    def who(self) -> str:
        """As whom the daemon is run."""
        return self.user.pw_name if self.user else "whoever calls"

    def install(self) -> None:
        """With the pinned versions; what the wheel says it needs is all that there is."""
        _run(self.folder, [self.python, "-m", "venv", self.folder / "venv"])
        self._pip("install", "--quiet", "--no-compile", "-c", _pins(self.folder), self.wheel)
        self._pip("check")
        for program in PROGRAMS:
            said = _run(self.folder, [self.bin / program, "--version"])
            assert said.split() == [program, self.wheel.name.split("-")[1]], said
            page = self.folder / "venv" / "share" / "man" / "man1" / f"{program}.1"
            assert page.is_file(), f"no {page}"
        _run(self.folder, [self.bin / "classifier", "check"])
        _run(self.folder, [self.bin / "python", "-I", "-c", _DESK])

    def make_a_home_and_alert(self) -> None:
        """`init`, then `run` as somebody without rights, in a folder that is not theirs."""
        flags = ["--user", self.user.pw_name] if self.user else []
        said = _run(self.folder, [self.bin / "topicwired", "init", self.home, *flags])
        config = self.home / "topicwire.toml"
        assert f"run --home {self.home} --config {config}" in said, said
        _run(self.folder, [self.bin / "topicwired", "unit", "--home", self.home, "--config", config])
        self._listen_nowhere(config)
        self.scratch.mkdir()
        if self.user:
            os.chown(self.scratch, self.user.pw_uid, self.user.pw_gid)
        command = [self.bin / "topicwired", "run", "--home", self.home, "--config", config]
        with (self.folder / "said").open("w+") as told:
            daemon = subprocess.Popen(
                [*self._as_them(), *map(str, command)], cwd="/", env=self._theirs(), stdout=told, stderr=told
            )
            try:
                (self.home / "inbox" / "article.txt").write_text(ARTICLE)
                alert = _wait_for(Path(told.name), "Refinery restarts", daemon)
            finally:
                daemon.terminate()
                code = daemon.wait(timeout=30)
        assert "Energy" in alert, alert
        assert code == 0, f"ended with {code}:\n{alert}"
        assert [path.name for path in self.scratch.iterdir()] == [], "left something outside its home"

    def by_pipx(self) -> str:
        """pipx makes both programs and their pages known, and takes them away again.

        What they need is lent by the other environment, in which we are no more: that it can be installed
        was seen there.
        """
        got = subprocess.run(
            [
                str(self.bin / "python"),
                *"-m pip install --quiet pipx --target".split(),
                str(self.folder / "pipx"),
            ],
            capture_output=True,
            check=False,
        )
        if got.returncode != 0:
            return "by venv (pipx cannot be had here)"
        there = self.folder / "pipxed"
        surroundings = {
            **_surroundings(),
            "PYTHONPATH": str(self.folder / "pipx"),
            "PIPX_HOME": str(there / "home"),
            "PIPX_BIN_DIR": str(there / "bin"),
            "PIPX_MAN_DIR": str(there / "man"),
            "HOME": str(there),
        }
        (packages,) = (self.folder / "venv").glob("lib/python*/site-packages")
        lending = self.folder / "python"
        lending.write_text(_LENDING.format(python=self.python, packages=packages))
        lending.chmod(0o755)
        pipx: list[str | Path] = [self.python, "-m", "pipx"]
        install: list[str | Path] = ["install", "--python", lending, "--pip-args=--no-deps", self.wheel]
        _run(self.folder, [*pipx, *install], surroundings)
        for program in PROGRAMS:
            assert (there / "man" / "man1" / f"{program}.1").exists(), f"no page of {program}"
            _run(self.folder, [there / "bin" / program, "--version"])
        home = self.folder / "of pipx"
        _run(self.folder, [there / "bin" / "topicwired", "init", home, "--no-model"])
        shutil.copytree(self.home / "models", home / "models", dirs_exist_ok=True)
        (home / "inbox" / "article.txt").write_text(ARTICLE)
        alert = _run(self.folder, [there / "bin" / "topicwired", "run", "--once", "--home", home])
        assert "Energy" in alert, alert
        assert len(_ours(there)) == _LINKED
        _run(self.folder, [*pipx, "uninstall", "topicwire"], surroundings)
        assert not (left := _ours(there)), f"pipx left {left}"
        return "by venv and pipx"

    def uninstall(self) -> None:
        """Nothing of ours stays in the environment; the home stays as it is."""
        before = sorted(self.home.rglob("*"))
        assert len(_ours(self.folder / "venv")) == _INSTALLED
        self._pip("uninstall", "--quiet", "--yes", "topicwire")
        assert not (left := _ours(self.folder / "venv")), f"pip left {left}"
        assert sorted(self.home.rglob("*")) == before

    def _pip(self, *arguments: str | Path) -> None:
        _run(self.folder, [self.bin / "python", "-m", "pip", *arguments])

    def _listen_nowhere(self, config: Path) -> None:
        """A page of another daemon may have the port."""
        text = config.read_text()
        assert text.count('# listen = "127.0.0.1:8460"') == 1
        config.write_text(text.replace('# listen = "127.0.0.1:8460"', 'listen = "never"'))

    def _theirs(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.scratch), "TMPDIR": str(self.scratch)}

    def _as_them(self) -> list[str]:
        if self.user is None:
            return []
        who = (f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups")
        return ["setpriv", *who, "--inh-caps=-all", "--no-new-privs", "--"]


def _python(*, for_others: bool) -> Path:
    """An interpreter that somebody without rights may start as well."""
    ours = Path(sys.executable).resolve()
    if not for_others or all(folder.stat().st_mode & 0o001 for folder in ours.parents):
        return ours
    asked = [str(SYSTEM_PYTHON), "-c", "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))"]
    if not SYSTEM_PYTHON.exists() or subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        raise SystemExit(
            f"{ours} may be started by root alone; install python3 and python3-venv for all users"
        )
    return SYSTEM_PYTHON


def _ours(folder: Path) -> list[Path]:
    """What of us stands in an environment, or where pipx keeps its own, its links and pages."""
    places = ("bin/*", "lib/python*/site-packages/*", "share/man/*/*", "man/*/*", "home/venvs/*")
    found = [path for place in places for path in folder.glob(place)]
    named = [path for path in found if path.name.startswith(("topicwire", "daemon", *PROGRAMS))]
    return [
        path for path in named if not path.is_dir() or any(path.rglob("*"))
    ]  # an empty folder is nobody's


def _wait_for(file: Path, text: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until and process.poll() is None:
        if text in (said := file.read_text()):
            return said
        time.sleep(0.1)
    raise SystemExit(f"no {text!r} in {SECONDS:.0f} s:\n{file.read_text()}")


def _pins(folder: Path) -> Path:
    """The pinned versions without their hashes: with them pip would want one of the wheel as well.

    The wheel itself says what it needs, so a dependency that it forgets to name is missed here.
    """
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.removesuffix(" \\") for line in lines if line and line[0] not in " #"]
    path = folder / "pins.txt"
    path.write_text("\n".join(pins) + "\n", encoding="utf-8")
    return path


def _surroundings() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "TOPICWIRE_"))}


def _run(folder: Path, command: list[str | Path], surroundings: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=surroundings or _surroundings(),
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
