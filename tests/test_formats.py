"""Sound files as real programs make them: their words, titles, dates and languages come back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from classifier.reading import Reader
from tests.formats import expecting
from tests.formats.__main__ import faults, owners_rules, read_with
from tests.formats.table import FILES

EXPECTED = expecting.load()


class Readers:
    """A reader for each format, so that none profits from what another format has loaded."""

    def __init__(self) -> None:
        self.by_format: dict[str, Reader] = {}
        self.owners = Reader(owners_rules(EXPECTED))

    def usual(self, format: str) -> Reader:
        return self.by_format.setdefault(format, Reader())

    def close(self) -> None:
        for each in (*self.by_format.values(), self.owners):
            each.close()


@pytest.fixture(scope="module")
def readers() -> Iterator[Readers]:
    readers = Readers()
    yield readers
    readers.close()


@pytest.mark.parametrize("expected", [pytest.param(each, id=each["file"]) for each in EXPECTED])
def test_a_sound_file_gives_its_words_and_what_it_says_of_itself(
    expected: dict[str, Any], readers: Readers
) -> None:
    found, complaints = read_with(readers.usual(expected["format"]), readers.owners, expected)

    assert not complaints
    assert [faults(each) for each in found] == [[] for _ in expected["articles"]]


def test_what_is_expected_is_what_the_table_says() -> None:
    assert [each["file"] for each in EXPECTED] == [made.name for made in FILES]
    assert [json.loads(expecting.line(made)) for made in FILES] == EXPECTED


def test_the_files_are_many_and_small() -> None:
    sizes = [(expecting.MADE / made.name).stat().st_size for made in FILES]

    assert len(sizes) >= 80
    assert max(sizes) <= 100_000
    assert sum(sizes) <= 4_000_000
