"""A first mapping from headings and some rows, for a person to look through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO, Any

from verbund_connectors import classify, values
from verbund_connectors.german import parse_date, parse_decimal
from verbund_connectors.table import heading, sheet
from verbund_connectors.table.settings import DATES
from verbund_connectors.table.sheet import Cell, Facts

_ROWS = 50  # enough to tell a key from a title, quickly read
_HEADING_WITHIN = 15  # rows: titles and notes of a sheet stand above its headings

# Field -> whole headings, folded; then words that a heading may contain. The first field that fits takes the column.
_WHOLE: dict[str, str] = {
    "title": r"titel|angebot|bezeichnung|name|kurstitel|kursname|angebotstitel|name des angebots|veranstaltung|kurs|thema|title",
    "description": r"beschreibung|kurzbeschreibung|inhalt|inhalte|text|details|erlauterung|angebotsbeschreibung|description",
    "category": r"handlungsfeld|kategorie|rubrik|themenfeld|bereich|themenbereich|bildungsbereich|category",
    "target_groups": r"zielgruppe|zielgruppen|fur wen",
    "level": r"sprachniveau|niveau|niveaustufe|level|sprachlevel|kursniveau|ger",
    "organisation": r"trager|anbieter|veranstalter|organisation|akteur|einrichtung|institution|verein|provider",
    "place.name": r"veranstaltungsort|kursort|ort der veranstaltung|gebaude|raum|treffpunkt|standort",
    "place.street": r"strasse|str\.|anschrift|strasse und hausnummer|strasse, nr\.?|strasse / hausnummer|adresse",
    "place.postcode": r"plz|postleitzahl",
    "place.town": r"ort|stadt|gemeinde|wohnort|kommune|town|city",
    "place.lat": r"lat|latitude|breite|breitengrad",
    "place.lon": r"lon|lng|longitude|lange|langengrad",
    "start": r"beginn|start|startdatum|von|datum|kursbeginn|erster termin|termin|anfang|beginnt am",
    "end": r"ende|enddatum|bis|kursende|letzter termin|endet am",
    "weekdays": r"wochentag|wochentage|tag|tage",
    "time": r"uhrzeit|zeit|uhrzeiten|zeiten|kurszeiten|von bis",
    "cost": r"kosten|preis|gebuhr|kursgebuhr|entgelt|teilnahmegebuhr|kosten in euro|eigenanteil|teilnahmebeitrag",
    "registration.url": r"anmeldelink|anmeldung online|online-anmeldung|link zur anmeldung|buchungslink",
    "registration_until": r"anmeldeschluss|anmeldefrist|anmeldung bis",
    "registration": r"anmeldung",
    "exam_on": r"prufung|prufungstermin|prufungsdatum",
    "seats_free": r"freie platze|restplatze|platze frei",
    "seats": r"platze|teilnehmerzahl|max\.? teilnehmer|teilnehmer max\.?|kapazitat|anzahl platze",
    "contact.function": r"funktion|zustandigkeit|ansprechstelle",
    "contact.name": r"ansprechpartner|ansprechpartnerin|ansprechperson|kontaktperson|ansprechpartner/in|ansprechpartner\*in|kontakt",
    "contact.phone": r"telefon|tel\.?|telefonnummer|phone|fon",
    "contact.mobile": r"mobil|handy|mobiltelefon",
    "contact.email": r"e-mail|email|mail|e-mail-adresse|mailadresse",
    "url": r"internet|webseite|website|homepage|link|url|internetseite|web|weitere informationen",
    "languages": r"unterrichtssprache|kurssprache|sprache|sprachen",
    "gender": r"geschlecht",
    "age": r"alter|altersgruppe",
    "childcare": r"kinderbetreuung|mit kinderbetreuung",
    "barrier_free": r"barrierefrei|barrierefreiheit",
    "access": r"voraussetzungen|teilnahmevoraussetzungen|zugangsvoraussetzungen|bedingungen",
    "status": r"status|zustand",
    "kind": r"angebotsart|art|angebotstyp|art des angebots|typ",
}
_PATTERNS = {field: re.compile(words) for field, words in _WHOLE.items()}
_KEY = re.compile(
    r".*\b(id|nr|nummer|kennung|kursnummer|kurs-nr|angebotsnummer|schlussel|uuid|kennziffer)\b\.?.*|.*(id|nr|nummer)"
)
_GERMAN_STATES = {"aktiv": "active", "inaktiv": "withdrawn", "abgesagt": "cancelled", "ausgebucht": "full"}


def draft(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """`key` and `map` for these headings; a field that no heading names is left out."""
    plain = {heading_: classify.fold(heading_).strip(" :*") for heading_ in headings if heading_}
    mapping: dict[str, Any] = {}
    used: set[str] = set()
    for field, pattern in _PATTERNS.items():
        for name, folded in plain.items():
            if name not in used and pattern.fullmatch(folded) and _fits(field, _column(headings, rows, name)):
                mapping[field] = name
                used.add(name)
                break
    key = _key(headings, rows, plain, used)
    if "title" not in mapping:
        _longest_text(headings, rows, {*used, *key}, mapping)
    _with_values(mapping, headings, rows)
    return {"key": key, "map": mapping}


def _column(headings: Sequence[str], rows: Sequence[Sequence[Any]], name: str) -> list[Any]:
    index = list(headings).index(name)
    return [row[index] for row in rows if index < len(row) and row[index] not in (None, "")]


def _fits(field: str, cells: list[Any]) -> bool:
    """Whether what stands below a heading is what the field needs; nothing at all fits too."""
    if not cells:
        return True
    if field in DATES:
        good = sum(parse_date(cell) is not None for cell in cells)
    elif field in {"seats", "seats_free"}:
        good = sum(values.whole(cell) is not None for cell in cells)
    elif field == "cost":
        good = sum(parse_decimal(cell) is not None for cell in cells)
    else:
        return True
    return good * 2 >= len(cells)


def _key(headings: Sequence[str], rows: Sequence[Sequence[Any]], plain: dict[str, str], used: set[str]) -> list[str]:
    """A column that is called like an id and never repeats; else any that never repeats; else all that tell rows apart."""

    def tells(name: str) -> bool:
        cells = [str(cell) for cell in _column(headings, rows, name)]
        return len(cells) == len(rows) and len(set(cells)) == len(cells)

    named = [name for name, folded in plain.items() if _KEY.fullmatch(folded) and name not in used]
    for name in named:
        if tells(name):
            return [name]
    return [name for name in plain if name not in used and tells(name)][:1] or named[:1] or list(plain)[:1]


def _longest_text(
    headings: Sequence[str], rows: Sequence[Sequence[Any]], used: set[str], mapping: dict[str, Any]
) -> None:
    free = [name for name in headings if name and name not in used]
    if free:
        mapping["title"] = max(free, key=lambda name: len(" ".join(map(str, _column(headings, rows, name)))))


def _with_values(mapping: dict[str, Any], headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Word lists spelt out where the words are known, so that a person sees and corrects them."""
    for field, codes_of in (
        ("category", classify.category),
        ("status", lambda word: [_GERMAN_STATES.get(word.lower(), "")]),
    ):
        column = mapping.get(field)
        if not isinstance(column, str):
            continue
        words = list(dict.fromkeys(str(cell).strip() for cell in _column(headings, rows, column)))
        listed = {word: codes[0] for word in words if (codes := codes_of(word)) and codes[0]}
        if listed and len(listed) == len(words) <= 30:
            mapping[field] = {"column": column, "values": listed}
    column = mapping.get("target_groups")
    if isinstance(column, str):
        mapping["target_groups"] = {"column": column, "split": [",", " und "]}


def draft_from(body: IO[bytes]) -> dict[str, Any]:
    """`with:` for a file, less `path`; raises `UnreadableError` when it is no table."""
    found: dict[str, Any] = {"format": sheet.format_of(body)}
    rows: list[tuple[int, list[Cell]]]
    facts = Facts()
    if found["format"] == "xlsx":
        workbook = sheet.open_workbook(body)
        chosen = sheet.sheets_of(workbook, None)[0]
        found["sheet"] = chosen.title
        rows = _first(sheet.sheet_rows(chosen, facts))
    else:
        facts.encoding = sheet.encoding_of(body)
        head = sheet.head_of(body, facts.encoding)
        facts.delimiter = max(sheet.DELIMITERS, key=lambda d: _even(sheet.cells_of_head(head, d, _HEADING_WITHIN)))
        found |= {"encoding": facts.encoding.replace("utf-8-sig", "utf-8"), "delimiter": facts.delimiter}
        rows = _first(sheet.csv_rows(body, facts))
    number, cells = _heading_row(rows)
    headings = heading.joined([cells])
    if number != 1:
        found["header_rows"] = number
    return found | draft(headings, [row for at, row in rows if at > number])


def _first(rows: Any) -> list[tuple[int, list[Cell]]]:
    return [row for row, _ in zip(rows, range(_ROWS), strict=False)]


def _even(rows: list[list[str]]) -> tuple[int, int]:
    """How many rows have the commonest width above one, and that width: a comma in a sentence makes no column."""
    widths = [len(row) for row in rows if len(row) > 1]
    common = max(widths, key=lambda width: (widths.count(width), width), default=0)
    return widths.count(common), common


def _heading_row(rows: list[tuple[int, list[Cell]]]) -> tuple[int, list[Cell]]:
    """The row near the top with most known headings, else the first."""

    def known(entry: tuple[int, list[Cell]]) -> int:
        words = [classify.fold(cell).strip(" :*") for cell in entry[1] if isinstance(cell, str)]
        return sum(any(pattern.fullmatch(word) for pattern in _PATTERNS.values()) for word in words)

    candidates = rows[:_HEADING_WITHIN]
    return max(candidates, key=known) if candidates else (1, [])
