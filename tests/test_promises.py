"""A promise of the configuration is the cut that serves, everywhere; one that is not kept is told of."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from classifier import storage
from classifier.articles import Article, Grade
from classifier.errors import ModelError
from classifier.folds import NAME as FOLDS
from classifier.folds import Folds
from classifier.model import Model
from classifier.tagging import Cuts
from daemon import clock, costs, ledger, promises
from daemon.cli import main
from daemon.config import Promise
from daemon.database import Database
from daemon.records import FileState
from daemon.serving import Serving
from tests import ledgers
from tests.builders import ENERGY_ARTICLE, NOON, make_settings, small_model
from tests.daemon_process import DaemonProcess
from tests.newsroom import Clocks, Newsroom

Capture = pytest.CaptureFixture[str]

RECALL = {"energy": Promise(recall=0.9)}
OIL, GAS, QUIET = "oil", "gas", "nothing"


def likely_article(place: str) -> str:
    """About energy by the shipped model's own cut, and not by a very high one."""
    return f"Fuel queue in {place}\nDrivers waited an hour at the petrol station.\n"


def folds_of(model: Model, *, about: int) -> Folds:
    """So many articles about energy, likely ones, and twice as many about nothing, unlikely ones."""
    number = 3 * about
    main = np.zeros((number, 2), dtype=bool)
    main[:about, 0] = True
    nothing = np.zeros((number, 2), dtype=bool)
    probabilities = np.zeros((number, 2))
    probabilities[:about, 0] = np.linspace(0.3, 0.99, about)
    probabilities[about:, 0] = np.linspace(0.0, 0.2, 2 * about)
    ids = tuple(f"{n:016x}" for n in range(number))
    said = probabilities >= 0.5
    return Folds(model.topics, ids, ("en",) * number, main, nothing, nothing, said, probabilities)


def kept_with(models: Path, about: int, **changes: object) -> Model:
    """A small model in its folder, kept with the labels that it was made from, and served."""
    model = small_model(**changes)
    extras = {FOLDS: folds_of(model, about=about).as_bytes()}
    saved = storage.save(model, models, probes=["Oil"], made_by={}, extras=extras, now=NOON)
    storage.use(models, saved.version)
    return saved


def warnings(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    kept = "a promise is not kept"
    return [vars(record) for record in caplog.records if record.message.startswith(kept)]


# The model


def test_other_cuts_are_of_their_topics_alone_and_change_nothing_else() -> None:
    model = small_model()

    found = model.with_cuts({"energy": Cuts(0.9, 0.3)})

    assert found.cuts == {"energy": Cuts(0.9, 0.3), "trade": model.cuts["trade"]}
    assert replace(found, cuts=model.cuts) == model


def test_a_mention_cut_comes_down_to_a_lower_main_cut() -> None:
    found = small_model().with_cuts({"energy": Cuts(0.1, 0.25)})

    assert found.cuts["energy"] == Cuts(0.1, 0.1)
    assert {tag.grade for tag in found.tag(Article(OIL)).tags if tag.topic == "energy"} == {Grade.MAIN}


def test_a_cut_of_a_topic_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(ModelError, match="no topic 'sport'"):
        small_model().with_cuts({"sport": Cuts(0.5, 0.5)})


# What serves


def test_a_promised_recall_serves_by_a_lower_cut_and_a_fixed_cut_as_it_is(tmp_path: Path) -> None:
    model = kept_with(tmp_path / "models", about=100)
    promised = {**RECALL, "trade": Promise(cut=0.8)}
    settings = make_settings(tmp_path, promises=promised)

    served = promises.served_model(settings, model)

    assert 0.3 <= served.cuts["energy"].main < 0.32
    assert served.cuts["energy"].mention == 0.25
    assert served.cuts["trade"] == Cuts(0.8, 0.25)
    assert [str(each) for each in promises.standings(settings.models, promised, model)] == [
        "cut 0.31: recall 0.9 promised",
        "cut 0.80: as configured",
    ]


def test_a_promised_precision_serves_by_the_cut_above_which_it_holds(tmp_path: Path) -> None:
    model = kept_with(tmp_path / "models", about=100)

    (found,) = promises.standings(tmp_path / "models", {"energy": Promise(precision=0.9)}, model)

    assert found.is_kept
    assert 0.1 < found.cut < 0.3  # all that is likelier than any other is about it, and a few others may be


def test_too_few_labels_fall_back_to_the_models_own_cut_and_say_how_many_more_it_takes(
    tmp_path: Path,
) -> None:
    model = kept_with(tmp_path / "models", about=7)

    (found,) = promises.standings(tmp_path / "models", RECALL, model)

    assert not found.is_kept
    assert found.cut == model.cuts["energy"].main
    assert str(found) == "cut 0.50, the model's own; recall 0.9 needs 41 more articles labelled as about it"
    assert promises.served_model(make_settings(tmp_path, promises=RECALL), model).cuts == model.cuts


def test_a_model_without_its_labels_keeps_fixed_cuts_alone(tmp_path: Path) -> None:
    saved = storage.save(small_model(), tmp_path / "models", probes=["Oil"], made_by={}, now=NOON)
    promised = {**RECALL, "trade": Promise(cut=0.8)}

    energy, trade = promises.standings(tmp_path / "models", promised, saved)

    assert (energy.is_kept, trade.is_kept) == (False, True)
    assert energy.lacks == "labels that are kept with the model; train a new one"


def test_labels_that_are_damaged_promise_nothing(tmp_path: Path) -> None:
    models = tmp_path / "models"
    model = kept_with(models, about=100)
    with (models / model.version / FOLDS).open("ab") as file:
        file.write(b" ")

    (found,) = promises.standings(models, RECALL, model)

    assert found.lacks is not None
    assert found.lacks.startswith("labels that can be read: ")
    assert FOLDS in found.lacks


def test_each_promise_that_is_not_kept_is_warned_of_once_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = kept_with(tmp_path / "models", about=7)
    promised = {**RECALL, "trade": Promise(cut=0.8), "sport": Promise(cut=0.8)}

    serving = Serving(tmp_path / "models", model, None, promised)
    for _ in range(3):
        serving.refresh()

    energy, sport = warnings(caplog)
    assert (energy["topic"], energy["promise"]) == ("energy", "recall 0.9")
    assert energy["needs"] == "41 more articles labelled as about it"
    assert sport["topic"] == "sport"
    assert serving.model.cuts["trade"].main == 0.8


def test_with_each_new_model_the_cut_is_set_anew_and_what_is_not_kept_is_said_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = tmp_path / "models"
    few = kept_with(models, about=7)
    serving = Serving(models, few, None, RECALL)
    assert len(warnings(caplog)) == 1

    kept_with(models, about=100)
    serving.refresh()
    assert serving.model.cuts["energy"].main < 0.32
    assert len(warnings(caplog)) == 1

    storage.use(models, few.version)
    serving.refresh()
    assert serving.model.cuts["energy"].main == few.cuts["energy"].main
    assert len(warnings(caplog)) == 2


def test_another_configuration_sets_other_cuts_and_the_same_one_says_nothing_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = tmp_path / "models"
    model = kept_with(models, about=7)
    serving = Serving(models, model)
    assert serving.model.cuts == model.cuts

    serving.promise({**RECALL, "trade": Promise(cut=0.8)})
    serving.promise({**RECALL, "trade": Promise(cut=0.8)})

    assert serving.model.cuts["trade"].main == 0.8
    assert len(warnings(caplog)) == 1

    serving.promise({})
    assert serving.model.cuts == model.cuts


def test_a_retired_topic_stays_unsaid_whatever_is_promised_of_it(tmp_path: Path) -> None:
    models = tmp_path / "models"
    own = tmp_path / "topics.toml"
    own.write_text("[energy]\nretired = true\n")
    serving = Serving(models, kept_with(models, about=100), own, RECALL)

    serving.refresh()

    assert [tag.topic for tag in serving.model.tag(Article(OIL)).tags] == []
    assert serving.model.cuts["energy"].main < 0.32


def test_without_a_promise_no_labels_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = kept_with(tmp_path / "models", about=100)
    monkeypatch.setattr(promises, "read_folds", lambda *_: pytest.fail("read"))

    serving = Serving(tmp_path / "models", model, None, {"trade": Promise(cut=0.8)})

    assert serving.model.cuts["trade"].main == 0.8


# The cost


def take(database: Database, *texts: str) -> None:
    """Articles of the last hour, of so many days before that."""
    now = clock.now()
    with database.transaction() as connection:
        for number, text in enumerate(texts):
            moment = now - timedelta(days=7 * (number == 0))
            file = ledger.record_file(
                connection,
                fingerprint=f"{number:064}",
                name="a.txt",
                size=1,
                state=FileState.DONE,
                now=moment,
            )
            tagged = small_model().tag(Article(f"{text} #{number}", language="en"))
            ledger.record_article(connection, file, 0, tagged, now=moment)


def test_a_cut_costs_what_it_would_have_said_and_the_false_ones_by_their_probability(
    database: Database,
) -> None:
    take(database, OIL, OIL, GAS, QUIET)
    model = small_model()
    oil = model.tag(Article(f"{OIL} #0", language="en")).probabilities["energy"]
    asked = [("energy", 0.5), ("energy", 0.999), ("trade", 0.999)]

    found = costs.costs(database, model, asked, since=clock.now() - timedelta(days=14))

    assert found.articles == 4
    assert found.days == pytest.approx(7.0, abs=0.01)
    likely = [
        each
        for text in (OIL, OIL, GAS, QUIET)
        if (each := model.tag(Article(f"{text} #9", language="en")).probabilities["energy"]) >= 0.5
    ]
    assert oil >= 0.5
    assert found.loads["energy", 0.5].said == pytest.approx(len(likely), rel=0.01)
    assert found.loads["energy", 0.5].false == pytest.approx(sum(1 - each for each in likely), rel=0.01)
    assert found.loads["energy", 0.999] == found.loads["trade", 0.999] == costs.Load(0.0, 0.0)


def test_a_cost_is_told_by_the_week_and_the_day() -> None:
    assert str(costs.Load(49.3, 14.2)) == "49 a week (7 a day), 14 of them false"
    assert str(costs.Load(2.0, 0.06)) == "2 a week (0.29 a day), 0.06 of them false"


# Commands


@pytest.fixture(scope="module")
def quiet_home(tmp_path_factory: pytest.TempPathFactory, trained_home: Path) -> Path:
    """A home with a model, without a ledger."""
    home = tmp_path_factory.mktemp("promising") / "home"
    home.mkdir()
    (home / "models").symlink_to(trained_home / "models")
    return home


@pytest.fixture
def busy_home(quiet_home: Path, tmp_path: Path, new_ledger: Path) -> Iterator[Path]:
    home = tmp_path / "busy"
    home.mkdir()
    (home / "models").symlink_to((quiet_home / "models").resolve())
    database = ledgers.opened(home)
    take(database, ENERGY_ARTICLE, QUIET, QUIET)
    database.close()
    yield home


def config(folder: Path, text: str) -> Path:
    file = folder / "topicwire.toml"
    file.write_text(text)
    return file


def test_what_a_promise_would_come_to_is_shown_before_it_is_made(busy_home: Path, capsys: Capture) -> None:
    arguments = ["promises", "--home", str(busy_home), "--topic", "energy", "--recall", "0.9"]

    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert main([*arguments, "--json"]) == 0

    row = json.loads(capsys.readouterr().out)
    assert row["kept"] is True
    assert row["cut"] < row["cut_before"] == row["cut_of_the_model"]
    assert row["recall_interval"][0] < row["recall_on_labels"] <= row["recall_interval"][1]
    assert row["expected"]["a_week"] >= row["before"]["a_week"] > 0
    assert row["articles"] == 3
    lines = shown.splitlines()
    assert lines[0] == "energy: recall 0.9"
    assert lines[1].endswith(": recall 0.9 promised")
    assert f"rests on {row['labels']} labelled articles about it" in lines[2]
    assert "at least 90.0% are said, in 19 of 20 such weeks" in lines[3]
    assert sum("on labels, cut" in line for line in lines) == 2
    assert "; now " in lines[-1]


def test_each_promise_of_the_configuration_is_shown_with_what_it_lacks(
    busy_home: Path, tmp_path: Path, capsys: Capture
) -> None:
    file = config(tmp_path, "[topic.energy]\nrecall = 0.999\n[topic.trade]\ncut = 0.7\n")

    assert main(["promises", "--home", str(busy_home), "--config", str(file)]) == 0

    shown = capsys.readouterr().out
    assert "energy: recall 0.999\n" in shown
    assert " more articles labelled as about it\n" in shown
    assert "  not promised: the model's own cut serves\n" in shown
    assert "trade: cut 0.7\n  cut 0.70: as configured\n" in shown


def test_without_a_ledger_the_promise_is_shown_and_that_its_cost_is_not_known(
    quiet_home: Path, capsys: Capture
) -> None:
    arguments = ["promises", "--home", str(quiet_home), "--topic", "energy", "--precision", "0.8"]

    assert main(arguments) == 0

    shown = capsys.readouterr()
    assert "precision 0.8 promised" in shown.out
    assert "expected" not in shown.out
    assert shown.err.startswith("topicwired: no cost can be shown: ")
    assert not list(quiet_home.glob("ledger.db"))


def test_where_no_article_came_since_then_no_cost_is_shown(
    quiet_home: Path, tmp_path: Path, new_ledger: Path, capsys: Capture
) -> None:
    shutil.copy(new_ledger, tmp_path / "ledger.db")
    file = config(tmp_path, f'[storage]\ndatabase = "{tmp_path}/ledger.db"\n[topic.energy]\ncut = 0.7\n')

    assert main(["promises", "--home", str(quiet_home), "--config", str(file)]) == 0

    shown = capsys.readouterr()
    assert shown.err == "topicwired: no cost can be shown: no article since 14d\n"
    assert "expected" not in shown.out


def test_nothing_promised_is_said(quiet_home: Path, capsys: Capture) -> None:
    assert main(["promises", "--home", str(quiet_home)]) == 0

    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "topicwired: nothing is promised; see --topic and --recall\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--topic", "energy"], "say both: --topic, and --recall, --precision or --cut"),
        (["--recall", "0.9"], "say both: --topic, and --recall, --precision or --cut"),
        (["--topic", "sport", "--recall", "0.9"], "no topic 'sport'; there are "),
        (["--topic", "energy", "--recall", "1"], "--recall: should be from 0.5 to 0.999"),
        (["--topic", "energy", "--precision", "nan"], "--precision: should be from 0.5 to 0.999"),
        (["--topic", "energy", "--cut", "0"], "--cut: should be from 0.001 to 0.999"),
    ],
)
def test_what_cannot_be_promised_is_refused_in_one_line(
    quiet_home: Path, capsys: Capture, arguments: list[str], said: str
) -> None:
    assert main(["promises", "--home", str(quiet_home), *arguments]) == 1

    shown = capsys.readouterr().err
    assert shown.startswith(f"topicwired: {said}")
    assert shown.count("\n") == 1


def test_route_says_by_which_cut_and_where_it_comes_from(
    quiet_home: Path, tmp_path: Path, capsys: Capture
) -> None:
    article = tmp_path / "a.txt"
    article.write_text(ENERGY_ARTICLE)
    file = config(tmp_path, "[topic.energy]\nrecall = 0.9\n")
    arguments = ["route", str(article), "--home", str(quiet_home)]

    assert main(arguments) == 0
    own = capsys.readouterr().out.splitlines()[1]
    assert main([*arguments, "--config", str(file)]) == 0
    promised = capsys.readouterr().out.splitlines()[1]
    assert main([*arguments, "--config", str(file), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)["topics"][0]

    assert own.startswith("  is about energy, probability ")
    assert own.endswith(": the model's own")
    assert promised.endswith(": recall 0.9 promised")
    assert (row["topic"], row["grade"]) == ("energy", "main")
    assert promised.endswith(row["because"])


def test_route_hears_of_what_the_promised_cut_says_and_of_no_more(
    quiet_home: Path, tmp_path: Path, capsys: Capture
) -> None:
    article = tmp_path / "a.txt"
    article.write_text(likely_article("Aktau"))
    high = config(tmp_path, "[topic.energy]\ncut = 0.999\n[topic.minerals]\ncut = 0.999\n")

    assert main(["route", str(article), "--home", str(quiet_home), "--config", str(high)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  mentions energy, probability ")
    assert lines[1].endswith("of a mention, as main cut 0.9990: as configured")
    assert "hears of energy" not in lines[-1]


# The daemon


@pytest.fixture
def never_energy() -> str:
    """A configuration with which hardly anything is said to be about energy."""
    return "[inbox]\nsettle_seconds = 0.05\n[topic.energy]\ncut = 0.999\n"


def main_topics(home: Path) -> list[str]:
    query = "SELECT topic FROM tags WHERE grade = 'main' ORDER BY article_id, topic"
    return [topic for (topic,) in ledgers.asked(home, query)]


def test_a_promise_takes_effect_at_a_reload_and_each_article_is_tagged_as_it_then_stands(
    home: Path, never_energy: str
) -> None:
    daemon = DaemonProcess(home, config="[inbox]\nsettle_seconds = 0.05\n")
    daemon.wait_until_watching()
    (daemon.inbox / "a.txt").write_text(likely_article("Aktau"))
    daemon.wait_until(lambda: len(daemon.done()) == 1)
    before = main_topics(home)

    daemon.configure(never_energy)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_until(lambda: "configuration reloaded" in daemon.log)
    (daemon.inbox / "b.txt").write_text(likely_article("Semey"))
    daemon.wait_until(lambda: len(daemon.done()) == 2)
    daemon.stop()

    assert before == ["energy"]
    assert main_topics(home) == before


@pytest.mark.sqlite("restoring its backups")
def test_once_serves_by_promised_cuts_and_a_ledger_from_scratch_has_the_same_tags(
    home: Path, tmp_path: Path, never_energy: str
) -> None:
    (home / "inbox").mkdir()
    (home / "inbox" / "a.txt").write_text(likely_article("Aktau"))

    assert DaemonProcess(home, "--once", config=never_energy).process.wait(60) == 0
    assert main_topics(home) == []

    file = str(tmp_path / "topicwire.toml")
    assert main(["restore", "--rebuild", "--home", str(home), "--config", file]) == 0
    assert main_topics(home) == []

    assert main(["restore", "--rebuild", "--home", str(home)]) == 0
    assert main_topics(home) == ["energy"]


def test_a_process_beside_tags_with_the_promised_cuts(
    home: Path, database: Database, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.batches._MOST_FILES", 5)
    monkeypatch.setattr("daemon.batches._MANY", 10)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    Clocks().turn(monkeypatch)
    newsroom = Newsroom(make_settings(home), database, model)
    serving = newsroom.intake._batches._serving
    for number in range(30):
        newsroom.drop(f"{number:02}.txt", likely_article(f"Town {number}"))

    assert newsroom.intake.work() == 0.0
    beside = newsroom.intake._batches._beside
    assert beside is not None
    until = time.monotonic() + 30
    while not beside.is_ready():
        assert time.monotonic() < until
        time.sleep(0.01)
    serving.promise({"energy": Promise(cut=0.999)})
    newsroom.take_all()
    newsroom.intake.close()

    said = newsroom.rows("SELECT article_id FROM tags WHERE topic = 'energy' AND grade = 'main'")
    assert [article for (article,) in said] == [1, 2, 3, 4, 5]
    assert newsroom.rows("SELECT COUNT(*) FROM articles") == [(30,)]
