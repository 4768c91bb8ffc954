"""Pages of a list: a cursor that says where the next begins, and the link that leads there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response

from daemon.desk.queries import cursor_of


def next_page(
    request: Request, response: Response, rows: Sequence[tuple[int, Any]], limit: int
) -> tuple[list[Any], str | None]:
    """Of rows with their ids in the ledger, one more than a page has if there are as many: those of the
    page, and the cursor of the next, which a Link header names as well (RFC 8288).
    """
    shown = [row for _, row in rows[:limit]]
    if len(rows) <= limit:
        return shown, None
    cursor = cursor_of(rows[limit - 1][0])
    address = request.url.include_query_params(cursor=cursor)
    response.headers["Link"] = f'<{address.path}?{address.query}>; rel="next"'
    return shown, cursor
