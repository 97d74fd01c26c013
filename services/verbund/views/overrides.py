"""Overrides: fields of offers that people set at the hub, with who, when and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Boolean, Column, Connection, Engine, MetaData, Table, Text, select

from verbund.events import Recorded
from verbund.views.fold import district_of, facts_of
from verbund.views.sql import KEY, SqlView, UtcDateTime, Values, Writer, plain, read_as

metadata = MetaData()

overrides = Table(
    "overrides",
    metadata,
    Column("offer_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("field", KEY, primary_key=True),
    Column("value", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("lifted", Boolean, nullable=False),
    Column("position", BigInteger, nullable=False),
)


class OverridesView(SqlView):
    """A row for the last decision about each field of an offer; one that was lifted stays as such."""

    name = "overrides"
    version = 1
    handles = frozenset({"FieldOverridden", "OverrideLifted"})
    topics: tuple[str, ...] = ("desk",)
    metadata = metadata

    _writer = Writer(overrides, newer="position")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        last: dict[tuple[object, ...], Values] = {}
        for record in batch:
            row = _row(record)
            last[row[:3]] = row
        self._writer.write(tx, list(last.values()))


@dataclass(frozen=True, slots=True)
class Override:
    """A field that a person set.

    Attributes:
        field: its path.
        value: JSON.
        by: name of the principal, never a person's.
        note: why; may be empty.
    """

    offer_id: str
    district: str
    field: str
    value: str
    by: str
    note: str
    decided_at: datetime


class Overrides:
    """Questions about overrides."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, offer_id: str, *, district: str) -> list[Override]:
        """Those of an offer that were not lifted, by field; also those that wait, as the offer is gone."""
        query = select(overrides).where(
            overrides.c.offer_id == offer_id, overrides.c.district == district, overrides.c.lifted.is_(False)
        )
        with self._engine.connect() as tx:
            return [read_as(Override, row) for row in tx.execute(query.order_by(overrides.c.field))]


def shown(overrides: Iterable[Override], offer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What people set in an offer, for showing: `field, value, own, counts, by, note, at`.

    Args:
        overrides: of the offer.
        offer: as it is published. `own` is what its source says; `counts` is False while the value waits, because the
            offer is gone, the record does not take it any more, or the source says the same by now.
    """
    return [
        {
            "field": one.field,
            "value": orjson.loads(one.value),
            "own": _own_value(offer, one.field),
            "counts": one.field in (offer.get("overridden") or ()),
            "by": one.by,
            "note": one.note,
            "at": one.decided_at.isoformat(),
        }
        for one in overrides
    ]


def _own_value(offer: Mapping[str, Any], field: str) -> Any:
    """What the source says for a field: kept beside the offer where a person set it or the record around it."""
    steps = field.split(".")
    kept = offer.get("own_values") or {}
    for depth in range(1, len(steps) + 1):
        if (text := kept.get(".".join(steps[:depth]))) is not None:
            return _inside(orjson.loads(text), steps[depth:])
    return _inside(offer, steps)


def _inside(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _row(record: Recorded) -> Values:
    facts = facts_of(record, "offer_id")
    return (
        record.subject,
        district_of(record.topic),
        plain(facts["field"]),
        plain(facts.get("value") or "null"),
        plain(facts["by"]),
        plain(facts["note"]),
        record.appended_ms,
        record.type == "OverrideLifted",
        record.position,
    )
