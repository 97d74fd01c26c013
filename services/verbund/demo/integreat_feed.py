"""Answers of an Integreat CMS (API v3) made of phrases, places and times."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from verbund.demo.days import at
from verbund.demo.phrases import Phrase
from verbund.demo.towns import Town

_LANGUAGES: dict[str, dict[str, Any]] = {
    "de": {"id": 1, "code": "de", "bcp47_tag": "de-DE", "native_name": "Deutsch", "dir": "LEFT_TO_RIGHT"},
    "en": {"id": 2, "code": "en", "bcp47_tag": "en-US", "native_name": "English", "dir": "LEFT_TO_RIGHT"},
    "ar": {"id": 3, "code": "ar", "bcp47_tag": "ar", "native_name": "العربية", "dir": "RIGHT_TO_LEFT"},
    "uk": {"id": 4, "code": "uk", "bcp47_tag": "uk-UA", "native_name": "Українська", "dir": "LEFT_TO_RIGHT"},
}
_CATEGORIES = {
    "advice": "Beratung",
    "education": "Bildung",
    "office": "Behörden und Arbeit",
    "meeting_point": "Treffpunkte",
    "house": "Familie",
    "mobility": "Mobilität",
    "media": "Medien",
    "health": "Gesundheit",
    "leisure": "Freizeit und Sport",
    "culture": "Kultur",
}
_WEEK = 7
_PATTERN_HOURS: dict[str, Mapping[int, tuple[tuple[str, str], ...]]] = {
    "office": {
        day: (("09:00", "12:00"), ("14:00", "16:00")) if day == 3 else (("09:00", "12:00"),) for day in range(5)
    },
    "afternoon": dict.fromkeys((1, 3), (("14:00", "18:00"),)),
    "library": {**dict.fromkeys((1, 2, 4), (("10:00", "18:00"),)), 5: (("10:00", "13:00"),)},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place of the region; `number` is its stable id."""

    number: int
    phrase: Phrase
    town: Town
    street: str
    organisation: str
    hours: str = "office"
    phone: str = ""
    area: str = ""
    closed: bool = False
    languages: tuple[str, ...] = ("de", "en", "ar", "uk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """An event of the region; `number` is its stable id, `rule` an RRULE without its name."""

    number: int
    phrase: Phrase
    day: date
    clock: tuple[str, str]
    place: Place | None
    rule: str | None = None
    until: date | None = None
    title: str | None = None
    slug: str | None = None
    languages: tuple[str, ...] = ("de", "en", "ar", "uk")
    broken: bool = False


@dataclass(slots=True)
class Region:
    """A region and everything it publishes; `edition` moves the ids of revisions, as every save does."""

    slug: str
    name: str
    centre: Town
    languages: tuple[str, ...]
    places: Sequence[Place]
    events: Sequence[Happening]
    edition: int
    today: date
    _revision: int = field(default=0)

    def answers(self) -> dict[str, bytes]:
        """Bodies by path below the CMS's root."""
        base = f"/api/v3/{self.slug}"
        bodies: dict[str, Any] = {
            "/api/v3/regions/": [self._region()],
            f"/api/v3/regions/{self.slug}/": self._region(),
            f"{base}/languages/": [_LANGUAGES[code] for code in self.languages],
            f"{base}/offers/": [],
        }
        for code in self.languages:
            bodies |= {
                f"{base}/{code}/location-categories/": [_category(icon) for icon in _CATEGORIES],
                f"{base}/{code}/locations/": [self._place(place, code) for place in self.places],
                f"{base}/{code}/events/": [self._event(event, code) for event in self.events],
                f"{base}/{code}/pages/": [],
                f"{base}/{code}/offers/": [],
                f"{base}/{code}/fcm/": [],
            }
        return {path: json.dumps(body).encode() for path, body in bodies.items()}

    def _region(self) -> dict[str, Any]:
        return {
            "id": 1,
            "name": f"Landkreis {self.name}",
            "path": self.slug,
            "live": True,
            "prefix": "Landkreis",
            "name_without_prefix": self.name,
            "plz": self.centre.postcode,
            "extras": True,
            "events": True,
            "pois": True,
            "contacts": True,
            "push_notifications": False,
            "longitude": self.centre.lon,
            "latitude": self.centre.lat,
            "bounding_box": [
                [self.centre.lon - 0.3, self.centre.lat - 0.2],
                [self.centre.lon + 0.3, self.centre.lat + 0.2],
            ],
            "aliases": {},
            "tunews": False,
            "external_news": False,
            "zammad_privacy_policy": None,
            "languages": [_LANGUAGES[code] for code in self.languages],
            "is_chat_enabled": False,
        }

    def _item(
        self, kind: str, number: int, phrase: Phrase, *, spoken: tuple[str, ...], code: str, slug: str
    ) -> dict[str, Any]:
        """What places and events have in common; a missing translation is the German text under the foreign path."""
        texts = {language: text for language, text in phrase.languages().items() if language in spoken}
        there = code in texts
        title, text = texts.get(code, phrase.de)
        moment = datetime.combine(self.today, datetime.min.time(), UTC) - timedelta(days=30 - self.edition)

        def revision(language: str) -> int | None:
            return number * 100 + self.edition * 10 + _LANGUAGES[language]["id"] if language in texts else None

        path = f"/{self.slug}/{code}/{kind}/{slug}/"
        return {
            "id": revision(code) if there else None,
            "url": f"https://cms.{self.slug}.example{path}",
            "path": path,
            "title": title,
            "modified_gmt": moment.isoformat().replace("+00:00", "Z"),
            "last_updated": moment.isoformat(),
            "published_at": moment.isoformat(),
            "excerpt": text,
            "content": f"<p>{text}</p>",
            "available_languages": {
                other: {
                    "id": revision(other),
                    "url": f"https://cms.{self.slug}.example/{self.slug}/{other}/{kind}/{slug}/",
                    "path": f"/{self.slug}/{other}/{kind}/{slug}/",
                }
                for other in self.languages
                if other != code
            },
            "thumbnail": None,
            "hash": None,
        }

    def _place(self, place: Place, code: str) -> dict[str, Any]:
        slug = f"{place.phrase.slug}-{place.number}"
        item = self._item("locations", place.number, place.phrase, spoken=place.languages, code=code, slug=slug)
        host = place.organisation.lower().split()[0].replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
        return {
            **item,
            "title": f"{item['title']} {place.town.name}",
            "meta_description": "",
            "icon": None,
            "website": None,
            "email": None,
            "phone_number": None,
            "contacts": [
                {
                    "area_of_responsibility": place.area or "Sekretariat",
                    "name": "",
                    "email": f"kontakt-{place.number}@{host}.example",
                    "phone_number": place.phone,
                    "mobile_number": "",
                    "website": f"https://{host}.example",
                    "opening_hours": [],
                    "appointment_url": None,
                }
            ],
            "category": _category(place.phrase.icon),
            "temporarily_closed": place.closed,
            "opening_hours": None if place.closed else _opening(_PATTERN_HOURS[place.hours]),
            "appointment_url": f"https://{host}.example/termin" if place.hours == "office" else None,
            "location": _location(place),
            "organization": {
                "id": sum(place.organisation.encode()) % 997,
                "slug": host,
                "name": place.organisation,
                "logo": None,
                "website": f"https://{host}.example",
            },
            "barrier_free": [True, None, False][place.number % 3],
        }

    def _event(self, event: Happening, code: str) -> dict[str, Any]:
        slug = event.slug or f"{event.phrase.slug}-{event.number}"
        start, end = at(event.day, event.clock[0]), at(event.until or event.day, event.clock[1])
        item = self._item("events", event.number, event.phrase, spoken=event.languages, code=code, slug=slug)
        if event.title and (code == "de" or item["id"] is None):
            item["title"] = event.title
        stamp = start.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
        return {
            **item,
            "location": _location(event.place),
            "location_path": f"/{self.slug}/{code}/locations/{event.place.phrase.slug}-{event.place.number}/"
            if event.place
            else None,
            "meeting_url": None if event.place else "https://treffen.example/raum/7",
            "event": {
                "id": event.number,
                "start": "bald" if event.broken else start.isoformat(),
                "start_date": start.date().isoformat(),
                "start_time": start.time().isoformat(),
                "end": end.isoformat(),
                "end_date": end.date().isoformat(),
                "end_time": end.time().isoformat(),
                "all_day": False,
                "only_weekdays": False,
                "recurrence_id": event.number if event.rule else None,
                "timezone": "Europe/Berlin",
            },
            "recurrence_rule": f"DTSTART:{stamp}\nRRULE:{event.rule}" if event.rule else None,
        }


def _category(icon: str) -> dict[str, Any]:
    return {
        "id": list(_CATEGORIES).index(icon) + 1,
        "name": _CATEGORIES[icon],
        "color": "#3700D2",
        "icon": icon,
        "icon_url": f"https://cms.example/static/{icon}.svg",
        "icon_color": f"{icon}_#3700D2",
    }


def _opening(hours: Mapping[int, tuple[tuple[str, str], ...]]) -> list[dict[str, Any]]:
    return [
        {
            "allDay": False,
            "closed": day not in hours,
            "timeSlots": [
                {"start": start, "end": end, "timezone": "Europe/Berlin"} for start, end in hours.get(day, ())
            ],
            "appointmentOnly": False,
        }
        for day in range(_WEEK)
    ]


def _location(place: Place | None) -> dict[str, Any]:
    if place is None:
        names = ("id", "name", "address", "town", "state", "postcode", "region", "country", "latitude", "longitude")
        return dict.fromkeys(names)
    return {
        "id": place.number,
        "name": f"{place.phrase.de[0]} {place.town.name}",
        "address": place.street,
        "town": place.town.name,
        "state": None,
        "postcode": place.town.postcode,
        "region": None,
        "country": "Deutschland",
        "latitude": round(place.town.lat + (place.number % 7 - 3) * 0.002, 6),
        "longitude": round(place.town.lon + (place.number % 5 - 2) * 0.002, 6),
    }
