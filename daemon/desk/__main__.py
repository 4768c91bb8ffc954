"""The process that shows the desk: told its settings on stdin, it ends with whoever started it."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time

from daemon import arenas, logs
from daemon.config import Settings
from daemon.desk import server
from daemon.errors import DaemonError

_GENTLY = 5  # of the niceness: intake goes first
_TOLD = 75  # we have said why we end, and it may pass (EX_TEMPFAIL of sysexits.h)
_END_SECONDS = 6.0  # in which we answer what we were asked, once nobody is left to show the desk for


def main() -> int:
    arenas.keep_few()
    given = json.loads(sys.stdin.buffer.readline())
    settings = Settings.model_validate_json(given["settings"])
    logs.configure(settings.log.format, verbose=bool(given["verbose"]))
    logs.hear_of_the_unexpected()
    os.nice(_GENTLY)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        return server.serve(settings, told=bool(given["told"]))
    except DaemonError as error:
        logging.getLogger(__name__).error("the desk cannot be shown", extra={"error": str(error)})
        return _TOLD


def _end_with_parent() -> None:
    """A pipe ends with the process that held it, however that ended."""
    # Not by sys.stdin: the interpreter cannot end while a thread waits in it.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_END_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
