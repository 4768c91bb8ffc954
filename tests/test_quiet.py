"""Quiet hours: when they hold, when they end, and whose they are; also where the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon import quiet
from daemon.config import Digest, QuietHours, Receiver
from daemon.quiet import Hearing, hearing, quiet_until, window_of
from tests.builders import MINUTE, make_settings

NIGHT = "22:00-07:00"
BERLIN, ALMATY, ST_JOHNS, LORD_HOWE = (
    "Europe/Berlin",
    "Asia/Almaty",
    "America/St_Johns",
    "Australia/Lord_Howe",
)
# Casey set its clock back by three hours in a night, Apia left a whole day out.
ZONES = (BERLIN, ALMATY, ST_JOHNS, LORD_HOWE, "Antarctica/Casey", "Pacific/Apia", "Africa/Casablanca", "UTC")
LONGEST = timedelta(hours=25)


def was_quiet(hours: str, zone: str | None, moment: datetime) -> bool:
    return quiet_until(hours, zone, moment) is not None


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# An ordinary night


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-05T16:59:59", None),  # 21:59:59 in Almaty
        ("2026-03-05T17:00:00", "2026-03-06T02:00:00"),
        ("2026-03-05T19:30:00", "2026-03-06T02:00:00"),
        ("2026-03-06T01:59:59.999999", "2026-03-06T02:00:00"),
        ("2026-03-06T02:00:00", None),
    ],
)
def test_quiet_hours_that_cross_midnight_hold_from_their_first_moment_to_their_last(
    now: str, until: str | None
) -> None:
    assert quiet_until(NIGHT, ALMATY, at(now)) == (at(until) if until else None)


def test_quiet_hours_within_a_day_hold_on_that_day() -> None:
    assert window_of("12:00-14:30", "UTC", at("2026-03-05T13:00")) == (
        at("2026-03-05T12:00"),
        at("2026-03-05T14:30"),
    )
    assert not was_quiet("12:00-14:30", "UTC", at("2026-03-05T14:30"))


def test_quiet_hours_of_never_never_hold() -> None:
    assert window_of("never", BERLIN, at("2026-03-05T23:00")) is None


def test_without_a_zone_it_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "get_localzone", lambda: ZoneInfo(ALMATY))

    assert was_quiet(NIGHT, None, at("2026-03-05T17:00"))
    assert not was_quiet(NIGHT, None, at("2026-03-05T16:00"))


# Nights on which the clock is changed


def test_the_night_of_spring_is_an_hour_shorter_and_that_of_autumn_an_hour_longer() -> None:
    spring = window_of(NIGHT, BERLIN, at("2026-03-29T00:30"))
    autumn = window_of(NIGHT, BERLIN, at("2026-10-25T00:30"))

    assert spring == (at("2026-03-28T21:00"), at("2026-03-29T05:00"))
    assert autumn == (at("2026-10-24T20:00"), at("2026-10-25T06:00"))


def test_an_end_that_the_clock_leaves_out_is_the_moment_of_the_change() -> None:
    # From 01:59:59 the clock goes to 03:00:00: there is no 02:30.
    assert quiet_until("22:00-02:30", BERLIN, at("2026-03-28T23:00")) == at("2026-03-29T01:00")
    assert not was_quiet("22:00-02:30", BERLIN, at("2026-03-29T01:00"))


def test_an_end_that_comes_twice_is_the_first_of_the_two_and_quiet_does_not_come_back() -> None:
    # 02:00 to 03:00 comes at 00:00 UTC and again at 01:00.
    assert quiet_until("22:00-02:30", BERLIN, at("2026-10-24T23:00")) == at("2026-10-25T00:30")
    assert not was_quiet("22:00-02:30", BERLIN, at("2026-10-25T01:10"))  # 02:10 for the second time


def test_a_beginning_that_comes_twice_is_the_first_of_the_two() -> None:
    first, second = at("2026-10-25T00:45"), at("2026-10-25T01:15")  # 02:45, and 02:15 for the second time

    assert window_of("02:30-07:00", BERLIN, first) == (at("2026-10-25T00:30"), at("2026-10-25T06:00"))
    assert was_quiet("02:30-07:00", BERLIN, second)


def test_a_window_that_lies_whole_in_the_hour_left_out_never_holds() -> None:
    moments = [at("2026-03-29T00:00") + number * MINUTE for number in range(180)]

    assert not any(was_quiet("02:10-02:50", BERLIN, moment) for moment in moments)


def test_a_change_of_half_an_hour_makes_half_an_hours_difference() -> None:
    # Lord Howe: +11:00 in summer, +10:30 in winter; back by half an hour on 5 April 2026.
    found = window_of(NIGHT, LORD_HOWE, at("2026-04-04T12:00"))

    assert found == (at("2026-04-04T11:00"), at("2026-04-04T20:30"))


hours = st.tuples(st.times(), st.times()).map(
    lambda pair: f"{pair[0]:%H:%M}-{pair[1]:%H:%M}"
)  # fmt: skip
moments = st.datetimes(datetime(2005, 1, 1), datetime(2035, 12, 30), timezones=st.just(UTC))


@given(hours.filter(lambda text: text[:5] != text[6:]), st.sampled_from(ZONES), moments)
@example(NIGHT, "Antarctica/Casey", at("2010-03-04T14:00"))
@example("07:00-06:59", "Antarctica/Casey", at("2010-03-04T14:00"))
@example("07:00-06:59", BERLIN, at("2026-10-25T00:30"))
@example(NIGHT, "Pacific/Apia", at("2011-12-30T10:00"))
@example("02:15-02:45", LORD_HOWE, at("2026-10-03T15:30"))
def test_a_window_holds_for_each_of_its_moments_and_for_none_beside_it(
    hours: str, zone: str, moment: datetime
) -> None:
    found = window_of(hours, zone, moment)

    assert was_quiet(hours, zone, moment) == (found is not None)
    assert quiet_until(hours, zone, moment) == (found[1] if found else None)
    if found is None:
        return
    start, end = found
    assert start <= moment < end
    assert timedelta() < end - start <= LONGEST
    assert start.tzinfo is end.tzinfo is UTC
    inside = (start, start + (end - start) / 2, end - timedelta(microseconds=1))
    assert [window_of(hours, zone, each) for each in inside] == [found] * 3
    before = window_of(hours, zone, start - timedelta(microseconds=1))
    assert before is None or before[1] <= start


@given(hours.filter(lambda text: text[:5] != text[6:]), st.sampled_from(ZONES), moments)
def test_on_days_without_a_change_quiet_is_what_the_clock_on_the_wall_says(
    hours: str, zone: str, moment: datetime
) -> None:
    place = ZoneInfo(zone)
    around = {(moment + timedelta(hours=back)).astimezone(place).utcoffset() for back in range(-49, 50)}
    if len(around) > 1:
        return
    clock = moment.astimezone(place).time()
    first, last = time.fromisoformat(hours[:5]), time.fromisoformat(hours[6:])
    said = first <= clock < last if first < last else clock >= first or clock < last

    assert was_quiet(hours, zone, moment) == said


# Whose quiet hours


def test_a_receivers_own_keys_come_before_the_tables(tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path,
        digest=Digest(cron="0 8 * * *", zone="UTC"),
        quiet_hours=QuietHours(hours=NIGHT, zone=BERLIN),
    )
    own = Receiver(
        name="desk", type="slack", channel="C1", digest="0 9 * * 1", quiet_hours="01:00-02:00", zone=ALMATY,
        alerts="in digests",
    )  # fmt: skip

    assert hearing(own, settings) == Hearing("01:00-02:00", ALMATY, "0 9 * * 1", ALMATY, in_digests=True)
    assert hearing(Receiver(name="desk", type="webhook"), settings) == Hearing(
        NIGHT, BERLIN, "0 8 * * *", "UTC", in_digests=False
    )


def test_a_receiver_can_turn_off_what_the_tables_say_for_all(tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path, digest=Digest(cron="0 8 * * *"), quiet_hours=QuietHours(hours=NIGHT, zone=BERLIN)
    )

    found = hearing(Receiver(name="desk", type="webhook", digest="never", quiet_hours="never"), settings)

    assert (found.digest, found.quiet_hours) == ("never", "never")
    assert found.quiet_until(at("2026-03-05T23:00")) is None


def test_a_console_hears_everything_at_once(tmp_path: Path) -> None:
    settings = make_settings(
        tmp_path, digest=Digest(cron="0 8 * * *"), quiet_hours=QuietHours(hours=NIGHT, zone="UTC")
    )

    found = hearing(Receiver(name="console", type="console"), settings)

    assert found == Hearing()
    assert found.quiet_until(at("2026-03-05T23:00")) is None


def test_a_hearing_says_when_its_quiet_ends() -> None:
    found = Hearing(quiet_hours=NIGHT, quiet_zone=ALMATY)

    assert found.quiet_until(at("2026-03-05T17:00")) == at("2026-03-06T02:00")
