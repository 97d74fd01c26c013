"""Changes: the one feed that all subscribers read, numbered once and for good."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    MetaData,
    Row,
    Table,
    Text,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from verbund.events import Recorded
from verbund.projection.tables import KEEP
from verbund.views import offers, organisations
from verbund.views.fold import Key, district_of, source_of, taken
from verbund.views.sql import KEY, NUMBER, SqlView, UtcDateTime, Writer, read_as

metadata = MetaData()

changes = Table(
    "changes",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("topic", KEY, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("subject", KEY, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("district", KEY, nullable=False),
    Column("source", KEY, nullable=False),
    Column("tombstone", Boolean, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("changes_by_subject", "subject", "topic", "revision"),
    # Numbers may differ from one database to the next; where an event stands in the log does not.
    info={"digest_key": ("topic", "position"), "digest_without": ("number",)},
)

# Numbers were given to subscribers, so they cannot be derived again: these two tables outlive a reset.
numbers = Table(
    "change_numbers",
    metadata,
    Column("topic", KEY, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    info=KEEP,
    sqlite_with_rowid=False,
)
feed = Table(
    "change_feed",
    metadata,
    Column("only_row", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("next_number", BigInteger, nullable=False),
    info=KEEP,
)

KINDS = dict.fromkeys(offers.STATES, "offer") | dict.fromkeys(organisations.STATES, "organisation")
TOMBSTONES = frozenset({"OfferWithdrawn", "OrganisationWithdrawn"})

_first_row = Writer(feed)

# Made once: a statement refers to itself, so one of each batch would keep its ids until the garbage collector comes.
_held_of = (
    select(changes.c.topic, changes.c.subject, func.max(changes.c.revision))
    .where(changes.c.subject.in_(bindparam("subjects", expanding=True)))
    .group_by(changes.c.topic, changes.c.subject)
)


class ChangesView(SqlView):
    """One numbered row for each event that was taken; made from envelopes alone.

    Numbers are given under a lock that is held until the commit, so they become visible in order and a reader that goes
    by number never skips one. An event read again keeps its number. When the numbers were lost, or the log holds
    another event at a numbered place, the epoch rises and old positions are refused.
    """

    name = "changes"
    version = 2
    handles = frozenset(KINDS)
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    _rows = Writer(changes)
    _numbers = Writer(numbers)

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        events = _not_older(taken(batch), tx)
        if not events:
            return
        given = self._number(events, tx)
        self._rows.write(
            tx,
            [
                (
                    given[record.topic, record.position],
                    record.topic,
                    record.position,
                    record.subject,
                    record.revision,
                    KINDS[record.type],
                    record.type,
                    district_of(record.topic),
                    source_of(record),
                    record.type in TOMBSTONES,
                    record.appended_ms,
                )
                for record in events
            ],
        )

    def _number(self, events: Sequence[Recorded], tx: Connection) -> dict[tuple[str, int], int]:
        epoch, next_number = _lock_feed(tx)
        known = _known_numbers(events, tx)
        foreign = [
            record for record in events if (at := known.get((record.topic, record.position))) and at[1] != record.id
        ]
        if foreign:  # another log than the one that was numbered
            epoch += 1
            for record in foreign:
                del known[record.topic, record.position]
                tx.execute(
                    delete(numbers).where(numbers.c.topic == record.topic, numbers.c.position == record.position)
                )
        given = {place: number for place, (number, _) in known.items()}
        fresh = [record for record in events if (record.topic, record.position) not in given]
        given.update({(record.topic, record.position): next_number + at for at, record in enumerate(fresh)})
        self._numbers.write(
            tx, [(record.topic, record.position, given[record.topic, record.position], record.id) for record in fresh]
        )
        tx.execute(update(feed).values(epoch=epoch, next_number=next_number + len(fresh)))
        return given


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the feed.

    Attributes:
        number: its position in the feed; the next page is asked with it.
        subject: id of the offer or organisation; `kind` says which.
        type: of the event; `OfferMissed`, `OfferSeenAgain` and `OfferRekeyed` change nothing that is shown.
        tombstone: the subject is gone.
        topic, position: where its event stands in the log.
        changed_at: append time.
    """

    number: int
    topic: str
    position: int
    subject: str
    revision: int
    kind: str
    type: str
    district: str
    source: str
    tombstone: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A page of the feed.

    Attributes:
        epoch: positions of another epoch are void.
        items: in feed order.
        next_number: ask for what comes after this one.
        more: whether there is more already.
    """

    epoch: int
    items: list[Change]
    next_number: int
    more: bool


class Changes:
    """Questions about the feed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def epoch(self) -> int:
        """Of the numbers; 0 while there are none."""
        with self._engine.connect() as tx:
            return tx.scalar(select(feed.c.epoch)) or 0

    def last_number(self) -> int:
        """Of the newest change; 0 while there is none."""
        with self._engine.connect() as tx:
            return tx.scalar(select(func.max(changes.c.number))) or 0

    def after(  # noqa: D417 - the others are filters of that name
        self,
        number: int = 0,
        *,
        limit: int = 100,
        districts: Iterable[str] = (),
        sources: Iterable[str] = (),
        kinds: Iterable[str] = (),
        types: Iterable[str] = (),
    ) -> ChangePage:
        """Changes that come after a number, in order.

        Args:
            number: of the last change known; 0 from the start.
            limit: at most so many.
        """
        query = select(changes).where(changes.c.number > number).order_by(changes.c.number).limit(limit + 1)
        for column, values in (
            (changes.c.district, list(districts)),
            (changes.c.source, list(sources)),
            (changes.c.kind, list(kinds)),
            (changes.c.type, list(types)),
        ):
            if values:
                query = query.where(column.in_(values))
        with self._engine.connect() as tx:
            epoch = tx.scalar(select(feed.c.epoch)) or 0
            newest = tx.scalar(select(func.max(changes.c.number))) or 0
            items = [_change(row) for row in tx.execute(query)]
        more = len(items) > limit
        items = items[:limit]
        # A page that ends the feed also passes what the filters left out.
        return ChangePage(
            epoch, items, items[-1].number if more else max(number, newest, *(item.number for item in items[-1:])), more
        )


def _not_older(events: Sequence[Recorded], tx: Connection) -> list[Recorded]:
    """Without events that are older than what is stored of their subject; those stored already stay in."""
    held: dict[Key, int] = {}
    subjects = list({record.subject for record in events})
    for begin in range(0, len(subjects), offers.IDS_AT_ONCE):
        rows = tx.execute(_held_of, {"subjects": subjects[begin : begin + offers.IDS_AT_ONCE]})
        held.update({(topic, subject): revision for topic, subject, revision in rows})
    return [record for record in events if record.revision > held.get((record.topic, record.subject), 0)]


def _lock_feed(tx: Connection) -> tuple[int, int]:
    """Epoch and next number, with the row locked; made when missing."""
    query = select(feed.c.epoch, feed.c.next_number).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        # Nothing is known of earlier epochs here; the clock is the one number that only rises.
        epoch = time.time_ns() // 1_000_000
        next_number = (tx.scalar(select(func.max(numbers.c.number))) or 0) + 1
        _first_row.write(tx, [(1, epoch, next_number)])  # another process may be first
        row = tx.execute(query).one()
    return row.epoch, row.next_number


def _known_numbers(events: Sequence[Recorded], tx: Connection) -> dict[tuple[str, int], tuple[int, str]]:
    spans: dict[str, tuple[int, int]] = {}
    for record in events:
        low, high = spans.get(record.topic, (record.position, record.position))
        spans[record.topic] = min(low, record.position), max(high, record.position)
    known: dict[tuple[str, int], tuple[int, str]] = {}
    names = sorted(spans)
    for begin in range(0, len(names), 100):
        inside = [
            (numbers.c.topic == topic) & numbers.c.position.between(*spans[topic])
            for topic in names[begin : begin + 100]
        ]
        for topic, position, number, event_id in tx.execute(select(numbers).where(or_(*inside))):
            known[topic, position] = number, event_id
    wanted = {(record.topic, record.position) for record in events}
    return {place: value for place, value in known.items() if place in wanted}


def _change(row: Row[Any]) -> Change:
    return read_as(Change, row)
