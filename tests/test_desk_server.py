"""The desk's own server: what comes as bytes, who stays how long, and the process beside the daemon."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from daemon.database import Database
from daemon.desk import keys, server
from daemon.desk.index import Index
from daemon.desk.protocol import Crowd, Patience, Visitor
from daemon.desk.state import Desk
from daemon.errors import DaemonError
from daemon.tables import Desk as DeskTable
from tests.builders import make_settings
from tests.daemon_process import DaemonProcess
from tests.slow_connections import free_port
from tests.thoroughness import cases

SHORT = Patience(request=0.5, bytes_a_second=1000.0, reading=0.5, most=12, most_of_one=6)


@contextlib.contextmanager
def served(tmp_path: Path, database: Database, patience: Patience) -> Iterator[int]:
    """The port of a desk that is served in a thread."""
    port = free_port()
    settings = make_settings(tmp_path, desk=DeskTable(listen=f"127.0.0.1:{port}"))
    index = Index(tmp_path / "desk.db")
    running = server.server_of(Desk(settings, database, index), patience)
    listener = server.listener("127.0.0.1", port, settings.desk.listen)
    thread = threading.Thread(target=running.run, args=([listener],))
    thread.start()
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join()
        index.close()


@pytest.fixture
def port(tmp_path: Path, database: Database) -> Iterator[int]:
    with served(tmp_path, database, SHORT) as found:
        yield found


def connected(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))


def said(connection: socket.socket) -> bytes:
    """All that comes until the end, or until nothing more does."""
    found = b""
    connection.settimeout(3.0)
    with contextlib.suppress(ConnectionResetError, TimeoutError):
        while part := connection.recv(65536):
            found += part
    return found


def asked(port: int, request: str, *, source: str = "127.0.0.1") -> tuple[list[int], bytes]:
    """The statuses of all that is answered to these bytes, and the answers."""
    with connected(port, source) as connection:
        connection.sendall(request.replace("HOST", f"127.0.0.1:{port}").encode("latin-1"))
        found = said(connection)
    return [int(code) for code in re.findall(rb"^HTTP/1\.1 (\d{3})", found, re.MULTILINE)], found


LOGIN = "GET /login HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"


def test_bytes_that_mean_two_requests_to_somebody_else_are_refused(port: int) -> None:
    inner = "GET /login HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n"
    post = "POST /login HTTP/1.1\r\nHost: HOST\r\n"
    for request in (
        f"{post}Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc{inner}",
        f"{post}Content-Length: 3, 5\r\n\r\nabc{inner}",
        f"{post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        f"{post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{inner}",
        f"{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{inner}",
        f"{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{inner}",
        f"{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{inner}",
        f"{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{inner}",
        f"{post}Content-Length: -1\r\n\r\n{inner}",
        f"{post}Content-Length: +3\r\n\r\nabc{inner}",
        f"{post}Content-Length: 0x3\r\n\r\nabc{inner}",
        f"{post} Content-Length: 3\r\n\r\nabc{inner}",
        f"{post}X: a\nContent-Length: 90\r\n\r\n{inner}",
        f"{post}X: a\rContent-Length: 90\r\n\r\n{inner}",
        f"{post}X\0: a\r\n\r\n{inner}",
        "GET /login\r\n\r\n" + inner,
        "GET /login HTTP/1.1 HTTP/1.1\r\nHost: HOST\r\n\r\n" + inner,
        "GET  /login HTTP/1.1\r\nHost: HOST\r\n\r\n" + inner,
        "GET /lo\0gin HTTP/1.1\r\nHost: HOST\r\n\r\n" + inner,
    ):
        statuses, _ = asked(port, request)

        # The second is never answered.
        assert len(statuses) <= 1 and statuses != [200], (statuses, request)


def test_the_host_of_a_request_is_one_whatever_the_bytes_say(port: int) -> None:
    for request, status in (
        ("GET /login HTTP/1.1\r\n\r\n", 400),
        ("GET /login HTTP/1.0\r\n\r\n", 421),  # which need not have one
        ("GET /login HTTP/1.1\r\nHost: HOST\r\nHost: evil.com\r\n\r\n", 400),
        ("GET /login HTTP/1.1\r\nHost: evil.com\r\nX-Forwarded-Host: HOST\r\n\r\n", 421),
        ("GET http://HOST/login HTTP/1.1\r\nHost: evil.com\r\n\r\n", 400),
    ):
        assert asked(port, request)[0] == [status], request
    assert asked(port, LOGIN)[0] == [200]


def test_no_path_leads_out_of_the_folder_of_what_is_static(port: int) -> None:
    for path in (
        "/static/../guards.py",
        "/static/..%2fguards.py",
        "/static/%2e%2e/guards.py",
        "/static/%2e%2e%2f%2e%2e%2fdesk%2fguards.py",
        "/static/....//guards.py",
        "/static//../guards.py",
        "/static/./../guards.py",
        "/static/..\\guards.py",
        "/static/%00",
        "/static/desk.css%00",
        "static/../guards.py",
        "*",
        "http://127.0.0.1/static/../guards.py",
    ):
        statuses, answer = asked(port, f"GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")

        assert statuses[0] in (303, 400, 404, 405), path
        assert b"class Guards" not in answer


def test_nothing_else_than_http_is_spoken(port: int) -> None:
    upgrade = (
        "Connection: Upgrade, close\r\nUpgrade: {}\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13"
    )
    for protocol in ("websocket", "h2c"):
        request = f"GET / HTTP/1.1\r\nHost: HOST\r\n{upgrade.format(protocol)}\r\n\r\n"
        assert asked(port, request)[0][0] in (303, 400, 403)
    assert asked(port, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")[0] == [400]
    assert asked(port, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03")[0] in ([], [400])


def test_whoever_does_not_finish_a_request_is_let_go(port: int) -> None:
    began = time.monotonic()
    head, body, silent = connected(port), connected(port), connected(port)
    head.sendall(b"GET / HTTP/1.1\r\nX: ")
    body.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
    deadline = began + 8
    alive = {head, body, silent}
    while alive and time.monotonic() < deadline:
        for connection in sorted(alive, key=id):
            connection.settimeout(0.05)
            try:
                if connection is not silent:
                    connection.sendall(b"a")
                if not connection.recv(1000):
                    alive.discard(connection)
            except TimeoutError:
                pass
            except OSError:
                alive.discard(connection)

    assert not alive


def test_a_body_that_comes_steadily_has_the_time_it_takes(tmp_path: Path, database: Database) -> None:
    with served(tmp_path, database, SHORT) as port, connected(port) as connection:
        length = 4000
        head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n"
        connection.sendall((head + form).encode())
        for _ in range(8):  # longer in all than a request that says nothing would have
            time.sleep(0.1)
            connection.sendall(b"x" * (length // 8))

        assert said(connection).startswith(b"HTTP/1.1 403")


def test_many_who_send_nothing_do_not_keep_anybody_out(port: int) -> None:
    crowd = [connected(port, f"127.0.2.{1 + number % 5}") for number in range(60)]
    try:
        assert asked(port, LOGIN, source="127.0.3.1")[0] == [200]
        assert asked(port, LOGIN, source="127.0.2.1")[0] == [200]
    finally:
        for connection in crowd:
            connection.close()


def test_of_many_connections_only_so_many_are_held(tmp_path: Path, database: Database) -> None:
    patient = Patience(request=30.0, most=10, most_of_one=4)
    with served(tmp_path, database, patient) as port:
        of_one = [connected(port, "127.0.2.1") for _ in range(20)]
        until(lambda: held(of_one) == [False] * 16 + [True] * 4)  # who came last
        others = [connected(port, f"127.0.3.{number}") for number in range(1, 21)]
        until(lambda: held(of_one) == [False] * 20)
        until(lambda: held(others) == [False] * 10 + [True] * 10)
        for connection in (*of_one, *others):
            connection.close()


class Guest(Visitor):
    """A visitor without a connection."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd, self.address, self.has_left = crowd, "192.0.2.1", False

    def leave(self) -> None:
        self.has_left = True
        self.crowd.gone(self)


def test_whoever_waits_for_an_answer_is_not_turned_out_for_those_who_ask_nothing() -> None:
    crowd = Crowd(Patience(most_of_one=2))
    asks, idles, comes = (Guest(crowd) for _ in range(3))
    assert crowd.let_in(asks) and crowd.let_in(idles)
    crowd.has_asked(asks)

    assert crowd.let_in(comes)
    assert (asks.has_left, idles.has_left) == (False, True)
    crowd.has_asked(comes)
    assert not crowd.let_in(Guest(crowd))
    crowd.is_waiting(asks)
    assert crowd.let_in(Guest(crowd)) and asks.has_left


def held(connections: list[socket.socket]) -> list[bool]:
    found = []
    for connection in connections:
        connection.setblocking(False)
        try:
            found.append(bool(connection.recv(1)))
        except BlockingIOError:
            found.append(True)
        except OSError:
            found.append(False)
    return found


def test_what_is_answered_is_not_held_back_to_be_joined_with_more() -> None:
    listener = server.listener("127.0.0.1", 0, "127.0.0.1:0")
    with listener, socket.create_connection(listener.getsockname()):
        listener.setblocking(True)
        heard, _ = listener.accept()
        with heard:
            assert heard.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            DaemonError, match=f"^desk.listen: 127.0.0.1:{port} cannot be listened on: [^\n()]+$"
        ):
            server.listener("127.0.0.1", port, f"127.0.0.1:{port}")


def test_the_link_is_told_to_a_terminal_and_to_nothing_that_may_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(tmp_path)
    token = keys.token(tmp_path)

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert server.welcome(settings) == f"The desk: http://127.0.0.1:8460/enter?token={token}"
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert token not in server.welcome(settings)


# A real daemon.


def desk_of(daemon: DaemonProcess) -> list[int]:
    """The processes that show the desk of this daemon."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and b"daemon.desk" in (entry / "cmdline").read_bytes().split(b"\0"):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == daemon.process.pid:
                    found.append(int(entry.name))
    return found


def zombies_of(daemon: DaemonProcess) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            if state == "Z" and parent == str(daemon.process.pid):
                found.append(entry.name)
    return found


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/login", timeout=10) as found:
            return bool(found.status == 200)
    except OSError:
        return False


def is_alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


@pytest.fixture
def daemon(home: Path) -> Iterator[tuple[DaemonProcess, int]]:
    port = free_port()
    running = DaemonProcess(home, config=f'[desk]\nlisten = "127.0.0.1:{port}"\n')
    try:
        running.wait_until(lambda: "the desk is open" in running.log, seconds=90)
        until(lambda: answers(port))
        yield running, port
    finally:
        if running.process.poll() is None:
            running.kill()


@pytest.mark.slow
def test_secrets_of_the_desk_stand_in_their_files_alone(daemon: tuple[DaemonProcess, int]) -> None:
    running, port = daemon
    token, key = keys.token(running.home), keys.signing_key(running.home)
    url = f"http://127.0.0.1:{port}/enter?token={token}"
    with urllib.request.urlopen(url, timeout=10) as entered:
        assert entered.status == 200
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(f"{url}x", timeout=10)

    [shown] = desk_of(running)
    seen = running.log + running.output
    for process in (running.process.pid, shown):
        for name in ("cmdline", "environ"):
            seen += Path(f"/proc/{process}/{name}").read_bytes().decode("utf-8", "replace")
    assert token not in seen
    assert key not in seen
    assert "topicwired desk link" in running.log


@pytest.mark.slow
def test_a_desk_that_dies_comes_again_and_ends_with_the_daemon_however_that_ends(
    daemon: tuple[DaemonProcess, int],
) -> None:
    running, port = daemon
    [first] = desk_of(running)
    os.kill(first, signal.SIGKILL)
    until(lambda: desk_of(running) not in ([], [first]) and answers(port))
    until(lambda: zombies_of(running) == [])
    assert running.log.count("the desk ended") == 1
    [second] = desk_of(running)

    running.kill()

    until(lambda: not is_alive(second), 15)
    assert not answers(port)


@pytest.mark.slow
def test_a_daemon_that_stops_closes_its_desk_in_order(daemon: tuple[DaemonProcess, int]) -> None:
    running, _ = daemon
    [shown] = desk_of(running)

    assert running.stop() == 0

    assert not is_alive(shown)
    assert "the desk is closed" in running.log
    assert "Traceback" not in running.log and "Fatal" not in running.log


@pytest.mark.slow
def test_the_desk_waits_for_its_address_and_moves_with_the_configuration(home: Path) -> None:
    port, other = free_port(), free_port()
    with socket.create_server(("127.0.0.1", port)):
        running = DaemonProcess(home, config=f'[desk]\nlisten = "127.0.0.1:{port}"\n')
        try:
            running.wait_until(lambda: "cannot be listened on" in running.log, seconds=90)
            running.wait_until_watching()  # the intake does not wait for it
        except BaseException:
            running.kill()
            raise
    try:
        until(lambda: answers(port))
        assert "Traceback" not in running.log
        assert "the desk ended" not in running.log
        running.configure(f'[desk]\nlisten = "127.0.0.1:{other}"\n')
        running.process.send_signal(signal.SIGHUP)
        until(lambda: answers(other))
        assert not answers(port)
        assert len(desk_of(running)) == 1
        running.configure('[desk]\nlisten = "never"\n')
        running.process.send_signal(signal.SIGHUP)
        until(lambda: not desk_of(running))
        until(lambda: zombies_of(running) == [])
    finally:
        running.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_slow_connections_leave_the_pages_and_the_intake_alone() -> None:
    from tests.slow_connections import measure

    connections = cases(10_000, 4_000)
    found = measure(connections=connections, files=cases(200, 120), addresses=100, rounds=1)

    assert found["connections_tried"] >= connections  # type: ignore[operator]
    assert found["held_at_once"] <= 512  # type: ignore[operator]
    assert found["pages"]["failed"] == 0  # type: ignore[index]
    assert found["intake_ratio"] > 0.3  # type: ignore[operator]
