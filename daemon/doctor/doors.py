"""Doors: the addresses where the desk page and the metrics listen; are they free, and who reaches them."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from daemon.alive import process_of_daemon
from daemon.config import Settings
from daemon.findings import Finding, fine, problem, warning
from daemon.tables import is_this_machine


def examine(settings: Settings) -> Iterator[Finding]:
    runs = process_of_daemon(settings.home) is not None
    if settings.desk.address is not None:
        yield from _of_door("desk", "desk.listen", *settings.desk.address, runs=runs)
        if not is_this_machine(settings.desk.address[0]) and settings.desk.way_in != "proxy":
            yield warning(
                "desk",
                f"others reach it at {settings.desk.listen} without encryption, passwords included",
                'put a proxy with TLS before it and write login = "proxy", or listen on 127.0.0.1',
            )
    if settings.metrics.address is not None:
        yield from _of_door("metrics", "metrics.listen", *settings.metrics.address, runs=runs)
        if not is_this_machine(settings.metrics.address[0]):
            said = f"anybody who reaches {settings.metrics.listen} reads them: names of receivers and topics"
            yield warning(
                "metrics", said, "listen on 127.0.0.1, or let Prometheus alone through the firewall"
            )


def _of_door(about: str, key: str, host: str, port: int, *, runs: bool) -> Iterator[Finding]:
    """A daemon that runs has it already."""
    if runs:
        yield fine(about, f"{host}:{port}, by the daemon that runs")
        return
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another program listens there" if taken else error.strerror or "no such host"
        mend = f"name another port in {key}" if taken else f"name an address of this machine in {key}"
        yield problem(about, f"{host}:{port} cannot be listened on: {reason}", mend)
        return
    yield fine(about, f"{host}:{port} is free")
