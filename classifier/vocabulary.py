"""Which words an archive of any length uses most, and in how many articles each stands.

Counted exactly, in bounded memory: what does not fit is put aside on the disk in the order of the words,
and all parts are joined at the end.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

_HELD = 300_000  # words in memory
_PARTS = 32  # on the disk, each an open file


class Vocabulary:
    """Words with numbers that are added up.

    Its files have no name: however this process ends, the system frees them.
    """

    def __init__(self, folder: Path, *, held: int = _HELD) -> None:
        """What does not fit goes to the disk that `folder` is on."""
        self._folder = folder
        self._held = held
        self._counts: dict[str, int] = {}
        self._parts: list[IO[bytes]] = []

    def add(self, words: Iterable[tuple[str, int]]) -> None:
        counts = self._counts
        for word, number in words:
            counts[word] = counts.get(word, 0) + number
        if len(counts) > self._held:
            self._put_aside()

    def most_used(self, most: int, *, at_least: int) -> list[tuple[str, int]]:
        """The words with the largest numbers, none below `at_least`, in the order of the words.

        Of equal numbers the word that comes first counts for more.
        """
        enough = ((-number, word) for word, number in self._all() if number >= at_least)
        found = heapq.nsmallest(most, enough)
        return sorted((word, -number) for number, word in found)

    def close(self) -> None:
        while self._parts:
            self._parts.pop().close()
        self._counts.clear()

    def _all(self) -> Iterator[tuple[str, int]]:
        """Every word once, with its number in all."""
        if not self._parts:
            yield from self._counts.items()
            return
        parts = [_read(part) for part in self._parts]
        merged = heapq.merge(*parts, sorted(self._counts.items()), key=itemgetter(0))
        for word, same in groupby(merged, key=itemgetter(0)):
            yield word, sum(number for _, number in same)

    def _put_aside(self) -> None:
        part = TemporaryFile(dir=self._folder)  # noqa: SIM115 (`close` closes it)
        if len(self._parts) == _PARTS:
            _write(part, self._all())
            while self._parts:
                self._parts.pop().close()
        else:
            _write(part, sorted(self._counts.items()))
        self._parts.append(part)
        self._counts.clear()


def _write(file: IO[bytes], words: Iterable[tuple[str, int]]) -> None:
    file.writelines(f"{word}\t{number}\n".encode() for word, number in words)
    file.flush()


def _read(file: IO[bytes]) -> Iterator[tuple[str, int]]:
    file.seek(0)
    for line in file:
        word, _, number = line.decode().partition("\t")
        yield word, int(number)
