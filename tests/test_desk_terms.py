"""A newsroom's own topics file, edited: only what differs stands there, and everything else stays."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier import LabelError, topics_of
from daemon.desk import terms
from daemon.desk.terms import Draft, Sheet, StaleError
from daemon.errors import DaemonError

OWN = """\
# Ours, not theirs.

[energy]
# agreed in spring
title = "Energy and fuel"   # so says the desk
terms.en = [
    "kerosene depot",  # planes
    "bunker fuel",
]
terms.ru = ["авиакеросин"]

[fisheries]
title = "Fisheries"
covers = "boats, quotas"
terms = { en = ["trawlers"] }
# the end
"""
LANGUAGES = ("en", "ru", "kk", "ar")


def home_with(folder: Path, text: str = OWN) -> Path:
    terms.own_file(folder).parent.mkdir(exist_ok=True)
    terms.own_file(folder).write_bytes(text.encode())
    return folder


def edit(home: Path, id: str, draft: Draft) -> str:
    """What stands in the file afterwards."""
    sheet = terms.read(home)
    terms.save(home, sheet.version, terms.with_draft(sheet, id, draft))
    return terms.own_file(home).read_text(encoding="utf-8")


def shipped(id: str) -> Draft:
    """What a form says that changes nothing of a shipped topic."""
    topic = terms.shipped_topics()[id]
    return Draft(topic.title, topic.covers, {})


def test_what_is_edited_is_what_the_classifier_then_loads(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    draft = Draft("Energy, fuel", "oil and more", {"en": ("kerosene depot", "jet fuel"), "kk": ("жанармай",)})

    edit(home, "energy", draft)

    [energy] = [topic for topic in topics_of(home) if topic.id == "energy"]
    base = terms.shipped_topics()["energy"]
    assert (energy.title, energy.covers) == ("Energy, fuel", "oil and more")
    assert energy.terms["en"] == (*base.terms["en"], "kerosene depot", "jet fuel")
    assert energy.terms["kk"] == (*base.terms["kk"], "жанармай")
    assert energy.terms["ru"] == base.terms["ru"]


def test_comments_and_other_topics_stay_letter_by_letter(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    base = shipped("energy")
    draft = Draft(
        "Energy and fuel", base.covers, {"en": ("kerosene depot", "jet fuel"), "ru": ("авиакеросин",)}
    )

    after = edit(home, "energy", draft)

    assert after == OWN.replace('"bunker fuel"', '"jet fuel"')


def test_only_what_differs_from_the_shipped_topic_is_written(tmp_path: Path) -> None:
    base = shipped("energy")

    after = edit(tmp_path, "energy", Draft(base.title, base.covers, {"en": ("kerosene depot",)}))

    assert tomllib.loads(after) == {"energy": {"terms": {"en": ["kerosene depot"]}}}
    assert edit(tmp_path, "energy", base) == ""


def test_a_topic_of_ones_own_is_added_after_the_others(tmp_path: Path) -> None:
    home = home_with(tmp_path)

    after = edit(home, "water", Draft("Water", "rivers and dams", {"en": ("dam",), "ar": ("سد مائي",)}))

    assert after.startswith(OWN)
    assert [topic.title for topic in topics_of(home) if topic.id == "water"] == ["Water"]


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        OWN.replace("\n", "\r\n"),
        "\ufeff" + OWN,
        '[energy]\ntitle = "E"\n\n[energy.terms]\nen = ["kerosene depot"]\n',
        '[energy]\ntitle = "E"\nterms = {en = ["kerosene depot"], ru = ["авиакеросин"]}\n',
        'energy = {title = "E", covers = "c"}\n',
        'energy.title = "E"\nenergy.terms.en = ["kerosene depot"]\n',
        '["energy"]\ntitle = "E"\nterms."en" = [\n"kerosene depot" # one\n, "tank farm"]\n',
        "",
    ],
)
@pytest.mark.parametrize(
    "draft",
    [
        Draft("Energy", "all of it", {"en": ("kerosene depot", "jet fuel"), "kk": ("жанармай",)}),
        Draft("E", "c", {}),
        Draft("E", "c", {"ru": ("авиакеросин", "мазутохранилище"), "ar": ("وقود الطائرات",)}),
    ],
)
def test_however_the_file_is_written_it_says_what_was_meant_or_stays_as_it_is(
    tmp_path: Path, text: str, draft: Draft
) -> None:
    home = home_with(tmp_path, text)
    before = terms.read(home)
    try:
        edit(home, "energy", draft)
    except DaemonError:
        assert terms.read(home) == before
        return
    after = terms.read(home)
    assert after.terms("energy") == dict(draft.terms)
    assert {name: table for name, table in after.tables.items() if name != "energy"} == {
        name: table for name, table in before.tables.items() if name != "energy"
    }
    [energy] = [topic for topic in topics_of(home) if topic.id == "energy"]
    assert (energy.title, energy.covers) == (draft.title, draft.covers)


def test_the_usual_ways_to_write_the_file_can_all_be_edited(tmp_path: Path) -> None:
    draft = Draft("Energy", "c", {"en": ("kerosene depot", "jet fuel"), "kk": ("жанармай",)})
    for text in (OWN, OWN.replace("\n", "\r\n"), "\ufeff" + OWN, "", '[energy.terms]\nen = ["tank farm"]\n'):
        edit(home_with(tmp_path, text), "energy", draft)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
TERMS = st.dictionaries(
    st.sampled_from(LANGUAGES), st.lists(WORDS, min_size=1, max_size=6, unique=True).map(tuple), max_size=3
)


@given(first=TERMS, second=TERMS)
@settings(max_examples=40)
def test_one_edit_after_another_leaves_what_the_last_one_said(
    first: dict[str, tuple[str, ...]], second: dict[str, tuple[str, ...]]
) -> None:
    text = ""
    for each in (first, second, first):
        sheet = Sheet(text, "", tomllib.loads(text))
        text = terms.with_draft(sheet, "mine", Draft("T", "c", each))
        assert Sheet(text, "", tomllib.loads(text)).terms("mine") == each


def test_a_topic_is_retired_and_comes_back(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    for retired in (True, False):
        sheet = terms.read(home)
        terms.save(home, sheet.version, terms.with_retired(sheet, "space", retired))
        assert [topic.retired for topic in topics_of(home) if topic.id == "space"] == [retired]
    assert terms.own_file(home).read_text(encoding="utf-8").strip() == OWN.strip()


def test_a_file_that_has_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    sheet = terms.read(home)
    text = terms.with_draft(sheet, "energy", shipped("energy"))
    home_with(tmp_path, OWN + "# somebody else\n")

    with pytest.raises(StaleError):
        terms.save(home, sheet.version, text)

    assert terms.own_file(home).read_text(encoding="utf-8") == OWN + "# somebody else\n"


def test_what_the_classifier_would_not_load_is_not_written_and_every_reason_is_told(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    sheet = terms.read(home)
    taken = terms.shipped_topics()["trade"].terms["en"][0]
    draft = Draft("Energy", "c", {"en": (taken,), "ru": ("нефтепровод",)})

    with pytest.raises(LabelError) as refused:
        terms.save(home, sheet.version, terms.with_draft(sheet, "energy", draft))

    found = terms.complaints_of(refused.value, draft)
    assert {each.name for each in found} == {"terms_en", "terms_ru"}
    assert not any(str(tmp_path) in str(each.values) for each in found)
    assert terms.own_file(home).read_text(encoding="utf-8") == OWN
    assert sorted(os.listdir(home / "labels")) == [".lock", "topics.toml"]


def test_a_file_keeps_its_rights_and_its_link(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    real = tmp_path / "elsewhere.toml"
    terms.own_file(home).rename(real)
    real.chmod(0o640)
    terms.own_file(home).symlink_to(real)

    edit(home, "energy", shipped("energy"))

    assert terms.own_file(home).is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert "[fisheries]" in real.read_text(encoding="utf-8")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[energy\n", b"[energy]\ntitle = 1 2\n"])
def test_a_file_that_cannot_be_read_says_so_in_one_line(tmp_path: Path, content: bytes) -> None:
    home = home_with(tmp_path)
    terms.own_file(home).write_bytes(content)

    [complaint] = terms.read(home).complaints

    assert complaint.startswith("labels/topics.toml: ")
    assert "\n" not in complaint


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"title": " "}, "title", "must not be empty"),
        ({"covers": ""}, "covers", "must not be empty"),
        ({"title": "a\x00b"}, "title", "cannot be seen"),
        ({"title": "x" * 101}, "title", "longer"),
        ({"terms_en": "jet fuel\nfuel\x07 depot\nother\x08"}, "terms_en", "cannot be seen"),
        ({"terms_en": "jet\u202efuel"}, "terms_en", "cannot be seen"),
        ({"terms_ru": "мазут\ufffd"}, "terms_ru", "not UTF-8"),
        ({"terms_kk": "жанармай\r\nЖанармай"}, "terms_kk", "stands twice"),
        ({"terms_ar": "و" * 101}, "terms_ar", "longer"),
        ({"terms_en": "\n".join(f"term {number}" for number in range(10_000))}, "terms_en", "at most"),
    ],
)
def test_what_cannot_be_taken_has_one_complaint_at_its_field(
    fields: dict[str, str], name: str, said: str
) -> None:
    _, complaints = terms.draft_of({"title": "T", "covers": "c", **fields}, LANGUAGES)

    [complaint] = complaints
    assert complaint.name == name
    assert said in complaint.text
    assert complaint.text % complaint.values


def test_terms_come_one_a_line_whatever_ends_the_lines_and_blank_ones_do_not_count() -> None:
    draft, complaints = terms.draft_of(
        {"title": " A  title ", "covers": "c\nd", "terms_en": "jet fuel\r\n\r\n  tank farm \nbunker\r"},
        LANGUAGES,
    )

    assert not complaints
    assert draft == Draft("A title", "c d", {"en": ("jet fuel", "tank farm", "bunker")})


def test_a_difference_has_what_is_added_and_what_is_taken_away(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    [energy] = [topic for topic in topics_of(home) if topic.id == "energy"]
    draft = Draft(energy.title, "less", {"en": ("kerosene depot", "jet fuel")})

    found = terms.difference(terms.read(home), energy, "energy", draft)

    assert found.title is None
    assert found.covers == (energy.covers, "less")
    assert found.added == (("en", "jet fuel"),)
    assert found.removed == (("en", "bunker fuel"), ("ru", "авиакеросин"))


def test_what_did_not_come_out_as_it_was_meant_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_with(tmp_path)
    monkeypatch.setattr(terms, "_set", lambda table, name, value: table.add("more", "than was meant"))

    with pytest.raises(DaemonError, match="by hand"):
        edit(home, "energy", Draft("T", "c", {}))

    assert terms.own_file(home).read_text(encoding="utf-8") == OWN


def test_a_file_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    home = home_with(tmp_path, "[energy\n")

    with pytest.raises(DaemonError, match=r"topics\.toml"):
        edit(home, "energy", Draft("T", "c", {}))
    with pytest.raises(DaemonError, match=r"topics\.toml"):
        terms.with_retired(terms.read(home), "energy", True)

    assert terms.own_file(home).read_text(encoding="utf-8") == "[energy\n"


def test_a_home_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "labels").write_text("a file where the folder should be")

    with pytest.raises(DaemonError, match="cannot be written"):
        terms.save(tmp_path, terms.read(tmp_path / "other").version, "")
