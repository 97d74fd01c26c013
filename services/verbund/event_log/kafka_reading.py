"""Reading from Kafka at given positions: assigned and sought, never in a group, never skipping."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
import time
from collections import deque
from collections.abc import Collection
from itertools import repeat

import structlog
from kafka import KafkaConsumer  # noqa: TID251 - one of the modules of the Kafka log
from kafka.errors import AuthorizationError, KafkaError, LogTruncationError, OffsetOutOfRangeError  # noqa: TID251 - as above
from kafka.structs import TopicPartition  # noqa: TID251 - as above

from verbund.codec import Codec
from verbund.errors import LogUnusableError, SettingsError
from verbund.event_log import Positions
from verbund.event_log.checks import check_positions, closed_for_reading, position_lost
from verbund.event_log.envelope import PAGE_BYTES
from verbund.event_log.kafka_batches import Stored, take_apart_in_one_pass
from verbund.event_log.kafka_connecting import connect, not_allowed, unavailable
from verbund.event_log.kafka_records import recorded
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.event_log.kafka_topics import KafkaTopics, is_finite
from verbund.events import Recorded

log = structlog.get_logger()

# More than a page: kafka-python asks the broker again once all that came is taken, and so while the page is worked on.
POLL_RECORDS = 5000
# What a broker answers for one topic at once: about a page of a projection. kafka-python's own value is a quarter.
FETCH_BYTES = 4 * 1024 * 1024
# Several threads may read through one log: none keeps the consumer longer than this.
SLICE_S = 0.25
# A page is not cut where an answer of the broker ends if the next one is here within this time.
ON_ITS_WAY_S = 0.02
# New topics of other processes are looked for at most this often.
LOOK_EVERY_S = 1.0


class KafkaReader:
    """One consumer, kept between calls: a call that goes on where the last one ended costs no seek.

    Raises:
        SettingsError: the package `crc32c` is missing; without it 4,000 events a second are the limit.
    """

    def __init__(self, settings: KafkaSettings, topics: KafkaTopics, *, codec: Codec) -> None:
        if importlib.util.find_spec("crc32c") is None:
            raise SettingsError("the Kafka log needs the package crc32c; install it: pip install crc32c")
        self._settings = settings
        self._topics = topics
        self._codec = codec
        self._using = threading.Lock()
        self._consumer: KafkaConsumer | None = None
        # Where the caller will go on, by topic, and what was taken from the consumer beyond that, in its order.
        self._next: dict[str, int] = {}
        self._ahead: deque[tuple[str, Stored]] = deque()
        self._known: frozenset[str] = frozenset()
        self._looked_at = -LOOK_EVERY_S
        self._last_news = time.monotonic()
        self._closed = False

    def read(self, positions: Positions, *, limit: int, wait_s: float) -> list[Recorded]:
        """See `EventLog.read`."""
        deadline = time.monotonic() + wait_s
        while True:
            left = max(0.0, deadline - time.monotonic())
            with self._using:
                if self._closed:
                    raise closed_for_reading()
                page = self._slice(positions, limit, min(left, SLICE_S))
            if page or time.monotonic() >= deadline:
                return page

    def close(self) -> None:
        """Every later call is refused."""
        with self._using:
            self._closed = True
            self._drop()

    def _slice(self, positions: Positions, limit: int, wait_s: float) -> list[Recorded]:
        self._look_for(positions.keys())
        existing = {topic: position for topic, position in positions.items() if topic in self._known}
        if min(positions.values(), default=0) < 0:
            raise self._lost(existing)
        check_positions({topic: at for topic, at in positions.items() if topic not in existing}, {})
        if not existing:
            time.sleep(wait_s)
            return []
        try:
            self._fill(self._placed(existing), limit, wait_s)
        except (OffsetOutOfRangeError, LogTruncationError) as error:
            self._drop()
            raise self._lost(existing) from error
        except AuthorizationError as error:
            raise not_allowed(self._settings, error) from error
        except KafkaError as error:
            self._drop()
            raise unavailable(self._settings, error) from error
        page = [self._taken() for _ in range(min(limit, len(self._ahead)))]
        if page:
            self._last_news = time.monotonic()
        else:
            self._watch(existing)
        return page

    def _fill(self, consumer: KafkaConsumer, limit: int, wait_s: float) -> None:
        """Take what the consumer has, unless there is a whole page already."""
        if len(self._ahead) >= limit:
            return
        # A poll without patience would return before the first answer of the broker.
        timeout_ms = int(1000 * (ON_ITS_WAY_S if self._ahead else max(wait_s, SLICE_S)))
        beginning = len(self._settings.prefix) + 1
        for partition, records in consumer.poll(timeout_ms=timeout_ms, max_records=POLL_RECORDS).items():
            self._ahead.extend(zip(repeat(partition.topic[beginning:]), records))

    def _taken(self) -> Recorded:
        topic, record = self._ahead.popleft()
        self._next[topic] = record.offset + 1
        return recorded(topic, record, self._codec)

    def _placed(self, positions: Positions) -> KafkaConsumer:
        """The consumer, where the caller is."""
        if self._consumer is None:
            self._consumer = self._connected()
        partitions = {topic: TopicPartition(self._topics.full_name(topic), 0) for topic in positions}
        if positions.keys() != self._next.keys():
            self._forget(self._next.keys() - positions.keys())
            self._consumer.assign(list(partitions.values()))
        moved = [topic for topic, position in positions.items() if self._next.get(topic) != position]
        self._forget(moved)
        for topic in moved:
            self._consumer.seek(partitions[topic], self._first(topic, positions[topic]))
            self._next[topic] = positions[topic]
        return self._consumer

    def _forget(self, topics: Collection[str]) -> None:
        if topics:
            self._ahead = deque(one for one in self._ahead if one[0] not in topics)
            self._next = {topic: at for topic, at in self._next.items() if topic not in topics}

    def _first(self, topic: str, position: int) -> int:
        """Reports of runs end some day: there, the start is wherever the first one left is."""
        if not is_finite(topic):
            return position
        return max(position, self._topics.starts([topic])[topic])

    def _connected(self) -> KafkaConsumer:
        consumer = connect(
            KafkaConsumer,
            self._settings,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            max_poll_records=POLL_RECORDS,
            fetch_max_bytes=PAGE_BYTES,
            max_partition_fetch_bytes=FETCH_BYTES,
            metrics_enabled=False,
        )
        take_apart_in_one_pass(consumer)
        return consumer

    def _look_for(self, topics: Collection[str]) -> None:
        if self._known.issuperset(topics):
            return
        if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._known = frozenset(self._topics.names())
            self._looked_at = time.monotonic()

    def _watch(self, positions: Positions) -> None:
        """A consumer that stalls says nothing: compare it with the end of the log, and replace it if it lags."""
        if time.monotonic() - self._last_news < self._settings.watchdog_s or self._consumer is None:
            return
        self._last_news = time.monotonic()
        for topic, end in self._topics.ends(positions).items():
            # Its own position: markers of transactions count, but are no records.
            at = self._consumer.position(TopicPartition(self._topics.full_name(topic), 0), timeout_ms=1000)
            if at is not None and at < end:
                log.warning("consumer_rebuilt", topic=topic, position=at, end=end)
                self._drop()
                return

    def _lost(self, positions: Positions) -> LogUnusableError:
        starts, ends = self._topics.starts(positions), self._topics.ends(positions)
        for topic, position in positions.items():
            start, end = starts.get(topic, 0), ends.get(topic, 0)
            if not start <= position <= end:
                return position_lost(topic, position, start, end)
        topic, position = next(iter(positions.items()))
        return position_lost(topic, position, starts.get(topic, 0), ends.get(topic, 0))

    def _drop(self) -> None:
        if self._consumer is not None:
            with contextlib.suppress(KafkaError):
                self._consumer.close(autocommit=False, timeout_ms=1000)
            self._consumer = None
        self._next.clear()
        self._ahead.clear()
        self._known = frozenset()
        self._looked_at = -LOOK_EVERY_S
