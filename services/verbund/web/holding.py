"""What pages say about holds: those that wait, and which of them keeps a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verbund.errors import RawGoneError
from verbund.views.holds import Hold
from verbund.web.holds_api import hold_document
from verbund.web.reading import Reading


def open_holds(reading: Reading, language: str) -> dict[str, list[dict[str, Any]]]:
    """Holds that are open or answered, by source."""
    found: dict[str, list[dict[str, Any]]] = {}
    for hold in reading.holds.listing():
        found.setdefault(hold.source, []).append(hold_document(reading, hold, language))
    return found


def holds_of_record(reading: Reading, offer: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """Holds whose set has the record of this offer."""
    return [
        hold_document(reading, hold, language)
        for hold in reading.holds.keeping(offer["source"], district=offer["district"])
        if _has(reading, hold, offer["record_key"])
    ]


def _has(reading: Reading, hold: Hold, record_key: str) -> bool:
    """Whether the set has this record; where the set is not kept, whether its examples do."""
    if any(one["record_key"] == record_key for one in hold.examples):
        return True
    if reading.set_of is None or hold.count <= len(hold.examples):
        return False
    try:
        return any(key == record_key for _action, key in reading.set_of(hold.set_digest))
    except RawGoneError:
        return False
