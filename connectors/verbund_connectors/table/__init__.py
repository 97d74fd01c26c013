"""Tables of offers: CSV and XLSX with a mapping from columns to the fields of an offer.

One part, `table`. A file that was read to its end is the whole list: what is absent from it is gone. Only columns that
the mapping uses are taken; what else a table holds never leaves `read`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any, ClassVar

from verbund_connectors import values
from verbund_connectors.german import parse_date
from verbund_connectors.kit import (
    JSON,
    Answer,
    Broken,
    Item,
    Output,
    PartEnd,
    Request,
    Response,
    Settings,
    SourceContext,
    UnreadableError,
)
from verbund_connectors.table import guess, heading, sheet
from verbund_connectors.table.offer import KEY_JOINT, SHAPE, Mapper
from verbund_connectors.table.settings import DATES, ColumnRule, TableSettings
from verbund_connectors.table.sheet import Cell, Facts, Row

__all__ = ["ColumnRule", "Table", "TableSettings", "draft"]

PART = "table"
# What people and formulas leave in a key column.
_JUNK_KEYS = frozenset(
    (
        *(
            "todo",
            "tbd",
            "tba",
            "n/a",
            "na",
            "nan",
            "none",
            "null",
            "undefined",
            "-",
            "--",
            "–",
            "—",
            "?",
            "??",
            "x",
            "xxx",
        ),
        *("neu", "folgt", "offen", "unbekannt", "k.a.", "k. a."),
        *("#ref!", "#n/a", "#nv", "#name?", "#value!", "#wert!", "#bezug!", "#div/0!"),
    )
)
_MAX_KEY = 400
# A set of fixed size that may say yes by mistake, once in a thousand at a million keys, never no: 8 MiB.
_SEEN_BITS = 1 << 26


class _Seen:
    """Keys that came before, in fixed memory (a Bloom filter). A mistake costs nothing: the item gets a longer id."""

    def __init__(self) -> None:
        self._bits = bytearray(_SEEN_BITS // 8)

    def add(self, key: str) -> bool:
        """Whether the key may have come before."""
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        first = int.from_bytes(digest[:4], "little") & (_SEEN_BITS - 1)
        second = int.from_bytes(digest[4:], "little") & (_SEEN_BITS - 1)
        bits = self._bits
        first_mask, second_mask = 1 << (first & 7), 1 << (second & 7)
        if bits[first >> 3] & first_mask and bits[second >> 3] & second_mask:
            return True
        bits[first >> 3] |= first_mask
        bits[second >> 3] |= second_mask
        return False


class Table:
    """The connector of tables."""

    version: ClassVar[str] = "2"
    settings_model: ClassVar[type[Settings]] = TableSettings
    removal: ClassVar[str] = "full-list"
    volatile_extra: ClassVar[frozenset[str]] = frozenset()
    scope_settings: ClassVar[tuple[str, ...]] = ("url", "path", "sheet")

    def __init__(self, settings: TableSettings, context: SourceContext) -> None:
        self._settings = settings
        self._mapper = Mapper(settings, context)
        dated = {column for field, rule in settings.map.items() if field in DATES for column in rule.columns}
        self._dated = tuple(dated)

    @staticmethod
    def draft(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """As the module's `draft`."""
        return guess.draft(headings, rows)

    @staticmethod
    def draft_from(body: IO[bytes]) -> dict[str, Any]:
        """`with:` of a source file for this table, without `path`: format, encoding, delimiter, header_rows, key, map.

        Raises:
            UnreadableError: the file is no table.
        """
        return guess.draft_from(body)

    def begin(self, cursors: Mapping[str, JSON]) -> Sequence[Request]:  # noqa: ARG002 — a whole file has no cursor
        """The one file."""
        return [Request(part=PART, url=self._settings.url, path=self._settings.path)]

    def read(self, response: Response) -> Iterator[Output]:
        """An item per row with a key, and the end of the part.

        Raises:
            UnreadableError: no table, another format, or a column is missing.
        """
        wanted = self._settings.format
        found = sheet.format_of(response.body)
        if wanted is not None and wanted != found:
            raise UnreadableError("not_a_table", f"the file is {found}, not {wanted}")
        facts = Facts()
        headings, rows = self._xlsx(response.body, facts) if found == "xlsx" else self._csv(response, facts)
        where = f"sheet {facts.sheet!r}" if facts.sheet else f"row {self._settings.heading_rows[-1]}"
        indexes = heading.demand(headings, self._settings.columns, where=where)
        count = 0
        for output in self._outputs(rows, len(headings), indexes, facts, fixed_width=found == "csv"):
            count += isinstance(output, Item)
            yield output
        yield self._end(response, facts, count)

    def _end(self, response: Response, facts: Facts, count: int) -> PartEnd:
        proof = {"digest": response.digest, "rows": str(count), **facts.notes}
        said = {"encoding": facts.encoding, "delimiter": facts.delimiter, "sheet": facts.sheet}
        proof |= {name: value for name, value in said.items() if value}
        if facts.cut:
            return PartEnd(part=PART, state="partial", proof=proof, reasons=(facts.cut,))
        return PartEnd(part=PART, proof=proof)

    # --- bytes to rows -------------------------------------------------------------------------------------------

    def _csv(self, response: Response, facts: Facts) -> tuple[list[str], Iterator[Row]]:
        body = response.body
        content_type = response.headers.get("content-type", "")
        facts.encoding = sheet.encoding_of(body, self._settings.encoding, content_type=content_type)
        facts.delimiter = self._settings.delimiter
        if facts.delimiter == "auto":
            facts.delimiter = self._likely_delimiter(sheet.head_of(body, facts.encoding))
        return heading.taken(sheet.csv_rows(body, facts), self._settings.heading_rows)

    def _likely_delimiter(self, head: str) -> str:
        """The one that finds most of the columns, then the one that makes most cells."""

        def success(delimiter: str) -> tuple[int, int]:
            rows = sheet.cells_of_head(head, delimiter, self._settings.heading_rows[-1])
            chosen = [rows[number - 1] for number in self._settings.heading_rows if number <= len(rows)]
            headings = heading.joined(chosen)
            return len(heading.places(headings, self._settings.columns)), len(headings)

        return max(sheet.DELIMITERS, key=success)

    def _xlsx(self, body: IO[bytes], facts: Facts) -> tuple[list[str], Iterator[Row]]:
        workbook = sheet.open_workbook(body)
        facts.epoch_1904 = sheet.is_epoch_1904(workbook)
        best: tuple[int, list[str], Iterator[Row], str] | None = None
        for candidate in sheet.sheets_of(workbook, self._settings.sheet):
            headings, rows = heading.taken(sheet.sheet_rows(candidate, facts), self._settings.heading_rows)
            found = len(heading.places(headings, self._settings.columns))
            if best is None or found > best[0]:
                best = (found, headings, rows, candidate.title)
            if found == len(self._settings.columns):
                break
        if best is None:
            raise UnreadableError("missing_sheet", "the workbook has no sheet with cells")
        facts.sheet = best[3]
        return best[1], best[2]

    # --- rows to items -------------------------------------------------------------------------------------------

    def _outputs(
        self, rows: Iterator[Row], width: int, indexes: Mapping[str, int], facts: Facts, *, fixed_width: bool
    ) -> Iterator[Item | Broken]:
        seen, as_row = _Seen(), heading.reader(indexes)
        held: tuple[int, dict[str, Any]] | None = None
        for number, cells in rows:
            if held is not None:
                yield self._item(*held, seen)
                held = None
            extra: dict[str, Any] = {}
            if len(cells) < width:
                extra = {SHAPE: f"{len(cells)} cells instead of {width}"} if fixed_width else {}
                cells = [*cells, *([None] * (width - len(cells)))]  # noqa: PLW2901 — the same row, filled up
            elif len(cells) > width and any(cell not in (None, "") for cell in cells[width:]):
                extra = {SHAPE: f"{len(cells)} cells instead of {width}"}
            row = as_row(cells)
            if self._dated and not fixed_width:
                self._read_serials(row, facts)
            if extra:
                held = (number, {**row, **extra})  # whether the file was cut here shows when it goes on
            else:
                yield self._item(number, row, seen)
        if held is not None and (facts.cut or facts.notes.get("ends_with_line_end") == "no"):
            facts.cut = facts.cut or f"truncated: row {held[0]} is the last one and has {held[1][SHAPE]}"
        elif held is not None:
            yield self._item(*held, seen)

    def _item(self, number: int, row: dict[str, Any], seen: _Seen) -> Item | Broken:
        key = self._key_of(row)
        if key is None or key.lower() in _JUNK_KEYS:
            rule = "key_junk" if key else "key_missing"
            return Broken(part=PART, rule=rule, place=f"row {number}, {' + '.join(self._settings.key)}", value=key)
        if not seen.add(key):
            return Item(part=PART, id=key, key=key, data=row)
        # Of two rows with one key both are kept, so that `map` can see whether they say the same.
        told = hashlib.blake2b(repr(sorted(row.items())).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
        return Item(part=PART, id=f"{key}#{told}", key=key, data=row)

    def _key_of(self, row: Mapping[str, Any]) -> str | None:
        columns = self._settings.key
        if len(columns) == 1:
            return values.line(row.get(columns[0]), _MAX_KEY)
        parts = [(values.line(row.get(column), _MAX_KEY) or "").replace(KEY_JOINT, "¦") for column in columns]
        said = [part for part in parts if part]
        if all(part.lower() in _JUNK_KEYS for part in said):
            return said[0] if said else None
        return KEY_JOINT.join(parts)

    def _read_serials(self, row: dict[str, Any], facts: Facts) -> None:
        """Day numbers in cells without date format, while the workbook's calendar is known."""
        for column in self._dated:
            cell: Cell = row.get(column)
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                day = parse_date(cell, epoch_1904=facts.epoch_1904)
                if day is not None:
                    row[column] = day.isoformat()

    # --- items to offers -----------------------------------------------------------------------------------------

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        """The offer of a row."""
        return self._mapper.answer(key, items)


def draft(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """`key`, `map` and `header_rows` guessed from German headings and some rows; what is not recognised is left out."""
    return guess.draft(headings, rows)
