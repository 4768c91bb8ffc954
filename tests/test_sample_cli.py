"""`topicwired sample` and `status --quality`: what was drawn, what people say of it, what follows from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from daemon import asking, clock, questions
from daemon.cli import main
from daemon.database import Database
from daemon.questions import Question
from tests import ledgers
from tests.builders import NOON
from tests.drawn import add_article, draw_all

Capture = pytest.CaptureFixture[str]

EVIL = "Нефть \x1b[31m\u202eпоток"


@pytest.fixture
def ledger(tmp_path: Path, database: Database) -> Path:
    """A home in whose ledger are an article with an alert and two without."""
    with database.transaction() as connection:
        add_article(connection, "told", main=("energy",), now=clock.now())
        add_article(
            connection, "Refinery", near=0.42, text=f"Refinery\n{EVIL}\n{'long ' * 300}end\n", now=clock.now()
        )
        add_article(connection, "Derby", near=0.01, now=clock.now())
    return tmp_path


def said(capsys: Capture, *arguments: str | Path, code: int = 0) -> str:
    assert main([str(argument) for argument in arguments]) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def lines(capsys: Capture, *arguments: str | Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in said(capsys, *arguments, "--json").splitlines()]


@pytest.fixture
def drawn(ledger: Path, database: Database) -> dict[str, Question]:
    return {question.headline: question for question in draw_all(database, now=clock.now()).questions}


def name(question: Question) -> str:
    return question.fingerprint[:16]


def test_a_draw_by_hand_tells_what_was_drawn_and_then_that_there_is_no_more(
    ledger: Path, tmp_path: Path, capsys: Capture
) -> None:
    config = tmp_path / "topicwire.toml"
    config.write_text("[sample]\narticles = 50\n")

    first = said(capsys, "sample", "--draw", "--home", ledger, "--config", config)
    second = said(capsys, "sample", "--draw", "--home", ledger, "--config", config)

    assert [line.strip() for line in first.splitlines() if line.startswith("    ")][::2] == [
        "Refinery",
        "Derby",
    ]
    assert second == "no new articles to draw from\n"


def test_open_questions_are_listed_with_what_one_needs_to_know(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    found = said(capsys, "sample", "--home", ledger).splitlines()

    question = drawn["Refinery"]
    assert found[3] == f"{name(question)}  {question.drawn_at[:10]}  en  nearest energy 0.42"
    assert found[4] == "    Refinery"
    assert found[5].startswith("    Refinery Нефть \\x1b[31m\\u202eпоток long long")


def test_a_question_is_one_json_object_when_asked_for(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    derby, refinery = lines(capsys, "sample", "--home", ledger)

    assert (derby["headline"], refinery["article"]) == ("Derby", name(drawn["Refinery"]))
    assert (refinery["nearest"], refinery["nearness"], refinery["probability"]) == ("energy", 0.42, 1.0)


def test_the_whole_text_can_be_read_and_cannot_harm_a_terminal(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    found = said(capsys, "sample", "show", name(drawn["Refinery"]), "--home", ledger).splitlines()

    assert found[2:4] == ["Refinery", "Нефть \\x1b[31m\\u202eпоток"]
    assert found[4] == "long " * 300 + "end"
    [whole] = lines(capsys, "sample", "show", name(drawn["Refinery"]), "--home", ledger)
    assert whole["text"] == drawn["Refinery"].text


def test_an_answer_is_written_and_its_question_is_open_no_more(
    ledger: Path, database: Database, drawn: dict[str, Question], capsys: Capture
) -> None:
    one, other = drawn["Refinery"], drawn["Derby"]

    said(capsys, "sample", "answer", name(one), "energy", "minerals", "--person", "ana", "--home", ledger)
    said(capsys, "sample", "answer", name(other), "none", "--person", "ben", "--home", ledger)

    assert said(capsys, "sample", "--home", ledger) == ""
    with database.reading() as connection:
        [first], [second] = questions.answers(connection, one.key), questions.answers(connection, other.key)
    assert (first.person, first.topics, second.topics) == ("ana", ("energy", "minerals"), ())
    assert {"energy", "minerals", "trade"} <= set(first.asked)


def test_the_home_may_stand_before_the_inner_command_too(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    assert "Derby" in said(capsys, "sample", "--home", ledger, "show", name(drawn["Derby"]))


def test_the_message_that_put_the_question_is_shown_anew(
    ledger: Path, database: Database, drawn: dict[str, Question], capsys: Capture
) -> None:
    with database.transaction() as connection:
        asking.owe(connection, "desk", drawn.values(), topics=(("energy", "Energy"),), now=NOON)

    said(capsys, "sample", "answer", name(drawn["Derby"]), "none", "--home", ledger)

    with database.reading() as connection:
        rows = connection.execute(text("SELECT key, revision FROM deliveries"))
        found: dict[str, int] = {row.key: row.revision for row in rows}
    assert (found[drawn["Derby"].key], found[drawn["Refinery"].key]) == (1, 0)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["answer", "ARTICLE", "sport"], "no topic 'sport'; there are "),
        (["answer", "ARTICLE", "energy", "none"], "no topic 'none'; there are "),
        (["answer", "0123", "none"], "0123: no article that was drawn, or more than one, with this id"),
        (["show", "%"], "%: no article that was drawn, or more than one, with this id"),
    ],
)
def test_a_wrong_name_is_one_clear_line(
    arguments: list[str], line: str, ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    given = [name(drawn["Derby"]) if each == "ARTICLE" else each for each in arguments]

    error = said(capsys, "sample", *given, "--home", ledger, code=1)

    assert error.startswith(f"topicwired: {line}")
    assert error.count("\n") == 1


@pytest.mark.sqlite("it is there when its file is")
@pytest.mark.parametrize(
    "command", [["sample"], ["sample", "--draw"], ["sample", "show", "0"], ["status", "--quality"]]
)
def test_without_a_ledger_it_is_said_and_none_is_made(
    command: list[str], tmp_path: Path, capsys: Capture
) -> None:
    empty = tmp_path / "empty"

    assert "no ledger yet" in said(capsys, *command, "--home", empty, code=1)
    assert not empty.exists()


def test_quality_says_how_many_answers_there_should_be_more(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    said(capsys, "sample", "answer", name(drawn["Derby"]), "none", "--home", ledger)

    found = said(capsys, "status", "--quality", "--home", ledger).splitlines()

    assert found[0].startswith("quality    30 days: 1 of 2 questions answered, drawn from 2 articles")
    assert found[1].split() == "All topics 1 alerts, none judged; no estimate yet: 1 more answer".split()
    assert found[-1].endswith("Refinery  energy 0.42")


def test_quality_tells_recall_as_soon_as_there_is_any(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    said(capsys, "sample", "answer", name(drawn["Derby"]), "none", "--home", ledger)
    said(capsys, "sample", "answer", name(drawn["Refinery"]), "energy", "--home", ledger)

    [found] = lines(capsys, "status", "--quality", "--home", ledger)
    shown = said(capsys, "status", "--quality", "--home", ledger)

    half = {"value": 0.5, "low": 0.5, "high": 0.5}
    topics = {topic["topic"]: topic for topic in found["topics"]}  # type: ignore[attr-defined]
    assert topics["energy"]["recall"] == half
    assert topics["trade"]["recall"] is None
    assert [each["headline"] for each in found["missed"]] == ["Refinery"]  # type: ignore[attr-defined]
    assert "recall 0.50 (0.50–0.50), 1 probably missed (1–1)" in shown
    assert "nobody judged an alert: all are taken to be right" in shown


def test_a_ledger_opened_for_looking_is_not_written_to(
    ledger: Path, drawn: dict[str, Question], capsys: Capture
) -> None:
    database = ledgers.opened(ledger)
    with database.transaction():  # a writer is at work
        said(capsys, "sample", "--home", ledger)
        said(capsys, "status", "--quality", "--home", ledger)
    database.close()
