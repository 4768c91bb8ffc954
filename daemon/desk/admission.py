"""Who asks: by a session, a token, a feed's key, or the word of a proxy."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from daemon.config import Settings
from daemon.desk import keys
from daemon.desk.attempts import Attempts
from daemon.desk.passwords import People
from daemon.desk.people import Person, Role
from daemon.desk.sessions import Sessions, same

OPERATOR = "operator"
PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Admitted:
    """Somebody who may come in. `identity` is what their forms' token is made of; None: a program, which
    sends its token with each request, and so needs no other.
    """

    person: Person
    identity: str | None


class Admission:
    """Made once for a process. Raises DaemonError where the secrets of the home cannot be read."""

    def __init__(self, settings: Settings) -> None:
        desk = settings.desk
        self.way = desk.way_in
        self.sessions = Sessions(keys.signing_key(settings.home))
        self.attempts = Attempts()
        self.people = People(settings.home)
        self._token = keys.token(settings.home)
        self._proxies = tuple(ipaddress.ip_network(each) for each in desk.proxies)
        self._header, self._editors = desk.user_header.lower(), frozenset(desk.editors)
        self._port = desk.address[1] if desk.address else 0

    def admit(self, scope: Scope) -> Admitted | None:
        """None for whoever has not signed in. A program's token holds for what programs read alone."""
        headers = Headers(scope=scope)
        if is_for_programs(scope["path"]):
            given = headers.get("authorization")
            if given is not None:
                return Admitted(Person(PROGRAM, Role.EDITOR), None) if self.is_token(_bearer(given)) else None
            if scope["path"].startswith("/feeds") and (reader := self._of_feed_key(scope)):
                return reader
        if self.way == "proxy":
            return self._of_proxy(scope, headers)
        return self._of_session(scope)

    def is_token(self, given: str) -> bool:
        return same(self._token, given)

    def stamp_of(self, name: str) -> str | None:
        """What sessions of this person are bound to; None where there is nobody of that name any more."""
        if self.way == "token":
            return hashlib.sha256(self._token.encode()).hexdigest()[:16] if name == OPERATOR else None
        if self.way == "proxy":
            return ""
        known = self.people.known().get(name)
        return known.stamp if known else None

    def feed_key(self, person: Person) -> str:
        """What stands in a feed's address for its reader, who cannot sign in."""
        return self.sessions.feed_key(person.name, self.stamp_of(person.name) or "")

    def cookie(self, scope: Scope) -> str:
        """The name of the session's cookie. Cookies are not kept apart by port, so it is in the name."""
        return f"__Host-topicwire_{self._port}" if self.is_secure(scope) else f"topicwire_{self._port}"

    def cookie_before(self, scope: Scope) -> str:
        """The name of the cookie that the form for signing in is bound to."""
        return f"{self.cookie(scope)}_before"

    def is_secure(self, scope: Scope) -> bool:
        """Whether the browser came by https: to us, or to a proxy whom we believe."""
        if scope["scheme"] == "https":
            return True
        return self._is_from_proxy(scope) and Headers(scope=scope).get("x-forwarded-proto") == "https"

    def address_of(self, scope: Scope) -> str:
        """Of whoever asks; behind a proxy of ours what that says, from the right, where it wrote."""
        address = _client(scope)
        if not self._is_from_proxy(scope):
            return address
        said = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))[-2000:].split(",")
        for each in reversed([part.strip() for part in said if part.strip()]):
            if not self._is_proxy(each):
                return each
        return address

    def _of_session(self, scope: Scope) -> Admitted | None:
        session = self.sessions.read(HTTPConnection(scope).cookies.get(self.cookie(scope), ""))
        if session is None:
            return None
        stamp = self.stamp_of(session.name)
        if stamp is None or not same(stamp, session.stamp):
            return None
        person = self._person(session.name)
        return Admitted(person, session.id) if person else None

    def _of_proxy(self, scope: Scope, headers: Headers) -> Admitted | None:
        given = headers.getlist(self._header)
        if len(given) != 1 or not self._is_from_proxy(scope):
            return None
        name = _as_utf8(given[0]).strip()
        if not name or len(name) > 200 or not name.isprintable():
            return None
        role = Role.EDITOR if name in self._editors else Role.READER
        return Admitted(Person(name, role), f"proxy {name}")

    def _of_feed_key(self, scope: Scope) -> Admitted | None:
        given = HTTPConnection(scope).query_params.get("key", "")
        name = self.sessions.name_in(given)
        stamp = self.stamp_of(name) if name is not None else None
        if name is None or stamp is None or not same(self.sessions.feed_key(name, stamp), given):
            return None
        return Admitted(Person(name, Role.READER), f"feed {name}")

    def _person(self, name: str) -> Person | None:
        if self.way == "token":
            return Person(OPERATOR, Role.EDITOR)
        known = self.people.known().get(name)
        return known.person if known else None

    def _is_from_proxy(self, scope: Scope) -> bool:
        return self._is_proxy(_client(scope))

    def _is_proxy(self, address: str) -> bool:
        return _lies_in(address, self._proxies)


def is_for_programs(path: str) -> bool:
    """Whether programs read it: they sign nothing and follow no form."""
    return path == "/api" or path.startswith(("/api/", "/feeds/"))


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _as_utf8(given: str) -> str:
    """Headers come as latin-1; names that are not English come as UTF-8 in them."""
    try:
        return given.encode("latin-1").decode()
    except ValueError:
        return given


def _bearer(given: str) -> str:
    scheme, _, token = given.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _lies_in(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks if network.version == found.version)
