"""Relabelling: a sheet that a program and people write to keeps what people wrote, and no passage twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.labels import read_examples
from classifier.relabelling import Labelled, fingerprint, labelled, place_of, relabelled
from tests.builders import write_labels

BY_HAND = "# our own notes\n\nenergy\tThe refinery restarted.\n?\tNot yet judged.\n-\tThe derby was won.\n"


def test_a_passage_is_added_below_what_people_wrote() -> None:
    found = relabelled(BY_HAND, "Gas flowed again.", ["trade", "energy"], "ana, today")

    assert found == f"{BY_HAND}# by ana, today\nenergy, trade\tGas flowed again.\n"


def test_a_passage_that_is_labelled_again_replaces_its_row_and_the_remark_above_it() -> None:
    once = relabelled(BY_HAND, "Gas flowed again.", ["energy"], "ana, today")
    below = f"{once}trade\tExports rose.\n"

    found = relabelled(below, "GAS  flowed again.", [], "ben, later")

    assert found == f"{BY_HAND}# by ben, later\n-\tGAS flowed again.\ntrade\tExports rose.\n"


def test_a_row_that_a_person_wrote_is_replaced_where_it_stands() -> None:
    found = relabelled(BY_HAND, "The refinery restarted.", ["trade"], "ana")

    assert found == BY_HAND.replace(
        "energy\tThe refinery restarted.", "# by ana\ntrade\tThe refinery restarted."
    )


def test_a_label_that_is_taken_away_leaves_the_sheet_as_it_was_before() -> None:
    once = relabelled(BY_HAND, "Gas flowed again.", ["energy"], "ana")

    assert relabelled(once, "Gas flowed again.", None) == BY_HAND
    assert relabelled(BY_HAND, "Never labelled.", None) == BY_HAND


@pytest.mark.parametrize("sheet", ["energy\tNo line break", "\ufeffenergy\tA mark first\r\n# note"])
def test_a_sheet_as_some_editor_saved_it_is_kept_and_added_to(sheet: str, tmp_path: Path) -> None:
    found = relabelled(sheet, "Gas flowed again.", ["energy"])

    assert found.startswith(sheet)
    path = tmp_path / "desk.tsv"
    path.write_text(found, encoding="utf-8", newline="")
    assert [passage.text for passage in read_examples(path, {"energy"})][-1] == "Gas flowed again."


@pytest.mark.parametrize("passage", ["Two\tcolumns\there", "One\u2028two", "a\r\nb", "# hash", "?", "-\t-"])
def test_a_passage_with_odd_signs_is_one_row_that_can_be_read(passage: str, tmp_path: Path) -> None:
    path = tmp_path / "desk.tsv"
    path.write_text(relabelled("", passage, ["energy"], "a\nb\tc"), encoding="utf-8", newline="")

    (found,) = read_examples(path, {"energy"})
    assert found.text == " ".join(passage.split())
    assert labelled(path.read_text(encoding="utf-8")) == {
        fingerprint(passage): Labelled(("energy",), "a b c")
    }


def test_what_passages_are_labelled_with_is_told_by_their_fingerprint() -> None:
    found = labelled(relabelled(BY_HAND, "Gas flowed again.", ["energy", "trade"], "ana, today"))

    assert found[fingerprint("gas flowed again.")] == Labelled(("energy", "trade"), "ana, today")
    assert found[fingerprint("The derby was won.")] == Labelled((), None)
    assert fingerprint("Not yet judged.") not in found


def test_a_passage_that_another_sheet_labels_is_found_with_its_line(tmp_path: Path) -> None:
    labels, own = write_labels(tmp_path / "labels"), tmp_path / "own"
    own.mkdir()
    desk = own / "desk.tsv"
    desk.write_text("energy\tGas flowed again.\n", encoding="utf-8")
    (own / "ours.tsv").write_text("# note\n?\tWaits here.\ntrade\tExports rose.\n", encoding="utf-8")
    (own / "broken.tsv").write_bytes(b"\xff\xfe")
    first = (labels / "examples" / "en" / "energy.tsv").read_text(encoding="utf-8").split("\n")[0]

    assert place_of("EXPORTS rose.", labels, own, besides=desk) == f"{own}/ours.tsv:3"
    assert place_of(first.split("\t")[1], labels, own, besides=desk) == f"{labels}/examples/en/energy.tsv:1"
    assert place_of("Gas flowed again.", labels, own, besides=desk) is None
    assert place_of("Waits here.", labels, own, besides=desk) is None


LINES = st.sampled_from(
    [
        "# note",
        "",
        "energy\tOne",
        "-\tTwo",
        "?\tThree",
        "no tab",
        "# by ana",
        "-\tFour\r",
        "# by",
        "x\ty\tz",
    ]
)


@given(st.lists(LINES), st.sampled_from(["One", "Two", "Three", "Five"]), st.booleans())
def test_whatever_stands_in_a_sheet_no_line_but_the_passages_own_is_changed(
    lines: list[str], passage: str, away: bool
) -> None:
    sheet = "\n".join(lines)

    after = relabelled(sheet, passage, None if away else ["trade"]).split("\n")

    own = fingerprint(passage)
    others = [line for line in lines if own not in labelled(line) and not line.startswith("# by")]
    kept = [line for line in after if own not in labelled(line) and not line.startswith("# by")]
    assert [line for line in kept if line] == [line for line in others if line]
    assert sum(own in labelled(line) for line in after) == (0 if away else 1)
