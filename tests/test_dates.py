"""Which lines are dates, and what they say; the machine's forms of them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import dates

DAY = "2026-11-21"
NOON = "2026-11-21T14:05"


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("21 November 2026", DAY),
        ("  Nov. 21, 2026 ", DAY),
        ("Saturday, November 21st, 2026", DAY),
        ("Sat 21 Nov 2026", DAY),
        ("Published: 21 Nov 2026", DAY),
        ("LAST UPDATED ON NOVEMBER 21, 2026", DAY),
        ("Nov. 21, 2026, 14:05 GMT+5", f"{NOON}+05:00"),
        ("21 November 2026 | 14:05 UTC", f"{NOON}+00:00"),
        ("21 November 2026 at 2:05 pm", NOON),
        ("21 November 2026, 12:05 AM", "2026-11-21T00:05"),
        ("21 November 2026 14:05:09 (UTC +3)", "2026-11-21T14:05:09+03:00"),
        ("21 ноября 2026", DAY),
        ("21 Ноября 2026 года, 14:05", NOON),
        ("суббота, 21 ноября 2026 г.", DAY),
        ("Сб, 21 нояб. 2026 г. в 14:05 (МСК)", f"{NOON}+03:00"),
        ("Опубликовано: 21 ноября 2026, 14:05", NOON),
        ("Дата публикации: 21.11.2026", DAY),
        ("14:05, 21 ноября 2026", NOON),
        ("21 ноября 2026 г. 14:05 по Гринвичу", f"{NOON}+00:00"),
        ("2026 жылғы 21 қараша", DAY),
        ("2026 ж. 21 қараша, 14:05", NOON),
        ("21 Қараша 2026", DAY),
        ("21 қараша 2026 ж., сенбі", DAY),
        ("Жарияланды: 2026 жылы 21 қараша", DAY),
        ("21 نوفمبر 2026", DAY),
        ("٢١ نوفمبر ٢٠٢٦", DAY),
        ("السبت، 21 نوفمبر 2026", DAY),
        ("يوم السبت 21 تشرين الثاني 2026", DAY),
        ("21 تشرين الثاني/نوفمبر 2026 م", DAY),
        ("21 نونبر 2026", DAY),
        ("3 اذار 2026", "2026-03-03"),
        ("نشر في 21 نوفمبر 2026 الساعة 14:05 بتوقيت غرينتش", f"{NOON}+00:00"),
        ("2026-11-21", DAY),
        ("2026-11-21 14:05", NOON),
        ("2026-11-21T14:05:00Z", f"{NOON}:00+00:00"),
        ("2026-11-21 14:05 +0500", f"{NOON}+05:00"),
        ("21.11.2026", DAY),
        ("1.2.2026", "2026-02-01"),
        ("21.11.2026 14:05", NOON),
        ("14:05 – 21.11.2026", NOON),
        ("21/11/2026", DAY),
        ("21/11/2026 - 14:05", NOON),
        ("04/04/2026", "2026-04-04"),
    ],
)
def test_a_line_that_is_nothing_but_a_date_is_read(line: str, date: str) -> None:
    assert dates.of_line(line) == date


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026",
        "November 2026",
        "21 November",
        "21 2026",
        "14:05",
        "03/04/2026",  # in April here, in March there
        "11/21/2026",
        "31 November 2026",
        "2026-02-30",
        "45.13.2026",
        "21.11.26",
        "21 November 2026 25:05",
        "21 November 2026, 13:05 pm",
        "21 November 2026 14:05 UTC+19",
        "21 November 1826",
        "21 November 2126",
        "21 November 2026 21 November",
        "21 – 22 November 2026",
        "12:30 – 13:30 21.11.2026",
        "2026 21 November",
        "21 تشرين 2026",
        "21 يناير/نوفمبر 2026",
        "5 جمادى الآخرة 1448",
        "Astana, 21 November 2026",  # or a title: "Elections, 21 November 2026"
        "Выборы 21 ноября 2026",
        "On 21 November 2026 it rained",
        "21 Marchember 2026",
        "21 November 2026 4496",
        "1795000000",
        "+7 727 2026 11 21",
        "В 2026 году 21 ноября",
        "21 ноября 2026, 14.05",
        "Wheat 21 November 2026 " * 5,
    ],
)
def test_a_line_that_is_more_or_less_or_two_things_is_none(line: str) -> None:
    assert dates.of_line(line) is None


def test_a_zone_that_several_places_call_so_leaves_the_time_without_one() -> None:
    assert dates.of_line("21 Nov 2026 14:05 EST") == NOON
    assert dates.of_machine("Sat, 21 Nov 2026 14:05:00 EST") == f"{NOON}:00"


def test_moscow_time_has_an_offset_only_where_it_was_always_the_same() -> None:
    assert dates.of_line("1 марта 2012 14:05 МСК") == "2012-03-01T14:05"


def test_a_date_may_be_a_little_ahead_and_no_more() -> None:
    this_year = datetime.now(tz=UTC).year

    assert dates.of_line(f"1 May {this_year + 2}") == f"{this_year + 2}-05-01"
    assert dates.of_line(f"1 May {this_year + 3}") is None


@pytest.mark.parametrize(
    ("given_date", "date"),
    [
        ("2026-11-21", DAY),
        (" 2026-11-21T14:05Z ", f"{NOON}+00:00"),
        ("2026-11-21T14:05:00.123+05:00", f"{NOON}:00+05:00"),
        ("2026-11-21 14:05:00 +0500", f"{NOON}:00+05:00"),
        ("2026-11-21T14:05:00-03", f"{NOON}:00-03:00"),
        ("2026-11-21 14:05", NOON),
        ("Sat, 21 Nov 2026 14:05:00 +0530", f"{NOON}:00+05:30"),
        ("Sat, 21 Nov 2026 14:05:00 +0500 (ALMT)", f"{NOON}:00+05:00"),
        ("21 Nov 2026 14:05:00 GMT", f"{NOON}:00+00:00"),
        ("21 Nov 26 14:05 UT", f"{NOON}:00"),
        ("Sat, 21 Nov 2026 14:05:00 -0000", f"{NOON}:00"),
    ],
)
def test_a_date_of_a_program_keeps_its_zone(given_date: str, date: str) -> None:
    assert dates.of_machine(given_date) == date


@pytest.mark.parametrize(
    "given_date",
    [
        None,
        1795000000,
        "",
        "1795000000",
        "20261121",
        "2026-11",
        "2026-13-01",
        "2026-11-21T24:00:00Z",
        "2026-11-21T14:05:00-23:59",
        "0001-01-01T00:00:00",
        "1899-12-31",
        "9999-12-31",
        "Sat, 32 Nov 2026 14:05:00 +0500",
        "Sat, 21 Nov 2026 99:05:00 GMT",
        "Sat, 21 Foo 2026 14:05:00 GMT",
        "yesterday",
        "2026-11-21" * 100,
    ],
)
def test_what_is_no_date_or_an_absurd_one_is_none(given_date: object) -> None:
    assert dates.of_machine(given_date) is None


@given(st.text(st.sampled_from("0123456789 .,/:-+٢نوفمبرноябряжылғыNOVTZ\u0660²"), max_size=40))
def test_any_line_gives_a_sound_date_or_none(line: str) -> None:
    for found in (dates.of_line(line), dates.of_machine(line)):
        assert found is None or datetime.fromisoformat(found).year >= 1900


def test_a_long_line_is_refused_unread() -> None:
    started = time.perf_counter()
    for line in ("1" * 5_000_000, "21 " * 1_000_000, "1." * 1_000_000, " " * 2_000_000 + "21 May 2026"):
        assert dates.of_line(line) is None
        assert dates.of_machine(line) is None

    assert time.perf_counter() - started < 20
