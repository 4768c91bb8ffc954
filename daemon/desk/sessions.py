"""Sessions: who has signed in, in a signed cookie; and the tokens that are made of it.

A session names its person and a stamp; the stamp changes with the password (or the token), which ends it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

DAYS = 14
_SALT = "topicwire desk session"
_MOST_ENDED = 10_000
_LONGEST = 2000  # characters of a cookie or a key; ours have a few hundred


@dataclass(frozen=True, slots=True)
class Session:
    """`id` is drawn anew at each signing in, so none can be given to somebody beforehand."""

    id: str
    name: str
    stamp: str


class Sessions:
    """Made and read with one key; another key knows none of them."""

    def __init__(self, key: str, *, seconds: int = DAYS * 24 * 3600) -> None:
        self._key = key.encode()
        self._seconds = seconds
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._serializer = URLSafeTimedSerializer(
            key, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def begin(self, name: str, stamp: str) -> str:
        """A new session's cookie."""
        return str(self._serializer.dumps([secrets.token_urlsafe(16), name, stamp]))

    def read(self, cookie: str) -> Session | None:
        """None where it is not ours, was changed, or is too old."""
        if not cookie or len(cookie) > _LONGEST:
            return None
        try:
            given = self._serializer.loads(cookie, max_age=self._seconds)
        except BadData:
            return None
        match given:
            case [str(identity), str(name), str(stamp)]:
                return None if identity in self._ended else Session(identity, name, stamp)
        return None

    def end(self, cookie: str) -> None:
        """A session that was signed out of is none any more, while this process runs."""
        session = self.read(cookie)
        if session is not None:
            self._ended[session.id] = None
            while len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)

    def token_of(self, identity: str) -> str:
        """What a form of that session must send along, so that no other site can send it."""
        return self._code("csrf", identity)

    def is_token_of(self, identity: str, given: str) -> bool:
        return same(self.token_of(identity), given)

    def feed_key(self, name: str, stamp: str) -> str:
        """What lets a feed reader read feeds, and nothing else, as this person."""
        who = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
        return f"{who}.{self._code('feeds', name, stamp)}"

    def name_in(self, feed_key: str) -> str | None:
        """Whose key it says it is; whether it is theirs `feed_key` of that name tells."""
        who, dot, _ = feed_key[:_LONGEST].partition(".")
        if not dot:
            return None
        try:
            return base64.b64decode(who + "=" * (-len(who) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            return None

    def _code(self, *parts: str) -> str:
        said = b"\0".join(hashlib.sha256(part.encode()).digest() for part in parts)
        return base64.urlsafe_b64encode(hmac.digest(self._key, said, "sha256")).decode().rstrip("=")


def same(ours: str, given: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(ours.encode(), given.encode("utf-8", "surrogateescape"))
