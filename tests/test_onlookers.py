"""Onlookers: programs that look on are answered, whoever else has a connection."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http import HTTPStatus

import pytest

from daemon import onlookers
from daemon.onlookers import Answer, Onlookers, line


@pytest.fixture
def may() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def port(may: threading.Event) -> Iterator[int]:
    """One that answers at /here, and at /slow when it may."""

    def slow() -> Answer:
        may.wait(20)
        return line("at last")

    heard = Onlookers("127.0.0.1", 0, {"/here": lambda: line("here"), "/slow": slow})
    yield heard.port
    may.set()
    heard.end()


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    said = b""
    while part := connection.recv(65536):
        said += part
    return said


def asked(port: int, request: str) -> tuple[int, str]:
    """The status and the body."""
    with connected(port) as connection:
        connection.sendall(request.encode())
        head, _, body = answer_of(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    return asked(port, f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


def is_closed(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize(
    ("path", "method", "answer"),
    [
        ("/here", "GET", (200, "here\n")),
        ("/here?x=1", "GET", (200, "here\n")),
        ("/here", "HEAD", (200, "")),
        ("/", "GET", (404, "not found\n")),
        ("/here/", "GET", (404, "not found\n")),
        ("/../here", "GET", (404, "not found\n")),
        ("/here", "POST", (501, "not implemented\n")),
        ("/<b>", "DELETE", (501, "not implemented\n")),
    ],
)
def test_a_request_has_its_answer(port: int, path: str, method: str, answer: tuple[int, str]) -> None:
    assert get(port, path, method) == answer


@pytest.mark.parametrize(
    "request_line", ["GET\r\n\r\n", "GET /here HTTP/9.9\r\n\r\n", f"GET /{'x' * 70_000} HTTP/1.1\r\n\r\n"]
)
def test_what_is_no_request_is_refused_and_the_next_is_answered(port: int, request_line: str) -> None:
    with connected(port) as connection, suppress(ConnectionError):
        connection.sendall(request_line.encode())
        assert b"200" not in answer_of(connection).partition(b"\r\n")[0]

    assert get(port, "/here") == (200, "here\n")


def answering() -> list[str]:
    """The threads that have a connection."""
    return [each.name for each in threading.enumerate() if "process_request_thread" in each.name]


def test_connections_that_say_nothing_hold_up_nobody(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(5 * onlookers._MOST):
            connection = stack.enter_context(connected(port))
            connection.sendall(b"GET /here HTTP/1.1\r\nX-Slow: ")

        began = time.monotonic()
        assert get(port, "/here") == (200, "here\n")

        assert time.monotonic() - began < onlookers._SILENT
        while len(answering()) > onlookers._MOST + 1:  # who was cut off has a moment to see it
            assert time.monotonic() - began < onlookers._SILENT, answering()
            time.sleep(0.01)


def test_who_drips_is_cut_off_in_the_end(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onlookers, "_WITH_US", 0.6)
    began = time.monotonic()
    with connected(port) as connection:
        connection.sendall(b"GET /here HTTP/1.1\r\nX-Slow: ")
        while not is_closed(connection, 0.1):
            with suppress(ConnectionError):
                connection.sendall(b"x")
            assert time.monotonic() - began < 15


def test_while_all_wait_for_an_answer_who_comes_later_is_turned_away_and_nobody_is_cut_off(
    port: int, may: threading.Event
) -> None:
    with ExitStack() as stack:
        waiting = [stack.enter_context(connected(port)) for _ in range(onlookers._MOST)]
        for connection in waiting:
            connection.sendall(b"GET /slow HTTP/1.1\r\n\r\n")
        time.sleep(0.3)

        late = stack.enter_context(connected(port))
        assert is_closed(late, 10)

        may.set()
        assert all(answer_of(each).endswith(b"at last\n") for each in waiting)


def test_when_it_ends_nobody_listens_and_nobody_is_left_waiting() -> None:
    heard = Onlookers("127.0.0.1", 0, {})
    with connected(heard.port) as connection:
        assert get(heard.port, "/") == (404, "not found\n")  # so the one before it was let in
        heard.end()

        assert is_closed(connection, onlookers._SILENT - 2)
        with pytest.raises(ConnectionError):
            connected(heard.port)


def test_it_listens_by_either_protocol() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 on this machine")
    try:
        heard = Onlookers("::1", 0, {"/here": lambda: line("here", HTTPStatus.OK)})
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with socket.create_connection(("::1", heard.port), timeout=20) as connection:
        connection.sendall(b"GET /here HTTP/1.1\r\n\r\n")
        assert answer_of(connection).endswith(b"here\n")
    heard.end()
