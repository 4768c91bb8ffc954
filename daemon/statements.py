"""SQL that is compiled once, for what is said to the database again and again for each article.

`sqlalchemy.text` does part of that work at each execution, most of all where parameters are many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, text

_Values = Mapping[str, Any]


class Statement:
    """A statement with named parameters, written as for `sqlalchemy.text`."""

    def __init__(self, sql: str) -> None:
        self.text = text(sql)
        self._compiled = lru_cache(maxsize=4)(self._compile)

    def execute(self, connection: Connection, values: _Values) -> CursorResult[*tuple[Any, ...]]:
        sql, names = self._compiled(connection.dialect)
        return connection.exec_driver_sql(sql, _given(values, names))

    def execute_all(self, connection: Connection, rows: Sequence[_Values]) -> None:
        """For each of the rows, in one call; there must be at least one."""
        sql, names = self._compiled(connection.dialect)
        connection.exec_driver_sql(sql, [_given(values, names) for values in rows])

    def _compile(self, dialect: Dialect) -> tuple[str, Sequence[str] | None]:
        """As the driver takes it, and the order of its parameters where these have no names there."""
        compiled = self.text.compile(dialect=dialect)
        return str(compiled), compiled.positiontup if compiled.positional else None


def _given(values: _Values, names: Sequence[str] | None) -> Any:
    return dict(values) if names is None else tuple(map(values.__getitem__, names))
