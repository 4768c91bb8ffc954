"""Making a model: what was trained is kept as a candidate, and serves only if it is not the worse one.

Trained for real, from three of the shipped topics in two languages.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classifier import gate, history, making, storage
from classifier.articles import Article, Grade
from classifier.defaults import shipped
from classifier.errors import LabelError
from classifier.making import Made

TOPICS = ("energy", "health", "trade")
REFINERY = "The refinery in Pavlodar restarted its crude unit, and petrol output is back to normal."
REACTOR = (
    "Engineers loaded fuel into the second reactor of block {n}, and the turbine hall was inspected twice."
)
FOOTBALL = "Striker number {n} scored {m} goals as the visitors won the derby in front of {k} thousand fans."

SPORT = (
    "The visitors won the derby with two goals from a striker who had not scored since March.",
    "Forty thousand fans saw the champions draw the last match of the season.",
    "A striker signed for three years, and the club will not say what it paid.",
    "The goals came late, and the fans of the visitors sang until the lights went out.",
    "The derby was stopped for ten minutes because fans had run onto the pitch.",
    "The coach left out his striker, who has scored nine goals, to general surprise.",
    "Visitors from the second division won in front of a thousand fans.",
    "The club has sold its best striker, and fans wait in vain for another.",
    "Goals in the first and the last minute decided the derby of the two capitals.",
    "Number nine scored for the visitors and was carried off the pitch by fans.",
    "The visitors scored twice in front of the fans of the other side.",
    "No goals in the derby: the striker hit the post and the fans went home early.",
)


@dataclass(frozen=True)
class Newsroom:
    """A folder with labels of its own and a home with the model of these."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def labels(self) -> Path:
        return self.folder / "labels"

    @property
    def sheets(self) -> list[Path]:
        return sorted(self.labels.glob("examples/*/*.tsv"))

    def make(self, **options: Any) -> Made:
        return making.make_model(self.home, seeds=self.folder / "seeds", labels=self.labels, **options)

    @property
    def tables(self) -> dict[str, str]:
        """The table of each topic, as it stands in topics.toml."""
        text = (self.labels / "topics.toml").read_text(encoding="utf-8")
        tables = [table for table in re.split(r"(?m)^(?=\[)", text) if table.strip()]
        return {table[1 : table.index("]")]: table for table in tables}

    def write_topics(self, changed: dict[str, str]) -> None:
        """Other tables for some of the topics."""
        text = "".join({**self.tables, **changed}.values())
        (self.labels / "topics.toml").write_text(text, encoding="utf-8")

    def learn(self, rows: Iterable[str], name: str = "own.tsv") -> None:
        """One more sheet in HOME/labels."""
        path = self.home / "labels" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")

    def relabel(self, change: Callable[[list[str]], list[str]]) -> None:
        """Other topics for all rows of all sheets: given the topics in order, returns them."""
        rows = [row.partition("\t") for sheet in self.sheets for row in _rows(sheet)]
        changed = iter(change([left for left, _, _ in rows]))
        for sheet in self.sheets:
            texts = [row.partition("\t")[2] for row in _rows(sheet)]
            sheet.write_text("".join(f"{next(changed)}\t{text}\n" for text in texts), encoding="utf-8")

    def hold_out(self, main: list[str], texts: Iterable[str]) -> None:
        path = self.home / "held-out" / "desk.jsonl"
        path.parent.mkdir(exist_ok=True)
        lines = (json.dumps({"text": text, "main": main}) for text in texts)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def calls_right(self, text: str, topic: str) -> None:
        """A desk's verdict, as the daemon writes it."""
        at = "2026-03-05T12:00:00+00:00"
        said = {"topic": topic, "verdict": "right", "by": "ana", "at": at, "weight": 1.0}
        row = {"id": "17", "title": text, "text": text, "lang": "en", "verdicts": [said], "evidence": {}}
        path = self.home / "labels" / "verdicts.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(row) + "\n", encoding="utf-8")


def _rows(sheet: Path) -> list[str]:
    lines = sheet.read_text(encoding="utf-8").split("\n")
    return [line for line in lines if line.strip() and not line.startswith("# ")]


def write_newsroom(folder: Path) -> Newsroom:
    """The shipped labels of three topics in English and Russian."""
    (folder / "seeds").mkdir(parents=True)
    (folder / "labels").mkdir()
    tables = re.split(r"(?m)^(?=\[)", (shipped("labels") / "topics.toml").read_text(encoding="utf-8"))
    kept = [table for table in tables if table.startswith(tuple(f"[{topic}]" for topic in TOPICS))]
    (folder / "labels" / "topics.toml").write_text("".join(kept), encoding="utf-8")
    for language in ("en", "ru"):
        for name in (*TOPICS, "nothing"):
            sheet = folder / "labels" / "examples" / language / f"{name}.tsv"
            sheet.parent.mkdir(parents=True, exist_ok=True)
            given = _rows(shipped("labels") / "examples" / language / sheet.name)[:120]
            sheet.write_text("".join(f"{_known(row)}\n" for row in given), encoding="utf-8")
    sport = "".join(f"-\t{text}\n" for text in SPORT)
    (folder / "labels" / "examples" / "en" / "sport.tsv").write_text(sport, encoding="utf-8")
    return Newsroom(folder)


def _known(row: str) -> str:
    left, _, text = row.partition("\t")
    return f"{', '.join(topic for topic in left.split(', ') if topic in TOPICS) or '-'}\t{text}"


@pytest.fixture(scope="module", autouse=True)
def _in_this_process() -> Iterable[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")  # to start others takes longer than such a training
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Newsroom:
    """Tests only read it."""
    newsroom = write_newsroom(tmp_path_factory.mktemp("newsroom") / "own")
    made = newsroom.make()
    history.use_model(newsroom.models, made.version, because="first")
    return newsroom


@pytest.fixture
def newsroom(trained: Newsroom, tmp_path: Path) -> Newsroom:
    return Newsroom(shutil.copytree(trained.folder, tmp_path / "own"))


def failing(made: Made) -> list[str]:
    """The checks that refused it, each once."""
    assert made.gate is not None
    return list(dict.fromkeys(finding.check for finding in made.gate.findings if not finding.passed))


def reasons(made: Made) -> str:
    assert made.gate is not None
    return "\n".join(made.gate.reasons)


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


class Served:
    """What serves, as it was; and that it does still, byte for byte."""

    def __init__(self, newsroom: Newsroom) -> None:
        self.models = newsroom.models
        self.version = storage.current(self.models)
        assert self.version is not None
        self.content = content(self.models / self.version)

    def assert_unchanged(self) -> None:
        assert self.version is not None
        assert storage.current(self.models) == self.version
        assert content(self.models / self.version) == self.content
        assert storage.load(self.models).version == self.version


def test_the_first_model_has_nothing_to_be_compared_with(trained: Newsroom) -> None:
    version = storage.current(trained.models)
    assert version is not None

    gate = history.gate_of(trained.models, version)

    assert gate is not None
    assert gate.against is None
    assert [(finding.check, finding.passed) for finding in gate.findings] == [
        ("manifest", True),
        ("probes", True),
    ]


def test_a_label_more_makes_a_candidate_that_passes_and_serves_when_it_is_used(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.learn([f"energy\t{REFINERY}"])

    made = newsroom.make()

    assert (made.trained, made.before, failing(made)) == (True, served.version, [])
    served.assert_unchanged()
    assert made.gate is not None
    assert {finding.check for finding in made.gate.findings} >= {"topics", "labels", "folds"}
    history.use_model(newsroom.models, made.version, because="asked for")
    assert storage.current(newsroom.models) == made.version
    assert history.previous(newsroom.models) == served.version


def test_shuffled_labels_are_refused(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.relabel(lambda topics: random.Random(3).sample(topics, len(topics)))

    made = newsroom.make()

    assert failing(made) != []
    served.assert_unchanged()
    assert made.version in storage.versions(newsroom.models)


def test_shuffled_labels_are_refused_where_only_held_out_articles_can_tell(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.hold_out(["energy"], [REFINERY.replace("Pavlodar", f"town {n}") for n in range(12)])
    newsroom.relabel(lambda topics: random.Random(3).sample(topics, len(topics)))
    monkeypatch.setattr(gate, "labels", lambda shared: [])

    assert "held-out" in failing(newsroom.make())


def test_a_topic_that_nothing_speaks_for_any_more_is_refused_before_it_is_trained(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.relabel(_without_energy)
    newsroom.write_topics({"energy": '[energy]\ntitle = "Energy"\ncovers = "oil"\n\n'})

    with pytest.raises(LabelError, match="topic 'energy' is in no labelled text"):
        newsroom.make()
    served.assert_unchanged()


def _without_energy(topics: list[str]) -> list[str]:
    return [", ".join(t for t in left.split(", ") if t != "energy") or "-" for left in topics]


def test_a_topic_that_only_its_terms_still_speak_for_is_refused(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.relabel(_without_energy)

    made = newsroom.make()

    assert failing(made) == ["labels"]
    assert "main articles of energy only 0 are still labelled so" in reasons(made)
    served.assert_unchanged()


def test_a_topic_that_was_taken_out_is_refused_and_one_that_was_retired_is_not(newsroom: Newsroom) -> None:
    newsroom.write_topics({"energy": newsroom.tables["energy"].replace("]\n", "]\nretired = true\n", 1)})
    retired = newsroom.make()
    newsroom.write_topics({"energy": ""})
    newsroom.relabel(_without_energy)

    taken_out = newsroom.make()

    assert failing(retired) == []
    assert "topics" in failing(taken_out)
    assert "no longer knows energy" in reasons(taken_out)


def test_the_same_line_ten_thousand_times_is_refused_in_a_few_lines(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.learn([f"energy\t{FOOTBALL.format(n=1, m=2, k=3)}"] * 10_000)

    with pytest.raises(LabelError) as refused:
        newsroom.make()

    assert len(refused.value.problems) < 100
    assert "own.tsv:2" in refused.value.problems[0]
    served.assert_unchanged()


def test_a_sheet_that_calls_football_energy_is_refused(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.learn(poison(400))

    made = newsroom.make()

    assert failing(made) == ["folds"]
    served.assert_unchanged()


@pytest.mark.slow
def test_ten_thousand_lines_that_call_football_energy_are_refused(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.learn(poison(10_000))

    assert "folds" in failing(newsroom.make())
    served.assert_unchanged()


def poison(lines: int) -> list[str]:
    return [f"energy\t{FOOTBALL.format(n=n, m=n % 7, k=n % 40)}" for n in range(lines)]


def test_a_candidate_that_unlearned_what_is_held_out_is_refused(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.hold_out(["energy"], [REACTOR.format(n=n) for n in range(100, 140)])
    newsroom.learn([f"-\t{REACTOR.format(n=n)}" for n in range(60)])

    made = newsroom.make()

    assert failing(made) == ["held-out"]
    assert "of desk.jsonl" in reasons(made)
    served.assert_unchanged()


def test_a_candidate_that_loses_an_article_that_a_desk_called_right_is_refused_and_names_it(
    newsroom: Newsroom,
) -> None:
    served = Served(newsroom)
    assert storage.load(newsroom.models).tag(Article(REACTOR.format(n=999))).topics(Grade.MAIN) == ["energy"]
    newsroom.calls_right(REACTOR.format(n=999), "energy")
    newsroom.learn([f"-\t{REACTOR.format(n=n)}" for n in range(60)])

    made = newsroom.make()

    assert failing(made) == ["marked right"]
    assert REACTOR.format(n=999)[:60] in reasons(made)
    served.assert_unchanged()
