"""Keeps the search index up to date from the log."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from verbund.errors import LogUnavailableError
from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.projection.positions import ANSWER_WITHIN, Mark, verify
from verbund.views.search_writer import SearchWriter

log = structlog.get_logger()

#: Called after each batch with how many events were read and how many were to be read.
Progress = Callable[[int, int], None]

_BATCH_RECORDS = 1000

# Keys in one commit while catching up: a commit costs 20 to 100 ms whatever its size, and the rows wait in memory.
_KEYS_IN_A_COMMIT = 10_000

_NEW_TOPICS_EVERY_S = 5.0
_IDLE_WAIT = timedelta(seconds=1)
_FIRST_PAUSE_S = 0.2
_LAST_PAUSE_S = 30.0


class SearchProjection:
    """Follows the log's inventory topics, in commands (`catch_up`) and services (`run_forever`); one thread at a time.

    The index that readers see is replaced only when the new one has caught up.
    """

    def __init__(self, log: EventLog, writer: SearchWriter) -> None:
        self._log = log
        self._writer = writer
        self._verified = False
        self._topics: list[str] = []
        self._topics_seen_at = float("-inf")

    def catch_up(self, progress: Progress | None = None) -> int:
        """Read up to the log's end as it is now; how many events were read.

        Raises:
            LogUnavailableError: the log cannot be reached now.
            LogUnusableError: the log is not the one that the index was built from.
        """
        began = time.monotonic()
        self._start()
        self._find_topics()
        ends = self._log.end(self._topics)
        place = self._place()
        total = sum(max(0, end - place[topic]) for topic, end in ends.items())
        read = 0
        while behind := {topic: at for topic, at in self._place().items() if at < ends[topic]}:
            records = self._log.read(behind, limit=_BATCH_RECORDS, wait=ANSWER_WITHIN)
            if not records:
                raise LogUnavailableError(
                    "The log handed out nothing at position {position} of {topic}, although it goes further. Try again; "
                    "look at the log's own messages if it stays so.",
                    topic=next(iter(behind)),
                    position=next(iter(behind.values())),
                )
            self._take(records)
            read += len(records)
            if progress is not None:
                progress(min(read, total), total)
        self._writer.commit()
        self._writer.publish()
        log.info("search_caught_up", events=read, duration_ms=round((time.monotonic() - began) * 1000))
        return read

    def run_forever(self, stop: threading.Event) -> None:
        """Keep the index up to date until `stop` is set.

        Raises:
            LogUnusableError: as `catch_up`; a person must look.
        """
        pause = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                self.catch_up()
                while not stop.is_set():
                    self._find_topics(max_age_s=_NEW_TOPICS_EVERY_S)
                    if not self._topics:
                        stop.wait(_FIRST_PAUSE_S)
                        continue
                    records = self._log.read(self._place(), limit=_BATCH_RECORDS, wait=_IDLE_WAIT)
                    if records:
                        self._writer.apply(records)
                    pause = _FIRST_PAUSE_S
            except LogUnavailableError as error:
                log.warning("search_pauses", error=error.error_code, pause_s=pause)
                stop.wait(pause * random.uniform(0.5, 1.5))
                pause = min(_LAST_PAUSE_S, pause * 2)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Build the index anew beside the one that is served, then serve it; how many events were read."""
        self._writer.reset()
        return self.catch_up(progress)

    def retry_parked(self) -> int:
        """Try what was parked again, for example after an update; how many events are still parked."""
        self._start()
        waiting = [record for records in self._writer.position().parked.values() for record in records]
        found: list[Recorded] = []
        for topic, position, _ in sorted(waiting):
            records = self._log.read({topic: position}, limit=1, wait=ANSWER_WITHIN)
            found += [record for record in records[:1] if record.position == position]
        self._writer.retry(found)
        self._writer.commit()
        return sum(len(records) for records in self._writer.position().parked.values())

    def lag(self) -> int:
        """Events of the log that are not in the index yet."""
        self._find_topics()
        ends = self._log.end(self._topics)
        return sum(max(0, ends[topic] - at) for topic, at in self._place().items())

    def _take(self, records: list[Recorded]) -> None:
        self._writer.stage(records)
        if self._writer.staged >= _KEYS_IN_A_COMMIT:
            self._writer.commit()

    def _start(self) -> None:
        """Once in a process: see that the log still holds the last event that the index took in."""
        if not self._verified:
            self._verify()
            self._verified = True

    def _verify(self) -> None:
        last = self._writer.position().last
        verify(self._log, {topic: [Mark(at + 1, event_id)] for topic, (at, event_id) in last.items()})

    def _find_topics(self, *, max_age_s: float = 0.0) -> None:
        if time.monotonic() - self._topics_seen_at >= max_age_s:
            wanted = self._writer.topics
            self._topics = [topic for topic in self._log.topics() if topic.partition(".")[0] in wanted]
            if self._writer.position().last.keys() - self._topics:
                self._verify()  # a topic that was read is gone: whoever only goes on would never say so
            self._topics_seen_at = time.monotonic()

    def _place(self) -> dict[str, int]:
        following = self._writer.position().next
        return {topic: following.get(topic, 0) for topic in self._topics}
