"""Which decisions differ between two versions: what `classifier models diff` counts and shows."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classifier.articles import Article, Grade
from classifier.cli import main
from classifier.differing import Tally, differences
from classifier.model import Model
from classifier.storage import save, use
from classifier.tagging import Cuts
from tests.builders import small_model

# By the model made by hand: energy 0.91 and trade 0.05; energy 0.03 and trade 0.89.
OIL, EXPORT = "Oil of the north.", "Exporters export the export."
BEFORE = small_model()
STRICT = small_model(cuts={"energy": Cuts(0.99, 0.5), "trade": Cuts(0.6, 0.25)})
DEAF = small_model(cuts={"energy": Cuts(0.5, 0.25), "trade": Cuts(0.999, 0.998)})


def compared(before: Model, after: Model, *texts: str, most: int = 10) -> Tally:
    tally = Tally(most)
    for number, text in enumerate(texts):
        article = Article(text, language="en")
        tally.add(f"file-{number}", (before, before.tag(article)), (after, after.tag(article)))
    return tally


def test_models_that_say_the_same_differ_in_nothing() -> None:
    tally = compared(BEFORE, BEFORE, OIL, EXPORT)

    assert (tally.articles, tally.differing) == (2, 0)
    assert tally.by_topic()["energy"] == {"before": 0, "after": 0, "grade": 0, "same": 1}


def test_a_topic_is_counted_by_who_alone_says_it() -> None:
    lost, gained = compared(BEFORE, DEAF, OIL, EXPORT), compared(DEAF, BEFORE, OIL, EXPORT)

    assert lost.by_topic()["trade"] == {"before": 1, "after": 0, "grade": 0, "same": 0}
    assert gained.by_topic()["trade"] == {"before": 0, "after": 1, "grade": 0, "same": 0}


def test_another_grade_is_a_difference_of_its_own_kind() -> None:
    tally = compared(BEFORE, STRICT, OIL)

    (found,) = tally.strongest()
    (difference,) = found.differences
    assert tally.by_topic()["energy"] == {"before": 0, "after": 0, "grade": 1, "same": 0}
    assert (difference.before.grade, difference.after.grade) == (Grade.MAIN, Grade.MENTION)
    assert difference.before.cuts == BEFORE.cuts["energy"]
    assert difference.after.cuts == STRICT.cuts["energy"]
    assert difference.passage == OIL


def test_what_changes_alerts_stands_before_what_does_not() -> None:
    both = small_model(cuts={"energy": Cuts(0.99, 0.5), "trade": Cuts(0.999, 0.998)})

    tally = compared(BEFORE, both, OIL, EXPORT)

    assert [found.file for found in tally.strongest()] == ["file-1", "file-0"]
    assert [found.file for found in compared(BEFORE, both, OIL, EXPORT, most=1).strongest()] == ["file-1"]


def test_a_main_topic_that_is_lost_counts_more_than_a_mention() -> None:
    tally = compared(BEFORE, STRICT, "A word that it never saw.", OIL)

    assert [found.file for found in tally.strongest()] == ["file-1", "file-0"]


def test_a_topic_that_one_model_does_not_know_is_said_by_the_other_alone() -> None:
    other = small_model(topics=("energy", "fishing"), titles={"energy": "Energy", "fishing": "Fishing"})
    other = small_model(
        topics=other.topics, titles=other.titles, cuts={"energy": Cuts(0.5, 0.25), "fishing": Cuts(0.6, 0.25)}
    )
    article = Article(EXPORT, language="en")

    found = differences((BEFORE, BEFORE.tag(article)), (other, other.tag(article)))

    assert {each.topic: each.kind for each in found} == {"trade": "before", "fishing": "after"}
    assert str(next(each for each in found if each.topic == "fishing").before) == "topic unknown"


# ── The command ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Newsroom:
    home: Path
    before: str
    after: str

    def diff(self, *arguments: object) -> int:
        return main(
            ["models", "diff", self.before, self.after, *map(str, arguments), "--home", str(self.home)]
        )


def card(f1: float) -> dict[str, Any]:
    return {"all": {"f1": f1}, "topics": {"energy": {"f1": f1}, "trade": {"f1": f1}}}


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    models = tmp_path / "home" / "models"
    before = save(small_model(quality=card(0.5)), models, probes=[OIL], made_by={"from": "labels"})
    after = save(
        small_model(cuts=DEAF.cuts, quality=card(0.75)), models, probes=[OIL], made_by={"from": "labels"}
    )
    use(models, before.version)
    return Newsroom(tmp_path / "home", before.version, after.version)


def archive(path: Path, *texts: str) -> Path:
    lines = [
        json.dumps({"id": f"a{number}", "text": text, "lang": "en"}) for number, text in enumerate(texts)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_articles_of_an_archive_are_compared_and_shown(
    newsroom: Newsroom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / "archive.jsonl", OIL, EXPORT)

    assert newsroom.diff(path, "--json") == 0

    summary, *articles = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (summary["before"], summary["after"]) == (newsroom.before, newsroom.after)
    assert (summary["articles"], summary["differing"]) == (2, 1)
    assert summary["topics"]["trade"]["before"] == 1
    rows = {row["topic"]: row for row in summary["cards"]}
    assert rows["all"]["f1"] == [0.5, 0.75]
    assert [cuts["main"] for cuts in rows["trade"]["cuts"]] == [0.6, 0.999]
    (article,) = articles
    (difference,) = article["differences"]
    assert (article["id"], article["file"]) == ("a1", str(path))
    assert (difference["topic"], difference["before"]["grade"], difference["after"]["grade"]) == (
        "trade",
        "main",
        None,
    )
    assert difference["passage"] == EXPORT


def test_a_person_reads_who_says_what_with_cuts_and_passage(
    newsroom: Newsroom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = archive(tmp_path / "archive.jsonl", OIL, EXPORT)

    assert newsroom.diff(path) == 0

    said = capsys.readouterr().out
    assert "1 of 2 articles differ" in said
    assert "main from 0.60" in said and "main from 1.00" in said
    assert f"“{EXPORT}”" in said


def test_without_a_path_the_held_out_and_the_newest_of_what_came_in_are_compared(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.comparing.NEWEST", 1)
    done = newsroom.home / "done" / "2026" / "03" / "05"
    done.mkdir(parents=True)
    for number, name in enumerate(("old.txt", "new.txt")):
        (done / name).write_text(EXPORT, encoding="utf-8")
        os.utime(done / name, (1000 + number, 1000 + number))

    assert newsroom.diff("--json", "--most", "1000") == 0

    summary, *articles = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    files = {Path(article["file"]).name for article in articles}
    assert summary["articles"] > 100
    assert "new.txt" in files and "old.txt" not in files


def test_a_version_that_is_not_there_is_named(newsroom: Newsroom, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "diff", newsroom.before, "nowhere", "--home", str(newsroom.home)]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_where_there_is_no_article_that_is_said(
    newsroom: Newsroom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert newsroom.diff(archive(tmp_path / "broken.jsonl", "")) == 1
    assert "no article to compare" in capsys.readouterr().err
