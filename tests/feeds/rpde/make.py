"""Writes the pages beside it; run it after an edit."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
BASE = "https://sport.example/api"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
ACTIVITY = "https://openactive.io/activity-list#"
FOOTBALL = {"@type": "Concept", "@id": f"{ACTIVITY}0a5f732d-e806-4e51-ad40-0a7de0239c8c", "prefLabel": "Football"}
SWIMMING = {"@type": "Concept", "@id": f"{ACTIVITY}2750229d-b725-4171-9276-376be913957c", "prefLabel": "Swimming"}
CLUB = {
    "@type": "Organization",
    "@id": f"{BASE}/organizers/7",
    "name": "TuS Beispiel 1900 e.V.",
    "url": "https://tus.example",
    "email": "sport@tus.example",
    "telephone": "02302 000000",
}
HALL = {
    "@type": "Place",
    "@id": f"{BASE}/places/3",
    "name": "Sporthalle am Beispielweg",
    "address": {
        "@type": "PostalAddress",
        "streetAddress": "Beispielweg 12",
        "postalCode": "58452",
        "addressLocality": "Witten",
        "addressCountry": "DE",
    },
    "geo": {"@type": "GeoCoordinates", "latitude": 51.4368, "longitude": 7.3347},
}
LEADER = [
    {
        "@type": "Person",
        "givenName": "Erika",
        "familyName": "Beispiel",
        "email": "erika.beispiel@tus.example",
        "telephone": "0170 0000000",
    }
]


def updated(kind: str, ident: object, modified: int, **data: object) -> dict[str, object]:
    body = {"@context": "https://openactive.io/", "@type": kind, **{k.replace("at_", "@"): v for k, v in data.items()}}
    return {"state": "updated", "kind": kind, "id": ident, "modified": modified, "data": body}


def deleted(kind: str, ident: object, modified: int) -> dict[str, object]:
    return {"state": "deleted", "kind": kind, "id": ident, "modified": modified}


def session(number: int, series: str, start: str, end: str, **more: object) -> dict[str, object]:
    return updated(
        "ScheduledSession",
        f"session-{number}",
        1_152_921_504_606_846_976 + number,  # beyond 2^53
        at_id=f"{BASE}/sessions/{number}",
        superEvent=series,
        startDate=start,
        endDate=end,
        **{"maximumAttendeeCapacity": 20, "remainingAttendeeCapacity": 5, **more},
    )


FEEDS: dict[str, list[dict[str, object]]] = {
    "session-series": [
        updated(
            "SessionSeries",
            "{c15814e5-8931-470c-8a16-ef45afedaece}",
            1_764_000_000_101,
            at_id=f"{BASE}/session-series/{{c15814e5-8931-470c-8a16-ef45afedaece}}",
            name="Fußball für alle",
            description="Offenes Training, auch ohne Deutschkenntnisse.\n\nBitte Hallenschuhe mitbringen.",
            url="https://tus.example/fussball",
            activity=[FOOTBALL],
            organizer=CLUB,
            location=HALL,
            offers=[{"@type": "Offer", "name": "Schnuppern", "price": 0, "priceCurrency": "EUR"}],
            ageRange={"@type": "QuantitativeValue", "minValue": 16, "maxValue": 27},
            genderRestriction="https://openactive.io/NoRestriction",
            level=["Anfänger"],
            leader=LEADER,
            eventSchedule=[
                {
                    "@type": "Schedule",
                    "startDate": "2027-01-04",
                    "endDate": "2027-06-30",
                    "repeatFrequency": "P1W",
                    "byDay": ["https://schema.org/Wednesday", "https://schema.org/Friday"],
                    "startTime": "18:00",
                    "endTime": "19:30",
                    "exceptDate": ["2027-04-02T18:00:00+02:00"],
                    "scheduleTimezone": "Europe/Berlin",
                    "scheduledEventType": "ScheduledSession",
                }
            ],
        ),
        updated(
            "SessionSeries",
            90071992547409931234567,
            1_764_000_000_200,
            at_id=f"{BASE}/session-series/schwimmen-fuer-frauen",
            name="Schwimmen für Frauen",
            description="Schwimmzeit nur für Frauen.",
            url="https://tus.example/schwimmen",
            activity=[SWIMMING],
            organizer=CLUB,
            location=HALL,
            offers=[
                {
                    "@type": "Offer",
                    "name": "Einzelkarte",
                    "price": 4.5,
                    "priceCurrency": "EUR",
                    "url": "https://tus.example/karte",
                },
                {"@type": "Offer", "name": "ermäßigt", "price": 2, "priceCurrency": "EUR"},
            ],
            genderRestriction="https://openactive.io/FemaleOnly",
            leader=LEADER,
        ),
        deleted("SessionSeries", "ss-gone", 1_764_000_000_300),
    ],
    "scheduled-sessions": [
        session(
            1,
            f"{BASE}/session-series/{{c15814e5-8931-470c-8a16-ef45afedaece}}",
            "2027-01-06T18:00:00+01:00",
            "2027-01-06T19:30:00+01:00",
        ),
        session(
            2,
            f"{BASE}/session-series/{{c15814e5-8931-470c-8a16-ef45afedaece}}",
            "2027-01-08T18:00:00+01:00",
            "2027-01-08T19:30:00+01:00",
            eventStatus="https://schema.org/EventCancelled",
        ),
        session(
            3,
            f"{BASE}/session-series/schwimmen-fuer-frauen",
            "2027-02-01T17:00:00Z",
            "2027-02-01T18:00:00Z",
            remainingAttendeeCapacity=0,
        ),
        deleted("ScheduledSession", "session-4", 1_152_921_504_606_846_999),
    ],
    "courses": [
        updated(
            "Course",
            "course-1",
            5,
            at_id=f"{BASE}/courses/1",
            name="Schwimmkurs für Erwachsene",
            description="Zehn Abende, vom ersten Zug an.",
            activity=[SWIMMING],
            organizer=CLUB,
            location=HALL,
        ),
    ],
    "course-instances": [
        updated(
            "CourseInstance",
            76121,
            1001,
            at_id=f"{BASE}/course-instances/76121",
            instanceOfCourse=f"{BASE}/courses/1",
            startDate="2027-03-01",
            endDate="2027-05-10",
            maximumAttendeeCapacity=12,
            remainingAttendeeCapacity=3,
            url="https://tus.example/schwimmkurs",
            offers=[{"@type": "Offer", "price": "60.00", "priceCurrency": "EUR"}],
        ),
        deleted("CourseInstance", 76122, 1002),
    ],
}


def main() -> None:
    """Each feed's page of items; its last page follows from `next`."""
    for name, items in FEEDS.items():
        last = items[-1]
        page = {
            "next": f"{BASE}/{name}?afterTimestamp={last['modified']}&afterId={last['id']}",
            "items": items,
            "license": LICENCE,
        }
        (HERE / f"{name}.json").write_text(json.dumps(page, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
