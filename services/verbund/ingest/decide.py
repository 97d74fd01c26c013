"""Decide, by anti-joins between what was delivered and what the log says, what each record's event is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from verbund.ingest.cache import SourceCache
from verbund.ingest.inventory import immediate
from verbund.ingest.moment import Moment
from verbund.ingest.pull import PullResult
from verbund.ingest.source_file import Grace, SourceFile

#: Actions that append an event about an offer.
EVENTFUL = ("publish", "reopen", "revise", "seen_again", "withdraw", "miss", "withdraw_absent", "expire")

_STAGED = """
INSERT INTO scratch.decision (key, record, action, because, offer_id, revision)
SELECT s.key, s.record,
  CASE s.answer
    WHEN 'ignored' THEN CASE WHEN o.state IN ('live', 'missed') THEN 'withdraw' ELSE 'ignore' END
    WHEN 'rejected' THEN 'reject'
    WHEN 'refused' THEN CASE WHEN o.state = 'missed' THEN 'seen_again' ELSE 'refused' END
    WHEN 'withdrawn' THEN CASE WHEN o.state IN ('live', 'missed') THEN 'withdraw' ELSE 'withdrawn' END
    ELSE CASE
      WHEN o.offer_id IS NULL THEN 'publish'
      WHEN o.state = 'withdrawn' THEN
        CASE WHEN o.withdrawn_reason = 'expired' AND s.ends_at < :now THEN 'past' ELSE 'reopen' END
      WHEN o.content_hash <> s.hash THEN 'revise'
      WHEN o.state = 'missed' THEN 'seen_again'
      ELSE 'unchanged' END
  END, s.because, o.offer_id, coalesce(o.revision, 0) + 1
FROM scratch.staged s LEFT JOIN offer o ON o.source = :source AND o.record_key = s.key
LEFT JOIN scratch.outcome done ON done.record = s.record WHERE done.record IS NULL
"""

_SEEN_AGAIN = """
INSERT OR IGNORE INTO scratch.decision (key, record, action, offer_id, revision)
SELECT o.record_key, r.record, 'seen_again', o.offer_id, o.revision + 1
FROM offer o JOIN record r ON r.feed = :feed AND r.key = o.record_key
JOIN scratch.delivered d ON d.record = r.record AND NOT d.stale
LEFT JOIN scratch.staged s ON s.record = r.record
WHERE o.source = :source AND o.state = 'missed' AND s.record IS NULL
"""

# Withdrawn by its own dates; but one that was past already when it was published stays as its source delivers it.
_EXPIRED = """
INSERT INTO scratch.decision (key, record, action, because, offer_id, revision, missed_since, delivered)
SELECT o.record_key, r.record, 'expire', 'expired', o.offer_id, o.revision + 1, o.missed_since, d.record IS NOT NULL
FROM offer o LEFT JOIN record r ON r.feed = :feed AND r.key = o.record_key
LEFT JOIN scratch.delivered d ON d.record = r.record
WHERE o.source = :source AND o.state IN ('live', 'missed') AND o.ends_at < :now
  AND (o.ends_at > strftime('%Y-%m-%dT%H:%M:%SZ', o.content_ms / 1000.0, 'unixepoch') OR d.record IS NULL AND r.record IN
       (SELECT record FROM scratch.absent))
ON CONFLICT (key) DO UPDATE SET action = 'expire', because = 'expired', revision = excluded.revision
WHERE decision.action IN ('unchanged', 'seen_again', 'refused')
"""

_ABSENT = """
SELECT o.offer_id, o.record_key, r.record, o.revision, o.state, o.missed_since, o.missed_run FROM scratch.absent a
JOIN record r ON r.record = a.record JOIN offer o ON o.source = :source AND o.record_key = r.key
WHERE o.state IN ('live', 'missed')
"""

# Live, but nothing in the cache says which part once delivered it: only a pull that was complete as a whole proves it gone.
_UNKNOWN_PART = """
SELECT o.offer_id, o.record_key, r.record, o.revision, o.state, o.missed_since, o.missed_run FROM offer o
LEFT JOIN record r ON r.feed = :feed AND r.key = o.record_key
WHERE o.source = :source AND o.state IN ('live', 'missed')
  AND NOT EXISTS (SELECT 1 FROM item i WHERE i.record = r.record)
"""


def decide(
    db: Any,
    cache: SourceCache,
    source: SourceFile,
    pull: PullResult,
    moment: Moment,
    *,
    withheld: Collection[str] = (),
) -> None:
    """Fill `scratch.decision` with one action for each record that is not done yet.

    Absence in the parts that are withheld is left to the guards.
    """
    names = {"source": source.source, "feed": cache.feed, "now": moment.text}
    absent = list(_absent(db, source, pull, names, withheld))
    with immediate(db):
        db.execute("DELETE FROM scratch.decision")
        db.execute(_STAGED, names)
        db.execute(_SEEN_AGAIN, names)
        db.execute(_EXPIRED, names)
        if source.removal_mode == "full-list":
            decided = _graced(db, absent, source, source.effective_grace, moment)
            db.executemany(
                "INSERT OR IGNORE INTO scratch.decision (key, record, action, because, offer_id, revision, missed_since,"
                " delivered) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
                decided,
            )
        db.execute("DELETE FROM scratch.decision WHERE record IN (SELECT record FROM scratch.outcome)")


def suspend_twins(db: Any, feed: int, pull: PullResult) -> None:
    """Two different records under one key: another one lost its own, so what is absent from their parts is not gone."""
    rows = db.execute(
        "SELECT i.part, count(DISTINCT i.record) FROM item i WHERE i.record IN ("
        " SELECT record FROM scratch.staged WHERE answer = 'rejected' AND because = 'key_duplicate' UNION"
        " SELECT r.record FROM record r JOIN scratch.delivered d ON d.record = r.record WHERE r.feed = ?"
        " AND r.because = 'key_duplicate' AND NOT r.dirty) GROUP BY i.part",
        (feed,),
    ).fetchall()
    for part, number in rows:
        if part not in pull.parts:
            continue
        pull.parts[part].twins = number
        db.execute(
            "DELETE FROM scratch.absent WHERE record IN (SELECT record FROM item WHERE feed = ? AND part = ?)",
            (feed, part),
        )


def decide_expired(db: Any, cache: SourceCache, source: str, moment: Moment) -> None:
    """Every live or missed offer whose own dates are over goes; nothing was pulled."""
    with immediate(db):
        db.execute("DELETE FROM scratch.decision")
        db.execute(_EXPIRED, {"source": source, "feed": cache.feed, "now": moment.text})


def decide_removal(db: Any, source: str) -> None:
    """Every live or missed offer of the source goes: the source itself is gone."""
    with immediate(db):
        db.execute("DELETE FROM scratch.decision")
        db.execute(
            "INSERT INTO scratch.decision (key, record, action, because, offer_id, revision, missed_since, delivered)"
            " SELECT o.record_key, NULL, 'withdraw_absent', 'source_gone', o.offer_id, o.revision + 1, o.missed_since, 0"
            " FROM offer o WHERE o.source = ? AND o.state IN ('live', 'missed')",
            (source,),
        )


def _absent(
    db: Any, source: SourceFile, pull: PullResult, names: dict[str, Any], withheld: Collection[str]
) -> Iterator[tuple[Any, ...]]:
    if source.removal_mode != "full-list":
        return
    yield from db.execute(_ABSENT, names).fetchall()
    if pull.parts and not withheld and all(part.proves_absence for part in pull.parts.values()):
        yield from db.execute(_UNKNOWN_PART, names).fetchall()


def _graced(
    db: Any, absent: Sequence[tuple[Any, ...]], source: SourceFile, grace: Grace, moment: Moment
) -> Iterator[tuple[Any, ...]]:
    """Missed at first, withdrawn once it was missing for long enough in enough complete pulls."""

    @lru_cache(maxsize=4096)
    def pulls_without(parts: str, missed_run: str, since: str) -> int:
        """Complete pulls of all these parts from the one that missed it on, this one included.

        A run that ended before its report was written does not count; the reports after it do.
        """
        rows = db.execute(
            "SELECT count(*) FROM run_part WHERE source = ? AND part IN (SELECT value FROM json_each(?)) AND proves"
            " AND position >= coalesce((SELECT position FROM run WHERE run_id = ?),"
            " (SELECT min(position) FROM run WHERE source = ? AND started_at >= ?)) GROUP BY part",
            (source.source, parts, missed_run, source.source, since),
        ).fetchall()
        named = len(orjson.loads(parts))
        return 1 + (min((count for (count,) in rows), default=0) if len(rows) >= named else 0)

    for offer_id, key, record, revision, state, missed_since, missed_run in absent:
        since = missed_since or moment.text
        if state == "missed":
            missing_for = moment.at - datetime.fromisoformat(since)
            missing_runs = pulls_without(_parts_of(db, record, source), missed_run, since)
        else:
            missing_for, missing_runs = timedelta(0), 1
        if missing_runs >= grace.missing_runs and missing_for >= grace.missing_for:
            because = "missing_from_complete_snapshot"
            yield key, record, "withdraw_absent", because, offer_id, revision + 1, since
        elif state == "live":
            yield key, record, "miss", None, offer_id, revision + 1, since


def _parts_of(db: Any, record: int | None, source: SourceFile) -> str:
    rows = db.execute("SELECT DISTINCT part FROM item WHERE record = ? ORDER BY part", (record,)).fetchall()
    if not rows:  # nothing in the cache names its part: all that ever proved absence count
        rows = db.execute("SELECT DISTINCT part FROM run_part WHERE source = ? AND proves", (source.source,)).fetchall()
    return orjson.dumps([part for (part,) in rows]).decode()
