"""Ingest's own memory of a district: its topics, folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from verbund.errors import LogUnavailableError, LogUnusableError
from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.ingest.folding import fold_events
from verbund.ingest.lock import district_lock
from verbund.ingest.tables import INVENTORY, INVENTORY_TABLES, INVENTORY_VERSION

PAGE = 1000  # events of one transaction: closed pages keep other processes alive

# A log that holds an event hands it out at once; a broker that restarts or changes its leader needs seconds.
ANSWER_WITHIN = timedelta(seconds=30)
# A report may be gone by right, so nobody waits for it as long.
REPORT_WITHIN = timedelta(seconds=2)


# Topics whose events change what a run of their source decides; reports and contacts do not.
DECIDING = ("inventory.", "desk.")


@contextmanager
def immediate(db: Any) -> Iterator[None]:
    """One writing transaction, begun before it reads."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def topics_of(district: str) -> tuple[str, ...]:
    """The topics whose one writer is the district's ingest, and what people decide for the district at the hub."""
    return (f"inventory.{district}", f"contacts.{district}", f"runs.{district}", f"desk.{district}")


class Inventory:
    """What the log says of a district's offers, organisations, contacts, rejects, runs and sources.

    Several processes may fold into one file: the position decides, whoever comes second folds nothing.
    """

    def __init__(self, db: Any, log: EventLog, district: str) -> None:
        self._db = db
        self._log = log
        self.district = district
        if db.execute("PRAGMA user_version").fetchone()[0] != INVENTORY_VERSION:
            _make_anew(db)
        self._check_last_events()

    def catch_up(self) -> int:
        """Fold everything that the log holds now; returns how many events were new.

        Raises:
            LogUnavailableError: the log holds more than it hands out now.
            LogUnusableError: the log is not the one that was folded before.
        """
        with district_lock(self._db, self.district):
            return self._catch_up()

    def _catch_up(self) -> int:
        ends = self._log.end(topics_of(self.district))
        new = 0
        while True:
            positions = {topic: self.next_position(topic) for topic in ends}
            behind = {topic: at for topic, at in positions.items() if at < ends[topic]}
            if not behind:
                return new
            page = self._read(behind, limit=PAGE)
            self.fold(page)
            new += len(page)

    def fold(self, page: Sequence[Recorded], also: Callable[[set[str]], None] | None = None) -> set[str]:
        """Take events in order; returns the ids of those that counted.

        `also` is called with them in the same transaction.
        """
        taken: set[str] = set()
        with immediate(self._db):
            for topic in dict.fromkeys(recorded.topic for recorded in page):
                start = self.next_position(topic)
                fresh = [r for r in page if r.topic == topic and r.position >= start]
                # An event of another district counts for nothing; its position is passed all the same.
                own = [r for r in fresh if r.source.partition("/")[0] == self.district]
                taken |= fold_events(self._db, own)
                if topic.startswith(DECIDING):
                    self._move_heads(own)
                if fresh:
                    self._db.execute(
                        "INSERT INTO position VALUES (?, ?, ?) ON CONFLICT (topic) DO UPDATE"
                        " SET next = excluded.next, last_id = excluded.last_id",
                        (topic, fresh[-1].position + 1, fresh[-1].id),
                    )
            if also is not None:
                also(taken)
        return taken

    def last_event(self, source: str) -> str:
        """Id of the last event that decided something of a source; empty when there is none."""
        row = self._db.execute("SELECT event_id FROM source_head WHERE source = ?", (source,)).fetchone()
        return row[0] if row else ""

    def _move_heads(self, events: Sequence[Recorded]) -> None:
        heads = {recorded.source.partition("/")[2]: recorded.id for recorded in events}
        self._db.executemany("INSERT OR REPLACE INTO source_head VALUES (?, ?)", list(heads.items()))

    def next_position(self, topic: str) -> int:
        """The first position that is not folded yet."""
        row = self._db.execute("SELECT next FROM position WHERE topic = ?", (topic,)).fetchone()
        return row[0] if row else 0

    def _read(self, positions: dict[str, int], *, limit: int) -> Sequence[Recorded]:
        """Events that are there for sure: an empty answer says nothing about the log, only about now."""
        page = self._log.read(positions, limit=limit, wait=ANSWER_WITHIN)
        if not page:
            topic, position = next(iter(positions.items()))
            raise LogUnavailableError(
                "the log handed out nothing at position {position} of {topic}, although it has more; try again, and look "
                "at the log's own messages if it stays so",
                topic=topic,
                position=position,
            )
        return page

    def _check_last_events(self) -> None:
        for topic, following, last_id in self._db.execute("SELECT topic, next, last_id FROM position").fetchall():
            if topic not in topics_of(self.district):
                continue
            found: Sequence[Recorded] = []
            if self._log.end([topic])[topic] >= following:
                if topic.startswith("runs."):
                    found = self._log.read({topic: following - 1}, limit=1, wait=REPORT_WITHIN)
                    if not found or found[0].position >= following:
                        continue  # reports are kept for 400 days only
                else:
                    found = self._read({topic: following - 1}, limit=1)
            if not found or found[0].id != last_id:
                raise LogUnusableError(
                    "topic {topic} no longer holds event {event_id} before position {position}: the log was restored or "
                    "made anew; check it, then delete ingest.db and it is folded again",
                    topic=topic,
                    event_id=last_id,
                    position=following,
                )


def _make_anew(db: Any) -> None:
    """Empty tables of today's shape; what the log says is folded again."""
    with immediate(db):
        if db.execute("PRAGMA user_version").fetchone()[0] == INVENTORY_VERSION:
            return  # another process was first
        for table in INVENTORY_TABLES:
            db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in filter(str.strip, INVENTORY.split(";")):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {INVENTORY_VERSION}")
