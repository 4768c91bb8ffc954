"""Retention: what is old and not needed goes, a repeat of it stays one, and everything else works on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from classifier import Article
from daemon import (
    app,
    clock,
    forgetting,
    labelling,
    ledger,
    rebuilding,
    remembering,
    replaying,
    retention,
    verdicts,
)
from daemon.cli import main as topicwired
from daemon.config import Retention, Route, Settings, load_settings
from daemon.database import Database, open_database
from daemon.desk.following import Follower, is_worn
from daemon.desk.index import START, Entry, Filter, Index, Position
from daemon.errors import ConfigError, DaemonError
from daemon.forgetting import Forgotten
from daemon.retention import Pace
from daemon.shelving import reconcile
from daemon.verdicts import Verdict
from tests import stepping
from tests.at_the_desk import AtDesk
from tests.builders import console_receiver, make_settings, small_model
from tests.newsroom import Clocks, Newsroom

MODEL = small_model()
YEAR = timedelta(days=365)
DAY = 86_400.0


def oil(number: int) -> str:
    return (
        f"Oil and gas of field {number}\nOil and gas were found, and the oil of field {number} is good oil.\n"
    )


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks().turn(monkeypatch)


@pytest.fixture
def room(tmp_path: Path, database: Database, clocks: Clocks, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """Three files that came in 400 days ago, of which a console was told."""
    monkeypatch.setattr(retention, "_LEAST_REST", 0.0)
    monkeypatch.setattr(retention, "_RESTS", 0.0)
    settings = make_settings(
        tmp_path, receivers=(console_receiver(),), routes=(Route(receiver="desk"),), events=False
    )
    room = Newsroom(settings, database, MODEL)
    for number in (1, 2, 3):
        room.drop(f"{number}.txt", oil(number))
        room.take_all()
    tell_all(room)
    clocks.go_by(400 * DAY)
    return room


def tell_all(room: Newsroom) -> None:
    """All alerts went out, and all stories have ended."""
    room.execute("UPDATE deliveries SET state = 'sent'")
    room.execute("UPDATE stories SET open = false")
    room.execute("UPDATE sketches SET sketch = NULL")


def forget(room: Newsroom, **how: Any) -> retention.Outcome:
    return retention.forget(room.settings, room.database, older_than=YEAR, **how)


def done(room: Newsroom) -> set[str]:
    return {path.name for path in room.settings.done.rglob("*") if path.is_file() and path.name[0] != "."}


def texts(room: Newsroom) -> list[str]:
    return [text for (text,) in room.rows("SELECT text FROM articles ORDER BY id")]


def test_an_old_article_loses_its_text_and_keeps_what_tells_it(room: Newsroom) -> None:
    before = room.rows("SELECT id, fingerprint, title, model FROM articles ORDER BY id")

    outcome = forget(room)

    assert (outcome.forgotten.files, outcome.forgotten.articles, outcome.left) == (3, 3, 3)
    assert outcome.ended
    assert texts(room) == ["", "", ""]
    assert room.rows("SELECT id, fingerprint, title, model FROM articles ORDER BY id") == before
    assert room.rows("SELECT DISTINCT evidence FROM tags") == [("[]",)]
    assert room.rows("SELECT COUNT(*) FROM tags WHERE topic = 'energy'") == [(3,)]
    assert {topic.passage for alert in room.alerts() for topic in alert.topics} == {forgetting.GONE}
    assert [alert.headline for alert in room.alerts()] == [f"Oil and gas of field {n}" for n in (1, 2, 3)]
    assert room.rows("SELECT DISTINCT state, target FROM files") == [("forgotten", None)]
    assert done(room) == set()
    assert not any(path.is_dir() for path in room.settings.done.iterdir())


def test_a_repeat_of_what_was_forgotten_is_no_alert(room: Newsroom) -> None:
    forget(room)

    room.drop("again.txt", oil(1))
    room.drop("the same text in another file.txt", oil(2).replace("\n", "\r\n"))
    room.drop("new.txt", oil(4))
    room.take_all()

    assert room.headlines() == [f"Oil and gas of field {number}" for number in (1, 2, 3, 4)]
    assert room.rows("SELECT COUNT(*) FROM articles") == [(4,)]


def test_what_is_young_is_not_touched(room: Newsroom, clocks: Clocks) -> None:
    room.drop("young.txt", oil(4))
    room.take_all()
    tell_all(room)
    clocks.go_by(364 * DAY)

    assert forget(room).forgotten.files == 3

    assert done(room) == {"young.txt"}
    assert texts(room)[3].startswith("Oil and gas of field 4")


NEEDED = {
    "a verdict": "INSERT INTO verdicts (article_id, topic, verdict, person, said_at)"
    " VALUES ({article}, 'energy', 'right', 'ana', '2026-01-01T00:00:00.000000Z')",
    "a verdict that was taken back": "INSERT INTO sayings (article_id, topic, said, person, said_at)"
    " VALUES ({article}, 'energy', 'withdrawn', 'ana', '2026-01-01T00:00:00.000000Z')",
    "a question": "INSERT INTO questions (key, draw_id, article_id, probability)"
    " VALUES ('q', 1, {article}, 0.5)",
    "an open story": "UPDATE stories SET open = true WHERE first_article = {article}",
    "a sketch to compare with": "UPDATE sketches SET sketch = '{{}}' WHERE article_id = {article}",
    "a message to be shown anew": "UPDATE deliveries SET revision = 1 WHERE id = {article}",
    **{
        f"a delivery that is {state}": f"UPDATE deliveries SET state = '{state}' WHERE id = {{article}}"
        for state in ("pending", "sending", "unknown", "parked", "held", "dead")
    },
}


def test_what_is_needed_stays_whole_with_its_file(room: Newsroom, clocks: Clocks) -> None:
    room.execute("INSERT INTO draws (id, drawn_at, above, up_to, articles) VALUES (1, '2026-01-01', 0, 1, 1)")
    needed = {3 + number: why for number, why in enumerate(NEEDED, 1)}
    for number in needed:
        room.drop(f"{number}.txt", oil(number))
        room.take_all()
    tell_all(room)
    for number, why in needed.items():
        room.execute(NEEDED[why].format(article=number))
    clocks.go_by(400 * DAY)

    outcome = forget(room)

    kept = {number for (number, text) in room.rows("SELECT id, text FROM articles") if text}
    assert kept == set(needed), [why for number, why in needed.items() if number not in kept]
    assert outcome.forgotten.files == 3
    assert outcome.forgotten.kept == {"judged": 2, "asked about": 1, "in an open story": 2, "owed": 7}
    assert done(room) == {f"{number}.txt" for number in needed}
    assert room.rows(f"SELECT DISTINCT state FROM files WHERE id IN ({', '.join(map(str, needed))})") == [
        ("done",)
    ]


def test_a_file_stays_for_the_one_article_in_it_that_is_needed(room: Newsroom, clocks: Clocks) -> None:
    digest = f"05.03.2026, 15:20 4496\n\n{oil(7)}\n05.03.2026, 16:40 112\n\n{oil(8)}"
    room.drop("digest.txt", digest)
    room.take_all()
    tell_all(room)
    room.execute(NEEDED["a verdict"].format(article=5))
    clocks.go_by(400 * DAY)

    forget(room)

    assert [bool(text) for text in texts(room)] == [False, False, False, True, True]
    assert done(room) == {"digest.txt"}


def test_failed_files_are_not_touched(room: Newsroom, clocks: Clocks) -> None:
    room.drop("bad.txt", b"\x00\x01\x02")
    room.take_all()
    clocks.go_by(400 * DAY)

    forget(room)

    assert (room.home / "failed" / "bad.txt").exists()
    assert ("bad.txt", "failed") in room.files()


def test_a_file_that_somebody_changed_in_done_is_left_to_them(room: Newsroom) -> None:
    [place] = room.settings.done.rglob("2.txt")
    place.write_text("somebody's notes")

    forget(room)

    assert done(room) == {"2.txt"}
    assert room.rows("SELECT DISTINCT state, target FROM files") == [("forgotten", None)]


@pytest.mark.parametrize("target", ["../precious.txt", "done/../../precious.txt", "precious.txt", "done"])
def test_a_target_outside_of_done_is_never_followed(target: str, room: Newsroom) -> None:
    precious = room.home.parent / "precious.txt"
    for path in (precious, room.home / "precious.txt"):
        path.write_text(oil(2))
    room.execute(f"UPDATE files SET target = '{target}' WHERE id = 2")

    forget(room)

    assert precious.exists()
    assert (room.home / "precious.txt").exists()
    precious.unlink()


def test_what_a_file_grew_into_stays_when_its_first_version_goes(room: Newsroom, clocks: Clocks) -> None:
    room.execute("UPDATE files SET state = 'outgrown' WHERE id = 1")
    [target] = room.rows("SELECT target FROM files WHERE id = 1")
    room.execute(
        "INSERT INTO files (fingerprint, name, size, state, target, arrived_at, version_of)"
        f" SELECT 'grown', name, size, 'done', target, '{clock.to_text(clock.now())}', id FROM files"
        " WHERE id = 1"
    )

    forget(room)

    assert (room.home / target[0]).exists()
    assert texts(room) == ["", "", ""]


def test_a_dry_run_says_what_would_go_and_changes_nothing(room: Newsroom) -> None:
    room.execute(NEEDED["a verdict"].format(article=2))
    before = room.rows("SELECT * FROM files"), texts(room), done(room)

    outcome = forget(room, dry=True)

    assert (outcome.forgotten.files, outcome.forgotten.kept["judged"]) == (2, 1)
    assert outcome.forgotten.characters == sum(len(oil(n).strip()) for n in (1, 3))
    assert (room.rows("SELECT * FROM files"), texts(room), done(room)) == before


def test_a_run_ends_when_its_time_is_over_and_the_next_goes_on(
    room: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_FEWEST", 1)
    monkeypatch.setattr(retention, "_MOST", 1)
    monkeypatch.setattr(retention, "_files_wait", lambda settings: clocks.go_by(40.0))

    first = retention.forget(room.settings, room.database, older_than=YEAR, seconds=60.0)
    again = forget(room)

    assert not first.ended
    assert 0 < first.forgotten.files < 3
    assert "more next time" in first.line()
    assert first.forgotten.files + again.forgotten.files == 3


def test_a_step_has_few_articles_however_many_are_in_a_file(
    room: Newsroom, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "_MOST_ARTICLES", 2)
    room.drop("digest.txt", "".join(f"05.03.2026, 15:2{n} 4496\n\n{oil(n)}\n" for n in range(5, 9)))
    room.take_all()
    tell_all(room)
    clocks.go_by(400 * DAY)
    cursor: forgetting.Cursor | None = forgetting.Cursor()
    seen: list[tuple[int, int]] = []
    while cursor is not None:
        found = Forgotten()
        with room.database.transaction() as connection:
            how = {"before": clock.now() - YEAR, "up_to": 9, "most": 100, "now": clock.now()}
            cursor = forgetting.step(connection, cursor, found, **how)  # type: ignore[arg-type]
        seen.append((found.files, found.articles))

    assert [each for each in seen if each[0]] == [(2, 2), (1, 1), (1, 4)]
    assert set(texts(room)) == {""}


def test_steps_are_as_large_as_the_time_they_may_take() -> None:
    pace, rests = Pace(), []
    for _ in range(40):
        pace.took(0.001 * pace.most)  # a millisecond a file
        rests.append(pace.rest(others_wait=False) / pace.last)

    assert 24 <= pace.most <= 38
    assert min(rests[10:]) >= 3.0
    assert pace.rest(others_wait=True) >= 0.5
    pace.took(1.0)
    assert pace.most == 20


def test_a_kill_at_any_step_leaves_file_and_row_in_agreement(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if room.settings.database.startswith("postgresql"):
        pytest.skip("the copies of this home are of its file")
    room.database.close()
    steps, ended = 0, False
    while not ended:
        steps += 2
        home = tmp_path / f"home {steps}"
        shutil.copytree(room.home, home, ignore=shutil.ignore_patterns("home *"))
        settings = make_settings(home, receivers=room.settings.receivers, routes=room.settings.routes)
        ended = _killed_at(steps, home, lambda settings=settings: _forget_there(settings))  # type: ignore[misc]
        with closing(open_database(settings.database)) as database:
            reconcile(settings, database)
            app.start_up(settings, database)
            for name, state, target in _files(database):
                stands = bool(list(settings.done.rglob(name)))
                assert stands == (state == "done") == (target is not None), (steps, name, state)
            retention.forget(settings, database, older_than=YEAR)
            assert {state for _, state, _ in _files(database)} == {"forgotten"}
        lines = {each.fingerprint for each in remembering.read(settings.done)}
        assert len(lines) == 3, steps
        shutil.rmtree(home)
    assert steps > 8


def _forget_there(settings: Settings) -> None:
    with closing(open_database(settings.database)) as database:
        retention.forget(settings, database, older_than=YEAR)


def _files(database: Database) -> list[tuple[str, str, str | None]]:
    from sqlalchemy import text

    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT name, state, target FROM files"))]


def _killed_at(step: int, below: Path, work: Callable[[], object]) -> bool:
    """Do a work in a process that is killed before its n-th step on a file, or in the ledger."""

    def counts(event: str, details: tuple[object, ...]) -> bool:
        return event in ("open", "os.remove", "os.rmdir", "os.mkdir") and str(below) in str(details)

    return stepping.killed_at(step, work, counts=counts)


def test_the_next_start_takes_away_what_a_killed_run_left(room: Newsroom) -> None:
    found = Forgotten()
    with room.database.transaction() as connection:
        forgetting.step(
            connection,
            forgetting.Cursor(),
            found,
            before=clock.now() - YEAR,
            up_to=3,
            most=10,
            now=clock.now(),
        )
    assert len(done(room)) == 3

    room.restart()

    assert done(room) == set()
    assert room.rows("SELECT DISTINCT state, target FROM files") == [("forgotten", None)]


def test_of_several_daemons_each_takes_files_out_of_its_own_home(room: Newsroom) -> None:
    room.execute("UPDATE files SET daemon = 'news-2' WHERE id = 2")
    other = room.settings.model_copy(update={"daemon": "news-2"})

    forget(room)

    assert done(room) == {"2.txt"}
    assert texts(room) == ["", "", ""]
    assert retention.sweep(other, room.database) == 1
    assert done(room) == set()


@pytest.mark.sqlite("rebuilding its file")
def test_a_ledger_made_anew_from_done_knows_what_was_forgotten(room: Newsroom, tmp_path: Path) -> None:
    room.execute(NEEDED["a verdict"].format(article=2))
    forget(room)
    room.database.close()
    (room.home / "ledger.db").unlink()

    restored = rebuilding.restore(room.settings, MODEL, from_scratch=True)

    assert (restored.found.forgotten, restored.found.files) == (2, 1)
    with closing(open_database(room.settings.database)) as database:
        again = Newsroom(room.settings, database, MODEL)
        for number in (1, 2, 3):
            again.drop(f"again {number}.txt", oil(number))
        again.drop("new.txt", oil(4))
        again.take_all()
        assert again.headlines() == ["Oil and gas of field 4"]
        # Twice is as once.
        assert rebuilding.rebuild(database, room.settings, MODEL).forgotten == 0


def test_a_line_that_was_cut_off_costs_that_line_alone(room: Newsroom) -> None:
    forget(room)
    [file] = room.settings.done.glob(".forgotten-*.txt")
    whole = {each.fingerprint for each in remembering.read(room.settings.done)}
    content = file.read_bytes()
    file.write_bytes(content[:-30])
    cut = {each.fingerprint for each in remembering.read(room.settings.done)}

    room.execute("UPDATE files SET target = 'done/gone.txt' WHERE id = 3")
    retention.sweep(room.settings, room.database)

    assert len(whole) == 3
    assert len(cut) == 2
    assert {each.fingerprint for each in remembering.read(room.settings.done)} == whole


def test_retagging_and_rehearsing_leave_out_what_has_no_text(room: Newsroom) -> None:
    for number in (1, 3):
        room.execute(NEEDED["a verdict"].format(article=number))
    forget(room)
    since = clock.now() - 2 * YEAR

    with room.database.reading() as connection:
        span = replaying.span(connection, since)
    found = [each.id for part in replaying.parts(room.database, span) for each in part]

    assert span.articles == 2
    assert found == [1, 3]


def test_a_verdict_on_a_forgotten_article_counts_and_teaches_nothing(room: Newsroom) -> None:
    room.execute(NEEDED["a verdict"].format(article=2))
    forget(room)
    late, kept = (
        print_ for (print_,) in room.rows("SELECT fingerprint FROM articles WHERE id < 3 ORDER BY id")
    )
    with room.database.transaction() as connection:
        verdicts.add(
            connection, article=1, topic="energy", verdict=Verdict.WRONG, person="ana", now=clock.now()
        )

    with room.database.reading() as connection:
        lines = labelling.lines(connection, ["energy"], weight=1.0)
        said = verdicts.all_verdicts(connection)

    assert [line["id"] for line in lines] == [kept[: verdicts.SHORT_ID]]
    assert lines[0]["text"]
    assert lines[0]["evidence"]["energy"]
    assert {each.article for each in said} == {late, kept}


def test_what_only_grows_is_pruned_but_for_the_newest(room: Newsroom) -> None:
    old, young = "2020-01-01T00:00:00.000000Z", clock.to_text(clock.now())
    for moment, period in ((old, "2020-01-01T02:15"), (young, "2027-12-27T02:15")):
        room.execute(
            "INSERT INTO runs (name, period, tries, state, claimant, started_at)"
            f" VALUES ('backup', '{period}', 1, 'done', '', '{moment}')"
        )
        room.execute(
            "INSERT INTO changes (article_id, changed_at, model_before, model, tags_before, tags)"
            f" VALUES (1, '{moment}', '', '', '{{}}', '{{}}')"
        )
        room.execute(
            "INSERT INTO interventions (done_at, person, what, about, number, reason)"
            f" VALUES ('{moment}', 'ana', 'retry', '', 1, '')"
        )
    room.execute(
        "INSERT INTO runs (name, period, tries, state, claimant, started_at)"
        f" VALUES ('yearly', '2020-01-01T02:15', 1, 'done', '', '{old}')"
    )

    found = forget(room).forgotten.pruned

    assert found == {"runs": 1, "changes": 1, "interventions": 1}
    assert room.rows("SELECT name, period FROM runs ORDER BY name") == [
        ("backup", "2027-12-27T02:15"),
        ("yearly", "2020-01-01T02:15"),
    ]


@pytest.mark.sqlite("the size of its file")
def test_room_is_used_again_and_compacting_gives_it_back(room: Newsroom, clocks: Clocks) -> None:
    for number in range(10, 60):
        room.drop(f"{number}.txt", oil(number) + "Oil. " * 500)
    room.take_all()
    tell_all(room)
    clocks.go_by(400 * DAY)
    path = room.home / "ledger.db"
    forget(room)
    [(free,)] = room.rows("PRAGMA freelist_count")
    room.database.close()

    before, after = retention.compact(room.settings)

    assert free > 30  # pages, of fifty that a text had for itself
    assert after < 0.7 * before
    assert path.stat().st_size == after
    with closing(open_database(room.settings.database)) as database, database.reading() as connection:
        assert ledger.counts(connection)["articles"] == 53


def test_the_timetable_forgets_only_where_the_configuration_says(room: Newsroom) -> None:
    def names(settings: Settings) -> set[str]:
        return {job.name for job in app._jobs(settings, room.database)}

    asked = room.settings.model_copy(update={"retention": Retention(keep_days=365)})
    [job] = [each for each in app._jobs(asked, room.database) if each.name == "retention"]

    assert "retention" not in names(room.settings)
    assert job.run().startswith("forgot 3 articles of 3 files")
    assert done(room) == set()


def test_less_than_is_needed_cannot_be_kept(room: Newsroom, tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="the last 31 days are needed"):
        retention.forget(room.settings, room.database, older_than=timedelta(days=30))
    file = tmp_path / "c.toml"
    file.write_text("[retention]\nkeep_days = 40\n[retrain]\nrehearse_days = 60\n")

    with pytest.raises(ConfigError, match=r"40 is less than retrain.rehearse_days needs; keep at least 60"):
        load_settings(file, tmp_path / "home", frozenset())


def test_the_command_says_what_would_go(
    room: Newsroom, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = ["--home", str(room.home)]

    assert topicwired(["forget", "--older-than", "1y", "--dry-run", "--json", *home]) == 0
    said = json.loads(capsys.readouterr().out)
    assert topicwired(["forget", *home]) == 1
    without = capsys.readouterr().err
    assert topicwired(["forget", "--older-than", "soon", *home]) == 1
    wrong = capsys.readouterr().err
    assert topicwired(["forget", "--older-than", "52w", *home]) == 0

    assert (said["files"], said["articles"], said["dry_run"]) == (3, 3, True)
    assert without == (
        "topicwired: say how old: --older-than 365d, or retention.keep_days in the configuration\n"
    )
    assert wrong == "topicwired: --older-than soon: should be as 365d, 52w or 2y\n"
    assert capsys.readouterr().out.startswith("forgot 3 articles of 3 files")
    assert done(room) == set()


def test_the_desk_page_says_that_a_text_is_no_longer_kept(at_desk: AtDesk, clocks: Clocks) -> None:
    print_ = at_desk.write("Refinery restarts again\nThe refinery restarted, quaintly.", {})
    tagged = at_desk.desk.database
    clocks.go_by(400 * DAY)
    retention.forget(at_desk.settings, tagged, older_than=YEAR)
    at_desk.follow()

    page = at_desk.client.get(f"/articles/{print_[:16]}")
    today = at_desk.client.get("/")
    told = at_desk.client.get(f"/api/articles/{print_[:16]}").json()
    feed = at_desk.client.get("/feeds/articles.atom")

    assert page.status_code == 200
    assert "The text is no longer kept." in page.text
    assert "quaintly" not in page.text
    assert "Refinery restarts again" in page.text
    assert today.status_code == 200
    assert (told["text"], told["title"]) == ("", "Refinery restarts again")
    assert feed.status_code in (200, 404)


def test_an_index_of_forgotten_articles_is_made_anew_when_it_is_worn(
    room: Newsroom, tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(tmp_path / "desk.db")
    follower = Follower(room.database, index)
    follower.catch_up()
    wanted = Filter(text="good")  # a word of the texts alone
    assert len(index.find(wanted, before=100, most=10)) == 3
    forget(room)
    follower.catch_up()
    found_still = index.find(wanted, before=100, most=10)
    monkeypatch.setattr("daemon.desk.following._LEAST_WORN", 1)
    clocks.go_by(1000.0)

    follower.catch_up()

    assert len(found_still) == 3
    assert index.find(wanted, before=100, most=10) == []
    assert len(index.find(Filter(text="field"), before=100, most=10)) == 3  # their titles
    assert index.position().forgotten == 3
    index.close()


def test_of_a_forgotten_article_the_index_changes_nothing(tmp_path: Path) -> None:
    """It would have to be told word for word what stands there (sqlite.org/fts5.html, 6.2)."""
    index = Index(tmp_path / "desk.db")
    entry = Entry(1, "Oil", "Oil\nQuaint words.", "en", "", "2026-03-05", {"energy": "main"}, True)
    gone = replace(entry, text="", grades={"trade": "main"}, forgotten=True)

    assert index.write([entry], Position(1, "f"), after=START)
    assert index.write([gone], Position(1, "f", 1, "now"), after=Position(1, "f"))

    assert index.find(Filter(text="quaint", topics=("energy",)), before=9, most=9) == [1]
    assert index.find(Filter(topics=("trade",)), before=9, most=9) == []
    index.close()


def test_an_index_is_worn_when_a_third_of_it_was_forgotten() -> None:
    assert not is_worn(1000, 1000)
    assert not is_worn(33_000, 100_000)
    assert is_worn(34_000, 100_000)


def test_a_title_is_kept_where_the_article_had_none_of_its_own(room: Newsroom) -> None:
    room.execute("UPDATE articles SET title = NULL WHERE id = 1")
    headline = Article(texts(room)[0]).headline

    forget(room)

    assert room.rows("SELECT title FROM articles WHERE id = 1") == [(headline,)]
