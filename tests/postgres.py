"""A PostgreSQL of the tests' own: Debian's program, an unprivileged user, a folder and a port for each.

`python -m tests.postgres` installs it where it can, and says so, or says why it cannot be had.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests import debian

LACKING = "the tests on PostgreSQL need Debian's, and there is none here: make postgres"

_PROGRAMS = Path("/usr/lib/postgresql")
_USER = "topicwire"
_HOST = "127.0.0.1"
_ADDRESSES = "host all all all scram-sha-256\n"
# What only a power cut would need. After a SIGKILL the kernel still has all that was written,
# and synchronous_commit stays on: a commit that was answered is there after `kill` and `start`.
_UNSYNCED = ("fsync=off", "full_page_writes=off")
_SETTINGS = (
    "max_connections=200", "shared_buffers=64MB", "unix_socket_directories=",
    "min_wal_size=32MB", "max_wal_size=128MB",
)  # fmt: skip
_MEMORY = Path("/dev/shm")
_ENOUGH = 4 * 2**30  # of it, before a server's data go there
# Ends the server and its folder when the test's process has gone, however it went: its end of
# the pipe closes. Not by a signal at the parent's death: that comes when the thread ends already.
_KEEPER = r"""
read -r _
if read -r pid < "$1/data/postmaster.pid" && grep -qsF "$1/data" "/proc/$pid/cmdline"; then
    kill -QUIT "$pid"
    for _ in 1 2 3 4 5 6 7 8 9; do [ -d "/proc/$pid/cwd/" ] || break; sleep 0.3; done
fi 2> /dev/null
rm -rf "$1"
"""


class NoPostgresError(Exception):
    """No PostgreSQL can be had on this machine."""


class Server:
    """A running PostgreSQL. Made by `server`; a test may stop, kill and start it as it likes.

    Its data outlive `stop` and `kill`; the addresses that `fresh` gave stay right after a `start`.
    """

    def __init__(self, programs: Path, folder: Path, *, durable: bool) -> None:
        self.port = _free_port()
        self.password = secrets.token_urlsafe(12)
        self._programs, self._folder, self._durable = programs, folder, durable
        self._hosts = [_HOST]
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._make()

    @property
    def log(self) -> str:
        """What the server has said so far."""
        return (self._folder / "log").read_text(encoding="utf-8", errors="replace")

    def fresh(self, like: str | None = None) -> str:
        """The address of a new database, for SQLAlchemy: empty, or a copy of what stands at another address.

        Nobody may be connected to the one that is copied.
        """
        self._databases += 1
        name = f"fresh_{self._databases}"
        template = f' TEMPLATE "{name_in(like)}" STRATEGY file_copy' if like else ""
        self.run(f'CREATE DATABASE "{name}"{template}')
        return self.address(name)

    def address(self, database: str, host: str = _HOST) -> str:
        return f"postgresql+psycopg://{_USER}:{self.password}@{host}:{self.port}/{database}"

    def configured(self, address: str) -> str:
        """The address as a configuration may have it: the password stands in a file of ours."""
        return f"{address.replace(f':{self.password}@', '@')}?password_file={self._folder / 'secret'}"

    def drop(self, address: str) -> None:
        """Take a database away, and end all who are connected to it."""
        self.run(f'DROP DATABASE "{name_in(address)}" WITH (FORCE)')

    def run(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """A statement in a transaction of its own, by a connection of its own; its rows.

        `database` is a name, or an address that `fresh` gave.
        """
        with self._connect(name_in(database)) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def terminate_backends(self, where: str = "TRUE") -> int:
        """End the connections that a condition on pg_stat_activity chooses; how many they were."""
        ended = self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND ({where})"
        )
        return len(ended)

    def listen_on(self, host: str) -> None:
        """Answer at one more address of this machine. Restarts the server."""
        self._hosts.append(host)
        self.restart()

    def start(self) -> None:
        """Returns when it answers."""
        given = (
            *_SETTINGS,
            *(() if self._durable else _UNSYNCED),
            f"port={self.port}",
            f"listen_addresses={','.join(self._hosts)}",
        )
        command = [*_unprivileged(), str(self._programs / "postgres"), "-D", str(self._folder / "data")]
        for setting in given:
            command += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self._wait_until_it_answers()

    def stop(self, mode: str = "fast") -> None:
        """As pg_ctl does: "smart" waits for who is connected, "fast" ends them, "immediate" is a crash."""
        sent = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode]
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(sent)
        self._wait_until_it_ended()

    def kill(self) -> None:
        """SIGKILL of the postmaster; returns when those who worked for it have gone as well."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
        self._wait_until_it_ended()

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def _make(self) -> None:
        word = self._folder / "password"
        word.write_text(self.password, encoding="utf-8")
        for path in (self._folder, word):
            _give_away(path)
        secret = self._folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(self.password, encoding="utf-8")
        done = subprocess.run(
            [
                *_unprivileged(), str(self._programs / "initdb"), "--no-sync", "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C", f"--username={_USER}", f"--pwfile={word}",
                str(self._folder / "data"),
            ],
            cwd="/", capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise NoPostgresError(done.stderr.strip().rpartition("\n")[2] or "initdb failed")
        (self._folder / "data" / "pg_hba.conf").write_text(_ADDRESSES, encoding="utf-8")

    def _connect(self, database: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            host=_HOST,
            port=self.port,
            user=_USER,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )

    def _wait_until_it_answers(self) -> None:
        until = time.monotonic() + 60.0
        while True:
            try:
                self._connect("postgres").close()
            except psycopg.OperationalError as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > until:
                    raise NoPostgresError(f"the server does not start ({error}):\n{self.log}") from error
                time.sleep(0.02)
            else:
                return

    def _wait_until_it_ended(self) -> None:
        if self._process is None:
            return
        self._process.wait(60)
        until = time.monotonic() + 30.0
        # A killed postmaster leaves those behind who worked for it; they see it and go.
        while _works_in(self._folder / "data"):
            assert time.monotonic() < until, "the server's processes do not end"
            time.sleep(0.01)
        self._process = None


def found() -> Path | None:
    """The folder of the newest PostgreSQL's programs, if there is one on this machine."""
    here = [path for path in _PROGRAMS.glob("*/bin") if (path / "initdb").exists()]
    return max(here, key=lambda path: float(path.parent.name), default=None)


@contextmanager
def server(folder: Path | None = None, *, durable: bool = False) -> Iterator[Server]:
    """A server that runs, with a port and a password of its own; all of it is gone at the end.

    It goes as well when this process is killed. Its data lie in a folder of their own, because pytest's
    folders let nobody in but their owner; at the end `folder`, if given, gets the server's log as
    `postgres.log`. `durable` has it sync to a disk: for figures, and for nothing else (see _UNSYNCED);
    else its data are in memory where there is plenty.
    Raises NoPostgresError where there is none.
    """
    programs = found()
    if programs is None:
        raise NoPostgresError(LACKING)
    own = Path(tempfile.mkdtemp(prefix="topicwire-postgres-", dir=None if durable else _memory()))
    keeper = subprocess.Popen(
        ["sh", "-c", _KEEPER, "sh", str(own)], stdin=subprocess.PIPE, cwd="/", start_new_session=True
    )
    try:
        running = Server(programs, own, durable=durable)
        running.start()
        try:
            yield running
        finally:
            running.stop()
            if folder is not None:
                shutil.copyfile(own / "log", folder / "postgres.log")
    finally:
        keeper.communicate()


def main() -> int:
    debian.provide("postgres", found, "postgresql", skipped="the tests on it")
    return 0


def name_in(address: str) -> str:
    """The database that an address is of; a name is its own."""
    return address.partition("?")[0].rpartition("/")[2]


def _memory() -> Path | None:
    try:
        return _MEMORY if shutil.disk_usage(_MEMORY).free > _ENOUGH else None
    except OSError:
        return None


def _unprivileged() -> list[str]:
    """What goes before a command that root may not run: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return []
    user = _nobody()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, _nobody().pw_uid, _nobody().pw_gid)


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _works_in(folder: Path) -> bool:
    """Whether a process of the server whose data these are is there still; each has made it its own place."""
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if place.readlink() == folder:
                return True
        except OSError:
            continue
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
