"""Ingest's own memory of a district: its topics, folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
import structlog

from verbund.errors import LogUnavailableError, LogUnusableError, UnreadableEventError
from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.ingest.tables import INVENTORY, INVENTORY_TABLES, INVENTORY_VERSION
from verbund.offer import ends_at

log = structlog.get_logger()

PAGE = 1000  # events of one transaction: closed pages keep other processes alive

# A log that holds an event hands it out at once; a broker that restarts or changes its leader needs seconds.
ANSWER_WITHIN = timedelta(seconds=30)
# A report may be gone by right, so nobody waits for it as long.
REPORT_WITHIN = timedelta(seconds=2)


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


def topics_of(district: str) -> tuple[str, str, str]:
    """The topics whose one writer is the district's ingest."""
    return (f"inventory.{district}", f"contacts.{district}", f"runs.{district}")


class Inventory:
    """What the log says of a district's offers, organisations, contacts, rejects, runs and sources.

    Several processes may fold into one file: the position decides, whoever comes second folds nothing.
    """

    def __init__(self, db: Any, log: EventLog, district: str) -> None:
        self._db = db
        self._log = log
        self.district = district
        db.executescript(INVENTORY)
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != INVENTORY_VERSION:
            with immediate(db):
                for table in INVENTORY_TABLES:
                    db.execute(f"DELETE FROM {table}")
                db.execute(f"PRAGMA user_version = {INVENTORY_VERSION}")
        self._check_last_events()

    def catch_up(self) -> int:
        """Fold everything that the log holds now; returns how many events were new.

        Raises:
            LogUnavailableError: the log holds more than it hands out now.
            LogUnusableError: the log is not the one that was folded before.
        """
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
                for recorded in fresh:
                    if self._take(recorded):
                        taken.add(recorded.id)
                if fresh:
                    self._db.execute(
                        "INSERT INTO position VALUES (?, ?, ?) ON CONFLICT (topic) DO UPDATE"
                        " SET next = excluded.next, last_id = excluded.last_id",
                        (topic, fresh[-1].position + 1, fresh[-1].id),
                    )
            if also is not None:
                also(taken)
        return taken

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

    # --- one event -----------------------------------------------------------------------------------------------

    def _take(self, recorded: Recorded) -> bool:
        """Whether the event counted: its revision was greater than the one held.

        An event of another district, or one that cannot be read, does not count; its position is passed all the same.
        """
        if recorded.source.partition("/")[0] != self.district:
            return False
        try:
            return self._take_known(recorded)
        except UnreadableEventError as error:
            log.warning("event_not_folded", topic=recorded.topic, position=recorded.position, error=str(error))
            return False

    def _take_known(self, recorded: Recorded) -> bool:
        match recorded.type:
            case "OfferPublished" | "OfferRevised":
                return self._offer(recorded, recorded.data["offer"])
            case "OfferMissed" | "OfferSeenAgain" | "OfferWithdrawn":
                return self._offer_state(recorded)
            case "OrganisationPublished" | "OrganisationRevised":
                return self._related(recorded, "organisation", recorded.data["organisation"], "organisation_id")
            case "ContactPublished" | "ContactRevised":
                return self._related(recorded, "contact", recorded.data["contact"], "contact_id")
            case "OrganisationWithdrawn" | "ContactWithdrawn":
                return self._related_withdrawn(recorded)
            case "RecordRejected" | "RejectCleared":
                return self._reject(recorded)
            case "RunFinished":
                return self._run(recorded)
            case "SourceChanged":
                return self._source(recorded)
            case _:
                return False

    def _offer(self, recorded: Recorded, offer: dict[str, Any]) -> bool:
        if not self._is_next("offer", "offer_id", recorded):
            return False
        offer_id = offer["offer_id"]
        self._db.execute(
            "INSERT INTO offer VALUES (?, ?, ?, ?, ?, 'live', ?, ?, ?, ?, NULL, NULL, NULL, ?, ?, ?) ON CONFLICT (offer_id) DO UPDATE"
            " SET record_key = excluded.record_key, revision = excluded.revision, state = 'live',"
            " content_hash = excluded.content_hash, ends_at = excluded.ends_at, content_ms = excluded.content_ms,"
            " content_position = excluded.content_position,"
            " missed_since = NULL, missed_run = NULL, withdrawn_reason = NULL, organisation_id = excluded.organisation_id,"
            " title = excluded.title, changed_ms = excluded.changed_ms",
            (
                offer_id,
                offer["district"],
                offer["source"],
                offer["record_key"],
                recorded.revision,
                offer["content_hash"],
                ends_at(offer),
                recorded.appended_ms,
                recorded.position,
                offer["organisation_id"],
                title_of(offer["texts"]),
                recorded.appended_ms,
            ),
        )
        contacts = offer["contact_ids"]
        if recorded.revision > 1:
            self._db.execute("DELETE FROM offer_contact WHERE offer_id = ?", (offer_id,))
        if contacts:
            self._db.executemany(
                "INSERT INTO offer_contact VALUES (?, ?)", [(offer_id, c) for c in dict.fromkeys(contacts)]
            )
        return True

    def _offer_state(self, recorded: Recorded) -> bool:
        if not self._is_next("offer", "offer_id", recorded):
            return False
        data = recorded.data
        state, since, reason = {
            "OfferMissed": ("missed", data.get("missed_since"), None),
            "OfferSeenAgain": ("live", None, None),
            "OfferWithdrawn": ("withdrawn", data.get("missed_since"), data.get("reason")),
        }[recorded.type]
        self._db.execute(
            "UPDATE offer SET revision = ?, state = ?, missed_since = ?, missed_run = ?, withdrawn_reason = ?, changed_ms = ?"
            " WHERE offer_id = ?",
            (recorded.revision, state, since, data["run_id"], reason, recorded.appended_ms, data["offer_id"]),
        )
        return True

    def _related(self, recorded: Recorded, kind: str, state: dict[str, Any], id_field: str) -> bool:
        if not self._is_next("related", "id", recorded):
            return False
        self._db.execute(
            "INSERT INTO related VALUES (?, ?, ?, ?, ?, ?, 'live', ?) ON CONFLICT (id) DO UPDATE SET"
            " record_key = excluded.record_key, revision = excluded.revision, state = 'live',"
            " content_hash = excluded.content_hash",
            (
                state[id_field],
                kind,
                state["district"],
                state["source"],
                state["record_key"],
                recorded.revision,
                state["content_hash"],
            ),
        )
        return True

    def _related_withdrawn(self, recorded: Recorded) -> bool:
        if not self._is_next("related", "id", recorded):
            return False
        self._db.execute(
            "UPDATE related SET revision = ?, state = 'withdrawn' WHERE id = ?", (recorded.revision, recorded.subject)
        )
        return True

    def _is_next(self, table: str, id_column: str, recorded: Recorded) -> bool:
        """Revisions decide: an event counts only when its revision is greater than the one held."""
        row = self._db.execute(
            f"SELECT revision FROM {table} WHERE {id_column} = ?",
            (recorded.subject,),
        ).fetchone()
        return row is None or recorded.revision > row[0]

    def _reject(self, recorded: Recorded) -> bool:
        data = recorded.data
        if recorded.type == "RejectCleared":
            self._db.execute("DELETE FROM reject WHERE reject_id = ?", (data["reject_id"],))
        else:
            self._db.execute(
                "INSERT INTO reject VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (reject_id) DO UPDATE SET rule = excluded.rule,"
                " place = excluded.place, value = excluded.value, raw_digest = excluded.raw_digest, run_id = excluded.run_id",
                (
                    data["reject_id"],
                    data["source"],
                    data["record_key"],
                    data["rule"],
                    data["place"],
                    data["value"],
                    data["raw_digest"],
                    data["run_id"],
                    data["run_id"],
                ),
            )
        return True

    def _run(self, recorded: Recorded) -> bool:
        data = recorded.data
        self._db.execute(
            "INSERT OR IGNORE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                data["run_id"],
                data["district"],
                data["source"],
                data["started_at"],
                data["finished_at"],
                data["outcome"],
                recorded.position,
                orjson.dumps(data),
            ),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO run_part VALUES (?, ?, ?, ?, ?)",
            [
                (
                    data["run_id"],
                    data["source"],
                    part["part"],
                    recorded.position,
                    part["state"] == "complete" and part["covers"] == "all",
                )
                for part in data["parts"]
            ],
        )
        return True

    def _source(self, recorded: Recorded) -> bool:
        data = recorded.data
        state = {"paused": "paused", "removed": "removed"}.get(data["change"], "active")
        self._db.execute(
            "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET state = excluded.state,"
            " file_digest = excluded.file_digest, title = excluded.title, document = excluded.document,"
            " last_id = excluded.last_id",
            (
                data["source"],
                data["district"],
                state,
                data["file_digest"],
                data["title"],
                orjson.dumps(data),
                recorded.id,
            ),
        )
        return True


def title_of(texts: dict[str, dict[str, Any]]) -> str:
    """The title of a list: the German one, else the source's first language."""
    text = texts.get("de") or next(iter(texts.values()), None)
    return str(text["title"]) if text else ""
