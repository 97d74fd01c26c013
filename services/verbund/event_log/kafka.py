"""The log on Apache Kafka: the federation's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from verbund.codec import Codec
from verbund.event_log import NO_WAIT, Positions
from verbund.event_log.envelope import seal
from verbund.event_log.kafka_appending import KafkaAppender
from verbund.event_log.kafka_reading import KafkaReader
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.event_log.kafka_topics import KafkaTopics
from verbund.events import Event, Recorded


class KafkaEventLog:
    """An `EventLog` in a cluster; several threads may share one, several processes have one each.

    Args:
        settings: of the cluster, and the prefix of the topics.
        codec: of the events.

    Raises:
        LogUnavailableError: no broker can be reached.
        LogUnusableError: a topic would lose events, or the log-in is refused.
        SettingsError: a package is missing.
    """

    def __init__(self, settings: KafkaSettings, *, codec: Codec) -> None:
        self._codec = codec
        self._topics = KafkaTopics(settings)
        self._appender = KafkaAppender(settings, self._topics)
        self._reader = KafkaReader(settings, self._topics, codec=codec)
        try:
            self._topics.names()  # checks them all
        except BaseException:
            self.close()
            raise

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        """Acknowledged by as many brokers as the topic asks for when it returns."""
        return self._appender.append(topic, seal(topic, events, self._codec))

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        """Goes on at once where the last call ended; without `wait` it still waits for one answer of a broker."""
        return self._reader.read(positions, limit=limit, wait_s=wait.total_seconds())

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        """Asked of the brokers; open transactions of others are not counted."""
        if topics is None:
            return self._topics.ends(self._topics.names())
        wanted = list(topics)
        return dict.fromkeys(wanted, 0) | self._topics.ends(self._topics.existing(wanted))

    def topics(self) -> list[str]:
        """Topics of the prefix."""
        return self._topics.names()

    def close(self) -> None:
        """Every later call is refused."""
        self._appender.close()
        self._reader.close()
        self._topics.close()
