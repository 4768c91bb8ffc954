"""What systemd hears of us, over a real datagram socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.readiness import ping_seconds, tell


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.settimeout(2.0)
        yield opened


def test_a_state_reaches_the_socket_that_systemd_named(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())

    tell("READY=1\nSTATUS=watching")

    assert listener.recv(1024) == b"READY=1\nSTATUS=watching"


def test_a_socket_with_an_abstract_name_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind("")  # the kernel chooses an abstract name
        opened.settimeout(2.0)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + opened.getsockname()[1:].decode())

        tell("STOPPING=1")

        assert opened.recv(1024) == b"STOPPING=1"


@pytest.mark.parametrize("address", [None, "", "relative/path", "/nowhere/notify"])
def test_where_nobody_listens_nothing_happens(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)

    tell("READY=1")


def test_a_listener_that_has_gone_stops_nothing(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())
    listener.close()

    tell("READY=1")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, 20.0), ("", 20.0), ("soon", 20.0), ("60000000", 20.0), ("30000000", 15.0), ("400000", 0.2),
        ("0", 0.1), ("-5", 0.1),
    ],
)  # fmt: skip
def test_it_pings_twice_in_the_time_that_systemd_waits(
    given: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if given is not None:
        monkeypatch.setenv("WATCHDOG_USEC", given)

    assert ping_seconds(20.0) == seconds
