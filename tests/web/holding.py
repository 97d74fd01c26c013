"""A held set for tests of the web: eight courses are missing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.web.conftest import NOW
from verbund.events import Event
from verbund.testing.builders import an_event, an_offer

HOLD = "3f0a8f52-64a4-5b0e-9f55-0c4d2b0a9d11"
DIGEST = "ab" * 32
COURSE = an_offer()["offer_id"]


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def a_hold(hold_id: str = HOLD, *, at: datetime = NOW, digest: str = DIGEST, **changed: Any) -> Event:
    example = {
        "action": "miss",
        "record_key": "kurs-1",
        "offer_id": COURSE,
        "title": "Deutsch B1.1 am Vormittag",
        "like": None,
    }
    return an_event(
        "RunHeld",
        **{
            "hold_id": hold_id,
            "guard": "shrink",
            "set_digest": digest,
            "count": 8,
            "counts": {"miss": 8},
            "examples": [example],
            "message": {"de": "Es fehlen 8 von 20 Angeboten.", "en": "8 of 20 offers are missing."},
            "opened_at": instant(at),
            "expires_at": instant(at + timedelta(days=14)),
            **changed,
        },
    )


def an_end(answer: str, hold_id: str = HOLD, **changed: Any) -> Event:
    return an_event(
        "HoldAnswered", hold_id=hold_id, guard="shrink", set_digest=DIGEST, answer=answer, **{"released": 0, **changed}
    )
