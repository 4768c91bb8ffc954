"""Rehearsal: alerts gained, lost and moved, counted by hand; decided as intake decides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.articles import Article
from classifier.model import Model
from classifier.storage import save, use
from classifier.tagging import Cuts
from daemon import clock, ledger, rehearsing, replaying, verdicts
from daemon.cli import main as topicwired
from daemon.config import Receiver, Route, Settings, Story
from daemon.database import Database
from daemon.records import FileState
from daemon.rehearsals import Change, Heard, Kind, Rehearsal, Tally
from daemon.replaying import Mark
from daemon.verdicts import Verdict
from tests import ledgers
from tests.builders import NOON, SECOND, make_settings, small_model
from tests.newsroom import Newsroom

MODEL = small_model()
# What the small model says of energy and trade; its cuts are 0.50 and 0.60, for mentions 0.25.
OIL = "Oil"  # 0.86, 0.06
GAS = "Gas"  # 0.81, 0.08
BOTH = "Oil export"  # 0.60, 0.47
TRADE = "Export"  # 0.16, 0.76
QUIET = "Weather"  # 0.27, 0.12
DESK = (Route(receiver="desk"),)
Capture = pytest.CaptureFixture[str]


def with_cuts(energy: float = 0.5, trade: float = 0.6, model: Model = MODEL) -> Model:
    return model.with_cuts({"energy": Cuts(energy, 0.25), "trade": Cuts(trade, 0.25)})


def record(database: Database, *texts: str, when: datetime = NOON) -> list[int]:
    """Articles of one file, as intake leaves them; two texts that are equal are two articles."""
    # Numbers mean nothing to the small model, and tell the articles from each other.
    articles = [Article(f"{each} #{n} {when.isoformat()}", language="en") for n, each in enumerate(texts)]
    with database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint="f" * 64, name="some.txt", size=1, state=FileState.DONE, now=when
        )
        found = [(file, position, tagged) for position, tagged in enumerate(MODEL.tag_all(articles))]
        ids = ledger.record_articles(connection, found, now=when)
    return [article for article in ids if article is not None]


def judge(database: Database, article: int, topic: str, verdict: Verdict, person: str = "ann") -> None:
    with database.transaction() as connection:
        verdicts.add(
            connection, article=article, topic=topic, verdict=verdict, person=person, now=clock.now()
        )


def settings_with(tmp_path: Path, *routes: Route) -> Settings:
    names = dict.fromkeys(route.receiver for route in routes)
    receivers = tuple(Receiver(name=name, type="console") for name in names)
    return make_settings(tmp_path, receivers=receivers, routes=routes)


def name(headline: str) -> str:
    """What an article was recorded with."""
    return headline.partition(" #")[0]


def rehearse(
    database: Database,
    home: Path,
    after: Model,
    *,
    before: Model = MODEL,
    routes: Sequence[Route] = DESK,
    then: Sequence[Route] | None = None,
    since: datetime = NOON,
) -> Rehearsal:
    configured = settings_with(home, *routes)
    return rehearsing.rehearse(database, configured, since=since, before=before, after=after, routes=then)


def told(found: Rehearsal) -> list[tuple[Any, ...]]:
    """Each change: its kind, headline, and what was and is heard."""
    return [
        (
            change.kind.value,
            name(change.headline),
            change.was and change.was.key,
            change.now and change.now.key,
        )
        for change in found.changes
    ]


def test_a_higher_cut_loses_what_lies_below_it_and_nothing_else(database: Database, tmp_path: Path) -> None:
    record(database, OIL, GAS, BOTH, TRADE, QUIET)

    found = rehearse(database, tmp_path, with_cuts(energy=0.7))

    assert found.articles == 5
    assert told(found) == [("lost", BOTH, ("desk", "energy"), None)]
    assert found.topics == {
        ("desk", "energy"): Tally(before=3, after=2, lost=1),
        ("desk", "trade"): Tally(before=1, after=1),
    }
    assert found.alerts == {"desk": (4, 3)}


def test_a_lower_cut_gains_with_the_evidence_a_person_needs(database: Database, tmp_path: Path) -> None:
    record(database, OIL, BOTH, QUIET)

    found = rehearse(database, tmp_path, with_cuts(trade=0.45))

    [change] = found.changes
    assert (change.kind, name(change.headline), change.language) == (Kind.GAINED, BOTH, "en")
    heard = change.now
    assert heard is not None
    assert heard.key == ("desk", "trade")
    assert (heard.grade, heard.before, heard.after) == ("main", 0.4714, 0.4714)
    assert (heard.cut_before, heard.cut_after, heard.by_routes) == (0.6, 0.45, False)
    assert "Oil export" in heard.passage
    assert "export" in heard.words
    assert found.alerts == {"desk": (2, 2)}  # the desk heard of that article for energy already


def test_an_article_that_is_heard_for_another_topic_has_moved(database: Database, tmp_path: Path) -> None:
    record(database, OIL, BOTH)

    found = rehearse(database, tmp_path, with_cuts(energy=0.7, trade=0.45))

    assert told(found) == [("moved", BOTH, ("desk", "energy"), ("desk", "trade"))]
    assert (found.gained, found.lost, found.moved) == (0, 0, 1)
    assert found.topics == {
        ("desk", "energy"): Tally(before=2, after=1, moved_out=1),
        ("desk", "trade"): Tally(before=0, after=1, moved_in=1),
    }


def test_an_article_that_another_receiver_hears_of_instead_has_moved(
    database: Database, tmp_path: Path
) -> None:
    record(database, OIL, TRADE)
    routes = (Route(receiver="fuel", topics=("energy",)), Route(receiver="all"))

    found = rehearse(
        database,
        tmp_path,
        MODEL,
        routes=routes,
        then=(Route(receiver="mines", topics=("energy",)), Route(receiver="all")),
    )

    assert told(found) == [("moved", OIL, ("fuel", "energy"), ("mines", "energy"))]
    assert found.alerts == {"fuel": (1, 0), "mines": (0, 1), "all": (2, 2)}


def test_what_another_receiver_hears_for_another_topic_has_moved_as_well(
    database: Database, tmp_path: Path
) -> None:
    record(database, BOTH)
    routes = (Route(receiver="fuel", topics=("energy",)), Route(receiver="markets", topics=("trade",)))

    found = rehearse(database, tmp_path, with_cuts(energy=0.7, trade=0.45), routes=routes)

    assert told(found) == [("moved", BOTH, ("fuel", "energy"), ("markets", "trade"))]


def test_a_move_is_rather_a_receivers_own_and_what_is_left_is_gained(
    database: Database, tmp_path: Path
) -> None:
    record(database, BOTH)
    model = with_cuts(trade=0.45)  # about both

    found = rehearse(
        database,
        tmp_path,
        model,
        before=model,
        routes=(Route(receiver="one", topics=("energy",)),),
        then=(Route(receiver="one", topics=("trade",)), Route(receiver="two", topics=("energy",))),
    )

    assert told(found) == [
        ("moved", BOTH, ("one", "energy"), ("one", "trade")),
        ("gained", BOTH, None, ("two", "energy")),
    ]


def test_mentions_count_where_a_route_asks_for_them(database: Database, tmp_path: Path) -> None:
    record(database, BOTH, QUIET)
    then = (Route(receiver="desk", grade="mention", languages=("en",)),)

    found = rehearse(database, tmp_path, MODEL, then=then)

    assert told(found) == [
        ("gained", BOTH, None, ("desk", "trade")),
        ("gained", QUIET, None, ("desk", "energy")),
    ]
    assert [change.now and (change.now.cut_after, change.now.by_routes) for change in found.changes] == [
        (0.25, True),
        (0.25, True),
    ]
    assert any("(mention from 0.25, by its routes)" in line for line in found.lines())


def test_what_a_desk_marked_right_and_would_lose_comes_first(database: Database, tmp_path: Path) -> None:
    first, second, third, fourth = record(database, BOTH, "Export of oil", "Oil, export", "Oil for export")
    judge(database, second, "energy", Verdict.WRONG)
    judge(database, third, "energy", Verdict.RIGHT)
    judge(database, fourth, "energy", Verdict.RIGHT)
    judge(database, fourth, "energy", Verdict.WRONG, person="bob")
    judge(database, first, "trade", Verdict.RIGHT)

    found = rehearse(database, tmp_path, with_cuts(energy=0.7))

    assert [name(change.headline) for change in found.lost_right] == ["Oil, export"]
    assert found.number_lost_right == 1
    assert [(name(change.headline), change.was and change.was.mark) for change in found.changes] == [
        ("Oil, export", Mark.RIGHT),
        (BOTH, None),
        ("Export of oil", Mark.WRONG),
        ("Oil for export", Mark.DISPUTED),
    ]


def test_a_settled_dispute_counts_as_it_was_settled(database: Database, tmp_path: Path) -> None:
    [article] = record(database, BOTH)
    judge(database, article, "energy", Verdict.RIGHT)
    judge(database, article, "energy", Verdict.WRONG, person="bob")
    with database.transaction() as connection:
        verdicts.settle(
            connection,
            article=article,
            topic="energy",
            verdict=Verdict.RIGHT,
            person="chief",
            now=clock.now(),
        )

    assert len(rehearse(database, tmp_path, with_cuts(energy=0.7)).lost_right) == 1


def test_what_moves_to_another_topic_is_lost_right_and_what_another_desk_hears_is_not(
    database: Database, tmp_path: Path
) -> None:
    [article] = record(database, BOTH)
    judge(database, article, "energy", Verdict.RIGHT)

    to_trade = rehearse(database, tmp_path, with_cuts(energy=0.7, trade=0.45))
    to_fuel = rehearse(database, tmp_path, MODEL, then=(Route(receiver="fuel"),))

    assert [change.kind for change in to_trade.lost_right] == [Kind.MOVED]
    assert [change.kind for change in to_fuel.changes] == [Kind.MOVED]
    assert to_fuel.lost_right == ()


def test_only_articles_since_a_moment_are_replayed(database: Database, tmp_path: Path) -> None:
    record(database, OIL, when=NOON - SECOND)
    record(database, GAS)
    record(database, OIL, when=NOON - 2 * SECOND)  # the clock was set back for a while
    record(database, TRADE)

    found = rehearse(database, tmp_path, MODEL)
    earlier = rehearse(database, tmp_path, MODEL, since=NOON - SECOND)
    later = rehearse(database, tmp_path, MODEL, since=NOON + SECOND)

    assert [each.articles for each in (found, earlier, later)] == [2, 3, 0]
    assert [each.alerts for each in (found, earlier, later)] == [{"desk": (2, 2)}, {"desk": (3, 3)}, {}]


def test_articles_come_back_as_they_were_taken_part_by_part(database: Database) -> None:
    article = Article(
        "Oil\nGas 7",
        title="Oil",
        date="2026-03-05T11:00",
        language="kk",
        source="wire",
        author="A. Author",
        url="https://news.example/1",
        caveats=("one", "two"),
    )
    with database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint="f", name="wire/1.txt", size=1, state=FileState.DONE, now=NOON
        )
        ledger.record_article(connection, file, 3, MODEL.tag(article), now=NOON)
    record(database, OIL, GAS, BOTH, when=NOON + SECOND)
    with database.reading() as connection:
        there = replaying.span(connection, NOON)
    record(database, TRADE, when=NOON + 2 * SECOND)

    parts = list(replaying.parts(database, there, most=2))

    assert [len(part) for part in parts] == [2, 2]
    first = parts[0][0]
    assert first.article == article
    assert first.article.fingerprint == article.fingerprint
    assert (first.file_name, first.position, first.model) == ("wire/1.txt", 3, "small")
    assert [name(each.article.headline) for part in parts for each in part] == [OIL, OIL, GAS, BOTH]


def test_another_model_is_heard_with_its_own_probabilities(database: Database, tmp_path: Path) -> None:
    record(database, OIL, GAS, BOTH)
    weights = replace(MODEL.weights, intercepts=MODEL.weights.intercepts - [1.0, 0.0])

    found = rehearse(database, tmp_path, replace(MODEL, version="other", weights=weights))

    assert told(found) == [("lost", BOTH, ("desk", "energy"), None)]
    [change] = found.changes
    assert change.was is not None
    assert (change.was.before, change.was.after) == (0.6021, 0.3576)  # log-odds 0.41, and 1 less


def test_a_model_that_does_not_know_a_topic_says_none(database: Database, tmp_path: Path) -> None:
    record(database, TRADE)
    other = replace(MODEL, version="other", cuts={"energy": Cuts(0.5, 0.25)}, retired=frozenset({"trade"}))

    found = rehearse(database, tmp_path, other)

    [change] = found.changes
    assert change.kind is Kind.LOST
    assert change.was is not None
    assert (change.was.cut_before, change.was.cut_after) == (0.6, None)
    assert (found.before, found.after) == ("small", "other")


def test_numbers_are_exact_where_only_some_of_the_changes_are_kept(
    database: Database, tmp_path: Path
) -> None:
    ids = record(database, *[BOTH] * 230, *[OIL] * 30)
    for article in ids[225:230]:
        judge(database, article, "energy", Verdict.RIGHT)

    found = rehearse(database, tmp_path, with_cuts(energy=0.7))

    assert found.topics["desk", "energy"] == Tally(before=260, after=30, lost=230, lost_right=5)
    assert len(found.lost_right) == 5
    assert len(found.changes) == 205
    assert list(found.lines())[-1] == "and 25 more"
    assert list(found.lines(most=3))[-1] == "and 227 more"


def test_how_far_it_is_is_told_part_by_part(database: Database, tmp_path: Path) -> None:
    record(database, *[OIL] * 230)
    steps: list[tuple[int, int]] = []

    rehearsing.rehearse(
        database,
        settings_with(tmp_path, *DESK),
        since=NOON,
        before=MODEL,
        after=MODEL,
        tell=lambda done, total: steps.append((done, total)),
    )

    assert steps == [(200, 230), (230, 230)]


def test_rehearsing_what_serves_finds_the_alerts_that_intake_wrote(
    tmp_path: Path, database: Database
) -> None:
    routes = (Route(receiver="desk", topics=("trade",)), Route(receiver="all", grade="mention"))
    configured = settings_with(tmp_path, *routes).model_copy(update={"story": Story(window_hours=0)})
    newsroom = Newsroom(configured, database, MODEL)
    for number, said in enumerate((OIL, GAS, BOTH, TRADE, QUIET, "Export of gas", "Gas export")):
        newsroom.drop(f"{number}.txt", f"{said}\n\nThe {said} of the year {number}.\n")
    newsroom.take_all()

    found = rehearsing.rehearse(
        database, configured, since=clock.now() - timedelta(hours=1), before=MODEL, after=with_cuts(0.9, 0.9)
    )

    written = [
        (alert.receiver, alert.headline, topic.id) for alert in newsroom.alerts() for topic in alert.topics
    ]
    assert len(written) > 7
    assert sum(tally.before for tally in found.topics.values()) == len(written)
    for receiver, (before, _) in found.alerts.items():
        assert before == sum(alert.receiver == receiver for alert in newsroom.alerts())


CUT = st.builds(Cuts, st.floats(0.05, 0.95), st.floats(0.02, 0.6))
CUTS = st.builds(lambda energy, trade: MODEL.with_cuts({"energy": energy, "trade": trade}), CUT, CUT)
ROUTES = st.lists(
    st.builds(
        Route,
        receiver=st.sampled_from(["one", "two", "three"]),
        topics=st.sampled_from([None, ("energy",), ("trade",)]),
        grade=st.sampled_from(["main", "mention"]),
        min_probability=st.sampled_from([0.0, 0.5]),
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    """A ledger with an article of each mixture of a few words."""
    home = tmp_path_factory.mktemp("varied")
    database = ledgers.opened(home)
    texts = [" ".join(words) for n in (1, 2) for words in product(("oil", "gas", "export", "coil"), repeat=n)]
    record(database, *texts)
    yield database, home
    database.close()


def turned(heard: Heard | None) -> Heard | None:
    """As it looks from the other side."""
    if heard is None:
        return None
    cut_before, cut_after = heard.cut_after, heard.cut_before
    return replace(heard, before=heard.after, after=heard.before, cut_before=cut_before, cut_after=cut_after)


def by_name(changes: Iterable[Change]) -> list[Change]:
    return sorted(changes, key=repr)


@settings(max_examples=30)
@given(CUTS, CUTS, ROUTES, ROUTES)
def test_before_and_after_swapped_swap_gained_and_lost(
    varied: tuple[Database, Path], one: Model, other: Model, old: list[Route], new: list[Route]
) -> None:
    database, home = varied
    there = rehearse(database, home, other, before=one, routes=old, then=new)
    back = rehearse(database, home, one, before=other, routes=new, then=old)

    assert (there.gained, there.lost, there.moved) == (back.lost, back.gained, back.moved)
    assert there.alerts == {name: (before, after) for name, (after, before) in back.alerts.items()}
    assert by_name(there.changes) == by_name(
        replace(change, was=turned(change.now), now=turned(change.was)) for change in back.changes
    )
    for tally in there.topics.values():
        kept = tally.before - tally.lost - tally.moved_out
        assert kept + tally.gained + tally.moved_in == tally.after


@settings(max_examples=30)
@given(CUTS, CUTS, ROUTES)
def test_where_only_cuts_differ_a_shorter_way_leads_to_the_same(
    varied: tuple[Database, Path], one: Model, other: Model, routes: list[Route]
) -> None:
    database, home = varied
    stranger = replace(other, weights=replace(other.weights))

    shorter = rehearse(database, home, other, before=one, routes=routes)
    longer = rehearse(database, home, stranger, before=one, routes=routes)

    assert shorter == longer


def test_a_cut_in_the_last_digits_of_a_probability_is_kept_to(database: Database, tmp_path: Path) -> None:
    record(database, OIL)
    exact = float(MODEL.table.scores(["Oil"])[0, 0])  # the score, without its intercept
    probability = 1 / (1 + math.exp(-(exact - 1.0)))
    told = round(probability, 4)
    assert told != probability

    below, above = (rehearse(database, tmp_path, with_cuts(energy=probability + by)) for by in (-1e-9, 1e-9))

    assert (below.lost, above.lost) == (0, 1)


def test_hostile_articles_do_not_reach_a_persons_terminal(database: Database, tmp_path: Path) -> None:
    record(database, "Oil export \x1b[2J\x9b\u202e")

    lines = list(rehearse(database, tmp_path, with_cuts(energy=0.7)).lines())

    assert any("Oil export" in line for line in lines)
    assert all(line.isprintable() for line in lines)


# The command


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """A home with a small model that serves, another one, and a ledger with articles."""
    home = tmp_path / "used"
    models = home / "models"
    served = save(MODEL, models, probes=["Oil"], made_by={}, now=NOON).version
    use(models, served)
    (home / "labels").mkdir()
    database = ledgers.opened(home)
    record(database, OIL, GAS, BOTH, TRADE, QUIET, when=clock.now() - timedelta(days=1))
    database.close()
    return home


def said(capsys: Capture, *arguments: str | Path, code: int = 0) -> tuple[list[str], str]:
    assert topicwired([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err


def rows(home: Path) -> list[Any]:
    """Everything that the ledger has."""
    database = ledgers.opened(home)
    with database.reading() as connection:
        found = ledgers.everything(connection)
    database.close()
    return found


def test_the_command_prints_the_summary_then_each_change_and_writes_nothing(
    used: Path, capsys: Capture
) -> None:
    before = rows(used)

    out, err = said(capsys, "rehearse", "--home", used, "--cut", "energy=0.7", "--cut", "trade=0.9", "--json")

    summary, *changes = map(json.loads, out)
    assert (summary["articles"], summary["gained"], summary["lost"], summary["moved"]) == (5, 0, 2, 0)
    assert summary["topics"] == [
        {
            "receiver": "console",
            "topic": topic,
            "before": was,
            "after": now,
            "gained": 0,
            "lost": 1,
            "moved_in": 0,
            "moved_out": 0,
            "lost_right": 0,
        }
        for topic, was, now in (("energy", 3, 2), ("trade", 1, 0))
    ]
    assert [(each["change"], name(each["headline"])) for each in changes] == [("lost", BOTH), ("lost", TRADE)]
    assert changes[0]["was"]["cut"] == {"before": 0.5, "after": 0.7}
    assert changes[0]["now"] is None
    assert err == ""
    assert rows(used) == before


def test_the_command_says_the_same_to_people(used: Path, capsys: Capture) -> None:
    out, _ = said(capsys, "rehearse", "--home", used, "--cut", "energy=0.7", "--since", "2d")

    assert out[0].startswith("5 articles since ")
    assert out[1] == "alerts of a topic: 0 gained, 1 lost, 0 moved; 0 lost that a desk marked ✓"
    assert [line.split() for line in out if line.startswith("console  ")] == [
        ["console", "energy", "3", "2", "0", "1", "0", "0", "0"],
        ["console", "trade", "1", "1", "0", "0", "0", "0", "0"],
    ]
    assert any("console: energy 0.60 → 0.60 (main from 0.50 → 0.70)" in line for line in out)


def test_another_model_and_other_routes_are_rehearsed_together(
    used: Path, tmp_path: Path, capsys: Capture
) -> None:
    other = save(with_cuts(energy=0.85), used / "models", probes=["Oil"], made_by={}, now=NOON).version
    routes = tmp_path / "routes.toml"
    routes.write_text(
        '[[receiver]]\nname = "fuel"\ntype = "console"\n[[route]]\nreceiver = "fuel"\ntopics = ["energy"]\n'
    )

    out, _ = said(capsys, "rehearse", "--home", used, "--model", other, "--routes", routes, "--json")

    summary, *changes = map(json.loads, out)
    assert summary["model"]["after"] == other
    assert sorted((each["change"], name(each["headline"])) for each in changes) == [
        ("lost", TRADE),
        ("lost", GAS),
        ("lost", BOTH),
        ("moved", OIL),
    ]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "say what is to be rehearsed: --model, --cut or --routes"),
        (["--cut", "enrgy=0.7"], "--cut enrgy=0.7: no topic 'enrgy'; there are energy, trade"),
        (["--cut", "energy=1.7"], "--cut energy=1.7: should be from 0.001 to 0.999, as energy=0.7"),
        (["--cut", "energy"], "--cut energy: should be from 0.001 to 0.999, as energy=0.7"),
        (["--cut", "energy=nan"], "--cut energy=nan: should be from 0.001 to 0.999, as energy=0.7"),
        (
            ["--cut", "energy=0.7", "--since", "soon"],
            "--since soon: should be as 30m, 2h, 14d or 2w, or a date",
        ),
        (["--cut", "energy=0.7", "--since", "2999-01-01"], "--since 2999-01-01: is still to come"),
        (["--model", "nosuch"], "nosuch"),
    ],
)
def test_what_cannot_be_rehearsed_is_said_in_one_line(
    used: Path, capsys: Capture, arguments: list[str], line: str
) -> None:
    _, err = said(capsys, "rehearse", "--home", used, *arguments, code=1)

    assert err.startswith("topicwired: ")
    assert line in err
    assert err.count("\n") == 1


def test_routes_that_are_not_sound_are_refused_as_a_configuration_is(
    used: Path, tmp_path: Path, capsys: Capture
) -> None:
    routes = tmp_path / "routes.toml"
    routes.write_text('[[route]]\nreceiver = "console"\ntopics = ["enrgy"]\n')

    _, err = said(capsys, "rehearse", "--home", used, "--routes", routes, code=1)

    assert err.startswith(f"topicwired: {routes}: route number 1: no topic 'enrgy'; there are ")
