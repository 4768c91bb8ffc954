"""The slider: what another cut would have made, the same as a rehearsal, from numbers found once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from classifier.articles import Article
from classifier.model import Model
from classifier.storage import save, use
from daemon import clock, ledger, promises, rehearsing, verdicts
from daemon.config import Promise, Receiver, Route, Settings
from daemon.database import Database
from daemon.desk import slider
from daemon.desk.slider import Lookout, Outlook, Said
from daemon.records import FileState
from daemon.rehearsals import Kind, Rehearsal, Tally
from daemon.replaying import Mark
from daemon.verdicts import Verdict
from tests.builders import make_settings, small_model

# What the small model says of energy and trade; its cuts are 0.50 and 0.60, for mentions 0.25.
OIL = "Oil"  # 0.86, 0.06
GAS = "Gas"  # 0.81, 0.08
BOTH = "Oil export"  # 0.60, 0.47
TRADE = "Export"  # 0.16, 0.76
QUIET = "Weather"  # 0.27, 0.12
TEXTS = (OIL, GAS, BOTH, TRADE, QUIET, "Gas export", "Export of oil and gas", "   ")

ROUTES: dict[str, tuple[Route, ...]] = {
    "one desk": (Route(receiver="desk"),),
    "a desk that hears of mentions": (Route(receiver="desk", grade="mention"),),
    "two desks": (
        Route(receiver="desk", topics=("energy",), grade="mention", min_probability=0.58),
        Route(receiver="desk", languages=("ru",)),
        Route(receiver="other", topics=("trade", "energy"), languages=("en",)),
    ),
    "nobody": (Route(receiver="desk", topics=("trade",)),),
}


def settings_with(home: Path, routes: Sequence[Route], **changes: object) -> Settings:
    names = dict.fromkeys(route.receiver for route in routes)
    receivers = tuple(Receiver(name=name, type="console") for name in names)
    return make_settings(home, receivers=receivers, routes=tuple(routes), **changes)


def serve(configured: Settings, model: Model) -> None:
    use(configured.models, save(model, configured.models, probes=["Oil"], made_by={}).version)


def record(
    database: Database, texts: Sequence[tuple[str, str | None]], when: datetime | None = None
) -> list[int]:
    """Articles as intake leaves them, each with a number of its own, which means nothing to the model."""
    model, moment = small_model(), when or clock.now()
    articles = [
        Article(f"{each} #{n} {moment.isoformat()}" if each.strip() else each * (n + 1), language=language)
        for n, (each, language) in enumerate(texts)
    ]
    with database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint="f" * 64, name="some.txt", size=1, state=FileState.DONE, now=moment
        )
        found = [(file, place, tagged) for place, tagged in enumerate(model.tag_all(articles))]
        ids = ledger.record_articles(connection, found, now=moment)
    return [article for article in ids if article is not None]


def judge(database: Database, article: int, verdict: Verdict, person: str = "ann") -> None:
    with database.transaction() as connection:
        verdicts.add(
            connection, article=article, topic="energy", verdict=verdict, person=person, now=clock.now()
        )


def looked(configured: Settings, database: Database, **changes: int) -> tuple[Lookout, Said]:
    lookout = Lookout(configured, database, **changes)
    said = lookout.said(20)
    assert said is not None
    return lookout, said


def moved(
    configured: Settings, lookout: Lookout, said: Said, cut: float, marks: Mapping[int, Mark] | None = None
) -> Outlook:
    served = promises.served_model(configured, said.model)
    heard = lookout.hearing(said, served, "energy")
    after = slider.cuts_at(said.model, "energy", cut)
    return slider.outlook(said, heard, "energy", served.cuts["energy"], after, marks or {})


def rehearsed(configured: Settings, database: Database, said: Said, cut: float) -> Rehearsal:
    """As `topicwired rehearse --cut energy=CUT` does it."""
    wanted = {**configured.promises, "energy": Promise(cut=cut)}
    return rehearsing.rehearse(
        database,
        configured,
        since=said.since,
        before=promises.served_model(configured, said.model),
        after=promises.served_model(configured.model_copy(update={"promises": wanted}), said.model),
    )


def same(found: Outlook, other: Rehearsal, database: Database) -> None:
    with database.reading() as connection:
        rows = connection.execute(text("SELECT id, fingerprint FROM articles")).all()
    names = {row.id: row.fingerprint for row in rows}
    of_topic = {receiver: tally for (receiver, topic), tally in other.topics.items() if topic == "energy"}
    assert {name: tally for name, tally in found.tallies.items() if tally != Tally()} == of_topic
    assert {name: pair for name, pair in found.alerts.items() if pair != (0, 0)} == dict(other.alerts)
    lost = {change.article for change in other.changes if change.kind is Kind.LOST}
    gained = {change.article for change in other.changes if change.kind is Kind.GAINED}
    assert {names[each.article] for each in found.lost} == lost
    assert {names[each.article] for each in found.gained} == gained
    assert other.moved == 0


@pytest.fixture
def energies(database: Database) -> list[int]:
    return record(database, [(each, "en") for each in (OIL, GAS, BOTH, TRADE, QUIET)])


@pytest.mark.parametrize("routes", ROUTES)
def test_a_move_of_the_slider_says_what_a_rehearsal_says(
    database: Database, tmp_path: Path, routes: str
) -> None:
    configured = settings_with(tmp_path, ROUTES[routes])
    serve(configured, small_model())
    articles = record(database, [(each, language) for each in TEXTS for language in ("en", "ru", None)])
    judge(database, articles[0], Verdict.RIGHT)
    judge(database, articles[4], Verdict.WRONG)
    marks = {articles[0]: Mark.RIGHT, articles[4]: Mark.WRONG}
    lookout, said = looked(configured, database)

    for own in (None, 0.2, 0.7):
        promised = {} if own is None else {"energy": Promise(cut=own)}
        now = configured.model_copy(update={"promises": promised})
        for cut in (0.001, 0.22, 0.58, 0.8):
            same(moved(now, lookout, said, cut, marks), rehearsed(now, database, said, cut), database)


@given(cuts=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=4))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_is_so_with_any_cut(database: Database, tmp_path: Path, cuts: list[float]) -> None:
    configured = settings_with(tmp_path, ROUTES["two desks"])
    if not configured.models.exists():
        serve(configured, small_model())
        record(database, [(each, language) for each in TEXTS for language in ("en", "ru")])
    lookout, said = looked(configured, database)

    for cut in cuts:
        same(moved(configured, lookout, said, cut), rehearsed(configured, database, said, cut), database)


def test_a_probability_is_compared_with_all_its_digits(database: Database, tmp_path: Path) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    record(database, [(OIL, "en")])
    lookout, said = looked(configured, database)
    [exactly] = said.of("energy").tolist()
    for cut in (round(exactly, 4), exactly, exactly + 1e-9, exactly - 1e-9):
        same(moved(configured, lookout, said, cut), rehearsed(configured, database, said, cut), database)
    assert exactly != round(exactly, 4)


def test_what_a_desk_called_right_is_lost_before_the_others(
    database: Database, tmp_path: Path, energies: list[int]
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    lookout, said = looked(configured, database)
    oil, gas, both, *_ = energies

    found = moved(configured, lookout, said, 0.95, {both: Mark.RIGHT, oil: Mark.WRONG})

    assert [each.article for each in found.lost] == [both, oil, gas]
    assert found.lost_right == 1
    assert found.changed == (0, 3)


def test_how_many_are_likely_false_comes_from_the_probabilities(
    database: Database, tmp_path: Path, energies: list[int]
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    lookout, said = looked(configured, database)

    found = moved(configured, lookout, said, 0.7)

    assert found.said == (3, 2)
    assert list(found.false) == pytest.approx([0.14 + 0.19 + 0.40, 0.14 + 0.19], abs=0.02)


def test_judged_articles_are_counted_above_the_cut_and_in_all(
    database: Database, tmp_path: Path, energies: list[int]
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    _, said = looked(configured, database)
    oil, gas, both, trade, _ = energies
    marks = {oil: Mark.RIGHT, both: Mark.RIGHT, trade: Mark.WRONG, gas: Mark.DISPUTED}

    assert slider.judged(said, "energy", 0.7, marks) == slider.Judged(1, 0, 2, 1)
    assert slider.judged(said, "energy", 0.1, marks) == slider.Judged(2, 1, 2, 1)


def test_only_the_last_fourteen_days_count(database: Database, tmp_path: Path) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    record(database, [(OIL, "en")], clock.now() - timedelta(days=slider.DAYS, minutes=1))
    [young] = record(database, [(OIL, "en")], clock.now() - timedelta(days=slider.DAYS, minutes=-1))

    _, said = looked(configured, database)

    assert said.ids.tolist() == [young]
    assert not said.is_cut_short


def test_where_there_is_no_room_for_all_the_newest_are_looked_at_and_it_is_said(
    database: Database, tmp_path: Path
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    hours = [clock.now() - timedelta(hours=number) for number in (9, 6, 3)]
    ids = [record(database, [(OIL, "en")], moment)[0] for moment in hours]

    lookout, said = looked(configured, database, most=2)

    assert said.ids.tolist() == ids[1:]
    assert said.is_cut_short
    assert said.since == hours[1]
    same(moved(configured, lookout, said, 0.9), rehearsed(configured, database, said, 0.9), database)


@pytest.fixture
def always_old(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(slider, "_FRESH", 0.0)
    yield


def test_what_came_since_is_looked_at_alone_and_what_is_too_old_by_now_is_left(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always_old: None
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    edge = clock.now() - timedelta(days=slider.DAYS)
    record(database, [(GAS, "en")], edge + timedelta(hours=1))
    [kept] = record(database, [(OIL, "en")], edge + timedelta(hours=3))
    lookout, before = looked(configured, database)
    [new] = record(database, [(TRADE, "ru")])
    later = clock.now() + timedelta(hours=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    looked_at: list[int] = []
    real = Model.probabilities

    def counted(model: Model, articles: Sequence[Article]) -> object:
        looked_at.append(len(articles))
        return real(model, articles)

    monkeypatch.setattr(Model, "probabilities", counted)

    lookout.said(0)
    assert lookout.settle(20)
    after = lookout.said(0)

    assert after is not None
    assert (before.articles, after.ids.tolist(), after.languages) == (2, [kept, new], ("en", "ru"))
    assert after.of("trade").tolist()[1] == pytest.approx(0.7, abs=0.1)
    assert looked_at[0] == 1


def test_another_model_has_everything_looked_at_anew_and_nothing_old_is_shown_meanwhile(
    database: Database, tmp_path: Path, energies: list[int], always_old: None
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    lookout, before = looked(configured, database)
    weights = replace(small_model().weights, intercepts=small_model().weights.intercepts + 1.0)
    serve(configured, small_model(weights=weights))

    assert lookout.said(0) is None or lookout.settle(20)
    assert lookout.settle(20)
    after = lookout.said(0)

    assert after is not None
    assert after.model.version != before.model.version
    assert (after.of("energy") > before.of("energy")).all()


def test_an_article_that_is_not_said_has_a_passage_that_speaks_most_for_the_topic(
    database: Database, tmp_path: Path
) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    serve(configured, small_model())
    _, said = looked(configured, database)
    lookout = Lookout(configured, database)
    article = Article("Sunny weather came.\nExport of gas was spoken of.\nA bird sang.", language="en")

    found = lookout.quotes(said, "energy", {7: article})

    assert "gas" in found[7].passage
    assert "gas" in [word.lower() for word in found[7].words]


def test_without_a_model_nothing_is_shown_and_no_thread_is_left(database: Database, tmp_path: Path) -> None:
    configured = settings_with(tmp_path, ROUTES["one desk"])
    lookout = Lookout(configured, database)

    assert lookout.said(20) is None
    assert lookout.failed
