"""Ludwigslust-Parchim: the language courses of eight providers in one workbook, some of them against each other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from verbund.demo.days import MONDAY, weekday_in
from verbund.demo.table_feed import Cell, as_workbook
from verbund.demo.towns import LUDWIGSLUST_PARCHIM, Town

SHEET: Final = "Kurse"
HEADING_ROW: Final = 3
_ABOVE: Final = ("Sprachkurse im Landkreis, Stand: laufend", "Rückfragen an das Bildungsbüro")
_HEADING: Final = (
    "Kurs-Nr.",
    "Träger",
    "Kurs",
    "Beschreibung",
    "Niveau von",
    "Niveau bis",
    "Beginn",
    "Ende",
    "Plätze",
    "frei",
    "Anmeldung bis",
    "Prüfung am",
    "Straße",
    "PLZ",
    "Ort",
    "Breite",
    "Länge",
    "Kosten",
    "Kinderbetreuung",
    "Zielgruppe",
    "E-Mail",
    "Telefon",
    "Internet",
)
_PROVIDERS: Final = (
    ("Sprachhaus Elde e.V.", "elde"),
    ("Bildungswerk Lindenhof gGmbH", "lindenhof"),
    ("Lernzentrum Griese Gegend", "griese-gegend"),
    ("Institut Wortwechsel", "wortwechsel"),
    ("Kolleg am Pfaffenteich", "kolleg"),
    ("Seminarhaus Müritzer Tor", "muetor"),
    ("Werkstatt Sprache und Beruf", "sprache-beruf"),
    ("Frauen lernen gemeinsam e.V.", "frauen-lernen"),
)
_LADDER: Final = (
    ("Alphabetisierungskurs", None, "A1", 20),
    ("Integrationskurs, Modul 1 und 2", None, "A1", 10),
    ("Integrationskurs, Modul 3 und 4", "A1", "A2", 10),
    ("Integrationskurs, Modul 5 und 6", "A2", "B1", 10),
    ("Berufssprachkurs B2", "B1", "B2", 16),
    ("Berufssprachkurs C1", "B2", "C1", 16),
)
_SEATS = 15
_SHIFT_WEEKS = 4
# Three providers, one town, one level, two weeks: what the district wants to see before it happens.
_RIVALS: Final = ((0, 4, 3), (1, 5, 4), (3, 5, 3))


def workbook(today: date, edition: int) -> bytes:
    """The workbook in its first or its edited second edition."""
    rows = [*_regular(today), *_rivals(today)]
    if edition > 1:
        rows = _edited(rows, today)
    return as_workbook([_HEADING, *rows], sheet=SHEET, above=_ABOVE)


def _regular(today: date) -> list[list[Cell]]:
    rows = []
    for index, (provider, host) in enumerate(_PROVIDERS):
        for step in range(5):
            course, level_from, level_to, weeks = _LADDER[(index + step) % len(_LADDER)]
            town = LUDWIGSLUST_PARCHIM[(index + 2 * step) % len(LUDWIGSLUST_PARCHIM)]
            begin = weekday_in(today, 2 + (3 * index + 5 * step) % 22, MONDAY)
            rows.append(
                _row(
                    f"{host[:3].upper()}-{100 + step}",
                    (provider, host),
                    course,
                    levels=(level_from, level_to),
                    begin=begin,
                    weeks=weeks,
                    town=town,
                    free=(index * 5 + step * 3) % _SEATS,
                    women=host == "frauen-lernen",
                )
            )
    return rows


def _rivals(today: date) -> list[list[Cell]]:
    return [
        _row(
            f"PCH-B1-{number}",
            _PROVIDERS[provider],
            "Integrationskurs, Modul 5 und 6",
            levels=("A2", "B1"),
            begin=weekday_in(today, week, MONDAY),
            weeks=10,
            town=LUDWIGSLUST_PARCHIM[0],
            free=_SEATS - taken,
            women=False,
        )
        for number, (provider, week, taken) in enumerate(_RIVALS, start=1)
    ]


def _row(
    number: str,
    provider: tuple[str, str],
    course: str,
    *,
    levels: tuple[str | None, str],
    begin: date,
    weeks: int,
    town: Town,
    free: int,
    women: bool,
) -> list[Cell]:
    name, host = provider
    end = begin + timedelta(weeks=weeks) - timedelta(days=3)
    return [
        number,
        name,
        f"{course} in {town.name}",
        "Deutschkurs am Vormittag, vier Tage in der Woche; Einstufung nach Anmeldung.",
        levels[0],
        levels[1],
        begin,
        end,
        _SEATS,
        free,
        begin - timedelta(days=10),
        end + timedelta(days=8) if levels[1] in ("B1", "B2") else None,
        f"Schulweg {sum(number.encode()) % 40 + 1}",
        town.postcode,
        town.name,
        town.lat,
        town.lon,
        0.0 if levels[1] == "A1" else 2.29,
        "ja" if women or free % 3 == 0 else "nein",
        "Frauen" if women else "Geflüchtete, Neuzugewanderte",
        f"kurse@{host}.example",
        f"+49 40 66969 {sum(host.encode()) % 900 + 100}",
        f"https://{host}.example/kurse/{number.lower()}",
    ]


def _edited(rows: list[list[Cell]], today: date) -> list[list[Cell]]:
    """The three providers have agreed: one course less, one shifted; a new course, and one row without a title."""
    level_to, title = (_HEADING.index(name) for name in ("Niveau bis", "Kurs"))
    by_number = {str(row[0]): row for row in rows}
    shifted = {str(row[0]): row for row in _rivals(today + timedelta(weeks=_SHIFT_WEEKS))}
    by_number["PCH-B1-2"] = shifted["PCH-B1-2"]
    del by_number["PCH-B1-3"]
    late = list(by_number["ELD-101"])
    late[0], late[level_to] = "ELD-190", "B1"
    broken = list(by_number["ELD-102"])
    broken[0], broken[title] = "ELD-191", None
    return [*by_number.values(), late, broken]
