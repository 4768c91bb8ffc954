"""Retagging: tags become those of the model that serves, nothing is forgotten, and nobody hears twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection, text

from classifier.articles import Article
from classifier.model import Model
from classifier.storage import save, use
from classifier.tagging import Cuts
from daemon import clock, ledger, retagging, verdicts, wishes
from daemon.cli import main as topicwired
from daemon.config import Receiver, Route, Settings, Story
from daemon.database import Database
from daemon.inbox import Stamp
from daemon.recording import recorder
from daemon.retagging import Difference, Retagged
from daemon.verdicts import Verdict
from daemon.wishes import Wish
from tests import ledgers
from tests.builders import NOON, SECOND, make_settings, small_model
from tests.daemon_process import DaemonProcess
from tests.newsroom import Newsroom
from tests.test_rehearsing import BOTH, GAS, OIL, QUIET, TRADE, name, record, rows
from tests.test_telling import FIRST, REWRITE

MODEL = small_model()  # what it says of these texts stands in test_rehearsing
Capture = pytest.CaptureFixture[str]


def other_model(energy: float = 0.7, trade: float = 0.45, version: str = "next") -> Model:
    cuts = {"energy": Cuts(energy, 0.25), "trade": Cuts(trade, 0.25)}
    return replace(MODEL.with_cuts(cuts), version=version)


def settings_of(home: Path, *routes: Route, window: float = 0.0) -> Settings:
    routes = routes or (Route(receiver="desk"),)
    names = dict.fromkeys(route.receiver for route in routes)
    receivers = tuple(Receiver(name=each, type="console") for each in names)
    story = Story(window_hours=window)
    return make_settings(home, receivers=receivers, routes=routes, story=story, events=False)


def retag(
    database: Database, settings: Settings, model: Model | None = None, **how: Any
) -> tuple[Retagged, list[Difference]]:
    shown: list[Difference] = []
    found = retagging.retag(
        database, settings, model or other_model(), show=shown.append, **({"since": NOON} | how)
    )
    return found, shown


def asked(database: Database, query: str) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def tags(database: Database) -> dict[str, dict[str, str]]:
    """By what an article was recorded with, its topics with their grades."""
    found: dict[str, dict[str, str]] = {
        name(said): {} for (said,) in asked(database, "SELECT text FROM articles")
    }
    query = "SELECT text, topic, grade FROM articles JOIN tags ON article_id = articles.id"
    for said, topic, grade in asked(database, query):
        found[name(said)][topic] = grade
    return found


def everything(database: Database) -> list[Any]:
    with database.reading() as connection:
        return ledgers.everything(connection)


def said(difference: Difference) -> tuple[str, list[str]]:
    return name(difference.headline), [f"{shift.topic} {shift.how}" for shift in difference.shifts]


def test_tags_become_those_of_the_model_and_the_differences_are_shown(
    database: Database, tmp_path: Path
) -> None:
    record(database, OIL, BOTH, TRADE, QUIET)

    found, shown = retag(database, settings_of(tmp_path), other_model(energy=0.7, trade=0.9))

    assert [said(each) for each in shown] == [(BOTH, ["energy lowered"]), (TRADE, ["trade lowered"])]
    assert tags(database) == {
        OIL: {"energy": "main"},
        BOTH: {"energy": "mention", "trade": "mention"},
        TRADE: {"trade": "mention"},
        QUIET: {"energy": "mention"},
    }
    assert (found.articles, found.rewritten, found.changed) == (4, 4, 2)
    assert found.topics == {"energy": Counter(lowered=1), "trade": Counter(lowered=1)}
    assert asked(database, "SELECT DISTINCT model FROM articles") == [("next",)]


def test_a_topic_that_was_not_said_is_gained_and_one_that_is_said_no_more_is_lost(
    database: Database, tmp_path: Path
) -> None:
    record(database, OIL, BOTH, QUIET)
    model = MODEL.with_cuts({"energy": Cuts(0.7, 0.65), "trade": Cuts(0.45, 0.05)})

    found, shown = retag(database, settings_of(tmp_path), model)

    assert [said(each) for each in shown] == [
        (OIL, ["trade gained"]),
        (BOTH, ["energy lost", "trade raised"]),
        (QUIET, ["energy lost", "trade gained"]),
    ]
    assert found.topics == {"energy": Counter(lost=2), "trade": Counter(gained=2, raised=1)}
    shift = shown[1].shifts[0]
    assert (shift.before, shift.after) == (("main", 0.6021), None)


def test_what_was_said_before_is_kept(database: Database, tmp_path: Path) -> None:
    record(database, OIL, BOTH)

    retag(database, settings_of(tmp_path))

    kept = asked(
        database, "SELECT article_id, model_before, model, tags_before, tags FROM changes ORDER BY id"
    )
    assert [(*row[:3], json.loads(row[3]), json.loads(row[4])) for row in kept] == [
        (1, "small", "next", {"energy": ["main", 0.8616]}, {"energy": ["main", 0.8616]}),
        (
            2,
            "small",
            "next",
            {"energy": ["main", 0.6021], "trade": ["mention", 0.4714]},
            {"energy": ["mention", 0.6021], "trade": ["main", 0.4714]},
        ),
    ]


def test_evidence_and_the_nearest_topic_are_the_new_models(database: Database, tmp_path: Path) -> None:
    [article] = record(database, BOTH)

    retag(database, settings_of(tmp_path))

    expected = other_model().tag(Article(f"{BOTH} #0 {NOON.isoformat()}", language="en"))
    [(evidence, nearest, nearness)] = asked(
        database,
        "SELECT evidence, nearest, nearness FROM articles JOIN tags ON article_id = articles.id"
        f" WHERE article_id = {article} AND topic = 'trade'",
    )
    [trade] = [tag for tag in expected.tags if tag.topic == "trade"]
    assert [each["passage"] for each in json.loads(evidence)] == [each.passage for each in trade.evidence]
    assert (nearest, nearness) == ("energy", 0.6021)


def test_an_article_from_before_the_nearest_topic_was_kept_gets_one_and_nothing_else(
    database: Database, tmp_path: Path
) -> None:
    record(database, OIL)
    with database.transaction() as connection:
        connection.execute(text("UPDATE articles SET nearest = NULL, nearness = NULL"))

    found, shown = retag(database, settings_of(tmp_path), MODEL)

    assert (found.rewritten, shown) == (1, [])
    assert asked(database, "SELECT nearest FROM articles") == [("trade",)]
    assert asked(database, "SELECT * FROM changes") == []


def test_a_dry_run_shows_the_same_and_changes_nothing(database: Database, tmp_path: Path) -> None:
    record(database, OIL, BOTH, TRADE, QUIET)
    settings = settings_of(tmp_path)
    before = everything(database)

    dry, would = retag(database, settings, dry_run=True, alert=True)

    assert everything(database) == before
    real, did = retag(database, settings, alert=True)
    assert would == did != []
    assert dry.as_json() | {"dry_run": False} == real.as_json()


def test_a_dry_run_waits_for_nobody_who_writes(database: Database, tmp_path: Path) -> None:
    record(database, BOTH)

    with database.transaction():
        found, _ = retag(database, settings_of(tmp_path), dry_run=True)

    assert found.changed == 1


def test_twice_is_as_once(database: Database, tmp_path: Path) -> None:
    record(database, OIL, BOTH, TRADE, QUIET)
    settings = settings_of(tmp_path)
    retag(database, settings, alert=True)
    before = everything(database)

    found, shown = retag(database, settings, alert=True)

    assert (found.articles, found.rewritten, shown) == (4, 0, [])
    assert everything(database) == before


class Overtaken:
    """A ledger to which somebody else writes just before we do, once."""

    def __init__(self, database: Database, meanwhile: Callable[[], object]) -> None:
        self._database = database
        self._meanwhile = [meanwhile]

    def reading(self) -> AbstractContextManager[Connection]:
        return self._database.reading()

    def transaction(self) -> AbstractContextManager[Connection]:
        while self._meanwhile:
            self._meanwhile.pop()()
        return self._database.transaction()


def test_two_at_once_write_once(database: Database, tmp_path: Path) -> None:
    record(database, OIL, BOTH)
    settings = settings_of(tmp_path)
    overtaken = Overtaken(database, lambda: retag(database, settings))

    found, shown = retag(cast(Database, overtaken), settings)

    assert (found.rewritten, shown) == (0, [])
    assert asked(database, "SELECT COUNT(*) FROM changes") == [(2,)]


def test_what_the_serving_model_tagged_is_tagged_anew_where_its_cuts_are_others_by_now(
    database: Database, tmp_path: Path
) -> None:
    record(database, BOTH)

    found, _ = retag(database, settings_of(tmp_path), other_model(version="small"))

    assert found.changed == 1
    assert tags(database)[BOTH] == {"energy": "mention", "trade": "main"}


def test_only_articles_since_the_moment_are_tagged_anew(database: Database, tmp_path: Path) -> None:
    record(database, BOTH, when=NOON - SECOND)
    record(database, BOTH)

    found, _ = retag(database, settings_of(tmp_path))

    assert found.articles == 1
    assert asked(database, "SELECT model FROM articles ORDER BY id") == [("small",), ("next",)]


def test_when_an_article_was_taken_and_what_it_says_stay_as_they_are(
    database: Database, tmp_path: Path
) -> None:
    record(database, OIL, BOTH)
    query = "SELECT id, file_id, fingerprint, text, language, tagged_at FROM articles"
    before = asked(database, query)

    retag(database, settings_of(tmp_path))

    assert asked(database, query) == before


def test_a_verdict_about_a_tag_that_is_taken_away_stays_a_verdict(database: Database, tmp_path: Path) -> None:
    [article] = record(database, BOTH)
    with database.transaction() as connection:
        for topic in ("energy", "trade"):
            verdicts.add(
                connection, article=article, topic=topic, verdict=Verdict.RIGHT, person="ann", now=NOON
            )

    found, shown = retag(
        database, settings_of(tmp_path), other_model(energy=0.99).with_cuts({"energy": Cuts(0.99, 0.99)})
    )

    assert said(shown[0]) == (BOTH, ["energy lost", "trade raised"])
    assert found.right_lost == 1
    assert "energy lost (main 0.60 → no) ✓" in str(shown[0])
    with database.reading() as connection:
        kept = verdicts.all_verdicts(connection)
    assert [(each.topic, each.verdict, each.person) for each in kept] == [
        ("energy", Verdict.RIGHT, "ann"),
        ("trade", Verdict.RIGHT, "ann"),
    ]


def test_no_alert_is_owed_unless_asked_for(database: Database, tmp_path: Path) -> None:
    record(database, BOTH)

    found, _ = retag(database, settings_of(tmp_path))

    assert asked(database, "SELECT * FROM alerts") == []
    assert not found.alerts


# With --alert


def alerts(database: Database) -> list[tuple[str, str, str]]:
    """Receiver, headline and topics of each alert."""
    payloads = [
        json.loads(payload) for (payload,) in asked(database, "SELECT payload FROM alerts ORDER BY id")
    ]
    return [
        (each["receiver"], name(each["headline"]), ", ".join(topic["id"] for topic in each["topics"]))
        for each in payloads
    ]


@pytest.fixture
def taken(database: Database, tmp_path: Path) -> Newsroom:
    """Articles that a daemon took: fuel heard of oil, all of everything, and markets of exports."""
    settings = settings_of(
        tmp_path,
        Route(receiver="fuel", topics=("energy",)),
        Route(receiver="markets", topics=("trade",)),
        Route(receiver="all", grade="mention", topics=("energy",)),
    )
    newsroom = Newsroom(settings, database, MODEL)
    for number, each in enumerate((OIL, BOTH, TRADE)):
        newsroom.drop(f"{number}.txt", f"{each} #{number}\n")
    newsroom.take_all()
    return newsroom


def since_lately() -> dict[str, Any]:
    return {"since": clock.now() - timedelta(hours=1)}


def test_a_receiver_hears_of_a_topic_that_is_new_and_of_nothing_again(
    taken: Newsroom, database: Database
) -> None:
    before = alerts(database)
    assert before == [
        ("fuel", OIL, "energy"),
        ("all", OIL, "energy"),
        ("fuel", BOTH, "energy"),
        ("all", BOTH, "energy"),
        ("markets", TRADE, "trade"),
    ]

    found, _ = retag(database, taken.settings, other_model(energy=0.5), alert=True, **since_lately())

    assert alerts(database) == [*before, ("markets", BOTH, "trade")]
    assert found.alerts == Counter(markets=1)
    assert asked(database, "SELECT state FROM deliveries ORDER BY id DESC LIMIT 1") == [("pending",)]


def test_who_had_an_alert_of_the_article_gets_no_second_one(database: Database, tmp_path: Path) -> None:
    newsroom = Newsroom(settings_of(tmp_path), database, MODEL)
    newsroom.drop("1.txt", f"{BOTH} #1\n")
    newsroom.take_all()
    before = alerts(database)
    assert before == [("desk", BOTH, "energy")]

    dry, _ = retag(database, newsroom.settings, dry_run=True, alert=True, **since_lately())
    found, _ = retag(database, newsroom.settings, alert=True, **since_lately())

    assert alerts(database) == before
    assert (dry.alerts, dry.had_alert) == (found.alerts, found.had_alert)
    assert (found.alerts, found.had_alert) == (Counter(), Counter(desk=1))
    assert list(found.lines())[-1] == ("desk: 1 not alerted of again, it had an alert of the article already")


def test_what_a_receiver_muted_and_what_a_desk_called_wrong_is_not_owed(
    taken: Newsroom, database: Database
) -> None:
    newsroom = taken
    newsroom.drop("more.txt", "Oil, export #4\n")
    newsroom.take_all()
    before = alerts(database)
    [(wrong,)] = asked(database, "SELECT id FROM articles WHERE text LIKE 'Oil, export%'")
    with database.transaction() as connection:
        verdicts.add(connection, article=wrong, topic="trade", verdict=Verdict.WRONG, person="ann", now=NOON)

    dry, _ = retag(database, newsroom.settings, dry_run=True, alert=True, **since_lately())
    assert dry.alerts["markets"] == 1
    with database.transaction() as connection:
        now = clock.now()
        until = now + timedelta(hours=1)
        wishes.add(connection, "markets", "trade", Wish.MUTE, until=until, person="ann", now=now)
    found, _ = retag(database, newsroom.settings, alert=True, **since_lately())

    assert found.changed == 2
    assert alerts(database) == before


def test_a_topic_of_which_a_receiver_was_told_in_the_same_story_is_not_owed_again(
    database: Database, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, Route(receiver="markets", topics=("trade",)), window=48.0)
    first, second = f"{FIRST}\nExport of export goods.", f"{REWRITE}\nExport of oil."
    told, later = (MODEL.tag(Article(each)).probabilities["trade"] for each in (first, second))
    assert told > later
    between = (told + later) / 2

    newsroom = Newsroom(settings, database, with_trade(between))
    newsroom.drop("first.txt", first)
    newsroom.drop("second.txt", second)
    newsroom.take_all()
    assert len(newsroom.alerts()) == 1
    dry, _ = retag(database, settings, with_trade(later - 0.001), dry_run=True, alert=True, **since_lately())
    assert dry.alerts == Counter(markets=1)  # at most: stories are not looked at

    found, shown = retag(database, settings, with_trade(later - 0.001), alert=True, **since_lately())

    assert [each.shifts[0].how for each in shown] == ["raised"]
    assert asked(
        database, "SELECT COUNT(DISTINCT story_id), COUNT(*), SUM(CAST(near_copy AS INTEGER)) FROM sketches"
    ) == [(1, 2, 0)]
    assert len(newsroom.alerts()) == 1
    assert not found.alerts


def with_trade(cut: float) -> Model:
    return MODEL.with_cuts({"trade": Cuts(cut, 0.01)})


def grown(newsroom: Newsroom, name_: str, more: str) -> None:
    """A file of done/ that was written to, recorded again as the daemon does."""
    path = newsroom.placed(name_)
    path.write_text(path.read_text() + more)
    newsroom.restart()
    with newsroom.database.transaction() as connection:
        ours = ledger.files_after(connection, after=0, most=99, daemon=newsroom.settings.daemon)
        [before] = [file for file in ours if file.name == name_]
        recorder(connection, newsroom.settings, MODEL.titles).grown(
            connection,
            before,
            Stamp.of(path.lstat()),
            fingerprint="9" * 64,
            tagged=[MODEL.tag(Article(path.read_text().rstrip("\n"), title=None, language="en"))],
        )


def test_an_article_that_grew_is_told_as_it_is_now_and_not_as_it_was(
    taken: Newsroom, database: Database
) -> None:
    grown(taken, "1.txt", "Wind and weather.\n")
    before = alerts(database)

    found, _ = retag(database, taken.settings, with_trade(0.2), alert=True, **since_lately())

    new = alerts(database)[len(before) :]
    assert [receiver for receiver, _, _ in new] == ["markets"]
    [(article,)] = asked(database, "SELECT article_id FROM alerts ORDER BY id DESC LIMIT 1")
    assert asked(database, "SELECT MAX(id) FROM articles") == [(article,)]
    assert found.alerts == Counter(markets=1)


def test_who_was_told_of_the_topic_before_an_article_grew_is_not_told_again(
    taken: Newsroom, database: Database
) -> None:
    grown(taken, "2.txt", "Oil, oil and oil from the sea.\n")
    [(article, probability)] = asked(
        database,
        "SELECT article_id, probability FROM tags WHERE topic = 'trade' ORDER BY article_id DESC LIMIT 1",
    )
    before = alerts(database)
    assert ("markets", TRADE, "trade") in before

    assert probability < 0.6
    _, shown = retag(database, taken.settings, with_trade(probability - 0.001), alert=True, **since_lately())

    assert (TRADE, ["trade raised"]) in map(said, shown)
    assert asked(database, f"SELECT receiver FROM alerts WHERE article_id = {article}") == [
        ("fuel",),
        ("all",),
    ]


# The command, beside other processes


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A home with a model that serves, and a ledger of many articles that another one tagged."""
    home = tmp_path / "many"
    serve(home, other_model())
    database = ledgers.opened(home)
    record(database, *[OIL, BOTH, TRADE, QUIET] * 500, when=clock.now() - timedelta(hours=1))
    database.close()
    return home


def serve(home: Path, model: Model) -> None:
    (home / "labels").mkdir(parents=True, exist_ok=True)
    use(home / "models", save(model, home / "models", probes=["Oil"], made_by={}, now=NOON).version)


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "daemon.cli", "retag", "--home", str(home), "--since", "1d", *arguments]
    command += ledgers.options(home)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def of_ledger(home: Path, query: str) -> list[tuple[Any, ...]]:
    return ledgers.asked(home, query)


def test_killed_in_the_middle_it_leaves_whole_parts_and_goes_on_later(many: Path) -> None:
    running = start(many, "--json")  # whose output nobody reads: it waits when the pipe is full
    while not of_ledger(many, "SELECT 1 FROM changes LIMIT 1"):
        assert running.poll() is None
    running.kill()
    running.communicate()
    [(done,)] = of_ledger(many, "SELECT COUNT(*) FROM changes")
    assert 0 < done < 2000
    assert of_ledger(many, "SELECT COUNT(*) FROM articles WHERE model <> 'small'") == [(done,)]
    mixed = """
        SELECT COUNT(*) FROM articles JOIN tags ON article_id = articles.id
        WHERE text LIKE 'Oil export%' AND (model = 'small') <> (grade = 'main' AND topic = 'energy' OR
            grade = 'mention' AND topic = 'trade')
    """
    assert of_ledger(many, mixed) == [(0,)]

    again = start(many, "--json")
    out, _ = again.communicate(timeout=60)

    assert again.returncode == 0
    *differences, summary = map(json.loads, out.splitlines())
    assert (summary["articles"], summary["rewritten"]) == (2000, 2000 - done)
    assert len(differences) == summary["changed"]
    assert of_ledger(many, "SELECT COUNT(DISTINCT article_id), COUNT(*) FROM changes") == [(2000, 2000)]
    assert of_ledger(many, "SELECT COUNT(*) FROM articles WHERE model = 'small'") == [(0,)]


def test_a_running_daemon_sends_what_is_new_and_nothing_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    serve(home, MODEL)
    routes = "".join(
        f'[[receiver]]\nname = "{receiver}"\ntype = "console"\n'
        f'[[route]]\nreceiver = "{receiver}"\ntopics = ["{topic}"]\n'
        for receiver, topic in (("fuel", "energy"), ("markets", "trade"))
    )
    config = f'{routes}[story]\nwindow_hours = 0\n[inbox]\nsettle_seconds = 0.1\n[retrain]\ncron = "never"\n'
    daemon = DaemonProcess(home, config=config)
    try:
        daemon.wait_until_watching()
        for number, each in enumerate((GAS, BOTH, TRADE)):
            (daemon.inbox / f"{number}.txt").write_text(f"{each} of field {number}\n")
        daemon.wait_until(lambda: daemon.output.count("●") == 3)
        serve(home, other_model(energy=0.5))

        arguments = [
            "retag",
            "--home",
            str(home),
            "--config",
            str(tmp_path / "topicwire.toml"),
            "--since",
            "1h",
        ]
        assert topicwired([*arguments, "--alert"]) == 0
        (daemon.inbox / "last.txt").write_text("Gas, gas at last\n")  # once it is told, all before it is
        daemon.wait_until(lambda: "Gas, gas at last" in daemon.output and daemon.output.count("●") == 5)
    finally:
        assert daemon.stop() == 0

    headlines = [line.removeprefix("● ") for line in daemon.output.splitlines() if line.startswith("●")]
    assert Counter(headlines) == {
        "Gas of field 0": 1,
        "Oil export of field 1": 2,  # fuel's for energy, then markets' for trade
        "Export of field 2": 1,
        "Gas, gas at last": 1,
    }


def test_the_command_says_what_changed_line_by_line_and_sums_it_up(many: Path, capsys: Capture) -> None:
    before = rows(many)
    assert topicwired(["retag", "--home", str(many), "--since", "1d", "--dry-run", "--alert"]) == 0

    captured = capsys.readouterr()
    *differences, summary, energy, trade, desk = captured.out.splitlines()
    assert len(differences) == 500
    assert all("energy lowered (main 0.60 → mention 0.60)" in line for line in differences)
    assert "2,000 articles looked at" in summary
    assert "2,000 would be rewritten, 500 of these with other topics or grades" in summary
    assert (energy, trade) == ("energy: 500 lowered", "trade: 500 raised")
    assert desk == "console: at most 500 alerts"
    assert rows(many) == before


def test_a_hostile_headline_does_not_reach_a_persons_terminal(database: Database, tmp_path: Path) -> None:
    record(database, "Oil export \x1b]0;\x9b\u202e")

    _, [shown] = retag(database, settings_of(tmp_path))

    assert str(shown).isprintable()
    assert "Oil export" in str(shown)
