"""The ledger in PostgreSQL: a server that several daemons share.

Who writes takes turns, as in SQLite: what is decided of a story or a fingerprint is decided of all
that was recorded before, and ids are seen in their order. The turn is an advisory lock of the
transaction, which the server lets go after the commit is seen (xact.c, CommitTransaction). Leases and
claims do without it: they are safe by their generation, and must not wait.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from daemon import credentials
from daemon.errors import ConfigError, LedgerError
from daemon.faults import LOCKED, REFUSES, one_line
from daemon.tables import POSTGRES, is_this_machine

CHANNEL = "topicwire"
TURN = 0x7477_6C67  # "twlg": the advisory lock of who writes to this ledger

_PASSWORD_FILE = "password_file"  # noqa: S105  the key of an address
_OLDEST = 130000  # the first release with all that we ask for, which is still kept
_CONNECT_SECONDS = 10
# A daemon that stands still in the middle of a transaction would keep all others waiting.
_IDLE_MILLISECONDS = 10_000
_TURN_MILLISECONDS = 30_000
# libpq's names (postgresql.org/docs/current/libpq-connect.html): a server that is cut off is given up
# after some ten seconds, whatever we were doing.
_CONNECTION = {
    "connect_timeout": _CONNECT_SECONDS,
    "application_name": "topicwire",
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "client_encoding": "utf8",
}
# The server's side of the same: the locks of a daemon that is cut off are let go of.
_SESSION = {
    "timezone": "UTC",
    "lock_timeout": f"{_TURN_MILLISECONDS}ms",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "client_min_messages": "warning",
}
_OURS_NEXT = (
    f"SELECT pg_advisory_xact_lock({TURN}),"
    f" set_config('idle_in_transaction_session_timeout', '{_IDLE_MILLISECONDS}', true)"
)
_BESIDE = f"SELECT set_config('idle_in_transaction_session_timeout', '{_IDLE_MILLISECONDS}', true)"

# By class and by code (postgresql.org/docs/current/errcodes-appendix.html).
_GONE = "the connection to the ledger's server has ended"
_SAID = {
    "08": _GONE,
    "28": "the ledger's server does not let us in: user or password is wrong",
    "3D": "the ledger's server has no database of this name; make it with createdb",
    "40": "another daemon was at the same rows; it is tried again",
    "42501": "the user of the ledger has no right to do that",
    "53100": "the disk of the ledger's server is full",
    "53200": "the ledger's server is out of memory",
    "53300": "the ledger's server takes no more connections (max_connections)",
    "55P03": LOCKED,
    "57P": _GONE,
    "25P03": "the transaction was ended: this process stood still in it",
    "25006": "the ledger's server takes no writes: it is a standby",
    "0A000": "the ledger's server takes no writes: it is a standby",
    "22P05": "a text that the ledger's server does not take",
    "22021": "a text that the ledger's server does not take",
}
_NO_SERVER = "the ledger's server cannot be reached"
_NO_CERTIFICATE = "add ?sslmode=disable to the address where nobody else is on the way to it"
_IN_WORDS = (
    ("password authentication failed", _SAID["28"]),
    ("is not permitted to log in", _SAID["28"]),
    ("FATAL:  role", _SAID["28"]),
    ("does not exist", _SAID["3D"]),
    ("no password supplied", "the ledger's server wants a password: write ?password_file=/path"),
    ("no pg_hba.conf entry", "the ledger's server lets nobody in from here: see its pg_hba.conf"),
    ("starting up", f"{_NO_SERVER}: it is starting"),
    ("shutting down", f"{_NO_SERVER}: it is stopping"),
    ("recovery mode", f"{_NO_SERVER}: it is starting"),
    ("too many clients", _SAID["53300"]),
    ("connection slots are reserved", _SAID["53300"]),
    ("Connection refused", f"{_NO_SERVER}: nothing listens at that port"),
    ("No such file or directory", f"{_NO_SERVER}: it has no such socket, or is not running"),
    ("timeout expired", f"{_NO_SERVER}: no answer"),
    ("failed to resolve host", f"{_NO_SERVER}: no host of this name is known"),
    ("does not support SSL", f"the ledger's server has no certificate; {_NO_CERTIFICATE}"),
    ("root certificate file", "nothing says whom to trust as the ledger's server: write ?sslrootcert=/path"),
    ("certificate verify failed", "the certificate of the ledger's server is not one that we trust"),
    ("invalid connection option", "the address of the ledger has a key that libpq does not know"),
    ("invalid sslmode", "the address of the ledger has an sslmode that libpq does not know"),
    ("server closed the connection", _GONE),
    ("connection is lost", _GONE),
    ("connection is closed", _GONE),
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A database of a server. `address` is without its password."""

    address: str
    url: URL
    given: dict[str, Any]

    shared = True

    def reading(self, engine: Engine) -> Engine:
        """One snapshot for each transaction; the driver says so as it begins."""
        return engine.execution_options(
            reads_only=True, isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def engine(self) -> Engine:
        options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
        engine = create_engine(
            self.url,
            connect_args={**_CONNECTION, **self.given, "options": options},
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=15,
        )
        event.listen(engine, "connect", _take_any_text)
        event.listen(engine, "begin", _begin)
        return engine

    def make_ready(self, engine: Engine) -> None:
        """Raises LedgerError where this is no server for a ledger."""
        with self.reading(engine).connect() as connection:
            release = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
            encoding = str(connection.exec_driver_sql("SHOW server_encoding").scalar_one())
        if release < _OLDEST:
            raise LedgerError(f"{self.address}: PostgreSQL {release // 10000}; 13 is the oldest we know")
        if encoding != "UTF8":
            raise LedgerError(f"{self.address}: its encoding is {encoding}; make it with createdb -E UTF8")

    def opened(self) -> None:
        """Nothing to remember: the server says itself when it has gone."""

    def must_stand(self, *, written: bool = False) -> None:
        """It stands as long as it answers."""

    def why_not(self, error: DatabaseError) -> str:
        return said_of(error.orig)


def place_of(address: str) -> PostgresServer:
    """The database that an address names, with its password. Raises LedgerError.

    The password is in the file that `password_file` in the address names, the systemd credential
    `database-password`, or TOPICWIRE_DATABASE_PASSWORD; else libpq looks where it always does.
    """
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        raise LedgerError("the address of the ledger is none that we can read") from None
    if url.password is not None or "password" in url.query:
        address = url.difference_update_query(["password"]).render_as_string()
    try:
        import psycopg  # noqa: F401  an extra: it may not be there
    except ImportError as error:
        raise LedgerError(f"{address}: needs psycopg; pip install 'topicwire[postgres]'") from error
    given: dict[str, Any] = {}
    file = url.query.get(_PASSWORD_FILE)
    try:
        password = credentials.secret(
            "database-password", "TOPICWIRE_DATABASE_PASSWORD", Path(str(file)) if file else None
        )
    except ConfigError as error:
        raise LedgerError(str(error)) from error
    if password is not None:
        given["password"] = password
    url = url.difference_update_query([_PASSWORD_FILE])
    if "sslmode" not in url.query and not _is_near(url):
        given["sslmode"] = "verify-full"  # or whoever stands between reads and writes the ledger
    return PostgresServer(address, url, given)


def is_one(address: str) -> bool:
    """Whether an address is of a server rather than of a file."""
    return address.startswith(POSTGRES)


def command(program: str, address: str) -> str:
    """How a program of PostgreSQL's own is called for the ledger at an address: a line for the shell.

    `program` with its options; the address is the last thing that it is given.
    """
    url = make_url(address).set(drivername="postgresql")
    file = url.query.get(_PASSWORD_FILE)
    url = url.difference_update_query([_PASSWORD_FILE])
    if "sslmode" not in url.query and not _is_near(url):
        url = url.update_query_dict({"sslmode": "verify-full"})
    password = f'PGPASSWORD="$(cat {shlex.quote(str(file))})" ' if file else ""
    return f"{password}{program} --dbname={shlex.quote(url.render_as_string(hide_password=True))}"


def said_of(error: BaseException | None) -> str:
    """What an error of the server or of the way to it means, in plain words."""
    code = getattr(error, "sqlstate", None)
    if code is None:
        return _without_code(str(error))
    for part in (code, code[:3], code[:2]):
        if part in _SAID:
            return _SAID[part]
    return f"{REFUSES}: {type(error).__name__} ({code})"


def _without_code(said: str) -> str:
    """What libpq says by itself, or hands on from a server that has not let us in, has words alone."""
    for words, meaning in _IN_WORDS:
        if words in said:
            return meaning
    first = one_line(said.strip().partition("\n")[0])
    return f"{_NO_SERVER}: {first}" if "connection" in first else _GONE


def _is_near(url: URL) -> bool:
    """Whether no network lies between: a socket of this machine, or loopback."""
    host = url.query.get("host") or url.host or os.environ.get("PGHOST", "")
    number = url.query.get("hostaddr") or os.environ.get("PGHOSTADDR", "")
    return all(_is_here(str(each)) for each in (host, number))


def _is_here(host: str) -> bool:
    return not host or host.startswith("/") or is_this_machine(host)


def _take_any_text(connection: Any, _: Any) -> None:
    connection.adapters.register_dumper(str, _any_text())


@cache
def _any_text() -> type:
    """PostgreSQL refuses a text with a NUL in it; such a sign becomes the one for what cannot be shown."""
    from psycopg.types.string import StrDumperUnknown

    class AnyText(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    return AnyText


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("reads_only", False):
        connection.exec_driver_sql(_BESIDE if options.get("beside", False) else _OURS_NEXT)
