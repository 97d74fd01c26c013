"""Made-up feeds of any size, written to disk record by record: a table, an OpenActive feed, an Integreat region.

The same seed gives the same records. Each feed is written in two editions that say the same in other bytes, as after a
nightly export: the connector must read everything again and find that nothing changed.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.search import Town as Words
from verbund.demo.integreat_feed import Place, Region
from verbund.demo.phrases import PLACES, Phrase
from verbund.demo.towns import ENNEPE_RUHR, MITTELSACHSEN, STARNBERG

FIRST_EDITION, SAME_IN_OTHER_BYTES = "first", "same"
ITEMS_OF_A_PAGE = 500
# Far enough that no record is past, near enough to be believed.
BEGIN = datetime.now(UTC).date() + timedelta(days=30)
PROVIDERS = 50

_HEADING = (
    "Angebots-ID", "Titel", "Beschreibung", "Handlungsfeld", "Zielgruppe", "Sprachniveau", "Träger", "Straße", "PLZ",
    "Ort", "Beginn", "Ende", "Kosten", "Telefon", "E-Mail", "Internet", "Status",
)  # fmt: skip
_FIELDS = ("Sprache", "Schule", "Arbeit", "Beratung", "Sport")
_GROUPS = ("Geflüchtete", "Neuzugewanderte", "Arbeitsuchende", "Fachkräfte", "Kinder", "Jugendliche", "Frauen")
_LEVELS = ("A1", "A2", "B1", "B2", "")

_TABLE = """
with:
  url: "{base}/angebote.csv"
  format: csv
  encoding: utf-8
  delimiter: ";"
  key: [Angebots-ID]
  map:
    title: Titel
    description: Beschreibung
    category:
      column: Handlungsfeld
      values: {{Sprache: language, Schule: school, Arbeit: work, Beratung: counselling, Sport: sport}}
    kind:
      column: Handlungsfeld
      values: {{Sprache: course, Schule: programme, Arbeit: programme, Beratung: counselling, Sport: sport}}
    target_groups:
      column: Zielgruppe
      values: {{Geflüchtete: refugees, Neuzugewanderte: newcomers, Arbeitsuchende: jobseekers,
               Fachkräfte: skilled_workers, Kinder: children, Jugendliche: youth, Frauen: women}}
    level_to: Sprachniveau
    organisation: Träger
    place.street: Straße
    place.postcode: PLZ
    place.town: Ort
    start: Beginn
    end: Ende
    cost: Kosten
    contact.phone: Telefon
    contact.email: E-Mail
    url: Internet
    status: {{column: Status, values: {{aktiv: active, inaktiv: withdrawn}}}}
"""
_RPDE = """
with:
  url: "{base}/rpde/000000.json"
"""
_INTEGREAT = """
with:
  base_url: "{base}"
  region: starnberg
  web_url: https://integreat.starnberg.example
  languages: [de, en]
"""
#: District and settings by connector.
CONNECTORS = {"table": ("14522", _TABLE), "rpde": ("05954", _RPDE), "integreat": ("09188", _INTEGREAT)}


@dataclass(slots=True)
class Written:
    """A feed on disk.

    Attributes:
        records: that must be found.
        titles: what their titles add up to, whatever their order.
        sample: some titles, to be searched for.
        bytes: of the first edition.
    """

    records: int = 0
    titles: int = 0
    sample: tuple[str, ...] = ()
    bytes: int = 0


def source_file(connector: str, base: str, *, contacts: str) -> str:
    """The source file of a feed."""
    district, settings = CONNECTORS[connector]
    return (
        f'source: bench-{connector}\ndistrict: "{district}"\nconnector: {connector}\ntitle: Bench\n'
        f"licence: CC0-1.0\ncontacts: {contacts}\n{settings.format(base=base)}"
    )


def write(connector: str, size: int, folder: Path, *, base: str) -> Written:
    """Both editions of a feed, below `folder`."""
    writers = {"table": _write_table, "rpde": _write_rpde, "integreat": _write_integreat}
    written = Written()
    for edition in (FIRST_EDITION, SAME_IN_OTHER_BYTES):
        (folder / edition).mkdir(parents=True)
        written = Written()
        writers[connector](size, folder / edition, base, written, other=edition == SAME_IN_OTHER_BYTES)
    written.bytes = sum(path.stat().st_size for path in (folder / FIRST_EDITION).rglob("*") if path.is_file())
    return written


def title_sum(title: str) -> int:
    """A number of a title; sums of them are equal for equal titles in any order."""
    return int.from_bytes(hashlib.blake2b(title.encode(), digest_size=12).digest(), "big")


def _noted(written: Written, title: str) -> str:
    if written.records % 97 == 0 and len(written.sample) < 30:
        written.sample += (title,)
    written.records += 1
    written.titles += title_sum(title)
    return title


def _write_table(size: int, folder: Path, base: str, written: Written, *, other: bool) -> None:  # noqa: ARG001 - all writers alike
    with (folder / "angebote.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(
            file, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL if other else csv.QUOTE_MINIMAL
        )
        out.writerow(_HEADING)
        out.writerows(_rows(size, written))


def _rows(size: int, written: Written) -> Iterator[list[str]]:
    words = Words()
    for number in range(size):
        town = MITTELSACHSEN[number % len(MITTELSACHSEN)]
        begin = BEGIN + timedelta(days=number % 300)
        provider = number % PROVIDERS
        yield [
            f"MS-{number:07d}",
            _noted(written, words.text(5).capitalize()),
            words.text(40),
            _FIELDS[number % len(_FIELDS)],
            _GROUPS[number % len(_GROUPS)],
            _LEVELS[number % len(_LEVELS)],
            f"Bildungswerk {words.words[provider]} e.V.",
            f"Obere Gasse {number % 90 + 1}",
            town.postcode,
            town.name,
            f"{begin:%d.%m.%Y}",
            f"{begin + timedelta(weeks=12):%d.%m.%Y}",
            f"{number % 60},50",
            f"+49 69 90009 {number % 900 + 100}",
            f"info@traeger-{provider}.example",
            f"https://traeger-{provider}.example/{number}",
            "aktiv",
        ]


def _write_rpde(size: int, folder: Path, base: str, written: Written, *, other: bool) -> None:
    (folder / "rpde").mkdir()
    words = Words()
    pages = -(-size // ITEMS_OF_A_PAGE)
    for page in range(pages + 1):
        numbers = range(page * ITEMS_OF_A_PAGE, min(size, (page + 1) * ITEMS_OF_A_PAGE))
        following = f"{base}/rpde/{min(page + 1, pages):06d}.json"
        items = [_course(number, words, written) for number in numbers]
        text = json.dumps(
            {"next": following, "items": items, "license": "https://creativecommons.org/publicdomain/zero/1.0/"},
            ensure_ascii=False,
            separators=(",", ":") if other else None,
        )
        (folder / "rpde" / f"{page:06d}.json").write_text(text, encoding="utf-8")


def _course(number: int, words: Words, written: Written) -> dict[str, Any]:
    ident, root = f"kurs-{number:07d}", "https://buchung.sport.example"
    begin, town, club = BEGIN + timedelta(days=number % 300), ENNEPE_RUHR[number % len(ENNEPE_RUHR)], number % PROVIDERS
    last = begin + timedelta(weeks=9)
    data = {
        "@context": "https://openactive.io/",
        "@type": "CourseInstance",
        "@id": f"{root}/{ident}",
        "identifier": ident,
        "name": _noted(written, words.text(5).capitalize()),
        "description": words.text(40),
        "url": f"{root}/{ident}",
        "organizer": {
            "@type": "Organization",
            "@id": f"{root}/vereine/{club}",
            "name": f"Sportverein {words.words[club]} e.V.",
            "url": f"{root}/vereine/{club}",
            "email": f"kontakt@verein-{club}.example",
        },
        "location": {
            "@type": "Place",
            "identifier": f"ort-{town.postcode}",
            "name": f"Sporthalle {town.name}",
            "address": {
                "@type": "PostalAddress",
                "streetAddress": "Am Sportplatz 1",
                "addressLocality": town.name,
                "postalCode": town.postcode,
                "addressCountry": "DE",
            },
            "geo": {"@type": "GeoCoordinates", "latitude": town.lat, "longitude": town.lon},
        },
        "startDate": begin.isoformat(),
        "endDate": last.isoformat(),
        "eventSchedule": [
            {
                "@type": "Schedule",
                "scheduledEventType": "Event",
                "startDate": begin.isoformat(),
                "endDate": last.isoformat(),
                "startTime": "17:30",
                "endTime": "19:00",
                "repeatFrequency": "P1W",
                "byDay": [f"https://schema.org/{begin:%A}"],
                "scheduleTimezone": "Europe/Berlin",
            }
        ],
        "maximumAttendeeCapacity": 12,
        "remainingAttendeeCapacity": number % 12,
        "offers": [{"@type": "Offer", "name": "Teilnahme", "price": float(number % 40), "priceCurrency": "EUR"}],
    }
    return {
        "state": "updated",
        "kind": "CourseInstance",
        "id": ident,
        "modified": 1_700_000_000_000 + number,
        "data": data,
    }


def _write_integreat(size: int, folder: Path, base: str, written: Written, *, other: bool) -> None:  # noqa: ARG001 - all writers alike
    words = Words()
    places = []
    for number in range(1, size + 1):
        title, text = words.text(4).capitalize(), words.text(40)
        town = STARNBERG[number % len(STARNBERG)]
        icon = PLACES[number % len(PLACES)].icon
        phrase = Phrase(f"ort-{number}", icon, (title, text), (f"{title} (en)", text))
        places.append(
            Place(
                number=number,
                phrase=phrase,
                town=town,
                street=f"Ufergasse {number % 80 + 1}",
                organisation=f"Träger{number % PROVIDERS} gGmbH",
                phone=f"+49 89 99998 {number % 900 + 100}",
                languages=("de", "en"),
            )
        )
        _noted(written, f"{title} {town.name}")
    region = Region(
        slug="starnberg", name="Starnberg", centre=STARNBERG[0], languages=("de", "en"),
        places=places, events=[], edition=1, today=BEGIN,
    )  # fmt: skip
    for path, body in region.answers().items():
        file = folder / path.strip("/") / "index.json"
        file.parent.mkdir(parents=True)
        file.write_text(
            json.dumps(json.loads(body), separators=(",", ":")) if other else body.decode(), encoding="utf-8"
        )
