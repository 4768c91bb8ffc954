"""Learning from an archive that does not fit into memory: as well and as surely as from one that does."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import cli, estimators, history, making, spooling, storage, streaming, training, ways
from classifier.archives import corpus, number, read, stream
from classifier.errors import ClassifierError, LabelError
from classifier.evaluation import quality
from classifier.features import LARGE
from classifier.folds import from_bytes, read_folds, shared
from classifier.judging import judge
from classifier.material import Material
from classifier.model import Model
from classifier.streaming import Plan
from classifier.vocabulary import Vocabulary
from tests.archive import articles, write
from tests.bench.processes import children, resident
from tests.reference import WholeReference

Capture = pytest.CaptureFixture[str]
EXACT = 1e-6  # words weigh in single precision where they are learned from, and only there


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 labelled articles."""
    return write(tmp_path_factory.mktemp("archive") / "archive.jsonl", articles(600))


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 others."""
    return write(tmp_path_factory.mktemp("unseen") / "unseen.jsonl", articles(300, seed=8))


@pytest.fixture(scope="module")
def exact(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the model that the exact way makes of them, as if they were many."""
    home = tmp_path_factory.mktemp("exact")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "LARGE_ARCHIVE", 0)
        version = make(home, archive, streaming_above=600).version
    history.use_model(home / "models", version, because="test")
    return home


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of a thousand articles is then as many blocks as one of a hundred thousand is."""
    monkeypatch.setattr(spooling, "_ARTICLES", 40)


def make(home: Path, archive: Path, **options: Any) -> making.Made:
    return making.make_model(home, examples=archive, **{"streaming_above": 0, **options})


def made(home: Path, archive: Path, **options: Any) -> Model:
    return storage.load(home / "models", make(home, archive, **options).version)


def f1(model: Model, archive: Path) -> float:
    return quality(judge(model, read(archive), lambda what, done, steps: None)[0]).f1


def test_a_model_that_was_streamed_is_as_good_as_the_exact_one(
    archive: Path, exact: Path, unseen: Path, tmp_path: Path, small_blocks: None
) -> None:
    before = storage.load(exact / "models")
    streamed = made(tmp_path, archive)

    assert streamed.recipe == before.recipe == LARGE
    assert streamed.topics == before.topics
    assert f1(streamed, unseen) > max(0.8, f1(before, unseen) - 0.02)


def test_an_archive_in_the_order_of_its_topics_is_learned_from_as_well(
    archive: Path, unseen: Path, tmp_path: Path, small_blocks: None
) -> None:
    rows = sorted(map(json.loads, archive.read_text().splitlines()), key=lambda row: row["main"])
    in_order = write(tmp_path / "in-order.jsonl", rows)

    assert f1(made(tmp_path, in_order), unseen) > f1(made(tmp_path / "other", archive), unseen) - 0.02


def test_what_is_served_are_the_scores_of_scikit_learns_own_pipeline(archive: Path, tmp_path: Path) -> None:
    model = made(tmp_path, archive)
    found = [judged.article for judged in read(archive)]

    served = np.concatenate([model.article_scores(article, ()) for article in found])

    assert np.abs(served - WholeReference(model, found).scores(found)).max() < EXACT


@pytest.mark.parametrize("held", [3, 50, 10_000])
def test_words_are_counted_exactly_however_few_fit_into_memory(tmp_path: Path, held: int) -> None:
    texts = [str(row["text"]).split() for row in articles(60)]
    vocabulary = Vocabulary(tmp_path, held=held)

    for text in texts:
        vocabulary.add(Counter(text).items())
    found = vocabulary.most_used(100, at_least=2)
    vocabulary.close()

    expected = [(word, n) for word, n in Counter(word for text in texts for word in text).items() if n >= 2]
    expected.sort(key=lambda each: (-each[1], each[0]))
    assert found == sorted(expected[:100])
    assert len(found) == 100
    assert list(tmp_path.iterdir()) == []


def test_the_same_archive_gives_the_same_model_to_the_byte(archive: Path, tmp_path: Path) -> None:
    """Whatever the number of threads and the order in which Python keeps a set."""
    sums = []
    for seed, cores in (("1", "1"), ("2", "2")):
        home = tmp_path / seed
        command = [sys.executable, "-m", "classifier.cli", "train", "--streaming", "--examples", str(archive)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LOKY_MAX_CPU_COUNT": cores}
        done = subprocess.run(
            [*command, "--home", str(home), "--json"], capture_output=True, check=True, env=environment
        )
        version = json.loads(done.stdout)["version"]
        sums.append(json.loads((home / "models" / version / "MANIFEST.json").read_bytes())["sha256"])

    assert sums[0] == sums[1]


def test_packed_and_plain_are_the_same_archive(archive: Path, tmp_path: Path) -> None:
    packed = tmp_path / "archive.jsonl.gz"
    packed.write_bytes(gzip.compress(archive.read_bytes()))

    assert [judged.article for judged in stream(packed)] == [judged.article for judged in stream(archive)]
    assert number(packed) == number(archive) == 600
    assert number(packed, 7) == 7


def test_a_folder_is_streamed_in_the_order_of_its_names(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "annif"
    folder.mkdir()
    for row in articles(40):
        (folder / f"{row['id']}.txt").write_text(str(row["text"]))
        (folder / f"{row['id']}.tsv").write_text("".join(f"{topic}\n" for topic in row["main"]))  # type: ignore[attr-defined]

    assert number(folder) == 40
    assert make(tmp_path, folder).trained


def test_the_card_and_the_history_say_in_which_way_it_was_trained(
    archive: Path, unseen: Path, tmp_path: Path, capsys: Capture
) -> None:
    home = ["--home", str(tmp_path)]
    assert cli.main(["train", "--streaming", "--examples", str(archive), *home, "--json"]) == 0
    version = json.loads(capsys.readouterr().out)["version"]

    assert storage.card(tmp_path / "models", version)["made_by"]["way"] == "streaming"
    assert history.history(tmp_path / "models")[-1].because == "trained by streaming"
    assert cli.main(["models", "show", version, *home]) == 0
    assert "streaming" in capsys.readouterr().out
    assert cli.main(["evaluate", "--examples", str(unseen), *home, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["all"]["f1"] > 0.8
    text = tmp_path / "article.txt"
    text.write_text("The reactor and its turbine: crude for the refinery, gasoline and coal for the grid.")
    assert cli.main(["explain", str(text), *home]) == 0
    assert "energy" in capsys.readouterr().out


def test_the_card_of_a_model_that_was_made_exactly_is_what_it_was_before_there_was_another_way(
    exact: Path,
) -> None:
    version = storage.current(exact / "models") or ""

    made_by = storage.card(exact / "models", version)["made_by"]
    assert sorted(made_by) == ["from", "numpy", "scikit-learn", "terms"]


@pytest.mark.parametrize(("above", "streamed"), [(29, True), (30, False)])
def test_the_configuration_says_from_which_size_on_an_archive_is_streamed(
    tmp_path: Path, above: int, streamed: bool, capsys: Capture
) -> None:
    archive = write(tmp_path / "archive.jsonl", articles(30))
    config = tmp_path / "topicwire.toml"
    config.write_text(f"[training]\nstreaming_above = {above}\n")

    command = [
        "train",
        "--examples",
        str(archive),
        "--config",
        str(config),
        "--home",
        str(tmp_path),
        "--json",
    ]
    assert cli.main(command) == 0

    version = json.loads(capsys.readouterr().out)["version"]
    assert ("way" in storage.card(tmp_path / "models", version)["made_by"]) is streamed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("streaming_above = 0", "training.streaming_above: should be a whole number from 1 to 1,000,000,000"),
        (
            "streaming_above = true",
            "training.streaming_above: should be a whole number from 1 to 1,000,000,000",
        ),
        ("above = 5", "training.above: unknown; there is streaming_above"),
    ],
)
def test_a_size_that_is_none_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "topicwire.toml"
    config.write_text(f"[training]\n{text}\n")

    with pytest.raises(ClassifierError) as caught:
        ways.streaming_above(config)

    assert str(caught.value) == f"{config}: {said}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--streaming"], "--streaming and --no-streaming need --examples: labels are never so many"),
        (["--streaming", "--examples", "{pipe}"], "{pipe}: --streaming reads it more than once; give a file"),
        (
            ["--streaming", "--examples", "{archive}", "--backend", "multiprocessing"],
            "--streaming learns on this machine alone; leave --backend out",
        ),
        (
            ["--backend", "threading"],
            "--backend threading: threads share liblinear's random numbers, so no",
        ),
        (["--backend", "nowhere"], "--backend nowhere: Invalid backend: nowhere"),
        (["--scheduler", "tls://here:1"], "--scheduler, --tls-… and --insecure need --backend dask"),
    ],
)
def test_what_does_not_go_together_is_one_clear_line(
    tmp_path: Path, archive: Path, capsys: Capture, options: list[str], said: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    names = {"pipe": str(tmp_path / "pipe"), "archive": str(archive)}

    code = cli.main(["train", "--home", str(tmp_path), *(each.format(**names) for each in options)])

    assert code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"classifier: {said.format(**names)}")


def test_bad_lines_are_named_and_counted_and_what_serves_serves_on(archive: Path, tmp_path: Path) -> None:
    served = make(tmp_path, archive).version
    history.use_model(tmp_path / "models", served, because="test")
    before = sorted(path.name for path in (tmp_path / "models").iterdir())
    bad = tmp_path / "bad.jsonl"
    good = archive.read_text().splitlines()
    bad.write_text("\n".join([*good[:100], "{", *good[100:200], *['{"text": 5}'] * 300]) + "\n")

    with pytest.raises(LabelError) as caught:
        make(tmp_path, bad)

    problems = caught.value.problems
    assert problems[0].startswith(f"{bad}:101: not JSON")
    assert problems[1] == f'{bad}:202: "text" should be a text'
    assert len(problems) == 51
    assert problems[-1] == f"{bad}: and 251 more"
    assert storage.current(tmp_path / "models") == served
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == before


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": "Oil rose again.", "main": ["energy"]}] * 9, "labels: 9 articles; 10 are the least"),
        ([{"text": "Oil rose again.", "main": []}] * 20, "labels: no article names a main topic"),
        ([{"text": "Oil rose again.", "main": ["energy"]}] * 20, "labels: topic 'energy' is in every"),
        (
            [{"text": "Oil.", "main": ["energy"], "mention": ["trade"]}, *[{"text": "A goal."}] * 20],
            "labels: topic 'trade' is in no",
        ),
        ([{"text": "12", "main": ["energy"]}, *[{"text": "7"}] * 20], "labels: no word in two of the"),
    ],
)
def test_an_archive_in_which_there_is_nothing_to_learn_is_refused_as_the_exact_way_does(
    tmp_path: Path, rows: list[dict[str, object]], said: str
) -> None:
    with pytest.raises(LabelError) as caught:
        make(tmp_path, write(tmp_path / "archive.jsonl", rows))

    assert caught.value.problems[0].startswith(said)


@pytest.mark.parametrize(("count", "topics"), [(10, 2), (7770, 90), (60_000, 5), (10**6, 90), (10**7, 1000)])
def test_memory_of_what_is_judged_is_bounded_and_as_much_is_judged_as_fits(count: int, topics: int) -> None:
    plan = Plan.of(count, topics)

    judged = count * plan.share
    assert judged * topics <= 1_500_000 * 1.01
    assert judged <= 20_000 * 1.01
    assert judged >= min(count, 20_000, 1_500_000 // topics) * 0.5
    assert plan.passes == {10: 10, 7770: 10, 60_000: 10, 10**6: 3, 10**7: 3}[count]


def test_a_part_is_held_out_of_the_models_that_judge_it_and_smaller_shares_draw_some_of_the_same(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_folds(tmp_path / "models", make(tmp_path, archive).version)
    monkeypatch.setattr(streaming, "_MOST_JUDGED", 60)
    tenth = read_folds(tmp_path / "models", make(tmp_path, archive).version)

    assert whole is not None
    assert tenth is not None
    assert (whole.share, tenth.share) == (1.0, 0.1)
    assert len(whole.ids) == 600
    assert set(tenth.ids) == {id for id in whole.ids if tenth.draws(id)}
    assert 40 < len(tenth.ids) < 80
    assert from_bytes(tenth.as_bytes()).share == 0.1
    found = shared(whole, tenth, whole.topics)
    assert (len(found.before.languages), found.changed, found.gone) == (len(tenth.ids), 0, 0)


def test_more_of_the_same_serves_and_a_flood_of_wrong_labels_does_not(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the gate sees but the articles that are drawn from both archives."""
    monkeypatch.setattr(streaming, "_MOST_JUDGED", 400)
    monkeypatch.setattr("classifier.gate._MANY", 10)
    before = make(tmp_path, archive).version
    history.use_model(tmp_path / "models", before, because="test")
    rows = list(map(json.loads, archive.read_text().splitlines()))
    more = write(tmp_path / "more.jsonl", [*rows, *articles(60, seed=9)])
    flood = [{**row, "main": ["energy"]} for row in articles(700, seed=10) if row["main"] == ["health"]]
    flooded = write(tmp_path / "flooded.jsonl", [*rows, *flood])

    good, bad = make(tmp_path, more), make(tmp_path, flooded)

    assert good.gate is not None
    assert bad.gate is not None
    assert good.gate.passed, good.gate.reasons
    said = next(finding.said for finding in good.gate.findings if finding.check == "labels")
    assert " 0 have other labels and 0 are gone" in said.replace(", ", " and ")
    assert any("finds hardly any" in reason for reason in bad.gate.reasons)


def test_a_process_that_is_killed_leaves_nothing_on_the_disk_and_what_serves_serves_on(
    archive: Path, tmp_path: Path
) -> None:
    served = make(tmp_path, archive).version
    history.use_model(tmp_path / "models", served, because="test")
    before = sorted(path.name for path in (tmp_path / "models").iterdir())
    large = write(tmp_path / "large.jsonl", articles(20_000))
    command = [sys.executable, "-m", "classifier.cli", "train", "--streaming", "--examples", str(large)]
    with subprocess.Popen([*command, "--home", str(tmp_path)]) as process:
        wait_until(lambda: spooled(process.pid) > 2**20)
        process.send_signal(signal.SIGKILL)

    assert process.returncode == -signal.SIGKILL
    assert storage.current(tmp_path / "models") == served
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == before


def spooled(process: int) -> int:
    """Bytes in files without a name that a process has open."""
    found = 0
    for file in Path(f"/proc/{process}/fd").iterdir():
        try:
            if str(file.readlink()).endswith("(deleted)"):
                found += file.stat().st_size
        except OSError:
            continue
    return found


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_step_is_said_with_articles_a_second_and_pass_of_passes(archive: Path, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []

    make(tmp_path, archive, progress=lambda *step: said.append(step))

    assert ("reading articles", 600, 600) not in said  # a block is said when it is full
    assert ("weighing words", 600, 600) in said
    assert [what for what, done, _ in said if what.startswith("learning")] == [
        f"learning, pass {each} of 60" for each in range(1, 61)
    ]


def test_the_models_grow_to_what_the_svm_finds_of_the_same_texts(archive: Path) -> None:
    material = Material(corpus(read(archive)), LARGE, terms=False)
    exact = estimators.fit(material.matrix, material.truth, LARGE)
    online = estimators.Online(len(material.topics), len(material.truth), 10)
    for _ in range(10):
        online.learn(material.matrix, material.truth)
    found = online.fitted()

    scores = [material.matrix @ each.coefficients + each.intercepts for each in (exact, found)]
    assert np.corrcoef(scores[0].ravel(), scores[1].ravel())[0, 1] > 0.98


# The command with blocks, and a vocabulary, that a small archive fills as a large one fills the usual.
CALL = (
    "import sys; from classifier import cli, spooling, streaming, vocabulary as v;"
    " spooling._WORDS = 30_000; streaming._MOST_WORDS = 5_000; streaming._MOST_JUDGED = 1_000;"
    " v.Vocabulary.__init__.__kwdefaults__['held'] = 5_000; sys.exit(cli.main(sys.argv[1:]))"
)


@pytest.mark.thorough("the same archive gives the same model")
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_eight_times_as_many_articles_take_hardly_more_memory(tmp_path: Path) -> None:
    few = write(tmp_path / "few.jsonl", articles(2_000, words=200))
    many = write(tmp_path / "many.jsonl", articles(16_000, words=200))

    assert peak(many, tmp_path, "--streaming") <= 1.25 * peak(few, tmp_path, "--streaming")


def peak(archive: Path, home: Path, way: str) -> float:
    """MiB that a training and all that it starts have at most."""
    command = [sys.executable, "-c", CALL, "train", way, "--examples", str(archive), "--home", str(home)]
    most = 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(resident, [process.pid, *children(process.pid)])))
            time.sleep(0.05)
    assert process.returncode == 0
    return most
