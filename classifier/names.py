"""Many names, held as the bytes in which a model's file has them, and found there.

To make a string of each, and a dict of the strings, takes longer than to tag an article.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

_AS_LONG = 6  # names that are put into a dict in the time of one search


class Names(Sequence[str]):
    """Names in order. The place of one is the row that other arrays have for it."""

    def __init__(self, encoded: NDArray[np.bytes_]) -> None:
        """`encoded` is UTF-8, in the order of its bytes, without repetition."""
        self.encoded = encoded
        self._searched = 0
        self._by_name: dict[str, int] | None = None

    @classmethod
    def of(cls, names: Iterable[str]) -> Names:
        """Of names that are in the order of their characters already."""
        return cls(_encoded(names))

    def __len__(self) -> int:
        return len(self.encoded)

    def __iter__(self) -> Iterator[str]:
        return (name.decode() for name in self.encoded.tolist())

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [name.decode() for name in self.encoded[place].tolist()]
        return str(self.encoded[place].decode())

    def place(self, name: str) -> int:
        """The place of a name; -1 for one that is not there."""
        if self._by_name is None:
            self._searched += 1
            if self._searched * _AS_LONG < len(self):
                wanted = name.encode()
                found = bisect_left(self.encoded, wanted)
                return found if found < len(self) and self.encoded[found] == wanted else -1
            self._by_name = {name: place for place, name in enumerate(self)}
        return self._by_name.get(name, -1)

    def places(self, names: Iterable[str]) -> NDArray[np.int64]:
        """The places of many names, found together; -1 for one that is not there."""
        asked = _encoded(names)
        if not len(self):
            return np.full(len(asked), -1)
        # A name that is longer than all of ours is looked for cut to their length, and then not
        # equal to what stands there.
        found = self.encoded.searchsorted(asked.astype(self.encoded.dtype))
        found[found == len(self)] = 0
        found[self.encoded.take(found) != asked] = -1
        return found


def _encoded(names: Iterable[str]) -> NDArray[np.bytes_]:
    return np.array([name.encode() for name in names], dtype=np.bytes_)
