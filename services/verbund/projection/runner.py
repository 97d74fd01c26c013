"""Reads the log once for all views of a process and brings each one up in its own transactions."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import Engine

from verbund.collecting import quiet_collector
from verbund.errors import BaseMovedError, LogUnavailableError, VerbundError, ViewUnavailableError
from verbund.event_log import NO_WAIT, EventLog
from verbund.events import Recorded
from verbund.projection import Projection, positions
from verbund.projection.pages import Pages
from verbund.projection.positions import Mark
from verbund.projection.reader import FIRST_PAUSE_S, LAST_PAUSE_S, Group, Reader, group
from verbund.projection.settle import is_environment
from verbund.projection.tables import prepare

log = structlog.get_logger()

# Larger batches make COPY faster, smaller ones keep decoded records few: 2,000 are about 40 MB.
BATCH_RECORDS = 2000
# Records of up to 900 KiB each must not all be decoded at once.
BATCH_BYTES = 16 * 1024 * 1024
# A new district's topic is found within this time.
NEW_TOPICS_EVERY_S = 5.0
# How long a service waits in the log before it looks whether it shall stop.
IDLE_WAIT = timedelta(seconds=1)
# A command gives up after this many failures in a row; a service never does.
ATTEMPTS_OF_A_COMMAND = 6

#: Called after each batch with how many events were read and how many were to be read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What a catch-up did.

    Attributes:
        events: records read from the log.
        applied: events taken or rightly ignored, by view.
        parked: events parked, by view.
        seconds: wall time.
    """

    events: int
    applied: dict[str, int]
    parked: dict[str, int]
    seconds: float


class Runner:
    """Keeps views up to date from the log, in commands (`catch_up`) and services (`run_forever`).

    Each view commits by itself, so that a slow or broken one holds back no other; views that stand at the same place
    share one read and one decode. One thread at a time.
    """

    def __init__(
        self, views: Sequence[Projection], *, log: EventLog, engine: Engine, batch: int = BATCH_RECORDS
    ) -> None:
        self._log = log
        self._engine = engine
        self._batch = batch
        self.readers = [Reader(view, engine) for view in views]
        self._started = False
        self._topics: list[str] = []
        self._topics_seen_at = float("-inf")

    def start(self) -> None:
        """Make missing tables, reset views of an older version, and check the log against the last applied events.

        Raises:
            LogUnusableError: the log is not the one that the views were built from.
            ViewUnavailableError: a view in the database is newer than this program.
        """
        prepare(self._engine, [reader.view for reader in self.readers])
        for reader in self.readers:
            reader.load()
        self._verify()
        self._started = True

    def catch_up(self, progress: Progress | None = None) -> CaughtUp:
        """Bring all views up to the log's end as it is now.

        Another process may do the same at once: whoever is overtaken goes on from there.

        Raises:
            LogUnusableError: as `start`.
            LogUnavailableError: the log did not answer, several times.
            ViewUnavailableError: a view's database did not work, several times.
        """
        began = time.monotonic()
        before = {reader.name: (reader.applied, reader.parked) for reader in self.readers}
        read = 0
        with quiet_collector(), Pages(self._log, limit=self._batch) as pages:
            if not self._started:
                self.start()
            self._find_topics()
            ends = self._log.end(self._topics)
            total = sum(max(0, ends[topic] - self._lowest(topic)) for topic in self._topics)
            while any(reader.position(topic) < ends[topic] for reader, topic in self._pairs()):
                read += self._turn_of_command(ends, pages)
                if progress is not None:
                    progress(min(read, total), total)
        done = CaughtUp(
            read,
            {reader.name: reader.applied - before[reader.name][0] for reader in self.readers},
            {reader.name: reader.parked - before[reader.name][1] for reader in self.readers},
            time.monotonic() - began,
        )
        log.info("projections_caught_up", events=read, duration_ms=round(done.seconds * 1000))
        return done

    def run_forever(self, stop: threading.Event) -> None:
        """Keep all views up to date until `stop` is set.

        Raises:
            LogUnusableError: as `start`; a person must look.
            ViewUnavailableError: a newer program took over.
        """
        pause = FIRST_PAUSE_S
        with quiet_collector(), Pages(self._log, limit=self._batch) as pages:
            while not stop.is_set():
                try:
                    if not self._started:
                        self.start()
                    self._find_topics(max_age_s=NEW_TOPICS_EVERY_S)
                    groups = self._groups()
                    if not groups or not self._topics:
                        stop.wait(FIRST_PAUSE_S)
                        continue
                    for one in groups:
                        self._advance(one, pages, wait=IDLE_WAIT if len(groups) == 1 else NO_WAIT)
                    if len(groups) > 1 and not any(one.ceiling for one in groups):
                        stop.wait(FIRST_PAUSE_S)  # different topics, nothing in common: wait in no one's read
                    pause = FIRST_PAUSE_S
                except Exception as error:
                    if not isinstance(error, LogUnavailableError) and not is_environment(error):
                        raise
                    log.warning("projections_pause", error=type(error).__name__, pause_s=pause)
                    stop.wait(pause * random.uniform(0.5, 1.5))
                    pause = min(LAST_PAUSE_S, pause * 2)

    def lag(self) -> dict[str, int]:
        """Events of the log that a view has not read yet, by view; from what is stored, not from this process."""
        ends = self._log.end()
        behind: dict[str, int] = {}
        with self._engine.connect() as tx:
            for reader in self.readers:
                stored = positions.load(tx, reader.name)
                behind[reader.name] = sum(
                    max(0, end - stored.get(topic, positions.START).next_position)
                    for topic, end in ends.items()
                    if reader.reads(topic)
                )
        return behind

    def _turn_of_command(self, ends: dict[str, int], pages: Pages) -> int:
        """One read for each group; how many records came."""
        read = 0
        for one in self._groups(ignore_pauses=True):
            one.place = {topic: place for topic, place in one.place.items() if place < ends.get(topic, 0)}
            if one.place:
                read += self._advance(one, pages, wait=positions.ANSWER_WITHIN, ends=ends)
        for reader in self.readers:
            if reader.failures >= ATTEMPTS_OF_A_COMMAND:
                raise ViewUnavailableError(
                    "View {view} could not be brought up to date, {attempts} times in a row. "
                    "See the log lines `projection_failed` for the reason.",
                    view=reader.name,
                    attempts=reader.failures,
                )
            if reader.failures:
                time.sleep(max(0.0, min(1.0, reader.resume_at - time.monotonic())))
        return read

    def _advance(self, one: Group, pages: Pages, *, wait: timedelta, ends: Mapping[str, int] | None = None) -> int:
        """Read once and hand it to every reader of a group."""
        records = pages.read(one.place, [reader.view for reader in one.readers], wait=wait, ends=ends)
        usable = [record for record in records if record.position < one.ceiling.get(record.topic, record.position + 1)]
        for part in _slices(usable):
            for reader in one.readers:
                self._hand_over(reader, part)
        return len(usable)

    def _hand_over(self, reader: Reader, records: Sequence[Recorded]) -> None:
        try:
            if reader.ready() or not reader.failures:
                reader.take(records)
        except BaseMovedError as error:
            log.info("projection_overtaken", projection=reader.name, topic=error.facts["topic"])
            reader.load()
        except ViewUnavailableError:
            raise
        except Exception as error:
            # Whatever one view's handler or database raises must not stop the others.
            if isinstance(error, VerbundError) and error.code.startswith("E4"):
                raise
            reader.fail(error)

    def _groups(self, *, ignore_pauses: bool = False) -> list[Group]:
        return group([reader for reader in self.readers if ignore_pauses or reader.ready()], self._topics)

    def _find_topics(self, *, max_age_s: float = 0.0) -> None:
        if time.monotonic() - self._topics_seen_at >= max_age_s:
            kinds = {kind for reader in self.readers for kind in reader.view.topics}
            self._topics = [topic for topic in self._log.topics() if topic.partition(".")[0] in kinds]
            if any(reader.marks.keys() - self._topics for reader in self.readers):
                self._verify()  # a topic that was read is gone: whoever only goes on would never say so
            self._topics_seen_at = time.monotonic()

    def _verify(self) -> None:
        """See that the log still holds what was applied last.

        Raises:
            LogUnavailableError, LogUnusableError: as `positions.verify`.
        """
        marks: dict[str, list[Mark]] = {}
        for reader in self.readers:
            for topic, mark in reader.marks.items():
                marks.setdefault(topic, []).append(mark)
        positions.verify(self._log, marks)

    def _pairs(self) -> Iterator[tuple[Reader, str]]:
        return ((reader, topic) for reader in self.readers for topic in self._topics if reader.reads(topic))

    def _lowest(self, topic: str) -> int:
        return min((reader.position(topic) for reader in self.readers if reader.reads(topic)), default=0)


def _slices(records: Sequence[Recorded]) -> Iterator[Sequence[Recorded]]:
    """Consecutive parts of at most `BATCH_BYTES`, or of one record."""
    begin = size = 0
    for index, record in enumerate(records):
        if size and size + len(record.body) > BATCH_BYTES:
            yield records[begin:index]
            begin, size = index, 0
        size += len(record.body)
    if begin < len(records):
        yield records[begin:]
