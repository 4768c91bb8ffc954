"""How well articles of the same event are joined.

    python -m tests.stories [development]

The interval is of a bootstrap over families (2,000 draws), since pairs of a family are not independent.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

from daemon.database import open_database
from tests.stories import (
    DEVELOPMENT,
    HELD_OUT,
    Pair,
    as_they_come,
    f1,
    false_joins,
    join_all,
    pairs,
    pairs_alone,
    read,
)

DRAWS = 2000


def main(names: Sequence[str]) -> int:
    articles = as_they_come(read(DEVELOPMENT if "development" in names else HELD_OUT))
    with tempfile.TemporaryDirectory(prefix="topicwire-stories-") as folder:
        database = open_database(f"sqlite:///{folder}/ledger.db")
        with database.transaction() as connection:
            alone = pairs_alone(connection, articles)
            places = join_all(connection, articles)
        database.close()
    together = pairs(articles, places)
    console = Console(width=110)
    families = len({article.family for article in articles})
    console.print(f"{len(articles)} articles in {families} families, {len(together)} pairs")
    for what, found in (
        ("all articles in one ledger", together),
        ("each pair in a ledger of its own", alone),
    ):
        low, high = interval(found)
        console.print(
            f"{what}: F1 of joining {f1(found):.3f} (95 % interval {low:.3f} to {high:.3f}),"
            f" different events joined {false_joins(found):.1%}"
        )
    across = sum(
        one.story == other.story and first.family != second.family
        for number, (first, one) in enumerate(zip(articles, places, strict=True))
        for second, other in list(zip(articles, places, strict=True))[:number]
    )
    console.print(f"pairs of different families joined: {across}")
    console.print(by("kind", together, lambda pair: pair.kind))
    console.print(by("languages", together, lambda pair: pair.languages))
    for pair in together:
        if pair.joined != pair.same_event:
            console.print(
                f"{'joined wrongly' if pair.joined else 'not joined'} ({pair.languages}):"
                f" {pair.first.title} | {pair.second.title}"
            )
    return 0


def interval(found: Sequence[Pair]) -> tuple[float, float]:
    by_family: dict[str, list[Pair]] = defaultdict(list)
    for pair in found:
        by_family[pair.first.family].append(pair)
    families = list(by_family.values())
    draw = random.Random(5)
    figures = sorted(
        f1([pair for family in draw.choices(families, k=len(families)) for pair in family])
        for _ in range(DRAWS)
    )
    return figures[int(0.025 * DRAWS)], figures[int(0.975 * DRAWS)]


def by(name: str, found: Sequence[Pair], of: Callable[[Pair], str]) -> Table:
    table = Table()
    for column in (name, "same event", "of them joined", "different events", "of them joined"):
        table.add_column(column, justify="left" if column == name else "right")
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in found:
        groups[of(pair)].append(pair)
    for group, members in sorted(groups.items()):
        same = [pair.joined for pair in members if pair.same_event]
        apart = [pair.joined for pair in members if not pair.same_event]
        table.add_row(group, *map(str, (len(same), sum(same), len(apart), sum(apart))))
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
