"""What systemd hears of us, over a real datagram socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.readiness import ping_seconds, taking_long, tell


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


def test_whoever_starts_us_waits_as_long_as_a_piece_of_the_start_takes_and_no_longer(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())

    with taking_long("opening the ledger", every=0.01):
        first, again = listener.recv(1024), listener.recv(1024)
    tell("READY=1")
    heard = [listener.recv(1024)]
    while heard[-1] != b"READY=1":
        heard.append(listener.recv(1024))

    assert first == b"STATUS=opening the ledger\nEXTEND_TIMEOUT_USEC=60000000"
    assert again == b"EXTEND_TIMEOUT_USEC=60000000"
    listener.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.recv(1024)


def test_a_start_that_hangs_is_not_waited_for_for_ever(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.getsockname())
    heard = []

    with taking_long("opening the ledger", every=0.01, longest=0.02):
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            while True:
                heard.append(listener.recv(1024))

    assert len(heard) == 3


def test_without_anybody_who_waits_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    before = threading.active_count()

    with taking_long("opening the ledger"):
        assert threading.active_count() == before
