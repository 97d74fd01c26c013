"""Holds: what waits for a person's answer, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Engine, Index, MetaData, Row, Select, Table, Text, select

from verbund.events import Recorded
from verbund.views.fold import district_of, facts_of, source_of
from verbund.views.sql import (
    KEY,
    JsonText,
    SqlView,
    UtcDateTime,
    Values,
    Writer,
    instant_ms,
    json_text,
    last_of_each,
    plain,
)

metadata = MetaData()

held_sets = Table(
    "held_sets",
    metadata,
    Column("hold_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("guard", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("set_digest", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("counts", JsonText, nullable=False),
    Column("examples", JsonText, nullable=False),
    Column("message", JsonText, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("held_sets_by_source", "source"),
)

hold_endings = Table(
    "hold_endings",
    metadata,
    Column("hold_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("released", BigInteger, nullable=False),
    Column("by", Text),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
)

hold_decisions = Table(
    "hold_decisions",
    metadata,
    Column("hold_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("up_to", BigInteger),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
)


class HoldsView(SqlView):
    """A row for the last state of each hold's set, one for its end, one for what a person decided."""

    name = "holds"
    version = 1
    handles = frozenset({"RunHeld", "HoldAnswered", "HoldDecided"})
    topics: tuple[str, ...] = ("inventory", "desk")
    metadata = metadata

    _sets = Writer(held_sets, newer="position")
    _endings = Writer(hold_endings, newer="position")
    _decisions = Writer(hold_decisions, newer="position")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        for kind, writer, values in (
            ("RunHeld", self._sets, _set_values),
            ("HoldAnswered", self._endings, _ending_values),
            ("HoldDecided", self._decisions, _decision_values),
        ):
            writer.write(tx, [values(one) for one in last_of_each(one for one in batch if one.type == kind)])


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold.

    Attributes:
        state: open; answered (a person has, the next complete run carries it out); rejected (its set is kept as it
            is); closed.
        counts: records of the set by action.
        examples: up to ten: action, record_key, offer_id, title, like.
        message: one sentence by language.
        answer: what a person answered, or how it ended; None while it is open.
    """

    hold_id: str
    district: str
    source: str
    guard: str
    state: str
    run_id: str
    set_digest: str
    count: int
    counts: dict[str, int]
    examples: list[dict[str, Any]]
    message: dict[str, str]
    opened_at: datetime
    expires_at: datetime
    answer: str | None
    up_to: int | None
    by: str | None
    note: str | None
    ended_at: datetime | None
    released: int | None


class Holds:
    """Questions about holds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listing(self, *, source: str | None = None, district: str | None = None, every: bool = False) -> list[Hold]:
        """Holds that are open or answered, the oldest first; with `every` also those that are over."""
        query = _query()
        if source is not None:
            query = query.where(held_sets.c.source == source)
        if district is not None:
            query = query.where(held_sets.c.district == district)
        if not every:
            query = query.where(_GOING_ON)
        query = query.order_by(held_sets.c.opened_at, held_sets.c.hold_id)
        with self._engine.connect() as tx:
            found = [_hold(row) for row in tx.execute(query)]
        return [hold for hold in found if every or hold.state in ("open", "answered")]

    def keeping(self, source: str, *, district: str) -> list[Hold]:
        """Holds that keep their set back, the rejected ones too: the newest of each guard."""
        query = _query().where(held_sets.c.source == source, held_sets.c.district == district, _GOING_ON)
        query = query.order_by(held_sets.c.opened_at, held_sets.c.hold_id)
        with self._engine.connect() as tx:
            newest = {row.guard: _hold(row) for row in tx.execute(query)}
        return list(newest.values())

    def get(self, hold_id: str) -> Hold | None:
        """One hold by its id or by a beginning of it that no other has."""
        with self._engine.connect() as tx:
            rows = tx.execute(_query().where(held_sets.c.hold_id.startswith(hold_id, autoescape=True)).limit(2)).all()
        return _hold(rows[0]) if len(rows) == 1 else None


# Not over: without an end, or rejected, which a person may still change.
_GOING_ON = hold_endings.c.answer.is_(None) | (hold_endings.c.answer == "reject")


def _query() -> Select[Any]:
    endings, decisions = hold_endings, hold_decisions
    columns = [column for column in held_sets.c if column.name != "position"]
    return (
        select(
            *columns,
            endings.c.answer.label("ended_as"),
            endings.c.released,
            endings.c.ended_at,
            decisions.c.answer,
            decisions.c.up_to,
            decisions.c.by,
            decisions.c.note,
        )
        .outerjoin(endings, (endings.c.hold_id == held_sets.c.hold_id) & (endings.c.district == held_sets.c.district))
        .outerjoin(
            decisions, (decisions.c.hold_id == held_sets.c.hold_id) & (decisions.c.district == held_sets.c.district)
        )
    )


def _hold(row: Row[Any]) -> Hold:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping
    ended_as = values.pop("ended_as")
    return Hold(
        **{**values, "state": _state(ended_as, values["answer"]), "answer": _answer(ended_as, values["answer"])}
    )


def _state(ended_as: str | None, decided: str | None) -> str:
    if ended_as == "reject":  # who rejected a set may still change their mind
        return "rejected" if decided in (None, "reject") else "answered"
    return "closed" if ended_as else "answered" if decided else "open"


def _answer(ended_as: str | None, decided: str | None) -> str | None:
    return decided if ended_as == "reject" else ended_as or decided


def _set_values(record: Recorded) -> Values:
    facts = facts_of(record, "hold_id")
    return (
        record.subject,
        district_of(record.topic),
        source_of(record),
        plain(facts["guard"]),
        plain(facts["run_id"]),
        plain(facts["set_digest"]),
        facts["count"],
        json_text(facts["counts"]),
        json_text(facts["examples"]),
        json_text(facts["message"]),
        instant_ms(facts["opened_at"]),
        instant_ms(facts["expires_at"]),
        record.position,
    )


def _ending_values(record: Recorded) -> Values:
    facts = facts_of(record, "hold_id")
    return (
        record.subject,
        district_of(record.topic),
        plain(facts["answer"]),
        facts["released"],
        plain(facts["by"]),
        record.appended_ms,
        record.position,
    )


def _decision_values(record: Recorded) -> Values:
    facts = facts_of(record, "hold_id")
    return (
        record.subject,
        district_of(record.topic),
        plain(facts["answer"]),
        facts["up_to"],
        plain(facts["by"]),
        plain(facts["note"]),
        record.appended_ms,
        record.position,
    )
