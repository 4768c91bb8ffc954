"""The HTTP server of the desk: starts, tells where, and ends when asked to."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

import uvicorn

from daemon.config import Settings
from daemon.database import open_database
from daemon.desk.app import app_of
from daemon.desk.following import Follower
from daemon.desk.index import Index
from daemon.desk.state import Desk
from daemon.errors import DaemonError

logger = logging.getLogger(__name__)

INDEX = "desk.db"
_STOP_SECONDS = 3


def serve(settings: Settings, *, told: bool) -> int:
    """Show the desk until a signal says stop; `told`: say on stderr where it is.

    Raises DaemonError where the address cannot be listened on.
    """
    address = settings.desk.address
    if address is None:
        raise DaemonError('desk.listen is "never"; name an address to show the desk on')
    host, port = address
    database = open_database(settings.database)
    index = Index(settings.home / INDEX)
    desk = Desk(settings, database, index)
    follower = Follower(database, index)
    config = uvicorn.Config(
        app_of(desk),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    try:
        listener = config.bind_socket()
    except (OSError, SystemExit) as error:
        raise DaemonError(f"{settings.desk.listen}: cannot be listened on: {error}") from error
    follower.start()
    logger.info("the desk is open", extra={"address": f"http://{settings.desk.listen}/"})
    if told:
        with suppress(OSError):
            print(f"The desk: http://{settings.desk.listen}/", file=sys.stderr, flush=True)
    try:
        uvicorn.Server(config).run([listener])
    finally:
        follower.stop()
        index.close()
        database.close()
    return 0
