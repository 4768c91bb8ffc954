"""The HTTP server of the desk: starts, tells where, and ends when asked to."""

from __future__ import annotations

import ipaddress
import logging
import resource
import signal
import socket
import sys
from contextlib import suppress
from functools import partial

import uvicorn

from daemon import presence
from daemon.config import Settings
from daemon.configfile import why
from daemon.database import Database, open_database
from daemon.desk import keys, teaching
from daemon.desk.app import app_of
from daemon.desk.following import Follower
from daemon.desk.index import Index
from daemon.desk.passwords import People
from daemon.desk.protocol import Crowd, Patience, visitors_of
from daemon.desk.state import Desk
from daemon.errors import DaemonError
from daemon.worker import Worker

logger = logging.getLogger(__name__)

INDEX = "desk.db"
_STOP_SECONDS = 3
_HEAR_EVERY = 5.0  # seconds
_NOBODY_ELSE = 86_400.0
_KEEP_SECONDS = 10  # that a browser may leave a connection idle
_LONGEST_HEAD = 32 * 1024
_BACKLOG = 512  # what the kernel holds for us; asyncio takes as many at one go
_MOST_FILES = 4096


def serve(settings: Settings, *, told: bool) -> int:
    """Show the desk until a signal says stop; `told`: say on stderr where it is.

    Raises DaemonError where the address cannot be listened on.
    """
    address = settings.desk.address
    if address is None:
        raise DaemonError('desk.listen is "never"; name an address to show the desk on')
    _end_in_order()
    _limit_files()
    with listener(*address, settings.desk.listen) as heard:
        database = open_database(settings.database)
        index = Index(settings.home / INDEX)
        follower = Follower(database, index)
        hearing = Worker("hearing", partial(_hear, database))
        hearing.start()
        try:
            server = server_of(Desk(settings, database, index))
            follower.start()
            _say(settings, told=told)
            server.run([heard])
        finally:
            teaching.stop(_STOP_SECONDS)
            hearing.ask_to_stop()
            follower.stop()
            hearing.stop(_STOP_SECONDS)
            index.close()
            database.close()
    logger.info("the desk is closed")
    return 0


def _hear(database: Database) -> float:
    """Trainings and runs of other machines go on while their daemons are heard of."""
    presence.hear_of(database)
    return _HEAR_EVERY if database.shared else _NOBODY_ELSE


def link(settings: Settings) -> str:
    """What lets somebody in who opens it. Raises DaemonError where people come in otherwise."""
    if settings.desk.address is None:
        raise DaemonError('desk.listen is "never"; name an address to show the desk on')
    if settings.desk.way_in != "token":
        raise DaemonError(f"people come in by {settings.desk.way_in} here: http://{settings.desk.listen}/")
    return f"http://{settings.desk.listen}/enter?token={keys.token(settings.home)}"


def server_of(desk: Desk, patience: Patience | None = None) -> uvicorn.Server:
    """The server of a desk; it is told its socket when it runs."""
    way, proxies = desk.settings.desk.way_in, tuple(map(ipaddress.ip_network, desk.settings.desk.proxies))
    # Where a token lets people of this machine in, they come from where a proxy would.
    crowd = Crowd(patience or Patience(proxies=() if way == "token" else proxies))
    config = uvicorn.Config(
        app_of(desk),
        http=visitors_of(crowd),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        timeout_keep_alive=_KEEP_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # It says of each request that it cannot read so, and so would let anybody fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Server(config)


def listener(host: str, port: int, said: str) -> socket.socket:
    """A socket that connections come to. Raises DaemonError where there cannot be one."""
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        heard = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        # Python adds the address to what the system says of it.
        reason = why(error).partition(" (while ")[0] if isinstance(error, OSError) else "no such host"
        raise DaemonError(f"desk.listen: {said} cannot be listened on: {reason}") from error
    heard.setblocking(False)
    # asyncio sets it on sockets that say they are of TCP alone, and these do not: without it the body of an
    # answer came 40 ms after its head.
    heard.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return heard


def _say(settings: Settings, *, told: bool) -> None:
    desk = settings.desk
    logger.info("the desk is open", extra={"address": f"http://{desk.listen}/", "login": desk.way_in})
    if desk.way_in == "password" and not People(settings.home).known():
        logger.warning("nobody can sign in", extra={"mend": "topicwired desk user add NAME --role editor"})
    if told:
        with suppress(OSError):
            print(welcome(settings), file=sys.stderr, flush=True)


def welcome(settings: Settings) -> str:
    """The link is for a person at a terminal alone: what is not one may be kept as a log."""
    if settings.desk.way_in != "token":
        return f"The desk: http://{settings.desk.listen}/"
    if sys.stderr.isatty():
        return f"The desk: {link(settings)}"
    return (
        f"The desk: http://{settings.desk.listen}/ (`topicwired desk link` prints the link that lets you in)"
    )


def _end_in_order() -> None:
    """uvicorn ends what it does and then sends itself the signal again, which would end us amid ours."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def _limit_files() -> None:
    """Room for the connections that we let be, and an end before the machine has none left."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != most:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
