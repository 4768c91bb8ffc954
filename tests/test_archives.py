"""Labelled articles that people bring from elsewhere; every bad one is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifier import shipped
from classifier.archives import corpus, read
from classifier.errors import LabelError
from classifier.languages import SHIPPED
from classifier.topics import load_topics


def write(folder: Path, *lines: str, name: str = "examples.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def problems_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(LabelError) as caught:
        read(path)
    assert not [problem for problem in caught.value.problems if "\n" in problem]
    return caught.value.problems


def test_a_line_is_an_article_and_its_judgement(tmp_path: Path) -> None:
    row = {"id": 7, "title": "Oil rises", "text": "Crude oil rose.", "main": ["energy"], "mention": ["trade"]}
    path = write(tmp_path, json.dumps(row), "", json.dumps({"text": "The striker scored.", "lang": "kk"}))

    first, second = read(path)

    assert (first.article.id, first.article.title) == ("7", "Oil rises")
    assert first.article.text == "Oil rises\nCrude oil rose."
    assert first.main == {"energy"}
    assert first.mention == {"trade"}
    assert first.where == f"{path}:1"
    assert second.article.language == "kk"
    assert not second.main | second.mention
    assert second.where == f"{path}:3"


def test_a_text_that_opens_with_its_title_has_it_once(tmp_path: Path) -> None:
    (judged,) = read(write(tmp_path, '{"title": "Oil rises", "text": "Oil rises\\n\\nCrude oil rose."}'))

    assert judged.article.text == "Oil rises\nCrude oil rose."


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    path.write_text('{"text": "Crude oil rose."}\n', encoding="utf-8-sig")

    assert [judged.article.text for judged in read(path)] == ["Crude oil rose."]


def test_an_export_of_doccano_is_read(tmp_path: Path) -> None:
    first, second = read(
        write(
            tmp_path,
            '{"id": 1, "text": "Crude oil rose.", "label": ["energy", "trade"]}',
            '{"id": 2, "text": "The striker scored.", "label": []}',
        )
    )

    assert first.main == {"energy", "trade"}
    assert not second.main


def test_an_export_of_label_studio_is_read_and_cancelled_annotations_do_not_count(tmp_path: Path) -> None:
    def annotation(*choices: str, cancelled: bool = False) -> dict[str, object]:
        result = [{"type": "choices", "value": {"choices": list(choices)}}]
        return {"result": result, "was_cancelled": cancelled}

    tasks = [
        {
            "id": 5,
            "data": {"text": "Crude oil rose.", "title": "Oil"},
            "annotations": [annotation("trade"), annotation("energy"), annotation("x", cancelled=True)],
        },
        {"id": 6, "data": {"text": "The striker scored."}, "annotations": []},
    ]
    path = write(tmp_path, json.dumps(tasks, indent=1), name="export.json")

    first, second = read(path)

    assert (first.article.id, first.article.title) == ("5", "Oil")
    assert first.main == {"energy"}
    assert not second.main
    assert second.where == f"{path}: task 2"


def test_a_folder_as_annif_has_it_is_read(tmp_path: Path) -> None:
    write(tmp_path, "Crude oil rose.", name="a.txt")
    write(tmp_path, "<http://example.org/1>\tenergy", "trade", "", name="a.tsv")
    write(tmp_path, "Gas fell.", name="b.txt")
    write(tmp_path, "energy", name="b.key")
    write(tmp_path, "The striker scored.", name="c.txt")

    first, second, third = read(tmp_path)

    assert [judged.article.id for judged in (first, second, third)] == ["a", "b", "c"]
    assert first.main == {"energy", "trade"}
    assert second.main == {"energy"}
    assert not third.main


def test_every_bad_line_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '{"text": "Crude oil rose."}',
        "not json",
        "5",
        '{"title": "No text"}',
        '{"text": "  "}',
        '{"text": 5}',
        '{"text": "Oil", "main": "energy"}',
        '{"text": "Oil", "mention": [1]}',
        '{"text": "Oil", "main": ["energy", "trade"], "mention": ["trade"]}',
        '{"text": "Oil", "main": ["oil, gas"]}',
        '{"text": "Oil", "main": ["main"]}',
        '{"text": "Oil", "main": [" "]}',
        '{"data": "Oil", "annotations": []}',
        '{"a": ' * 100_000,
    )

    problems = dict(problem.removeprefix(f"{path}:").split(": ", 1) for problem in problems_of(path))

    assert problems.pop("2").startswith("not JSON: ")
    assert problems.pop("14").startswith("not JSON: ")
    assert problems == {
        "3": "should be an object",
        "4": '"text" should be a text',
        "5": '"text" should be a text',
        "6": '"text" should be a text',
        "7": '"main" should be a list of topics',
        "8": '"mention" should be a list of topics',
        "9": "trade: both main and mention",
        "10": "'oil, gas' cannot be the name of a topic",
        "11": "'main' cannot be the name of a topic",
        "12": "' ' cannot be the name of a topic",
        "13": '"data" should be an object',
    }


def test_a_file_of_another_kind_does_not_fill_the_screen(tmp_path: Path) -> None:
    problems = problems_of(write(tmp_path, *["a line of prose"] * 500))

    assert len(problems) == 51
    assert problems[-1] == f"{tmp_path / 'examples.jsonl'}: and 450 more"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no labelled article in it"),
        (b"\n \n", "no labelled article in it"),
        (b"[]", "no labelled article in it"),
        (b"[{", "not JSON: "),
        (b"[1]", "task 1: should be an object"),
        ('{"text": "Нефть"}'.encode("cp1251"), "1: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_without_labelled_articles_is_one_clear_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "examples.json"
    path.write_bytes(content)

    (problem,) = problems_of(path)

    assert problem.startswith(f"{path}:")
    assert said in problem


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "nowhere.jsonl")

    assert problem.startswith(f"{tmp_path / 'nowhere.jsonl'}: ")
    assert "No such file" in problem


def test_an_archives_topics_are_those_that_its_articles_name(tmp_path: Path) -> None:
    articles = read(
        write(tmp_path, '{"text": "A", "main": ["trade"]}', '{"text": "B", "mention": ["Öl"], "main": []}')
    )

    found = corpus(articles)

    assert found.topic_ids == ("trade", "Öl")
    assert found.articles == articles
    assert list(found.terms()) == []


def test_the_held_out_articles_are_sound() -> None:
    known = {topic.id for topic in load_topics(shipped("labels") / "topics.toml")}

    articles = read(shipped("labels") / "held-out" / "dev.jsonl")

    assert {judged.article.language for judged in articles} == set(SHIPPED)
    assert len({judged.article.id for judged in articles}) == len(articles)
    assert all(judged.main | judged.mention <= known for judged in articles)
