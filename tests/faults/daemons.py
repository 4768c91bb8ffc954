"""Several daemons, killed: one ledger on PostgreSQL, one inbox, and everything that can break does.

Daemons are killed and started again, stopped for longer than their lease at any moment and at the worst
ones (see `stills`), and the server is restarted and killed under them. At the end every article is in
the ledger once, every file in one home, every alert in Slack once and in order (see `together`).
Two faults are planted, which must be seen; and the server ends our connection at every statement (see
`cuts`).
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests import postgres
from tests.faults import cuts, stills
from tests.faults.accounting import Outcome
from tests.faults.articles import trade_text
from tests.faults.crowd import LEASE, SETTLE, TOPICS, Crowd, Member
from tests.faults.newsroom import Newsroom, files_in
from tests.faults.together import account_together
from tests.slack_stand_in import Fault, SlackStandIn

_OWED = (
    "SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('sent', 'merged', 'dead')"
    " OR (state = 'sent' AND revision > shown AND message IS NOT NULL)"
)
_NOT_FINAL = "SELECT COUNT(*) FROM files WHERE state NOT IN ('done', 'failed', 'gone', 'outgrown')"
_TAKEN = "SELECT COUNT(*) FROM files"

_STEP = 0.05  # seconds between two looks at what goes on
_PATIENCE = 400.0  # seconds until all is done, once nothing breaks any more
_MOST_ASKED = 20.0  # seconds that a place is waited for
_SPARED = 10.0  # seconds in which who stood still may make good what it did late
_A_MOMENT = 2.5  # longer than a daemon waits that has something to take back


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens. `stills`: the places at which a daemon stands still, and for how many leases.

    `down`: for how many seconds at most the server is away; `pause`: seconds between two files.
    """

    daemons: int = 4
    articles: int = 3000
    kills: int = 60
    restarts: int = 4
    crashes: int = 4
    freezes: int = 6
    stills: Sequence[tuple[str, float]] = ()
    pause: float = 0.1
    down: float = 3.0
    lease: float = LEASE
    hurried: bool = False

    def events(self, chance: random.Random) -> list[tuple[str, float]]:
        """In the order in which they happen, each with its leases where it has some."""
        found: list[tuple[str, float]] = [
            *[("SIGKILL", 0.0)] * self.kills,
            *[("server restarted", 0.0)] * self.restarts,
            *[("server killed", 0.0)] * self.crashes,
            *[("frozen anywhere", 2.0)] * self.freezes,
            *self.stills,
        ]
        chance.shuffle(found)
        return found


_BRIEFLY, _LONG = 2.0, 8.0  # leases; the second is longer than it takes until a message is sent again
FULL = Plan(
    stills=[
        *[(place, _BRIEFLY) for place in stills.PLACES] * 2,
        *[(place, _LONG) for place in (stills.SEEN, stills.OWED, stills.HALF, stills.ASKED)] * 2,
    ]
)
_FEW = Plan(daemons=2, articles=60, kills=0, restarts=0, crashes=0, freezes=0, pause=0.05)
PLANTED: dict[str, tuple[Plan, str]] = {
    "no generation check": (_planned(stills.CLAIMED, 2.0), "rows in the ledger"),
    "sends however late": (_planned(stills.OWED, 3.0), "was alerted 2 times"),
}
