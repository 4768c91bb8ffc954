"""The process that shows the desk page, kept up beside the daemon: it dies alone, and is started again."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from contextlib import suppress

from daemon.config import Settings

logger = logging.getLogger(__name__)

_MODULE = "daemon.desk"
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds before it is started again; twice as long each time
_STEADY = 60.0  # seconds after which it counts as having started well
_STOP_SECONDS = 5.0
_TOLD = 75  # it has said itself why it ends (see daemon.desk.__main__)


class DeskProcess:
    """Started and stopped with the daemon; does nothing where there is to be no page."""

    def __init__(self, settings: Settings, *, told: bool = False) -> None:
        self._settings = settings
        self._told = told
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_up, name="desk", daemon=True)

    def start(self) -> None:
        if self._settings.desk.address is not None:
            self._thread.start()

    def stop(self) -> None:
        """Let it answer what it was asked, for some seconds."""
        self._stop.set()
        with self._lock:
            process = self._process
        if process is not None:
            _end(process)
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _keep_up(self) -> None:
        wait = _FIRST_WAIT
        while not self._stop.is_set():
            began = time.monotonic()
            code = self._show()
            if self._stop.is_set():
                return
            if time.monotonic() - began > _STEADY:
                wait = _FIRST_WAIT
            if code != _TOLD:
                logger.warning("the desk ended", extra={"code": code, "again_in_seconds": wait})
            self._stop.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _show(self) -> int:
        """The code that the process ended with; `_TOLD` where somebody has said why already."""
        try:
            process = self._begin()
        except OSError as error:
            logger.error("the desk cannot be started", extra={"error": str(error.strerror)})
            return _TOLD
        if process is None:
            return _TOLD
        try:
            return process.wait()
        finally:
            _close(process)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        """None where we are to stop. Raises OSError where no process can be started."""
        given = {
            "settings": self._settings.model_dump_json(),
            "verbose": logger.isEnabledFor(logging.DEBUG),
            "told": self._told,
        }
        with self._lock:
            if self._stop.is_set():
                return None
            # In a group of its own: what a terminal interrupts is us, and we stop it in order.
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, process_group=0
            )
            self._process = process
        self._told = False
        assert process.stdin
        with suppress(OSError):
            process.stdin.write(json.dumps(given).encode() + b"\n")
            process.stdin.flush()
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
    _close(process)


def _close(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
