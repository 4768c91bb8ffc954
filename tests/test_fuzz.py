"""What the fuzzers have learnt is read without a broken promise, here without a fuzzer (see `make fuzz`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifier.articles import Article, Contents
from tests.fuzz import containers, jailed
from tests.fuzz.checking import FindingError, check_contents, check_failure
from tests.fuzz.entries import ENTRIES, RULES
from tests.fuzz.names import HERE, NAMES, corpus

FILES = [path for name in NAMES for path in sorted(corpus(name).glob("*"))]


def test_every_entry_has_a_name_and_a_corpus() -> None:
    assert set(ENTRIES) == set(NAMES)
    assert {path.parent.name for path in FILES} == set(NAMES)


def test_the_corpus_is_small() -> None:
    assert max(path.stat().st_size for path in FILES) <= 4096
    assert sum(path.stat().st_size for path in FILES) <= 500_000
    assert max(len(list(corpus(name).glob("*"))) for name in NAMES) <= 20


@pytest.mark.parametrize("name", NAMES)
def test_no_promise_is_broken_by_what_the_fuzzer_has_learnt(name: str) -> None:
    entry = ENTRIES[name]
    entry.warm()

    for path in sorted(corpus(name).glob("*")):
        entry.run(path.read_bytes())


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 64, b"PK\x03\x04", b"%PDF-", b"{" * 2000])
@pytest.mark.parametrize("name", NAMES)
def test_no_promise_is_broken_by_a_few_bytes(name: str, data: bytes) -> None:
    entry = ENTRIES[name]
    entry.warm()

    entry.run(data)


@pytest.mark.parametrize(
    "article",
    [
        Article(" \n"),
        Article("a\0b"),
        Article("a\u202eb"),
        Article("a\ud800b"),
        Article("b", title="a"),
        Article("a\nb", title="a\nb"),
        Article("a", source="b\x1b[31m"),
        Article("a", caveats=("b\nc",)),
        Article("a", author=" "),
        Article("a", url="b" * 5000),
        Article("a" * (RULES.limits.characters + 1)),
    ],
)
def test_a_broken_promise_is_a_finding(article: Article) -> None:
    with pytest.raises(FindingError):
        check_contents(Contents((article,)), RULES.limits)


def test_contents_without_an_article_and_a_failure_without_a_reason_are_findings() -> None:
    with pytest.raises(FindingError):
        check_contents(Contents(()), RULES.limits)
    with pytest.raises(FindingError):
        check_failure("", "drop it again")
    with pytest.raises(FindingError):
        check_failure("two\nlines", "drop it again")


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("docx/document.xml", containers.docx),
        ("odt/content.xml", containers.odt),
        ("zip/texts.bin", containers.packed),
        ("pdf/shown.bin", containers.pdf),
    ],
)
def test_a_container_made_around_a_sound_part_is_sound(file: str, made: object) -> None:
    from classifier import answers, jailer

    entry = ENTRIES[Path(file).parent.name]
    entry.warm()
    assert callable(made)
    assert entry.format is not None

    answer = jailer._answer(
        entry.format, made((HERE / "corpus" / file).read_bytes()), entry.name, RULES, False
    )

    assert "port" in answers.contents(answer).articles[0].text.lower()


@pytest.mark.slow
def test_the_jail_outlives_spoilt_files_of_every_format(tmp_path: Path) -> None:
    assert jailed.fuzz(5, tmp_path, seed=7) == 0
    assert not list(tmp_path.iterdir())
