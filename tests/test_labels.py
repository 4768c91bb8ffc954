"""Label sheets: rows of topics and passages; what is wrong in one is named with its line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.errors import LabelError
from classifier.labels import read_article_labels, read_examples

KNOWN = {"energy", "trade", "health"}


def write(folder: Path, text: str) -> Path:
    path = folder / "sheet.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of_examples(path: Path) -> tuple[str, ...]:
    with pytest.raises(LabelError) as caught:
        read_examples(path, KNOWN)
    return caught.value.problems


def problems_of_articles(path: Path) -> tuple[str, ...]:
    with pytest.raises(LabelError) as caught:
        read_article_labels(path, KNOWN)
    return caught.value.problems


def test_a_row_is_a_passage_and_its_topics(tmp_path: Path) -> None:
    path = write(tmp_path, "# a note\nenergy, trade\tOil exports rose.\n\n-\tThe striker scored.\n")

    first, second = read_examples(path, KNOWN)

    assert first.text == "Oil exports rose."
    assert first.topics == {"energy", "trade"}
    assert first.where == f"{path}:2"
    assert second.text == "The striker scored."
    assert second.topics == frozenset()
    assert second.where == f"{path}:4"


def test_line_breaks_of_other_systems_and_unicode_ones_do_not_part_a_row(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes("energy\tOil rose.\u2028Gas fell.\r\ntrade\tExports rose.\u0085\r\n".encode())

    first, second = read_examples(path, KNOWN)

    assert first.text == "Oil rose.\u2028Gas fell."
    assert second.text == "Exports rose."


def test_a_hash_without_a_blank_opens_no_comment(tmp_path: Path) -> None:
    path = write(tmp_path, "#energy\tOil rose.\n")

    assert problems_of_examples(path) == (f"{path}:1: no topic '#energy' in topics.toml",)


def test_every_bad_row_of_a_sheet_is_named_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "energy\tOil rose.\n"
        "energy Oil rose.\n"
        "enrgy\tOil fell.\n"
        "# fine\n"
        "energy\tOil\trose.\n"
        "\tGas rose.\n"
        "trade\t \n"
        "trade, trade\tExports rose.\n"
        "energy,\tCoal rose.\n"
        "-, trade\tImports rose.\n",
    )

    problems = problems_of_examples(path)

    shape = "should be topics, one tab, text"
    assert sorted(problems, key=lambda line: int(line.split(":")[1])) == [
        f"{path}:2: {shape}",
        f"{path}:3: no topic 'enrgy' in topics.toml",
        f"{path}:5: {shape}",
        f"{path}:6: {shape}",
        f"{path}:7: {shape}",
        f"{path}:8: topic 'trade' stands twice",
        f"{path}:8: topic 'trade' stands twice",
        f"{path}:9: no topic '' in topics.toml",
        f"{path}:10: no topic '-' in topics.toml",
    ]


def test_a_sheet_that_is_not_utf8_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sheet.tsv"
    (missing,) = problems_of_examples(path)
    path.write_bytes("energy\tНефть подорожала.\n".encode("cp1251"))

    (undecodable,) = problems_of_examples(path)

    assert missing.startswith(f"{path}: ")
    assert "No such file" in missing
    assert undecodable.startswith(f"{path}: 'utf-8' codec can't decode")


def test_a_sheet_about_a_source_file_judges_article_by_article(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "# judged by reading\n"
        "article\tOil rises\nmain\tenergy, trade\n# close\nmention\thealth\n"
        "energy\tOil rises\n-\tBy our reporter\n"
        "article\tDerby won\nmain\t-\nmention\t-\n-\tDerby won\n",
    )

    first, second = read_article_labels(path, KNOWN)

    assert first.opening == "Oil rises"
    assert first.main == {"energy", "trade"}
    assert first.mention == {"health"}
    assert [(passage.text, sorted(passage.topics), passage.line) for passage in first.passages] == [
        ("Oil rises", ["energy"], 6),
        ("By our reporter", [], 7),
    ]
    assert first.where == f"{path}:2"
    assert not second.main | second.mention
    assert second.where == f"{path}:8"


def test_rows_before_the_first_article_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "energy\tOil rises\narticle\tOil rises\nmain\tenergy\nmention\t-\n")

    assert problems_of_articles(path) == (f"{path}:1: rows before the first 'article' row",)


@pytest.mark.parametrize(
    "head",
    [
        "article\tOil rises\nmention\t-\nmain\tenergy\n",
        "article\tOil rises\nmain\tenergy\nenergy\tOil rises\n",
        "article\tOil rises\nmain\tenergy\n",
        "article\tOil rises\n",
    ],
)
def test_an_article_opens_with_its_three_head_rows(tmp_path: Path, head: str) -> None:
    path = write(tmp_path, f"# note\n{head}")

    problems = problems_of_articles(path)

    assert f"{path}:2: an article opens with the rows article, main and mention" in problems


def test_problems_of_all_articles_of_a_sheet_come_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "article\tOil rises\nmain\tenergy, enrgy\nmention\tenergy\nhelth\tOil rises\n"
        "article\tDerby won\nmain\t-\nmention\tsport\n-\tDerby won\nno tab here\n",
    )

    problems = problems_of_articles(path)

    assert set(problems) == {
        f"{path}:2: no topic 'enrgy' in topics.toml",
        f"{path}:1: 'energy' is both main and mention",
        f"{path}:4: no topic 'helth' in topics.toml",
        f"{path}:7: no topic 'sport' in topics.toml",
        f"{path}:9: should be topics, one tab, text",
    }
