"""The queue: what waits for a decision, one decision a press, undo, and two people at it at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from fastapi import FastAPI, Request
from httpx2 import Response
from sqlalchemy import text

from classifier import Cuts
from daemon import clock, decisions, feedback, ledger, questions, trainings, verdicts
from daemon.clock import to_text
from daemon.desk import deciding, worth
from daemon.desk.doors import editor_of, person_of
from daemon.desk.people import Person, Role
from daemon.desk.recent import Recent
from daemon.desk.turns import SKIPPED_FOR, Turns
from daemon.desk.waiting import Entry, Kind, Order, in_order
from daemon.desk.worth import Doubted, Likely
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests.at_the_desk import AtDesk
from tests.builders import make_tag, make_tagged

OPERATOR = "operator"
SURE = 0.97
PART = {"HX-Request": "true"}
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def write(at_desk: AtDesk, headline: str, *, language: str = "en", **likely: float) -> int:
    """An article of which each topic is so likely, tagged by the cuts of the small model; its id."""
    cuts = at_desk.desk.models.served().cuts
    tags = [
        make_tag(topic, grade, probability, f"What carries {headline}.")
        for topic, probability in likely.items()
        if (grade := cuts[topic].grade(probability))
    ]
    tagged = replace(
        make_tagged(*tags, text=f"{headline}\nHow the text of {headline} begins.", language=language),
        probabilities=likely,
    )
    with at_desk.database.transaction() as connection:
        file = ledger.record_file(
            connection, fingerprint="f", name="a.txt", size=1, state=FileState.DONE, now=clock.now()
        )
        article = ledger.record_article(connection, file, 0, tagged, now=clock.now())
    assert article is not None
    return article


def draw(at_desk: AtDesk, article: int) -> str:
    """Put an article to people as one that may have been missed; the key of its question."""
    with at_desk.database.transaction() as connection:
        number = connection.execute(
            text("INSERT INTO draws (drawn_at, above, up_to, articles) VALUES (:now, 0, 9, 9) RETURNING id"),
            {"now": to_text(clock.now())},
        ).scalar_one()
        fingerprint = connection.execute(
            text("SELECT fingerprint FROM articles WHERE id = :id"), {"id": article}
        ).scalar_one()
        questions.add(connection, draw=number, article=article, fingerprint=fingerprint, probability=0.5)
    return questions.key_of(fingerprint)


def judge(at_desk: AtDesk, article: int, topic: str, verdict: Verdict, person: str, **more: Any) -> None:
    with at_desk.database.transaction() as connection:
        feedback.judge(
            connection, article=article, topic=topic, verdict=verdict, person=person, now=clock.now(), **more
        )


def said(at_desk: AtDesk, article: int) -> dict[tuple[str, str], str]:
    """What the ledger says that people say, by person and topic."""
    with at_desk.database.reading() as connection:
        return {(each.person, each.topic): each.verdict for each in verdicts.remarks(connection, article)}


def queue(at_desk: AtDesk, **query: Any) -> str:
    found = at_desk.client.get("/queue", params=query)
    assert found.status_code == 200
    return found.text


def fields(page: str) -> dict[str, str]:
    """What the form under the entry that is shown sends along."""
    form = page[page.index('id="entry"') :]
    return {name: unescape(value) for name, value in FIELD.findall(form[: form.index("</form>")])}


def press(at_desk: AtDesk, page: str, choice: str = "", **more: Any) -> Response:
    """Press a button of the form that stands under an entry."""
    pressed: Mapping[str, Any] = {"choice": choice} if choice else {}
    return at_desk.client.post("/queue", data={**fields(page), **pressed, **more})


def undo(at_desk: AtDesk) -> Response:
    return at_desk.client.post("/queue/undo", data={})


def after(at_desk: AtDesk, answer: Response) -> str:
    """The page that a form leads to, as a browser without JavaScript goes there."""
    assert answer.status_code == 303, answer.text
    found = at_desk.client.get(answer.headers["location"])
    assert found.status_code == 200
    return found.text


def shows(page: str, headline: str) -> bool:
    return re.search(rf'<h2 id="entry-headline"[^>]*>{re.escape(headline)}</h2>', page) is not None


def come_as(at_desk: AtDesk, name: str, role: Role = Role.EDITOR) -> None:
    app = at_desk.client.app
    assert isinstance(app, FastAPI)
    app.dependency_overrides[person_of] = lambda: Person(name, role)
    app.dependency_overrides[editor_of] = lambda: _editor(Person(name, role))


def _editor(person: Person) -> Person:
    request = Request({"type": "http"})
    request.state.person = person
    return editor_of(request)


# What waits


def test_what_is_near_a_cut_waits_and_what_the_model_is_sure_of_does_not(at_desk: AtDesk) -> None:
    write(at_desk, "Surely energy", energy=SURE)
    write(at_desk, "Just above", energy=0.55)

    page = queue(at_desk)

    assert shows(page, "Just above")
    assert "About Energy" in page and "What carries Just above." in page and "55%" in page
    assert "Surely energy" not in page


def test_what_was_just_not_said_waits_with_how_its_text_begins(at_desk: AtDesk) -> None:
    write(at_desk, "Just below", energy=0.2)

    page = queue(at_desk)

    assert shows(page, "Just below") and "How the text of Just below begins." in page


def test_what_is_only_mentioned_and_nearly_more_is_said_to_be_that(at_desk: AtDesk) -> None:
    write(at_desk, "Nearly main", energy=0.45)

    assert "mentioned: 45%, and from 50% it would say" in queue(at_desk)


def test_a_tag_that_somebody_judged_waits_no_more(at_desk: AtDesk) -> None:
    article = write(at_desk, "Just above", energy=0.55)
    judge(at_desk, article, "energy", Verdict.WRONG, "ann")

    assert "Nothing waits for a decision" in queue(at_desk)


def test_an_article_that_was_tagged_anew_waits_as_it_is_now(at_desk: AtDesk) -> None:
    article = write(at_desk, "Was sure", energy=SURE)
    queue(at_desk)

    with at_desk.database.transaction() as connection:
        connection.execute(text("UPDATE tags SET probability = 0.52 WHERE article_id = :id"), {"id": article})
        connection.execute(
            text(
                "INSERT INTO changes (article_id, changed_at, model_before, model, tags_before, tags)"
                " VALUES (:id, 'x', 'a', 'b', '{}', '{}')"
            ),
            {"id": article},
        )

    assert shows(queue(at_desk), "Was sure")


def test_nothing_waits_in_a_new_house_and_the_page_says_so(at_desk: AtDesk) -> None:
    page = queue(at_desk)

    assert "Nothing waits for a decision" in page and "as they arrive" in page
    assert "none is planned" in page


def test_only_chosen_kinds_are_shown_and_the_choice_goes_along(at_desk: AtDesk) -> None:
    write(at_desk, "Doubted", energy=0.5)
    draw(at_desk, write(at_desk, "Drawn", energy=0.01))

    page = queue(at_desk, kinds="missed")
    assert shows(page, "Drawn")

    answer = press(at_desk, page, "none")
    assert answer.headers["location"].startswith("/queue?kinds=missed&")
    assert "Nothing waits for a decision" in after(at_desk, answer)


def test_the_newest_stands_first_where_that_is_chosen(at_desk: AtDesk) -> None:
    write(at_desk, "Older and doubted most", energy=0.5)
    write(at_desk, "Newer and doubted less", energy=0.6)

    assert shows(queue(at_desk), "Older and doubted most")
    assert shows(queue(at_desk, order="newest"), "Newer and doubted less")


def test_of_a_right_to_left_article_the_texts_run_so(at_desk: AtDesk) -> None:
    write(at_desk, "استأنفت المصفاة", language="ar", energy=0.5)

    page = queue(at_desk)

    assert '<h2 id="entry-headline" dir="rtl" lang="ar">استأنفت المصفاة</h2>' in page
    assert '<blockquote class="evidence" dir="rtl" lang="ar">' in page


def test_article_text_is_never_markup(at_desk: AtDesk) -> None:
    hostile = '<script>alert("x")</script>'
    write(at_desk, hostile, energy=0.5)

    page = queue(at_desk)
    after_it = after(at_desk, press(at_desk, page, "right"))

    assert hostile not in page and "&lt;script&gt;" in page
    assert hostile not in after_it and "&lt;script&gt;" in after_it


def test_what_waits_is_counted_up_to_a_bound(at_desk: AtDesk) -> None:
    for number in range(101):
        write(at_desk, f"Doubted {number}", energy=0.5)

    assert '<span class="badge">99+</span>' in queue(at_desk)


# Decisions


@pytest.mark.parametrize(("choice", "verdict"), [("right", "right"), ("wrong", "wrong")])
def test_a_press_becomes_a_verdict_and_the_next_entry_comes(
    at_desk: AtDesk, choice: str, verdict: str
) -> None:
    first = write(at_desk, "First", energy=0.5)
    write(at_desk, "Second", energy=0.55)

    page = after(at_desk, press(at_desk, queue(at_desk), choice))

    assert said(at_desk, first) == {(OPERATOR, "energy"): verdict}
    assert shows(page, "Second")
    assert f"Energy: {verdict}." in page and "Undo with u." in page


def test_another_topic_says_wrong_of_the_one_and_right_of_the_other(at_desk: AtDesk) -> None:
    article = write(at_desk, "Rather trade", energy=0.5)

    press(at_desk, queue(at_desk), other="trade")

    assert said(at_desk, article) == {(OPERATOR, "energy"): "wrong", (OPERATOR, "trade"): "right"}


def test_a_drawn_article_is_answered_for_every_topic(at_desk: AtDesk) -> None:
    article = write(at_desk, "Drawn", energy=0.01)
    key = draw(at_desk, article)

    press(at_desk, queue(at_desk), other=["trade", "energy"])

    found = said(at_desk, article)
    assert {topic for (_, topic), verdict in found.items() if verdict == "right"} == {"energy", "trade"}
    assert {topic for _, topic in found} == set(at_desk.desk.topics())
    with at_desk.database.reading() as connection:
        assert [each.topics for each in questions.answers(connection, key)] == [("energy", "trade")]


def test_a_drawn_article_is_about_none_or_about_what_it_came_nearest_to(at_desk: AtDesk) -> None:
    about, none = write(at_desk, "Near", energy=0.01), write(at_desk, "Far", trade=0.01)
    for article in (about, none):
        draw(at_desk, article)

    page = after(at_desk, press(at_desk, queue(at_desk), "none"))
    assert "About none of the topics." in page
    press(at_desk, page, "right")

    assert "right" not in said(at_desk, none).values()
    assert said(at_desk, about)[OPERATOR, "energy"] == "right"
    assert list(said(at_desk, about).values()).count("wrong") == len(at_desk.desk.topics()) - 1


def test_a_dispute_names_both_sides_and_is_settled(at_desk: AtDesk) -> None:
    article = write(at_desk, "Disputed", energy=SURE)
    judge(at_desk, article, "energy", Verdict.RIGHT, "ann")
    judge(at_desk, article, "energy", Verdict.WRONG, "bo")

    page = queue(at_desk)
    assert "<bdi>ann</bdi>" in page and "<bdi>bo</bdi>" in page
    after(at_desk, press(at_desk, page, "wrong"))

    with at_desk.database.reading() as connection:
        assert verdicts.counts(connection)["disputed"] == 0
        found = [(each.person, each.settles, each.outweighed) for each in verdicts.all_verdicts(connection)]
    assert found == [("ann", False, True), ("bo", False, True), (OPERATOR, True, False)]
    assert "Nothing waits for a decision" in queue(at_desk)


def test_what_is_said_after_a_dispute_was_settled_makes_it_wait_again(at_desk: AtDesk) -> None:
    article = write(at_desk, "Disputed", energy=SURE)
    judge(at_desk, article, "energy", Verdict.RIGHT, "ann")
    judge(at_desk, article, "energy", Verdict.WRONG, "bo", settles=True)
    assert "Nothing waits for a decision" in queue(at_desk)

    judge(at_desk, article, "energy", Verdict.RIGHT, "cy")

    page = queue(at_desk)
    assert shows(page, "Disputed")
    assert "<bdi>bo</bdi>" in page and "<bdi>cy</bdi>" in page and "<bdi>ann</bdi>" not in page


def test_htmx_is_given_the_part_alone_with_what_is_to_be_said(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)
    write(at_desk, "Second", energy=0.55)

    found = at_desk.client.post("/queue", data={**fields(queue(at_desk)), "choice": "right"}, headers=PART)

    assert found.status_code == 200
    assert "<html" not in found.text and found.text.lstrip().startswith('<div id="queue">')
    assert 'data-say="Energy: right. Undo with u."' in found.text
    assert shows(found.text, "Second") and "autofocus" in found.text


# Skipping and undoing


def test_what_is_skipped_is_not_judged_and_comes_back_when_asked_for(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)

    page = after(at_desk, press(at_desk, queue(at_desk), "skip"))

    assert "You have skipped all that waits" in page and said(at_desk, article) == {}
    assert shows(after(at_desk, at_desk.client.post("/queue/again", data={})), "First")


def test_undo_after_a_skip_takes_back_the_skip_and_no_verdict(at_desk: AtDesk) -> None:
    first = write(at_desk, "First", energy=0.5)
    write(at_desk, "Second", energy=0.55)
    page = after(at_desk, press(at_desk, queue(at_desk), "right"))
    after(at_desk, press(at_desk, page, "skip"))

    assert shows(after(at_desk, undo(at_desk)), "Second")
    assert said(at_desk, first) == {(OPERATOR, "energy"): "right"}
    assert shows(after(at_desk, undo(at_desk)), "First")
    assert said(at_desk, first) == {}


def test_undo_after_a_decision_takes_back_that_and_not_the_skip_before_it(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)
    second = write(at_desk, "Second", energy=0.55)
    page = after(at_desk, press(at_desk, queue(at_desk), "skip"))
    press(at_desk, page, "right")

    assert shows(after(at_desk, undo(at_desk)), "Second")
    assert said(at_desk, second) == {}


def test_undo_goes_several_steps_back_also_after_a_restart(at_desk: AtDesk) -> None:
    articles = [write(at_desk, f"Article {number}", energy=0.5 + number / 50) for number in range(3)]
    page = queue(at_desk)
    for _ in articles:
        page = after(at_desk, press(at_desk, page, "wrong"))
    app = at_desk.client.app
    assert isinstance(app, FastAPI)
    del app.state.queue

    for number in (2, 1, 0):
        page = after(at_desk, undo(at_desk))
        assert shows(page, f"Article {number}") and "Taken back." in page
        assert [bool(said(at_desk, article)) for article in articles] == [each < number for each in range(3)]
    assert undo(at_desk).status_code == 409


def test_undo_of_another_topic_takes_back_both(at_desk: AtDesk) -> None:
    article = write(at_desk, "Rather trade", energy=0.5)
    judge(at_desk, article, "trade", Verdict.WRONG, OPERATOR)
    press(at_desk, queue(at_desk), other="trade")

    undo(at_desk)

    assert said(at_desk, article) == {(OPERATOR, "trade"): "wrong"}


def test_undo_of_an_answer_opens_the_question_and_leaves_what_was_said_before(at_desk: AtDesk) -> None:
    article = write(at_desk, "Drawn", energy=0.01)
    key = draw(at_desk, article)
    judge(at_desk, article, "trade", Verdict.RIGHT, OPERATOR)
    press(at_desk, queue(at_desk), "none")
    assert said(at_desk, article)[OPERATOR, "trade"] == "wrong"

    assert shows(after(at_desk, undo(at_desk)), "Drawn")

    assert said(at_desk, article) == {(OPERATOR, "trade"): "right"}
    with at_desk.database.reading() as connection:
        assert questions.answers(connection, key) == ()


def test_undo_of_a_settled_dispute_makes_it_disputed_again(at_desk: AtDesk) -> None:
    article = write(at_desk, "Disputed", energy=SURE)
    judge(at_desk, article, "energy", Verdict.RIGHT, OPERATOR)
    judge(at_desk, article, "energy", Verdict.WRONG, "bo")
    press(at_desk, queue(at_desk), "wrong")

    assert shows(after(at_desk, undo(at_desk)), "Disputed")

    assert said(at_desk, article) == {(OPERATOR, "energy"): "right", ("bo", "energy"): "wrong"}


def test_what_was_said_elsewhere_since_is_not_undone(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    press(at_desk, queue(at_desk), "wrong")
    judge(at_desk, article, "energy", Verdict.RIGHT, OPERATOR)

    found = undo(at_desk)

    assert found.status_code == 409 and "that stands" in found.text
    assert said(at_desk, article) == {(OPERATOR, "energy"): "right"}


def test_what_was_decided_days_ago_is_not_undone(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    press(at_desk, queue(at_desk), "wrong")
    with at_desk.database.transaction() as connection:
        row = {"then": to_text(clock.now() - timedelta(days=2))}
        connection.execute(text("UPDATE decisions SET decided_at = :then"), row)

    assert undo(at_desk).status_code == 409
    assert said(at_desk, article) == {(OPERATOR, "energy"): "wrong"}


# Progress


def test_progress_tells_of_today_of_verdicts_since_the_training_and_of_the_next_one(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)
    write(at_desk, "Second", energy=0.55)
    old = write(at_desk, "Old", energy=SURE)
    judge(at_desk, old, "energy", Verdict.RIGHT, "ann")
    due = clock.now() + timedelta(hours=3)
    with at_desk.database.transaction() as connection:
        training = trainings.begin(connection, asked_by="timetable", served=None, now=clock.now())
        outcome = trainings.Outcome(trainings.TrainingState.SERVED, "serving")
        trainings.end(connection, training, outcome, now=clock.now())
        connection.execute(
            text("INSERT INTO jobs (name, schedule, due_at) VALUES ('retrain', '30 3 * * *', :due)"),
            {"due": to_text(due)},
        )
        decisions.add(
            connection,
            person="bo",
            kind="unsure",
            article=old,
            topic="energy",
            said={},
            before={},
            now=clock.now(),
        )

    page = after(at_desk, press(at_desk, queue(at_desk), "right"))

    assert "you 1, all 2" in page
    assert re.search(r"<dt>Verdicts that no model has learned yet</dt>\s*<dd>1 ", page)
    assert f'<time datetime="{to_text(due)}">' in page
    assert "you 0, all 1" in after(at_desk, undo(at_desk))


# Two people, stale forms, hostile ones


def test_two_people_are_shown_two_entries(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)
    write(at_desk, "Second", energy=0.55)

    assert shows(queue(at_desk), "First")
    come_as(at_desk, "bo")
    assert shows(queue(at_desk), "Second")


def test_what_somebody_else_decided_meanwhile_is_told_and_not_overwritten(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    write(at_desk, "Second", energy=0.55)
    page = queue(at_desk)
    judge(at_desk, article, "energy", Verdict.WRONG, "<b>bo</b>")

    found = press(at_desk, page, "right")

    assert found.status_code == 409
    assert "somebody decided this after it was shown" in found.text
    assert "<bdi>&lt;b&gt;bo&lt;/b&gt;</bdi> – Energy: wrong." in found.text
    assert shows(found.text, "Second")
    assert said(at_desk, article) == {("<b>bo</b>", "energy"): "wrong"}


def test_of_what_was_decided_meanwhile_htmx_is_told_with_the_next_entry(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    form = {**fields(queue(at_desk)), "choice": "right"}
    judge(at_desk, article, "energy", Verdict.WRONG, "bo")

    found = at_desk.client.post("/queue", data=form, headers=PART)

    assert found.status_code == 200 and 'data-say="Nothing was written' in found.text
    assert "<bdi>bo</bdi>" in found.text


def test_a_question_that_somebody_else_answered_meanwhile_keeps_that_answer(at_desk: AtDesk) -> None:
    article = write(at_desk, "Drawn", energy=0.01)
    key = draw(at_desk, article)
    page = queue(at_desk)
    with at_desk.database.transaction() as connection:
        asked = list(at_desk.desk.topics())
        questions.answer(connection, key=key, person="bo", topics=["trade"], asked=asked, said_at=clock.now())

    found = press(at_desk, page, "none")

    assert found.status_code == 409 and "About Trade" in found.text
    assert {person for person, _ in said(at_desk, article)} == {"bo"}


def test_a_form_that_is_sent_twice_counts_once(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    page = queue(at_desk)

    assert press(at_desk, page, "right").status_code == 303
    assert press(at_desk, page, "wrong").status_code == 409

    assert said(at_desk, article) == {(OPERATOR, "energy"): "right"}


def test_a_form_never_judges_another_article_than_was_shown(at_desk: AtDesk) -> None:
    first, second = write(at_desk, "First", energy=0.5), write(at_desk, "Second", energy=0.55)
    page = queue(at_desk)
    with at_desk.database.reading() as connection:
        other = connection.execute(
            text("SELECT fingerprint FROM articles WHERE id = :id"), {"id": second}
        ).scalar_one()

    assert press(at_desk, page, "right", article=other).status_code == 409
    assert press(at_desk, page, "right", topic="trade").status_code == 409
    assert press(at_desk, page, "right", kind="disputed").status_code == 409
    assert said(at_desk, first) == said(at_desk, second) == {}


CHANGED: tuple[dict[str, Any], ...] = (
    {"kind": "everything"},
    {"kind": ""},
    {"article": ""},
    {"article": "0" * 64},
    {"article": "%"},
    {"topic": ""},
    {"topic": "no-such-topic"},
    {"topic": "<script>", "choice": "skip"},
    {"choice": "none"},
    {"choice": "DROP TABLE"},
    {"choice": ""},
    {"choice": "other"},
    {"choice": "other", "other": "energy"},
    {"choice": "other", "other": "<script>"},
    {"other": ["trade", "no-such-topic"], "choice": ""},
)


def test_a_form_that_nobody_was_shown_changes_nothing(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    page = queue(at_desk)

    for changed in (*CHANGED, {"article": fields(page)["article"][:16]}):
        found = press(at_desk, page, **{"choice": "right", **changed})

        assert found.status_code == 400 and "Nothing was written" in found.text, changed
        assert "&lt;script&gt;" not in found.text and shows(found.text, "First"), changed
    assert said(at_desk, article) == {}
    with at_desk.database.reading() as connection:
        assert decisions.counts(connection, since=clock.now() - timedelta(days=1)) == {}


def test_what_does_not_wait_is_not_decided_even_by_a_form_that_fits(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    page = queue(at_desk)
    judge(at_desk, article, "energy", Verdict.WRONG, "bo")
    before = said(at_desk, article)

    for kind, topic, choice in (
        (Kind.UNSURE, "energy", "right"),
        (Kind.DISPUTED, "energy", "right"),
        (Kind.MISSED, None, "none"),
    ):
        with at_desk.database.reading() as connection:
            mark = deciding.sides(connection, kind, article, topic).mark
        found = press(at_desk, page, choice, kind=kind.value, topic=topic or "", mark=mark)

        assert found.status_code == 409
    assert said(at_desk, article) == before


def test_an_address_of_nonsense_shows_the_queue(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)

    page = queue(at_desk, kinds="<script>", order="'", done="9" * 30, undone="-1", at="x", skipped="<b>")

    assert shows(page, "First") and "<b>" not in page


def test_what_others_decided_is_not_told_by_its_number(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)
    location = press(at_desk, queue(at_desk), "right").headers["location"]

    come_as(at_desk, "bo")

    assert "Energy: right." not in at_desk.client.get(location).text


def test_readers_see_the_queue_and_cannot_decide(at_desk: AtDesk) -> None:
    article = write(at_desk, "First", energy=0.5)
    form = queue(at_desk)
    come_as(at_desk, "rae", Role.READER)

    page = queue(at_desk)

    assert shows(page, "First") and 'name="choice"' not in page and "Editors decide" in page
    assert press(at_desk, form, "right").status_code == 403
    assert undo(at_desk).status_code == 403
    assert said(at_desk, article) == {}


# The measures


NONE: worth.Labels = {}
CUTS = {"energy": Cuts(0.5, 0.25), "trade": Cuts(0.6, 0.25)}


def likely(article: int, topic: str, probability: float, language: str = "en") -> Likely:
    return Likely(article, topic, language, probability)


def ranked(*found: Likely, labels: worth.Labels = NONE, asked: worth.Labels = NONE) -> list[int]:
    return [each.likely.article for each in worth.doubted(found, CUTS, labels, asked)]


def test_what_is_nearest_to_a_cut_is_worth_most_and_what_is_far_from_both_nothing() -> None:
    found = ranked(
        likely(1, "energy", 0.6),
        likely(2, "energy", 0.5),
        likely(3, "energy", 0.9),
        likely(4, "energy", 0.01),
    )

    assert found == [2, 1]


def test_a_topic_with_few_labels_in_a_language_is_worth_more() -> None:
    labels = {("energy", "en"): 100, ("energy", "kk"): 2}

    assert ranked(likely(2, "energy", 0.5), likely(1, "energy", 0.55, "kk"), labels=labels) == [1, 2]


def test_what_was_judged_of_a_topic_since_the_training_makes_others_worth_more() -> None:
    both = likely(1, "energy", 0.5), likely(2, "trade", 0.55)

    assert ranked(*both) == [1, 2]
    assert ranked(*both, asked={("energy", "en"): 3}) == [2, 1]


def test_of_a_story_one_article_is_asked_of_and_none_where_one_was_judged() -> None:
    found = [Doubted(likely(number, "energy", 0.5), 0.5, 1.0) for number in (1, 2, 3, 4)]

    kept = worth.one_of_each(found, {1: 7, 2: 7, 3: 8}, {(8, "energy")})

    assert [each.likely.article for each in kept] == [1, 4]


def test_each_fifth_decision_by_worth_is_of_an_article_that_was_drawn() -> None:
    doubted, drawn = Entry(Kind.UNSURE, 1, "energy", 0.9), Entry(Kind.MISSED, 2, None)
    found = {Kind.UNSURE: [doubted], Kind.MISSED: [drawn]}

    firsts = [in_order(found, set(Kind), Order.WORTH, decided=decided)[0] for decided in range(10)]

    assert [each.kind for each in firsts].count(Kind.MISSED) == 2
    assert firsts[4] is drawn and firsts[9] is drawn


def test_what_was_skipped_comes_back_after_its_time() -> None:
    time = 0.0
    turns = Turns(lambda: time)
    entries = [Entry(Kind.UNSURE, 1, "energy")]
    turns.skip("ann", entries[0].name)
    assert turns.first("ann", entries, takes=True) is None
    assert turns.first("bo", entries, takes=True) is entries[0]

    time = SKIPPED_FOR + 1

    assert turns.first("ann", entries, takes=True) is entries[0]


def test_one_entry_alone_is_shown_to_both(at_desk: AtDesk) -> None:
    write(at_desk, "First", energy=0.5)
    queue(at_desk)

    come_as(at_desk, "bo")

    assert shows(queue(at_desk), "First")


def test_however_many_articles_there_are_the_newest_alone_are_looked_at(at_desk: AtDesk) -> None:
    old, new = write(at_desk, "Old", energy=0.5), 0
    for number in range(4):
        new = write(at_desk, f"New {number}", energy=0.5)
    recent = Recent(most=3)

    with at_desk.database.reading() as connection:
        found = {each.article for each in recent.likely(connection, clock.now() - timedelta(days=1))}

    assert found == {new - 2, new - 1, new} and old not in found
