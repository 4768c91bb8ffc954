"""A process that listens to the stand-in for Slack, and may die over a click as no process should."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from slack_sdk.socket_mode.response import SocketModeResponse

from daemon import clock, feedback
from daemon.clicks import Click
from daemon.database import open_database
from daemon.listening import Listener


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Hasty(Listener):
    """Tells Slack that it has a click before it has it."""

    def _heard(self, client: Any, request: Any) -> None:
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        time.sleep(0.2)  # or the kill would take the acknowledgement along
        super()._heard(client, request)


def main(url: str, ledger: str, way: str) -> None:
    database = open_database(ledger)

    def take(click: Click) -> None:
        if way != "dies after the commit":
            die()
        with database.transaction() as connection:
            feedback.take(connection, click, clock.now())
        die()

    kind = Hasty if way == "acknowledges first" else Listener
    listener = kind("xapp-1-test", url, take, lambda _: "")
    while True:
        time.sleep(listener.work())


if __name__ == "__main__":
    main(*sys.argv[1:])
