"""Topics: volumes drawn as they are, quality told honestly, another cut tried, and words edited."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from lxml import etree, html
from sqlalchemy import text

from classifier import Grade, topics_of
from classifier.storage import save, use
from daemon import clock, verdicts
from daemon.cli import main as topicwired
from daemon.desk import terms, volumes
from daemon.desk.known import Knowledge
from daemon.desk.people import Person
from daemon.verdicts import Verdict
from tests.at_the_desk import AtDesk
from tests.builders import small_model

# The small model says of this: energy 0.86; of that 0.60. Its cut is 0.50.
OIL = "Oil"
BOTH = "Oil export"
WORDS = {"title": "Energy", "covers": "oil and gas", "terms_en": "jet fuel"}


@pytest.fixture
def a_reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when it is called, whoever is in is a reader."""
    return lambda: monkeypatch.setattr(Person, "may_change", property(lambda _: False))


def seen(at_desk: AtDesk, path: str, **known: str) -> html.HtmlElement:
    answer = at_desk.client.get(path, params=known or None)
    assert answer.status_code == 200, answer.text
    return html.fromstring(answer.text)


def knowledge(at_desk: AtDesk) -> Knowledge:
    app = at_desk.client.app
    found = getattr(app, "state").knowledge  # noqa: B009  the client knows any application
    assert isinstance(found, Knowledge)
    return found


def looked(at_desk: AtDesk, path: str) -> html.HtmlElement:
    """The page once the last days have been looked at."""
    seen(at_desk, path)
    assert knowledge(at_desk).lookout.settle(20)
    return seen(at_desk, path)


def said(element: html.HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def version(at_desk: AtDesk) -> str:
    return terms.read(at_desk.home).version


def send(at_desk: AtDesk, path: str, **fields: str) -> tuple[int, html.HtmlElement | None, str]:
    answer = at_desk.client.post(path, data=fields)
    body = html.fromstring(answer.text) if answer.text else None
    return answer.status_code, body, answer.headers.get("location", "")


def test_every_topic_stands_with_its_volume_its_cut_and_what_is_known_of_it(at_desk: AtDesk) -> None:
    page = seen(at_desk, "/topics")

    rows = {said(row.find("th")): row for row in page.iter("tr") if row.find("td") is not None}
    energy = [said(cell) for cell in rows["Energy"].findall("td")]
    assert energy[0] == "3 articles"
    assert energy[1] == "3"
    assert "0.50 the model's own" in energy[4]
    assert rows["Energy"].find(".//polyline").get("points").endswith(",0")
    assert any("Health" in name and "not learned yet" in name for name in rows)


def test_precision_is_told_with_how_many_were_judged_and_its_interval(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        for article, verdict in ((1, Verdict.RIGHT), (2, Verdict.WRONG)):
            connection.execute(
                text(
                    "INSERT INTO alerts (key, article_id, receiver, payload, created_at)"
                    " VALUES (:key, :article, 'console', :payload, :now)"
                ),
                {
                    "key": f"k{article}",
                    "article": article,
                    "payload": "{}",
                    "now": clock.to_text(clock.now()),
                },
            )
            verdicts.add(
                connection, article=article, topic="energy", verdict=verdict, person="ann", now=clock.now()
            )

    assert "50% (50%–50%) of 2 judged alerts" in told_in_the_end(at_desk, "/topics", "judged alerts")
    assert "50% (50%–50%) of 2 judged alerts" in told_in_the_end(at_desk, "/topics/energy", "judged alerts")
    assert "20 more answers needed" in told_in_the_end(at_desk, "/topics/energy", "judged alerts")


def told_in_the_end(at_desk: AtDesk, path: str, awaited: str) -> str:
    """What is counted in a thread is not there at once."""
    for _ in range(30):
        if awaited in (found := said(seen(at_desk, path))):
            return found
    return found


def test_a_chart_shows_as_many_articles_a_day_as_its_table_says(at_desk: AtDesk) -> None:
    page = seen(at_desk, "/topics/energy")

    [chart] = page.xpath("//figure[.//*[@id='by-time-title']]")
    heights = [float(bar.get("height")) for bar in chart.xpath(".//*[local-name()='rect']")]
    numbers = [int(said(cell)) for cell in chart.xpath(".//td")]
    assert (len(numbers), numbers[-1], sum(numbers)) == (30, 3, 3)
    assert [height > 0 for height in heights] == [number > 0 for number in numbers]
    assert "3 articles, 2 mainly about it." in said(page)
    assert said(page.xpath("//figure//*[@id='by-language-text']")[0]) == "Arabic: 1; English: 1; Russian: 1"


def test_charts_have_a_name_a_text_and_no_style_of_their_own(at_desk: AtDesk) -> None:
    page = looked(at_desk, "/topics/energy")

    charts = page.xpath("//*[local-name()='svg']")
    assert len(charts) == 4
    for chart in charts:
        assert chart.get("role") == "img"
        named = chart.get("aria-labelledby").split()
        assert [bool(said(page.get_element_by_id(id))) for id in named] == [True, True]
    assert not page.xpath("//@style | //style | //@onclick | //script[not(@src)]")
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))


def test_a_period_is_shown_by_days_or_by_weeks(at_desk: AtDesk) -> None:
    for asked, columns in (
        ({"days": "90"}, {90}),
        ({"days": "365"}, {53, 54}),
        ({"days": "90", "by": "week"}, {13, 14}),
        ({"days": "7"}, {30}),  # what is not offered is taken for the first that is
    ):
        page = seen(at_desk, "/topics/energy", **asked)
        [chart] = page.xpath("//figure[.//*[@id='by-time-title']]")
        assert len(chart.xpath(".//*[local-name()='rect']")) in columns


def test_weeks_begin_on_mondays_and_have_all_their_days() -> None:
    shown = volumes.period(90, date(2026, 3, 5), by_week=True)

    assert {start.weekday() for start in shown.starts} == {0}
    assert shown.first <= date(2026, 3, 5) - timedelta(89)
    assert shown.starts[-1] == date(2026, 3, 2)


def test_of_many_sources_the_largest_ten_are_shown_and_the_others_together(at_desk: AtDesk) -> None:
    with at_desk.database.transaction() as connection:
        connection.execute(text("UPDATE articles SET source = 'wire ' || id"))
    for number in range(12):
        at_desk.write(f"Gas number {number}\nGas is piped.", {"energy": Grade.MAIN})
    with at_desk.database.transaction() as connection:
        connection.execute(text("UPDATE articles SET source = 'wire ' || (id % 13)"))
    at_desk.desk.index.begin_anew()
    at_desk.follow()

    page = seen(at_desk, "/topics/energy")

    [chart] = page.xpath("//figure[.//*[@id='by-source-title']]")
    names = [said(cell) for cell in chart.xpath(".//tbody//th")]
    numbers = [int(said(cell)) for cell in chart.xpath(".//td")]
    assert (len(names), sum(numbers)) == (11, 15)
    assert re.fullmatch(r"\d others?", names[-1])


def test_a_topic_without_articles_says_so(at_desk: AtDesk) -> None:
    assert "There was no article about it" in said(seen(at_desk, "/topics/health"))


def test_a_topic_that_is_not_there_is_no_page(at_desk: AtDesk) -> None:
    for id in ("nothing", "..%2f..%2fetc", "%00", "<script>alert(1)</script>", "e" * 500):
        for path in (f"/topics/{id}", f"/topics/{id}/cut?at=0.5"):
            answer = at_desk.client.get(path, follow_redirects=True)
            assert answer.status_code in (400, 404)
            assert "<script>alert" not in answer.text
        for path in ("terms", "retire", "restore"):
            assert at_desk.client.post(f"/topics/{id}/{path}", data=WORDS).status_code in (400, 404)
    assert not terms.own_file(at_desk.home).exists()


@pytest.fixture
def articles(at_desk: AtDesk) -> Iterator[AtDesk]:
    at_desk.write(f"{OIL} one", {"energy": Grade.MAIN})
    at_desk.write(f"{BOTH} two", {"energy": Grade.MAIN, "trade": Grade.MENTION})
    yield at_desk


def test_another_cut_shows_what_is_lost_with_its_passage_and_says_how_to_have_it(articles: AtDesk) -> None:
    page = looked(articles, "/topics/energy?at=0.7")

    assert "Cut 0.70 in place of 0.50: 0 alerts gained, 2 lost." in said(page.get_element_by_id("cut-said"))
    lost = [said(each) for each in page.xpath("//ol[@class='changes']/li")]
    assert any("Oil export two 0.60 console" in each for each in lost)
    assert all(
        each.get("href").startswith("/articles/") for each in page.xpath("//ol[@class='changes']/li/a")
    )
    lines = [each.text_content() for each in page.iter("code")]
    assert lines == ["[topic.energy]\ncut = 0.7", "topicwired rehearse --cut energy=0.7"]


def test_the_slider_says_what_the_command_that_it_names_says(
    articles: AtDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    page = looked(articles, "/topics/energy?at=0.7")
    [command] = [line for line in (each.text_content() for each in page.iter("code")) if "rehearse" in line]
    capsys.readouterr()

    assert topicwired([*command.split()[1:], "--home", str(articles.home), "--json"]) == 0

    found = json.loads(capsys.readouterr().out.splitlines()[0])
    row = next(said(row) for row in page.iter("tr") if said(row).startswith("console"))
    [tally] = [each for each in found["topics"] if each["topic"] == "energy"]
    [alerts] = found["alerts"]
    shown = [tally[name] for name in ("before", "gained", "lost", "lost_right", "after")]
    assert row == f"console {' '.join(map(str, shown))} {alerts['before']} → {alerts['after']}"
    assert found["lost"] == 2


def test_what_a_desk_called_right_and_would_be_lost_comes_first(articles: AtDesk) -> None:
    with articles.database.transaction() as connection:
        id = connection.execute(text("SELECT id FROM articles WHERE title = 'Oil export two'")).scalar_one()
        verdicts.add(
            connection, article=id, topic="energy", verdict=Verdict.RIGHT, person="ann", now=clock.now()
        )

    page = looked(articles, "/topics/energy?at=0.95")

    first = said(page.xpath("//ol[@class='changes']/li")[0])
    assert "Oil export two 0.60 ✓ right" in first
    assert "a desk called 1 right" in said(page.get_element_by_id("cut-said"))
    assert (
        "No judged article lies at or above the cut. It keeps 0 of the 1 that a desk called right."
        in said(page)
    )
    assert len(page.xpath("//*[local-name()='text'][@class='said right']")) == 1


def test_a_move_of_the_slider_brings_the_part_alone_and_sets_the_other_field(articles: AtDesk) -> None:
    looked(articles, "/topics/energy")

    for moved, other in (("at", "at-number"), ("exactly", "at")):
        part = articles.client.get(
            "/topics/energy/cut", params={"at": "0.7"}, headers={"HX-Request": "true", "HX-Trigger": moved}
        ).text
        assert "<html" not in part
        assert re.search(rf'id="{other}"[^>]*value="0.70*"[^>]*hx-swap-oob', part)
        assert part.count("hx-swap-oob") == 1


def test_without_a_script_the_slider_is_a_form_that_leads_to_the_page(articles: AtDesk) -> None:
    answer = articles.client.get("/topics/energy/cut", params={"at": "0.7"})

    assert (answer.status_code, answer.headers["location"]) == (303, "/topics/energy?at=0.7#cut")
    [slides] = [form for form in seen(articles, "/topics/energy").forms if form.xpath(".//*[@type='range']")]
    assert (slides.method, slides.action) == ("GET", "/topics/energy")


def test_what_is_no_cut_is_told_in_one_line(at_desk: AtDesk) -> None:
    for at in ("x", "0", "1", "nan", "inf", "-0.5", "1e9", "0.5; DROP", "٠٫٥٥٥٥x"):
        part = at_desk.client.get("/topics/energy/cut", params={"at": at}, headers={"HX-Request": "true"})
        assert said(html.fromstring(part.text)) == "A cut is a number from 0.001 to 0.999."
    answer = at_desk.client.get("/topics/energy", params={"at": "nan"})
    assert answer.status_code == 400
    assert "A cut is a number from 0.001 to 0.999." in answer.text


def test_while_the_articles_are_looked_at_the_page_says_how_far_that_is(
    at_desk: AtDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(at_desk, "/topics/energy")
    lookout = knowledge(at_desk).lookout
    monkeypatch.setattr(lookout, "said", lambda wait: None)
    lookout.progress = (12_000, 35_000)

    page = seen(at_desk, "/topics/energy", at="0.7")

    assert "being looked at: 12,000 of 35,000" in said(page.get_element_by_id("cut-said"))
    [bar] = page.iter("progress")
    assert (bar.get("value"), bar.get("max")) == ("12000", "35000")
    assert bar.getparent().get("hx-get") == "/topics/energy/cut?at=0.7"


def test_without_a_model_topics_are_shown_and_there_is_no_slider(at_desk: AtDesk) -> None:
    (at_desk.settings.models / "current").unlink()

    assert "No model serves yet" in said(seen(at_desk, "/topics"))
    assert not seen(at_desk, "/topics/energy").xpath("//*[@type='range']")


def test_words_are_looked_at_first_and_the_articles_that_say_them_are_named(at_desk: AtDesk) -> None:
    status, page, _ = send(
        at_desk, "/topics/energy/terms", **WORDS, terms_ar="المصفاة", version=version(at_desk), do="preview"
    )

    assert status == 200
    assert page is not None
    [shown] = page.xpath("//section[.//*[@id='preview']]")
    assert "added jet fuel No article of the last 14 days has all its words." in said(shown)
    assert "استأنفت المصفاة العمل – has the topic now" in said(shown)
    assert not terms.own_file(at_desk.home).exists()


def test_where_more_articles_say_a_term_than_are_named_a_link_leads_to_all_of_them(at_desk: AtDesk) -> None:
    for number in range(4):
        at_desk.write(f"Depot {number}\nA kerosene depot was opened.", {})

    _, page, _ = send(
        at_desk, "/topics/energy/terms", **{**WORDS, "terms_en": "kerosene depot"}, version=version(at_desk)
    )

    assert page is not None
    [link] = page.xpath("//section[.//*[@id='preview']]//a[.='and more']/@href")
    found = said(seen(at_desk, link).get_element_by_id("main"))
    assert all(f"Depot {number}" in found for number in range(4))
    assert "Striker" not in found


def test_saved_words_are_what_the_next_training_reads(at_desk: AtDesk) -> None:
    status, _, where = send(
        at_desk, "/topics/energy/terms", **WORDS, terms_kk="жанармай", version=version(at_desk), do="save"
    )

    assert (status, where) == (303, "/topics/energy?done=saved#words")
    [energy] = [topic for topic in topics_of(at_desk.home) if topic.id == "energy"]
    assert energy.covers == "oil and gas"
    assert energy.terms["kk"][-1] == "жанармай"
    page = seen(at_desk, where)
    assert "Terms take effect with the next training." in said(page)
    assert page.get_element_by_id("terms_en").text_content().strip() == "jet fuel"
    assert "Saving" not in said(page)


def test_words_that_were_changed_by_somebody_else_meanwhile_are_not_written_over(at_desk: AtDesk) -> None:
    old = version(at_desk)
    send(at_desk, "/topics/energy/terms", **WORDS, version=old, do="save")
    before = terms.read(at_desk.home)

    status, page, _ = send(
        at_desk, "/topics/energy/terms", **{**WORDS, "terms_en": "tank farm"}, version=old, do="save"
    )

    assert status == 409
    assert page is not None
    assert "Nothing was written: the topics file has changed" in said(page)
    assert "removed jet fuel" in said(page)
    assert terms.read(at_desk.home) == before
    [given] = page.xpath("//form[contains(@action, 'terms')]//input[@name='version']/@value")
    assert send(at_desk, "/topics/energy/terms", **WORDS, version=given, do="save")[0] == 303


def test_a_complaint_stands_at_its_field_and_what_was_written_stays_in_the_form(at_desk: AtDesk) -> None:
    taken = terms.shipped_topics()["trade"].terms["en"][0]
    for field, value, complaint in (
        ("terms_en", "crude oil", "is empty or stands twice"),
        ("terms_en", taken, "a term has one topic"),
        ("terms_ru", "мазут\x00", "characters that cannot be seen"),
        ("title", "", "must not be empty"),
        ("terms_kk", "\n".join(f"сөз {number}" for number in range(10_000)), "at most 1000"),
    ):
        status, page, _ = send(
            at_desk, "/topics/energy/terms", **{**WORDS, field: value}, version=version(at_desk), do="save"
        )
        assert status == 422
        assert page is not None
        input = page.get_element_by_id(field)
        assert input.get("aria-invalid") == "true"
        assert complaint in said(page.get_element_by_id(input.get("aria-describedby").split()[0]))
        assert page.get_element_by_id("covers").text_content().strip() == WORDS["covers"]
    assert not terms.own_file(at_desk.home).exists()


def test_bytes_that_are_no_text_have_one_complaint(at_desk: AtDesk) -> None:
    answer = at_desk.client.post(
        "/topics/energy/terms",
        content=b"title=Energy&covers=c&terms_en=jet%FFfuel&do=save",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 422
    assert said(html.fromstring(answer.text)).count("is not UTF-8") == 1


def test_a_new_topic_is_there_and_waits_for_a_training(at_desk: AtDesk) -> None:
    fields = {"id": "fisheries", "title": "Fisheries", "covers": "boats", "terms_en": "trawlers"}

    status, _, where = send(at_desk, "/topics", **fields, version=version(at_desk), do="save")

    assert (status, where) == (303, "/topics/fisheries?done=saved#words")
    page = seen(at_desk, "/topics/fisheries")
    assert "The model has not learned this topic yet." in said(page)
    assert page.get_element_by_id("terms_en").text_content().split() == ["trawlers"]


def test_an_id_that_is_none_or_is_taken_is_refused_at_its_field(at_desk: AtDesk) -> None:
    for id in ("", "energy", "Two Words", "main", "ünïcode", "x]\n[y"):
        status, page, _ = send(
            at_desk, "/topics", id=id, title="T", covers="c", version=version(at_desk), do="save"
        )
        assert status == 422
        assert page is not None
        assert page.get_element_by_id("id").get("aria-invalid") == "true"
        assert page.get_element_by_id("new").get("open") is not None
    assert not terms.own_file(at_desk.home).exists()


def test_a_topic_is_retired_and_brought_back(at_desk: AtDesk) -> None:
    assert send(at_desk, "/topics/health/retire")[::2] == (303, "/topics/health?done=retired")
    assert "Retired: nothing is said of this topic" in said(seen(at_desk, "/topics/health?done=retired"))
    assert said(seen(at_desk, "/topics").xpath("//h2[.='Retired']/following-sibling::ul[1]")[0]) == "Health"

    assert send(at_desk, "/topics/health/restore")[::2] == (303, "/topics/health?done=restored")
    assert not seen(at_desk, "/topics").xpath("//h2[.='Retired']")


def test_a_reader_changes_nothing_and_is_shown_no_form(at_desk: AtDesk, a_reader: Callable[[], None]) -> None:
    a_reader()

    for path in ("/topics", "/topics/energy/terms", "/topics/energy/retire", "/topics/energy/restore"):
        assert at_desk.client.post(path, data={**WORDS, "id": "x", "do": "save"}).status_code == 403
    for page in (seen(at_desk, "/topics"), seen(at_desk, "/topics/energy")):
        assert not page.xpath("//textarea | //form[starts-with(@action, '/topics') and @method='post']")
    assert not terms.own_file(at_desk.home).exists()


def test_a_topics_file_that_cannot_be_read_is_told_and_the_model_still_shows_its_topics(
    at_desk: AtDesk,
) -> None:
    terms.own_file(at_desk.home).parent.mkdir()
    terms.own_file(at_desk.home).write_bytes(b"[energy\n\xff")

    page = seen(at_desk, "/topics")

    assert "The topics file cannot be read" in said(page)
    assert "Energy" in said(page)
    assert str(at_desk.home) not in said(page)
    assert send(at_desk, "/topics/energy/terms", **WORDS, do="save")[0] in (409, 422)


def test_titles_and_headlines_are_never_markup(at_desk: AtDesk) -> None:
    hostile = "<img src=x onerror=alert(1)> “quoted” & 'so'"
    send(at_desk, "/topics/energy/terms", title=hostile, covers=hostile, version=version(at_desk), do="save")
    at_desk.write(f"{OIL} {hostile}\nmore", {"energy": Grade.MAIN})

    for path in ("/topics", "/topics/energy?at=0.95"):
        page = looked(at_desk, path) if "at=" in path else seen(at_desk, path)
        assert hostile in said(page)
        assert not page.xpath("//img")
        assert b"<img" not in etree.tostring(page)


def test_labels_tell_what_a_cut_is_worth_and_which_can_be_promised(at_desk: AtDesk) -> None:
    rows = [
        {
            "id": f"{number:016x}",
            "language": "en",
            "main": ["energy"] if number % 2 else [],
            "mention": [],
            "said": [],
            "probabilities": [0.9 - number / 1000 if number % 2 else 0.1, 0.0],
        }
        for number in range(200)
    ]
    folds = json.dumps({"topics": ["energy", "trade"], "articles": rows}).encode()
    made = save(
        small_model(), at_desk.settings.models, probes=["Gas"], made_by={}, extras={"folds.json": folds}
    )
    use(at_desk.settings.models, made.version)

    page = looked(at_desk, "/topics/energy?at=0.8")
    listed = seen(at_desk, "/topics")

    told = said(page)
    assert "Recall 100% (96%–100%) of 100 labelled articles 50% (40%–60%) of 100 labelled articles" in told
    assert (
        "Precision 100% (96%–100%) of 100 labelled articles 100% (93%–100%) of 50 labelled articles" in told
    )
    [link, *_] = page.xpath("//tr[starts-with(normalize-space(th), 'recall 80')]//a/@href")
    assert re.fullmatch(r"/topics/energy\?at=0\.7\d\d#cut", link)
    assert "100 articles (en 100)" in said(listed)


def test_the_texts_of_a_rehearsal_are_told_in_the_language_of_who_asks(at_desk: AtDesk) -> None:
    answer = at_desk.client.get("/topics/energy?days=30", headers={"Accept-Language": "ru"})

    assert answer.status_code == 200
    assert 'lang="ru"' in answer.text
    assert "русский" in answer.text.lower()
