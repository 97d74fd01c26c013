"""Tables for tests: the made-up CSV, a mapping for it, and builders of CSV and XLSX."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl

from verbund_connectors.kit import Answer, Mapped, SourceContext
from verbund_connectors.table import Table, TableSettings
from verbund_connectors.testing import Pull, pull

CSV = (Path(__file__).parents[1] / "feeds" / "csv" / "angebote_cp1252_semikolon.csv").read_bytes()

MAP: dict[str, Any] = {
    "title": "Titel",
    "description": "Beschreibung",
    "category": {
        "column": "Handlungsfeld",
        "values": {"Sprache": "language", "Schule/Bildung": "school", "Sport": "sport"},
    },
    "target_groups": {"column": "Zielgruppe", "split": [",", " und "]},
    "level": {"column": "Sprachniveau", "split": [","], "pattern": "^(Alpha|A1|A2|B1|B2|C1|C2)$"},
    "organisation": "Träger",
    "place.street": "Straße",
    "place.postcode": "PLZ",
    "place.town": "Ort",
    "start": "Beginn",
    "end": "Ende",
    "weekdays": "Wochentag",
    "time": "Uhrzeit",
    "cost": "Kosten",
    "contact.phone": "Telefon",
    "contact.email": "E-Mail",
    "url": "Internet",
    "status": {"column": "Status", "values": {"aktiv": "active", "inaktiv": "withdrawn"}},
}
SETTINGS: dict[str, Any] = {"path": "angebote.csv", "key": ["Angebots-ID"], "map": MAP}


def connector(contacts: Any = "functions", **settings: Any) -> Table:
    """A connector with these settings."""
    settings = {"path": "t", "key": ["ID"], "map": {"title": "Titel"}, **settings}
    return Table(
        TableSettings(**settings),
        SourceContext(source="s", district="05954", contacts=contacts, hub_urls=("https://hub.example/",)),
    )


def answers_of(made: Table, body: bytes) -> tuple[Pull, dict[str, Answer]]:
    """A pull of the file, and what became of each record."""
    request = made.begin({})[0]
    result = pull(made, {request.url or request.path or "": body})
    return result, {key: made.map(key, items) for key, items in result.records().items()}


def one(row: dict[str, Any], *, contacts: Any = "functions", **settings: Any) -> Answer:
    """What becomes of one row, given as heading -> cell; `ID` and `Titel` are added."""
    full = {"ID": "A-1", "Titel": "Deutschkurs", **row}
    extra = settings.pop("map", {})
    made = connector(contacts, **settings, map={"title": "Titel", **extra})
    _, answers = answers_of(made, as_csv([list(full), list(full.values())]))
    (answer,) = answers.values()
    return answer


def mapped(row: dict[str, Any], **settings: Any) -> Mapped:
    """The same of a row that is taken."""
    answer = one(row, **settings)
    assert isinstance(answer, Mapped), answer
    return answer


def as_csv(rows: list[list[Any]], *, delimiter: str = ";", encoding: str = "utf-8") -> bytes:
    """The rows as a CSV file."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def workbook(sheets: dict[str, list[list[Any]]], *, hidden: tuple[str, ...] = ()) -> openpyxl.Workbook:
    """A workbook of these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    """The workbook's bytes."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xlsx(body: bytes) -> bytes:
    """The CSV as a workbook of one sheet, all cells text."""
    return saved(
        workbook({"Angebote": list(csv.reader(io.StringIO(body.decode("cp1252"), newline=""), delimiter=";"))})
    )
