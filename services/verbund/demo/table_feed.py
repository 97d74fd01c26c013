"""Tables as offices make them: CSV of an old program, and a workbook whose heading is not in its first row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

#: What a cell may hold; a date becomes a real date in a workbook and German text in a CSV.
Cell = str | int | float | date | None

_FIXED: Final = datetime(2026, 1, 1)  # noqa: DTZ001 - a workbook's own times have no zone; fixed, so bytes stay equal


def as_csv(rows: Sequence[Sequence[Cell]], *, encoding: str, delimiter: str = ";") -> bytes:
    """Rows, the heading first, as German offices write them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_german(cell) for cell in row])
    return out.getvalue().encode(encoding)


def as_workbook(rows: Sequence[Sequence[Cell]], *, sheet: str, above: Sequence[str]) -> bytes:
    """Rows, the heading first, below some lines of prose; the same rows give the same content."""
    from openpyxl import Workbook  # noqa: PLC0415 - a fifth of a second, and only the demo's workbook needs it

    book = Workbook()
    page = book.active
    assert page is not None  # noqa: S101 - a new workbook has a sheet
    page.title = sheet
    for line in above:
        page.append([line])
    for row in rows:
        page.append(list(row))
    book.properties.created = book.properties.modified = _FIXED
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _german(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return cell.strftime("%d.%m.%Y")
    if isinstance(cell, float):
        return f"{cell:.2f}".replace(".", ",")
    return str(cell)
