"""How far the index has read the log: one document of the index, replaced in the commit of each batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import tantivy
from tantivy import Query

from verbund.views.search_document import bare_document, stored_in
from verbund.views.search_schema import POSITION_KEY, VERSION, build_schema
from verbund.views.search_starts import Horizon


@dataclass(slots=True)
class Position:
    """The state of an index.

    Attributes:
        horizon: days for which recurrences were expanded.
        version: of the fields and analysers.
        last: position and id of the last event of each topic that was taken in, relevant or not.
        parked: by key, what could not be read and everything after it: topic, position, why.
    """

    horizon: Horizon
    version: int = VERSION
    last: dict[str, tuple[int, str]] = field(default_factory=dict)
    parked: dict[str, list[tuple[str, int, str]]] = field(default_factory=dict)

    @property
    def next(self) -> dict[str, int]:
        """The position to read next, by topic."""
        return {topic: position + 1 for topic, (position, _) in self.last.items()}


def read_position(searcher: tantivy.Searcher) -> Position:
    """The state as it was committed; version 0 where there is none."""
    query = Query.term_query(build_schema_once(), "key", POSITION_KEY, index_option="basic")
    hits = searcher.search(query, 1, count=False).hits
    if not hits:
        return Position(Horizon(date.min, date.min), version=0)
    _, stored = stored_in(searcher.doc(hits[0][1]))
    first, last = (date.fromisoformat(day) for day in stored["horizon"])
    return Position(
        Horizon(first, last),
        stored["version"],
        {topic: (position, event_id) for topic, (position, event_id) in stored["last"].items()},
        {key: [(topic, at, why) for topic, at, why in records] for key, records in stored["parked"].items()},
    )


def position_document(position: Position) -> tantivy.Document:
    """The document that says it."""
    stored = {
        "version": position.version,
        "horizon": [position.horizon.first.isoformat(), position.horizon.last.isoformat()],
        "last": position.last,
        "parked": position.parked,
    }
    return bare_document(POSITION_KEY, "position", stored)


_SCHEMA: list[tantivy.Schema] = []


def build_schema_once() -> tantivy.Schema:
    """One schema for all who only look up keys."""
    if not _SCHEMA:
        _SCHEMA.append(build_schema())
    return _SCHEMA[0]
