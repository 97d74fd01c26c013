"""Headings: which cell of a row is which column of the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from verbund_connectors import values
from verbund_connectors.classify import fold
from verbund_connectors.kit import UnreadableError
from verbund_connectors.table.settings import nearest
from verbund_connectors.table.sheet import Cell, Row

_MAX_HEADING = 200


def joined(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """One heading per column: several rows are joined from above; a merged cell counts for the columns it spans.

    The second of two equal headings gets ` (2)`.
    """
    width = max((len(row) for row in rows), default=0)
    spread: list[list[str]] = []
    for level, row in enumerate(rows):
        cells = [values.line(row[i], _MAX_HEADING) or "" if i < len(row) else "" for i in range(width)]
        if level < len(rows) - 1:
            for i in range(1, width):
                below = any(i < len(lower) and lower[i] not in (None, "") for lower in rows[level + 1 :])
                cells[i] = cells[i] or (cells[i - 1] if below else "")
        spread.append(cells)
    headings: list[str] = []
    for column in zip(*spread, strict=True):
        words = " ".join(dict.fromkeys(word for word in column if word))
        number = headings.count(words) + 1 if words else 1
        headings.append(words if number == 1 else f"{words} ({number})")
    while headings and not headings[-1]:
        headings.pop()
    return headings


def taken(rows: Iterator[Row], numbers: Sequence[int]) -> tuple[list[str], Iterator[Row]]:
    """The headings in the rows of these numbers, and the rows after them."""
    found: list[list[Cell]] = []
    for number, cells in rows:
        if number > numbers[-1]:
            return joined(found), chain([(number, cells)], rows)
        if number in numbers:
            found.append(cells)
    return joined(found), iter(())


def places(headings: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    """Index of each wanted column; case, accents and runs of blanks do not matter when no other heading is nearer."""
    exact = {heading: index for index, heading in reversed(list(enumerate(headings)))}
    loose = {fold(heading): index for index, heading in reversed(list(enumerate(headings)))}
    found: dict[str, int] = {}
    for column in columns:
        plain = values.line(column) or ""
        index = exact.get(plain, loose.get(fold(plain)))
        if index is not None:
            found[column] = index
    return found


def demand(headings: Sequence[str], columns: Sequence[str], *, where: str) -> dict[str, int]:
    """As `places`, of all columns.

    Raises:
        UnreadableError: one is missing; names the nearest heading.
    """
    found = places(headings, columns)
    missing = [column for column in columns if column not in found]
    if missing:
        near = nearest(missing[0], [heading for heading in headings if heading])
        hint = f"; did you mean {near!r}?" if near else ""
        shown = ", ".join(heading for heading in headings if heading)[:300] or "none"
        raise UnreadableError("missing_column", f"no column {missing[0]!r} in {where}{hint} Headings: {shown}")
    return found


def reader(indexes: Mapping[str, int]) -> Callable[[Sequence[Cell]], dict[str, Any]]:
    """Makes of a row's cells a mapping by column; empty cells are left out."""
    columns, wanted = tuple(indexes), tuple(indexes.values())
    # One index too many, so that itemgetter gives a tuple for one column too.
    pick = itemgetter(*wanted, wanted[0])

    def read(cells: Sequence[Cell]) -> dict[str, Any]:
        picked = pick(cells)
        found = zip(columns, picked, strict=False)
        if all(picked):
            return dict(found)
        return {column: cell for column, cell in found if cell is not None and cell != ""}

    return read
