"""Hostile tables: CSV and XLSX files."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import openpyxl

from tests.faults.hostile.case import Case
from verbund.testing.feed_server import Reply

MIB = 1024 * 1024
_HEAD = "ID;Titel;Text;Internet;Beginn;Ende;Lat;Lon;Niveau\n"
_MAP = {
    "title": "Titel", "description": "Text", "url": "Internet", "start": "Beginn", "end": "Ende", "place.lat": "Lat",
    "place.lon": "Lon", "level": "Niveau",
}  # fmt: skip
BIDI = "\u202eKurs\u202c \u2066A\u2069\u200b\u200d\ufeff"


def _case(name: str, danger: str, body: bytes | Reply, outcome: str, **more: Any) -> Case:
    return _built(name, danger, lambda: body, outcome, **more)


def _built(name: str, danger: str, build: Any, outcome: str, **more: Any) -> Case:
    settings = {"key": ["ID"], "map": _MAP, **more.pop("settings", {})}
    return Case(
        name=name, danger=danger, connector="table", build=lambda: {"/feed": build()}, outcome=outcome,
        settings=settings, **more,
    )  # fmt: skip


def _csv(*rows: str, encoding: str = "utf-8") -> bytes:
    return (_HEAD + "".join(f"{row}\n" for row in rows)).encode(encoding)


def _row(title: str = "Kurs", ident: str = "1", **cells: str) -> str:
    order = ("text", "url", "start", "end", "lat", "lon", "level")
    return ";".join([ident, title, *(cells.get(name, "") for name in order)])


# --- XLSX by hand ----------------------------------------------------------------------------------------------------

_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override '
    'PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override '
    'PartName="/xl/sharedStrings.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
_BOOK_RELS = (
    f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="r1" Type="{_OFFICE}/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    "</Relationships>"
)
_BOOK = (
    f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets><sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def _cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def _sheet(rows: str, *, before: str = "") -> str:
    return f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'


_TWO_ROWS = f'<row r="1">{_cell("A1", "ID")}{_cell("B1", "Titel")}</row><row r="2">{_cell("A2", "1")}{_cell("B2", "Kurs")}</row>'
_XLSX = {"map": {"title": "Titel"}}


def _members(sheet: str = _sheet(_TWO_ROWS), **more: str) -> dict[str, str]:
    return {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELS,
        "xl/workbook.xml": _BOOK,
        "xl/_rels/workbook.xml.rels": _BOOK_RELS,
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}"/>',
        "xl/worksheets/sheet1.xml": sheet,
        **more,
    }


def _zip(members: Mapping[str, str], *, more: Iterable[tuple[str, bytes]] = ()) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
        for name, content in more:
            archive.writestr(name, content)
    return whole.getvalue()


def _bomb() -> bytes:
    """A sheet of 300 MiB."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, text in _members().items():
            if not name.endswith("sheet1.xml"):
                archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(300):
                sheet.write(b" " * MIB)
    return whole.getvalue()


def _liar() -> bytes:
    """A member that says it unpacks to ten bytes."""
    whole = bytearray(_zip(_members(_sheet(_TWO_ROWS) + " " * 20 * MIB)))
    place = whole.rindex(b"xl/worksheets/sheet1.xml") - 46 + 24
    whole[place : place + 4] = (10).to_bytes(4, "little")
    return bytes(whole)


def _overlap() -> bytes:
    """Hundreds of members that are the same bytes."""
    whole = bytearray(_zip(_members(), more=[(f"xl/media/{n}.xml", b"x" * 1000) for n in range(50)]))
    at = whole.index(b"PK\x01\x02")
    first = None
    while (at := whole.find(b"PK\x01\x02", at)) >= 0:
        if b"xl/media" in whole[at : at + 60]:
            first = first or whole[at + 42 : at + 46]
            whole[at + 42 : at + 46] = first
        at += 46
    return bytes(whole)


def _encrypted() -> bytes:
    whole = bytearray(_zip(_members()))
    at = whole.rindex(b"xl/worksheets/sheet1.xml")
    whole[at - 46 + 8] |= 1
    return bytes(whole)


def _many_rows() -> bytes:
    """Thousands of rows of one cell, far below every limit of size."""
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(3, 15_000))
    return _zip(_members(_sheet(_TWO_ROWS + rows)))


def _far_corner() -> bytes:
    rows = _TWO_ROWS + f'<row r="1048576">{_cell("XFD1048576", "x")}</row>'
    return _zip(_members(_sheet(rows, before="").replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')))


_LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12))
    + "]>"
)


def _formula_text() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["ID", "Titel"])
    sheet.append(["1", "=cmd|' /C calc'!A0"])
    whole = io.BytesIO()
    book.save(whole)
    return whole.getvalue()


def _gzip_bomb(size_mib: int = 512) -> bytes:
    pack = zlib.compressobj(9, wbits=31)
    return b"".join(pack.compress(bytes(MIB)) for _ in range(size_mib)) + pack.flush()


def _nested_gzip() -> bytes:
    return gzip.compress(gzip.compress(bytes(64 * MIB)))


_EVIL_TEXT = "a" * 60 + "!"

CASES: tuple[Case, ...] = (
    # --- on the way
    _built("gzip that unpacks to 512 MiB", "D01", lambda: Reply(body=_gzip_bomb(), headers={"Content-Encoding": "gzip"}), "part E231"),
    _built("gzip inside gzip", "D01", lambda: Reply(body=_nested_gzip(), headers={"Content-Encoding": "gzip, gzip"}), "part E232"),
    _case("brotli that nobody asked for", "D01", Reply(body=b"\x8b\x02\x80hello\x03", headers={"Content-Encoding": "br"}), "part E232"),
    _case("zstd that nobody asked for", "D01", Reply(body=b"(\xb5/\xfd\x04", headers={"Content-Encoding": "zstd"}), "part E232"),
    _built("gzip without its end", "D01", lambda: Reply(body=_gzip_bomb(1)[:-6], headers={"Content-Encoding": "gzip"}), "part E234"),
    _case("what says it is gzip and is not", "D01", Reply(body=b"ID;Titel", headers={"Content-Encoding": "gzip"}), "part E233"),
    _built("60 MiB of nothing", "D01", lambda: b" " * 60 * MIB, "part E230"),
    _case("a length of 99 GB", "D01", Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "part E230"),
    _case("a body that breaks off", "D01", Reply(body=_csv(_row()) * 50, cut_at=100), "part E234"),
    _case("a body that trickles", "D18", Reply(body=_csv(*[_row()] * 500), pace_s=0.05), "part E210"),
    _case("headers without end", "D18", Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000), "part E235"),
    _case("a redirect to the cloud's metadata", "D17", Reply(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}), "part E240"),
    _case("a redirect to a file", "D17", Reply(status=302, headers={"Location": "file:///etc/passwd"}), "part E241"),
    _case("a redirect to itself", "D17", Reply(status=302, headers={"Location": "{base}/feed"}), "part E224"),
    # --- no table at all
    _case("an empty file", "D23", b"", "part empty"),
    _case("a web page", "D23", b"<!doctype html><title>Log in</title><input type=password>", "part log_in_page"),
    _case("the old XLS", "D23", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "part xls"),
    _case("a PDF", "D23", b"%PDF-1.7\n" + bytes(2000), "part not_a_table"),
    _built("random bytes", "D23", lambda: bytes((n * 7919 >> 3) % 251 + 1 for n in range(100_000)), "part encoding"),
    # --- XLSX
    _built("XLSX: a sheet of 300 MiB", "D02", _bomb, "part too_large", settings=_XLSX),
    _built("XLSX: 5,000 members", "D02", lambda: _zip(_members(), more=((f"x/{n}", b"") for n in range(5000))), "part too_large", settings=_XLSX),
    _built("XLSX: a member that lies about its size", "D02", _liar, "part not_a_table", settings=_XLSX),
    _built("XLSX: a cell in the last corner", "D03", _far_corner, "taken", settings=_XLSX, taken=1),
    _built("XLSX: 15,000 rows of junk", "D03", _many_rows, "reject title_missing", settings=_XLSX),
    _built("XLSX: a billion laughs in the strings", "D04", lambda: _zip(_members(**{"xl/sharedStrings.xml": _LAUGHS + f'<sst xmlns="{_MAIN}"><si><t>&l;</t></si></sst>'})), "part not_a_table", settings=_XLSX),
    _built("XLSX: a billion laughs in the sheet", "D04", lambda: _zip(_members(_sheet(_TWO_ROWS.replace("Kurs", "&l;"), before=_LAUGHS))), "part not_a_table", settings=_XLSX),
    _built("XLSX: an entity that is a file", "D05", lambda: _zip(_members(_sheet(_TWO_ROWS.replace("Kurs", "&f;"), before='<!DOCTYPE w [<!ENTITY f SYSTEM "file:///etc/passwd">]>'))), "part not_a_table", settings=_XLSX),
    _built("XLSX: elements 200,000 deep", "D06", lambda: _zip(_members(_sheet("<a>" * 200_000 + "</a>" * 200_000))), "part missing_column", settings=_XLSX),
    _built("XLSX: members over one another", "D24", _overlap, "part not_a_table", settings=_XLSX),
    _built("XLSX: a zip inside the zip", "D24", lambda: _zip({"inner.zip": "x"}, more=[("inner.xlsx", _zip(_members()))]), "part not_a_table", settings=_XLSX),
    _built("XLSX: members with ways out", "D21", lambda: _zip(_members(**{"../../../etc/cron.d/x": "x", "/etc/x": "x"})), "taken", settings=_XLSX, taken=1),
    _built("XLSX: encrypted", "D24", _encrypted, "part not_a_table", settings=_XLSX),
    _built("XLSX: cut in the middle", "D24", lambda: _zip(_members())[:-40], "part truncated", settings=_XLSX),
    _built("XLSX: a formula as a title", "D13", _formula_text, "reject title_missing", settings=_XLSX),
    # --- the shape of a CSV
    _built("a quote that is never closed, 20 MiB", "D23", lambda: _csv('1;"Kurs' + "x" * 20 * MIB), "part not_a_table"),
    _built("100,000 columns", "D23", lambda: _csv(";" * 100_000), "part too_many_columns"),
    _built("one line of 40 MiB", "D23", lambda: _HEAD.encode() + b"1;" + b"x" * 40 * MIB, "part not_a_table"),
    _built("a million empty lines", "D23", lambda: _csv(_row()) + b"\n" * 1_000_000, "taken", taken=1),
    _built("NUL bytes", "D09", lambda: _csv(_row("Ku\x00rs")), "taken", taken=1, titles=("Kurs",)),
    _built("40,000 rows without a key", "D20", lambda: _csv(*(_row(ident="TODO") for _ in range(40_000))), "reject key_junk"),
    _built("one key 5,000 times", "D20", lambda: _csv(*(_row(f"Kurs {n}") for n in range(5_000))), "reject key_duplicate"),
    _case("a key of 100,000 characters", "D21", _csv(_row(ident="k" * 100_000)), "taken", taken=1),
    _case("a key that is a path", "D21", _csv(_row(ident="../../../../etc/passwd"), _row(ident="%2e%2e%2fetc"), _row(ident="CON")), "taken", taken=3),
    # --- characters
    _case("titles with bidi controls and nothing to see", "D10", _csv(_row(BIDI)), "taken", taken=1, titles=("Kurs A",)),
    _case("a title of invisible characters", "D10", _csv(_row("\u200b\u202e\ufeff\u2060")), "reject title_missing"),
    _case("control characters", "D09", _csv(_row("K\x01u\x1br\x7fs\x85")), "taken", taken=1, titles=("Kurs",)),
    _case("Windows-1252 that says it is UTF-8", "D11", Reply(body=_csv(_row("Übung für Mütter"), encoding="cp1252"), headers={"Content-Type": "text/csv; charset=utf-8"}), "taken", taken=1, titles=("Übung für Mütter",)),
    _case("UTF-16", "D11", _csv(_row("Übung"), encoding="utf-16"), "taken", taken=1, titles=("Übung",)),
    _case("UTF-7 that hides a tag", "D11", Reply(body=_csv(_row("+ADw-script+AD4-")), headers={"Content-Type": "text/csv; charset=utf-7"}), "taken", taken=1, titles=("+ADw-script+AD4-",)),
    _case("UTF-8 that ends in a character", "D11", _csv(_row("Kurs ü"))[:-10] + b"\xc3", "part truncated"),
    _case("letters made of a thousand marks", "D10", _csv(_row("Ku" + "\u0301" * 250 + "rs")), "taken", taken=1),
    # --- values
    _case("a script in the text", "D12", _csv(_row(text="<script>alert(1)</script><img src=x onerror=alert(1)><p>gut</p>")), "taken", taken=1),
    _case("links that run", "D12", _csv(_row(text="<a href='java&#115;cript:alert(1)'>x</a><a href='data:text/html,<b>'>y</a>")), "taken", taken=1),
    _case("markup that mutates", "D12", _csv(_row(text="<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>")), "taken", taken=1),
    _built("100,000 open tags", "D12", lambda: _csv(_row(text="<div>" * 20_000)), "taken", taken=1),
    _case("formulas as titles", "D13", _csv(*(_row(title, str(n)) for n, title in enumerate(("=1+1", "+49 1", "-2", "@SUM(A1)")))), "taken", taken=4),
    _built("a text of 100,000 characters", "D22", lambda: _csv(_row(text="wort " * 20_000)), "taken", taken=1),
    _built("a title of 100,000 characters", "D22", lambda: _csv(_row("t" * 100_000)), "taken", taken=1),
    _built("an address of 100,000 characters", "D22", lambda: _csv(_row(url="https://x.example/" + "a" * 100_000)), "taken", taken=1),
    _case("addresses that are none", "D16", _csv(_row(url="javascript:alert(1)"), _row(ident="2", url="http://[::1"), _row(ident="3", url="https://a@b.example/")), "taken", taken=3),
    _case("years 0001 and 9999", "D15", _csv(_row(start="01.01.0001"), _row(ident="2", start="31.12.9999", end="01.01.10000")), "taken", taken=2),
    _case("the 30th of February", "D15", _csv(_row(start="30.02.2027")), "taken", taken=1),
    _case("places nowhere", "D22", _csv(_row(lat="NaN", lon="inf"), _row(ident="2", lat="1e308", lon="-1e308"), _row(ident="3", lat="0", lon="0")), "taken", taken=3),
    # --- the mapping
    _case("a pattern that runs away", "D26", _csv(_row(level=_EVIL_TEXT)), "refused", settings={"map": {**_MAP, "level": {"column": "Niveau", "pattern": "(a+)+b"}}}),
    _case("a pattern that runs away in disguise", "D26", _csv(_row(level=_EVIL_TEXT), _row(ident="2")), "reject record_too_slow", taken=1, settings={"map": {**_MAP, "level": {"column": "Niveau", "pattern": "(a|a|a)*b"}}}),
)  # fmt: skip
