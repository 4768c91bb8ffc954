"""Random deaths: a real daemon is killed again and again, at any moment, while files arrive.

Each life (tests.faults.nursery) is the real command with all its threads. Some are ended by SIGTERM,
some are frozen for a while. The last one is left in peace, and then everything is accounted for.
Articles follow up on each other, come in bursts, are judged by readers; one desk has a digest every
minute beside its alerts, one hears in digests alone, and one has quiet hours now and then.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile
from pathlib import Path

from tests.faults.accounting import LEDGER, Outcome
from tests.faults.newsroom import Newsroom, account_for_desks, configuration, files_in, is_at_rest, job
from tests.faults.nursery import Life, Nursery
from tests.faults.patient_slack import PatientSlack
from tests.faults.readers import Readers
from tests.faults.way import prepare
from tests.slack_stand_in import Fault, SlackStandIn

DESKS = 4
_EVERY_MINUTE = 'digest = "* * * * *"\nzone = "UTC"\n'
_MANNERS = {1: _EVERY_MINUTE, 2: f'alerts = "in digests"\n{_EVERY_MINUTE}'}
_QUIET_DESK = 3
_PICTURES = "[digest]\nchart = false\n"  # drawing takes longer than a life; `matrix` has them

_SETTLE = 0.15
_PAUSE = 0.45  # seconds between two files: about two in a life
_QUIET_EACH = 60  # lives
_EACH = 20  # lives, one of which is killed when it has taken a file
_FORMS = "SELECT form, COUNT(*) FROM deliveries WHERE state = 'sent' GROUP BY form"
_PATIENCE = 400.0  # seconds for the last life to do what is left
_A_MOMENT = 2.0
_STOP_SECONDS = 10.0
_STOPPED_CLEANLY = (0, -signal.SIGTERM)  # the latter where it had not begun to listen yet


@dataclass(slots=True)
class _Tally:
    deaths: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def run(folder: Path, say: Callable[[str], None]) -> list[Outcome]:
    """The full part: 1,000 kills, and a freeze while a job is due."""
    return [suffer(folder / "kills", kills=1000, say=say), freeze(folder / "freeze")]


def suffer(
    folder: Path,
    *,
    kills: int,
    say: Callable[[str], None] = lambda line: None,
    seed: int = 20261121,
    plant: str = "",
    plain: bool = False,
) -> Outcome:
    """Kill a daemon so often. `plant` names a fault of `nursery.PLANTS` to be found; a `plain` run has
    neither digests nor quiet hours, for which one waits up to a minute.
    """
    started = said = time.monotonic()
    childhood = 0.0
    home = folder / "home"
    prepare(home, {})
    chance = random.Random(seed)
    tally = _Tally()
    with PatientSlack() as stand_in:
        config = folder / "topicwire.toml"
        _configure(config, stand_in, {} if plain else _MANNERS)
        with Nursery(home, config, folder / "log.txt", plant) as nursery:
            with (
                Newsroom(home / "inbox", seed=seed, pause=_PAUSE, settle=_SETTLE) as newsroom,
                Readers(home, seed=seed, pause=2 * _PAUSE) as readers,
            ):
                for birth in takewhile(lambda _: tally.deaths["SIGKILL"] < kills, count()):
                    if birth % _EACH == 0:
                        childhood = _working_life(home, nursery, tally)
                    if birth % _QUIET_EACH == _EACH // 2 and not plain:
                        _configure(config, stand_in, _MANNERS | _quiet_until_the_next_minute())
                    _plant_faults(stand_in, chance)
                    _end_somehow(nursery.birth(), chance, tally, childhood=childhood)
                    if time.monotonic() - said > 30.0:
                        said = time.monotonic()
                        made, heard = len(newsroom.made), len(stand_in.messages)
                        say(f"{tally.deaths['SIGKILL']} kills, {made} files, {heard} messages")
            stand_in.faults.clear()
            drained = _drain(home, nursery.birth(), tally)
        tally.faults += readers.faults(stand_in.messages)
        tally.faults += account_for_desks(
            home,
            newsroom.made,
            stand_in,
            desks=DESKS,
            alerted=newsroom.alerted,
            set_aside=newsroom.set_aside,
        )
        heard = len(stand_in.messages)
    note = (
        f"{_listed(tally.deaths)}; {len(newsroom.made)} files, {len(readers.said)} verdicts; {heard}"
        f" messages, {_kinds(home)};"
        f" {_traces(folder / 'log.txt')}; drained in {drained:.0f} s; took {time.monotonic() - started:.0f} s"
    )
    return Outcome("SIGKILL at random moments", tally.deaths["SIGKILL"], tuple(tally.faults), note)


def _configure(config: Path, slack: SlackStandIn, manners: Mapping[int, str]) -> None:
    """As it is read at the next birth."""
    text = configuration(config.parent, slack, desks=DESKS, settle=_SETTLE, manners=manners, more=_PICTURES)
    config.write_text(text)


def _quiet_until_the_next_minute() -> dict[int, str]:
    begins, ends = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (-1, 1))
    return {_QUIET_DESK: f'quiet_hours = "{begins:%H:%M}-{ends:%H:%M}"\nzone = "UTC"\n'}


def freeze(folder: Path) -> Outcome:
    """Freeze a daemon from just before a job is due until three seconds after: it runs late, once."""
    home = folder / "home"
    prepare(home, {})
    with SlackStandIn() as stand_in:
        config = folder / "topicwire.toml"
        text = configuration(folder, stand_in).replace('cron = "never"', 'cron = "* * * * *"')
        config.write_text(text)
        with Nursery(home, config, folder / "log.txt") as nursery:
            life = nursery.birth()
            _wait_for(lambda: "due_at" in job(home), 30.0)
            due = datetime.fromisoformat(job(home)["due_at"])
            time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds() - 0.5))
            life.send(signal.SIGSTOP)
            time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds() + 3.0))
            life.send(signal.SIGCONT)
            ran = _wait_for(lambda: bool(job(home).get("finished_at")), _PATIENCE)
            started_at = job(home).get("started_at") or due.isoformat()
            late = (datetime.fromisoformat(started_at) - due).total_seconds()
            faults = _stop(life)
    if not ran or late < 0:
        faults.append(f"the job due at {due} did not run late, but {late:.0f} s after")
    return Outcome("frozen while a job was due", 1, tuple(faults), f"it ran {late:.1f} s late")


def _working_life(home: Path, nursery: Nursery, tally: _Tally) -> float:
    """Killed when it has taken a file; how long that takes here and now, from birth."""
    done = files_in(home / "done")
    started = time.monotonic()
    life = nursery.birth()
    if not _wait_for(lambda: life.wait(0.0) is not None or files_in(home / "done") > done, 60.0):
        tally.faults.append("a life took nothing in 60 s")
    _kill(life, tally)
    return time.monotonic() - started


def _end_somehow(life: Life, chance: random.Random, tally: _Tally, *, childhood: float) -> None:
    """Some die young, most at work."""
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0.0, childhood))
    else:
        time.sleep(0.7 * childhood + chance.uniform(0.0, 0.4))
    [way] = chance.choices(("SIGKILL", "SIGTERM", "SIGSTOP"), (85, 8, 7))
    if way == "SIGTERM":
        tally.deaths[way] += 1
        tally.faults += _stop(life)
        return
    if way == "SIGSTOP":
        tally.deaths[way] += 1
        life.send(signal.SIGSTOP)
        time.sleep(chance.choice((0.1, 0.3, 3.0)))
        life.send(signal.SIGCONT)
        time.sleep(chance.uniform(0.0, 0.4))
    _kill(life, tally)


def _kill(life: Life, tally: _Tally) -> None:
    if life.wait(0.0) is not None:
        tally.faults.append(f"a life ended by itself with {life.code}, see the log")
    tally.deaths["SIGKILL"] += 1
    life.kill()


def _stop(life: Life) -> list[str]:
    asked = time.monotonic()
    life.send(signal.SIGTERM)
    code = life.wait(_STOP_SECONDS + 5.0)
    took = time.monotonic() - asked
    if code is None:
        life.kill()
        return [f"SIGTERM did not end it in {took:.0f} s"]
    if took > _STOP_SECONDS:
        return [f"SIGTERM took {took:.1f} s"]
    if code not in _STOPPED_CLEANLY:
        return [f"after SIGTERM it ended with {code}"]
    return []


def _drain(home: Path, life: Life, tally: _Tally) -> float:
    started = time.monotonic()
    if not _wait_for(lambda: life.wait(0.0) is not None or _rests(home), _PATIENCE):
        tally.faults.append(f"not at rest after {_PATIENCE:.0f} s in peace")
    drained = time.monotonic() - started
    tally.faults += _stop(life)
    return drained


def _rests(home: Path) -> bool:
    """At rest, and still so when a digest that falls due at this moment has been owed."""
    if not is_at_rest(home):
        return False
    time.sleep(_A_MOMENT)
    return is_at_rest(home)


def _plant_faults(stand_in: SlackStandIn, chance: random.Random) -> None:
    if stand_in.faults or chance.random() > 0.1:
        return
    stand_in.faults.append(
        chance.choice(
            (
                Fault("reset", posted=True),
                Fault("close", posted=True),
                Fault(status=500, posted=True),
                Fault(status=500),
                Fault(status=429, headers={"Retry-After": "0.2"}),
            )
        )
    )


def _wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _listed(deaths: Counter[str]) -> str:
    return ", ".join(f"{number} {way}" for way, number in sorted(deaths.items()))


def _kinds(home: Path) -> str:
    """How many messages of each form there are, and how many replies."""
    with closing(sqlite3.connect(home / LEDGER, timeout=30.0)) as connection:
        forms = connection.execute(_FORMS).fetchall()
        [(replies,)] = connection.execute("SELECT COUNT(*) FROM deliveries WHERE root_id IS NOT NULL")
    return f"{', '.join(f'{number} {form}' for form, number in forms)}, {replies} in threads"


def _traces(log: Path) -> str:
    """How often a life found something half done."""
    text = log.read_text(encoding="utf-8", errors="replace")
    sending = text.count("deliveries of unknown outcome")
    moving = text.count("file was moved before the last stop")
    return f"{sending} lives began with an alert half sent, {moving} files half moved"
