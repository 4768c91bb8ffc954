"""Runs of characters found for many words together: the same as are found one by one."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.features import runs
from classifier.names import Names
from classifier.spelling import MOST_LETTERS, Spelling

SEEN = ["oil", "pipeline", "нефть", "нефтяной", "النفط", "мұнай", "a", "日本語", "💧💧💧"]
WORDS = st.lists(st.sampled_from(SEEN) | st.text(min_size=1, max_size=12), max_size=8)


def names(words: list[str]) -> Names:
    return Names.of(sorted(set(chain.from_iterable(map(runs, words)))))


def one_by_one(known: Names, words: list[str]) -> tuple[list[int], list[int]]:
    found = [[place for run in runs(word) if (place := known.place(run)) >= 0] for word in words]
    return list(chain.from_iterable(found)), [len(places) for places in found]


@given(words=WORDS)
def test_words_are_spelled_together_as_one_by_one(words: list[str]) -> None:
    known = names(SEEN)

    places, sizes = Spelling(known).of(words)

    assert (places.tolist(), sizes.tolist()) == one_by_one(known, words)


def test_each_of_the_runs_is_found() -> None:
    known = names(SEEN)

    places, sizes = Spelling(known).of(SEEN)

    assert sorted(set(places.tolist())) == list(range(len(known)))
    assert sizes.tolist() == [len(runs(word)) for word in SEEN]


@pytest.mark.parametrize("words", [[], ["x"], ["нет"], ["\U0010ffff" * 3]])
def test_what_nobody_knows_has_no_runs(words: list[str]) -> None:
    places, sizes = Spelling(names(["oil"])).of(words)

    assert places.tolist() == []
    assert sizes.tolist() == [0] * len(words)


def test_more_letters_than_fit_are_refused() -> None:
    letters = [chr(0x4E00 + number) for number in range(MOST_LETTERS - 1)]  # and the boundary
    fitting = names(["".join(letters[start : start + 20]) for start in range(0, len(letters) - 1, 20)])

    with pytest.raises(ValueError, match="letters"):
        Spelling(names([*fitting, "ёж", "ща"]))
    assert Spelling(fitting).of([letters[0] + letters[1]])[1].tolist() == [1]
