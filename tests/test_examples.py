"""Labelled articles from JSON Lines, and what the model says of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier import shipped
from classifier.errors import LabelError
from classifier.evaluation import quality
from classifier.examples import judge, read
from classifier.languages import SHIPPED
from classifier.topics import load_topics
from tests.builders import small_model


def write(folder: Path, *lines: str) -> Path:
    path = folder / "examples.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(LabelError) as caught:
        read(path)
    return caught.value.problems


def test_a_line_is_an_article_and_its_judgement(tmp_path: Path) -> None:
    row = {"id": 7, "title": "Oil rises", "text": "Crude oil rose.", "main": ["energy"], "mention": ["trade"]}
    path = write(tmp_path, json.dumps(row), "", json.dumps({"text": "The striker scored.", "lang": "kk"}))

    first, second = read(path)

    assert (first.article.id, first.article.title) == ("7", "Oil rises")
    assert first.article.text == "Oil rises\nCrude oil rose."
    assert first.main == {"energy"}
    assert first.mention == {"trade"}
    assert second.article.language == "kk"
    assert not second.main | second.mention


def test_every_bad_line_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"text": "Crude oil rose."}',
        "not json",
        "[]",
        '{"title": "No text"}',
        '{"text": "  "}',
        '{"text": 5}',
        '{"text": "Oil", "main": "energy"}',
        '{"text": "Oil", "mention": [1]}',
        '{"text": "Oil", "main": ["energy", "trade"], "mention": ["trade"]}',
        "[" * 100_000,
    )

    problems = problems_of(path)

    assert [problem.split(": ", 1)[0] for problem in problems] == [f"{path}:{line}" for line in range(2, 11)]
    assert problems[1:-1] == (
        f"{path}:3: should be an object",
        f'{path}:4: "text" should be a text',
        f'{path}:5: "text" should be a text',
        f'{path}:6: "text" should be a text',
        f'{path}:7: "main" should be a list of topics',
        f'{path}:8: "mention" should be a list of topics',
        f"{path}:9: ['trade'] are both main and mention",
    )
    assert not [problem for problem in problems if "\n" in problem]


def test_a_file_without_examples_or_none_at_all_is_named(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    (missing,) = problems_of(path)
    path.write_bytes('{"text": "Нефть"}'.encode("cp1251"))
    (undecodable,) = problems_of(path)
    path.write_text("\n\n")

    assert "No such file" in missing
    assert undecodable.startswith(f"{path}: 'utf-8' codec can't decode")
    assert problems_of(path) == (f"{path}: no example in it",)


def test_what_the_model_says_is_judged_beside_what_is_true(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"text": "Oil and gas rose.", "main": ["energy"], "lang": "en"}',
        '{"text": "Export of wheat.", "main": ["trade"], "lang": "ru"}',
        '{"text": "Gas, oil.", "main": [], "mention": ["trade"]}',
        '{"text": "The striker scored.", "main": ["trade"], "lang": "en"}',
    )
    told: list[tuple[str, int, int]] = []

    judged = judge(small_model(), read(path), lambda what, done, steps: told.append((what, done, steps)))

    assert judged.languages == ("en", "ru", "?", "en")
    assert judged.main.tolist() == [[True, False], [False, True], [False, False], [False, True]]
    assert judged.mention.tolist() == [[False, False], [False, False], [False, True], [False, False]]
    assert judged.said.tolist() == [[True, False], [False, True], [True, False], [False, False]]
    assert quality(judged).f1 == pytest.approx(4 / 6)
    assert told[-1][1:] == (3, 4)


def test_the_held_out_articles_are_sound() -> None:
    known = {topic.id for topic in load_topics(shipped("labels") / "topics.toml")}

    examples = read(shipped("labels") / "held-out" / "dev.jsonl")

    assert {example.article.language for example in examples} == set(SHIPPED)
    assert len({example.article.id for example in examples}) == len(examples)
    assert all(example.main | example.mention <= known for example in examples)
