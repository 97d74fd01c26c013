"""Tripwire: counts what was applied, on purpose not idempotent: it shows what is applied twice or left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import BigInteger, Column, Connection, Engine, MetaData, Table, select

import verbund_schemas
from verbund.events import Recorded
from verbund.views.sql import KEY, SqlView, Writer

metadata = MetaData()

tripwire = Table(
    "tripwire",
    metadata,
    Column("topic", KEY, primary_key=True),
    Column("type", KEY, primary_key=True),
    Column("events", BigInteger, nullable=False),
)


class TripwireView(SqlView):
    """Events applied, by topic and type. Part of fault tests, never of `all_views()`."""

    name = "tripwire"
    version = 1
    topics: tuple[str, ...] = ("inventory", "contacts", "runs", "desk", "exchange")
    metadata = metadata

    _empty = Writer(tripwire)

    def __init__(self) -> None:
        self.handles = frozenset(verbund_schemas.event_names())

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """Add the batch to the counts, whether it was counted before or not."""
        added = Counter((record.topic, record.type) for record in batch)
        self._empty.write(tx, [(topic, event_type, 0) for topic, event_type in sorted(added)])
        for (topic, event_type), events in sorted(added.items()):
            tx.execute(
                tripwire.update()
                .where(tripwire.c.topic == topic, tripwire.c.type == event_type)
                .values(events=tripwire.c.events + events)
            )


def counted(engine: Engine) -> dict[tuple[str, str], int]:
    """What was applied, by topic and type."""
    with engine.connect() as tx:
        return {(topic, event_type): events for topic, event_type, events in tx.execute(select(tripwire))}
