"""Cases with which a careful reader broke reading, labels and models once; none does any more."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.archives import read
from classifier.articles import Article
from classifier.corpus import load_corpus
from classifier.errors import LabelError, ModelError, UnreadableArticleError
from classifier.labels import read_article_labels, read_examples
from classifier.languages import detect
from classifier.passages import passages
from classifier.reading import read_articles, read_bytes, read_jsonl
from classifier.storage import card, current, load, use, versions
from classifier.topics import load_topics
from tests.builders import SMALL_TOPICS, small_model, write_labels
from tests.test_classifier_cli import Shell, desk, of, own, own_desk  # noqa: F401
from tests.test_storage import edit_card, edit_weights, models, saved, seal  # noqa: F401


# test_passages.py
def test_a_long_row_of_full_stops_is_cut_quickly() -> None:
    started = time.perf_counter()
    passages(Article("Contents " + "." * 20_000 + "12"))

    assert time.perf_counter() - started < 1.0


# test_model.py
def test_hostile_words_are_not_remembered_whole() -> None:
    model = small_model()

    tracemalloc.start()
    for number in range(50):
        model.scores([f"{number}oil" * 100_000])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 5_000_000


# test_storage.py
def test_an_empty_name_is_no_version(models: Path, saved: Path) -> None:  # noqa: F811
    with pytest.raises(ModelError):
        use(models, "")

    assert current(models) == saved.name


def test_what_a_crash_left_is_no_version(models: Path, saved: Path) -> None:  # noqa: F811
    left = models / f".{saved.name}.123"
    left.mkdir()
    (left / "MANIFEST.json").write_text("{}")

    assert versions(models) == [saved.name]


@pytest.mark.parametrize(
    "edit",
    [
        lambda card: card.pop("probes"),
        lambda card: card.update(probes=5),
        lambda card: card["probes"][0].update(scores=[1, 2, 3]),
        lambda card: card["probes"][0].pop("text"),
        lambda card: card.update(calibration=[]),
        lambda card: card.update(quality=None),
        lambda card: card["cuts"]["energy"].update(main="much"),
        lambda card: card["cuts"]["energy"].update(main=float("nan")),
        lambda card: card["calibration"][""].update(offset="x"),
        lambda card: card["calibration"][""].update(offset=float("nan")),
    ],
)
def test_a_card_of_another_shape_is_refused(
    models: Path,  # noqa: F811
    saved: Path,  # noqa: F811
    edit: Callable[[dict[str, Any]], object],
) -> None:
    edit_card(saved, edit)

    with pytest.raises(ModelError):
        load(models)


def test_weights_that_are_empty_or_text_or_of_another_length_are_refused(
    models: Path,  # noqa: F811
    saved: Path,  # noqa: F811
) -> None:
    sink = io.BytesIO()
    np.save(sink, np.zeros(5000, np.uint8))
    whole = (saved / "weights.npy").read_bytes()
    edit_weights(saved, intercepts=np.array(["a", "b"]))
    of_text = (saved / "weights.npy").read_bytes()

    for content in (b"", sink.getvalue(), whole[:-1], whole + b"\0", of_text):
        (saved / "weights.npy").write_bytes(content)
        seal(saved)
        with pytest.raises(ModelError):
            load(models)


def test_a_card_that_is_not_json_is_one_clear_line(models: Path, saved: Path) -> None:  # noqa: F811
    (saved / "model.json").write_text("{")
    seal(saved)

    with pytest.raises(ModelError):
        card(models, saved.name)


# test_labels.py
@pytest.mark.parametrize("text", ["", "# nothing yet\n", "energy\tOil rises\n"])
def test_a_sheet_without_an_article_row_is_no_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sheet.tsv"
    path.write_text(text)

    if "\t" not in text:
        assert read_article_labels(path, {"energy"}) == ()
        return
    with pytest.raises(LabelError, match=r"sheet\.tsv:1: rows before the first 'article' row"):
        read_article_labels(path, {"energy"})


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    path = tmp_path / "sheet.tsv"
    path.write_text("energy\tOil rose.\n", encoding="utf-8-sig")

    assert [passage.topics for passage in read_examples(path, {"energy"})] == [{"energy"}]


# test_corpus.py
def test_a_source_without_labels_is_named(tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "one.txt").write_text("Oil rises\nOil rose.\n")

    with pytest.raises(LabelError, match=r"one\.txt"):
        load_corpus(tmp_path / "seeds", write_labels(tmp_path / "labels"))


# test_topics.py
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[energy-policy]\ntitle = "A"\ncovers = "b"\n\n[energy]\ntitle = "A"\n', ":5: topic 'energy'"),
        ('# topics\n\n["oil gas"]\ntitle = "A"\ncovers = "b"\n', ":3: topic 'oil gas'"),
        (SMALL_TOPICS.replace('"import duty"', '"crude oil"'), ":9: term 'crude oil'"),
        (SMALL_TOPICS.replace('"crude oil"', '"exports"'), ":9: term 'exports'"),
        ('[energy]\ntitle = "A"\ncovers = "b"\nterms.en = 5\n', ":4: topic 'energy': terms.en"),
    ],
)
def test_a_problem_is_named_with_the_line_on_which_it_stands(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(text)

    with pytest.raises(LabelError) as caught:
        load_topics(path)

    assert caught.value.problems[0].startswith(f"{path}{said}")


# test_reading.py
@pytest.mark.parametrize("text", ["", "  ", "\\u200b"])
def test_a_line_of_json_lines_without_text_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text(f'{{"id": 1, "text": "{text}"}}\n')

    with pytest.raises(UnreadableArticleError, match=r"articles\.jsonl:1: "):
        list(read_jsonl(path))


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text('{"text": "Oil rose."}\n', encoding="utf-8-sig")

    assert [article.text for article in read_jsonl(path)] == ["Oil rose."]


def test_a_title_of_two_lines_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text('{"title": "Oil\\nrises", "text": "Oil rose."}\n')

    assert [article.title for article in read_jsonl(path)] == ["Oil rises"]


def test_a_folder_is_refused_and_closed(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(50):
        with pytest.raises(UnreadableArticleError, match="not a regular file"):
            read_bytes(tmp_path)

    assert len(os.listdir("/proc/self/fd")) < before + 25


def test_a_date_is_no_title() -> None:
    (article,) = read_articles(b"2026-03-05\nRefinery restarts\nThe refinery restarted.\n", "a.txt")

    assert article.title == "Refinery restarts"


def test_deeply_nested_markdown_is_not_lost() -> None:
    (article,) = read_articles(f"{'> ' * 25}Oil rose.\n\nGas fell.\n".encode(), "a.md")

    assert "Oil rose." in article.text


# test_languages.py
@pytest.mark.parametrize(
    "text",
    [
        "Het kabinet heeft vrijdag in Den Haag besloten dat de haven van Rotterdam wordt uitgebreid. De"
        " minister was in overleg met de gemeente en had eerder gezegd dat een besluit zou volgen.",
        "Regjeringen vil bygge ut havnen i Oslo for å få mer gods over på sjø, sier statsråden. Hun har"
        " bedt om at planene er klare i vår for at arbeidet skal starte.",
        "Die Regierung will in Berlin an einem neuen Gesetz arbeiten, das war in der Koalition umstritten.",
        "Città e porto i nuovi treni",
        "Rząd i parlament",
    ],
)
def test_a_neighbour_in_latin_letters_is_not_taken_for_english(text: str) -> None:
    assert detect(text) != "en"


# test_archives.py
@pytest.mark.parametrize("annotations", [None, 5, [{"result": [{"value": "x"}]}], [{"result": 5}]])
def test_a_misshapen_task_is_named(tmp_path: Path, annotations: object) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps([{"data": {"text": "Oil."}, "annotations": annotations}]))

    with pytest.raises(LabelError, match=r"export\.json: task 1: "):
        read(path)


def test_a_text_of_a_folder_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Нефть".encode("cp1251"))

    with pytest.raises(LabelError, match=r"a\.txt"):
        read(tmp_path)


def test_a_title_that_begins_the_first_word_leaves_the_word_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "Oil", "text": "Oilfields reopened."}\n')

    (judged,) = read(path)

    assert judged.article.text == "Oil\nOilfields reopened."


# test_classifier_cli.py
def test_training_again_mends_a_damaged_model(own: Shell, own_desk: Path) -> None:  # noqa: F811
    version = current(own.home / "models")
    assert version is not None
    os.truncate(own.home / "models" / version / "weights.npy", 1000)

    assert own("train", "--json", *of(own_desk)).code == 0
    assert load(own.home / "models")


@pytest.mark.parametrize("text", ["", "  ", "\\u200b"])
def test_an_article_without_text_is_one_clear_line(own: Shell, tmp_path: Path, text: str) -> None:  # noqa: F811
    path = tmp_path / "articles.jsonl"
    path.write_text(f'{{"id": 1, "text": "{text}"}}\n')

    assert f"{path}:1: " in own("tag", path, "--json").complaint
    assert f"{path}:1: " in own("evaluate", "--examples", path).complaint


def test_a_bad_line_costs_none_of_the_others(own: Shell, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "articles.jsonl"
    path.write_text('{"id": 1, "text": "Oil."}\nbad\n{"id": 3, "text": "Gas."}\n')

    done = own("tag", path, "--json")

    assert done.code == 1
    assert [row["id"] for row in done.rows] == ["1", "3"]


def test_explain_names_the_file_that_it_cannot_read(own: Shell, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "a.txt"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")

    assert own("explain", path).complaint.startswith(f"{path}: not text but a picture")


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b"articles.jsonl"])
def test_what_cannot_be_printed_as_utf8_is_no_traceback(desk: Path, tmp_path: Path, name: bytes) -> None:  # noqa: F811
    path = os.fsencode(tmp_path) + b"/" + name
    with open(path, "w") as file:
        file.write('{"id": "\\ud800", "text": "Oil rose."}\n')
    home = os.fsencode(desk / "home")

    done = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"classifier.cli", b"tag", path, b"--json", b"--home", home],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"},
    )

    assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(desk: Path, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "articles.jsonl"
    path.write_text('{"text": "Oil rose again in the port."}\n' * 2000)
    command = f"{sys.executable} -m classifier.cli tag {path} --json --home {desk / 'home'} | head -1"

    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)

    assert done.stderr == ""


@pytest.mark.parametrize(
    "rows",
    [
        [{"text": "Oil one", "main": ["e"]}, {"text": "Derby two", "main": []}],
        [{"text": "Oil one"}, {"text": "Derby two"}],
        [{"text": "1 2", "main": ["e"]}, {"text": "3 4", "main": []}],
    ],
)
def test_an_archive_too_small_to_learn_from_is_one_clear_line(
    own: Shell,  # noqa: F811
    tmp_path: Path,
    rows: list[dict[str, object]],
) -> None:
    path = tmp_path / "archive.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))

    assert "labels: " in own("train", "--examples", path).complaint


def test_a_home_may_have_brackets_in_its_name(own_desk: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    assert Shell(own_desk / "a[/b]c", capsys)("train", *of(own_desk)).code == 0
