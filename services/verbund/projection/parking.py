"""Events that a view could not take: parked by key, in order, so that all other keys go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Row,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from verbund.errors import VerbundError
from verbund.events import Recorded
from verbund.projection.positions import ledger

parked = Table(
    "parked",
    ledger,
    Column("view", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("subject", Text, nullable=False),
    Column("culprit", Boolean, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("schema", Text, nullable=False),
    Column("appended_ms", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("message", Text, nullable=False),
)

WAITS = "queued"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked event.

    Attributes:
        culprit: it failed itself; False for one that only waits behind an earlier event of its key.
        error: code of our error, or the class of a foreign one; `queued` for one that only waits.
        message: our own sentence; empty for foreign errors, whose text may hold data.
    """

    view: str
    topic: str
    position: int
    subject: str
    culprit: bool
    event_id: str
    type: str
    source: str
    revision: int
    schema: str
    appended_ms: int
    error: str
    message: str


def key_of(record: Recorded) -> Key:
    """What is parked together."""
    return record.topic, record.subject


def blocked_keys(tx: Connection, view: str) -> set[Key]:
    """Keys of a view that have parked events."""
    rows = tx.execute(select(parked.c.topic, parked.c.subject).where(parked.c.view == view, parked.c.culprit))
    return {(topic, subject) for topic, subject in rows}


def park(tx: Connection, view: str, held: Sequence[tuple[Recorded, Exception | None]]) -> None:
    """Store events with why; an event without an error waits behind an earlier one of its key."""
    if held:
        tx.execute(insert(parked), [_row(view, record, error) for record, error in held])


def forget(tx: Connection, view: str) -> None:
    """Drop all that is parked for a view; it will be read again from the start."""
    tx.execute(delete(parked).where(parked.c.view == view))


def release(tx: Connection, entry: Parked) -> None:
    """One event was taken after all."""
    tx.execute(delete(parked).where(_is(entry)))


def blame(tx: Connection, entry: Parked, error: Exception) -> None:
    """One event failed on retry: it is what its key now waits for."""
    code, message = _reason(error)
    tx.execute(update(parked).where(_is(entry)).values(culprit=True, error=code, message=message))


def listing(
    tx: Connection, view: str | None = None, *, topic: str | None = None, subject: str | None = None
) -> list[Parked]:
    """Parked events, by view, topic and position."""
    query = select(parked).order_by(parked.c.view, parked.c.topic, parked.c.position)
    for column, value in ((parked.c.view, view), (parked.c.topic, topic), (parked.c.subject, subject)):
        if value is not None:
            query = query.where(column == value)
    return [_entry(row) for row in tx.execute(query)]


def counts(tx: Connection) -> dict[str, int]:
    """Number of parked events by view."""
    rows = tx.execute(select(parked.c.view, func.count()).group_by(parked.c.view))
    return {str(view): int(number) for view, number in rows}


def _entry(row: Row[tuple[object, ...]]) -> Parked:
    return Parked(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping


def _is(entry: Parked) -> ColumnElement[bool]:
    return and_(parked.c.view == entry.view, parked.c.topic == entry.topic, parked.c.position == entry.position)


def _row(view: str, record: Recorded, error: Exception | None) -> dict[str, object]:
    code, message = (WAITS, "") if error is None else _reason(error)
    return {
        "view": view,
        "topic": record.topic,
        "position": record.position,
        "subject": record.subject,
        "culprit": error is not None,
        "event_id": record.id,
        "type": record.type,
        "source": record.source,
        "revision": record.revision,
        "schema": record.schema,
        "appended_ms": record.appended_ms,
        "error": code,
        "message": message,
    }


def _reason(error: Exception) -> tuple[str, str]:
    if isinstance(error, VerbundError):
        return error.error_code, str(error)
    return type(error).__name__, ""
