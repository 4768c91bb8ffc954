"""What growth costs, on paper: tables from measured figures, the simulation and the bounds of theory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from daemon import grouping
from daemon.slack import INTERVAL
from tests.growth import theory
from tests.growth.arrivals import DAY, Load, moments
from tests.growth.figures import Figure
from tests.growth.newsroom import WORKSPACE, Costs, Outcome, Plan, simulate
from tests.growth.page import Rows, shown
from tests.growth.reality import costs
from tests.measuring import say

A_DAY = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
DAEMONS = (1, 4, 10, 1_000)
_ANSWER = 0.2  # seconds that Slack takes for a request: an assumption
_AWAY = 5e-4  # seconds to a server in the next room and back: an assumption
_MOST = 150_000  # articles of a run: the day's busiest hours where it has more
_LATE = 0.05  # of the articles or alerts that stay behind are too many
_RECEIVERS = 12
_LOOKS = 2.0  # seconds between two looks of a daemon, for each receiver, whether it is its turn
_BEATS = 5.0  # seconds between two renewals of a daemon's lease


def ledger_costs(figures: dict[str, Figure], ledger: str, *, away: float = 0.0) -> Costs:
    """Of an undisturbed machine, where processors' time is what it takes; `away`: seconds to the server."""
    near = costs(figures, ledger, answer=_ANSWER)
    return replace(
        near,
        record_batch=near.record_batch + away * figures[f"{ledger} statements a batch"].value,
        record_article=near.record_article + away * figures[f"{ledger} statements an article"].value,
        # Each of a message's two turns: beginning, reading, writing, committing.
        before_message=near.before_message + away * figures[f"{ledger} statements before a message"].value,
        after_message=near.after_message + away * figures[f"{ledger} statements after a message"].value,
    )


def waits(
    figures: dict[str, Figure],
    *,
    parsed: float,
    a_day: Sequence[int] = A_DAY,
    daemons: Sequence[int] = DAEMONS,
) -> str:
    """Seconds from arrival to alert: median, 95 %, 99 %; or what falls behind in the busiest hours."""
    rows = []
    for number in a_day:
        cells = [f"{number:,}"]
        for each in daemons:
            ledger, away = ("sqlite", 0.0) if each == 1 else ("postgresql", _AWAY)
            plan = Plan(daemons=each, parsed=parsed, channels=_RECEIVERS, polls=each > 1)
            if looks_a_second(each) > _most_looks(figures):
                cells.append("not on one ledger: looks alone fill it")
                continue
            outcome = outcome_of(number, plan, ledger_costs(figures, ledger, away=away))
            cells.append(cell(outcome))
            say(f"{number:,} a day, {each} daemons, parsed {parsed}: {cells[-1]}")
        rows.append(tuple(cells))
    heads = [f"{each:,} daemons" if each > 1 else "1 daemon, SQLite" for each in daemons]
    return shown(["articles a day", *heads], rows)


def outcome_of(a_day: float, plan: Plan, costs: Costs, *, most: int = _MOST) -> Outcome:
    """Of the busiest hours of a day, or all of it."""
    load = Load(a_day)
    window = load.window(most)
    length = window[1] - window[0]
    random = np.random.default_rng(1)
    warm = length / 10 if length < DAY else 0.0
    return simulate(moments(load, window, random), plan, costs, random, warm=warm)


def cell(outcome: Outcome) -> str:
    told = len(outcome.alert)
    if outcome.behind > _LATE * (len(outcome.taken) + outcome.behind):
        return "falls behind: daemons" if outcome.writing < 0.9 else "falls behind: turns to write"
    if outcome.owed > _LATE * (told + outcome.owed):
        return "falls behind: Slack"
    return " / ".join(f"{outcome.alert_after(share):.1f}" for share in (0.5, 0.95, 0.99))


def looks_a_second(daemons: int) -> float:
    """How often all daemons ask whose turn it is to send: each for each receiver every two seconds.

    They ask as well when another tells of a batch with alerts; several such hints at once are one.
    """
    return daemons * _RECEIVERS / _LOOKS


def _most_looks(figures: dict[str, Figure]) -> float:
    return max(figures[f"commits looks {each}"].value for each in (1, 4, 16, 64))


def slack(figures: dict[str, Figure]) -> str:
    """Ten million articles a day and ten daemons, with more of Slack."""
    costs, rows = ledger_costs(figures, "postgresql", away=_AWAY), Rows()
    for channels, workspaces in ((12, 1), (12, 4), (100, 1), (100, 4), (1_000, 10)):
        plan = Plan(daemons=10, polls=True, channels=channels, workspaces=workspaces)
        outcome = outcome_of(A_DAY[-1], plan, costs)
        owed = outcome.owed / (outcome.owed + len(outcome.alert))
        rows.append((f"{channels:,}", f"{workspaces}", cell(outcome), f"{owed:.0%}"))
    return shown(["channels", "workspaces", "median / 95 % / 99 %", "alerts still owed at the end"], rows)


def limits(figures: dict[str, Figure]) -> str:
    """How many articles a day each station would take, were it alone, with a day's busiest hour in mind."""
    load, alerted = Load(1.0), Plan().alerted
    weights = 1.0 / np.arange(1, _RECEIVERS + 1)
    busiest = alerted * float(weights[0] / weights.sum())

    def a_day(articles_a_second: float) -> str:
        number = articles_a_second * DAY / load.peak
        return _rounded(number)

    rows: Rows = []
    for name, parse in (("plain text", 0.0), ("web pages, mail (17 ms each in the jail)", 0.017)):
        each = replace(ledger_costs(figures, "sqlite"), spread=(1.0,))
        own = each.prepare_article + each.move_article + parse
        written = each.record_article + each.mark_article
        rows.append(
            (f"one daemon, {name}", f"{1000 * (own + written):.2g} ms an article", a_day(1 / (own + written)))
        )
    for name, ledger, away in (
        ("SQLite", "sqlite", 0.0),
        ("PostgreSQL on the same machine", "postgresql", 0.0),
        ("PostgreSQL 0.5 ms away", "postgresql", _AWAY),
    ):
        each = ledger_costs(figures, ledger, away=away)
        messages = alerted / grouping.MOST * (each.before_message + each.after_message)
        turn = each.record_article + each.mark_article + messages
        thinking = each.prepare_article + each.move_article
        enough = theory.enough_customers(thinking, turn)
        enough_parsed = theory.enough_customers(thinking + 0.017, turn)
        told = f"{1000 * turn:.2g} ms an article; {enough:.0f} daemons, {enough_parsed:.0f} with web pages"
        rows.append((f"turns to write, {name}", told, a_day(1 / turn)))
    rows += [
        (
            "a Slack channel, of twelve the busiest",
            f"{INTERVAL:.0f} message a second, {grouping.MOST} alerts in each of a burst",
            a_day(grouping.MOST / INTERVAL / busiest),
        ),
        (
            "a Slack workspace",
            f"{WORKSPACE:.0f} messages a second, {grouping.MOST} alerts in each of a burst",
            a_day(WORKSPACE * grouping.MOST / alerted),
        ),
    ]
    return shown(["station", "what it takes", "articles a day"], rows)


def _rounded(number: float) -> str:
    """To two figures, without an exponent."""
    return f"{float(f'{number:.2g}'):,g}" if number < 10 else f"{float(f'{number:.2g}'):,.0f}"


def idle(figures: dict[str, Figure]) -> str:
    """What so many daemons ask of PostgreSQL while nothing happens, and when a batch has alerts."""
    capacity = _most_looks(figures)
    rows: Rows = []
    for each in DAEMONS:
        looks = looks_a_second(each)
        beats = each / _BEATS
        a_notify = each * _RECEIVERS
        connections = f"{4 * each:,} to {21 * each:,}"
        rows.append(
            (
                f"{each:,}",
                connections,
                f"{looks:,.0f}",
                f"{beats:,.1f}",
                f"{looks / capacity:.1%}",
                f"{a_notify:,}",
            )
        )
    heads = [
        "daemons",
        "connections",
        "looks a second",
        "renewals a second",
        "of what it does",
        "looks a NOTIFY",
    ]
    return shown(heads, rows)


def sizes(figures: dict[str, Figure]) -> str:
    """Gigabytes after a year, and what that is a day."""
    names = {
        "sqlite bytes": "SQLite",
        "postgresql bytes": "PostgreSQL",
        "desk.db bytes": "desk.db",
    }
    rows: Rows = []
    for name, said in names.items():
        if name in figures:
            each = figures[name].value
            years = [f"{_rounded(each * a_day * 365 / 1e9)} GB" for a_day in A_DAY]
            rows.append((said, f"{each / 1000:.1f} kB", *years))
    return shown(["a year of it", "an article", *(f"{each:,} a day" for each in A_DAY)], rows)


def commits(figures: dict[str, Figure]) -> str:
    """By clients at once."""
    said = {
        "looks": "look whose turn it is (reads)",
        "plain": "write a row and commit",
        "locked": "the same in turns (advisory lock)",
        "notifying": "the same with NOTIFY",
    }
    rows: Rows = [
        (what, *(f"{figures[f'commits {name} {clients}'].value:,.0f}" for clients in (1, 4, 16, 64)))
        for name, what in said.items()
        if f"commits {name} 1" in figures
    ]
    return shown(["a second, of clients", "1", "4", "16", "64"], rows)


def measured(figures: dict[str, Figure]) -> Iterator[str]:
    """Each figure on a line of its own."""
    for name in sorted(figures):
        each = figures[name]
        spread = f"{min(each.rounds):.3g}–{max(each.rounds):.3g}"
        yield f"{name}: {each.value:.4g} {each.unit} ({spread}; {each.how})"
