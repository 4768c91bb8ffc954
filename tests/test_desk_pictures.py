"""The pictures of the desk in the README: there is one of each page, and none is heavy."""

from __future__ import annotations

import pytest

from tests.desk_pictures import LARGEST, SHOTS
from tests.pictures import FOLDER


@pytest.mark.parametrize("name", [shot.name for shot in SHOTS])
def test_a_picture_is_there_small_and_not_wider_than_a_page(name: str) -> None:
    data = (FOLDER / f"{name}.png").read_bytes()

    assert len(data) <= LARGEST, "take it anew: python -m tests.desk_pictures"
    assert int.from_bytes(data[16:20], "big") <= 1280  # the width, first in a PNG's header


def test_no_picture_is_of_a_page_that_is_no_longer_taken() -> None:
    assert {path.stem for path in FOLDER.glob("desk-*.png")} == {shot.name for shot in SHOTS}
