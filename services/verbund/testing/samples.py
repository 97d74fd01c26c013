"""Valid data of each event that carries no whole state, but for whom and what it is about."""

from __future__ import annotations

from typing import Any

A_REFUSAL = "6f7d9f0c-8a43-5f0b-9c58-5b1de0f2a001"
A_HOLD_ID = "6f7d9f0c-8a43-5f0b-9c58-5b1de0f2a002"

_A_HOLD: dict[str, Any] = {"hold_id": A_HOLD_ID, "guard": "shrink", "set_digest": "09" * 32}

SAMPLES: dict[str, dict[str, Any]] = {
    "OfferMissed": {"revision": 2, "missed_since": "2026-09-01T08:00:00Z"},
    "OfferSeenAgain": {"revision": 3},
    "OfferWithdrawn": {
        "revision": 3,
        "reason": "missing_from_complete_snapshot",
        "missed_since": "2026-09-01T08:00:00Z",
        "content_hash": None,
    },
    "OrganisationWithdrawn": {"revision": 2},
    "ContactWithdrawn": {"revision": 2},
    "RecordRejected": {"rule": "title_missing", "place": "texts", "value": None, "raw_digest": "0c" * 32},
    "RejectCleared": {},
    "RunFinished": {
        "started_at": "2026-09-01T08:00:00Z",
        "finished_at": "2026-09-01T08:00:04Z",
        "outcome": "complete",
        "held": False,
        "parts": [
            {"part": "kurse", "state": "complete", "covers": "all", "scope": {}, "proof": {"rows": "1"}, "reasons": []}
        ],
        "counts": {"items": 1, "delivered": 1, "published": 1},
        "related": {},
        "totals": {"live": 1, "missed": 0, "rejected": 0},
        "reason": None,
        "facts": {},
        "ledger_digest": None,
        "mapping_version": "table/1",
        "file_digest": "0b" * 32,
    },
    "SourceChanged": {
        "change": "registered",
        "file_digest": "0b" * 32,
        "title": "Kurse im Ennepe-Ruhr-Kreis",
        "connector": "table",
        "licence": "CC-BY-4.0",
        "attribution": "Ennepe-Ruhr-Kreis",
        "scope": {},
        "every_s": 3600,
        "frozen_after_s": 60 * 86_400,
    },
    "OfferRekeyed": {"old_key": "kurs-0", "revision": 2},
    "ContentRefused": {"content_hash": "0a" * 32, "refusal_id": A_REFUSAL, "cause_id": A_REFUSAL},
    "RunHeld": {
        **_A_HOLD,
        "count": 12,
        "counts": {"miss": 12},
        "examples": [
            {"action": "miss", "record_key": "kurs-1", "offer_id": None, "title": "Deutsch B1.1", "like": None}
        ],
        "message": {"de": "12 Angebote fehlen.", "en": "12 offers are missing."},
        "facts": {"live": "40"},
        "opened_at": "2026-09-01T08:00:00Z",
        "expires_at": "2026-09-15T08:00:00Z",
    },
    "HoldAnswered": {**_A_HOLD, "answer": "allow_once", "released": 12, "by": "cli"},
    "HoldDecided": {**_A_HOLD, "answer": "allow_once", "up_to": None, "by": "cli", "note": ""},
    "RefusalLifted": {"refusal_id": A_REFUSAL, "by": "cli", "note": ""},
    "WithdrawnByHand": {"content_hash": "0a" * 32, "by": "cli", "note": "closed"},
    "RunUndoAsked": {"by": "cli", "note": ""},
    "FieldOverridden": {"field": "childcare", "value": "true", "by": "cli", "note": ""},
    "OverrideLifted": {"field": "childcare", "by": "cli", "note": ""},
}
