"""An index filled from events, for the tests of the search."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

from verbund.codec import AvroCodec
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Event
from verbund.testing.builders import a_text
from verbund.views.search import Horizon, SearchIndex, SearchProjection, SearchQuery, SearchWriter

TODAY = date(2026, 9, 1)
#: Record key of each offer that was built here, by id: the index itself knows ids only.
KEYS: dict[str, str] = {}

HORIZON = Horizon(date(2026, 1, 1), date(2027, 12, 31))


def text(title: str, description: str = "") -> dict[str, dict[str, Any]]:
    """German texts of an offer, without summary."""
    return {"de": a_text(title=title, summary=None, description_html=None, description_text=description)}


def a_log(*events: Event) -> MemoryEventLog:
    """The events in the inventory topics of their districts."""
    log = MemoryEventLog(codec=AvroCodec())
    for event in events:
        if "offer" in event.data:
            KEYS[event.subject] = event.data["offer"]["record_key"]
        log.append(f"inventory.{event.source.partition('/')[0]}", [event])
    return log


def an_index(
    folder: Path,
    *events: Event,
    neighbours: MappingProxyType[str, Sequence[str]] | dict[str, Sequence[str]] | None = None,
) -> SearchIndex:
    """A reader of an index of these events."""
    writer = SearchWriter(folder, horizon=HORIZON)
    SearchProjection(a_log(*events), writer).catch_up()
    writer.close()
    return SearchIndex(folder, neighbours=neighbours or {})


def found(index: SearchIndex, **filters: Any) -> set[str]:
    """Record keys of all offers found."""
    answer = index.search(SearchQuery(today=TODAY, limit=100, **filters))
    assert answer.total == len(answer.hits)
    return {KEYS[hit.offer_id] for hit in answer.hits}
