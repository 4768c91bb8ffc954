"""What models trained without an article said of it: kept with each version, to compare versions by."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier import storage
from classifier.errors import ModelError
from classifier.evaluation import Judgements, flags

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

NAME = "folds.json"
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Folds:
    """The labelled articles of a version, and what was said of each by a fit without its fold.

    Arrays are articles × topics; `ids` are the first 16 letters of the articles' fingerprints,
    `unknown` are the topics of which nobody has judged the article, `said` those said to be main. Of a
    very large archive they are a `share`, drawn by the articles' fingerprints: of a smaller share some of
    the same.
    """

    topics: tuple[str, ...]
    ids: tuple[str, ...]
    languages: tuple[str, ...]  # "?" for unknown
    main: Flags
    mention: Flags
    unknown: Flags
    said: Flags
    probabilities: Floats
    share: float = 1.0

    def draws(self, id: str) -> bool:
        """Whether an article with this id is among those that are drawn, if it is in the archive."""
        return self.share >= 1.0 or int(id[:8], 16) < self.share * 2.0**32

    def judgements(self, rows: Sequence[int], topics: Sequence[str]) -> Judgements:
        """Some of the articles, in this order, for some of the topics. What is unknown counts
        neither way, as a mention does.
        """
        chosen = list(rows)
        found = Judgements(
            self.topics,
            tuple(self.languages[row] for row in chosen),
            self.main[chosen],
            (self.mention | self.unknown)[chosen],
            self.said[chosen],
            self.probabilities[chosen],
        )
        return found.about(*topics)

    def as_bytes(self) -> bytes:
        """As it is stored: one article a line, the same for the same content."""
        about = {"topics": list(self.topics)} | ({"share": self.share} if self.share < 1.0 else {})
        head = json.dumps(about, ensure_ascii=False).removesuffix("}")
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in self._rows())
        return f'{head}, "articles": [\n{rows}\n]}}\n'.encode()

    def _rows(self) -> Iterable[dict[str, object]]:
        names = np.array(self.topics, dtype=object)
        for row, id in enumerate(self.ids):
            found: dict[str, object] = {"id": id, "language": self.languages[row]}
            for name in ("main", "mention", "unknown", "said"):
                topics = names[getattr(self, name)[row]].tolist()
                if topics or name != "unknown":
                    found[name] = topics
            yield {**found, "probabilities": np.round(self.probabilities[row], _DIGITS).tolist()}


def from_bytes(content: bytes) -> Folds:
    """What `as_bytes` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    given = json.loads(content)
    topics, rows = tuple(map(str, given["topics"])), given["articles"]

    def column(name: str) -> Flags:
        return flags(topics, [frozenset(row.get(name, ())) for row in rows])

    likely = np.array([row["probabilities"] for row in rows], dtype=np.float64)
    return Folds(
        topics,
        tuple(str(row["id"]) for row in rows),
        tuple(str(row["language"]) for row in rows),
        column("main"),
        column("mention"),
        column("unknown"),
        column("said"),
        likely.reshape(len(rows), len(topics)),
        float(given.get("share", 1.0)),
    )


def read_folds(models: Path, version: str) -> Folds | None:
    """The folds of a version; None where it was made before versions kept them.

    Raises ModelError where they are not what the manifest says.
    """
    content = storage.more(models, version, NAME)
    if content is None:
        return None
    try:
        return from_bytes(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{models / version / NAME}: not as this program writes it: {error!r}") from error


@dataclass(frozen=True, slots=True)
class Shared:
    """Two versions on the articles that both were made from, and how far their labels agree.

    `before` and `after` have the same articles in the same order, with the same labels. `changed`
    articles are in both with other labels, `gone` in the earlier alone. `faded` are topics with the
    number of their main articles in the earlier version, and how many of these are so labelled still.
    What the later draws from its archive is all that counts as being in the earlier.
    """

    before: Judgements
    after: Judgements
    changed: int
    gone: int
    faded: dict[str, tuple[int, int]]


def shared(before: Folds, after: Folds, topics: Collection[str]) -> Shared:
    """What two versions can be compared by, on topics that both know."""
    kept = tuple(topic for topic in before.topics if topic in topics)
    places = {id: row for row, id in enumerate(after.ids)}
    asked = [row for row, id in enumerate(before.ids) if after.draws(id)]
    pairs = [(row, places[id]) for row in asked if (id := before.ids[row]) in places]
    old, new = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    columns = [[folds.topics.index(topic) for topic in kept] for folds in (before, after)]
    same = np.ones(len(pairs), dtype=bool)
    for name in ("main", "mention", "unknown"):
        one = getattr(before, name)[old][:, columns[0]]
        other = getattr(after, name)[new][:, columns[1]]
        same &= (one == other).all(axis=1)
    was = before.main[asked][:, columns[0]].sum(axis=0)
    both = before.main[old][:, columns[0]] & after.main[new][:, columns[1]]
    return Shared(
        before.judgements(old[same].tolist(), kept),
        after.judgements(new[same].tolist(), kept),
        changed=int((~same).sum()),
        gone=len(asked) - len(pairs),
        faded={
            topic: (int(number), int(still))
            for topic, number, still in zip(kept, was, both.sum(axis=0), strict=True)
        },
    )
