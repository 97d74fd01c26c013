"""What readers hold, compared with a fresh replay of the log: tables, tripwire and search index."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import tantivy
from sqlalchemy import Connection, Engine, select

from tests.faults.projecting_child import HORIZON
from verbund.event_log import NO_WAIT, EventLog, Positions
from verbund.events import Recorded
from verbund.projection import Projection, positions
from verbund.projection.rebuild import compare
from verbund.views import search_folder
from verbund.views.search import SearchIndex, SearchProjection, SearchQuery, SearchWriter
from verbund.views.search_document import stored_in
from verbund.views.search_position import read_position
from verbund.views.search_schema import POSITION_KEY, open_index
from verbund.views.tripwire import tripwire


def check_views(views: Iterable[Projection], log: EventLog, engine: Engine) -> None:
    """Each view at its own position, now, is what a fresh replay up to there makes (O5)."""
    for view in views:
        assert compare(view, log=log, engine=engine).differences == [], f"view {view.name}"


def check_tripwire(engine: Engine) -> dict[str, int]:
    """Nothing was applied twice or left out up to the stored positions, from one snapshot (O6); the positions."""
    level = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**level) as tx:
        place = {topic: mark.next_position for topic, mark in positions.load(tx, "tripwire").items()}
        assert {topic: events for topic, events in by_topic(tx).items() if events} == {
            topic: at for topic, at in place.items() if at
        }
    return place


def by_topic(tx: Connection) -> Counter[str]:
    """Events that the tripwire counted."""
    counted: Counter[str] = Counter()
    for topic, events in tx.execute(select(tripwire.c.topic, tripwire.c.events)):
        counted[topic] += events
    return counted


def by_type(engine: Engine) -> dict[tuple[str, str], int]:
    """The same by topic and type."""
    with engine.connect() as tx:
        return {(topic, kind): events for topic, kind, events in tx.execute(select(tripwire))}


def check_index(folder: Path, log: EventLog) -> dict[str, int]:
    """The newest generation of the index, at its own position, is what a fresh one makes (O5); the positions."""
    generation = max(search_folder.generations(folder), key=lambda name: int(name.rpartition(".")[2]))
    index = open_index(str(folder / generation), create=False)
    position = read_position(index.searcher())
    place = position.next
    with tempfile.TemporaryDirectory() as fresh:
        writer = SearchWriter(Path(fresh), horizon=HORIZON)
        try:
            SearchProjection(cast("EventLog", UpTo(log, place)), writer).catch_up()
        finally:
            writer.close()
        (only,) = search_folder.generations(Path(fresh))
        replayed = open_index(str(Path(fresh) / only), create=False)
        again = read_position(replayed.searcher())
        assert (position.last, position.parked) == (again.last, again.parked), "the position of the index"
        differing = contents(index).items() ^ contents(replayed).items()
        assert not differing, sorted({key for key, _ in differing})
        if generation == search_folder.current(folder):
            assert answers(folder) == answers(Path(fresh))
    return place


def contents(index: tantivy.Index) -> dict[str, str]:
    """Every document by key but the position. A key that is there twice is a document too many."""
    searcher = index.searcher()
    hits = searcher.search(tantivy.Query.all_query(), max(1, searcher.num_docs)).hits
    documents = [stored_in(searcher.doc(address)) for _, address in hits]
    keys = [key for key, _ in documents]
    assert len(keys) == len(set(keys)), "a document is twice in the index"
    return {key: repr(sorted(stored.items())) for key, stored in documents if key != POSITION_KEY}


def answers(folder: Path) -> tuple[int, dict[str, Any], list[str]]:
    """What the index answers when it is asked for all: total, facets, ids; equals in rank have no order."""
    index = SearchIndex(folder, neighbours={})
    try:
        answer = index.search(SearchQuery(today=date(2026, 9, 1), limit=100))
        facets = {name: sorted(values) for name, values in answer.facets.items()}
        return answer.total, facets, sorted(hit.offer_id for hit in answer.hits)
    finally:
        index.close()


class UpTo:
    """A log as it was when it ended at a place."""

    def __init__(self, log: EventLog, place: Mapping[str, int]) -> None:
        self._log = log
        self._place = place

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        page = self._log.read(positions, limit=limit, wait=wait)
        return [record for record in page if record.position < self._place.get(record.topic, 0)]

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        return {topic: self._place.get(topic, 0) for topic in (self._place if topics is None else topics)}

    def topics(self) -> list[str]:
        return sorted(self._place)
