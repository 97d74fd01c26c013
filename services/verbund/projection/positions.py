"""How far each view has read each topic: compared, locked and moved in the transaction of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from verbund.errors import BaseMovedError, LogUnavailableError, LogUnusableError, ViewUnavailableError
from verbund.event_log import EventLog
from verbund.events import Recorded

ledger = MetaData()

projections = Table(
    "projections",
    ledger,
    Column("view", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

positions = Table(
    "positions",
    ledger,
    Column("view", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("next_position", BigInteger, nullable=False),
    Column("last_id", Text, nullable=False),
)

# A log that holds an event hands it out within this time, or something is wrong with it.
ANSWER_WITHIN = timedelta(seconds=10)

# Any fixed number: processes that make or drop tables of the same database do so one after another.
SETUP_LOCK = 0x5645_5242


class Mark(NamedTuple):
    """A place in a topic: the next position to read, and the id of the event before it ("" at the start)."""

    next_position: int
    last_id: str


START = Mark(0, "")


def behind(records: Iterable[Recorded]) -> dict[str, Mark]:
    """The marks of whoever took these records, which come in the order of their topics."""
    last = {record.topic: record for record in records}
    return {topic: Mark(record.position + 1, record.id) for topic, record in last.items()}


def lock_setup(tx: Connection) -> None:
    """Let one process at a time make or drop tables; SQLite's write lock does the same."""
    if tx.dialect.name == "postgresql":
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SETUP_LOCK})


def load(tx: Connection, view: str) -> dict[str, Mark]:
    """The stored marks of a view, by topic."""
    rows = tx.execute(
        select(positions.c.topic, positions.c.next_position, positions.c.last_id).where(positions.c.view == view)
    )
    return {topic: Mark(next_position, last_id) for topic, next_position, last_id in rows}


def lock(tx: Connection, view: str, version: int, expected: Mapping[str, Mark]) -> None:
    """Hold the marks of some topics until the transaction ends, if they are still what this process believes.

    Raises:
        BaseMovedError: another process moved or reset the view; nothing of this transaction may stay.
        ViewUnavailableError: a process with a newer version of the view took over.
    """
    check_version(tx, view, version, hold=True)
    fresh = [
        {"view": view, "topic": topic, "next_position": 0, "last_id": ""}
        for topic, mark in sorted(expected.items())
        if mark == START
    ]
    if fresh:
        dialect = postgresql if tx.dialect.name == "postgresql" else sqlite
        tx.execute(dialect.insert(positions).on_conflict_do_nothing(), fresh)
    rows = tx.execute(
        select(positions.c.topic, positions.c.next_position, positions.c.last_id)
        .where(positions.c.view == view, positions.c.topic.in_(expected))
        .order_by(positions.c.topic)  # one order for all, so that two processes never wait for each other
        .with_for_update()
    )
    held = {topic: Mark(next_position, last_id) for topic, next_position, last_id in rows}
    for topic, mark in expected.items():
        if held.get(topic) != mark:
            raise BaseMovedError(
                "View {view} was moved in {topic} by another process: expected position {expected}, found {found}. "
                "Nothing was written here; read the positions again or stop this process.",
                view=view,
                topic=topic,
                expected=mark.next_position,
                found=held[topic].next_position if topic in held else None,
            )


def check_version(tx: Connection, view: str, version: int, *, hold: bool = False) -> None:
    """Refuse to write tables that belong to another version of the view; `hold` keeps rebuilds out meanwhile.

    Raises:
        ViewUnavailableError: the tables are of another version.
    """
    query = select(projections.c.version).where(projections.c.view == view)
    stored = tx.scalar(query.with_for_update(read=True) if hold else query)
    if stored != version:
        raise ViewUnavailableError(
            "View {view} has version {stored} in the database, this process has {version}. "
            "Restart this process with the newer program.",
            view=view,
            stored=stored,
            version=version,
        )


def lock_whole_view(tx: Connection, view: str) -> None:
    """Keep every other process of the view waiting until the transaction ends."""
    tx.execute(select(projections.c.version).where(projections.c.view == view).with_for_update())


def save(tx: Connection, view: str, marks: Mapping[str, Mark]) -> None:
    """Move locked marks forward."""
    if marks:
        statement = (
            update(positions)
            .where(positions.c.view == text(":of_view"), positions.c.topic == text(":of_topic"))
            .values(next_position=text(":to_position"), last_id=text(":to_id"))
        )
        tx.execute(
            statement,
            [
                {"of_view": view, "of_topic": topic, "to_position": mark.next_position, "to_id": mark.last_id}
                for topic, mark in sorted(marks.items())
            ],
        )


def put(tx: Connection, view: str, marks: Mapping[str, Mark]) -> None:
    """Replace all marks of a view."""
    tx.execute(delete(positions).where(positions.c.view == view))
    if marks:
        tx.execute(
            insert(positions),
            [
                {"view": view, "topic": topic, "next_position": mark.next_position, "last_id": mark.last_id}
                for topic, mark in sorted(marks.items())
            ],
        )


def verify(log: EventLog, marks: Mapping[str, Iterable[Mark]]) -> None:
    """See that the log still holds the last event that was applied, in every topic.

    Raises:
        LogUnavailableError: it does not answer now.
        LogUnusableError: it ends earlier, starts later or holds another event there: a restored or recreated log.
    """
    wanted = {topic: {mark for mark in some if mark != START} for topic, some in marks.items()}
    wanted = {topic: some for topic, some in wanted.items() if some}
    ends = log.end(wanted) if wanted else {}
    for topic, some in wanted.items():
        for mark in some:
            if mark.next_position > ends.get(topic, 0):
                raise _changed(topic, mark)
    while wanted:
        asked = {topic: next(iter(some)) for topic, some in wanted.items()}
        for topic, found_id in _ids_before(log, asked).items():
            if found_id != asked[topic].last_id:
                raise _changed(topic, asked[topic])
            wanted[topic].discard(asked[topic])
        wanted = {topic: some for topic, some in wanted.items() if some}


def _ids_before(log: EventLog, marks: Mapping[str, Mark]) -> dict[str, str]:
    """Id of the event just before each mark."""
    found: dict[str, str] = {}
    # Topics of finite retention may have lost that event rightly, so each of them is asked by itself.
    finite = {topic: mark for topic, mark in marks.items() if topic.startswith("runs")}
    for topic, mark in finite.items():
        found[topic] = _id_in_finite_topic(log, topic, mark)
    open_ = {topic: mark.next_position - 1 for topic, mark in marks.items() if topic not in finite}
    while open_:
        records = log.read(open_, limit=max(100, len(open_)), wait=ANSWER_WITHIN)
        if not records:
            topic = next(iter(open_))
            raise LogUnavailableError(
                "The log handed out nothing at position {position} of {topic}, although it goes further. Try again; "
                "look at the log's own messages if it stays so.",
                topic=topic,
                position=open_[topic],
            )
        for record in records:
            if record.topic in open_:
                at_place = record.position == open_.pop(record.topic)
                found[record.topic] = record.id if at_place else ""
    return found


def _id_in_finite_topic(log: EventLog, topic: str, mark: Mark) -> str:
    """Id before the mark, or the expected one when retention took the event but nothing after it."""
    try:
        records = log.read({topic: mark.next_position - 1}, limit=1, wait=ANSWER_WITHIN)
    except LogUnusableError:
        log.read({topic: mark.next_position}, limit=1)
        return mark.last_id
    return records[0].id if records and records[0].position == mark.next_position - 1 else ""


def _changed(topic: str, mark: Mark) -> LogUnusableError:
    return LogUnusableError(
        "The log is not the one this view was built from: topic {topic} no longer holds event {event_id} at position "
        "{position}. Was the log restored or made anew? Put the right log back, or rebuild the views from this one with "
        "`verbund view rebuild`.",
        topic=topic,
        event_id=mark.last_id,
        position=mark.next_position - 1,
    )
