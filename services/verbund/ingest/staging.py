"""Dirty records out of the cache, through the mapper, into the scratch database."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import structlog

from verbund.ingest.cache import SourceCache
from verbund.ingest.inventory import immediate
from verbund.ingest.jail import Cell
from verbund.ingest.mapping import RawItem, RawRecord, Staged
from verbund.ingest.pull import Progress

log = structlog.get_logger()

BATCH = 500  # records read, mapped and staged together

# From here on a second child has enough to do.
SECOND_CHILD_FROM = 5_000

_DIRTY = (
    "FROM record r LEFT JOIN scratch.absent a ON a.record = r.record WHERE r.feed = ? AND r.dirty AND a.record IS NULL"
)


def stage(db: Any, cache: SourceCache, cell: Cell, *, source: str, progress: Progress) -> int:
    """Map every dirty record that was not found absent, in the jail; returns how many.

    Raises:
        ParserLostError: children were lost over too many records.
    """
    total = db.execute(f"SELECT count(*) {_DIRTY}", (cache.feed,)).fetchone()[0]
    done = 0
    children = 2 if total >= SECOND_CHILD_FROM and len(os.sched_getaffinity(0)) > 1 else 1
    for staged in cell.map(_batches(db, cache.feed), children=children):
        _store(db, staged)
        for error in staged.trips:
            log.warning("record_not_mapped", source=source, error=error)
        done += len(staged.rows)
        progress("map", done, total)
    return done


def _batches(db: Any, feed: int) -> Iterator[list[RawRecord]]:
    has_needs = bool(db.execute("SELECT 1 FROM need WHERE feed = ? LIMIT 1", (feed,)).fetchone())
    last = 0
    while batch := db.execute(
        f"SELECT r.record, r.key {_DIRTY} AND r.record > ? ORDER BY r.record LIMIT ?", (feed, last, BATCH)
    ).fetchall():
        last = batch[-1][0]
        loaded = _items(db, feed, [record for record, _ in batch], has_needs=has_needs)
        # One without items moved to another record; nothing delivers it any more.
        yield [(record, key, *loaded[record]) for record, key in batch if record in loaded]


def _items(db: Any, feed: int, records: Sequence[int], *, has_needs: bool) -> dict[int, tuple[str, list[RawItem]]]:
    """The raw digest and the items of each record, in order of part and id, then the needed ones."""
    loaded: dict[int, tuple[str, list[RawItem]]] = {}
    needed: dict[str, list[int]] = {}
    for number, record, raw, *fields in db.execute(
        "SELECT i.item, i.record, i.raw, r.key, i.part, i.id, i.modified, i.deleted, b.data FROM json_each(?) j"
        " CROSS JOIN item i ON i.record = j.value JOIN body b ON b.item = i.item JOIN record r ON r.record = i.record"
        " ORDER BY i.record, i.part, i.id",
        (orjson.dumps(list(records)).decode(),),
    ):
        needs = _needs(db, number) if has_needs else ()
        loaded.setdefault(record, (raw, []))[1].append((*fields, needs))
        for ident in needs:
            needed.setdefault(ident, []).append(record)
    for ident, wanting in needed.items():
        for fields in db.execute(
            "SELECT NULL, i.part, i.id, i.modified, i.deleted, b.data FROM item i JOIN body b ON b.item = i.item"
            " WHERE i.feed = ? AND i.id = ? ORDER BY i.part",
            (feed, ident),
        ).fetchall():
            for record in dict.fromkeys(wanting):
                loaded[record][1].append((*fields, ()))
    return loaded


def _needs(db: Any, item: int) -> tuple[str, ...]:
    rows = db.execute("SELECT id FROM need WHERE item = ? ORDER BY id", (item,)).fetchall()
    return tuple(ident for (ident,) in rows)


def _store(db: Any, staged: Staged) -> None:
    with immediate(db):
        db.executemany("INSERT OR REPLACE INTO scratch.staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)", staged.rows)
        described = {(row[0], row[2]): row for row in reversed(staged.organisations)}  # most records name a known one
        # Of an organisation that several records describe, the one of the smallest hash is taken: any order, one answer.
        db.executemany(
            "INSERT INTO scratch.organisation VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " hash = excluded.hash, raw = excluded.raw, body = excluded.body WHERE excluded.hash < organisation.hash",
            list(described.values()),
        )
        db.executemany("INSERT OR REPLACE INTO scratch.contact VALUES (?, ?, ?)", staged.contacts)
