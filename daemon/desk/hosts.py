"""Is a request meant for this desk, and does it come from a page of it. Decisions on what it says alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import quote

from daemon.tables import Desk

SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}

_HOST = re.compile(r"([a-z0-9]|[a-z0-9][a-z0-9.-]*[a-z0-9]|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?")
_ANYWHERE = frozenset(("0.0.0.0", "::"))  # noqa: S104
_USUAL_PORTS = ("80", "443")


def names_of(desk: Desk) -> frozenset[str]:
    """What a Host header may say, in small letters. A name of `hosts` stands with any usual port or ours:
    a proxy before us has its own.
    """
    if desk.address is None:
        return frozenset()
    host, port = desk.address
    own = {"localhost", *(() if host in _ANYWHERE else (host.lower(),))}
    if desk.is_for_this_machine:
        own |= {"127.0.0.1", "::1"}
    names = {f"{_bracketed(name)}:{port}" for name in own}
    names |= {f"{name}:{each}" for name in desk.hosts for each in (port, *_USUAL_PORTS)} | set(desk.hosts)
    if port == 80:
        names |= {_bracketed(name) for name in own}
    return frozenset(names)


def is_ours(given: Sequence[str], names: Collection[str]) -> bool:
    """Whether the Host headers of a request are one, and name this desk: else a page of another name that
    leads here (DNS rebinding) could read what we answer.
    """
    if len(given) != 1:
        return False
    host = given[0].lower()
    return _HOST.fullmatch(host) is not None and host in names


def is_foreign(method: str, headers: Mapping[str, str], *, host: str, secure: bool) -> bool:
    """Whether a page of another origin asks for a change, or for a part of a page.

    Origin tells where a change comes from (Fetch, "append a request Origin header"). Where a browser sends
    none, Sec-Fetch-Site does; a program sends neither, and has no cookie that others could use.
    """
    site, mode = headers.get("sec-fetch-site"), headers.get("sec-fetch-mode")
    if method in SAFE:
        return site in ("cross-site", "same-site") and mode != "navigate"
    origin = headers.get("origin")
    if origin is not None:
        schemes = ("https",) if secure else ("http", "https")
        return origin.lower() not in {f"{scheme}://{host.lower()}" for scheme in schemes}
    return site not in (None, "same-origin", "none")


def is_plain(path: str) -> bool:
    """Whether a path leads where it says: no control characters, no way up, no other slashes."""
    if not path.startswith("/") or path.startswith("//") or not path.isprintable() or "\\" in path:
        return False
    return not any(part in ("..", ".") for part in path.split("/"))


def safe_path(given: str) -> str:
    r"""Where to go on to after signing in: an address of this desk, whatever was asked for.

    A browser reads a backslash as a slash and drops tabs and line ends, so "/\t/evil" leads elsewhere.
    """
    if len(given) > 2000 or not given.isprintable() or not given.isascii():
        return "/"
    if not given.startswith("/") or given.startswith("//") or "\\" in given:
        return "/"
    return given


def asked_for(path: str, query: bytes) -> str:
    """An address of this desk as it is written, to come back to."""
    said = query.decode("ascii", "replace")
    return safe_path(quote(path) + (f"?{said}" if said else ""))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
