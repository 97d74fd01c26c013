"""Contacts: sealed as they are in the log; only the key store can open them, when they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Connection, Engine, LargeBinary, MetaData, Row, Table, Text, select

from verbund.events import Recorded
from verbund.views.fold import district_of, facts_of, source_of, taken
from verbund.views.sql import KEY, SqlView, Values, Writer, plain, read_as

metadata = MetaData()

contacts = Table(
    "contacts",
    metadata,
    Column("contact_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("source", Text, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("content_hash", Text),
    Column("key_version", BigInteger),
    Column("nonce", LargeBinary),
    Column("sealed", LargeBinary),
)


class ContactsView(SqlView):
    """One row for each contact; a withdrawn one keeps no sealed bytes."""

    name = "contacts"
    version = 1
    handles = frozenset({"ContactPublished", "ContactRevised", "ContactWithdrawn"})
    topics: tuple[str, ...] = ("contacts",)
    metadata = metadata

    _writer = Writer(contacts, newer="revision")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        latest = {(record.topic, record.subject): record for record in taken(batch)}
        self._writer.write(tx, [_row(record) for record in latest.values()])


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One contact that has not been withdrawn, still sealed; the fields are those of `SealedContact`."""

    contact_id: str
    district: str
    source: str
    record_key: str
    revision: int
    content_hash: str
    key_version: int
    nonce: bytes
    sealed: bytes


class Contacts:
    """Questions about contacts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def by_ids(self, ids: Iterable[str], *, district: str | None = None) -> dict[str, SealedRow]:
        """The known ones of these ids that were not withdrawn; give the district of the offer that names them."""
        query = select(contacts).where(contacts.c.contact_id.in_(list(ids)), ~contacts.c.withdrawn)
        if district is not None:
            query = query.where(contacts.c.district == district)
        with self._engine.connect() as tx:
            rows = tx.execute(query.order_by(contacts.c.district))
            return {row.contact_id: _sealed_row(row) for row in rows}


def _row(record: Recorded) -> Values:
    gone = record.type == "ContactWithdrawn"
    contact: Mapping[str, Any] = facts_of(record, "contact_id", None if gone else "contact")
    return (
        record.subject,
        district_of(record.topic),
        source_of(record),
        plain(contact["record_key"]),
        record.revision,
        gone,
        None if gone else plain(contact["content_hash"]),
        None if gone else contact["key_version"],
        None if gone else contact["nonce"],
        None if gone else contact["sealed"],
    )


def _sealed_row(row: Row[Any]) -> SealedRow:
    return read_as(SealedRow, row)
