"""Articles ▶ what browsers print and save: PDF, the page as it stands after its scripts, MHTML."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.formats.pages import cms_page, plain_page
from tests.formats.table import RUNNING_HEADER, Made
from tests.formats.texts import TEXTS

_CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-dev-shm-usage"
).split()
_A4 = {"paperWidth": 8.27, "paperHeight": 11.69}
_COLUMNS = "body { column-count: 2; font: 11pt 'Noto Serif'; text-align: justify } h1 { column-span: all }"
_LARGE = "body { font: 22pt/1.7 'Noto Sans'; margin: 0 } p { margin: 0 0 14pt }"
_FONT = "body { font: 12pt 'Noto Sans', 'Noto Naskh Arabic' }"
_RUNNING = '<div style="font-size: 9px; width: 100%; text-align: center">{}</div>'


def chromium_pdf(made: Made, at: Path) -> bytes:
    style = _COLUMNS if "columns" in made.traits else _LARGE if "running" in made.traits else _FONT
    source = _saved(made, at, style)
    wanted: dict[str, Any] = {**_A4}
    if "running" in made.traits:
        numbers = 'Page <span class="pageNumber"></span> of <span class="totalPages"></span>'
        wanted |= {
            "displayHeaderFooter": True,
            "headerTemplate": _RUNNING.format(RUNNING_HEADER),
            "footerTemplate": _RUNNING.format(numbers),
            **dict.fromkeys(["marginTop", "marginBottom", "marginLeft", "marginRight"], 1.2),
        }
    with _browser(at) as ask:
        session = _opened(ask, source)
        answer = ask("Page.printToPDF", wanted, session)
    return base64.b64decode(answer["data"])


def chromium_dom(made: Made, at: Path) -> bytes:
    source = at / "page.html"
    source.write_text(cms_page(TEXTS[made.articles[0]], made), encoding="utf-8")
    command = [*_CHROMIUM, f"--user-data-dir={at / 'profile'}", "--dump-dom", source.as_uri()]
    return _run(command, at)


def mhtml(made: Made, at: Path) -> bytes:
    source = at / "page.html"
    source.write_text(cms_page(TEXTS[made.articles[0]], made), encoding="utf-8")
    with _browser(at) as ask:
        session = _opened(ask, source)
        answer = ask("Page.captureSnapshot", {"format": "mhtml"}, session)
    where = TEXTS[made.articles[0]].url
    return str(answer["data"]).replace(source.as_uri(), where).encode()


def wkhtmltopdf(made: Made, at: Path) -> bytes:
    source, target = _saved(made, at, _FONT), at / "made.pdf"
    # The name of the person who makes the files would stand in them otherwise.
    _run(["wkhtmltopdf", "--quiet", "--encoding", "utf-8", str(source), str(target)], at)
    return target.read_bytes()


def _saved(made: Made, at: Path, style: str) -> Path:
    source = at / "print.html"
    article = TEXTS[made.articles[0]]
    source.write_text(plain_page(article, style, dated="dated" in made.traits), encoding="utf-8")
    return source


def _run(command: list[str], at: Path) -> bytes:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(at)}
    done = subprocess.run(command, cwd=at, env=environment, capture_output=True, timeout=120, check=True)
    return done.stdout


@contextmanager
def _browser(at: Path) -> Iterator[Any]:
    """A browser that is asked over a pair of pipes, which is DevTools without a WebSocket."""
    to_read, we_write = os.pipe()
    we_read, to_write = os.pipe()
    # It reads from 3 and writes to 4: above them, neither is covered; below 10, a shell can name them.
    theirs = [fcntl.fcntl(each, fcntl.F_DUPFD, 5) for each in (to_read, to_write)]
    command = [*_CHROMIUM, "--remote-debugging-pipe", f"--user-data-dir={at / 'profile'}", "about:blank"]
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}', "sh", *command],
        pass_fds=theirs,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for each in (to_read, to_write, *theirs):
        os.close(each)
    number = 0
    with open(we_write, "wb", buffering=0) as out, open(we_read, "rb") as answers:
        waiting = bytearray()

        def ask(method: str, given: dict[str, Any] | None = None, session: str | None = None) -> Any:
            nonlocal number
            number += 1
            message = {"id": number, "method": method, "params": given or {}}
            out.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
            while True:
                told = _next(answers, waiting)
                if told.get("id") == number:
                    if "error" in told:
                        raise RuntimeError(f"{method}: {told['error']}")
                    return told["result"]

        try:
            yield ask
        finally:
            ask("Browser.close")
            process.wait(30)


def _next(answers: Any, waiting: bytearray) -> Any:
    while (end := waiting.find(b"\0")) < 0:
        more = answers.read1(1 << 20)
        if not more:
            raise RuntimeError("the browser has gone")
        waiting += more
    message = bytes(waiting[:end])
    del waiting[: end + 1]
    return json.loads(message)


def _opened(ask: Any, source: Path) -> str:
    target = ask("Target.createTarget", {"url": "about:blank"})["targetId"]
    session = str(ask("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"])
    ask("Page.enable", session=session)
    ask("Page.navigate", {"url": source.as_uri()}, session)
    loaded = "new Promise(done => document.readyState === 'complete' ? done() : onload = done)"
    ask("Runtime.evaluate", {"expression": loaded, "awaitPromise": True}, session)
    ask(
        "Runtime.evaluate",
        {"expression": "document.fonts.ready.then(() => 1)", "awaitPromise": True},
        session,
    )
    return session
