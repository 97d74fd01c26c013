"""Rejects as events, only when they change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from verbund.events import Event
from verbund.ingest.publish import BATCH, Publisher
from verbund.ingest.pull import PullResult
from verbund.ingest.source_file import SourceFile
from verbund.masking import masked
from verbund.offer import reject_id


def publish_rejects(db: Any, feed: int, publisher: Publisher, source: SourceFile, pull: PullResult, run_id: str) -> int:
    """Append `RecordRejected` and `RejectCleared` where something changed; returns how many records are newly rejected."""
    topic = f"inventory.{source.district}"
    new = 0
    for rejects in _batches(changed_rejects(db, source)):
        events = []
        for ident, key, rule, place, value, raw, known in rejects:
            new += not known
            data = {
                "reject_id": ident,
                "district": source.district,
                "source": source.source,
                "record_key": key,
                "rule": rule,
                "place": place,
                "value": value,
                "raw_digest": raw,
                "run_id": run_id,
            }
            events.append(_event(publisher, "RecordRejected", ident, data, run_id))
        publisher.append(topic, events)
    for cleared in _batches(cleared_rejects(db, feed, source, pull)):
        publisher.append(
            topic,
            [
                _event(
                    publisher,
                    "RejectCleared",
                    ident,
                    {
                        "reject_id": ident,
                        "district": source.district,
                        "source": source.source,
                        "record_key": key,
                        "run_id": run_id,
                    },
                    run_id,
                )
                for ident, key in cleared
            ],
        )
    return new


def _event(publisher: Publisher, kind: str, ident: str, data: dict[str, Any], run_id: str) -> Event:
    return publisher.event(kind, ident, data, content=f"{run_id}\n{data.get('rule')}\n{data.get('place')}")


def changed_rejects(db: Any, source: SourceFile) -> list[tuple[Any, ...]]:
    """Rejected in this run, and not so before: another rule, place or value, or not at all."""
    found = []
    for key, raw, body in db.execute(
        "SELECT s.key, s.raw, s.body FROM scratch.staged s JOIN scratch.decision d ON d.record = s.record"
        " WHERE s.answer = 'rejected' AND d.action = 'reject'"
    ).fetchall():
        rule, place, value = orjson.loads(body)[0]
        found.append((reject_id(source.district, source.source, key), key, rule, place, value, raw))
    for ident, key, rule, place, value, raw in db.execute(
        "SELECT reject_id, key, rule, place, value, raw FROM scratch.broken"
    ).fetchall():
        found.append((ident, key, rule, place, masked(place, orjson.loads(value)), raw))
    changed = []
    for ident, key, rule, place, value, raw in found:
        known = db.execute("SELECT rule, place, value FROM reject WHERE reject_id = ?", (ident,)).fetchone()
        if known != (rule, place, value):
            changed.append((ident, key, rule, place, value, raw, known is not None))
    return changed


def cleared_rejects(db: Any, feed: int, source: SourceFile, pull: PullResult) -> list[tuple[str, str]]:
    """Rejected before, and good again, or no longer delivered by a part that was read whole."""
    whole = [name for name, part in pull.parts.items() if part.state == "complete"]
    cleared = db.execute(
        "SELECT r.reject_id, r.record_key FROM reject r"
        " JOIN record k ON k.feed = :feed AND k.key = r.record_key"
        " LEFT JOIN scratch.staged s ON s.record = k.record LEFT JOIN scratch.absent a ON a.record = k.record"
        " WHERE r.source = :source AND (s.answer <> 'rejected' OR a.record IS NOT NULL)",
        {"source": source.source, "feed": feed},
    ).fetchall()
    for ident, key in db.execute(
        "SELECT r.reject_id, r.record_key FROM reject r LEFT JOIN scratch.broken b ON b.reject_id = r.reject_id"
        " WHERE r.source = ? AND r.record_key LIKE '?%' AND b.reject_id IS NULL",
        (source.source,),
    ).fetchall():
        if key[1:].partition("/")[0] in whole:
            cleared.append((ident, key))
    return [(ident, key) for ident, key in cleared]


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
