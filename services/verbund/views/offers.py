"""Offers: every offer as it stands, live, missed or withdrawn, with its body as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    func,
    select,
    tuple_,
)

from verbund.codec import Codec
from verbund.events import Recorded
from verbund.offer import ends_at
from verbund.quality import marks
from verbund.views.fold import Folded, district_of, facts_of, fold, source_of
from verbund.views.sql import KEY, SqlView, UtcDateTime, Values, Writer, instant_ms, plain, read_as

metadata = MetaData()

offers = Table(
    "offers",
    metadata,
    Column("offer_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("record_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("body_revision", BigInteger, nullable=False),
    Column("kind", Text),
    Column("title", Text),
    Column("organisation_id", Text),
    Column("content_hash", Text),
    Column("ends_at", UtcDateTime),
    Column("missed_since", UtcDateTime),
    Column("withdrawn_reason", Text),
    Column("first_seen", UtcDateTime, nullable=False),
    Column("last_changed", UtcDateTime, nullable=False),
    Column("state_since", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("findings", Text),
    Column("body_type", Text),
    Column("schema", Text),
    Column("body", LargeBinary),
    Index("offers_by_source", "district", "source"),  # without the id, new rows are appended to it in order
    # All that scores of sources need, so that a million bodies need not be read for them.
    Index("offers_by_findings", "source", "state", "findings", "ends_at"),
)

WITH_STATE = frozenset({"OfferPublished", "OfferRevised"})
STATES = {
    "OfferPublished": "live",
    "OfferRevised": "live",
    "OfferMissed": "missed",
    "OfferSeenAgain": "live",
    "OfferRekeyed": "live",
    "OfferWithdrawn": "withdrawn",
}

#: `live` includes missed: an offer that was absent once is still shown.
SHOWN = ("live", "missed")

# Ids in one question to the database; SQLite takes 32,766 at most.
IDS_AT_ONCE = 1000


class OffersView(SqlView):
    """One row for each offer that was ever published."""

    name = "offers"
    version = 3
    handles = frozenset(STATES)
    decodes = WITH_STATE
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    _writer = Writer(
        offers,
        newer="revision",
        first=("first_seen",),
        with_body=(
            "source", "body_revision", "kind", "title", "organisation_id", "content_hash", "ends_at",
            "last_changed", "findings", "body_type", "schema", "body",
        ),
    )  # fmt: skip

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`; only the newest events of each offer are decoded."""
        self._writer.write(tx, [_row(one) for one in fold(batch, WITH_STATE)])


# All but the offer itself, for lists.
_LIGHT = [column for column in offers.c if column.name not in ("body", "schema")]


@dataclass(frozen=True, slots=True)
class OfferRow:
    """One offer as stored.

    Attributes:
        state: live, missed or withdrawn.
        revision: of the latest event; `body_revision` is that of the content.
        title: the German one, else that of the first language; None when no content was ever published.
        ends_at: when it is over; None when it goes on.
        first_seen: append time of its first event; `last_changed` of its content, `state_since` of its latest event.
        position: of the latest event in `inventory.<district>`.
        findings: marks of what it lacks, see `verbund.quality`; None when no content was ever published.
        body_type: event type that `body` belongs to; `schema` is the digest of its schema.
    """

    offer_id: str
    district: str
    source: str
    record_key: str
    state: str
    revision: int
    body_revision: int
    kind: str | None
    title: str | None
    organisation_id: str | None
    content_hash: str | None
    ends_at: datetime | None
    missed_since: datetime | None
    withdrawn_reason: str | None
    first_seen: datetime
    last_changed: datetime
    state_since: datetime
    position: int
    findings: str | None
    body_type: str | None
    schema: str | None
    body: bytes | None

    def offer(self, codec: Codec) -> dict[str, Any] | None:
        """The whole offer in today's shape; None when no content was ever published.

        Raises:
            UnreadableEventError: a newer program wrote it.
        """
        if self.body is None or self.body_type is None:
            return None
        data: dict[str, Any] = codec.decode(self.body_type, self.schema or "", self.body)["offer"]
        return data


@dataclass(frozen=True, slots=True)
class DistrictCount:
    """How much a district offers.

    Attributes:
        live: offers that are shown, the missed ones among them.
        missed, withdrawn: as they say.
        sources: names of its sources that ever published.
    """

    district: str
    live: int
    missed: int
    withdrawn: int
    sources: tuple[str, ...]


class Offers:
    """Questions about offers.

    An id is one offer. Should a second district ever use the id of another's offer, the one that was first in the log
    is meant by it; the other is only found by its own district.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, offer_id: str) -> OfferRow | None:
        """One offer in whatever state, or None."""
        return self.by_ids([offer_id]).get(offer_id)

    def by_ids(self, ids: Iterable[str]) -> dict[str, OfferRow]:
        """Rows of the known ones of these ids, in the order asked."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, OfferRow] = {}
        with self._engine.connect() as tx:
            for begin in range(0, len(wanted), IDS_AT_ONCE):
                query = (
                    select(offers)
                    .where(offers.c.offer_id.in_(wanted[begin : begin + IDS_AT_ONCE]))
                    .order_by(offers.c.first_seen, offers.c.district)
                )
                for row in tx.execute(query):
                    found.setdefault(row.offer_id, _offer_row(row))
        return {offer_id: found[offer_id] for offer_id in wanted if offer_id in found}

    def by_record(self, source: str, record_key: str, *, district: str | None = None) -> OfferRow | None:
        """The offer of a record; the source's name is unique in a hub."""
        query = select(offers).where(offers.c.source == source, offers.c.record_key == record_key)
        if district is not None:
            query = query.where(offers.c.district == district)
        with self._engine.connect() as tx:
            row = tx.execute(query.order_by(offers.c.revision.desc(), offers.c.offer_id).limit(1)).first()
        return None if row is None else _offer_row(row)

    def by_records(self, source: str, record_keys: Iterable[str], *, district: str) -> dict[str, OfferRow]:
        """Rows by record key, without their bodies; left out are records that never became an offer."""
        wanted = list(dict.fromkeys(record_keys))
        found: dict[str, OfferRow] = {}
        with self._engine.connect() as tx:
            for begin in range(0, len(wanted), IDS_AT_ONCE):
                keys = offers.c.record_key.in_(wanted[begin : begin + IDS_AT_ONCE])
                query = select(*_LIGHT).where(offers.c.source == source, offers.c.district == district, keys)
                found.update((row.record_key, _offer_row(row)) for row in tx.execute(query.order_by(offers.c.revision)))
        return found

    def listing(
        self,
        *,
        source: str | None = None,
        district: str | None = None,
        state: str = "live",
        after: tuple[str, str, str] | None = None,
        limit: int | None = None,
    ) -> list[OfferRow]:
        """Offers without their bodies, by district, source and id.

        Args:
            source: only of this source.
            district: only of this district.
            state: live (with the missed ones), missed, withdrawn or all.
            after: district, source and offer id of the last one of the page before.
            limit: at most so many.
        """
        query = _where(select(*_LIGHT), source, district, state)
        query = query.order_by(offers.c.district, offers.c.source, offers.c.offer_id)
        if after is not None:
            query = query.where(tuple_(offers.c.district, offers.c.source, offers.c.offer_id) > tuple_(*after))
        if limit is not None:
            query = query.limit(limit)
        with self._engine.connect() as tx:
            return [_offer_row(row) for row in tx.execute(query)]

    def count(self, *, source: str | None = None, district: str | None = None, state: str = "live") -> int:
        """How many there are; `state` as in `listing`."""
        with self._engine.connect() as tx:
            return tx.scalar(_where(select(func.count()).select_from(offers), source, district, state)) or 0

    def states(self, source: str) -> dict[str, int]:
        """Number of offers of a source by state."""
        query = select(offers.c.state, func.count()).where(offers.c.source == source).group_by(offers.c.state)
        with self._engine.connect() as tx:
            return {str(state): int(number) for state, number in tx.execute(query)}

    def keys(self, *, source: str | None = None, district: str | None = None, state: str = "live") -> Iterator[str]:
        """Ids in order, streamed."""
        query = _where(select(offers.c.offer_id), source, district, state).order_by(
            offers.c.district, offers.c.offer_id
        )
        with self._engine.connect() as tx:
            yield from tx.execution_options(yield_per=IDS_AT_ONCE).scalars(query)

    def districts_with_counts(self) -> list[DistrictCount]:
        """Every district that ever published, with exact counts."""
        query = select(offers.c.district, offers.c.source, offers.c.state, func.count()).group_by(
            offers.c.district, offers.c.source, offers.c.state
        )
        numbers: dict[str, dict[str, int]] = {}
        sources: dict[str, set[str]] = {}
        with self._engine.connect() as tx:
            for district, source, state, number in tx.execute(query):
                of_district = numbers.setdefault(district, {})
                of_district[state] = of_district.get(state, 0) + number
                sources.setdefault(district, set()).add(source)
        return [_count(district, numbers[district], sources[district]) for district in sorted(numbers)]


def title_of(texts: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The German title, else that of the first language, else None."""
    text = texts.get("de") or next(iter(texts.values()), None)
    return None if text is None else text["title"]


def _row(one: Folded) -> Values:
    last, body = one.last, one.body
    offer: Mapping[str, Any] = facts_of(body, "offer_id", "offer") if body is not None else {}
    step: Mapping[str, Any] = offer if last is body else facts_of(last, "offer_id")
    ends = ends_at(offer) if body is not None else None
    return (
        last.subject,
        district_of(last.topic),
        source_of(body or last),
        plain(step["record_key"]),  # one that goes on under another key says so without a body
        STATES[last.type],
        last.revision,
        body.revision if body is not None else 0,
        plain(offer.get("kind")),
        plain(title_of(offer["texts"])) if body is not None else None,
        plain(offer.get("organisation_id")),
        plain(offer.get("content_hash")),
        instant_ms(ends),
        instant_ms(step.get("missed_since")),
        plain(step.get("reason")),
        one.first.appended_ms,
        (body or last).appended_ms,
        last.appended_ms,
        last.position,
        marks(offer) if body is not None else None,
        body.type if body is not None else None,
        body.schema if body is not None else None,
        body.body if body is not None else None,
    )


def _offer_row(row: Row[Any]) -> OfferRow:
    return read_as(OfferRow, row)


def _where(query: Select[Any], source: str | None, district: str | None, state: str) -> Select[Any]:
    if source is not None:
        query = query.where(offers.c.source == source)
    if district is not None:
        query = query.where(offers.c.district == district)
    if state == "live":
        return query.where(offers.c.state.in_(SHOWN))
    return query if state == "all" else query.where(offers.c.state == state)


def _count(district: str, numbers: Mapping[str, int], sources: Iterable[str]) -> DistrictCount:
    return DistrictCount(
        district,
        live=sum(numbers.get(state, 0) for state in SHOWN),
        missed=numbers.get("missed", 0),
        withdrawn=numbers.get("withdrawn", 0),
        sources=tuple(sorted(sources)),
    )
