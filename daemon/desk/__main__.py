"""The process that shows the desk: told its settings on stdin, it ends with whoever started it."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading

from daemon import logs
from daemon.config import Settings
from daemon.desk import server
from daemon.errors import DaemonError

_GENTLY = 5  # of the niceness: intake goes first


def main() -> int:
    given = json.loads(sys.stdin.buffer.readline())
    settings = Settings.model_validate_json(given["settings"])
    logs.configure(settings.log.format, verbose=bool(given["verbose"]))
    os.nice(_GENTLY)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        return server.serve(settings, told=bool(given["told"]))
    except DaemonError as error:
        logging.getLogger(__name__).error("the desk cannot be shown", extra={"error": str(error)})
        return 1


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
