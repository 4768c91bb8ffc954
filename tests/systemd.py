"""A systemd of the tests' own: a real one, in namespaces, on a copy of this machine that goes with it.

It sees the whole file system through an overlay, so that nothing it or its services write reaches the
machine; what they wrote stands below `root` as long as it runs. It shares the network with us. Needs root
and cgroup2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNITS = Path("/run/systemd/system")

_SYSTEMD = Path("/lib/systemd/systemd")
_CGROUPS = Path("/sys/fs/cgroup")
_STARTS_WITHIN = 20.0  # seconds

# $1 is a folder for the overlay, $2 a cgroup of the systemd's own, the others are what is to be seen through
# other mounts than that of "/". Nothing is wanted by any target: this is not to set a machine up.
_BOOT = r"""
set -eu
scratch=$1 cgroup=$2
shift 2
mount --make-rprivate /
mount -t tmpfs -o mode=0755 scratch "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
for seen; do
    mkdir -p "$scratch/root$seen"
    mount --bind -o ro "$seen" "$scratch/root$seen"
done
mkdir -p "$cgroup"
echo $$ > "$cgroup/cgroup.procs"
exec unshare --cgroup --mount --pid --fork --kill-child --uts --ipc bash -euc '
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=0755 tmpfs var/log
mkdir -p run/lock run/units run/systemd/system
for each in etc/systemd/system lib/systemd/system/*.target.wants; do
    mount -t tmpfs -o mode=0755 tmpfs "$each"
done
for each in bare sysinit basic; do
    printf "[Unit]\nDescription=$each\nDefaultDependencies=no\n" > run/systemd/system/$each.target
    ln -s "/run/systemd/system/$each.target" "etc/systemd/system/$each.target"
done
mkdir -p run/systemd/journald.conf.d
printf "[Journal]\nStorage=volatile\nReadKMsg=no\nAudit=no\nForwardToConsole=no\nRateLimitBurst=0\n" \
    > run/systemd/journald.conf.d/bare.conf
mkdir -p .before
pivot_root . .before
umount -l /.before
cd /
mount --make-rshared /
export container=other
exec /lib/systemd/systemd --system --unit=bare.target --log-target=journal --show-status=0
' boot "$scratch"
"""


class NoSystemdError(Exception):
    """It cannot be had on this machine; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Systemd:
    """`process` is its first one, seen from here."""

    process: int

    @property
    def root(self) -> Path:
        """Its file system: join what comes behind the first slash."""
        return Path(f"/proc/{self.process}/root")

    def at(self, path: Path | str) -> Path:
        """A path of its own, as it is reached from here."""
        return self.root / Path(path).relative_to("/")

    def call(
        self, *command: str, check: bool = True, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run something beside its services, as root."""
        inside = ["nsenter", f"--target={self.process}", "--mount", "--pid", "--cgroup", "--ipc", "--uts"]
        done = subprocess.run(
            [*inside, "--root", "--wd=/", *command], capture_output=True, text=True, check=False, env=env
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}{self.said()}"
        return done

    def ctl(self, *arguments: str, check: bool = True) -> str:
        return self.call("systemctl", "--no-pager", *arguments, check=check).stdout

    def shows(self, unit: str, what: str) -> str:
        """A property of a unit, as `systemctl show` tells it."""
        return self.ctl("show", "--value", f"--property={what}", unit).strip()

    def install(self, name: str, text: str) -> None:
        """A unit, or `UNIT.d/NAME.conf`, anew."""
        path = self.at(UNITS / name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.ctl("daemon-reload")

    def said(self, unit: str | None = None) -> str:
        """What stands in its journal, of a unit or of all."""
        of = ["--unit", unit] if unit else []
        return self.call("journalctl", "--no-pager", "--quiet", "--output=cat", *of, check=False).stdout

    def wait_until(
        self, condition: Callable[[], bool], seconds: float = 30.0, tell: Callable[[], str] = str
    ) -> None:
        """Fails with what systemd said, and `tell`, when the condition does not come true in time."""
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"not in {seconds:g} s\n{self.said()}\n{tell()}"
            time.sleep(0.05)


@contextmanager
def booted(*seen: Path) -> Iterator[Systemd]:
    """A systemd until the block ends. `seen` is there too, where it lies on another mount than "/".

    Raises NoSystemdError where there can be none.
    """
    cgroups = _cgroups()
    with tempfile.TemporaryDirectory(prefix="systemd-") as folder:
        log, overlay = Path(folder) / "log", Path(folder) / "overlay"
        overlay.mkdir()
        cgroup = cgroups / f"{Path(folder).name}-{os.getpid()}"
        command = ["unshare", "--mount", "bash", "-c", _BOOT, "boot", str(overlay), str(cgroup)]
        with log.open("ab") as out:
            outer = subprocess.Popen(
                [*command, *map(str, _elsewhere(*seen, ROOT))],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        try:
            yield _ready(outer, log)
        finally:
            outer.kill()  # its child, the first of its processes, ends with it, and all others with that one
            outer.wait()
            _remove(cgroup)


def _cgroups() -> Path:
    if os.geteuid():
        raise NoSystemdError("a systemd of one's own takes root")
    for program in ("unshare", "nsenter", "systemctl"):
        if shutil.which(program) is None:
            raise NoSystemdError(f"{program} is not here")
    if not _SYSTEMD.exists():
        raise NoSystemdError("systemd is not here")
    for each in (_CGROUPS, _CGROUPS / "unified"):
        if (each / "cgroup.controllers").exists():
            return each
    raise NoSystemdError("no cgroup2 is mounted")


def _elsewhere(*seen: Path) -> Iterator[Path]:
    """Those that the overlay of "/" does not show, as they lie on another mount."""
    for path in seen:
        if path.stat().st_dev != Path("/").stat().st_dev:
            yield path


def _ready(outer: subprocess.Popen[bytes], log: Path) -> Systemd:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        if outer.poll() is not None:
            break
        inner = _first_process(outer.pid)
        if inner is not None:
            systemd = Systemd(inner)
            state = systemd.call("systemctl", "is-system-running", check=False).stdout.strip()
            if state in ("running", "degraded"):
                systemd.ctl("start", "systemd-journald.service")
                return systemd
        time.sleep(0.05)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise NoSystemdError(f"systemd does not start here: {said[-1] if said else 'it says nothing'}")


def _first_process(outer: int) -> int | None:
    """The systemd, once it is one: the child of `unshare`, which the shell has become."""
    with suppress(OSError, ValueError):
        child = Path(f"/proc/{outer}/task/{outer}/children").read_text(encoding="ascii").split()[0:1]
        for each in child:
            if Path(f"/proc/{each}/comm").read_text(encoding="ascii").strip() == "systemd":
                return int(each)
    return None


def _remove(cgroup: Path) -> None:
    """Its cgroups, from the innermost out, when the kernel has taken the last process away."""
    until = time.monotonic() + 5.0
    while cgroup.exists() and time.monotonic() < until:
        for folder, _, _ in os.walk(cgroup, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        time.sleep(0.02)
