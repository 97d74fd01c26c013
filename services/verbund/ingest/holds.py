"""Holds: sets of decisions that wait for a person, from the run that opens one to the run that carries out the answer.

A set is a document of sorted lines in the archive; its digest names it in the log. Sets pass through the scratch
database, never through memory as a whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

import orjson

from verbund.archive import Archive
from verbund.errors import RawGoneError
from verbund.events import derived_id
from verbund.ingest.guards import AS_HELD, OF_PARTS, Case, Facts
from verbund.ingest.judging import Known, KnownHold
from verbund.ingest.moment import Moment, instant_text
from verbund.ingest.sentences import sentence
from verbund.ingest.traits import published

# Whoever is away for a holiday still finds the question; after that it is asked anew, with the set as it is then.
EXPIRES_AFTER = timedelta(days=14)
EXAMPLES = 10
BATCH = 500
IN_MEMORY = 1 << 20  # bytes; a larger set is spooled to disk


@dataclass(slots=True)
class HeldChanges:
    """What a run says of its holds.

    Attributes:
        events: type, subject, record and what makes the event's id, in order.
        waiting: `hold_id, guard, message` of each hold that waits for a person after this run.
    """

    events: list[tuple[str, str, dict[str, Any], str]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)


# --- answers -------------------------------------------------------------------------------------------------------------


def load_sets(db: Any, archive: Archive, known: Known, *, complete: bool) -> None:
    """Bring the sets that matter into the scratch database; an answer of reject counts from now on.

    Answers that allow something wait for a complete pull. A set whose document is gone cannot be carried out: its hold
    is asked anew.
    """
    db.execute("DELETE FROM scratch.member")
    for hold in known.holds.values():
        decided = hold.decided
        counts = decided is not None and (complete or decided.answer == "reject")
        _load(db, archive, hold.hold_id, decided.set_digest if decided and counts else hold.set_digest)


def allow_parts(db: Any, known: Known, *, complete: bool) -> list[str]:
    """Move what was allowed once from the parts that wait to what is allowed; the keys that only lose texts."""
    losing: list[str] = []
    for guard in OF_PARTS:
        hold = known.holds.get(guard)
        if not complete or hold is None or hold.decided is None:
            continue
        condition = ""
        if hold.decided.answer == "allow_once":
            condition = "AND key IN (SELECT key FROM scratch.member WHERE hold_id = :hold)"
        elif hold.decided.answer != "allow_up_to" or _at_risk(db, guard) > (hold.decided.up_to or 0):
            continue
        names = {"guard": guard, "hold": hold.hold_id}
        losing += [
            key
            for (key,) in db.execute(
                f"SELECT key FROM scratch.risk WHERE guard = :guard AND action = 'revise' {condition}", names
            )
        ]
        db.execute(
            f"INSERT OR IGNORE INTO scratch.allowed SELECT key, :guard FROM scratch.risk WHERE guard = :guard {condition}",
            names,
        )
    return losing


def allow_decisions(db: Any, known: Known, *, complete: bool) -> None:
    """What was allowed once, less what came back, is free of every guard in this run."""
    for guard, hold in known.holds.items():
        if complete and hold.decided is not None and hold.decided.answer == "allow_once":
            db.execute(
                "INSERT OR IGNORE INTO scratch.allowed SELECT d.key, ? FROM scratch.member m"
                f" JOIN scratch.decision d ON d.key = m.key WHERE m.hold_id = ? AND NOT d.done AND {AS_HELD}",
                (guard, hold.hold_id),
            )


def allow_up_to(db: Any, known: Known, found: dict[str, Facts], *, complete: bool) -> bool:
    """Free the sets that are no larger than a person allowed; whether there was one."""
    freed = False
    for guard, hold in known.holds.items():
        decided = hold.decided
        if not complete or decided is None or decided.answer != "allow_up_to" or guard not in found:
            continue
        if _at_risk(db, guard) <= (decided.up_to or 0):
            db.execute(
                "INSERT OR IGNORE INTO scratch.allowed SELECT key, guard FROM scratch.risk WHERE guard = ?", (guard,)
            )
            freed = True
    return freed


def withdraw_allowed(db: Any, moment: Moment) -> None:
    """Who was told that a record is gone need not wait for its grace."""
    db.execute(
        "UPDATE scratch.decision SET action = 'withdraw_absent', because = 'missing_from_complete_snapshot',"
        " missed_since = coalesce(missed_since, ?) WHERE action = 'miss' AND NOT done"
        " AND key IN (SELECT key FROM scratch.allowed WHERE guard <> 'id_churn')",
        (moment.text,),
    )


# --- after the decision ----------------------------------------------------------------------------------------------------


def settle(
    db: Any,
    archive: Archive,
    case: Case,
    found: Mapping[str, Facts],
    moment: Moment,
    *,
    run_id: str,
    complete: bool,
) -> HeldChanges:
    """Which holds open, change or end with this run."""
    changes = HeldChanges()
    run = _Settling(db, archive, case, moment, run_id, changes)
    known = case.known
    for guard in sorted(known.holds.keys() | found.keys()):
        hold, facts = known.holds.get(guard), found.get(guard)
        if hold is not None and hold.decided is not None:
            hold = run.carry_out(hold, hold.decided.answer, complete=complete)
        if hold is not None and facts is None:
            run.without_reason(hold, complete=complete)
        elif facts is not None:
            run.held(guard, facts, hold)
    return changes


@dataclass(frozen=True, slots=True)
class _Settling:
    db: Any
    archive: Archive
    case: Case
    moment: Moment
    run_id: str
    changes: HeldChanges

    def carry_out(self, hold: KnownHold, answer: str, *, complete: bool) -> KnownHold | None:
        """Say that a person's answer was carried out; what of the hold goes on."""
        if answer == "reject":
            self._answered(hold, "reject", released=0)
            return KnownHold(
                hold.hold_id, hold.guard, "rejected", hold.decided.set_digest if hold.decided else hold.set_digest,
                hold.opened_at, hold.expires_at, hold.facts, None,
            )  # fmt: skip
        if not complete:
            return hold
        released = self.db.execute("SELECT count(*) FROM scratch.allowed WHERE guard = ?", (hold.guard,)).fetchone()[0]
        self._answered(hold, answer, released=released)
        return None

    def without_reason(self, hold: KnownHold, *, complete: bool) -> None:
        """Nothing is at risk any more; only a complete pull knows that."""
        if complete and hold.decided is None:
            self._answered(hold, "resolved", released=0)
        elif hold.state == "open":
            self._wait(hold.hold_id, hold.guard, hold.facts)

    def held(self, guard: str, facts: Facts, hold: KnownHold | None) -> None:
        """Open a hold, or bring the open one up to date."""
        digest = _keep_set(self.db, self.archive, guard)
        if hold is not None and hold.state == "rejected":
            if not self._grew(hold, guard):
                return
            self._answered(hold, "resolved", released=0)  # the new question is about the whole
            hold = None
        if hold is not None and hold.expires_at <= self.moment.text and hold.decided is None:
            self._answered(hold, "expired", released=0)
            hold = None
        hold_id = hold.hold_id if hold is not None else self._new_id(guard)
        self._wait(hold_id, guard, facts)
        if hold is None or hold.set_digest != digest:
            self.changes.events.append(("RunHeld", hold_id, self._said(hold_id, guard, facts, digest, hold), digest))

    def _grew(self, hold: KnownHold, guard: str) -> bool:
        """Whether more is at risk than what a person has rejected already."""
        return bool(
            self.db.execute(
                "SELECT 1 FROM scratch.risk k LEFT JOIN scratch.member m ON m.hold_id = ? AND m.key = k.key"
                " WHERE k.guard = ? AND m.key IS NULL LIMIT 1",
                (hold.hold_id, guard),
            ).fetchone()
        )

    def _new_id(self, guard: str) -> str:
        return derived_id(f"hold\n{self.case.source.district}\n{self.case.source.source}\n{guard}\n{self.run_id}")

    def _wait(self, hold_id: str, guard: str, facts: Mapping[str, str]) -> None:
        self.changes.waiting.append({"hold_id": hold_id, "guard": guard, "message": sentence(guard, facts)})

    def _answered(self, hold: KnownHold, answer: str, *, released: int) -> None:
        data = {
            "district": self.case.source.district,
            "source": self.case.source.source,
            "hold_id": hold.hold_id,
            "guard": hold.guard,
            "run_id": self.run_id,
            "answer": answer,
            "released": released,
            "set_digest": hold.decided.set_digest if hold.decided else hold.set_digest,
            "by": hold.decided.by if hold.decided else None,
        }
        self.changes.events.append(("HoldAnswered", hold.hold_id, data, answer))

    def _said(self, hold_id: str, guard: str, facts: Facts, digest: str, hold: KnownHold | None) -> dict[str, Any]:
        return {
            "district": self.case.source.district,
            "source": self.case.source.source,
            "hold_id": hold_id,
            "guard": guard,
            "run_id": self.run_id,
            "set_digest": digest,
            "count": _at_risk(self.db, guard),
            "counts": counts_of(self.db, guard),
            "examples": examples_of(self.case, guard),
            "message": sentence(guard, facts),
            "facts": facts,
            "opened_at": hold.opened_at if hold else self.moment.text,
            "expires_at": hold.expires_at if hold else instant_text(self.moment.at + EXPIRES_AFTER),
        }


# --- sets ------------------------------------------------------------------------------------------------------------------


def _at_risk(db: Any, guard: str) -> int:
    return int(db.execute("SELECT count(*) FROM scratch.risk WHERE guard = ?", (guard,)).fetchone()[0])


def counts_of(db: Any, guard: str) -> dict[str, int]:
    """Records at risk by action."""
    return dict(
        db.execute("SELECT action, count(*) FROM scratch.risk WHERE guard = ? GROUP BY action", (guard,)).fetchall()
    )


def examples_of(case: Case, guard: str) -> list[dict[str, Any]]:
    """Some of the records at risk, with the titles that they show or would show."""
    rows = case.db.execute(
        "SELECT k.action, k.key, o.offer_id, o.content_position, k.alike, s.body FROM scratch.risk k"
        " LEFT JOIN offer o ON o.source = ? AND o.record_key = k.key LEFT JOIN scratch.decision d ON d.key = k.key"
        " LEFT JOIN scratch.staged s ON s.record = d.record AND s.answer = 'mapped' WHERE k.guard = ? ORDER BY k.key LIMIT ?",
        (case.source.source, guard, EXAMPLES),
    ).fetchall()
    shown = dict(published(case.log, case.topic, [row[3] for row in rows if row[3] is not None]))
    return [
        {
            "action": action,
            "record_key": key,
            "offer_id": offer_id,
            "title": _title(shown.get(position) or (orjson.loads(body) if body else {})),
            "like": alike,
        }
        for action, key, offer_id, position, alike, body in rows
    ]


def _title(offer: Mapping[str, Any]) -> str | None:
    texts = offer.get("texts") or {}
    text = texts.get("de") or next(iter(texts.values()), None)
    return text["title"] if text else None


def _keep_set(db: Any, archive: Archive, guard: str) -> str:
    """Put the set's document into the archive (again: it stays as long as it is asked); its digest."""
    rows = db.execute("SELECT action, key, hash FROM scratch.risk WHERE guard = ? ORDER BY action, key", (guard,))
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")
        file.seek(0)
        return archive.put(file)


def members(archive: Archive, digest: str) -> Iterator[tuple[str, str]]:
    """Action and record key of each member of a set.

    Raises:
        RawGoneError: its document is not kept any more.
    """
    for action, key, _ in _lines(archive, digest):
        yield action, key


def _lines(archive: Archive, digest: str) -> Iterator[tuple[str, str, str | None]]:
    """The same with the hash of the content that would be shown.

    Raises:
        RawGoneError: its document is not kept any more.
    """
    with archive.open(digest) as file:
        for line in file:
            action, key, content = orjson.loads(line)
            yield action, key, content


def _load(db: Any, archive: Archive, hold_id: str, digest: str) -> None:
    try:
        listed = _lines(archive, digest)
        while batch := list(islice(listed, BATCH)):
            db.executemany(
                "INSERT OR IGNORE INTO scratch.member VALUES (?, ?, ?, ?)",
                [(hold_id, key, action, content) for action, key, content in batch],
            )
    except RawGoneError:
        db.execute("DELETE FROM scratch.member WHERE hold_id = ?", (hold_id,))
