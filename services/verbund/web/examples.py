"""Examples for the API description; a test holds them against the models."""

from __future__ import annotations

from typing import Any

_ID = "7f1f4f0e-3c1a-5b0e-9f55-0c4d2b0a9d11"


def _example(value: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"example": value}}}


_FOUND: dict[str, Any] = {
    "total": 1,
    "facets": {"kind": [{"value": "course", "label": "Kurs", "count": 1}]},
    "items": [
        {
            "offer_id": _ID,
            "title": "Deutsch B1.1 am Vormittag",
            "language": "de",
            "kind": "course",
            "district": "05954",
            "source": "enr-kurse",
            "organisation": "Volkshochschule Ennepe-Ruhr-Süd",
            "place": {
                "name": "Raum 12",
                "street": "Mittelstraße 42",
                "postcode": "58332",
                "town": "Schwelm",
                "lon": 7.2936,
                "lat": 51.2863,
            },
            "next_start": "2027-01-12T08:00:00Z",
            "cost": {"amount": 2.29, "currency": "EUR", "free": False, "note": "je Unterrichtsstunde"},
            "state": "live",
            "last_changed": "2026-11-20T06:31:07Z",
            "marks": {"title": [["Deutsch", True], [" B1.1 am Vormittag", False]]},
        }
    ],
    "next": None,
    "corrected": [],
}
_OFFER: dict[str, Any] = {
    "offer_id": _ID,
    "district": "05954",
    "source": "enr-kurse",
    "kind": "course",
    "texts": {"de": {"title": "Deutsch B1.1 am Vormittag", "translation": "original"}},
    "level_from": "A2",
    "level_to": "B1.1",
    "state": "live",
    "revision": 3,
    "last_changed": "2026-11-20T06:31:07Z",
    "passed_on": True,
    "overrides": [],
}
_HISTORY: dict[str, Any] = {
    "offer_id": _ID,
    "total": 1,
    "items": [
        {
            "revision": 3,
            "type": "OfferRevised",
            "state": "live",
            "at": "2026-11-20T06:31:07Z",
            "run_id": "5b9a1d0e-7c3f-4d62-9a51-0d9f5f6f1a10",
            "cause": "source",
            "reason": None,
            "changes": {"texts.de.title": ["Deutsch B1", "Deutsch B1.1 am Vormittag"]},
        }
    ],
}
_CHANGES: dict[str, Any] = {
    "epoch": 1780000000000,
    "items": [
        {
            "number": 42,
            "kind": "offer",
            "id": _ID,
            "type": "OfferWithdrawn",
            "revision": 4,
            "district": "05954",
            "source": "enr-kurse",
            "deleted": True,
            "state": "withdrawn",
            "changed_at": "2026-11-20T06:31:07Z",
            "data": None,
            "withheld": None,
        }
    ],
    "after": "1780000000000.42",
    "next": "/v1/changes?after=1780000000000.42&limit=500",
    "more": False,
}
_DISTRICTS: dict[str, Any] = {
    "total": 401,
    "items": [
        {
            "district": "05954",
            "name": "Ennepe-Ruhr-Kreis",
            "full_name": "Ennepe-Ruhr-Kreis",
            "state": "Nordrhein-Westfalen",
            "lon": 7.34,
            "lat": 51.31,
            "neighbours": ["05124", "05911"],
            "offers": 214,
            "sources": ["enr-kurse"],
        }
    ],
    "attribution": "© GeoBasis-DE / BKG 2025 (Daten verändert), dl-de/by-2-0",
}
_SOURCES: dict[str, Any] = {
    "total": 1,
    "items": [
        {
            "source": "enr-kurse",
            "district": "05954",
            "title": "Kurse im Ennepe-Ruhr-Kreis",
            "health": "warning",
            "because": ["rejects"],
            "last_run": {
                "run_id": "5b9a1d0e-7c3f-4d62-9a51-0d9f5f6f1a10",
                "outcome": "complete",
                "held": False,
                "started_at": "2026-11-20T06:31:00Z",
                "finished_at": "2026-11-20T06:31:04Z",
                "counts": {"delivered": 214, "unchanged": 213, "rejected": 1},
                "reason": None,
            },
            "fresh_at": "2026-11-20T06:31:04Z",
            "rejects": 1,
        }
    ],
}
_HOLD: dict[str, Any] = {
    "hold_id": "3f0a8f52-64a4-5b0e-9f55-0c4d2b0a9d11",
    "source": "enr-kurse",
    "district": "05954",
    "guard": "shrink",
    "guard_label": "Zu viele fehlen",
    "state": "open",
    "sentence": "Im letzten Lauf fehlen 98 von 214 Angeboten.",
    "message": {
        "de": "Im letzten Lauf fehlen 98 von 214 Angeboten.",
        "en": "98 of 214 offers are missing in the last run.",
    },
    "count": 98,
    "counts": {"miss": 98},
    "examples": [
        {
            "action": "miss",
            "record_key": "kurs-1",
            "offer_id": _ID,
            "title": "Deutsch B1.1 am Vormittag",
            "like": None,
        }
    ],
    "set_digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "run_id": "5b9a1d0e-7c3f-4d62-9a51-0d9f5f6f1a10",
    "opened_at": "2026-11-20T06:31:00Z",
    "expires": "2026-12-04T06:31:00Z",
    "reminders": ["2026-11-23T06:31:00Z", "2026-11-30T06:31:00Z", "2026-12-03T06:31:00Z"],
    "answer": None,
    "up_to": None,
    "by": None,
    "ended_at": None,
    "released": None,
}
_ANSWERED: dict[str, Any] = {
    "hold_id": _HOLD["hold_id"],
    "source": "enr-kurse",
    "state": "answered",
    "answer": "allow_once",
    "up_to": None,
    "by": "integration-office",
    "soon": True,
    "next": "The answer is written down. The source is run again in a moment; its first complete run carries it out.",
}
_HOLDS: dict[str, Any] = {"total": 1, "items": [_HOLD]}

#: By the model whose example it is.
VALUES = {
    "FoundOffers": _FOUND,
    "WholeOffer": _OFFER,
    "OfferHistory": _HISTORY,
    "ChangeFeed": _CHANGES,
    "Districts": _DISTRICTS,
    "Sources": _SOURCES,
    "Holds": _HOLDS,
    "HoldDocument": _HOLD,
    "Answered": _ANSWERED,
}
FOUND, OFFER, HISTORY = _example(_FOUND), _example(_OFFER), _example(_HISTORY)
CHANGES, DISTRICTS, SOURCES = _example(_CHANGES), _example(_DISTRICTS), _example(_SOURCES)
HOLDS, HOLD, ANSWERED = _example(_HOLDS), _example(_HOLD), _example(_ANSWERED)
