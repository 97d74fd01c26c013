"""Rejects: records that could not be taken, each with rule, place and masked value."""

from __future__ import annotations

from collections.abc import Sequence
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
    Column("changed_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("rejects_by_source", "source", "open"),
)

# Enough to see what is wrong; the rest is one more question away.
EXAMPLES = 3


class RejectsView(SqlView):
    """One row for each record that was ever rejected; cleared ones stay as closed rows."""

    name = "rejects"
    version = 1
    handles = frozenset({"RecordRejected", "RejectCleared"})
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    _writer = Writer(rejects, newer="position")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        self._writer.write(tx, [_row(record) for record in last_of_each(batch)])


@dataclass(frozen=True, slots=True)
class Reject:
    """An open reject.

    Attributes:
        value: what stood there, masked.
        raw_digest: of the raw payload in the archive.
        run_id: the pull that met it in this form; `changed_at` is when the log took that.
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
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Open rejects of one rule at one place: how many, and the first record keys."""

    rule: str
    place: str
    count: int
    examples: tuple[str, ...]


class Rejects:
    """Questions about open rejects."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listing(self, source: str | None = None) -> list[Reject]:
        """Open rejects by source and record key."""
        query = (
            select(rejects).where(rejects.c.open).order_by(rejects.c.source, rejects.c.record_key, rejects.c.reject_id)
        )
        if source is not None:
            query = query.where(rejects.c.source == source)
        with self._engine.connect() as tx:
            return [_reject(row) for row in tx.execute(query)]

    def grouped(self, source: str | None = None) -> list[RejectGroup]:
        """Open rejects by rule and place, the most frequent first."""
        query = select(rejects.c.rule, rejects.c.place, rejects.c.record_key).where(rejects.c.open)
        query = query.order_by(rejects.c.rule, rejects.c.place, rejects.c.record_key)
        if source is not None:
            query = query.where(rejects.c.source == source)
        groups: dict[tuple[str, str], list[str]] = {}
        with self._engine.connect() as tx:
            for rule, place, record_key in tx.execute(query):
                groups.setdefault((rule, place), []).append(record_key)
        found = [RejectGroup(*key, len(keys), tuple(keys[:EXAMPLES])) for key, keys in groups.items()]
        return sorted(found, key=lambda group: (-group.count, group.rule, group.place))

    def counts(self) -> dict[str, int]:
        """Number of open rejects by source."""
        query = select(rejects.c.source, func.count()).where(rejects.c.open).group_by(rejects.c.source)
        with self._engine.connect() as tx:
            return {str(source): int(number) for source, number in tx.execute(query)}


def _row(record: Recorded) -> Values:
    facts = facts_of(record, "reject_id")
    return (
        record.subject,
        district_of(record.topic),
        source_of(record),
        plain(facts["record_key"]),
        record.type == "RecordRejected",
        plain(facts.get("rule")),
        plain(facts.get("place")),
        plain(facts.get("value")),
        plain(facts.get("raw_digest")),
        plain(facts["run_id"]),
        record.appended_ms,
        record.position,
    )


def _reject(row: Row[Any]) -> Reject:
    return read_as(Reject, row)
