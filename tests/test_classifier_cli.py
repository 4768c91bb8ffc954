"""The command `classifier`, called as a shell would: what it prints, and how it fails."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from classifier.articles import Article
from classifier.cli import main
from classifier.storage import current, save, use, versions
from tests.builders import (
    ENERGY_ARTICLE,
    ENERGY_EXAMPLES,
    NOON,
    NOTHING_EXAMPLES,
    QUIET_ARTICLE,
    TRADE_EXAMPLES,
    small_model,
    write_labels,
)

TOPICS = {
    "logistics",
    "energy",
    "education",
    "constitutional-reform",
    "trade",
    "agriculture",
    "digital",
    "health",
    "environment",
    "minerals",
    "migration",
    "space",
}
KEYS = ["id", "file", "title", "language", "main", "mention", "scores", "evidence", "model"]

ENGLISH = (
    "Observatory satellite reaches orbit\n"
    "A rocket launched from the spaceport on Tuesday placed an Earth observation satellite in orbit,"
    " the space agency said.\n"
    "The spacecraft will photograph glaciers for five years.\n"
)
RUSSIAN = (
    "В университете открыли новый корпус\n"
    "Университет принял первых студентов в новый учебный корпус, а число образовательных грантов"
    " для абитуриентов вырастет до тысячи, сообщили в министерстве науки и высшего образования.\n"
    "Преподаватели и студенты пройдут стажировки в вузах-партнёрах.\n"
)
KAZAKH = (
    "Ауруханада жаңа бөлімше ашылды\n"
    "Облыстық ауруханада балаларға арналған жаңа бөлімше ашылды, дәрігерлер жүрек ауруларын емдейді,"
    " деп хабарлады Денсаулық сақтау министрлігі.\n"
    "Келесі айда балаларға қызылшаға қарсы вакцина егу басталады.\n"
)
ARABIC = (
    "موسم وفير للقمح\n"
    "قالت وزارة الزراعة إن محصول القمح ارتفع بمقدار الخمس هذا العام بفضل الأمطار، وإن المزارعين"
    " سيتسلمون البذور والأسمدة قبل موسم الزراعة المقبل.\n"
    "وأضافت الوزارة أن أعداد الماشية ارتفعت أيضا.\n"
)
SPOKEN = {
    "en": (ENGLISH, "space"),
    "ru": (RUSSIAN, "education"),
    "kk": (KAZAKH, "health"),
    "ar": (ARABIC, "agriculture"),
}


@dataclass(frozen=True)
class Done:
    """What a call of the command left behind."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaints(self) -> list[str]:
        """The lines of a failure, one a problem: nothing else was printed, and no traceback."""
        # The progress bar ends with an empty line.
        lines = [line for line in self.err.splitlines() if line.strip()]
        assert self.code == 1
        assert self.out == ""
        assert all(line.startswith("classifier: ") for line in lines)
        return [line.removeprefix("classifier: ") for line in lines]

    @property
    def complaint(self) -> str:
        (line,) = self.complaints
        return line


class Shell:
    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.capsys = capsys

    def __call__(self, *arguments: str | Path) -> Done:
        self.capsys.readouterr()
        code = main([*map(str, arguments), "--home", str(self.home)])
        captured = self.capsys.readouterr()
        return Done(code, captured.out, captured.err)


@pytest.fixture
def classifier(trained_home: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The command with the model of the shipped labels."""
    return Shell(trained_home, capsys)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with labels for two topics, no seeds, and a home with their model. Copy it to change it."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "seeds").mkdir()
    write_labels(folder / "labels")
    options = ["--labels", str(folder / "labels"), "--seeds", str(folder / "seeds")]
    assert main(["train", "--home", str(folder / "home"), "--json", *options]) == 0
    return folder


@pytest.fixture
def own_desk(desk: Path, tmp_path: Path) -> Path:
    """A desk of the test's own."""
    return shutil.copytree(desk, tmp_path / "desk")


@pytest.fixture
def own(own_desk: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """The command with that desk's home."""
    return Shell(own_desk / "home", capsys)


def of(desk: Path) -> list[str]:
    return ["--labels", str(desk / "labels"), "--seeds", str(desk / "seeds")]


@pytest.mark.parametrize("language", SPOKEN)
def test_tags_have_exactly_the_keys_that_callers_rely_on(
    classifier: Shell, tmp_path: Path, language: str
) -> None:
    text, topic = SPOKEN[language]
    path = tmp_path / f"{language}.txt"
    path.write_text(text, encoding="utf-8")

    done = classifier("tag", path, "--json")

    (row,) = done.rows
    assert (done.code, done.err) == (0, "")
    assert list(row) == KEYS
    assert row["id"] == Article(text).fingerprint[:16]
    assert row["file"] == str(path)
    assert row["title"] == text.split("\n", 1)[0]
    assert row["language"] == language
    assert topic in row["main"]
    assert not set(row["main"]) & set(row["mention"])
    assert set(row["scores"]) == TOPICS
    assert all(0.0 <= score <= 1.0 for score in row["scores"].values())
    assert max(row["scores"], key=row["scores"].__getitem__) == topic
    assert set(row["evidence"]) == {*row["main"], *row["mention"]}
    for evidence in row["evidence"].values():
        for quoted in evidence:
            assert list(quoted) == ["passage", "start", "end", "score", "words"]
            assert text.strip()[quoted["start"] : quoted["end"]] == quoted["passage"]
            assert all(word in quoted["passage"] and value > 0 for word, value in quoted["words"])
    assert row["model"] == current(classifier.home / "models")


def test_letters_are_printed_as_themselves(classifier: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(KAZAKH, encoding="utf-8")

    assert "Ауруханада жаңа бөлімше" in classifier("tag", tmp_path / "a.txt", "--json").out


def test_an_article_about_nothing_we_follow_has_no_topics(classifier: Shell, tmp_path: Path) -> None:
    (tmp_path / "derby.txt").write_text(QUIET_ARTICLE, encoding="utf-8")

    (row,) = classifier("tag", tmp_path / "derby.txt", "--json").rows
    told = classifier("tag", tmp_path / "derby.txt").out

    assert (row["main"], row["mention"], row["evidence"]) == ([], [], {})
    assert "Striker signs for rivals" in told
    assert "about none of the topics we follow" in told


def test_people_read_topic_grade_and_the_passage_that_says_so(classifier: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")

    done = classifier("tag", tmp_path / "a.txt")

    assert done.code == 0
    assert "Refinery in Atyrau restarts crude unit" in done.out
    assert "Energy  main" in done.out
    assert "“The oil refinery in Atyrau resumed processing crude oil" in done.out


def test_a_folder_is_every_text_in_it_in_order(classifier: Shell, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "b.txt").write_text(ENGLISH, encoding="utf-8")
    (tmp_path / "a.md").write_text(f"# A\n\n{ENERGY_ARTICLE}", encoding="utf-8")
    (tmp_path / "inner" / "c").write_text(RUSSIAN, encoding="utf-8")
    (tmp_path / "inner" / "d.jsonl").write_text('{"text": "Oil rose.", "id": "d"}\n', encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n")

    done = classifier("tag", tmp_path, "--json")

    assert [Path(row["file"]).name for row in done.rows] == ["a.md", "b.txt", "c", "d.jsonl"]
    assert (done.code, done.err) == (0, "")


def test_a_digest_prints_one_object_an_article(classifier: Shell, tmp_path: Path) -> None:
    text = f"05.03.2026, 15:20 4496\n{ENERGY_ARTICLE}\n04.03.2026, 10:00 12\n{ENGLISH}"
    (tmp_path / "digest.txt").write_text(text, encoding="utf-8")

    rows = classifier("tag", tmp_path / "digest.txt", "--json").rows

    assert [row["title"] for row in rows] == [
        "Refinery in Atyrau restarts crude unit",
        "Observatory satellite reaches orbit",
    ]
    assert [max(row["scores"], key=row["scores"].get) for row in rows] == ["energy", "space"]


def test_each_line_of_json_lines_keeps_its_id_and_its_place(classifier: Shell, tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    given = [
        {"id": "z-1", "text": ENGLISH},
        {"text": ARABIC},
        {"id": 17, "title": "Derby", "text": QUIET_ARTICLE, "lang": "en"},
    ]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in given), encoding="utf-8")

    rows = classifier("tag", path, "--json").rows

    assert [row["id"] for row in rows] == ["z-1", Article(ARABIC).fingerprint[:16], "17"]
    assert [row["language"] for row in rows] == ["en", "ar", "en"]
    assert {row["file"] for row in rows} == {str(path)}


def test_an_article_comes_from_standard_input(classifier: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RUSSIAN.encode("cp1251"))))

    (row,) = classifier("tag", "-", "--json").rows

    assert row["file"] == "-"
    assert row["title"] == "В университете открыли новый корпус"
    assert "education" in row["main"]


def test_an_empty_standard_input_is_one_clear_line(
    classifier: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))

    assert classifier("tag", "-").complaint.startswith("-: empty; ")


@pytest.mark.parametrize("name", ["nofile.txt", "nofile.jsonl", "no/folder"])
def test_a_file_that_is_not_there_is_one_clear_line(classifier: Shell, tmp_path: Path, name: str) -> None:
    complaint = classifier("tag", tmp_path / name, "--json").complaint

    assert complaint.startswith(f"{tmp_path / name}: ")
    assert "No such file or directory" in complaint


def test_a_bad_file_costs_none_of_the_others(classifier: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "b.txt").write_text(ENGLISH, encoding="utf-8")
    (tmp_path / "c.txt").touch()
    (tmp_path / "d.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "e.txt").write_text(ENERGY_ARTICLE, encoding="utf-8")

    done = classifier("tag", tmp_path, tmp_path / "gone.txt", tmp_path / "e.txt", "--json")

    assert done.code == 1
    assert [Path(row["file"]).name for row in done.rows] == ["b.txt", "e.txt", "e.txt"]
    assert [line.split(": ")[1] for line in done.err.splitlines()] == [
        str(tmp_path / name) for name in ("a.txt", "c.txt", "d.txt", "gone.txt")
    ]
    assert "not text but a picture; save" in done.err


def test_a_bad_line_of_json_lines_is_named(classifier: Shell, tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text('{"id": 1, "text": "Oil rose."}\n{"id": 2}\n', encoding="utf-8")

    done = classifier("tag", path, "--json")

    assert done.code == 1
    assert done.rows[0]["id"] == "1"
    assert f'{path}:2: no "text" in it' in done.err
    assert len(done.err.splitlines()) == 1


def test_a_home_without_a_model_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = Shell(tmp_path / "nowhere", capsys)

    for call in (("tag", "-"), ("explain", "a.txt"), ("evaluate",)):
        assert classifier(*call).complaint.endswith("no model yet; make one with `classifier train`")


def test_serving_loads_neither_scikit_learn_nor_scipy(trained_home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ENGLISH, encoding="utf-8")
    code = (
        "import sys; from classifier.cli import main; code = main(sys.argv[1:]);"
        " print(sorted({'sklearn', 'scipy', 'joblib'} & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "tag", str(tmp_path / "a.txt"), "--json", "--home", str(trained_home)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "space" in json.loads(done.stdout)["main"]
    assert done.stderr == "[]\n"


def test_an_explanation_adds_up_to_what_the_tag_says(classifier: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(ENERGY_ARTICLE, encoding="utf-8")

    (tagged,) = classifier("tag", path, "--json").rows
    (row,) = classifier("explain", path, "--json").rows

    assert row["id"] == tagged["id"]
    assert {topic["topic"] for topic in row["topics"]} == {*tagged["main"], *tagged["mention"]}
    for topic in row["topics"]:
        assert round(topic["probability"], 4) == tagged["scores"][topic["topic"]]
        for passage in topic["passages"]:
            told = sum(value for _, value in passage["words"]) + topic["intercept"]
            assert told == pytest.approx(passage["score"], abs=1e-9)


def test_a_topic_that_was_not_said_is_explained_when_asked_for(classifier: Shell, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(ENERGY_ARTICLE, encoding="utf-8")

    (row,) = classifier("explain", path, "--topic", "space", "--json").rows
    told = classifier("explain", path, "--topic", "space").out

    assert [(topic["topic"], topic["grade"]) for topic in row["topics"]] == [("space", None)]
    assert "not said" in told
    assert "against" in told


def test_an_article_about_nothing_is_explained_by_its_likeliest_topic(
    classifier: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "derby.txt"
    path.write_text(QUIET_ARTICLE, encoding="utf-8")

    (tagged,) = classifier("tag", path, "--json").rows
    (row,) = classifier("explain", path, "--json").rows

    assert [topic["topic"] for topic in row["topics"]] == [max(tagged["scores"], key=tagged["scores"].get)]


def test_an_unknown_topic_is_named_beside_those_there_are(classifier: Shell, tmp_path: Path) -> None:
    complaint = classifier("explain", tmp_path / "a.txt", "--topic", "sport").complaint

    assert complaint.startswith("no topic 'sport'; there are logistics, energy, ")


def test_evaluate_prints_figures_for_all_languages_and_topics(classifier: Shell, tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    rows = [{"text": text, "main": [topic], "mention": []} for text, topic in SPOKEN.values()]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")

    (figures,) = classifier("evaluate", "--examples", path, "--json").rows
    table = classifier("evaluate", "--examples", path).out

    assert figures["file"] == path.name
    assert figures["model"] == current(classifier.home / "models")
    assert figures["all"]["articles"] == 4
    assert figures["all"]["recall"] == 1.0
    assert set(figures["languages"]) == set(SPOKEN)
    assert set(figures["topics"]) == TOPICS
    assert "agriculture" in table


def test_bad_examples_are_each_one_line(classifier: Shell, tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text('{"text": ""}\n{"text": "Oil", "main": "energy"}\n', encoding="utf-8")

    assert classifier("evaluate", "--examples", path).complaints == [
        f'{path}:1: "text" should be a text',
        f'{path}:2: "main" should be a list of topics',
    ]


def test_examples_of_a_topic_that_the_model_does_not_know_are_refused(
    classifier: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text('{"text": "Oil rose.", "main": ["enrgy"]}\n', encoding="utf-8")

    assert classifier("evaluate", "--examples", path).complaint.endswith("knows no topic 'enrgy'")


def test_the_shipped_labels_are_checked_and_sound(classifier: Shell) -> None:
    (row,) = classifier("check", "--quick", "--json").rows
    told = classifier("check", "--quick", "--at-least", "100000")

    assert row["topics"] == 12
    assert row["few_labels"] == []
    assert row["doubtful"] == []
    assert row["about_nothing"] > 1_000
    assert told.code == 0
    assert "few labels: energy: " in told.out
    assert told.out.splitlines()[-1].startswith("ok: 12 topics, ")


def test_a_label_that_the_others_contradict_is_pointed_at(own: Shell, own_desk: Path) -> None:
    sheet = own_desk / "labels" / "examples" / "en" / "odd.tsv"
    sheet.write_text(
        "trade\tCrude oil from the offshore oil field and gas fed the power plant.\n", encoding="utf-8"
    )

    (row,) = own("check", "--most", "2", "--json", *of(own_desk)).rows

    assert f"{sheet}:1" in {doubt["where"] for doubt in row["doubtful"]}
    assert len(row["doubtful"]) == 2


def test_every_problem_of_bad_labels_is_a_line_and_the_served_model_stays(own: Shell, own_desk: Path) -> None:
    sheet = own_desk / "labels" / "examples" / "en" / "energy.tsv"
    sheet.write_text("enrgy\tOil rose.\nno tab\n", encoding="utf-8")
    served = current(own.home / "models")

    for command in (["check"], ["train"], ["evaluate", "--folds"]):
        assert sorted(own(*command, *of(own_desk)).complaints) == [
            f"{sheet}:1: no topic 'enrgy' in topics.toml",
            f"{sheet}:2: should be topics, one tab, text",
        ]
    assert current(own.home / "models") == served
    assert versions(own.home / "models") == [served]


def test_labels_that_are_not_there_are_one_clear_line(own: Shell, tmp_path: Path) -> None:
    complaint = own("check", "--labels", tmp_path / "nowhere").complaint

    assert str(tmp_path / "nowhere" / "topics.toml") in complaint
    assert "No such file" in complaint


def test_labels_too_few_to_learn_from_are_one_clear_line(own: Shell, own_desk: Path) -> None:
    (own_desk / "labels" / "examples" / "en" / "nothing.tsv").unlink()

    assert own("train", *of(own_desk)).complaint.startswith("labels: too few to learn from: ")


def test_a_topic_without_labels_is_named(own: Shell, own_desk: Path) -> None:
    topics = own_desk / "labels" / "topics.toml"
    with topics.open("a", encoding="utf-8") as file:
        file.write('\n[space]\ntitle = "Space"\ncovers = "rockets"\n')

    assert own("train", *of(own_desk)).complaint == "labels: topic 'space' is in no labelled text"


def test_training_only_if_a_label_has_changed(own: Shell, own_desk: Path) -> None:
    first = current(own.home / "models")

    (unchanged,) = own("train", "--if-changed", "--json", *of(own_desk)).rows
    (own.home / "labels").mkdir()
    (own.home / "labels" / "desk.tsv").write_text(
        "energy\tThe wind farm fed its first power into the grid.\n", encoding="utf-8"
    )
    done = own("train", "--if-changed", "--json", *of(own_desk))

    assert unchanged == {"version": first, "trained": False}
    (changed,) = done.rows
    assert done.code == 0
    assert changed["trained"] is True
    assert changed["version"] == current(own.home / "models") != first
    assert changed["quality"]["topics"]["energy"]["positives"] == 9
    assert changed["few_labels"] == ["energy", "trade"]


def test_training_without_terms_is_another_model_and_says_how_good_it_is(own: Shell, own_desk: Path) -> None:
    first = current(own.home / "models")

    done = own("train", "--no-terms", "--if-changed", *of(own_desk))

    assert done.code == 0
    assert "Quality on folds that keep an article together" in done.out
    assert "few labels: energy has under 10 main articles" in done.out
    assert done.out.splitlines()[-1] == f"serving {current(own.home / 'models')} from {own.home / 'models'}"
    assert current(own.home / "models") != first


def test_the_same_labels_trained_again_are_the_same_version(own: Shell, own_desk: Path) -> None:
    first = current(own.home / "models")

    (row,) = own("train", "--json", *of(own_desk)).rows

    assert (row["version"], row["trained"]) == (first, True)
    assert versions(own.home / "models") == [first]


def test_an_archive_of_ones_own_has_topics_of_its_own(own: Shell, tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl"
    sides = (("Öl", ENERGY_EXAMPLES), ("Handel", TRADE_EXAMPLES), (None, NOTHING_EXAMPLES))
    rows = [{"text": text, "main": [topic] if topic else []} for topic, texts in sides for text in texts]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    (tmp_path / "a.txt").write_text(
        "Crude oil and gas for the power plant and the refinery.", encoding="utf-8"
    )

    (trained,) = own("train", "--examples", path, "--json").rows
    (tagged,) = own("tag", tmp_path / "a.txt", "--json").rows

    assert set(trained["quality"]["topics"]) == {"Öl", "Handel"}
    assert tagged["model"] == trained["version"]
    assert max(tagged["scores"], key=tagged["scores"].get) == "Öl"


def test_a_bad_archive_is_named_line_by_line(own: Shell, tmp_path: Path) -> None:
    path = tmp_path / "archive.jsonl"
    path.write_text('{"text": ""}\nno\n', encoding="utf-8")

    complaints = own("train", "--examples", path).complaints

    assert sorted(line.split(": ")[0] for line in complaints) == [f"{path}:1", f"{path}:2"]


def test_a_topic_that_a_desk_has_retired_is_no_longer_said(own: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(
        "Crude oil and gas for the power plant and the refinery.", encoding="utf-8"
    )
    before = own("tag", tmp_path / "a.txt", "--json").rows[0]
    (own.home / "labels").mkdir()
    (own.home / "labels" / "topics.toml").write_text("[energy]\nretired = true\n", encoding="utf-8")

    after = own("tag", tmp_path / "a.txt", "--json").rows[0]

    assert before["main"] == ["energy"]
    assert after["main"] == after["mention"] == []
    assert after["scores"] == before["scores"]


def test_versions_are_listed_and_the_served_one_is_marked(own: Shell) -> None:
    models = own.home / "models"
    first = current(models)
    other = save(small_model(), models, probes=["Oil"], made_by={}, now=NOON).version

    told = own("models", "list").out.splitlines()
    rows = own("models", "list", "--json").rows

    assert told[0] == f"  {other}  F1 0.500"
    assert told[1].startswith(f"* {first}  F1 ")
    assert [(row["version"], row["served"]) for row in rows] == [(other, False), (first, True)]


def test_another_version_is_served_from_then_on(own: Shell, tmp_path: Path) -> None:
    models = own.home / "models"
    other = save(small_model(), models, probes=["Oil"], made_by={}, now=NOON).version
    (tmp_path / "a.txt").write_text("Oil and gas.", encoding="utf-8")

    done = own("models", "use", other)

    assert (done.code, done.out) == (0, f"serving {other}\n")
    assert own("tag", tmp_path / "a.txt", "--json").rows[0]["model"] == other


def test_a_damaged_version_is_named_in_the_list_and_cannot_be_used(own: Shell) -> None:
    models = own.home / "models"
    other = save(small_model(), models, probes=["Oil"], made_by={}, now=NOON).version
    os.truncate(models / other / "weights.npy", 10)

    done = own("models", "list")
    rows = own("models", "list", "--json").rows

    assert done.out.splitlines()[0].startswith(f"! {models / other / 'weights.npy'}: damaged")
    assert "damaged" in rows[0]["error"]
    assert own("models", "use", other).complaint.startswith(f"{models / other / 'weights.npy'}: damaged")
    assert current(models) != other


def test_a_version_that_is_not_there_is_one_clear_line(own: Shell) -> None:
    for command in ("use", "show"):
        assert own("models", command, "nothing").complaint == f"{own.home / 'models' / 'nothing'}: missing"


def test_a_version_shows_its_quality_and_cuts(own: Shell) -> None:
    version = current(own.home / "models")
    assert version is not None

    told = own("models", "show", version).out
    (row,) = own("models", "show", version, "--json").rows

    assert "energy: main from " in told
    assert {topic["id"] for topic in row["topics"]} == {"energy", "trade"}
    assert set(row["made_by"]) >= {"numpy", "scikit-learn"}


def test_a_home_without_models_lists_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = Shell(tmp_path, capsys)("models", "list")

    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_damaged_model_tags_nothing_and_says_what_to_do(own: Shell, tmp_path: Path) -> None:
    version = current(own.home / "models")
    assert version is not None
    os.truncate(own.home / "models" / version / "weights.npy", 1000)
    (tmp_path / "a.txt").write_text(ENGLISH, encoding="utf-8")

    complaint = own("tag", tmp_path / "a.txt").complaint

    assert complaint.startswith(f"{own.home / 'models' / version / 'weights.npy'}: damaged")
    assert "serve another version with `classifier models use`, or train again" in complaint


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["tag"],
        ["tag", "--colour", "a.txt"],
        ["--home", "x", "tag", "a.txt"],
        ["explain"],
        ["explain", "a.txt", "b.txt"],
        ["check", "--at-least", "many"],
        ["train", "extra"],
        ["models"],
        ["models", "use"],
        ["models", "burn", "x"],
    ],
)
def test_a_wrong_call_exits_with_2_and_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    captured = capsys.readouterr()
    assert stopped.value.code == 2
    assert captured.out == ""
    assert captured.err.startswith("usage: classifier")


@pytest.mark.parametrize("command", [[], ["train"], ["tag"], ["explain"], ["check"], ["models", "use"]])
def test_help_says_what_a_command_is_for(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*command, "--help"])

    captured = capsys.readouterr()
    assert stopped.value.code == 0
    assert len(captured.out.splitlines()) > 5
    assert captured.err == ""


def test_the_home_comes_from_the_environment_where_no_option_says(
    own_desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOPICWIRE_HOME", str(own_desk / "home"))
    models = own_desk / "home" / "models"
    version = save(small_model(), models, probes=["Oil"], made_by={}, now=NOON).version
    use(models, version)

    assert main(["models", "list"]) == 0

    assert f"* {version}" in capsys.readouterr().out
