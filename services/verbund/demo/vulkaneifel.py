"""Vulkaneifel: an inventory that begins small, from an Integreat CMS in German, English and Ukrainian."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from verbund.demo.days import FRIDAY, ICAL, MONDAY, WEDNESDAY, first_in_month, weekday_in
from verbund.demo.integreat_feed import Happening, Place, Region
from verbund.demo.phrases import EVENTS, PLACES
from verbund.demo.towns import VULKANEIFEL

_ORGANISATIONS = ("Maarland Beratung e.V.", "Haus Basalt", "Lernort Eifelrand gGmbH")
_PLACES = 14
_EVENTS = 10
_WEEKDAYS = (MONDAY, WEDNESDAY, FRIDAY)
_SPOKEN = (("de", "en", "uk"), ("de", "uk"), ("de",))


def region(today: date, edition: int) -> Region:
    """The region in its first or its edited second edition."""
    places = [
        Place(
            number=number,
            phrase=PLACES[(number * 3) % len(PLACES)],
            town=VULKANEIFEL[number % len(VULKANEIFEL)],
            street=f"{('Kraterweg', 'Am Maar', 'Lavagasse')[number % 3]} {number + 2}",
            organisation=_ORGANISATIONS[number % len(_ORGANISATIONS)],
            hours=("office", "afternoon")[number % 2],
            phone=f"+49 221 4710 {200 + number}",
            languages=_SPOKEN[number % len(_SPOKEN)],
        )
        for number in range(1, _PLACES + 1)
    ]
    events = [_event(today, index, places[index]) for index in range(_EVENTS)]
    if edition > 1:
        added = replace(places[0], number=_PLACES + 1, phrase=PLACES[2], street="Neuer Markt 1")
        places.append(added)
        places[5] = replace(places[5], languages=("de", "en", "uk"))
    return Region(
        slug="vulkaneifel",
        name="Vulkaneifel",
        centre=VULKANEIFEL[0],
        languages=("de", "en", "uk"),
        places=places,
        events=events,
        edition=edition,
        today=today,
    )


def _event(today: date, index: int, place: Place) -> Happening:
    """Every third one is on the first such weekday of each month, the others are once."""
    weekday = _WEEKDAYS[index % len(_WEEKDAYS)]
    monthly = index % 3 == 0
    return Happening(
        number=500 + index,
        phrase=EVENTS[index % len(EVENTS)],
        day=first_in_month(today, index // 3 - 1, weekday) if monthly else weekday_in(today, 1 + index, weekday),
        clock=("16:00", "18:00"),
        place=place,
        rule=f"FREQ=MONTHLY;BYDAY=+1{ICAL[weekday]}" if monthly else None,
        languages=_SPOKEN[index % len(_SPOKEN)],
    )
