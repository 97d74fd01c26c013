"""Reads the log once for all views of a process and brings each one up in its own transactions."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import Engine

from verbund.collecting import quiet_collector
from verbund.errors import BaseMovedError, LogUnavailableError, VerbundError, ViewUnavailableError
from verbund.event_log import NO_WAIT, EventLog
from verbund.events import Recorded
from verbund.projection import Projection, positions
from verbund.projection.follower import FIRST_PAUSE_S, LAST_PAUSE_S, Follower, Group, group
from verbund.projection.pages import Pages
from verbund.projection.positions import Mark
from verbund.projection.reader import Reader
from verbund.projection.settle import is_environment
from verbund.projection.tables import prepare

log = structlog.get_logger()

# Larger batches make COPY faster, smaller ones keep records few: two pages of 1,000 are 20 MB once they are decoded.
# Twice as many would save 3 % of the CPU and take 30 MB more.
BATCH_RECORDS = 1000
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

    Each view commits by itself, so that a broken one holds back no other; those that stand at the same place share one
    read and one decode. One thread at a time.

    Args:
        views: in tables of the database.
        log: that is read.
        engine: of the database; None without views in tables.
        batch: records in one transaction, at most.
        beside: others that follow the same log, such as the search index.
    """

    def __init__(
        self,
        views: Sequence[Projection],
        *,
        log: EventLog,
        engine: Engine | None,
        batch: int = BATCH_RECORDS,
        beside: Sequence[Follower] = (),
    ) -> None:
        self._log = log
        self._engine = engine
        self._batch = batch
        self.readers = [Reader(view, engine) for view in views if engine is not None]
        self._followers: list[Follower] = [*self.readers, *beside]
        self._started = False
        self._topics: list[str] = []
        self._topics_seen_at = float("-inf")

    def start(self) -> None:
        """Make missing tables, reset views of an older version, and check the log against the last applied events.

        Raises:
            LogUnusableError: the log is not the one that the views were built from.
            ViewUnavailableError: a view in the database is newer than this program.
        """
        if self._engine is not None:
            prepare(self._engine, [reader.view for reader in self.readers])
        for follower in self._followers:
            follower.load()
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
        before = {one.name: (one.applied, one.parked) for one in self._followers}
        read = silent = 0
        with quiet_collector(), Pages(self._log, limit=self._batch) as pages:
            if not self._started:
                self.start()
            self._find_topics()
            ends = self._log.end(self._topics)
            total = sum(max(0, ends[topic] - self._lowest(topic)) for topic in self._topics)
            while any(follower.position(topic) < ends[topic] for follower, topic in self._pairs()):
                came = self._turn_of_command(ends, pages)
                silent = 0 if came else silent + 1
                if silent >= ATTEMPTS_OF_A_COMMAND:
                    raise _silent(ends)
                read += came
                if progress is not None:
                    progress(min(read, total), total)
            for follower in self._followers:
                follower.rest()
        done = CaughtUp(
            read,
            {one.name: one.applied - before[one.name][0] for one in self._followers},
            {one.name: one.parked - before[one.name][1] for one in self._followers},
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
                    unrested = any(follower.unrested for follower in self._followers)
                    for one in groups:
                        self._advance(one, pages, wait=IDLE_WAIT if len(groups) == 1 and not unrested else NO_WAIT)
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
        for reader in self.readers:
            with reader.engine.connect() as tx:
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
        for follower in self._followers:
            if follower.failures >= ATTEMPTS_OF_A_COMMAND:
                raise ViewUnavailableError(
                    "View {view} could not be brought up to date, {attempts} times in a row. "
                    "See the log lines `projection_failed` for the reason.",
                    view=follower.name,
                    attempts=follower.failures,
                )
            if follower.failures:
                time.sleep(max(0.0, min(1.0, follower.resume_at - time.monotonic())))
        return read

    def _advance(self, one: Group, pages: Pages, *, wait: timedelta, ends: Mapping[str, int] | None = None) -> int:
        """Read once and hand it to every follower of a group."""
        records = pages.read(one.place, one.followers, wait=wait, ends=ends)
        usable = [record for record in records if record.position < one.ceiling.get(record.topic, record.position + 1)]
        for part in _slices(usable):
            for follower in one.followers:
                self._let(follower, partial(follower.take, part))
        if not records:
            for follower in one.followers:
                self._let(follower, follower.rest)
        return len(usable)

    def _let(self, follower: Follower, work: Callable[[], object]) -> None:
        """One step of one follower; what it raises must not stop the others."""
        try:
            if follower.ready() or not follower.failures:
                work()
        except BaseMovedError as error:
            log.info("projection_overtaken", projection=follower.name, topic=error.facts["topic"])
            follower.load()
        except ViewUnavailableError:
            raise
        except Exception as error:
            if isinstance(error, VerbundError) and error.code.startswith("E4"):
                raise
            follower.fail(error)

    def _groups(self, *, ignore_pauses: bool = False) -> list[Group]:
        return group([one for one in self._followers if ignore_pauses or one.ready()], self._topics)

    def _find_topics(self, *, max_age_s: float = 0.0) -> None:
        if time.monotonic() - self._topics_seen_at >= max_age_s:
            kinds = {kind for follower in self._followers for kind in follower.topics}
            self._topics = [topic for topic in self._log.topics() if topic.partition(".")[0] in kinds]
            if any(follower.marks.keys() - self._topics for follower in self._followers):
                self._verify()  # a topic that was read is gone: whoever only goes on would never say so
            self._topics_seen_at = time.monotonic()

    def _verify(self) -> None:
        """See that the log still holds what was applied last.

        Raises:
            LogUnavailableError, LogUnusableError: as `positions.verify`.
        """
        marks: dict[str, list[Mark]] = {}
        for follower in self._followers:
            for topic, mark in follower.marks.items():
                marks.setdefault(topic, []).append(mark)
        positions.verify(self._log, marks)

    def _pairs(self) -> Iterator[tuple[Follower, str]]:
        return ((follower, topic) for follower in self._followers for topic in self._topics if follower.reads(topic))

    def _lowest(self, topic: str) -> int:
        return min((one.position(topic) for one in self._followers if one.reads(topic)), default=0)


def _silent(ends: Mapping[str, int]) -> LogUnavailableError:
    return LogUnavailableError(
        "The log handed out nothing, although {topics} go further than what was read. Try again; look at the log's own "
        "messages if it stays so.",
        topics=", ".join(sorted(topic for topic, end in ends.items() if end)),
    )


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
