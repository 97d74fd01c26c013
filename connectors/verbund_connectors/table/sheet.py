"""Bytes of a CSV or XLSX file to rows of cells, streamed: a file of any size passes through the same memory."""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import IO, Any, cast

from verbund_connectors.kit import UnreadableError

Cell = str | int | float | bool | None
Row = tuple[int, list[Cell]]  # its number in the file, and its cells

MAX_COLUMNS = 500  # more is no table of offers but a shape attack
MAX_MEMBERS = 2_000  # of an XLSX file
MAX_UNPACKED = 200 * 1024 * 1024  # bytes; the largest honest file of a district is a tenth of it
MAX_EMPTY_ROWS = 1_000  # in a row; sheets with formats down to the last line have a million
MAX_CELL = 131_072  # characters; more is a quote that was never closed
_CHUNK = 1 << 20
_HEAD = 64 * 1024
_END = "\x00end of file\x00"

_CHARSET = re.compile(r"charset=[\"']?([a-z0-9_-]+)", re.IGNORECASE)

DELIMITERS = (";", ",", "\t", "|")


@dataclass(slots=True)
class Facts:
    """What was found out about a file while it was read.

    Attributes:
        cut: why it is not whole; None as long as it is.
    """

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    epoch_1904: bool = False
    cut: str | None = None
    notes: dict[str, str] = field(default_factory=dict)


def format_of(body: IO[bytes]) -> str:
    """`csv` or `xlsx`, by the first bytes.

    Raises:
        UnreadableError: empty, a web page, an archive, or the old XLS.
    """
    head = body.read(512)
    body.seek(0)
    if not head.strip():
        raise UnreadableError("empty", "the file has no content")
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableError("xls", "this is the old Excel format or a file with a password; save it as XLSX")
    if head.startswith((b"\x1f\x8b", b"%PDF", b"Rar!", b"7z\xbc\xaf")):
        raise UnreadableError("not_a_table", "this is an archive or a PDF")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<body")):
        raise UnreadableError("log_in_page", "a web page or XML instead of a table")
    return "csv"


# --- CSV -------------------------------------------------------------------------------------------------------------


def encoding_of(body: IO[bytes], declared: str = "auto", *, content_type: str = "") -> str:
    """The encoding: by byte order mark, as declared, UTF-8 when all of it is, as the server says, else Windows-1252."""
    head = body.read(4)
    body.seek(0)
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if declared != "auto":
        return declared
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := body.read(_CHUNK):
            decoder.decode(chunk)
    except UnicodeDecodeError:
        return _of_server(content_type)
    else:
        return "utf-8"  # so is one whose last character the end cuts in two
    finally:
        body.seek(0)


def _of_server(content_type: str) -> str:
    """What the server names, when it is no Unicode: that the file is not UTF-8 is known already."""
    named = _CHARSET.search(content_type)
    try:
        found = codecs.lookup(named[1]).name if named else "cp1252"
    except LookupError:
        return "cp1252"
    # `latin-1` is what servers call Windows-1252, which has all of its letters and more.
    return "cp1252" if found.startswith("utf") or found in {"iso8859-1", "ascii"} else found


def csv_rows(body: IO[bytes], facts: Facts) -> Iterator[Row]:
    """Rows of a CSV file whose encoding and delimiter are known; empty ones left out.

    Raises:
        UnreadableError: bytes that the encoding has not, or a cell or row beyond all measure.
    """
    text = io.TextIOWrapper(cast("Any", body), encoding=facts.encoding, errors="strict", newline="")
    reader = csv.reader(_lines(text, facts), delimiter=facts.delimiter)
    csv.field_size_limit(MAX_CELL)
    number = 1
    try:
        for cells in reader:
            at, number = number, reader.line_num + 1
            if len(cells) == 1 and cells[0] == _END:
                return
            if cells and cells[-1].endswith(_END):
                facts.cut = f"truncated: a quote opened in row {at} is never closed"
                return
            if len(cells) > MAX_COLUMNS:
                raise UnreadableError("too_many_columns", f"row {at} has {len(cells)} cells")
            if any(cells):
                yield at, cast("list[Cell]", cells)
    except UnicodeDecodeError as error:
        raise UnreadableError("encoding", f"the file is not {facts.encoding}; set `encoding`") from error
    except csv.Error as error:
        raise UnreadableError("not_a_table", f"row {number}: {error}") from error
    finally:
        if not body.closed:  # whoever lets go of us half-read may have closed it before
            text.detach()


def _lines(text: io.TextIOWrapper, facts: Facts) -> Iterator[str]:
    """The lines, then a mark: met inside a cell, it shows that a quote was still open at the end."""
    last = "\n"
    try:
        for last in text:
            yield last
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            raise
        facts.cut = "truncated: the file ends inside a character"
        return
    facts.notes["ends_with_line_end"] = "yes" if last.endswith(("\n", "\r")) else "no"
    yield _END


def head_of(body: IO[bytes], encoding: str) -> str:
    """The beginning as text, for finding the delimiter."""
    raw = body.read(_HEAD)
    body.seek(0)
    return raw.decode(encoding, errors="ignore")


def cells_of_head(head: str, delimiter: str, rows: int) -> list[list[str]]:
    """The first rows as a delimiter would part them."""
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    found: list[list[str]] = []
    try:
        for cells in reader:
            found.append(cells)
            if len(found) >= rows:
                break
    except csv.Error:
        pass
    return found


# --- XLSX ------------------------------------------------------------------------------------------------------------


def open_workbook(body: IO[bytes]) -> Any:
    """The workbook, opened for streaming.

    Raises:
        UnreadableError: cut, no workbook, or larger unpacked than any table.
    """
    try:
        with zipfile.ZipFile(body) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise UnreadableError("truncated", "no whole XLSX file; cut or damaged") from error
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNPACKED:
        raise UnreadableError("too_large", f"{len(members)} members, or more than {MAX_UNPACKED >> 20} MiB unpacked")
    if _overlapping(members):
        raise UnreadableError("not_a_table", "members of the archive overlap")
    body.seek(0)
    import openpyxl  # noqa: PLC0415 — slow to load, and most tables are CSV

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles it does not keep; we read none
            return openpyxl.load_workbook(body, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        raise UnreadableError("not_a_table", f"no readable XLSX file ({type(error).__name__}); damaged?") from error


def _overlapping(members: list[zipfile.ZipInfo]) -> bool:
    end = 0
    for member in sorted(members, key=lambda m: m.header_offset):
        if member.header_offset < end:
            return True
        end = member.header_offset + member.compress_size
    return False


def sheets_of(workbook: Any, wanted: str | int | None) -> list[Any]:
    """The sheets that may be read: the wanted one, else the visible ones.

    Raises:
        UnreadableError: there is no such sheet.
    """
    sheets = list(workbook.worksheets)
    names = ", ".join(sheet.title for sheet in sheets)
    if isinstance(wanted, int):
        if 1 <= wanted <= len(sheets):
            return [sheets[wanted - 1]]
        raise UnreadableError("missing_sheet", f"no sheet {wanted}; there are {len(sheets)}: {names}")
    if wanted is not None:
        found = [s for s in sheets if s.title == wanted] or [
            s for s in sheets if s.title.strip().lower() == wanted.strip().lower()
        ]
        if not found:
            raise UnreadableError("missing_sheet", f"no sheet {wanted!r}; there are {names}")
        return found[:1]
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
    if not visible:
        raise UnreadableError("missing_sheet", f"all sheets are hidden ({names}); name one by `sheet`")
    return visible


def sheet_rows(sheet: Any, facts: Facts) -> Iterator[Row]:
    """Rows of a sheet; empty ones left out, and the end taken for reached after a thousand of them.

    The declared size is not believed: a file of 5 KB may claim a million rows.

    Raises:
        UnreadableError: damaged inside, or cells beyond all measure.
    """
    empty = 0
    try:
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), 1):
            row = [cell if cell is None or isinstance(cell, str) else _plain(cell) for cell in cells]
            if any(cell is not None and cell != "" for cell in row):
                empty = 0
                yield number, row
                continue
            empty += 1
            if empty >= MAX_EMPTY_ROWS:
                facts.notes["stopped"] = f"after {MAX_EMPTY_ROWS} empty rows"
                return
    except Exception as error:
        raise UnreadableError("not_a_table", f"sheet {sheet.title!r} is damaged ({type(error).__name__})") from error


def is_epoch_1904(workbook: Any) -> bool:
    """Whether the workbook counts its days from 1904, as old Macs did."""
    return bool(workbook.epoch.year == 1904)


def _plain(cell: Any) -> Cell:
    """What JSON has: dates and times as ISO 8601, whole numbers without `.0`, the rest as it is."""
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 1e15 else (cell if cell - cell == 0 else None)
    if isinstance(cell, int):
        return cell if abs(cell) < 1 << 62 else str(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(timespec="seconds")
    if isinstance(cell, time):
        return cell.isoformat(timespec="minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        minutes = int(cell.total_seconds()) // 60
        return f"{minutes // 60:02}:{minutes % 60:02}"
    return str(cell)
