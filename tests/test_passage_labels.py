"""Labels of passages: what the desk says of a passage is in a sheet that the next training learns from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from classifier import Article, load_model, make_model, use_model
from classifier.corpus import load_corpus
from classifier.defaults import shipped
from daemon import passages
from daemon.errors import DaemonError
from daemon.passages import LabelledElsewhereError
from tests import schooling
from tests.builders import NOON

PASSAGE = "The turbine hall of the coal plant in Ekibastuz burned for an hour on Sunday."
SONG = "A choir sang in the square of the old town until it rained."
BY = f"# by ana, 2026-03-05T12:00:00.000000Z, article {'0' * 16}"


def label(home: Path, about: Sequence[str], passage: str = PASSAGE, person: str = "ana") -> None:
    passages.label(home, passage, about, person=person, article="0" * 16, now=NOON)


def sheet(home: Path) -> str:
    return (home / "labels" / "desk.tsv").read_text(encoding="utf-8")


def test_a_label_says_who_gave_it_and_when_and_of_which_article(tmp_path: Path) -> None:
    label(tmp_path, ["trade", "energy"])

    assert sheet(tmp_path) == f"{BY}\nenergy, trade\t{PASSAGE}\n"
    said = passages.said_of(passages.labelled(tmp_path), PASSAGE.upper())
    assert said is not None
    assert said.topics == ("energy", "trade")
    assert said.remark == BY.removeprefix("# by ")


def test_the_labels_with_that_of_the_desk_are_sound(tmp_path: Path) -> None:
    label(tmp_path, ["energy"])
    label(tmp_path, [], SONG)

    corpus = load_corpus(shipped("seeds"), shipped("labels"), tmp_path / "labels")

    found = {each.article.text: each.main for each in corpus.articles if "desk.tsv" in each.where}
    assert found == {
        PASSAGE: {"energy"},
        "A choir sang in the square of the old town until it rained.": set(),
    }


def test_a_passage_that_is_labelled_again_has_the_last_label_alone(tmp_path: Path) -> None:
    label(tmp_path, ["energy"])
    label(tmp_path, [], person="ben")

    assert sheet(tmp_path).splitlines()[1:] == [f"-\t{PASSAGE}"]
    assert sheet(tmp_path).startswith("# by ben, ")


def test_a_label_is_taken_away_and_what_a_person_wrote_by_hand_stays(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    by_hand = "# ours\nenergy\tThe refinery at the river restarted.\n"
    (tmp_path / "labels" / "desk.tsv").write_text(by_hand, encoding="utf-8")
    label(tmp_path, ["energy"])

    assert passages.take_back(tmp_path, PASSAGE)
    assert sheet(tmp_path) == by_hand
    assert not passages.take_back(tmp_path, PASSAGE)


def test_a_passage_that_a_shipped_sheet_labels_is_refused_with_its_place(tmp_path: Path) -> None:
    first = sorted((shipped("labels") / "examples").glob("en/*.tsv"))[0]
    number, line = next(
        (number, line)
        for number, line in enumerate(first.read_text(encoding="utf-8").split("\n"), 1)
        if "\t" in line and not line.startswith("#")
    )

    with pytest.raises(LabelledElsewhereError) as caught:
        label(tmp_path, ["energy"], line.split("\t")[1].lower())

    assert caught.value.place == f"{first}:{number}"
    assert passages.labelled(tmp_path) == {}


def test_a_topic_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="no topic 'sport'"):
        label(tmp_path, ["energy", "sport"])

    assert not (tmp_path / "labels" / "desk.tsv").exists()


def test_a_sheet_that_is_not_utf_8_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "desk.tsv").write_bytes(b"energy\t\xff\n")

    with pytest.raises(DaemonError, match="not UTF-8"):
        label(tmp_path, ["energy"])

    assert (tmp_path / "labels" / "desk.tsv").read_bytes() == b"energy\t\xff\n"


def test_labels_that_many_give_at_once_are_all_kept(tmp_path: Path) -> None:
    def give(number: int) -> None:
        for each in range(3):
            label(tmp_path, ["energy"], f"Passage {number} of writer {each}, which nobody wrote before.")

    threads = [threading.Thread(target=give, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passages.labelled(tmp_path)) == 9


def test_the_next_training_learns_from_the_label(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "shipped"
    folder.mkdir()
    home.mkdir()
    before = schooling.found(home, schooling.write_shipped(folder))
    told = Article("The turbine hall of a coal plant burned on Sunday.", language="en")
    likely = load_model(home / "models").tag(told).probabilities

    label(home, ["energy"])
    made = make_model(home, seeds=folder / "seeds", labels=folder / "labels", if_changed=True)

    assert made.trained and made.version != before
    use_model(home / "models", made.version, because="a test", by="a test")
    assert load_model(home / "models").tag(told).probabilities["energy"] > likely["energy"] + 0.05
