"""What Slack, and the network on the way to it, may do to a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """What happens to one request. `posted`: whether Slack does what was asked all the same.

    The kinds: `status` and `error` are answers; `html` is somebody else's answer; `reset` and
    `close` break the connection, `hang` after `seconds`; `half` breaks it in the middle of the true
    answer; `slow` gives the true answer after `seconds`. `late`: it is done, but only so many
    seconds after the fault. `method`: whom it waits for, None: whatever comes next.
    """

    kind: str = "status"  # status | error | html | reset | close | hang | half | slow
    posted: bool = False
    status: int = 500
    error: str = "internal_error"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    method: str | None = "chat.postMessage"
    late: float = 0.0

    @property
    def is_done(self) -> bool:
        """Whether what was asked is done before the fault is felt."""
        return (self.posted or self.kind == "slow") and not self.late


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it arrived, `at` a moment of the stand-in's clock."""

    method: str
    given: Mapping[str, Any]
    at: float


Hook = Callable[[Call], None]
MOMENTS = ("arrived", "kept", "answered")


class SlackError(Exception):
    """An answer that is not ok."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.answer: dict[str, Any] = {"ok": False, "error": code, **more}


class TooFastError(SlackError):
    """An answer with status 429."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after
