"""Articles ▶ candidates: a walk over an archive of any size that keeps the passages worth a look.

What is kept depends on the passages alone: not on their order, and not on how many processes look.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from classifier import tagging
from classifier.articles import Article, shorten
from classifier.decoding import clean
from classifier.passages import passages
from classifier.spreading import Tagger
from classifier.streams import Batch
from classifier.suggesting import Candidate, Floats, Needs

SHORTEST = 40  # characters; below are headings and captions, on which there is little to judge
_LONGEST_SOURCE = 160  # characters

# A spreadsheet would run a cell that begins with one of these.
_FORMULA = "=+-@ "


class _Least:
    """The candidates with the `most` smallest numbers; of one text the first that came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[str, tuple[float, Candidate]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def offer(self, number: float, fingerprint: str, found: Candidate) -> None:
        self._kept.setdefault(fingerprint, (number, found))
        if len(self._kept) >= 2 * self._most:
            self._kept = dict(self._best())

    def offer_all(self, other: _Least) -> None:
        for fingerprint, entry in other._best():
            self.offer(entry[0], fingerprint, entry[1])

    def candidates(self) -> list[tuple[str, Candidate]]:
        return [(fingerprint, found) for fingerprint, (_, found) in self._best()]

    def _best(self) -> list[tuple[str, tuple[float, Candidate]]]:
        return heapq.nsmallest(self._most, self._kept.items(), key=lambda entry: (entry[1][0], entry[0]))


@dataclass
class Pool:
    """Of all that was seen the `most` candidates of most doubt for each topic and language, and as
    many drawn at random.

    Drawn are those whose fingerprints are smallest, so a text that comes a thousand times is no
    likelier than another (bottom-k sampling, Cohen and Kaplan 2007).
    """

    most: int
    passages: int = 0  # that might have been kept
    _drawn: list[_Least] = field(default_factory=list)
    _doubted: dict[tuple[int, str], _Least] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._drawn = [_Least(self.most)]

    def add(self, found: Sequence[tuple[str, Candidate]], doubts: Floats) -> None:
        """The candidates of one article: it gives the best one for each topic, and one to the draw."""
        self.passages += len(found)
        drawn, lot = min(found, key=lambda entry: entry[0])
        self._drawn[0].offer(int(drawn, 16), drawn, lot)
        for topic, row in enumerate(doubts.argmax(axis=0).tolist()):
            fingerprint, candidate = found[row]
            if doubts[row, topic] > 0:
                self._of(topic, candidate.language).offer(-doubts[row, topic], fingerprint, candidate)

    def join(self, other: Pool) -> None:
        self.passages += other.passages
        self._drawn[0].offer_all(other._drawn[0])
        for (topic, language), least in other._doubted.items():
            self._of(topic, language).offer_all(least)

    @property
    def held(self) -> int:
        """Candidates in memory: under twice `most` for each topic and language, and for the draw."""
        return sum(map(len, [*self._drawn, *self._doubted.values()]))

    def doubted(self) -> list[Candidate]:
        """Each once, in the order of their fingerprints."""
        found = {
            fingerprint: candidate
            for least in self._doubted.values()
            for fingerprint, candidate in least.candidates()
        }
        return [found[fingerprint] for fingerprint in sorted(found)]

    def drawn(self) -> list[Candidate]:
        """In the order in which they were drawn."""
        return [candidate for _, candidate in self._drawn[0].candidates()]

    def _of(self, topic: int, language: str) -> _Least:
        return self._doubted.setdefault((topic, language), _Least(self.most))


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a batch: its candidates, and one line a problem."""

    size: int
    articles: int
    pool: Pool
    problems: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scout:
    """Looks through batches for candidates.

    `known` are the fingerprints of texts that nobody is to be asked about; `languages` those that
    are asked about.
    """

    tagger: Tagger
    needs: Needs
    languages: frozenset[str]
    known: frozenset[str]
    most: int

    def __call__(self, batch: Batch) -> Seen:
        read, articles = self.tagger.read(batch)
        looked_at = [
            _Look(file, article, found)
            for file, article in articles
            if article.language in self.languages and article.fingerprint not in self.known
            if (found := self._unknown(article))
        ]
        pool = self._pool(looked_at) if looked_at else Pool(self.most)
        size = sum(piece.size for piece in batch)
        return Seen(size, len(articles), pool, tuple(read.problems), tuple(read.left_out))

    def _unknown(self, article: Article) -> list[tuple[str, str]]:
        """The passages worth a look, each after its fingerprint."""
        texts = [text for found in passages(article) if len(text := one_line(found.text)) >= SHORTEST]
        found = [(Article(text).fingerprint, text) for text in texts]
        return [entry for entry in found if entry[0] not in self.known]

    def _pool(self, looked_at: Sequence[_Look]) -> Pool:
        model, pool = self.tagger.model(), Pool(self.most)
        scores = model.scores([text for look in looked_at for _, text in look.passages])
        ends = np.cumsum([len(look.passages) for look in looked_at])[:-1]
        for look, own in zip(looked_at, np.split(scores, ends), strict=True):
            curve = model.curve(look.article.language)
            likely = curve.probabilities(tagging.features_alone(own))
            pool.add(list(look.candidates(likely)), self.needs.doubts(likely))
        return pool


@dataclass(frozen=True, slots=True)
class _Look:
    """An article and the passages of it that are worth a look, each after its fingerprint."""

    file: str
    article: Article
    passages: Sequence[tuple[str, str]]

    def candidates(self, likely: Floats) -> Iterator[tuple[str, Candidate]]:
        source = shorten(one_line(f"{self.file}:{self.article.id}"), _LONGEST_SOURCE)
        language, article = self.article.language or "?", self.article.fingerprint
        for (fingerprint, text), own in zip(self.passages, likely.tolist(), strict=True):
            yield fingerprint, Candidate(text, language, source, article, tuple(own))


def one_line(text: str) -> str:
    """A text as it stands in a sheet: in one line, without what hides, turns or runs."""
    return " ".join(clean(text).split()).lstrip(_FORMULA)
