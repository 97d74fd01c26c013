"""Rejects: records that could not be taken, each with rule, place and masked value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Engine, Index, MetaData, Row, Table, Text, func, select

from verbund.events import Recorded
from verbund.views.fold import district_of, facts_of, source_of
from verbund.views.sql import KEY, SqlView, UtcDateTime, Values, Writer, last_of_each, plain, read_as

metadata = MetaData()

rejects = Table(
    "rejects",
    metadata,
    Column("reject_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("record_key", KEY, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("rule", KEY),
    Column("place", KEY),
    Column("value", Text),
    Column("raw_digest", Text),
    Column("run_id", Text, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("rejected_at", UtcDateTime, nullable=False),
    Column("body_revision", BigInteger, nullable=False),  # position of the latest rejection; see `Writer`
    Column("position", BigInteger, nullable=False),
    Index("rejects_by_source", "source", "open"),
)

# Apart from the rows above, since a record that is rejected again was cleared all the same.
clearings = Table(
    "reject_clearings",
    metadata,
    Column("reject_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("cleared_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
)


class RejectsView(SqlView):
    """One row for each record that was ever rejected; cleared ones stay as closed rows with what was wrong."""

    name = "rejects"
    version = 2
    handles = frozenset({"RecordRejected", "RejectCleared"})
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    _rejects = Writer(
        rejects,
        newer="position",
        first=("first_seen",),
        with_body=("rule", "place", "value", "raw_digest", "run_id", "rejected_at", "body_revision"),
    )
    _clearings = Writer(clearings, newer="position")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        last = last_of_each(batch)
        first = {(one.topic, one.subject): one for one in reversed(batch)}
        rejected = {(one.topic, one.subject): one for one in batch if one.type == "RecordRejected"}
        rows = []
        for record in last:
            key = record.topic, record.subject
            rows.append(_row(record, first[key], rejected.get(key)))
        self._rejects.write(tx, rows)
        cleared = last_of_each(record for record in batch if record.type == "RejectCleared")
        self._clearings.write(tx, [_clearing(record) for record in cleared])


@dataclass(frozen=True, slots=True)
class Reject:
    """An open reject.

    Attributes:
        value: what stood there, masked.
        raw_digest: of the raw payload in the archive.
        run_id: the pull that met it in this form; `rejected_at` is when the log took that.
        first_seen: when the record was rejected for the first time ever.
    """

    reject_id: str
    district: str
    source: str
    record_key: str
    rule: str
    place: str
    value: str | None
    raw_digest: str
    run_id: str
    first_seen: datetime
    rejected_at: datetime


@dataclass(frozen=True, slots=True)
class Cleared:
    """A rejected record that was good again, or gone, at `cleared_at`.

    Attributes:
        open: it is rejected again.
        rule, place: of its last rejection, which the log took at `rejected_at`.
    """

    reject_id: str
    source: str
    open: bool
    rule: str
    place: str
    first_seen: datetime
    rejected_at: datetime
    cleared_at: datetime


class Rejects:
    """Questions about rejects; what other views know of them is asked in `verbund.views.reject_report`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listing(self, source: str | None = None, *, record_key: str | None = None) -> list[Reject]:
        """Open rejects by source and record key; of one record when its key is given."""
        query = (
            select(rejects).where(rejects.c.open).order_by(rejects.c.source, rejects.c.record_key, rejects.c.reject_id)
        )
        if source is not None:
            query = query.where(rejects.c.source == source)
        if record_key is not None:
            query = query.where(rejects.c.record_key == record_key)
        with self._engine.connect() as tx:
            return [_reject(row) for row in tx.execute(query)]

    def cleared(self, source: str | None = None) -> list[Cleared]:
        """Every clearing of a record, of those that are rejected again too."""
        same = (clearings.c.reject_id == rejects.c.reject_id) & (clearings.c.district == rejects.c.district)
        query = select(rejects, clearings.c.cleared_at).join(clearings, same).where(rejects.c.rule.is_not(None))
        if source is not None:
            query = query.where(rejects.c.source == source)
        with self._engine.connect() as tx:
            return [read_as(Cleared, row) for row in tx.execute(query)]

    def counts(self) -> dict[str, int]:
        """Number of open rejects by source."""
        query = select(rejects.c.source, func.count()).where(rejects.c.open).group_by(rejects.c.source)
        with self._engine.connect() as tx:
            return {str(source): int(number) for source, number in tx.execute(query)}


def _row(last: Recorded, first: Recorded, rejected: Recorded | None) -> Values:
    step = facts_of(last, "reject_id")
    facts: Mapping[str, Any] = (step if rejected is last else facts_of(rejected, "reject_id")) if rejected else {}
    return (
        last.subject,
        district_of(last.topic),
        source_of(last),
        plain(step["record_key"]),
        last.type == "RecordRejected",
        plain(facts.get("rule")),
        plain(facts.get("place")),
        plain(facts.get("value")),
        plain(facts.get("raw_digest")),
        plain((facts or step)["run_id"]),
        first.appended_ms,
        (rejected or last).appended_ms,
        rejected.position if rejected else 0,
        last.position,
    )


def _clearing(record: Recorded) -> Values:
    return (record.subject, district_of(record.topic), record.appended_ms, record.position)


def _reject(row: Row[Any]) -> Reject:
    return read_as(Reject, row)
