"""What Slack, and the network on the way to it, does to one request: each lie is struck when it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.owed import CHANNEL, POST, UPDATE
from tests.slack_stand_in import Call, Fault, SlackStandIn

Strike = Callable[[SlackStandIn, Call], None]

HANG, TIMEOUT = 0.5, 0.3  # true seconds: how long Slack hangs, and how long we wait then
_READING = ("conversations.history", "conversations.replies")


@dataclass(frozen=True, slots=True)
class Lie:
    """`fits`: which methods it may strike, and `of` which subjects; all if there are none.
    `is_down`: nobody listens for a minute.

    Some lies let a promise go: a thread that takes no replies, a message that cannot be shown anew,
    metadata that is refused.
    """

    name: str
    strike: Strike
    fits: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    timeout: float = 0.0
    is_down: bool = False
    uproots: bool = False
    makes_stale: bool = False
    unnames: bool = False
    is_typical: bool = False  # one of those that meet a kill at every point

    def may_strike(self, method: str, subject: str) -> bool:
        return (not self.fits or method in self.fits) and (not self.of or subject in self.of)


def _fault(kind: str = "status", **given: Any) -> Strike:
    def strike(slack: SlackStandIn, call: Call) -> None:
        slack.faults.insert(0, Fault(kind, method=call.method, **given))

    return strike


def _both(name: str, kind: str = "status", *, typical: str = "", **given: Any) -> Iterable[Lie]:
    """Before it was done, and after."""
    timeout = TIMEOUT if kind == "hang" else 0.0
    for posted, when in ((False, "before"), (True, "after")):
        strike = _fault(kind, posted=posted, **given)
        yield Lie(f"{name}, {when}", strike, timeout=timeout, is_typical=when in typical.split())


def _throttled(name: str, *, posted: bool = False, typical: bool = False, **headers: str) -> Lie:
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return Lie(name, _fault(status=429, posted=posted, headers=given), is_typical=typical)


def _refusal(code: str, *, letter: str, posted: bool = False, **more: Any) -> Lie:
    headers = {"Retry-After": "20"} if letter == "B" else {}
    name = f"{letter} {code}" + (", posted" if posted else "")
    return Lie(name, _fault("error", error=code, posted=posted, headers=headers), **more)


def _unread(name: str, kind: str = "status", times: int = 3, timeout: float = 0.0, **given: Any) -> Lie:
    """Posted, and the connection broken; and then the channel cannot be read so many times."""

    def strike(slack: SlackStandIn, call: Call) -> None:
        slack.faults.insert(0, Fault("close", posted=True, method=call.method))
        for method in _READING:
            slack.faults.extend(Fault(kind, method=method, **given) for _ in range(times))

    return Lie(f"posted, unread: {name}", strike, fits=(POST,), timeout=timeout)


def _lagging(slack: SlackStandIn, call: Call) -> None:
    slack.history_lag = 10.0
    slack.faults.insert(0, Fault("reset", posted=True, method=call.method))


def _revoked(slack: SlackStandIn, call: Call) -> None:
    slack.faults.insert(0, Fault("error", error="token_revoked", method=call.method))
    slack.revoke_token()
    slack.do_late(200.0, slack.restore_token)


def _revoked_after(slack: SlackStandIn, call: Call) -> None:
    slack.faults.insert(0, Fault("close", posted=True, method=call.method))
    slack.revoke_token()
    slack.do_late(200.0, slack.restore_token)


def _archived(slack: SlackStandIn, call: Call) -> None:
    slack.archive(CHANNEL)
    slack.do_late(400.0, lambda: slack.restore(CHANNEL))


def _archived_after(slack: SlackStandIn, call: Call) -> None:
    slack.faults.insert(0, Fault("close", posted=True, method=call.method))
    slack.do_late(1.0, lambda: slack.archive(CHANNEL))
    slack.do_late(400.0, lambda: slack.restore(CHANNEL))


def _shown_out(slack: SlackStandIn, call: Call) -> None:
    slack.remove_bot(CHANNEL)
    slack.do_late(400.0, lambda: slack.invite_bot(CHANNEL))


def _long_outage(slack: SlackStandIn, call: Call) -> None:
    """Everything is answered by 503 for half an hour."""
    slack.weather = Fault(status=503)
    slack.do_late(1800.0, lambda: setattr(slack, "weather", None))


def _root_deleted(slack: SlackStandIn, call: Call) -> None:
    """A person deletes the message in whose thread this was to go, and Slack knows it no more."""
    slack.faults.insert(0, Fault("error", error="thread_not_found", method=call.method))


def _never_taken(slack: SlackStandIn, call: Call) -> None:
    """In none of the forms that a message may have."""
    slack.faults.extend(Fault("error", error="invalid_arguments", method=call.method) for _ in range(5))


def _nothing(slack: SlackStandIn, call: Call) -> None:
    """All is well."""


_LIES = (
    Lie("none", _nothing, is_typical=True),
    Lie("refused", _nothing, is_down=True),
    _throttled("429", Retry_After="30"),
    _throttled("429 without Retry-After"),
    _throttled("429, Retry-After 0.5", Retry_After="0.5"),
    _throttled("429, Retry-After soon", Retry_After="soon"),
    _throttled("429, posted", Retry_After="30", posted=True, typical=True),
    *_both("500", status=500, typical="after"),
    *_both("502", status=502),
    *_both("503", status=503, typical="before"),
    *_both("504", status=504),
    *_both("reset", "reset", typical="after"),
    *_both("silent close", "close"),
    *_both("hang", "hang", seconds=HANG),
    *_both("html with 200", "html"),
    Lie("half an answer, before", _fault("half")),
    Lie("half an answer, after", _fault("half", posted=True), is_typical=True),
    Lie("done 1 s late", _fault("reset", posted=True, late=1.0), fits=(POST, UPDATE)),
    Lie("done 8 s late", _fault("close", posted=True, late=8.0), fits=(POST, UPDATE), is_typical=True),
    Lie("done 12 s late", _fault(status=500, posted=True, late=12.0), fits=(POST, UPDATE)),
    Lie("history lags by 10 s", _lagging, fits=(POST,), is_typical=True),
    _unread("500", status=500),
    _unread("429", status=429, headers={"Retry-After": "40"}),
    _unread("html", "html"),
    _unread("reset", "reset", times=6),
    _unread("hang", "hang", times=1, timeout=TIMEOUT, seconds=HANG),
    _unread("internal_error", "error", error="internal_error"),
    _unread("token_revoked", "error", error="token_revoked"),
    Lie("token revoked, restored", _revoked, is_typical=True),
    Lie("posted, then token revoked, restored", _revoked_after, fits=(POST, UPDATE)),
    Lie("channel archived, restored", _archived, fits=(POST, UPDATE), is_typical=True),
    Lie("posted, then channel archived, restored", _archived_after, fits=(POST,)),
    Lie("shown out, invited", _shown_out, fits=(POST,)),
    Lie("503 for half an hour", _long_outage),
    _refusal("ratelimited", letter="B"),
    _refusal("message_limit_exceeded", letter="B"),
    _refusal("ratelimited", letter="B", posted=True),
    _refusal("internal_error", letter="C"),
    _refusal("internal_error", letter="C", posted=True),
    _refusal("fatal_error", letter="C", posted=True),
    _refusal("service_unavailable", letter="C"),
    _refusal("request_timeout", letter="C", posted=True),
    _refusal("duplicate_message_not_found", letter="C", fits=(POST,)),
    _refusal("a_code_of_next_year", letter="C"),
    _refusal("msg_too_long", letter="D", fits=(POST, UPDATE)),
    _refusal("invalid_blocks", letter="D", fits=(POST, UPDATE), is_typical=True),
    _refusal("msg_blocks_too_long", letter="D", fits=(POST, UPDATE)),
    _refusal("metadata_too_large", letter="D", fits=(POST, UPDATE), unnames=True),
    Lie(
        "D in any form",
        _never_taken,
        fits=(POST,),
        of=("burst", "quiet hours"),
        unnames=True,
        is_typical=True,
    ),
    Lie("E thread_not_found", _root_deleted, fits=(POST,), uproots=True, is_typical=True),
    _refusal("cannot_reply_to_message", letter="E", fits=(POST,), uproots=True),
    _refusal("restricted_action_thread_locked", letter="E", fits=(POST,), uproots=True),
    _refusal("channel_not_found", letter="F", fits=(POST, UPDATE)),
    _refusal("not_in_channel", letter="F", fits=(POST,)),
    _refusal("restricted_action", letter="F", fits=(POST,)),
    _refusal("ekm_access_denied", letter="F", fits=(POST, UPDATE)),
    _refusal("invalid_auth", letter="G"),
    _refusal("missing_scope", letter="G"),
    _refusal("account_inactive", letter="G"),
    _refusal("message_not_found", letter="H", fits=(UPDATE,), makes_stale=True),
    _refusal("cant_update_message", letter="H", fits=(UPDATE,), makes_stale=True),
    _refusal("edit_window_closed", letter="H", fits=(UPDATE,), makes_stale=True),
)
LIES: Mapping[str, Lie] = {lie.name: lie for lie in _LIES}
