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
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from tests import postgres
from tests.faults import cuts, stills
from tests.faults.accounting import Outcome
from tests.faults.articles import trade_text
from tests.faults.creche import Creche
from tests.faults.crowd import LEASE, SETTLE, TOPICS, Crowd, Member
from tests.faults.newsroom import Newsroom, files_in
from tests.faults.together import account_together
from tests.postgres import Server
from tests.slack_stand_in import Fault, SlackStandIn

KILLED, FROZEN, RESTARTED, CRASHED = "SIGKILL", "frozen anywhere", "server restarted", "server killed"
# Leases. The second is longer than it takes until a message is sent again.
BRIEFLY, LONG = 2.0, 11.0

_OWED = (
    "SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('sent', 'merged', 'dead')"
    " OR (state = 'sent' AND revision > shown AND message IS NOT NULL)"
)
_NOT_FINAL = "SELECT COUNT(*) FROM files WHERE state NOT IN ('done', 'failed', 'gone', 'outgrown')"
_SENDING = "SELECT id FROM deliveries WHERE state = 'sending'"
_OWED_ONES = "SELECT id FROM deliveries WHERE state NOT IN ('sent', 'merged')"
_STANDING = "SELECT COUNT(*) FROM deliveries WHERE state = 'sent' AND message IS NOT NULL"
_HAS_FILES = "SELECT COUNT(*) FROM arriving WHERE claimant LIKE '{process} %'"
_SENDS = "SELECT COUNT(*) FROM leases WHERE claimant LIKE '{process} %' AND name LIKE 'receiver %'"
_KNOWN = "SELECT COUNT(DISTINCT fingerprint) FROM files"
_TAKEN_BY = "SELECT daemon, COUNT(*) FROM files GROUP BY daemon ORDER BY daemon"

_NO_SERVER = "the ledger's server"  # so begins what a start says that found none, or lost it
_STEP = 0.05  # seconds between two looks at what goes on
_PATIENCE = 300.0  # seconds in which nothing at all moves, once nothing breaks any more
_MOST_ASKED = (
    20.0  # seconds that a place is waited for; where it must surely be reached, so many times longer
)
_SURELY = 20
_SPARED = 10.0  # seconds in which who stood still may make good what it did late
_A_MOMENT = 30.0  # in which what stands there twice must be taken back
_SAID_EACH = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens while so many articles come. `stills`: places at which a daemon stands still, each with
    for how many leases. `pause`: seconds between two files; `down`: how long the server is away at most;
    `hurried`: daemons wait less until a message surely shows; `surely`: who stands still does so until others
    have done its work, however slow the machine is; `slack_fails`: now and then an answer of Slack is lost.
    """

    daemons: int = 4
    articles: int = 3000
    kills: int = 60
    restarts: int = 4
    crashes: int = 4
    freezes: int = 6
    stills: Sequence[tuple[str, float]] = ()
    pause: float = 0.08
    down: float = 3.0
    lease: float = LEASE
    hurried: bool = False
    surely: bool = False
    slack_fails: bool = False

    def events(self, chance: random.Random) -> list[tuple[str, float]]:
        """In the order in which they happen, each with its leases where it has some."""
        found = [(KILLED, 0.0)] * self.kills + [(FROZEN, BRIEFLY)] * self.freezes + list(self.stills)
        found += [(RESTARTED, 0.0)] * self.restarts + [(CRASHED, 0.0)] * self.crashes
        chance.shuffle(found)
        return found


FULL = Plan(
    stills=(
        *((place, BRIEFLY) for place in stills.PLACES for _ in range(2)),
        *((place, LONG) for place in (stills.SEEN, stills.OWED, stills.HALF, stills.ASKED) for _ in range(2)),
    )
)
FEW = Plan(
    daemons=2,
    articles=60,
    kills=4,
    restarts=1,
    crashes=0,
    freezes=0,
    stills=((stills.HALF, BRIEFLY),),
    pause=0.05,
    down=0.5,
    lease=2.0,
    hurried=True,
    surely=True,
)
_ONLY_STILLS = replace(FEW, kills=0, restarts=0)
PLANTED = {
    "no generation check": (
        replace(_ONLY_STILLS, stills=((stills.CLAIMED, BRIEFLY),)),
        "rows in the ledger",
    ),
    "sends however late": (
        replace(_ONLY_STILLS, stills=((stills.OWED, BRIEFLY),)),
        "was alerted 2 times",
    ),
}


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part; without PostgreSQL it says that it was left out."""
    try:
        with postgres.server(durable=True) as server, Creche(folder / "creche") as creche:
            return [
                suffer(folder / "crowd", creche, server, FULL, say=say),
                *(find(folder / plant.replace(" ", "-"), creche, server, plant) for plant in PLANTED),
                *cuts.run(folder / "cuts", server, say),
            ]
    except postgres.NoPostgresError as error:
        return [Outcome("several daemons, killed", 0, (), f"skipped: {error}")]


def find(folder: Path, creche: Creche, server: Server, plant: str) -> Outcome:
    """A planted fault: ours, if it is not seen, or if the sound daemons show one in the same plan."""
    plan, words = PLANTED[plant]
    sound = suffer(folder / "sound", creche, server, plan)
    planted = suffer(folder / "planted", creche, server, plan, plant=plant)
    found = [fault for fault in planted.faults if words in fault]
    missed = () if found else (f"{plant}: nobody noticed",)
    note = f"{len(found)} faults, such as: {found[0]}" if found else planted.note
    return Outcome(f"planted: {plant}", 1, (*missed, *sound.faults), note)


def suffer(
    folder: Path,
    creche: Creche,
    server: Server,
    plan: Plan,
    *,
    plant: str = "",
    say: Callable[[str], None] = lambda line: None,
    seed: int = 20261122,
) -> Outcome:
    """Let the plan happen to daemons; `plant` names a fault of `nursery.PLANTS` to be found."""
    started = time.monotonic()
    folder.mkdir(parents=True)
    with SlackStandIn() as slack:
        crowd = Crowd(folder, creche, server, slack, plan.daemons, plant, plan.lease, plan.hurried)
        with crowd:
            with _Newsroom(crowd.inbox, seed=seed, pause=plan.pause, settle=SETTLE) as newsroom:
                trial = _Trial(crowd, plan, newsroom, random.Random(seed), say)
                trial.run()
            slack.faults.clear()
            faults, drained = trial.drain(takes_back=not plant)
            faults = trial.faults + faults + crowd.stop()
            faults += account_together(
                crowd.homes,
                crowd.inbox,
                crowd.ask,
                newsroom.made,
                slack,
                alerted=newsroom.alerted_by_desk(),
                set_aside=newsroom.set_aside,
            )
            shares = " + ".join(str(number) for _, number in crowd.ask(_TAKEN_BY))
        messages, repeats = len(slack.messages), slack.requests.count("chat.delete")
    happened = ", ".join(f"{number} {what}" for what, number in sorted(trial.happened.items()))
    note = (
        f"{happened}; {len(newsroom.made)} files ({shares}), {messages} messages, {repeats} repeats taken"
        f" back; drained in {drained:.0f} s; took {time.monotonic() - started:.0f} s"
    )
    part = f"{plan.daemons} daemons, killed, frozen, without their server"
    return Outcome(part, sum(trial.happened.values()), tuple(faults), note)


class _Newsroom(Newsroom):
    """Also writes of trade."""

    def __init__(self, inbox: Path, *, seed: int, pause: float, settle: float) -> None:
        super().__init__(inbox, seed=seed, pause=pause, settle=settle)
        self.of_trade: set[int] = set()

    def alerted_by_desk(self) -> dict[str, set[int]]:
        """What each desk must hear."""
        of = {"trade": self.of_trade, "energy": self.alerted - self.of_trade}
        return {
            f"desk-{desk}": set[int]().union(*(of[topic] for topic in topics or of))
            for desk, topics in TOPICS.items()
        }

    def _alerted(self, number: int) -> None:
        if self._chance.random() < 0.5:
            super()._alerted(number)
            return
        self.alerted.add(number)
        self.of_trade.add(number)
        self._drop(number, trade_text(number))


@dataclass(slots=True)
class _Trial:
    """Lets everything happen, one after the other and much of it at once."""

    crowd: Crowd
    plan: Plan
    newsroom: _Newsroom
    chance: random.Random
    say: Callable[[str], None]
    happened: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _born: dict[str, float] = field(default_factory=dict)  # when who is dead is to be started again
    _asked: tuple[str, float, float] | None = None  # the place, for how many leases, until when
    _sending: set[int] = field(default_factory=set)  # deliveries that were on their way when one stood still
    _has: str = _SENDS
    _outage: threading.Thread | None = None

    def run(self) -> None:
        """Until all events of the plan have happened, and all its articles have come."""
        for member in self.crowd.members:
            member.bear()
        events = self.plan.events(self.chance)
        each = self.plan.articles * self.plan.pause / max(1, len(events))
        next_at = said_at = time.monotonic() + 2.0
        while events or self._is_busy() or len(self.newsroom.made) < self.plan.articles:
            time.sleep(_STEP)
            self._look()
            now = time.monotonic()
            if events and now >= next_at and self._happens(*events[0]):
                events.pop(0)
                next_at = now + self.chance.uniform(0.2, 1.8) * each
            if now - said_at > _SAID_EACH:
                said_at = now
                made, heard = len(self.newsroom.made), len(self.crowd.slack.messages)
                self.say(f"{self.happened[KILLED]} kills, {made} files, {heard} messages")

    def drain(self, *, takes_back: bool) -> tuple[list[str], float]:
        """Wait until nothing is left to do; who is dead is started again. Faults, and how long it took."""
        started = moved_at = time.monotonic()
        last = -1
        while not self._rests():
            asked = len(self.crowd.slack.requests)
            if asked != last:
                last, moved_at = asked, time.monotonic()
            if time.monotonic() - moved_at > _PATIENCE:
                return ["not at rest, and nothing moves"], time.monotonic() - started
            self._look()
            time.sleep(4 * _STEP)
        took = time.monotonic() - started
        if takes_back:
            self.crowd.slack.wait_until(self._stands_once, _A_MOMENT)
        return [], took

    def _stands_once(self) -> bool:
        return len(self.crowd.slack.messages) <= self.crowd.count(_STANDING)

    def _is_busy(self) -> bool:
        frozen = any(each.frozen_until is not None for each in self.crowd.members)
        return frozen or self._asked is not None or self._is_down()

    def _is_down(self) -> bool:
        return self._outage is not None and self._outage.is_alive()

    def _look(self) -> None:
        """What is due of what was begun."""
        self._see_who_stands()
        for member in self.crowd.members:
            now = time.monotonic()
            if member.frozen_until is not None and now >= member.frozen_until and self._is_past(member):
                member.go_on(spared=_SPARED)
            code = member.ended_by_itself()
            if code is not None:
                self._ended(member, code)
            if member.life is None and now >= self._born.get(member.name, 0.0):
                member.bear()

    def _is_past(self, member: Member) -> bool:
        """Whether others have all that a frozen one had."""
        if not self.plan.surely or member.life is None:
            return True
        still = self.crowd.count(self._has.format(process=member.life.process))
        with suppress(psycopg.OperationalError):
            return still == 0 and not self._sending & {row for (row,) in self.crowd.ask(_OWED_ONES)}
        return False

    def _ended(self, member: Member, code: int) -> None:
        """A start without the server ends with an error, and systemd tries again; nothing else may."""
        self._born[member.name] = time.monotonic() + 0.5
        if code == 1 and _NO_SERVER in member.last_said:
            self.happened["starts without the server"] += 1
        else:
            self.faults.append(f"{member.name} ended by itself with {code}, see its log")

    def _see_who_stands(self) -> None:
        process = self.crowd.still.stands()
        if process is not None and (member := self.crowd.of(process)) is not None:
            place, leases, _ = self._asked or ("nowhere", BRIEFLY, 0.0)
            self.happened[_said(place, leases)] += 1
            member.stands(leases * self.plan.lease)
            self._sending = (
                {identity for (identity,) in self.crowd.ask(_SENDING)} if self.plan.surely else set()
            )
            self._has = _HAS_FILES if place in (stills.CLAIMED, stills.RECORDED) else _SENDS
            self._asked = None
        elif self._asked is not None and time.monotonic() > self._asked[2] and self.crowd.still.forget():
            self.happened[f"nobody came to {self._asked[0]}"] += 1
            self._asked = None

    def _happens(self, what: str, leases: float) -> bool:
        """Whether it can now."""
        match what:
            case _ if what in (RESTARTED, CRASHED):
                return self._server_goes(what)
            case _ if what in stills.PLACES:
                return self._ask(what, leases)
        able = [member for member in self.crowd.members if member.may_be_hurt]
        if not able:
            return False
        member = self.chance.choice(able)
        if what == KILLED:
            if self.plan.slack_fails:
                self._plant_faults()
            member.kill()
            self._born[member.name] = (
                time.monotonic() + self.chance.choice((0.0, 0.0, 1.0, 2.0)) * self.plan.lease
            )
        else:
            member.freeze(leases * self.plan.lease)
        self.happened[what] += 1
        return True

    def _ask(self, place: str, leases: float) -> bool:
        if self._asked is not None or self._is_down():
            return False
        most = _MOST_ASKED * (_SURELY if self.plan.surely else 1)
        self._asked = (place, leases, time.monotonic() + most)
        self.crowd.still.ask(place)
        return True

    def _server_goes(self, what: str) -> bool:
        if self._is_down():
            return False
        server, away = self.crowd.server, self.chance.uniform(0.0, self.plan.down)

        def outage() -> None:
            server.stop() if what == RESTARTED else server.kill()
            time.sleep(away)
            server.start()

        self._outage = threading.Thread(target=outage, name="outage", daemon=True)
        self._outage.start()
        self.happened[what] += 1
        return True

    def _plant_faults(self) -> None:
        """Now and then Slack is not at its best."""
        slack = self.crowd.slack
        if not slack.faults and self.chance.random() < 0.3:
            faults = (Fault("reset", posted=True), Fault("close", posted=True), Fault(status=500))
            slack.faults.append(self.chance.choice(faults))

    def _rests(self) -> bool:
        """Every file is known and at its place, every alert delivered."""
        if files_in(self.crowd.inbox) or any(member.life is None for member in self.crowd.members):
            return False
        if self.crowd.count(_KNOWN) < len(set(self.newsroom.made.values())):
            return False
        with suppress(psycopg.OperationalError):
            return not any(self.crowd.count(left) for left in (_OWED, _NOT_FINAL))
        return False


def _said(place: str, leases: float) -> str:
    return f"at {place}, {'long' if leases >= LONG else 'briefly'}"
