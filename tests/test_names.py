"""Names of a model: found where they lie, one by one or many together, and never another's place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.names import Names

LETTERS = st.text("abzжяқعك漢 ", min_size=1, max_size=7)


@given(st.sets(LETTERS), st.lists(LETTERS))
def test_each_name_has_its_place_and_another_has_none(known: set[str], asked: list[str]) -> None:
    in_order = sorted(known)
    names = Names.of(in_order)
    asked += in_order
    expected = [in_order.index(name) if name in known else -1 for name in asked]

    assert names.places(asked).tolist() == expected
    assert [names.place(name) for name in asked] == expected
    assert list(names) == in_order
    assert names[1:] == in_order[1:]


@pytest.mark.parametrize("name", ["oil", "нефть"])
def test_a_name_is_not_found_by_its_beginning_or_with_something_behind_it(name: str) -> None:
    names = Names.of([name])

    assert names.places([name[:-1], name, f"{name}s", f"{name}\0s"]).tolist() == [-1, 0, -1, -1]
    assert [Names.of([name]).place(asked) for asked in (name[:-1], name, f"{name}s")] == [-1, 0, -1]


def test_the_places_stay_as_they_were_however_many_are_asked_for() -> None:
    in_order = sorted(f"{number:x}" for number in range(300))
    names = Names.of(in_order)

    for _ in range(3):
        assert [names.place(name) for name in [*in_order, "x"]] == [*range(300), -1]
