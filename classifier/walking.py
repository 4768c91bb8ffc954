"""A walk over PATHs that shows on stderr how far it has come and what cannot be read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Protocol, TypeVar

from classifier import printing, progress, streams
from classifier.spreading import spread
from classifier.streams import Batch


class Found(Protocol):
    """What came of a batch, in bytes and articles, with a line for each thing that is wrong."""

    @property
    def size(self) -> int: ...

    @property
    def articles(self) -> int: ...

    @property
    def problems(self) -> Sequence[str]: ...

    @property
    def left_out(self) -> Sequence[str]: ...


_F = TypeVar("_F", bound=Found)


def walk(
    paths: Sequence[str], look: Callable[[Batch], _F], *, jobs: int | None, backend: str
) -> Iterator[_F]:
    """What `look` finds in each batch behind the PATHs, in order; memory stays as it is."""

    def total() -> int:
        return streams.size(paths)

    results = spread(look, streams.batches(streams.pieces(paths)), jobs=jobs, backend=backend)
    with closing(results), progress.shown(progress.Pace(), total, bar=sys.stderr.isatty()) as tell:
        for _, found in results:
            for line in (*found.problems, *found.left_out):
                print(f"classifier: {printing.visible(line)}", file=sys.stderr)
            yield found
            tell(found.articles, found.size)
