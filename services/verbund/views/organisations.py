"""Organisations: who runs offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Engine, Index, LargeBinary, MetaData, Row, Table, Text, select

from verbund.codec import Codec
from verbund.events import Recorded
from verbund.views.fold import Folded, district_of, facts_of, fold, source_of
from verbund.views.sql import KEY, SqlView, UtcDateTime, Values, Writer, plain, read_as

metadata = MetaData()

organisations = Table(
    "organisations",
    metadata,
    Column("organisation_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("body_revision", BigInteger, nullable=False),
    Column("name", Text),
    Column("kind", Text),
    Column("content_hash", Text),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_changed", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("body_type", Text),
    Column("schema", Text),
    Column("body", LargeBinary),
    Index("organisations_by_source", "district", "source"),
)

WITH_STATE = frozenset({"OrganisationPublished", "OrganisationRevised"})
STATES = {"OrganisationPublished": "live", "OrganisationRevised": "live", "OrganisationWithdrawn": "withdrawn"}


class OrganisationsView(SqlView):
    """One row for each organisation that was ever published."""

    name = "organisations"
    version = 1
    handles = frozenset(STATES)
    decodes = WITH_STATE
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    _writer = Writer(
        organisations,
        newer="revision",
        first=("first_seen",),
        with_body=(
            "source", "record_key", "body_revision", "name", "kind", "content_hash", "last_changed", "body_type",
            "schema", "body",
        ),
    )  # fmt: skip

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`; only the newest events of each organisation are decoded."""
        self._writer.write(tx, [_row(one) for one in fold(batch, WITH_STATE)])


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """One organisation as stored; the fields are those of an offer's row.

    Attributes:
        state: live or withdrawn.
    """

    organisation_id: str
    district: str
    source: str
    record_key: str
    state: str
    revision: int
    body_revision: int
    name: str | None
    kind: str | None
    content_hash: str | None
    first_seen: datetime
    last_changed: datetime
    position: int
    body_type: str | None
    schema: str | None
    body: bytes | None

    def organisation(self, codec: Codec) -> dict[str, Any] | None:
        """The whole organisation in today's shape; None when no content was ever published.

        Raises:
            UnreadableEventError: a newer program wrote it.
        """
        if self.body is None or self.body_type is None:
            return None
        data: dict[str, Any] = codec.decode(self.body_type, self.schema or "", self.body)["organisation"]
        return data


class Organisations:
    """Questions about organisations; an id that two districts use means the one that was first in the log."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, organisation_id: str) -> OrganisationRow | None:
        """One organisation in whatever state, or None."""
        return self.by_ids([organisation_id]).get(organisation_id)

    def by_ids(self, ids: Iterable[str]) -> dict[str, OrganisationRow]:
        """Rows of the known ones of these ids; at most some thousand ids."""
        query = (
            select(organisations)
            .where(organisations.c.organisation_id.in_(list(ids)))
            .order_by(organisations.c.first_seen, organisations.c.district)
        )
        found: dict[str, OrganisationRow] = {}
        with self._engine.connect() as tx:
            for row in tx.execute(query):
                found.setdefault(row.organisation_id, _organisation_row(row))
        return found

    def listing(
        self, *, source: str | None = None, district: str | None = None, state: str = "live"
    ) -> list[OrganisationRow]:
        """Organisations by name; `state` is live, withdrawn or all."""
        query = select(organisations).order_by(organisations.c.name, organisations.c.organisation_id)
        for column, value in ((organisations.c.source, source), (organisations.c.district, district)):
            if value is not None:
                query = query.where(column == value)
        if state != "all":
            query = query.where(organisations.c.state == state)
        with self._engine.connect() as tx:
            return [_organisation_row(row) for row in tx.execute(query)]


def _row(one: Folded) -> Values:
    last, body = one.last, one.body
    organisation: Mapping[str, Any] = facts_of(body, "organisation_id", "organisation") if body is not None else {}
    step: Mapping[str, Any] = organisation if last is body else facts_of(last, "organisation_id")
    return (
        last.subject,
        district_of(last.topic),
        source_of(body or last),
        plain(organisation.get("record_key") or step["record_key"]),
        STATES[last.type],
        last.revision,
        body.revision if body is not None else 0,
        plain(organisation.get("name")),
        plain(organisation.get("kind")),
        plain(organisation.get("content_hash")),
        one.first.appended_ms,
        (body or last).appended_ms,
        last.position,
        body.type if body is not None else None,
        body.schema if body is not None else None,
        body.body if body is not None else None,
    )


def _organisation_row(row: Row[Any]) -> OrganisationRow:
    return read_as(OrganisationRow, row)
