"""What the guards of a source know before they look at a run's decisions: earlier runs, holds and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from verbund.ingest.moment import Moment, instant_text
from verbund.ingest.pull import PullResult
from verbund.ingest.source_file import SourceFile

# Removals are counted over a week: a source that loses a little every day is noticed.
WINDOW = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Decided:
    """A person's answer that was not carried out yet."""

    answer: str
    set_digest: str
    up_to: int | None
    by: str


@dataclass(frozen=True, slots=True)
class KnownHold:
    """A hold that is open, or was rejected and therefore still keeps its set.

    Attributes:
        facts: figures it was opened with.
        decided: the answer of a person that waits for a complete run.
    """

    hold_id: str
    guard: str
    state: str
    set_digest: str
    opened_at: str
    expires_at: str
    facts: Mapping[str, str]
    decided: Decided | None


@dataclass(slots=True)
class Known:
    """Everything that guards compare a run with.

    Attributes:
        live: offers that were shown when the run began.
        live_before: how many were shown when the window began, if more.
        last_parts: parts that the last complete run read whole.
        scope: that of the last complete run, or None when there was none.
        mapped_alike: the last run mapped with the same version as this one.
        holds: by guard.
    """

    live: int = 0
    live_before: int = 0
    window_from: str = ""
    has_run: bool = False
    last_parts: frozenset[str] = frozenset()
    scope: Mapping[str, str] | None = None
    mapped_alike: bool = True
    holds: dict[str, KnownHold] = field(default_factory=dict)

    @property
    def most_live(self) -> int:
        """The larger of both counts: what shares are taken of."""
        return max(self.live, self.live_before)


def known_of(db: Any, source: SourceFile, moment: Moment) -> Known:
    """Read it from ingest's memory."""
    name = source.source
    known = Known(holds=_holds(db, name))
    known.live = db.execute(
        "SELECT count(*) FROM offer WHERE source = ? AND state IN ('live', 'missed')", (name,)
    ).fetchone()[0]
    known.window_from = _window_from(db, name, moment)
    totals = _totals(db, name, known.window_from)
    known.live_before = totals.get("live", 0) + totals.get("missed", 0)
    last = db.execute("SELECT document FROM run WHERE source = ? ORDER BY position DESC LIMIT 1", (name,)).fetchone()
    if last is not None:
        known.mapped_alike = orjson.loads(last[0])["mapping_version"] == source.mapping_version
    complete = db.execute(
        "SELECT document FROM run WHERE source = ? AND outcome = 'complete' ORDER BY position DESC LIMIT 1", (name,)
    ).fetchone()
    if complete is not None:
        document = orjson.loads(complete[0])
        known.has_run = True
        known.last_parts = frozenset(
            part["part"] for part in document["parts"] if part["state"] == "complete" and part["covers"] == "all"
        )
        scope = db.execute(
            "SELECT scope FROM source_scope WHERE source = ? AND file_digest = ?", (name, document["file_digest"])
        ).fetchone()
        known.scope = orjson.loads(scope[0]) if scope else None
    return known


def _holds(db: Any, source: str) -> dict[str, KnownHold]:
    found = {}
    for row in db.execute(
        "SELECT h.hold_id, h.guard, h.state, h.set_digest, h.opened_at, h.expires_at, h.document, d.answer, d.set_digest,"
        " d.up_to, d.by FROM hold h LEFT JOIN hold_decision d ON d.hold_id = h.hold_id"
        " WHERE h.source = ? AND h.state IN ('open', 'rejected') ORDER BY h.position",
        (source,),
    ).fetchall():
        hold_id, guard, state, digest, opened, expires, document, answer, answered, up_to, by = row
        # Who rejected a set may still change their mind.
        waits = answer and (state == "open" or answer != "reject")
        decided = Decided(answer, answered, up_to, by) if waits else None
        found[guard] = KnownHold(
            hold_id, guard, state, digest, opened, expires, orjson.loads(document)["facts"], decided
        )
    return found


def _window_from(db: Any, source: str, moment: Moment) -> str:
    """A week ago, or since a person last allowed removals: what was allowed is not counted again."""
    allowed = db.execute(
        "SELECT max(answered_at) FROM hold WHERE source = ? AND state = 'closed' AND answer IN ('allow_once', 'allow_up_to')",
        (source,),
    ).fetchone()[0]
    return max(instant_text(moment.at - WINDOW), allowed or "")


def _totals(db: Any, source: str, since: str) -> dict[str, int]:
    """Totals after the last run before an instant, else after the first one since."""
    for query in (
        "SELECT document FROM run WHERE source = ? AND finished_at <= ? ORDER BY position DESC LIMIT 1",
        "SELECT document FROM run WHERE source = ? AND finished_at > ? ORDER BY position LIMIT 1",
    ):
        row = db.execute(query, (source, since)).fetchone()
        if row is not None:
            totals: dict[str, int] = orjson.loads(row[0])["totals"]
            return totals
    return {}


def withheld_parts(
    db: Any, feed: int, source: SourceFile, pull: PullResult, known: Known, now: datetime
) -> dict[str, str]:
    """Parts whose absences only count once a person has said so, with the guard that asks.

    `empty`: a complete part that delivers nothing, though it did before. `scope`: a part that was read whole before and
    is not there any more. `suspended`: what was delivered without a key kept absence open for a week.
    """
    if not known.has_run or pull.outcome != "complete":
        return {}
    found = {}
    if source.guards.empty != "off":
        for part in pull.proven:
            if _has_items(db, feed, part) and not _has_seen(db, feed, part):
                found[part] = "empty"
    earlier = known.last_parts
    if "scope" in known.holds:
        earlier |= frozenset(filter(None, known.holds["scope"].facts.get("parts", "").split("\n")))
    for part in sorted(earlier - pull.parts.keys()):
        if _has_items(db, feed, part):
            found[part] = "scope"
    for name, state in pull.parts.items():
        if (
            (state.suspended or state.twins)
            and state.state == "complete"
            and state.covers == "all"
            and is_long_ago(last_proof(db, source, name), now)
        ):
            found[name] = "suspended"
    return found


def last_proof(db: Any, source: SourceFile, part: str) -> str | None:
    """When a pull last read the whole part and proved what is absent from it."""
    row = db.execute(
        "SELECT max(r.finished_at) FROM run_part p JOIN run r ON r.run_id = p.run_id"
        " WHERE p.source = ? AND p.part = ? AND p.proves",
        (source.source, part),
    ).fetchone()
    proved: str | None = row[0]
    return proved


def is_long_ago(proved: str | None, now: datetime) -> bool:
    """Whether there was a proof, but none of this week."""
    return proved is not None and now - datetime.fromisoformat(proved) >= WINDOW


def _has_items(db: Any, feed: int, part: str) -> bool:
    return db.execute("SELECT 1 FROM item WHERE feed = ? AND part = ? LIMIT 1", (feed, part)).fetchone() is not None


def _has_seen(db: Any, feed: int, part: str) -> bool:
    return (
        db.execute(
            "SELECT 1 FROM item i JOIN scratch.seen s ON s.item = i.item WHERE i.feed = ? AND i.part = ? LIMIT 1",
            (feed, part),
        ).fetchone()
        is not None
    )
