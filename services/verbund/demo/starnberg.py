"""Starnberg: counselling places with opening hours and contacts, and events, from an Integreat CMS."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from verbund.demo.days import ICAL, SATURDAY, THURSDAY, TUESDAY, WEDNESDAY, weekday_in
from verbund.demo.integreat_feed import Happening, Place, Region
from verbund.demo.phrases import EVENTS, PLACES
from verbund.demo.towns import STARNBERG

_ORGANISATIONS = (
    "Seeufer Sozialdienste gGmbH",
    "Brückenbau e.V.",
    "Lernwerk Fünfseen",
    "Nachbarschaft Würmtal e.V.",
    "Ankerplatz Beratung",
)
_STREETS = ("Ufergasse", "Am Alten Steg", "Kirchweg", "Lindenring", "Bahnhofsallee")
_SPOKEN = (("de", "en", "ar", "uk"), ("de", "en"), ("de", "en", "uk"), ("de", "ar"), ("de",))
_PLACES = 22
_HOURS = ("office", "office", "afternoon", "office", "afternoon", "afternoon", "library")


def region(today: date, edition: int) -> Region:
    """The region in its first or its edited second edition."""
    places = _places()
    events = _events(today, places)
    if edition > 1:
        places, events = _edited(places, events)
    return Region(
        slug="starnberg",
        name="Starnberg",
        centre=STARNBERG[0],
        languages=("de", "en", "ar", "uk"),
        places=places,
        events=events,
        edition=edition,
        today=today,
    )


def _places() -> list[Place]:
    return [
        Place(
            number=number,
            phrase=PLACES[number % len(PLACES)],
            town=STARNBERG[number % len(STARNBERG)],
            street=f"{_STREETS[number % len(_STREETS)]} {2 * number + 1}",
            organisation=_ORGANISATIONS[number % len(_ORGANISATIONS)],
            hours=_HOURS[number % len(_HOURS)],
            phone=f"+49 89 99998 {100 + number}",
            area=("Anmeldung", "Erstberatung", "Sekretariat")[number % 3],
            languages=_SPOKEN[number % len(_SPOKEN)],
        )
        for number in range(1, _PLACES + 1)
    ]


def _events(today: date, places: list[Place]) -> list[Happening]:
    weekly = [
        Happening(
            number=200 + index,
            phrase=phrase,
            day=weekday_in(today, 1 - index % 4, weekday),
            clock=("18:00", "20:00") if index % 2 else ("10:00", "12:00"),
            place=places[index],
            rule=f"FREQ=WEEKLY;INTERVAL={1 + index % 2};BYDAY={ICAL[weekday]}",
            languages=_SPOKEN[index % len(_SPOKEN)],
        )
        for index, (phrase, weekday) in enumerate(
            (phrase, weekday) for weekday in (TUESDAY, THURSDAY) for phrase in (EVENTS[0], EVENTS[4], EVENTS[6])
        )
    ]
    dated = [
        Happening(
            number=300 + index,
            phrase=phrase,
            day=weekday_in(today, 2 + index, (WEDNESDAY, SATURDAY)[index % 2]),
            clock=("17:00", "19:00"),
            place=places[(index * 3) % len(places)] if index % 4 else None,
            languages=_SPOKEN[index % len(_SPOKEN)],
        )
        for index, phrase in enumerate((EVENTS[2], EVENTS[3], EVENTS[5], EVENTS[7], EVENTS[2], EVENTS[3], EVENTS[5]))
    ]
    course = Happening(
        number=400,
        phrase=EVENTS[1],
        day=weekday_in(today, 4, TUESDAY),
        until=weekday_in(today, 26, THURSDAY),
        clock=("18:00", "20:15"),
        place=places[2],
    )
    broken = Happening(
        number=401, phrase=EVENTS[5], day=weekday_in(today, 3, 0), clock=("09:00", "11:00"), place=None, broken=True
    )
    return [*weekly, *dated, course, broken]


def _edited(places: list[Place], events: list[Happening]) -> tuple[list[Place], list[Happening]]:
    """A place closed for a while, another moved; an event renamed, one moved by a week, one gone."""
    places[0] = replace(places[0], closed=True)
    places[3] = replace(places[3], street="Neue Seestraße 8")
    events = [event for event in events if event.number != 303]
    by_number = {event.number: index for index, event in enumerate(events)}
    renamed, moved = by_number[200], by_number[301]
    events[renamed] = replace(events[renamed], title="Sprachcafé am See", slug="sprachcafe-am-see")
    events[moved] = replace(events[moved], day=date.fromordinal(events[moved].day.toordinal() + 7))
    return places, events
