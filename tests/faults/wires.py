"""Network namespaces: a daemon in one of its own, with a wire to the ledger and another to Slack.

    with Place("far") as place:
        place.popen([...])                  # a process there
        place.ledger.cut(NO_LINK)           # Slack is still to be reached
        place.ledger.mend()

A wire is a pair of virtual interfaces. Slack's goes to 127.0.0.1, where the stand-in listens: a token
goes in the clear to no other address. Nothing but `ip` is needed: what is lost one way alone is sent
to a hardware address that nobody has.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Self

NO_LINK, NOTHING_ARRIVES, NOTHING_RETURNS = "no link", "nothing arrives", "nothing returns"
WAYS = (NO_LINK, NOTHING_ARRIVES, NOTHING_RETURNS)  # as the daemon sees it

_NOBODY = "02:00:00:00:00:99"
_HERE = "127.0.0.1"
_RUN = Path("/run/netns")


class NoNamespacesError(Exception):
    """This machine lets us have none."""


@cache
def why_not() -> str:
    """Why there can be no wires here, in one line; "" where there can."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    for program in ("ip", "nsenter"):
        if shutil.which(program) is None:
            return f"network namespaces take `{program}`"
    try:
        with Place("try"):
            return ""
    except (NoNamespacesError, OSError) as error:
        return f"no network namespaces here: {error}"


@dataclass(frozen=True, slots=True)
class Wire:
    """From a namespace to us. `ours` and `theirs` are the interfaces at its ends, each with an address."""

    namespace: str
    ours: str
    our_address: str
    theirs: str
    their_address: str

    def make(self) -> None:
        _ip("link", "add", self.ours, "type", "veth", "peer", "name", self.theirs, "netns", self.namespace)
        self._set_up()

    def _set_up(self) -> None:
        Path(f"/proc/sys/net/ipv6/conf/{self.ours}/disable_ipv6").write_text("1")
        _ip("addr", "add", f"{self.our_address}/30", "dev", self.ours)
        _ip("link", "set", self.ours, "up")
        self._there("addr", "add", f"{self.their_address}/30", "dev", self.theirs)
        self._there("link", "set", self.theirs, "up")

    def lead_to_loopback(self) -> None:
        """What is sent to 127.0.0.1 there comes to ours."""
        setting = "net/ipv4/conf/{}/route_localnet"
        Path(f"/proc/sys/{setting.format(self.ours)}").write_text("1")
        enter = ["nsenter", f"--net={_RUN / self.namespace}", "sh", "-c"]
        _run([*enter, f"echo 1 > /proc/sys/{setting.format(self.theirs)}"])
        self._there("route", "add", _HERE, "via", self.our_address, "dev", self.theirs)

    def cut(self, way: str) -> None:
        if way == NO_LINK:
            _ip("link", "set", self.ours, "down")
        elif way == NOTHING_ARRIVES:
            _ip(*_wrong(self.their_address, self.ours))
        else:
            self._there(*_wrong(self.our_address, self.theirs))

    def mend(self) -> None:
        _ip("link", "set", self.ours, "up")
        with suppress(NoNamespacesError):
            _ip("neigh", "del", self.their_address, "dev", self.ours)
        with suppress(NoNamespacesError):
            self._there("neigh", "del", self.our_address, "dev", self.theirs)

    @property
    def heard(self) -> int:
        """How many bytes have come out at our end."""
        return int(Path(f"/sys/class/net/{self.ours}/statistics/rx_bytes").read_text())

    def _there(self, *arguments: str) -> None:
        _ip("-netns", self.namespace, *arguments)


class Place:
    """A namespace with its two wires; all of it is gone at the end."""

    def __init__(self, name: str) -> None:
        self.name = f"topicwire-{os.getpid()}-{name}"
        # Of the addresses for measurements, that no network has (RFC 2544).
        start = f"198.{18 + random.getrandbits(1)}.{random.randrange(256)}"
        mark = f"tw{random.getrandbits(32):08x}"
        low = 8 * random.randrange(31)
        self.ledger = self._wire(mark, "l", start, low)
        self.slack = self._wire(mark, "s", start, low + 4)

    def _wire(self, mark: str, which: str, start: str, low: int) -> Wire:
        return Wire(self.name, f"{mark}{which}", f"{start}.{low + 1}", f"to-{which}", f"{start}.{low + 2}")

    def __enter__(self) -> Self:
        _sweep()
        _ip("netns", "add", self.name)
        try:
            self._furnish()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def popen(
        self, command: Sequence[str], *, log: IO[bytes], env: Mapping[str, str]
    ) -> subprocess.Popen[Any]:
        """A process there; its number is that of the command itself."""
        enter = ["nsenter", f"--net={_RUN / self.name}", "--"]
        return subprocess.Popen([*enter, *command], stdout=log, stderr=log, env=dict(env))

    def _furnish(self) -> None:
        for wire in (self.ledger, self.slack):
            wire.make()
        _ip("-netns", self.name, "link", "set", "lo", "up")
        _ip("-netns", self.name, "addr", "del", f"{_HERE}/8", "dev", "lo")
        _ip("-netns", self.name, "addr", "add", "127.0.0.2/32", "dev", "lo")
        self.slack.lead_to_loopback()

    def _leave(self) -> None:
        for wire in (self.ledger, self.slack):
            with suppress(NoNamespacesError):
                _ip("link", "del", wire.ours)  # and with it its other end
        with suppress(NoNamespacesError):
            _ip("netns", "del", self.name)


def _wrong(address: str, interface: str) -> tuple[str, ...]:
    return ("neigh", "replace", address, "lladdr", _NOBODY, "dev", interface, "nud", "permanent")


def _sweep() -> None:
    """What tests have left that were killed."""
    for path in _RUN.glob("topicwire-*-*") if _RUN.is_dir() else ():
        number = path.name.split("-")[1]
        if not Path(f"/proc/{number}").exists():
            with suppress(NoNamespacesError):
                _ip("netns", "del", path.name)


def _ip(*arguments: str) -> None:
    _run(["ip", *arguments])


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode != 0:
        raise NoNamespacesError(f"{' '.join(command)}: {done.stderr.strip()}")
