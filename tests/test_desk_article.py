"""The page of an article: why it was tagged so, who said what of it, and the place to correct it."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine, event, text

from classifier import Evidence, Grade, Tag
from daemon import clock, feedback, ledger, passages, verdicts
from daemon.desk.articles import identity_of
from daemon.desk.state import Models
from daemon.records import FileState
from daemon.verdicts import Verdict
from tests.at_the_desk import AtDesk
from tests.builders import make_tagged

REFINERY = "Refinery restarts\nThe oil refinery in Atyrau restarted after repairs."
SENTENCE = "The oil refinery in Atyrau restarted after repairs."
HX = {"HX-Request": "true"}


class Page(HTMLParser):
    """What a browser sees of a page: its elements with their attributes and texts."""

    VOID = frozenset(("meta", "link", "input", "br", "path", "img"))

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(content)
        assert not self._open, f"left open: {[each[0] for each in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = (tag, dict(attrs), list[str]())
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        elif tag not in ("p", "li", "option"):
            raise AssertionError(f"</{tag}> closes {self._open[-1][0] if self._open else None}")

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element[2].append(data)

    def texts(self, tag: str, **attributes: str) -> list[str]:
        return [
            "".join(said) for name, given, said in self.elements if name == tag and _has(given, attributes)
        ]

    def found(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [given for name, given, _ in self.elements if name == tag and _has(given, attributes)]


def _has(given: dict[str, str | None], wanted: dict[str, str]) -> bool:
    return all(value in (given.get(key.rstrip("_")) or "").split() for key, value in wanted.items())


def get(at_desk: AtDesk, fingerprint: str, **query: str | int) -> Page:
    found = at_desk.client.get(f"/articles/{fingerprint[:16]}", params=query)
    assert found.status_code == 200
    return Page(found.text)


def post(at_desk: AtDesk, fingerprint: str, what: str, **form: str | list[str]) -> str:
    """As a browser without JavaScript does; the address that it is sent to."""
    found = at_desk.client.post(f"/articles/{fingerprint[:16]}/{what}", data=form)
    assert found.status_code == 303
    return found.headers["location"]


def write(at_desk: AtDesk, content: str, *tags: Tag, language: str | None = "en", file: str = "a.txt") -> str:
    """An article with the evidence of its tags where it stands."""
    tagged = make_tagged(*tags, text=content, language=language)
    with at_desk.database.transaction() as connection:
        known = ledger.record_file(
            connection, fingerprint="0" * 64, name=file, size=1, state=FileState.DONE, now=clock.now()
        )
        ledger.record_article(connection, known, 0, tagged, now=clock.now())
    at_desk.follow()
    return tagged.article.fingerprint


def tag(content: str, passage: str, topic: str = "energy", probability: float = 0.93) -> Tag:
    start = content.index(passage)
    evidence = Evidence(passage, start, start + len(passage), 0.88, (("refinery", 1.2),))
    return Tag(topic, Grade.MAIN, probability, (evidence,))


def said(at_desk: AtDesk) -> dict[tuple[str, str], str]:
    with at_desk.database.reading() as connection:
        return {(each.topic, each.person): each.verdict.value for each in verdicts.all_verdicts(connection)}


def shown_text(page: Page) -> str:
    (found,) = page.texts("div", class_="text")
    return found


# What is shown


def test_the_passage_that_carries_a_tag_is_marked_with_its_topic_and_probability(at_desk: AtDesk) -> None:
    page = get(at_desk, write(at_desk, REFINERY + "\nMore.", tag(REFINERY, SENTENCE)))

    assert page.texts("mark") == [SENTENCE]
    (badge,) = page.texts("a", class_="badge")
    assert badge == "Energy 88%"


def test_evidence_whose_place_has_moved_is_found_and_one_that_is_nowhere_is_not_marked(
    at_desk: AtDesk,
) -> None:
    moved = Tag("energy", Grade.MAIN, 0.9, (Evidence(SENTENCE, 3, 3 + len(SENTENCE), 0.8, ()),))
    gone = Tag("trade", Grade.MAIN, 0.9, (Evidence("It is not here.", 0, 15, 0.8, ()),))

    page = get(at_desk, write(at_desk, REFINERY + "\nAnd so on.", moved, gone))

    assert page.texts("mark") == [SENTENCE]
    assert "It is not here." in page.texts("blockquote")


def test_the_whole_text_is_shown_as_it_stands(at_desk: AtDesk) -> None:
    content = "A title\nOne.  Two <b>bold</b> & more.\n\nThree   blanks."

    page = get(at_desk, write(at_desk, content))

    assert shown_text(page) == "A titleOne.  Two <b>bold</b> & more.Three   blanks."
    assert [len("".join(line.texts("p"))) for line in sheet_lines(at_desk, content)] == [7, 29, 15]


def test_what_the_words_of_a_passage_add_sums_to_its_score(at_desk: AtDesk) -> None:
    content = "Oil and gas\nOil export rose, oil and gas too.\nExport, export."
    write(at_desk, content)

    for topic, intercept in (("energy", -1.0), ("trade", -2.0)):
        told = {}
        for line in sheet_lines(at_desk, content, topic=topic):
            for badge in line.texts("span", class_="badge"):
                words = [float(each["title"] or "") for each in line.found("span") if "title" in each]
                told[float(badge)] = intercept + sum(words)
        assert told  # the passages that counted
        assert list(told.values()) == pytest.approx(list(told), abs=0.005)


def sheet_lines(at_desk: AtDesk, content: str, **query: str) -> list[Page]:
    """The lines of an article's text."""
    fingerprint = make_tagged(text=content).article.fingerprint
    found = at_desk.client.get(f"/articles/{fingerprint[:16]}", params=query).text
    (sheet,) = re.findall(r'<div class="text sheet".*?</div>', found, re.DOTALL)
    return [Page(line) for line in re.findall(r"<p>.*?</p>", sheet)]


def test_words_for_and_against_a_topic_differ_in_class_and_have_their_number(at_desk: AtDesk) -> None:
    page = get(at_desk, write(at_desk, "Oil export rose."), topic="trade")

    words = {
        "".join(texts): (given.get("class"), given["title"])
        for name, given, texts in page.elements
        if name == "span" and "title" in given
    }
    assert words["export"][0] == "for-5"
    assert words["Oil"][0] in {"against-1", "against-2"}
    assert str(words["Oil"][1]).startswith("-")


def test_a_topic_that_the_model_does_not_know_colours_nothing(at_desk: AtDesk) -> None:
    page = get(at_desk, write(at_desk, REFINERY), topic="space")

    assert not page.found("span", class_="for-5")
    assert any("says nothing of this topic" in each for each in page.texts("p", class_="notice"))


def test_an_arabic_article_runs_from_right_to_left_and_a_latin_line_in_it_does_not(at_desk: AtDesk) -> None:
    page = get(at_desk, write(at_desk, "مصفاة النفط\nعادت OPEC إلى العمل.\nReuters, Atyrau", language="ar"))

    (sheet,) = page.found("div", class_="text")
    assert (sheet["dir"], sheet["lang"]) == ("rtl", "ar")
    assert page.found("h1")[0]["dir"] == "rtl"
    assert page.texts("p", dir="ltr") == ["Reuters, Atyrau"]


def test_signs_that_nobody_sees_or_that_turn_the_text_are_shown_as_signs(at_desk: AtDesk) -> None:
    content = "A title\nRight\u202eto left\x00 and \u2066hidden\ufeff end, oil."
    fingerprint = write(at_desk, content, tag(content, "end, oil."))

    page = get(at_desk, fingerprint, topic="energy")

    shown = shown_text(page)
    said = "Right\ufffdto left\u2400 and \ufffdhidden\ufffd end, oil."
    assert said in shown or said.replace("\u2400", "\ufffd") in shown  # a server takes no NUL
    assert page.texts("mark") == ["end, oil."]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", "".join(shown))


PAYLOAD = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"


def test_nothing_of_an_article_becomes_markup(at_desk: AtDesk) -> None:
    content = f"{PAYLOAD}\n{PAYLOAD} oil"
    fingerprint = write(at_desk, content, tag(content, f"{PAYLOAD} oil"), file=f"{PAYLOAD}.txt")
    with at_desk.database.transaction() as connection:
        connection.execute(
            text(
                "UPDATE articles SET source = :x, author = :x, date = :x, url = :x, caveats = :x, model = :x"
            ),
            {"x": PAYLOAD},
        )
    judge(at_desk, fingerprint, "energy", Verdict.RIGHT, person=PAYLOAD)

    for query in ({}, {"topic": "energy"}, {"label": 1}, {"topic": PAYLOAD[:70], "done": "<b>"}):
        page = get(at_desk, fingerprint, **query)
        assert not page.found("img")
        assert {each.get("src") for each in page.found("script")} <= {
            "/static/htmx.min.js",
            "/static/desk.js",
        }
        assert not [each for _, each, _ in page.elements if any(key.startswith("on") for key in each)]
        assert "49" not in shown_text(page)


ADDRESSES = {
    "https://example.com/a?b=1&c=2": True,
    "javascript:alert(1)": False,
    "data:text/html,x": False,
    "https://user@evil.example/": False,
    "//example.com": False,
}


def test_an_address_is_a_link_only_where_it_is_safe_to_follow(at_desk: AtDesk) -> None:
    fingerprint = write(at_desk, REFINERY + " Again.")

    for url, is_link in ADDRESSES.items():
        with at_desk.database.transaction() as connection:
            connection.execute(text("UPDATE articles SET url = :url"), {"url": url})
        page = get(at_desk, fingerprint)
        links = [each for each in page.found("a", rel="noopener") if each["rel"] == "noopener noreferrer"]
        assert [each["href"] for each in links] == ([url] if is_link else [])
        assert any(url in each for each in page.texts("dd"))


def test_topics_that_were_not_said_are_told_with_their_probability(at_desk: AtDesk) -> None:
    page = get(at_desk, write(at_desk, REFINERY + " Twice.", tag(REFINERY, SENTENCE)))

    rows = [each for each in page.texts("tr") if "Why not?" in each]
    assert len(rows) == 1  # energy was said
    assert rows[0].startswith("Trade and investment")
    assert re.search(r"\d+%", rows[0])


def test_other_articles_of_the_story_stand_by_time_with_their_source(at_desk: AtDesk) -> None:
    ours, first, second = (write(at_desk, f"Part {number}\nIts text {number}.") for number in (1, 2, 3))
    with at_desk.database.transaction() as connection:
        ids = [identity_of(connection, each[:16]) for each in (ours, first, second)]
        connection.execute(
            text("INSERT INTO stories (id, opened_at, last_at, first_article) VALUES (7, 'x', 'x', :id)"),
            {"id": ids[0]},
        )
        for each in ids:
            connection.execute(
                text(
                    "INSERT INTO sketches (article_id, story_id, near_copy, news)"
                    " VALUES (:id, 7, FALSE, '[]')"
                ),
                {"id": each},
            )
            connection.execute(text("UPDATE articles SET source = 'Wire' WHERE id = :id"), {"id": each})

    page = get(at_desk, ours)

    (story,) = page.texts("ul", class_="story")
    assert story.index("Part 2") < story.index("Part 3")
    assert "Part 1" not in story
    assert story.count("Wire") == 2


def test_its_deliveries_are_told_with_receiver_form_state_and_error(at_desk: AtDesk) -> None:
    fingerprint = write(at_desk, REFINERY + " Thrice.")
    with at_desk.database.transaction() as connection:
        identity, now = identity_of(connection, fingerprint), clock.to_text(clock.now())
        for key, state, error in (("k1", "sent", None), ("k2", "dead", "channel_not_found")):
            alert = connection.execute(
                text(
                    "INSERT INTO alerts (key, article_id, receiver, payload, created_at)"
                    " VALUES (:key, :id, :receiver, '{}', 'x') RETURNING id"
                ),
                {"key": key, "id": identity, "receiver": f"desk {key}"},
            ).scalar_one()
            connection.execute(
                text(
                    "INSERT INTO deliveries"
                    " (alert_id, receiver, key, state, attempts, looks, due_at, sent_at, error)"
                    " VALUES (:alert, 'r', :key, :state, 1, 0, :now, :now, :error)"
                ),
                {
                    "alert": alert,
                    "key": key,
                    "state": state,
                    "error": error,
                    "now": now,
                },
            )

    rows = [each for each in get(at_desk, fingerprint).texts("tr") if "desk k" in each]

    assert "desk k1" in rows[0] and "alert" in rows[0] and "sent" in rows[0]
    assert "desk k2" in rows[1] and "given up" in rows[1] and "channel_not_found" in rows[1]


def test_an_id_that_no_article_has_gets_an_error_page(at_desk: AtDesk) -> None:
    for id_ in ("0" * 16, "short", "ZZZZZZZZZZ", "%25" * 8, "f" * 65):
        for answer in (
            at_desk.client.get(f"/articles/{id_}"),
            at_desk.client.post(f"/articles/{id_}/verdicts", data={"topic": "energy", "verdict": "right"}),
        ):
            assert answer.status_code in (404, 422)
            assert "<h1" in answer.text


def test_where_the_model_cannot_be_asked_the_article_is_shown_all_the_same(at_desk: AtDesk) -> None:
    fingerprint = write(at_desk, REFINERY + " Last.", tag(REFINERY, SENTENCE))
    own = at_desk.home / "labels" / "topics.toml"
    own.parent.mkdir(exist_ok=True)

    own.write_text("[energy", encoding="utf-8")
    spoilt = get(at_desk, fingerprint, topic="energy")
    own.unlink()
    (at_desk.settings.models / "current").unlink()
    object.__setattr__(at_desk.desk, "models", Models(at_desk.settings))  # as after a start
    missing = get(at_desk, fingerprint, topic="energy")

    assert spoilt.texts("mark") == missing.texts("mark") == [SENTENCE]
    assert any("No model can serve" in each for each in missing.texts("p", class_="notice"))


def test_a_long_text_is_shown_in_parts_and_every_word_of_it_is_in_one(at_desk: AtDesk) -> None:
    content = "Long\n" + "\n".join(f"Line {number} says oil and gas and more." for number in range(3000))
    fingerprint = write(at_desk, content, tag(content, "Line 2321 says oil and gas and more."))

    pages = [get(at_desk, fingerprint, part=part, topic="energy") for part in (1, 2)]

    seen = [int(each) for page in pages for each in re.findall(r"Line (\d+) says oil", shown_text(page))]
    assert seen == list(range(3000))
    assert [len(page.texts("mark")) for page in pages].count(1) == 1


def test_each_page_is_well_made_and_has_one_heading_of_the_first_rank(at_desk: AtDesk) -> None:
    content = REFINERY + "\nMore of it."
    fingerprint = write(at_desk, content, tag(content, SENTENCE), tag(content, SENTENCE, "trade"))
    judge(at_desk, fingerprint, "energy", Verdict.WRONG, person="ben")
    judge(at_desk, fingerprint, "energy", Verdict.RIGHT, person="ana")

    for query in ({}, {"label": 1}, {"topic": "energy"}, {"topic": "energy", "label": 1, "passage": 0}):
        page = get(at_desk, fingerprint, **query)
        ids = [each["id"] for _, each, _ in page.elements if "id" in each]
        assert len(ids) == len(set(ids))
        assert len(page.found("h1")) == 1
        assert not [each for _, each, _ in page.elements if "style" in each]
        labelled = {each.get("for") for each in page.found("label")}
        assert {each["id"] for each in page.found("select")} <= labelled


# What people do


def judge(at_desk: AtDesk, fingerprint: str, topic: str, verdict: Verdict, *, person: str) -> None:
    with at_desk.database.transaction() as connection:
        identity = identity_of(connection, fingerprint)
        assert identity is not None
        feedback.judge(
            connection, article=identity, topic=topic, verdict=verdict, person=person, now=clock.now()
        )


@pytest.fixture
def fingerprint(at_desk: AtDesk) -> str:
    return write(at_desk, REFINERY + "\nIt stood still for a month.", tag(REFINERY, SENTENCE))


def test_without_javascript_a_verdict_is_written_and_the_page_comes_anew(
    at_desk: AtDesk, fingerprint: str
) -> None:
    verdict = "wrong"
    where = post(at_desk, fingerprint, "verdicts", topic="energy", verdict=verdict, shown="energy")

    assert said(at_desk) == {("energy", "operator"): verdict}
    parts = urlsplit(where)
    assert (parts.path, parts.fragment) == (f"/articles/{fingerprint[:16]}", "judged")
    assert parse_qs(parts.query) == {"topic": ["energy"], "done": [verdict]}
    page = Page(at_desk.client.get(where).text)
    assert page.texts("p", class_="good") == [f"Noted: {verdict}."]
    (pressed,) = [each for each in page.found("button", name="verdict") if each.get("aria-pressed") == "true"]
    assert pressed["value"] == verdict


def test_with_htmx_the_part_with_the_tags_comes_back_alone(at_desk: AtDesk, fingerprint: str) -> None:
    answer = at_desk.client.post(
        f"/articles/{fingerprint[:16]}/verdicts", data={"topic": "energy", "verdict": "wrong"}, headers=HX
    )

    assert answer.status_code == 200
    page = Page(answer.text)
    assert page.elements[0][1]["id"] == "judged"
    assert page.elements[0][1]["data-say"] == "Noted: wrong."
    assert not page.found("html")
    assert [each for each in page.texts("tr") if "operator" in each and "wrong" in each]


def test_a_topic_is_added_and_stands_among_the_topics(at_desk: AtDesk, fingerprint: str) -> None:
    post(at_desk, fingerprint, "verdicts", topic="space", verdict="right")

    page = get(at_desk, fingerprint)
    assert said(at_desk) == {("space", "operator"): "right"}
    assert [each for each in page.texts("li") if each.strip().startswith("Space")]


def test_a_topic_that_there_is_not_is_refused(at_desk: AtDesk, fingerprint: str) -> None:
    for form in ({"topic": "sport", "verdict": "right"}, {"topic": "energy", "verdict": "maybe"}, {}):
        answer = at_desk.client.post(f"/articles/{fingerprint[:16]}/verdicts", data=form)
        assert answer.status_code == 422
    assert said(at_desk) == {}


def test_undo_goes_back_to_what_was_said_before(at_desk: AtDesk, fingerprint: str) -> None:
    for verdict in ("right", "wrong"):
        post(at_desk, fingerprint, "verdicts", topic="energy", verdict=verdict)

    post(at_desk, fingerprint, "undo", topic="energy")

    assert said(at_desk) == {("energy", "operator"): "right"}


def test_undo_without_a_topic_is_of_what_this_person_said_last(at_desk: AtDesk, fingerprint: str) -> None:
    for topic in ("trade", "energy"):
        post(at_desk, fingerprint, "verdicts", topic=topic, verdict="right")
    judge(at_desk, fingerprint, "space", Verdict.RIGHT, person="ben")

    found = []
    for _ in range(3):
        where = post(at_desk, fingerprint, "undo")
        found.append((parse_qs(urlsplit(where).query)["done"], sorted(topic for topic, _ in said(at_desk))))

    assert found == [(["undone"], ["space", "trade"]), (["undone"], ["space"]), (["nothing"], ["space"])]


def test_a_dispute_is_shown_and_settled(at_desk: AtDesk, fingerprint: str) -> None:
    judge(at_desk, fingerprint, "energy", Verdict.WRONG, person="ben")
    assert not get(at_desk, fingerprint).texts("div", class_="warning")
    post(at_desk, fingerprint, "verdicts", topic="energy", verdict="right")
    assert "People disagree" in get(at_desk, fingerprint).texts("div", class_="warning")[0]

    post(at_desk, fingerprint, "verdicts", topic="energy", verdict="right", settles="1")

    page = get(at_desk, fingerprint)
    assert not page.texts("div", class_="warning")
    with at_desk.database.reading() as connection:
        found = {each.person: (each.outweighed, each.settles) for each in verdicts.all_verdicts(connection)}
    assert found == {"ben": (True, False), "operator": (False, True)}


def test_each_passage_can_be_chosen_and_labelled(at_desk: AtDesk, fingerprint: str) -> None:
    page = get(at_desk, fingerprint, label=1)
    radios = page.found("input", name="passage")
    start = REFINERY.index(SENTENCE)
    assert [each["value"] for each in radios] == ["0", str(start), str(len(REFINERY) + 1)]

    where = post(at_desk, fingerprint, "labels", passage=str(start), about=["energy", "trade"])

    said_of = passages.said_of(passages.labelled(at_desk.home), SENTENCE)
    assert said_of is not None
    assert said_of.topics == ("energy", "trade")
    assert said_of.remark is not None
    assert said_of.remark.startswith("operator, ") and said_of.remark.endswith(fingerprint[:16])
    page = Page(at_desk.client.get(where).text)
    assert urlsplit(where).fragment == ""
    assert [each["value"] for each in page.found("input", name="passage") if "checked" in each] == [
        str(start)
    ]
    assert "label: Energy, Trade and investment" in [
        each.strip() for each in page.texts("span", class_="badge")
    ]


def test_a_passage_about_none_of_our_topics_is_labelled_so_and_the_label_taken_away(
    at_desk: AtDesk, fingerprint: str
) -> None:
    post(at_desk, fingerprint, "labels", passage="0", action="none", about=["energy"])
    title = passages.said_of(passages.labelled(at_desk.home), "Refinery restarts")
    assert title is not None and title.topics == ()

    post(at_desk, fingerprint, "labels", passage="0", action="take away")

    assert passages.labelled(at_desk.home) == {}


REFUSED: tuple[tuple[dict[str, str], str], ...] = (
    ({"about": "energy"}, "Choose a passage first."),
    ({"passage": "5", "about": "energy"}, "Choose a passage first."),
    ({"passage": "0"}, "Choose the topics"),
    ({"passage": "0", "about": "sport"}, "There is no such topic."),
)


def test_a_label_that_lacks_something_is_refused_with_the_reason(at_desk: AtDesk, fingerprint: str) -> None:
    for form, why in REFUSED:
        answer = at_desk.client.post(f"/articles/{fingerprint[:16]}/labels", data=form)
        assert answer.status_code == 422
        assert any(why in each for each in Page(answer.text).texts("p", role="alert"))
    assert passages.labelled(at_desk.home) == {}


def test_a_passage_that_another_sheet_labels_is_refused_with_its_place(
    at_desk: AtDesk, fingerprint: str
) -> None:
    (at_desk.home / "labels").mkdir(exist_ok=True)
    (at_desk.home / "labels" / "ours.tsv").write_text(f"trade\t{SENTENCE}\n", encoding="utf-8")

    answer = at_desk.client.post(
        f"/articles/{fingerprint[:16]}/labels",
        data={"passage": str(REFINERY.index(SENTENCE)), "about": "energy"},
    )

    assert answer.status_code == 422
    assert "ours.tsv:1" in unescape(answer.text)


def test_what_the_keyboard_does_is_marked(at_desk: AtDesk, fingerprint: str) -> None:
    post(at_desk, fingerprint, "verdicts", topic="energy", verdict="right")

    keys = {each["data-key"] for _, each, _ in get(at_desk, fingerprint).elements if "data-key" in each}

    assert keys == {"r", "w", "u", "a", "p"}


def test_the_page_is_made_in_the_other_languages_as_well(at_desk: AtDesk, fingerprint: str) -> None:
    for language in ("ru", "kk"):
        at_desk.client.headers["accept-language"] = language
        assert get(at_desk, fingerprint, topic="energy", label=1).found("html", lang=language)


@pytest.mark.sqlite("its query plans")
def test_nothing_that_the_page_asks_of_the_ledger_reads_a_whole_table(
    at_desk: AtDesk, fingerprint: str
) -> None:
    asked: list[tuple[str, object]] = []

    def keep(_: object, __: object, statement: str, given: object, *___: object) -> None:
        asked.append((statement, given))

    event.listen(Engine, "before_cursor_execute", keep)
    try:
        post(at_desk, fingerprint, "verdicts", topic="energy", verdict="right")
        get(at_desk, fingerprint, topic="energy", label=1)
        post(at_desk, fingerprint, "undo")
    finally:
        event.remove(Engine, "before_cursor_execute", keep)

    with at_desk.database.reading() as connection:
        for statement, given in asked:
            if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()  # type: ignore[arg-type]
                assert not [row.detail for row in plan if row.detail.startswith("SCAN ")], statement
    assert len(asked) > 20
