"""The day itself: everything is started, faults come, status is asked, and at the end all is counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.day import accounted, people, reckoning, truth
from tests.day.arriving import Arriving
from tests.day.breaking import Breaking, FindingError
from tests.day.hours import Hours
from tests.day.household import Household
from tests.day.keeping import Keeping
from tests.day.looking import Looking
from tests.day.people import People
from tests.day.plan import Plan
from tests.day.reckoning import HOUR, Series
from tests.slack_stand_in import SlackStandIn

_REST_SECONDS = 240.0  # real, in which all that came must be taken and delivered

_OWED = (
    "SELECT COUNT(*) FROM deliveries WHERE state NOT IN ('sent', 'merged', 'dead')"
    " OR (state = 'sent' AND revision > shown AND message IS NOT NULL)"
)
_NOT_FINAL = "SELECT COUNT(*) FROM files WHERE state NOT IN ('done', 'failed', 'gone')"
_SIZES = ("ledger.db", "ledger.db-wal", "desk.db", "desk.db-wal")

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One that was done: at which second of the day, and what it said."""

    at: float
    name: str
    said: str


@dataclass
class Lived:
    """What a day came to."""

    plan: Plan
    faults: list[Fault] = field(default_factory=list)
    checked: list[truth.Checked] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


def live(folder: Path, plan: Plan, *, models: Path | None = None, say: Say = lambda line: None) -> Lived:
    """A day in `folder`; `models` are those of a trained home, else one is trained before it begins."""
    lived = Lived(plan)
    with ExitStack() as stack:
        hours = Hours.begin(folder, speed=plan.speed)
        slack = stack.enter_context(SlackStandIn(hours.true_time, limits=True))
        household = Household(folder, hours, plan, slack)
        household.prepare(models)
        hours = household.hours = Hours.begin(folder, speed=plan.speed)  # the day begins now
        slack.clock = hours.true_time
        stack.callback(household.end)
        household.start()
        _Day(household, lived, say).live()
    return lived


class _Day:
    def __init__(self, household: Household, lived: Lived, say: Say) -> None:
        self._household, self._lived, self._say = household, lived, say
        self._plan, self._hours = lived.plan, household.hours
        self._over = threading.Event()
        self._keeping = Keeping(household)
        self._asked_while_away = 0

    def live(self) -> None:
        household, lived = self._household, self._lived
        with (
            Looking(household) as looking,
            Arriving(household.inbox, self._hours, self._plan) as arriving,
            People(household) as public,
        ):
            asking = threading.Thread(target=self._ask_now_and_then, daemon=True)
            asking.start()
            self._break_all(Breaking(household, arriving, self._keeping, self._plan.gap))
            self._wait_until(self._plan.minutes * 60.0)
            arriving.stop()
            public.stop()
            rested = self._rest()
            self._over.set()
            asking.join(200.0)
            lived.facts |= self._facts(public, arriving)
            lived.findings += (
                [] if rested else [f"not at rest {_REST_SECONDS:.0f} s after the day: {self._left()}"]
            )
            lived.findings += public.odd[:3]
        self._end()
        lived.series = reckoning.series(looking.looks)
        self._judge(arriving)

    def _break_all(self, breaking: Breaking) -> None:
        for moment, name in self._plan.moments():
            self._wait_until(moment)
            at = self._hours.passed()
            try:
                said = breaking.break_it(name)
            except FindingError as error:
                said = f"FOUND {error}"
                self._lived.findings.append(f"{name}: {error}")
            except Exception as error:  # the day goes on
                said = f"could not be done: {error!r}"
                self._lived.findings.append(f"{name} {said}")
            self._lived.faults.append(Fault(at, name, said))
            self._say(f"{at / HOUR:5.1f} h  {name}  {said}")

    def _wait_until(self, real: float) -> None:
        """So many real seconds after the start of the day."""
        while (left := self._hours.started + real - time.monotonic()) > 0:
            time.sleep(min(left, 1.0))
            household = self._household
            if not household.lives_now():
                code = household.life.process.poll()
                self._lived.findings.append(
                    f"the daemon ended by itself with {code}: {household.last_said()}"
                )
                household.start()

    def _ask_now_and_then(self) -> None:
        """`topicwired status --json`, so many times in the day."""
        each = self._plan.minutes * 60.0 / self._plan.samples
        number = 0
        while not self._over.wait(max(0.0, self._hours.started + number * each - time.monotonic())):
            number += 1
            try:
                checked = truth.check(self._household)
            except Exception as error:  # whatever it is, the day goes on and tells it
                checked = truth.Checked(self._hours.passed(), 0, (f"cannot be checked: {error!r}",))
            self._lived.checked.append(checked)

    def _rest(self) -> bool:
        """Whether all that came has been taken, and all that is owed delivered, in time."""
        self._household.slack.weather = None
        until = time.monotonic() + _REST_SECONDS
        while time.monotonic() < until:
            with self._household.reading() as connection:
                left = [connection.execute(each).fetchone()[0] for each in (_OWED, _NOT_FINAL)]
            waits = any(path.is_file() for path in self._household.inbox.rglob("*"))
            if not any(left) and not waits:
                return True
            time.sleep(0.5)
        return False

    def _left(self) -> str:
        with self._household.reading() as connection:
            rows = connection.execute(
                "SELECT receiver, state, form, COUNT(*), MIN(error) FROM deliveries WHERE state NOT IN"
                " ('sent', 'merged') GROUP BY 1, 2, 3"
            ).fetchall()
            files = connection.execute(_NOT_FINAL).fetchone()[0]
        waits = sum(path.is_file() for path in self._household.inbox.rglob("*"))
        return f"{rows}, {files} files on their way, {waits} in the inbox"

    def _end(self) -> None:
        code = self._household.stop()
        if code != 0:
            self._lived.findings.append(f"at the end of the day SIGTERM ended it with {code}")

    def _facts(self, public: People, arriving: Arriving) -> dict[str, str]:
        home, slack = self._household.home, self._household.slack
        sizes = {name: (home / name).stat().st_size / 2**20 for name in _SIZES if (home / name).exists()}
        kinds = ", ".join(f"{number} {what}" for what, number in arriving.kinds.most_common())
        with self._household.reading() as connection:
            articles = connection.execute("SELECT COUNT(*) FROM articles").fetchone()[0]
            alerts = connection.execute("SELECT COUNT(*) FROM alerts").fetchone()[0]
            runs = connection.execute("SELECT name, state, COUNT(*) FROM runs GROUP BY 1, 2").fetchall()
            trainings = connection.execute("SELECT state, COUNT(*) FROM trainings GROUP BY 1").fetchall()
        return {
            "files": f"{len(arriving.made)}: {kinds}",
            "articles": f"{articles}, which raised {alerts} alerts",
            "messages": f"{len(slack.messages)} at Slack, {len(slack.updates)} updates,"
            f" {slack.throttled} times too fast",
            "people": ", ".join(people.said(public.did)),
            "jobs": ", ".join(f"{name} {state} {number}" for name, state, number in runs),
            "trainings": ", ".join(f"{number} {state}" for state, number in trainings),
            "sizes": ", ".join(f"{name} {size:.1f} MiB" for name, size in sizes.items()),
            "log": f"{self._household.log.stat().st_size / 2**20:.1f} MiB",
        }

    def _judge(self, arriving: Arriving) -> None:
        household, lived = self._household, self._lived
        for each in lived.checked:
            lived.findings += [f"at {each.at / HOUR:.2f} h: {fault}" for fault in each.faults]
        lived.findings += accounted.shortened(accounted.account(household, arriving))
        lived.findings += accounted.of_log(household, len(lived.faults))
        lived.findings += accounted.secrets_kept(household)
        lived.findings += accounted.shortened(self._keeping.judge(self._plan.restored))
        lived.facts["backups"] = ", ".join(
            f"{sum(each.how == how for each in self._keeping.kept)} {how}"
            for how in ("still", "in motion", "nightly")
        )
        lived.complaints = list(accounted.complaints(household))
        for who in ("daemon", "desk"):
            longest = next((each for each in lived.series if each.who == who), None)
            if longest is not None and longest.hours >= self._plan.least_hours:
                lived.findings += reckoning.grown(longest)
