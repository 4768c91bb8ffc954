"""A browser that is asked over a pair of pipes, which is DevTools without a WebSocket."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-dev-shm-usage"
).split()
_LOADED = "new Promise(done => document.readyState === 'complete' ? done() : onload = done)"
_FONTS = "document.fonts.ready.then(() => 1)"


class Browser:
    """One page of a browser. It never reaches the network: every request is answered here."""

    def __init__(self, out: IO[bytes], answers: Any) -> None:
        self._out = out
        self._answers = answers
        self._waiting = bytearray()
        self._number = 0
        self._session: str | None = None
        self._page = ("", b"")  # the address that is served, and what stands there

    def ask(self, method: str, **given: Any) -> Any:
        number = self._send(method, given)
        while True:
            told = self._next()
            if told.get("method") == "Fetch.requestPaused":
                self._serve(told["params"])
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                return told["result"]

    def open(self, page: str, url: str) -> None:
        """Show a page as if it stood at `url`, until its scripts and fonts are there."""
        self._page = (url, page.encode())
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Fetch.enable", patterns=[{"urlPattern": "*"}])
        self.ask("Page.navigate", url=url)
        for expression in (_LOADED, _FONTS):
            self.ask("Runtime.evaluate", expression=expression, awaitPromise=True)

    def close(self) -> None:
        self._session = None
        self.ask("Browser.close")

    def _serve(self, paused: dict[str, Any]) -> None:
        url, page = self._page
        found = paused["request"]["url"] == url
        answer = {"requestId": paused["requestId"], "responseCode": 200 if found else 404}
        if found:
            answer["responseHeaders"] = [{"name": "Content-Type", "value": "text/html; charset=utf-8"}]
            answer["body"] = base64.b64encode(page).decode()
        self._send("Fetch.fulfillRequest", answer)

    def _send(self, method: str, given: dict[str, Any]) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": given}
        message |= {"sessionId": self._session} if self._session else {}
        self._out.write(json.dumps(message).encode() + b"\0")
        return self._number

    def _next(self) -> Any:
        while (end := self._waiting.find(b"\0")) < 0:
            more = self._answers.read1(1 << 20)
            if not more:
                raise RuntimeError("the browser has gone")
            self._waiting += more
        message = bytes(self._waiting[:end])
        del self._waiting[: end + 1]
        return json.loads(message)


@contextmanager
def browser(at: Path) -> Iterator[Browser]:
    to_read, we_write = os.pipe()
    we_read, to_write = os.pipe()
    # It reads from 3 and writes to 4: above them, neither is covered; below 10, a shell can name them.
    theirs = [fcntl.fcntl(each, fcntl.F_DUPFD, 5) for each in (to_read, to_write)]
    command = [*CHROMIUM, "--remote-debugging-pipe", f"--user-data-dir={at / 'profile'}", "about:blank"]
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', "sh", *command],
        pass_fds=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for each in (to_read, to_write, *theirs):
        os.close(each)
    with open(we_write, "wb", buffering=0) as out, open(we_read, "rb") as answers:
        opened = Browser(out, answers)
        try:
            yield opened
            opened.close()
        finally:
            out.close()
            process.wait(30)
