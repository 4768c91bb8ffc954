"""The apprise receiver: other chats, by the optional package apprise. Plain text, at least once.

apprise says whether it delivered and no more, so whatever it did not is sent again. Its address is
a secret and comes from a file; it may name a chat, and nothing on this machine.
"""

from __future__ import annotations

import importlib
import inspect
import logging
from types import ModuleType
from typing import Any, NoReturn

from daemon import clock, plain
from daemon.backoff import Pace
from daemon.errors import ConfigError, TemporaryDeliveryError, UnknownOutcomeError
from daemon.messages import Message
from daemon.records import Sent
from daemon.tables import is_this_machine

# The services that a newsroom talks by. A list of those that are refused would miss what the next
# apprise brings: of its own, some show windows, write to the system's log or drive lamps here.
_SERVICES = frozenset(
    """
    apprises cliq dingtalk discord feishu flock forms gchat gotifys groupme guilded jsons kook lark line
    mailtos matrixs mmosts nctalks ntfys pbul pover revolt ringc rockets ryver signals slack synologys
    tgram twist viber webex wecombot workflow workflows wxteams xmls zulip
    """.split()
)
# Words behind the "?" that make apprise read a file, or send again what may have arrived.
_REFUSED_WORDS = frozenset(
    {"attach", "filename", "keyfile", "pgppub", "pgpprv", "subfile", "template", "retry", "wait"}
)
_ASSET = {
    "app_id": "topicwire",
    "async_mode": False,
    "interpret_emojis": False,
    "interpret_escapes": False,
    "secure_logging": True,
    "pgp_autogen": False,
    "pem_autogen": False,
    "http_redirects": False,
    "service_timeout": 40.0,  # a sending is believed dead after a minute
}
_SLOWEST = 1.0  # seconds between two messages where apprise asks for no more


class AppriseSender:
    """Posts messages as text to the chat that an apprise address names."""

    can_look = False
    can_thread = False
    groups = True

    def __init__(self, url: str, receiver: str = "apprise") -> None:
        apprise = _package(receiver)
        # What it logs may hold parts of the address.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        service = _service(apprise, url, receiver)
        self._chat = apprise.Apprise()
        self._chat.add(service)
        self._text = apprise.NotifyFormat.TEXT
        self._longest = int(service.body_maxlen)
        self._pace = Pace(max(_SLOWEST, float(service.request_rate_per_sec)), 1)

    def send(self, message: Message) -> Sent:
        """Post a message. Any failure leaves open whether it arrived: apprise does not tell them apart."""
        try:
            body = _within(plain.text(message), self._longest)
            done = self._chat.notify(body=body, title="", body_format=self._text)
        except Exception as error:
            raise UnknownOutcomeError(f"unexpected of apprise: {type(error).__name__}") from None
        if not done:
            raise UnknownOutcomeError(
                "apprise could not deliver, and does not say why; try its own command with the same address"
            )
        return Sent()

    def find(self, message: Message, since: float, *, everywhere: bool = False) -> NoReturn:
        raise NotImplementedError("apprise has no history")

    def take_back(self, sent: Sent) -> None:
        """What stands there stays there."""

    def update(self, message: Message, sent: Sent) -> NoReturn:
        raise NotImplementedError("apprise does not say where its messages are")

    def upload(self, png: bytes, title: str) -> NoReturn:
        raise TemporaryDeliveryError("apprise is given no pictures")

    def pause(self) -> float:
        return self._pace.wait(clock.monotonic())

    def update_pause(self) -> float:
        return 0.0


def _package(receiver: str) -> ModuleType:
    try:
        return importlib.import_module("apprise")
    except ImportError:
        raise _refused(
            receiver, "the package apprise is not there; `pip install 'topicwire[apprise]'`"
        ) from None


def _service(apprise: ModuleType, url: str, receiver: str) -> Any:
    """The service of an address, if it is one of those we talk to; ConfigError says why not."""
    plugins = importlib.import_module("apprise.plugins")
    given = plugins.url_to_dict(url, secure_logging=True) or {}
    scheme = str(given.get("schema") or "").lower()
    host = str(given.get("host") or "")
    is_secure = scheme in _SERVICES
    if not scheme or not (is_secure or f"{scheme}s" in _SERVICES):
        known = ", ".join(sorted(_SERVICES))
        raise _refused(receiver, f"the address names no service that we know; there are {known}")
    if not is_secure and not is_this_machine(host):
        raise _refused(receiver, f"the address would send in the clear; write {scheme}s://")
    words = {str(word).lower() for word in given.get("qsd") or ()}
    if words & _REFUSED_WORDS:
        raise _refused(
            receiver, f"the address may not have {', '.join(sorted(words & _REFUSED_WORDS))} in it"
        )
    service = apprise.Apprise.instantiate(given, asset=_asset(apprise.AppriseAsset))
    if service is None:
        raise _refused(receiver, "apprise does not understand the address")
    if len(service) != 1:
        raise _refused(receiver, "the address names several chats; give each a receiver of its own")
    return service


def _asset(kind: Any) -> Any:
    """How apprise should behave, as far as this version of it knows how."""
    known = inspect.signature(kind.__init__).parameters
    return kind(**{key: value for key, value in _ASSET.items() if key in known or hasattr(kind, key)})


def _refused(receiver: str, why: str) -> ConfigError:
    return ConfigError([f"receiver {receiver!r}: {why}"])


def _within(text: str, most: int) -> str:
    """As much of a text as a chat takes in one message, cut between lines: apprise would send several."""
    if len(text) <= most:
        return text
    head = text[: most - 2]
    at_line = head.rpartition("\n")[0]
    return (at_line if len(at_line) > most // 2 else head).rstrip() + "\n…"
