"""A forwarder between a client and a server that keeps what both said, as Slack's types speak of it."""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

# A form has only texts; Slack's types speak of what the texts stand for.
_NUMBERS = frozenset({"limit", "length", "count", "page"})
_FLAGS = frozenset(
    {"inclusive", "include_all_metadata", "include_num_members", "include_locale", "reply_broadcast",
     "unfurl_links", "unfurl_media", "link_names", "as_user", "exclude_archived"}
)  # fmt: skip
_JSON = frozenset({"blocks", "metadata", "files", "view", "attachments"})
_PASSED_ON = ("Authorization", "Content-Type", "User-Agent")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. `given` and `answer` are None where they are no JSON object, nor a form."""

    method: str
    given: dict[str, Any] | None
    answer: dict[str, Any] | None


@dataclass
class Recorder:
    """`with Recorder(address) as recorder:`; clients take `recorder.url` for the `[slack] api_url`."""

    target: str
    exchanges: list[Exchange] = field(default_factory=list)

    def __enter__(self) -> Recorder:
        recorder = self

        class Handler(_Handler):
            kept = recorder

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{urlsplit(self.target).path}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, method: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.method == method]


class _Handler(BaseHTTPRequestHandler):
    kept: Recorder
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.kept.target)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
        headers = {name: self.headers[name] for name in _PASSED_ON if self.headers[name]}
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        method = urlsplit(self.path).path.rpartition("/")[2]
        given = _as_object(body, self.headers.get("Content-Type", ""))
        self.kept.exchanges.append(Exchange(method, given, _as_object(said, "application/json")))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _as_object(body: bytes, kind: str) -> dict[str, Any] | None:
    try:
        if "json" in kind:
            found = json.loads(body or b"{}")
            return found if isinstance(found, dict) else None
        if "form" in kind or not body:
            return {
                name: _meant(name, value) for name, value in parse_qsl(body.decode(), keep_blank_values=True)
            }
    except ValueError:
        return None
    return None


def _meant(name: str, value: str) -> Any:
    if name in _NUMBERS and value.isdecimal():
        return int(value)
    if name in _FLAGS and value in ("0", "1"):
        return value == "1"
    return json.loads(value) if name in _JSON else value
