"""How files are read is the owner's to say, within bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import ClassifierError
from classifier.rules import BOUNDS, Limits, Rules, load_rules, rules_of


def test_rules_come_back_from_their_table() -> None:
    rules = Rules(Limits(seconds=5.0, pages=10), ("a",), ("b", "c.d"), ("={5,}",))

    assert rules_of(rules.as_json()) == rules


def test_what_a_table_does_not_name_is_as_usual() -> None:
    assert rules_of({"pages": 7}) == Rules(Limits(pages=7))


def test_every_limit_has_bounds_and_stands_within_them() -> None:
    usual = Rules().as_json()

    assert all(least <= usual[name] <= most for name, (least, most) in BOUNDS.items())
    assert set(BOUNDS) | {"title_fields", "text_fields", "separators"} == set(usual)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"second": 5}, "reading.second: unknown; there are seconds,"),
        ({"seconds": 0}, "reading.seconds: should be a number from 1 to 120"),
        ({"pages": 2.5}, "reading.pages: should be a number from 1 to 1"),
        ({"pages": True}, "reading.pages: should be a number"),
        ({"text_fields": "body"}, "reading.text_fields: should be a list of texts in quotes"),
        ({"text_fields": [1]}, "reading.text_fields: should be a list of texts in quotes"),
    ],
)
def test_a_key_that_is_wrong_is_named(table: dict[str, object], said: str) -> None:
    with pytest.raises(ClassifierError) as error:
        rules_of(table)

    assert str(error.value).startswith(said)


def test_the_rules_stand_in_one_table_of_a_configuration(tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text('[inbox]\npath = "news"\n[reading]\ntext_fields = ["story.body"]\n', encoding="utf-8")

    assert load_rules(config).text_fields == ("story.body",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[reading", "own.toml: "),
        ("reading = 3", "reading: should be a table"),
        ("[reading]\nx = 1", "reading.x"),
    ],
)
def test_a_configuration_that_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    config = tmp_path / "own.toml"
    config.write_text(text, encoding="utf-8")

    with pytest.raises(ClassifierError, match=r"own\.toml: ") as error:
        load_rules(config)

    assert said in str(error.value)
