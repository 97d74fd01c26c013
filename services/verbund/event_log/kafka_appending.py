"""Appending to Kafka: an idempotent producer that is thrown away at the first doubt."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from typing import Any

import structlog
from kafka import KafkaProducer  # noqa: TID251 - one of the modules of the Kafka log
from kafka.errors import AuthorizationError, KafkaError, MessageSizeTooLargeError  # noqa: TID251 - as above

from verbund.errors import AppendFailedError, EventRefusedError, LogUnavailableError
from verbund.event_log.checks import closed_for_appending
from verbund.event_log.envelope import Sealed
from verbund.event_log.kafka_connecting import connect, not_allowed
from verbund.event_log.kafka_records import headers
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.event_log.kafka_topics import KafkaTopics

log = structlog.get_logger()

# kafka-python queues without bound: these bound what waits for an acknowledgement, by call and by calls.
OUTSTANDING_RECORDS = 2000
OUTSTANDING_BYTES = 8 * 1024 * 1024
OUTSTANDING_CALLS = 4

# Measured best of kafka-python: fewer, fuller requests.
LINGER_MS = 5
BATCH_BYTES = 256 * 1024

# The producer fetches metadata topic by topic, a tenth of a second each. A pull of a source needs three topics; who
# needs more will need all.
COLD_TOPICS = 4

# A future must end by itself after `deliver_within_s`; it does not when the producer is stuck.
GRACE_S = 2.0


class KafkaAppender:
    """One producer for all threads; after a failed or late record a new one takes its place.

    kafka-python 3.0's idempotent producer never sends again once a batch that was on its way has timed out, also when
    the broker is back; what waits behind it never ends. So every wait has its own end, and nothing is tried twice
    with the same producer.
    """

    def __init__(self, settings: KafkaSettings, topics: KafkaTopics) -> None:
        self._settings = settings
        self._topics = topics
        self._calls = threading.BoundedSemaphore(OUTSTANDING_CALLS)
        self._making = threading.Lock()
        self._producer: KafkaProducer | None = None
        self._warm: set[str] = set()
        self._closed = False

    def append(self, topic: str, sealed: Sequence[Sealed]) -> list[int]:
        """Positions of all, durable on as many brokers as the topic asks for.

        Raises:
            AppendFailedError: some may be stored, or may be later.
        LogUnusableError: the topic would lose events, or we may not write it.
            EventRefusedError: a record is too large for the cluster; those before it may be stored.
        """
        positions: list[int] = []
        if not sealed:
            return positions  # and no topic either
        with self._calls:
            producer = self._ready(topic)
            try:
                for window in _windows(sealed):
                    positions += self._send(producer, topic, window)
            except MessageSizeTooLargeError as error:
                raise EventRefusedError("an event for topic {topic} is too large for Kafka", topic=topic) from error
            except AuthorizationError as error:
                self._throw_away(producer, topic, error)
                raise not_allowed(self._settings, error) from error
            except KafkaError as error:
                self._throw_away(producer, topic, error)
                raise _failed(topic, len(sealed), error) from error
        return positions

    def close(self) -> None:
        """What was acknowledged is durable; every later call is refused."""
        with self._making:
            self._closed = True
            producer, self._producer = self._producer, None
        if producer is not None:
            _end(producer)

    def _ready(self, topic: str) -> KafkaProducer:
        with self._making:
            if self._closed:
                raise closed_for_appending(topic)
            try:
                if self._producer is None:
                    self._producer = self._connected()
                self._topics.ensure(topic)
                self._warm_up(self._producer, topic)
            except LogUnavailableError as error:
                raise AppendFailedError(
                    "nothing was appended to {topic}: {reason}", topic=topic, reason=str(error)
                ) from error
            return self._producer

    def _connected(self) -> KafkaProducer:
        self._warm.clear()
        deliver_ms = int(self._settings.deliver_within_s * 1000)
        return connect(
            KafkaProducer,
            self._settings,
            enable_idempotence=True,
            acks="all",
            linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES,
            allow_auto_create_topics=False,
            delivery_timeout_ms=deliver_ms,
            max_block_ms=deliver_ms,
            request_timeout_ms=min(30_000, deliver_ms - 2 * LINGER_MS),
        )

    def _warm_up(self, producer: KafkaProducer, topic: str) -> None:
        self._warm.add(topic)
        if len(self._warm) != COLD_TOPICS:
            return
        for name in self._topics.names():
            # Private, and 6 times faster than asking for each topic from 16 threads.
            producer._metadata.add_topic(self._topics.full_name(name))  # noqa: SLF001

    def _send(self, producer: KafkaProducer, topic: str, window: Sequence[Sealed]) -> list[int]:
        name = self._topics.full_name(topic)
        futures = [
            producer.send(name, value=one.body, key=one.subject.encode(), headers=headers(one), partition=0)
            for one in window
        ]
        deadline = time.monotonic() + self._settings.deliver_within_s + GRACE_S
        positions = [future.get(timeout=max(0.0, deadline - time.monotonic())).offset for future in futures]
        if min(positions) < 0:
            raise KafkaError("the broker acknowledged without positions")
        return positions

    def _throw_away(self, producer: KafkaProducer, topic: str, error: BaseException) -> None:
        with self._making:
            if self._producer is not producer:
                return  # another thread did
            self._producer = None
        log.warning("producer_thrown_away", topic=topic, error=type(error).__name__)
        _end(producer)


def _windows(sealed: Sequence[Sealed]) -> list[list[Sealed]]:
    windows: list[list[Sealed]] = [[]]
    size = 0
    for one in sealed:
        if len(windows[-1]) >= OUTSTANDING_RECORDS or size > OUTSTANDING_BYTES:
            windows.append([])
            size = 0
        windows[-1].append(one)
        size += len(one.body)
    return [window for window in windows if window]


def _end(producer: Any) -> None:
    """End it at once: nothing that waits is ours any more. There is no public way that cannot block."""
    producer._sender.force_close()  # noqa: SLF001 - see above
    producer._sender.join(10)  # noqa: SLF001 - as above
    with contextlib.suppress(KafkaError):
        producer.close(timeout=0)


def _failed(topic: str, count: int, error: BaseException) -> AppendFailedError:
    return AppendFailedError(
        "{count} events for topic {topic} are not known to be stored ({error}); the next run heals",
        topic=topic,
        count=count,
        error=f"{type(error).__name__}: {error}"[:300],
    )
