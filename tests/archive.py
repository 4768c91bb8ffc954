"""Labelled archives of any length, made up: what `classifier train --examples` reads."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

TOPICS = {
    "energy": "reactor turbine crude refinery pipeline kilowatt drilling gasoline coal grid".split(),
    "farming": "harvest wheat barley orchard tractor cattle irrigation silo fertiliser dairy".split(),
    "health": "clinic vaccine surgeon nurse fever hospital patient ward diagnosis pharmacy".split(),
    "trade": "tariff customs export import shipment quota port cargo border container".split(),
}
_SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]


def articles(number: int, *, words: int = 40, seed: int = 7) -> Iterator[dict[str, object]]:
    """So many: of one topic in most cases, of two or of none in some, and full of other words."""
    chance = random.Random(seed)
    common = ["".join(chance.choices(_SYLLABLES, k=2)) for _ in range(800)]
    for each in range(number):
        main = chance.sample(sorted(TOPICS), chance.choice((0, 1, 1, 1, 1, 2)))
        said = [chance.choice(TOPICS[topic]) for topic in main for _ in range(6)]
        said.append(chance.choice(TOPICS[chance.choice(sorted(TOPICS))]))
        rare = ["".join(chance.choices(_SYLLABLES, k=4)) for _ in range(words // 12)]
        text = said + rare + chance.choices(common, k=words - len(said))
        chance.shuffle(text)
        yield {
            "id": f"a{each}",
            "title": " ".join(text[:4]),
            "text": " ".join(text),
            "main": main,
            "lang": "en",
        }


def write(path: Path, rows: Iterator[dict[str, object]] | Sequence[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return path
