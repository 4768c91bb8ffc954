"""Making a model: what was trained is kept as a candidate, and serves only if it is not the worse one.

Trained for real, from three of the shipped topics in English.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classifier import gate, history, insisting, making, storage
from classifier.articles import Article, Grade
from classifier.defaults import shipped
from classifier.errors import LabelError
from classifier.folds import read_folds
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
    """The shipped labels of three topics in English."""
    (folder / "seeds").mkdir(parents=True)
    (folder / "labels").mkdir()
    tables = re.split(r"(?m)^(?=\[)", (shipped("labels") / "topics.toml").read_text(encoding="utf-8"))
    kept = [table for table in tables if table.startswith(tuple(f"[{topic}]" for topic in TOPICS))]
    (folder / "labels" / "topics.toml").write_text("".join(kept), encoding="utf-8")
    for language in ("en",):
        for name in (*TOPICS, "nothing"):
            sheet = folder / "labels" / "examples" / language / f"{name}.tsv"
            sheet.parent.mkdir(parents=True, exist_ok=True)
            given = _rows(shipped("labels") / "examples" / language / sheet.name)[:160]
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_topic_that_only_its_terms_still_speak_for_is_refused(newsroom: Newsroom) -> None:
    served = Served(newsroom)
    newsroom.relabel(_without_energy)

    made = newsroom.make()

    assert failing(made) == ["labels"]
    assert "main articles are still labelled so: energy 0 of " in reasons(made)
    served.assert_unchanged()


@pytest.mark.slow
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

    assert failing(made) == ["labels", "folds"]
    assert "0 of 400 as energy" in reasons(made)
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


@pytest.mark.parametrize("rounds", [0, 2])
def test_what_a_desk_called_right_outweighs_some_labels_of_the_contrary_once_it_is_insisted_on(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, rounds: int
) -> None:
    monkeypatch.setattr(insisting, "ROUNDS", rounds)
    newsroom.calls_right(REACTOR.format(n=999), "energy")
    newsroom.learn([f"-\t{REACTOR.format(n=n)}" for n in range(20)])

    made = newsroom.make()

    assert failing(made) == ([] if rounds else ["marked right"])


def test_a_model_that_was_insisted_on_is_known_again_by_its_labels(newsroom: Newsroom) -> None:
    newsroom.calls_right(REACTOR.format(n=999), "energy")
    newsroom.learn([f"-\t{REACTOR.format(n=n)}" for n in range(20)])
    made = newsroom.make()

    history.use_model(newsroom.models, made.version, because="passed the gate")

    assert not newsroom.make(if_changed=True).trained
    assert newsroom.make().version == made.version


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_an_honest_retraining_passes_with_a_twentieth_of_the_labels_less_and_with_it_again(
    newsroom: Newsroom, seed: int
) -> None:
    given = {sheet: sheet.read_text(encoding="utf-8") for sheet in newsroom.sheets}
    generator = random.Random(seed)
    for sheet, text in given.items():
        lines = [line for line in text.splitlines(keepends=True) if generator.random() > 0.05]
        sheet.write_text("".join(lines), encoding="utf-8")
    fewer = newsroom.make()
    for sheet, text in given.items():
        sheet.write_text(text, encoding="utf-8")
    newsroom.learn([f"energy\t{REFINERY}"])
    history.use_model(newsroom.models, fewer.version, because="asked for")

    more = newsroom.make()

    assert failing(fewer) == []
    assert (failing(more), more.before) == ([], fewer.version)


def test_an_archive_of_ones_own_is_not_held_against_the_model_of_the_labels(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    rows = [{"text": text, "main": ["sport"]} for text in SPORT]
    rows += [{"text": f"{REFINERY} Block {n}.", "main": ["industry"]} for n in range(30)]
    archive = tmp_path / "archive.jsonl"
    archive.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    made = newsroom.make(examples=archive)

    assert failing(made) == []
    assert made.gate is not None
    assert [f.said for f in made.gate.findings if f.check == "topics"] == [
        f"made from examples, and {made.before} from labels: not compared"
    ]


def test_a_model_of_examples_stays_where_the_labels_shall_not_replace_it(
    newsroom: Newsroom, tmp_path: Path
) -> None:
    archive = tmp_path / "archive.jsonl"
    rows = [{"text": text, "main": ["sport"]} for text in SPORT]
    rows += [{"text": f"{REFINERY} Block {n}.", "main": ["industry"]} for n in range(30)]
    archive.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    made = newsroom.make(examples=archive)
    history.use_model(newsroom.models, made.version, because="trained")

    kept = newsroom.make(over_examples=False)

    assert (kept.trained, kept.version) == (False, made.version)
    assert "from examples" in kept.note


def test_a_model_of_before_the_gate_is_made_anew_with_its_folds(newsroom: Newsroom) -> None:
    first = storage.current(newsroom.models)
    assert first is not None
    card = storage.card(newsroom.models, first)
    kept = storage.save(
        storage.load(newsroom.models), newsroom.models, probes=[REFINERY], made_by=dict(card["made_by"])
    ).version
    storage.use(newsroom.models, kept)
    shutil.rmtree(newsroom.models / first)
    (newsroom.models / "history.jsonl").unlink()

    made = newsroom.make(if_changed=True)

    assert (made.trained, made.before) == (True, kept)
    assert read_folds(newsroom.models, made.version) is not None


def test_a_model_of_before_the_gate_is_compared_on_what_there_is(newsroom: Newsroom) -> None:
    """Its folds are not kept: the held-out articles alone can tell."""
    first = storage.load(newsroom.models)
    kept = storage.save(first, newsroom.models, probes=[REFINERY], made_by={"from": "labels"}).version
    history.use_model(newsroom.models, kept, because="as it was")
    newsroom.hold_out(["energy"], [REACTOR.format(n=n) for n in range(100, 140)])
    newsroom.learn([f"-\t{REACTOR.format(n=n)}" for n in range(60)])

    made = newsroom.make()

    assert failing(made) == ["held-out"]
    assert made.gate is not None
    assert f"{kept} has no folds to compare on" in [finding.said for finding in made.gate.findings]


def test_the_same_labels_give_the_same_version_to_the_byte(newsroom: Newsroom, tmp_path: Path) -> None:
    first = Served(newsroom)
    shutil.rmtree(newsroom.models)

    again = newsroom.make()

    found = content(newsroom.models / again.version)
    for name in ("weights.npy", "model.json", "folds.json", "MANIFEST.json"):
        assert found[name] == first.content[name], name


def test_folds_that_were_damaged_are_told_and_the_rest_is_compared(newsroom: Newsroom) -> None:
    served = storage.current(newsroom.models)
    assert served is not None
    (newsroom.models / served / "folds.json").write_text("{}")
    newsroom.hold_out(["energy"], [REACTOR.format(n=n) for n in range(100, 140)])
    newsroom.learn([f"-\t{REACTOR.format(n=n)}" for n in range(60)])

    made = newsroom.make()

    assert failing(made) == ["held-out"]
    assert made.gate is not None
    assert [f for f in made.gate.findings if f.check == "folds" and "folds.json: damaged" in f.said]


def test_a_served_model_that_cannot_be_read_makes_room_for_one_that_can(newsroom: Newsroom) -> None:
    served = storage.current(newsroom.models)
    assert served is not None
    os.truncate(newsroom.models / served / "weights.npy", 100)
    newsroom.learn([f"energy\t{REFINERY}"])

    made = newsroom.make()
    history.use_model(newsroom.models, made.version, because="retrained")

    assert storage.load(newsroom.models).version == made.version != served


@pytest.mark.slow
def test_a_training_that_is_killed_leaves_a_model_that_serves(newsroom: Newsroom) -> None:
    """A real process, killed while it writes the candidate, and while the gate looks at it."""
    options = ["--labels", newsroom.labels, "--seeds", newsroom.folder / "seeds", "--home", newsroom.home]
    command = [sys.executable, "-m", "classifier.cli", "train", "--json", *map(str, options)]
    newsroom.learn([f"energy\t{REFINERY}"])
    before = storage.current(newsroom.models)

    def watched(seen: Callable[[], bool]) -> None:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while child.poll() is None and not seen():
            time.sleep(0.001)
        child.kill()
        child.wait()

    def there(pattern: str) -> Callable[[], bool]:
        return lambda: any(newsroom.models.glob(pattern))

    for seen in (there(".2*"), there(".2*/model.json"), lambda: _versions(newsroom) == 2):
        watched(seen)
        # On a busy machine we may see it late, and the change may be done.
        assert storage.load(newsroom.models).version == storage.current(newsroom.models)
    done = subprocess.run(command, check=True, capture_output=True)

    assert json.loads(done.stdout)["served"] is True
    assert storage.load(newsroom.models).version == json.loads(done.stdout)["version"] != before
    assert {path.name for path in newsroom.models.glob(".*")} <= {".lock", ".serving.lock"}


def _versions(newsroom: Newsroom) -> int:
    return len(storage.versions(newsroom.models))
