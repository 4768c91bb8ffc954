"""Articles as numbers, on the disk: written once in blocks, read again and again.

The files have no name: however this process ends, the system frees what they took.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from classifier.corpus import Judged
from classifier.features import Recipe, blocks, saturated
from classifier.material import smoothed_idf, weighted
from classifier.vocabulary import Vocabulary

Array = NDArray[Any]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Tell = Callable[[int], None]  # articles done

_ARTICLES = 4096  # in a block
_WORDS = 300_000  # in a block, each once an article
_MOST_OFTEN = 65_535  # that a word is counted in one article
_HEADLINES = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """Some articles as a model learns from them; rows are articles.

    `ids` are the first 16 letters of their fingerprints, as numbers; `languages` are numbers of
    `Spooled.languages`.
    """

    matrix: sparse.csr_matrix  # articles × words
    main: Flags  # articles × topics
    mention: Flags
    languages: NDArray[np.int64]
    ids: NDArray[np.uint64]

    def of(self, rows: Flags) -> Drawn:
        return Drawn(
            self.matrix[rows], self.main[rows], self.mention[rows], self.languages[rows], self.ids[rows]
        )

    def without_matrix(self) -> Drawn:
        """The same, of no words: what is kept of many articles."""
        return replace(self, matrix=self.matrix[:, :0])


@dataclass(frozen=True, slots=True)
class Read:
    """What is known of an archive that was read, but the articles themselves.

    `main` are numbers of main articles by topic and language; `headlines` those of the first articles.
    """

    articles: int
    topics: tuple[str, ...]  # in alphabetical order
    languages: tuple[str, ...]  # "?" for unknown
    main: Counter[tuple[str, str]]
    headlines: tuple[str, ...]
    fingerprint: str

    def counts(self) -> dict[str, Counter[str]]:
        """For each topic, in how many articles of each language it is main."""
        found: dict[str, Counter[str]] = {topic: Counter() for topic in self.topics}
        for (topic, language), number in sorted(self.main.items()):
            found[topic][language] = number
        return found


class Spool:
    """Blocks of arrays in a file without a name, on the disk that `folder` is on."""

    def __init__(self, folder: Path) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 (`close` closes it)
        self._blocks: list[tuple[int, list[tuple[np.dtype[Any], int]]]] = []

    def __len__(self) -> int:
        return len(self._blocks)

    def add(self, *arrays: Array) -> None:
        """One block more. Its arrays have one dimension."""
        start = self._file.seek(0, 2)
        for array in arrays:
            self._file.write(np.ascontiguousarray(array).data)
        self._blocks.append((start, [(array.dtype, len(array)) for array in arrays]))

    def read(self, block: int) -> list[Array]:
        start, arrays = self._blocks[block]
        self._file.seek(start)
        return [np.frombuffer(self._file.read(dtype.itemsize * size), dtype) for dtype, size in arrays]

    def close(self) -> None:
        self._file.close()


class Reader:
    """Reads articles once: they go to the disk as numbers, and their words are counted."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self._recipe = recipe
        self.spool = Spool(folder)
        self.vocabulary = Vocabulary(folder)
        self._topics: dict[str, int] = {}  # in the order in which they first come
        self._languages: dict[str, int] = {}
        self._block = _Block()

    def read(self, articles: Iterable[Judged], tell: Tell) -> Read:
        """Read them all. `tell` hears now and then how many were."""
        digest = hashlib.sha256()
        counts: Counter[tuple[str, str]] = Counter()
        headlines: list[str] = []
        number = 0
        for number, judged in enumerate(articles, 1):
            counts.update((topic, judged.article.language or "?") for topic in judged.main)
            if len(headlines) < _HEADLINES:
                headlines.append(judged.article.headline)
            digest.update(_as_json(judged).encode("utf-8", "replace"))
            self._add(judged)
            if self._block.is_full:
                self._put_away()
                tell(number)
        self._put_away()
        digest.update(json.dumps(sorted(self._topics)).encode())
        return Read(
            number,
            tuple(sorted(self._topics)),
            tuple(self._languages),
            counts,
            tuple(headlines),
            digest.hexdigest(),
        )

    def topic_order(self) -> NDArray[np.int64]:
        """For each topic, by the number that blocks have for it, its place in the alphabetical order."""
        return np.argsort(np.argsort(np.array(list(self._topics), dtype=object)))

    def close(self) -> None:
        self.spool.close()
        self.vocabulary.close()

    def _add(self, judged: Judged) -> None:
        article = judged.article
        self._block.add(
            Counter(self._recipe.words_of(article.text, article.title)),
            [[_number(self._topics, topic) for topic in sorted(of)] for of in (judged.main, judged.mention)],
            _number(self._languages, article.language or "?"),
            int(article.fingerprint[:16], 16),
        )

    def _put_away(self) -> None:
        block, self._block = self._block, _Block()
        if block.ids:
            self.vocabulary.add(block.frequencies())
            self.spool.add(*block.arrays())


@dataclass
class _Block:
    """Articles whose words have numbers of their own in here, in the order in which they first come."""

    words: dict[str, int] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    often: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=lambda: [0])
    topics: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    rows: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    languages: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        return len(self.ids) >= _ARTICLES or len(self.numbers) >= _WORDS

    def add(self, said: Counter[str], topics: Sequence[Sequence[int]], language: int, id: int) -> None:
        row = len(self.ids)
        self.numbers += [_number(self.words, word) for word in said]
        self.often += said.values()
        self.ends.append(len(self.numbers))
        for grade, found in enumerate(topics):
            self.topics[grade].extend(found)
            self.rows[grade].extend([row] * len(found))
        self.languages.append(language)
        self.ids.append(id)

    def frequencies(self) -> Iterable[tuple[str, int]]:
        """In how many of the articles each word stands."""
        found = np.bincount(np.array(self.numbers, dtype=np.int64), minlength=len(self.words))
        return zip(self.words, found.tolist(), strict=True)

    def arrays(self) -> list[Array]:
        words = "\n".join(self.words).encode()
        often = np.minimum(np.array(self.often, dtype=np.int64), _MOST_OFTEN)
        pairs = [np.array(each, dtype=np.int32) for each in (*self.topics, *self.rows)]
        return [
            np.frombuffer(words, dtype=np.uint8),
            np.array(self.numbers, dtype=np.int32),
            often.astype(np.uint16),
            np.array(self.ends, dtype=np.int32),
            *pairs,
            np.array(self.languages, dtype=np.int32),
            np.array(self.ids, dtype=np.uint64),
        ]


class Shelf:
    """The articles of an archive with the weights of their words, block by block."""

    def __init__(self, folder: Path, recipe: Recipe, read: Read, used: Sequence[tuple[str, int]]) -> None:
        """`used` are the words that count, in order, each with the number of articles that it stands in."""
        self.words = [word for word, _ in used]
        frequency = np.array([number for _, number in used], dtype=np.int64)
        self.idf = smoothed_idf(read.articles, frequency, recipe)
        self._parts = blocks([recipe.features(word)[0] for word in self.words], recipe)
        self._topics = len(read.topics)
        self._spool = Spool(folder)

    def __len__(self) -> int:
        return len(self._spool)

    def fill(self, reader: Reader, tell: Tell) -> None:
        """Take over what was read. `tell` hears how many articles were."""
        places = {word: place for place, word in enumerate(self.words)}
        order = reader.topic_order()
        done = 0
        for number in range(len(reader.spool)):
            done += self._add(reader.spool.read(number), places, order)
            tell(done)

    def _add(self, block: Sequence[Array], places: Mapping[str, int], order: NDArray[np.int64]) -> int:
        words, numbers, often, ends, main, mention, of_main, of_mention, languages, ids = block
        columns = [places.get(word, -1) for word in words.tobytes().decode().split("\n")]
        found = np.array(columns, dtype=np.int32)[numbers]
        kept = found >= 0
        ends = np.concatenate([[0], np.cumsum(kept)])[ends]
        shape = (len(ids), len(self.words))
        counts = sparse.csr_matrix((saturated(often[kept].astype(np.float64)), found[kept], ends), shape)
        matrix = weighted(counts, self.idf, self._parts)
        matrix.sort_indices()
        flags = np.zeros((2, len(ids), self._topics), dtype=bool)
        for grade, (rows, topics) in enumerate(((of_main, main), (of_mention, mention))):
            flags[grade, rows, order[topics]] = True
        self._spool.add(
            matrix.data.astype(np.float32), matrix.indices, matrix.indptr, np.packbits(flags), languages, ids
        )
        return len(ids)

    def drawn(self, numbers: Iterable[int]) -> Drawn:
        """The articles of some of the blocks."""
        found = [self._drawn(number) for number in numbers]
        return Drawn(
            sparse.vstack([each.matrix for each in found], format="csr"),
            np.concatenate([each.main for each in found]),
            np.concatenate([each.mention for each in found]),
            np.concatenate([each.languages for each in found]),
            np.concatenate([each.ids for each in found]),
        )

    def _drawn(self, number: int) -> Drawn:
        weights, columns, ends, packed, languages, ids = self._spool.read(number)
        shape = (2, len(ids), self._topics)
        main, mention = np.unpackbits(packed, count=int(np.prod(shape))).reshape(shape).astype(bool)
        matrix = sparse.csr_matrix((weights, columns, ends), (len(ids), len(self.words)))
        return Drawn(matrix, main, mention, languages, ids)

    def close(self) -> None:
        self._spool.close()


def _number(numbers: dict[str, int], name: str) -> int:
    return numbers.setdefault(name, len(numbers))


def _as_json(judged: Judged) -> str:
    article = judged.article
    labels = [sorted(judged.main), sorted(judged.mention)]
    return json.dumps([article.title, article.text, article.language, *labels], ensure_ascii=False)
