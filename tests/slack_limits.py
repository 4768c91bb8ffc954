"""Slack's rate limits (docs.slack.dev, rate limits), as token buckets. Pure: it is told the time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.slack_faults import TooFastError

PER_MINUTE: Mapping[str, int] = {
    "chat.update": 50,  # tier 3
    "chat.delete": 50,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "conversations.join": 50,
    "files.getUploadURLExternal": 100,  # tier 4
    "files.completeUploadExternal": 100,
    "files.info": 100,
}
POSTS = frozenset({"chat.postMessage", "chat.postEphemeral"})


@dataclass
class Bucket:
    """So many at once, and then at this rate."""

    rate: float  # a second
    size: float
    level: float
    at: float

    def wait(self, now: float) -> float:
        """Seconds until one may go; 0.0 takes it."""
        self.level = min(self.size, self.level + max(0.0, now - self.at) * self.rate)
        self.at = now
        if self.level < 1.0:
            return (1.0 - self.level) / self.rate
        self.level -= 1.0
        return 0.0


@dataclass
class Limits:
    """About one message a second a channel after a burst, and so many calls of a method a minute."""

    rate: float = 1.0
    burst: int = 3
    grace: float = 0.5  # messages: "about" one a second, and requests bunch up on the way
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def check(self, method: str, channel: str, now: float) -> None:
        """Raise TooFastError if this call is one too many."""
        if method in POSTS:
            rate, size, name = self.rate, self.burst + self.grace, f"post {channel}"
        elif method in PER_MINUTE:
            rate, size, name = PER_MINUTE[method] / 60, float(PER_MINUTE[method]), method
        else:
            return
        bucket = self.buckets.setdefault(name, Bucket(rate, size, size, now))
        if (wait := bucket.wait(now)) > 0:
            raise TooFastError(math.ceil(wait))
