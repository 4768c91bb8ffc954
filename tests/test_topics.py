"""The file of topics: what is wrong in it is named with its line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier import shipped
from classifier.errors import LabelError
from classifier.languages import SHIPPED
from classifier.topics import RESERVED, load_topics
from tests.builders import SMALL_TOPICS

TAXONOMY = [
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
]


def write(folder: Path, text: str) -> Path:
    path = folder / "topics.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(LabelError) as caught:
        load_topics(path)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_topics_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL_TOPICS + "retired = true\n")

    energy, trade = load_topics(path)

    assert (energy.id, energy.title, energy.covers) == ("energy", "Energy", "oil, gas and electricity")
    assert energy.terms == {"en": ("crude oil", "power plant")}
    assert not energy.retired
    assert (trade.id, trade.retired) == ("trade", True)


def test_the_shipped_topics_are_the_twelve_of_the_taxonomy_with_terms_in_each_language() -> None:
    topics = load_topics(shipped("labels") / "topics.toml")

    assert [topic.id for topic in topics] == TAXONOMY
    for topic in topics:
        assert set(topic.terms) == set(SHIPPED)
        assert min(len(terms) for terms in topic.terms.values()) >= 15


def test_every_problem_is_named_with_its_line_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[Energy]\ntitle = "Energy"\ncovers = "oil"\n\n'
        '[trade]\ncovers = "exports"\ncolour = "red"\n\n'
        '[health]\ntitle = " "\nretired = "yes"\ncovers = "medicine"\n',
    )

    problems = problems_of(path)

    assert problems == (
        f"{path}:1: topic 'Energy': an id is lower-case words parted by '-', and not"
        " ['article', 'main', 'mention']",
        f"{path}:5: topic 'trade': unknown key 'colour'; known are ['covers', 'retired', 'terms', 'title']",
        f"{path}:5: topic 'trade': 'title' is missing",
        f"{path}:9: topic 'health': 'title' is missing",
        f"{path}:9: topic 'health': 'retired' is true or false",
    )


@pytest.mark.parametrize(
    "key", [*sorted(RESERVED), "Energy", '"oil gas"', "oil_gas", '"-"', '"a--b"', '"нефть"', "9"]
)
def test_an_id_that_a_label_sheet_could_misread_is_refused(tmp_path: Path, key: str) -> None:
    path = write(tmp_path, f'# topics\n\n[{key}]\ntitle = "T"\ncovers = "c"\n')

    (problem,) = problems_of(path)

    assert problem.startswith(f"{path}:")
    assert f"topic {key.strip(chr(34))!r}: an id is lower-case words parted by '-'" in problem


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ('terms = ["oil"]', "'terms' holds one list a language, as in terms.en = [...]"),
        ('terms.en = "oil"', "terms.en should be a list of strings"),
        ('terms.en = ["oil", 5]', "terms.en should be a list of strings"),
        ('terms.en = ["oil", "Oil"]', "term 'Oil' is empty or stands twice"),
        ('terms.en = ["oil", " "]', "term ' ' is empty or stands twice"),
    ],
)
def test_terms_are_lists_of_different_phrases(tmp_path: Path, terms: str, said: str) -> None:
    path = write(tmp_path, f'[energy]\ntitle = "Energy"\ncovers = "oil"\n{terms}\n')

    (problem,) = problems_of(path)

    assert problem.startswith(str(path))
    assert "topic 'energy'" in problem
    assert problem.endswith(said)


def test_a_term_that_speaks_for_two_topics_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL_TOPICS.replace('"import duty"', '"Power PLANT"'))

    (problem,) = problems_of(path)

    assert "term 'Power PLANT' (en) speaks for 'energy' and for 'trade'" in problem


def test_the_same_term_may_stand_in_two_languages(tmp_path: Path) -> None:
    path = write(tmp_path, f'{SMALL_TOPICS}terms.ru = ["crude oil"]\n')

    assert [topic.id for topic in load_topics(path)] == ["energy", "trade"]


def test_a_desk_adds_topics_and_changes_shipped_ones(tmp_path: Path) -> None:
    shipped_file = write(tmp_path, SMALL_TOPICS)
    own = tmp_path / "own.toml"
    own.write_text(
        '[chess]\ntitle = "Chess"\ncovers = "matches"\n'
        '[energy]\ntitle = "Power"\nretired = true\nterms.en = ["oil price"]\nterms.ru = ["нефть"]\n',
        encoding="utf-8",
    )

    energy, trade, chess = load_topics(shipped_file, own)

    assert (energy.title, energy.covers, energy.retired) == ("Power", "oil, gas and electricity", True)
    assert energy.terms == {"en": ("crude oil", "power plant", "oil price"), "ru": ("нефть",)}
    assert trade.terms == {"en": ("exports", "import duty")}
    assert chess.id == "chess"


def test_a_desk_without_topics_of_its_own_has_the_shipped_ones(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL_TOPICS)

    assert load_topics(path, tmp_path / "nowhere.toml") == load_topics(path)


def test_what_is_wrong_in_a_desks_own_topics_is_named_in_its_file(tmp_path: Path) -> None:
    path = write(tmp_path, SMALL_TOPICS)
    own = tmp_path / "own.toml"
    own.write_text(
        '\n[energy]\nterms.en = ["Crude oil", "import duty"]\n[chess]\ntitle = "Chess"\n', encoding="utf-8"
    )

    with pytest.raises(LabelError) as caught:
        load_topics(path, own)

    assert caught.value.problems == (
        f"{own}:3: topic 'energy': term 'Crude oil' is empty or stands twice",
        f"{own}:4: topic 'chess': 'covers' is missing",
        f"{path}:9: term 'import duty' (en) speaks for 'energy' and for 'trade'; a term has one topic",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no topic in it; add a table such as [energy]"),
        ("[energy\n", "line 1"),
        ('[energy]\ntitle = "Energy"\n[energy]\n', "line 3"),
        ('energy = "oil"\n', "topic 'energy': should be a table"),
    ],
)
def test_a_file_that_is_no_list_of_topics_is_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)

    (problem,) = problems_of(path)

    assert problem.startswith(str(path))
    assert said in problem
    assert "\n" not in problem


def test_a_file_in_another_encoding_or_none_at_all_is_named(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    missing = problems_of(path)
    path.write_bytes(SMALL_TOPICS.replace("oil", "нефть").encode("cp1251"))

    undecodable = problems_of(path)

    assert missing[0].startswith(f"{path}: ")
    assert "No such file" in missing[0]
    assert undecodable[0].startswith(f"{path}: 'utf-8' codec can't decode")
