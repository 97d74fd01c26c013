"""Rebuild and compare: a view made again from the log, in one transaction or beside the live one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine

from verbund import sqlite
from verbund.collecting import quiet_collector
from verbund.errors import LogUnavailableError
from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.projection import Projection, parking, positions
from verbund.projection.digest import Difference, ViewDigest, differences, digest
from verbund.projection.pages import Pages
from verbund.projection.parking import Parked
from verbund.projection.positions import ANSWER_WITHIN, Mark
from verbund.projection.reader import Reader
from verbund.projection.runner import BATCH_RECORDS, Progress
from verbund.projection.settle import is_environment, problem_of
from verbund.projection.tables import forget_place, prepare

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: events read, events parked, seconds."""

    events: int
    parked: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Compared:
    """A live view beside a replay up to the same positions.

    Attributes:
        differences: the first rows that differ; empty when equal.
    """

    view: str
    equal: bool
    live: ViewDigest
    replayed: ViewDigest
    differences: list[Difference]


def rebuild(view: Projection, *, log: EventLog, engine: Engine, progress: Progress | None = None) -> Rebuilt:
    """Make a view again from the log's start to its end as it is now.

    All of it is one transaction: readers see the old rows until it commits, and one that is killed half-way leaves
    them whole. Other writers of a SQLite file wait meanwhile.

    Raises:
        LogUnavailableError: the log did not answer; nothing was changed.
    """
    began = time.monotonic()
    prepare(engine, [view])
    ends = _ends(log, view)
    reader = Reader(view, engine)
    with quiet_collector(), engine.begin() as tx:
        positions.lock_whole_view(tx, view.name)
        view.reset(tx)
        forget_place(tx, view)
        events, marks, held = _replay(reader, ends, log, tx, progress)
        positions.put(tx, view.name, marks)
    done = Rebuilt(events, held, time.monotonic() - began)
    _log_rebuilt(view, done)
    return done


def compare(view: Projection, *, log: EventLog, engine: Engine, limit: int = 20) -> Compared:
    """Replay a view beside the live one, up to where the live one stands, and compare row by row.

    The live database is only read, from one snapshot; the replay goes into a SQLite file that is thrown away.

    Raises:
        LogUnavailableError: the log did not answer.
        LogUnusableError: the log does not reach to where the live view stands.
    """
    prepare(engine, [view])
    with _snapshot(engine) as live, tempfile.TemporaryDirectory(prefix="verbund-compare-") as folder:
        marks = positions.load(live, view.name)
        scratch = sqlite.engine(Path(folder) / "scratch.db")
        try:
            prepare(scratch, [view])
            with quiet_collector(), scratch.begin() as tx:
                place = {topic: mark.next_position for topic, mark in marks.items()}
                _replay(Reader(view, scratch), place, log, tx, None)
            with scratch.connect() as tx:
                ours, theirs = digest(view, live), digest(view, tx)
                unequal = [] if ours.digest == theirs.digest else differences(view, live, tx, limit=limit)
        finally:
            scratch.dispose()
    return Compared(view.name, ours.digest == theirs.digest, ours, theirs, unequal)


def retry_parked(
    views: Sequence[Projection], *, log: EventLog, engine: Engine, topic: str | None = None, subject: str | None = None
) -> dict[str, int]:
    """Try parked events again, key by key in order; how many each view took. What fails again stays, with its key."""
    released: dict[str, int] = {}
    for view in views:
        with engine.connect() as tx:
            entries = parking.listing(tx, view.name, topic=topic, subject=subject)
        by_key: dict[parking.Key, list[Parked]] = {}
        for entry in entries:
            by_key.setdefault((entry.topic, entry.subject), []).append(entry)
        released[view.name] = sum(_retry_key(view, key, log, engine) for key in by_key)
    return released


def _retry_key(view: Projection, key: parking.Key, log: EventLog, engine: Engine) -> int:
    released = 0
    with engine.begin() as tx:
        # Whoever brings the view up to date waits here, so no event of this key slips in between.
        positions.lock_whole_view(tx, view.name)
        for entry in parking.listing(tx, view.name, topic=key[0], subject=key[1]):
            record = _record_of(entry, log)
            try:
                _apply_one(view, record, tx)
            except Exception as error:
                if is_environment(error):
                    raise
                parking.blame(tx, entry, error)
                break
            parking.release(tx, entry)
            released += 1
    return released


def _apply_one(view: Projection, record: Recorded, tx: Connection) -> None:
    if problem := problem_of(record):
        raise problem
    if record.type in view.handles:
        with tx.begin_nested():
            view.apply([record], tx)


def _record_of(entry: Parked, log: EventLog) -> Recorded:
    records = log.read({entry.topic: entry.position}, limit=1, wait=ANSWER_WITHIN)
    if not records or records[0].position != entry.position:
        raise _silent({entry.topic: entry.position})
    return records[0]


def _replay(
    reader: Reader, ends: Mapping[str, int], log: EventLog, tx: Connection, progress: Progress | None
) -> tuple[int, dict[str, Mark], int]:
    """From the start up to the ends, into an open transaction: events read, marks, events parked."""
    place = {topic: 0 for topic, end in ends.items() if end > 0}
    total, read, parked = sum(ends.values()), 0, 0
    marks: dict[str, Mark] = {}
    with Pages(log, limit=BATCH_RECORDS) as pages:
        while place:
            records = pages.read(place, [reader], wait=ANSWER_WITHIN, ends=ends)
            if not records:
                raise _silent(place)
            wanted = [record for record in records if record.position < ends[record.topic]]
            if wanted:
                moved, _, held = reader.write(wanted, tx, lock=False)
                marks.update(moved)
                parked += held
            for record in records:
                place[record.topic] = record.position + 1
            place = {topic: position for topic, position in place.items() if position < ends[topic]}
            read += len(wanted)
            if progress is not None:
                progress(read, total)
    return read, marks, parked


def _ends(log: EventLog, view: Projection) -> dict[str, int]:
    return log.end([topic for topic in log.topics() if topic.partition(".")[0] in view.topics])


def _silent(place: Mapping[str, int]) -> LogUnavailableError:
    topic, position = next(iter(place.items()))
    return LogUnavailableError(
        "The log handed out nothing at position {position} of {topic}, although it has more. Try again; look at the "
        "log's own messages if it stays so.",
        topic=topic,
        position=position,
    )


def _log_rebuilt(view: Projection, done: Rebuilt) -> None:
    log.info("projection_rebuilt", projection=view.name, events=done.events, duration_ms=round(done.seconds * 1000))


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """One state of the whole database, whatever others commit meanwhile."""
    level = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**level) as tx:
        yield tx
