"""Articles that raised no alert, among which are those that we missed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

_ROWS = 10_000  # at once

# What tells the same as a story that was told raises no alert of its own, and neither does a file that has
# grown and is about what it was about before: nobody missed these.
_UNALERTED = """
    FROM articles
    WHERE id > :above
      AND id <= :up_to
      AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = articles.id)
      AND NOT EXISTS (SELECT 1 FROM sketches WHERE sketches.article_id = articles.id)
      AND NOT EXISTS (
          SELECT 1
          FROM files
          JOIN tags ON tags.article_id = articles.id AND tags.grade = 'main'
          WHERE files.id = articles.file_id
            AND files.version_of IS NOT NULL
      )
    """
_LIST = text(f"SELECT id, nearness {_UNALERTED} ORDER BY id")
_COUNT = text(f"SELECT COUNT(*) {_UNALERTED} AND tagged_at >= :since")


def listed(connection: Connection, *, above: int, up_to: int) -> Iterator[tuple[int, float | None]]:
    """The ids of those between two ids, the first excluded, in their order; each with its nearness."""
    values = {"above": above, "up_to": up_to}
    for row in connection.execute(_LIST, values, execution_options={"yield_per": _ROWS}):
        yield row.id, row.nearness


def count(connection: Connection, *, above: int, up_to: int, since: str) -> int:
    """How many of those came since a moment."""
    values = {"above": above, "up_to": up_to, "since": since}
    return int(connection.execute(_COUNT, values).scalar_one())
