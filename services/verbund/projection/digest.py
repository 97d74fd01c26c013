"""What a view holds, as one number: equal rows give equal digests on every database."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from verbund.projection import Projection
from verbund.projection.tables import KEEP

# Rows in flight while a whole table is read.
PAGE = 1000

Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class ViewDigest:
    """A view's rows and digest, in all and by table."""

    rows: int
    digest: str
    tables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that two copies of a view do not share: its key, and the columns that differ (all, when one lacks it)."""

    table: str
    key: Values
    columns: tuple[str, ...]


def digest(view: Projection, tx: Connection) -> ViewDigest:
    """Rows and digest of a view, without what cannot be derived from the log (numbers of the change feed)."""
    tables: dict[str, str] = {}
    rows = 0
    for table in derived_tables(view):
        hashed = hashlib.sha256()
        for values in table_rows(table, tx):
            hashed.update(repr(values).encode())
            rows += 1
        tables[table.name] = hashed.hexdigest()
    whole = hashlib.sha256(repr(sorted(tables.items())).encode()).hexdigest()
    return ViewDigest(rows, whole, tables)


def derived_tables(view: Projection) -> list[Table]:
    """Tables whose rows follow from the log."""
    return sorted((table for table in view.metadata.sorted_tables if table.info != KEEP), key=lambda table: table.name)


def table_rows(table: Table, tx: Connection) -> Iterator[Values]:
    """Rows in the order of the key, as plain values that are alike on both databases."""
    for row in tx.execution_options(yield_per=PAGE).execute(_ordered(table)):
        yield tuple(_alike(value) for value in row)


def differences(view: Projection, here: Connection, there: Connection, *, limit: int = 20) -> list[Difference]:
    """The first rows that differ between two databases, table by table."""
    found: list[Difference] = []
    for table in derived_tables(view):
        for difference in _table_differences(table, here, there):
            found.append(difference)
            if len(found) >= limit:
                return found
    return found


def key_columns(table: Table) -> list[str]:
    """Columns that name a row by what it is about: `info["digest_key"]`, else the primary key."""
    return list(table.info.get("digest_key") or (column.name for column in table.primary_key))


def _compared(table: Table) -> list[str]:
    """Key first, then the other columns but those that differ from copy to copy by right."""
    keys = key_columns(table)
    left_out = table.info.get("digest_without", ())
    return keys + [column.name for column in table.columns if column.name not in keys and column.name not in left_out]


def _ordered(table: Table) -> Select[Any]:
    return select(*(table.c[name] for name in _compared(table))).order_by(
        *(table.c[name] for name in key_columns(table))
    )


def _alike(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return bytes(value) if isinstance(value, memoryview) else value


def _table_differences(table: Table, here: Connection, there: Connection) -> Iterator[Difference]:
    width = len(key_columns(table))
    names = _compared(table)
    ours, theirs = table_rows(table, here), table_rows(table, there)
    one, other = next(ours, None), next(theirs, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one[:width] < other[:width]):
            assert one is not None  # noqa: S101 - the loop's condition
            yield Difference(table.name, one[:width], tuple(names))
            one = next(ours, None)
        elif one is None or other[:width] < one[:width]:
            yield Difference(table.name, other[:width], tuple(names))
            other = next(theirs, None)
        else:
            unequal = tuple(name for name, a, b in zip(names, one, other, strict=True) if a != b)
            if unequal:
                yield Difference(table.name, one[:width], unequal)
            one, other = next(ours, None), next(theirs, None)
