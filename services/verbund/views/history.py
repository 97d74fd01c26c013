"""History: every revision of every offer, for before and after, undo and "how was it then"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Engine, LargeBinary, MetaData, Row, Select, Table, Text, select

from verbund.codec import Codec
from verbund.events import Recorded
from verbund.views.fold import district_of, source_of, taken
from verbund.views.offers import STATES, WITH_STATE
from verbund.views.sql import KEY, SqlView, UtcDateTime, Writer, read_as, to_ms

metadata = MetaData()

history = Table(
    "history",
    metadata,
    Column("offer_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("revision", BigInteger, primary_key=True),
    Column("source", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("appended_at", UtcDateTime, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("run_id", Text),
    Column("schema", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# A late event of an older revision was never taken by anybody, so it is no part of the history either.
_ALREADY_NEWER = (
    "EXISTS (SELECT 1 FROM history WHERE history.offer_id = new.offer_id AND history.district = new.district "
    "AND history.revision >= new.revision)"
)


class HistoryView(SqlView):
    """One row for each event about an offer that was taken; made from envelopes alone."""

    name = "history"
    version = 2
    handles = frozenset(STATES)
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    _writer = Writer(history, unless=_ALREADY_NEWER)

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        self._writer.write(
            tx,
            [
                (
                    record.subject,
                    district_of(record.topic),
                    record.revision,
                    source_of(record),
                    record.position,
                    record.appended_ms,
                    record.id,
                    record.type,
                    record.run_id,
                    record.schema,
                    record.body,
                )
                for record in taken(batch)
            ],
        )


@dataclass(frozen=True, slots=True)
class Revision:
    """One step in the life of an offer.

    Attributes:
        position: in `inventory.<district>`.
        appended_at: append time of the log.
        run_id: the pull that caused it.
    """

    offer_id: str
    district: str
    revision: int
    source: str
    position: int
    appended_at: datetime
    event_id: str
    type: str
    run_id: str | None
    schema: str
    body: bytes

    @property
    def state(self) -> str:
        """What the offer was after it: live, missed or withdrawn."""
        return STATES[self.type]

    def data(self, codec: Codec) -> dict[str, Any]:
        """The event's record in today's shape.

        Raises:
            UnreadableEventError: a newer program wrote it, or it is garbage.
        """
        return codec.decode(self.type, self.schema, self.body)

    def offer(self, codec: Codec) -> dict[str, Any] | None:
        """The whole offer, when this step carries it."""
        return self.data(codec)["offer"] if self.type in WITH_STATE else None


@dataclass(frozen=True, slots=True)
class AsOf:
    """An offer at an instant: its latest step, and the latest one that carries the content (None: none ever did)."""

    step: Revision
    content: Revision | None


class History:
    """Questions about the past of offers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, offer_id: str, *, district: str | None = None) -> list[Revision]:
        """All revisions, oldest first; empty for an unknown offer. Without a district: of who had the id first."""
        with self._engine.connect() as tx:
            rows = [_revision(row) for row in tx.execute(_of(offer_id, district))]
        owner = min(rows, key=lambda row: (row.appended_at, row.district)).district if rows else None
        return [row for row in rows if row.district == owner]

    def at(self, offer_id: str, instant: datetime, *, district: str | None = None) -> AsOf | None:
        """How the log knew an offer at an instant (by append time); None when it did not know it yet."""
        steps = [row for row in self.of(offer_id, district=district) if to_ms(row.appended_at) <= to_ms(instant)]
        if not steps:
            return None
        return AsOf(steps[-1], next((row for row in reversed(steps) if row.type in WITH_STATE), None))


def _of(offer_id: str, district: str | None) -> Select[Any]:
    query = select(history).where(history.c.offer_id == offer_id).order_by(history.c.district, history.c.revision)
    return query if district is None else query.where(history.c.district == district)


def _revision(row: Row[Any]) -> Revision:
    return read_as(Revision, row)
