"""Mittelsachsen: everything the district knows in one CSV of its old program, in the old code page."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from verbund.demo.days import weekday_in
from verbund.demo.table_feed import Cell, as_csv
from verbund.demo.towns import MITTELSACHSEN

ENCODING: Final = "cp1252"
_HEADING: Final = (
    "Angebots-ID",
    "Titel",
    "Beschreibung",
    "Handlungsfeld",
    "Zielgruppe",
    "Sprachniveau",
    "Träger",
    "Straße",
    "PLZ",
    "Ort",
    "Beginn",
    "Ende",
    "Kosten",
    "Telefon",
    "E-Mail",
    "Internet",
    "Status",
)
_KINDS: Final = (
    ("Deutsch für Anfänger", "Sprache", "Geflüchtete", "A1", 12, 0.0),
    ("Deutsch für den Beruf", "Sprache", "Arbeitsuchende", "B2", 20, 0.0),
    ("Sprachtreff", "Sprache", "Neuzugewanderte", None, 0, 0.0),
    ("Hausaufgabenhilfe", "Schule", "Kinder", None, 30, 0.0),
    ("Berufsorientierung", "Arbeit", "Jugendliche", None, 6, 0.0),
    ("Beratung zur Anerkennung", "Beratung", "Fachkräfte", None, 0, 0.0),
    ("Sozialberatung", "Beratung", "Geflüchtete", None, 0, 0.0),
    ("Fußball für alle", "Sport", "Jugendliche", None, 0, 0.0),
    ("Schwimmkurs für Frauen", "Sport", "Frauen", None, 10, 15.5),
)
_PROVIDERS: Final = (
    "Bergstadt Bildung e.V.",
    "Muldental hilft e.V.",
    "Zschopauer Lernwerkstatt",
    "Sachsenbrücke gGmbH",
)


def table(today: date, edition: int) -> bytes:
    """The file in its first or its edited second edition."""
    rows = [
        _row(today, number, *kind)
        for number, kind in enumerate((kind for _town in range(5) for kind in _KINDS), start=1)
    ]
    broken = _row(today, 99, *_KINDS[0])
    broken[_HEADING.index("Titel")] = ""
    rows.append(broken)
    if edition > 1:
        title, cost, status = (_HEADING.index(name) for name in ("Titel", "Kosten", "Status"))
        rows[2][title] = "Sprachtreff im Schlosscafé"
        rows[8][cost] = 12.0
        rows[11][status] = "inaktiv"
        rows[-1][title] = "Deutsch für Anfänger am Abend"
    return as_csv([_HEADING, *rows], encoding=ENCODING)


def _row(
    today: date, number: int, title: str, field: str, group: str, level: str | None, weeks: int, cost: float
) -> list[Cell]:
    town = MITTELSACHSEN[(number * 2 + number // len(_KINDS)) % len(MITTELSACHSEN)]
    begin = weekday_in(today, 2 + number % 15, number % 5) if weeks else None
    provider = number % len(_PROVIDERS)
    return [
        f"MS-{number:04d}",
        title,
        f"{title} in {town.name}; ohne lange Wege, auf Wunsch mit Sprachmittlung.",
        field,
        group,
        level,
        _PROVIDERS[provider],
        f"Obere Gasse {number}",
        town.postcode,
        town.name,
        begin,
        begin + timedelta(weeks=weeks) if begin else None,
        cost,
        f"+49 69 90009 {number + 100}",
        f"info@traeger-{provider}.example",
        f"https://traeger-{provider}.example/{number}",
        "aktiv",
    ]
