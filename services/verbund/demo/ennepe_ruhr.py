"""Ennepe-Ruhr: sport of clubs from a booking system, as two split RPDE feeds and one of courses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any, Final

from verbund.demo.days import at, utc, weekday_in
from verbund.demo.rpde_feed import Entry
from verbund.demo.towns import ENNEPE_RUHR, Town

_CONTEXT: Final = "https://openactive.io/"
_LIST: Final = "https://openactive.io/activity-list"
_ROOT: Final = "https://buchung.enr-sport.example"
_SESSIONS_PER_SERIES = 6
_WITHDRAWN_SERIES = "serie-07"
_RENAMED_SERIES = "serie-03"
_CANCELLED_SESSION = "serie-05-2"

_CLUBS: Final = ("TuS Ruhrhang 1921 e.V.", "SC Hammertal e.V.", "Wasserfreunde Ennepe e.V.", "Bewegt e.V.")


@dataclass(frozen=True, slots=True)
class _Group:
    """A weekly group: sport word of the list, title, text, gender, ages."""

    sport: str
    title: str
    text: str
    gender: str = "NoRestriction"
    youngest: int = 16
    oldest: int | None = None
    price: float = 0.0


_GROUPS: Final = (
    _Group("Fußball", "Fußball ohne Grenzen", "Offene Gruppe, Einstieg jederzeit, Schuhe werden gestellt."),
    _Group(
        "Schwimmen",
        "Schwimmen lernen für Frauen",
        "Kleine Gruppe mit Trainerin; Umkleide nur für Frauen.",
        "FemaleOnly",
    ),
    _Group("Volleyball", "Volleyball am Abend", "Gemischte Gruppe, wir spielen in gemischten Mannschaften."),
    _Group("Basketball", "Mitternachtsbasketball", "Freitags spät, ohne Anmeldung, mit Musik.", youngest=14, oldest=27),
    _Group("Tischtennis", "Tischtennis für alle", "Platten, Schläger und Tee sind da."),
    _Group("Laufen", "Laufgruppe Ruhrtal", "Langsam anfangen, zusammen ankommen; fünf Kilometer am Fluss."),
    _Group("Badminton", "Badminton für Familien", "Eltern und Kinder ab 8 Jahren.", youngest=8),
    _Group("Turnen", "Eltern-Kind-Turnen", "Für Kinder von 3 bis 6 Jahren mit Begleitung.", youngest=3, oldest=6),
    _Group("Leichtathletik", "Leichtathletik für Jugendliche", "Laufen, springen, werfen.", youngest=10, oldest=17),
    _Group("Wandern", "Wandern und Deutsch sprechen", "Acht Kilometer, unterwegs üben wir Wörter des Waldes."),
    _Group("Tennis", "Schnuppertennis", "Vier Abende, Schläger leihen wir.", price=10.0),
    _Group("Nordic Walking", "Nordic Walking ab 60", "Gemütliches Tempo, Stöcke zum Ausleihen.", youngest=60),
)


def series(today: date, edition: int) -> list[Entry]:
    """The series feed: what the groups are."""
    entries = []
    for number, town, group in _groups():
        ident = f"serie-{number:02d}"
        data: dict[str, Any] | None = _series(ident, number, town, group)
        later = edition > 1 and ident in (_WITHDRAWN_SERIES, _RENAMED_SERIES)
        if later and ident == _WITHDRAWN_SERIES:
            data = None
        elif later and data is not None:
            data = {**data, "name": f"{group.title} (jetzt mit Anfängergruppe)"}
        entries.append(Entry(kind="SessionSeries", id=ident, modified=_modified(today, number, later=later), data=data))
    return entries


def sessions(today: date, edition: int) -> list[Entry]:
    """The sessions feed: when they meet; split from the series, as booking systems do."""
    entries = []
    for number, _town, _group in _groups():
        start = at(weekday_in(today, 1, number % 7), ("17:00", "18:30", "20:00")[number % 3])
        for week in range(_SESSIONS_PER_SERIES):
            ident = f"serie-{number:02d}-{week}"
            later = edition > 1 and (ident == _CANCELLED_SESSION or ident.startswith(_WITHDRAWN_SERIES))
            data = _session(
                ident, f"serie-{number:02d}", start + timedelta(weeks=week), seats_free=(number * 3 + week) % 13
            )
            if later and ident == _CANCELLED_SESSION:
                data = {**data, "eventStatus": "https://schema.org/EventCancelled"}
            gone = later and ident.startswith(_WITHDRAWN_SERIES)
            entries.append(
                Entry(
                    kind="ScheduledSession",
                    id=ident,
                    modified=_modified(today, 100 + number * 10 + week, later=later),
                    data=None if gone else data,
                )
            )
    return entries


def courses(today: date, edition: int) -> list[Entry]:
    """The courses feed: swimming and cycling courses with a beginning and an end; the second edition has one more."""
    titles = ("Schwimmkurs Bronze", "Radfahren lernen für Frauen", "Selbstbehauptung für Mädchen", "Rettungsschwimmen")
    entries = []
    for number in range(8 + (edition > 1)):
        town, club = ENNEPE_RUHR[(number + 2) % len(ENNEPE_RUHR)], _CLUBS[number % len(_CLUBS)]
        begin = weekday_in(today, 3 + number, number % 5)
        data = {
            **_common(
                "CourseInstance",
                f"kurs-{number:02d}",
                titles[number % 4],
                town,
                club,
                ("Schwimmen", "Laufen")[number % 2],
            ),
            "description": "Zehn Termine in kleiner Gruppe. Mitglied muss man nicht sein.",
            "startDate": begin.isoformat(),
            "endDate": (begin + timedelta(weeks=9)).isoformat(),
            "eventSchedule": [
                {
                    "@type": "Schedule",
                    "scheduledEventType": "Event",
                    "startDate": begin.isoformat(),
                    "endDate": (begin + timedelta(weeks=9)).isoformat(),
                    "startTime": "17:30",
                    "endTime": "19:00",
                    "repeatFrequency": "P1W",
                    "byDay": [f"https://schema.org/{begin:%A}"],
                    "scheduleTimezone": "Europe/Berlin",
                }
            ],
            "maximumAttendeeCapacity": 12,
            "remainingAttendeeCapacity": 12 - number,
            "offers": [
                {"@type": "Offer", "name": "Teilnahme", "price": 25.0 if number % 2 else 0.0, "priceCurrency": "EUR"}
            ],
        }
        if number == 5:
            del data["name"]  # the one record of this feed that cannot be taken
        entries.append(
            Entry(kind="CourseInstance", id=f"kurs-{number:02d}", modified=_modified(today, 900 + number), data=data)
        )
    return entries


def _groups() -> Sequence[tuple[int, Town, _Group]]:
    """Every group in three towns."""
    return [
        (index * 3 + offset, ENNEPE_RUHR[(index + offset * 2) % len(ENNEPE_RUHR)], group)
        for index, group in enumerate(_GROUPS)
        for offset in range(3)
    ]


def _common(kind: str, ident: str, name: str, town: Town, club: str, sport: str) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": kind,
        "@id": f"{_ROOT}/{ident}",
        "identifier": ident,
        "name": name,
        "url": f"{_ROOT}/{ident}",
        "activity": [_activity(sport)],
        "organizer": {
            "@type": "Organization",
            "@id": f"{_ROOT}/vereine/{_CLUBS.index(club)}",
            "name": club,
            "url": f"{_ROOT}/vereine/{_CLUBS.index(club)}",
            "email": f"kontakt@verein-{_CLUBS.index(club)}.example",
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
    }


def _series(ident: str, number: int, town: Town, group: _Group) -> dict[str, Any]:
    ages: dict[str, Any] = {"@type": "QuantitativeValue", "minValue": group.youngest}
    if group.oldest:
        ages["maxValue"] = group.oldest
    return {
        **_common("SessionSeries", ident, group.title, town, _CLUBS[number % len(_CLUBS)], group.sport),
        "description": group.text,
        "genderRestriction": f"https://openactive.io/{group.gender}",
        "ageRange": ages,
        "level": ["Beginner"],
        "offers": [{"@type": "Offer", "name": "Teilnahme", "price": group.price, "priceCurrency": "EUR"}],
    }


def _session(ident: str, of: str, start: datetime, *, seats_free: int) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "ScheduledSession",
        "@id": f"{_ROOT}/{of}#{ident}",
        "identifier": ident,
        "superEvent": f"{_ROOT}/{of}",
        "startDate": utc(start),
        "endDate": utc(start + timedelta(minutes=90)),
        "duration": "PT1H30M",
        "eventStatus": "https://schema.org/EventScheduled",
        "maximumAttendeeCapacity": 16,
        "remainingAttendeeCapacity": seats_free,
    }


def _activity(sport: str) -> dict[str, Any]:
    known = next(entry for entry in _sports() if entry["de"] == sport)
    return {"@type": "Concept", "@id": known["id"], "prefLabel": known["activity"], "inScheme": _LIST}


@cache
def _sports() -> list[dict[str, str]]:
    text = (resources.files("verbund_schemas") / "data" / "sports_de_openactive.json").read_text(encoding="utf-8")
    found: list[dict[str, str]] = json.loads(text)["map"]
    return found


def _modified(today: date, number: int, *, later: bool = False) -> int:
    """Rises with every edit: milliseconds, some days ago, or today for what was edited."""
    base = datetime.combine(today, datetime.min.time(), UTC) - (timedelta(0) if later else timedelta(days=14))
    return int(base.timestamp() * 1000) + number
