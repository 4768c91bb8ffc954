"""The simulation of growth is held to queueing theory, and to the daemon's own decisions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.growth import figures, reality, tables, theory
from tests.growth.arrivals import DAY, HOUR, Load, moments
from tests.growth.channels import Channel
from tests.growth.events import Station, World
from tests.growth.measuring import line
from tests.growth.newsroom import Costs, Outcome, Plan, simulate

CUSTOMERS = 60_000
BATCHES = 30  # of the waits of a run, whose means are nearly independent
SURE = 4.0  # standard errors: chance fails a right one in 16,000
Numbers = NDArray[np.float64]
Service = Callable[[np.random.Generator, int], Numbers]
MEAN = 0.8  # seconds of service, at a customer a second


def waits_of(service: Service, *, servers: int = 1, rate: float = 1.0) -> tuple[list[float], float, float]:
    """Poisson arrivals at a station; what each waited, how long servers were kept, and the end."""
    random = np.random.default_rng(2026)
    world = World()
    station = Station(world, servers)
    came = np.cumsum(random.exponential(1.0 / rate, CUSTOMERS))
    for at, seconds in zip(came, service(random, CUSTOMERS), strict=True):
        world.at(float(at), partial(station.enter, float(seconds), lambda: None))
    world.run()
    return station.waits, station.busy, world.now


def exponential(random: np.random.Generator, number: int) -> Numbers:
    return random.exponential(MEAN, number)


def constant(_: np.random.Generator, number: int) -> Numbers:
    return np.full(number, MEAN)


def of_two_kinds(random: np.random.Generator, number: int) -> Numbers:
    return random.choice(np.array([0.4, 2.0]), number, p=[0.75, 0.25])


def mean_and_error(waits: Sequence[float]) -> tuple[float, float]:
    """The mean and its standard error by batch means (Law and Kelton): waits that follow are alike."""
    kept = np.asarray(waits)[len(waits) // 10 :]  # the beginning finds an empty line
    batches = np.array([part.mean() for part in np.array_split(kept, BATCHES)])
    return float(kept.mean()), float(batches.std(ddof=1) / np.sqrt(BATCHES))


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        pytest.param(exponential, theory.wait_of_mm1(1.0, MEAN), id="M/M/1"),
        pytest.param(constant, theory.wait_of_md1(1.0, MEAN), id="M/D/1"),
        pytest.param(
            of_two_kinds,
            theory.wait_of_mg1(1.0, MEAN, 0.75 * 0.4**2 + 0.25 * 2.0**2),
            id="M/G/1, service of two kinds",
        ),
    ],
)
def test_one_waits_before_one_server_as_pollaczek_and_khinchine_say(
    service: Service, expected: float
) -> None:
    mean, error = mean_and_error(waits_of(service)[0])

    assert abs(mean - expected) < SURE * error
    assert error < 0.15 * expected  # else anything would pass


@pytest.mark.parametrize("servers", [2, 4, 10])
def test_one_waits_before_several_servers_as_erlang_says(servers: int) -> None:
    waits, _, _ = waits_of(exponential, servers=servers, rate=servers)  # each works 0.8 of the time
    waited, its_error = mean_and_error([float(each > 0) for each in waits])
    mean, error = mean_and_error(waits)

    assert abs(waited - theory.erlang_c(servers, MEAN, servers)) < SURE * its_error
    assert abs(mean - theory.wait_of_mmc(servers, MEAN, servers)) < SURE * error
    assert error < 0.15 * mean


def test_the_formulas_agree_where_they_meet() -> None:
    assert theory.wait_of_mmc(1.0, MEAN, 1) == pytest.approx(theory.wait_of_mm1(1.0, MEAN))
    assert theory.wait_of_md1(1.0, MEAN) == pytest.approx(theory.wait_of_mm1(1.0, MEAN) / 2)
    # Two thirds of two servers' time: the textbook's (ρ = 2/3, c = 2) 8/15.
    assert theory.erlang_c(4.0, 1 / 3, 2) == pytest.approx(8 / 15)
    # One customer never waits; two with means of a second each have the server idle a fifth of the time.
    assert theory.rate_of_repairman(1, 1.0, 1.0) == pytest.approx(0.5)
    assert theory.rate_of_repairman(2, 1.0, 1.0) == pytest.approx(0.8)


def test_a_station_is_as_busy_as_its_customers_bring_and_has_as_many_in_line_as_little_says() -> None:
    waits, busy, end = waits_of(exponential)
    in_line = sum(waits) / end

    assert busy / end == pytest.approx(MEAN, rel=0.02)
    assert in_line == pytest.approx(len(waits) / end * np.mean(waits))
    assert in_line == pytest.approx(theory.wait_of_mm1(1.0, MEAN), rel=0.2)


def test_who_came_first_is_served_first() -> None:
    world, served = World(), list[int]()
    station = Station(world)
    for number in range(5):
        world.at(0.1 * number, partial(station.enter, 1.0, partial(served.append, number)))
    world.run()

    assert served == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("customers", [2, 5, 20])
def test_those_who_think_and_come_again_are_served_as_the_machine_repairman_says(customers: int) -> None:
    random, world, served = np.random.default_rng(7), World(), [0]
    station = Station(world)

    def think() -> None:
        world.after(float(random.exponential(4.0)), come)

    def come() -> None:
        station.enter(float(random.exponential(1.0)), done)

    def done() -> None:
        served[0] += 1
        think()

    for _ in range(customers):
        think()
    world.run(20_000.0)

    expected = theory.rate_of_repairman(customers, 4.0, 1.0)
    assert served[0] / 20_000.0 == pytest.approx(expected, rel=0.03)
    assert expected <= theory.most_a_second(customers, 4.0, 1.0)


def backlog(number: int, plan: Plan, costs: Costs) -> Outcome:
    """Files that are there when it begins."""
    return simulate(np.zeros(number), plan, costs, np.random.default_rng(1), after=1e6)


QUIET = Plan(channels=1, alerted=0.0, settle=0.0)


@pytest.mark.parametrize("daemons", [1, 2, 3, 4, 6, 12])
def test_a_backlog_goes_as_fast_as_the_bounds_of_closed_systems_let_it(daemons: int) -> None:
    """Batches of constant cost: three seconds of preparing to one of recording."""
    costs = Costs(0.0, 0.0, 0.0, 3 / 400, 0.0, 1 / 400, 0.0, 0.0, 0.0)
    rounds = 60
    outcome = backlog(400 * rounds, replace(QUIET, daemons=daemons), costs)

    took = float(outcome.taken.max())
    beside = theory.most_a_second(daemons, 3.0, 1.0)
    # A process beside each may double what is prepared; nobody is faster than the lock.
    assert rounds / took <= min(1.0, 2 * beside) * 1.001
    assert rounds / took >= beside * 0.8
    if daemons >= theory.enough_customers(3.0, 1.0):
        assert rounds / took == pytest.approx(1.0, rel=0.1)


def test_more_daemons_than_the_lock_lets_record_take_no_more() -> None:
    costs = Costs(prepare_article=4e-3, record_article=1e-3)
    few, many = (backlog(40_000, replace(QUIET, daemons=n), costs) for n in (5, 50))

    assert float(few.taken.max()) == pytest.approx(float(many.taken.max()), rel=0.1)


def evenly(number: int, apart: float) -> Numbers:
    return np.linspace(0.0, apart * (number - 1), number)


def test_an_article_that_meets_nobody_waits_for_its_settling_and_its_own_work_alone() -> None:
    costs = Costs(look_file=0.0, before_message=0.01)
    random = np.random.default_rng(3)
    outcome = simulate(evenly(100, 60.0), Plan(alerted=1.0, burst=None), costs, random)

    own = 2.0 + costs.prepare_article + costs.record_batch + costs.record_article + costs.before_message
    assert outcome.alert == pytest.approx(np.full(100, own))


def test_a_share_that_wakes_nobody_costs_a_second_more_on_average_and_less_with_several() -> None:
    random, came = np.random.default_rng(4), evenly(2000, 61.3)
    alone, four = (
        float(simulate(came, Plan(daemons=n, polls=True), Costs(), random).taken.mean()) - 2.0 for n in (1, 4)
    )

    assert alone == pytest.approx(1.0, rel=0.1)
    assert four < 0.7 * alone


def test_a_channel_sends_three_at_once_and_then_one_a_second() -> None:
    world, sent = World(), []
    channel = Channel(world, lambda _: sent.append(world.now), burst=None)
    channel.owe(range(10))
    world.run()

    assert sent == pytest.approx([0.0, 0.0, 0.0, *range(1, 8)])


def test_a_burst_goes_eight_a_message() -> None:
    world, sent = World(), []
    channel = Channel(world, lambda _: sent.append(world.now))
    channel.owe(range(400))
    world.run()

    assert channel.messages == 50
    assert len(sent) == 400
    assert sent[-1] == pytest.approx(47.0)  # three at once, then one a second


def test_ten_alerts_in_five_minutes_are_no_burst_and_the_eleventh_is() -> None:
    for number, messages in ((10, 10), (11, 2)):
        world = World()
        channel = Channel(world, lambda _: None)
        channel.owe(range(number))
        world.run()
        assert channel.messages == messages


def test_a_workspace_that_is_full_delays_all_of_its_channels() -> None:
    random, came = np.random.default_rng(5), np.arange(0, 600, 0.05)
    one, four = (
        simulate(came, Plan(channels=40, workspaces=n, alerted=1.0, burst=None), Costs(), random).alert
        for n in (1, 4)
    )

    assert len(one) == pytest.approx(5 * 660, rel=0.05)
    assert len(four) > 2.5 * len(one)


def test_as_many_articles_come_as_are_said_and_most_by_day() -> None:
    load = Load(200_000)
    came = moments(load, (0.0, DAY), np.random.default_rng(6))

    assert len(came) == pytest.approx(200_000, rel=0.03)
    by_day = np.histogram(came, bins=[10 * HOUR, 12 * HOUR, 22 * HOUR, 24 * HOUR])[0]
    assert by_day[0] / 2 / HOUR == pytest.approx(load.busiest, rel=0.1)
    assert by_day[2] < 0.3 * by_day[0]
    together = np.histogram(came, bins=np.arange(0.0, DAY, 1.0))[0]
    assert together.max() > 100  # an agency's batch


def test_a_line_through_what_was_measured_finds_what_a_batch_costs_and_each_article_more() -> None:
    points = [(number, 0.002 + 0.0007 * number) for number in (1, 10, 100, 400)]

    assert line(points) == pytest.approx((0.002, 0.0007))


def test_the_tables_are_made_of_what_was_measured_and_more_articles_a_day_ask_for_more() -> None:
    known = figures.read()
    for table in (tables.limits, tables.idle, tables.commits, tables.sizes):
        assert table(known).count("\n") >= 3

    slower = known | {
        name: replace(figure, value=2 * figure.value)
        for name, figure in known.items()
        if "record work" in name
    }
    assert tables.limits(known) != tables.limits(slower)


def test_a_share_of_web_pages_that_one_daemon_cannot_read_is_read_by_four() -> None:
    costs = tables.ledger_costs(figures.read(), "sqlite")
    one, four = (
        tables.outcome_of(8_000_000, Plan(daemons=n, parsed=1.0, alerted=0.0), costs, most=20_000)
        for n in (1, 4)
    )

    assert "daemons" in tables.cell(one)
    assert four.behind < one.behind / 4


@pytest.mark.slow
def test_a_real_daemon_alerts_of_a_burst_as_the_simulation_says(trained_home: Path, tmp_path: Path) -> None:
    at_once = np.sort(np.random.default_rng(8).random(150))

    seen = reality.run(trained_home, tmp_path, at_once)
    said = simulate(
        seen.moments,
        Plan(channels=1, workspaces=0),
        tables.ledger_costs(figures.read(), "sqlite"),
        np.random.default_rng(8),
        alerting=seen.alerting,
    )

    assert len(seen.waits) == len(said.alert) == sum(seen.alerting)
    assert seen.messages == pytest.approx(said.messages, abs=4)
    assert 0.7 < seen.after(0.95) / said.alert_after(0.95) < 2.5
