"""Topics that live for ever: made right, and checked before the first use."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import structlog
from kafka import KafkaAdminClient  # noqa: TID251 - one of the modules of the Kafka log
from kafka.admin import ConfigResource, ConfigResourceType  # noqa: TID251 - as above
from kafka.errors import AuthorizationError, InvalidReplicationFactorError, KafkaError, TopicAlreadyExistsError  # noqa: TID251 - as above
from kafka.protocol.consumer.offsets import IsolationLevel  # noqa: TID251 - as above
from kafka.structs import TopicPartition  # noqa: TID251 - as above

from verbund.errors import LogUnusableError
from verbund.event_log.checks import closed_for_reading
from verbund.event_log.kafka_connecting import connect, not_allowed, unavailable
from verbund.event_log.kafka_settings import KafkaSettings

log = structlog.get_logger()

Answer = TypeVar("Answer")

# Enough for one broker to be away while every acknowledged event is still in two places.
REPLICAS = 3
# Reports of runs are no truth about offers; a year and a bit is what statistics ask for.
RUNS_KEPT_MS = 400 * 24 * 60 * 60 * 1000
FOR_EVER = "-1"

_EARLIEST, _LATEST = -2, -1


class KafkaTopics:
    """Names, settings, starts and ends of our topics; one admin client, used by one thread at a time."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._using = threading.Lock()
        self._client: KafkaAdminClient | None = None
        self._checked: set[str] = set()
        self._ids: dict[str, Any] = {}
        self._closed = False

    def full_name(self, topic: str) -> str:
        """The topic's name in the cluster."""
        return f"{self._settings.prefix}.{topic}"

    def names(self) -> list[str]:
        """Topics that exist, without prefix; each is checked before it is named for the first time.

        Raises:
            LogUnavailableError: the cluster does not answer.
            LogUnusableError: a topic would lose events.
        """
        return sorted(self._look())

    def existing(self, topics: Collection[str]) -> set[str]:
        """Those of the topics that exist; looks at the cluster only when one is not known yet.

        Raises:
            LogUnavailableError, LogUnusableError: as `names`.
        """
        known = self._checked if self._checked.issuperset(topics) else self._look()
        return known.intersection(topics)

    def ensure(self, topic: str) -> None:
        """Make the topic if it does not exist.

        Raises:
            LogUnavailableError, LogUnusableError: as `names`.
        """
        if topic in self._checked or topic in self._look():
            return
        self._ask(lambda client: self._create(client, topic))
        self._look()
        log.info("topic_created", topic=self.full_name(topic))

    def ends(self, topics: Iterable[str]) -> dict[str, int]:
        """The next positions of topics that exist."""
        return self._offsets(topics, _LATEST)

    def starts(self, topics: Iterable[str]) -> dict[str, int]:
        """The first positions that are still there, of topics that exist."""
        return self._offsets(topics, _EARLIEST)

    def close(self) -> None:
        """Every later call is refused."""
        with self._using:
            self._closed = True
            self._drop()

    def _offsets(self, topics: Iterable[str], which: int) -> dict[str, int]:
        wanted = {TopicPartition(self.full_name(topic), 0): topic for topic in topics}
        if not wanted:
            return {}
        asked = dict.fromkeys(wanted, which)
        found = self._ask(lambda client: client.list_partition_offsets(asked, IsolationLevel.READ_COMMITTED))
        return {wanted[partition]: at.offset for partition, at in found.items()}

    def _look(self) -> set[str]:
        """Names in the cluster; new ones are checked."""
        beginning = f"{self._settings.prefix}."
        described = {
            found["name"].removeprefix(beginning): found
            for found in self._ask(lambda client: client.describe_topics())
            if found["name"].startswith(beginning)
        }
        self._refuse_others(described)
        self._checked.intersection_update(described)  # one that comes back is another one, to be checked again
        new = described.keys() - self._checked
        if new:
            self._check({topic: described[topic] for topic in new})
        return set(described)

    def _refuse_others(self, described: Mapping[str, Mapping[str, Any]]) -> None:
        """A topic that was deleted and made anew has another id; positions of the old one mean nothing in it."""
        for topic, found in described.items():
            ident = found.get("topic_id")
            if self._ids.setdefault(topic, ident) != ident:
                raise LogUnusableError(
                    "topic {topic} was deleted and made anew while this process ran; put the right one back, or rebuild "
                    "what was read from it",
                    topic=self.full_name(topic),
                )

    def _check(self, described: Mapping[str, Mapping[str, Any]]) -> None:
        brokers = len(self._ask(lambda client: client.describe_cluster())["brokers"])
        names = {self.full_name(topic): topic for topic in described}
        asked = [
            ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(wanted_settings("inventory", 1)))
            for name in names
        ]
        found = self._ask(lambda client: client.describe_configs(asked, config_filter="all")).get("topic", {})
        for name, topic in names.items():
            partitions = described[topic]["partitions"]
            _compare(name, "partitions", len(partitions), 1)
            replicas = len(partitions[0]["replica_nodes"])
            wanted_replicas = self._settings.replication_factor or min(REPLICAS, brokers)
            if replicas < wanted_replicas:
                _compare(name, "replication factor", replicas, wanted_replicas)
            self._check_settings(name, wanted_settings(topic, replicas), found.get(name) or {})
            self._checked.add(topic)

    def _check_settings(self, name: str, wanted: Mapping[str, str], found: Mapping[str, Mapping[str, Any]]) -> None:
        if not found:
            # A district that may only write its own topics cannot look; the hub, which reads them, does.
            log.warning("topic_settings_not_shown", topic=name, needs="DESCRIBE_CONFIGS")
            return
        for setting, value in wanted.items():
            is_value = found[setting]["value"]
            if setting.startswith("retention.") and is_value == FOR_EVER:
                continue
            _compare(name, setting, is_value, value)

    def _create(self, client: KafkaAdminClient, topic: str) -> None:
        brokers = len(client.describe_cluster()["brokers"])
        replicas = self._settings.replication_factor or min(REPLICAS, brokers)
        wish = {"num_partitions": 1, "replication_factor": replicas, "configs": wanted_settings(topic, replicas)}
        try:
            client.create_topics({self.full_name(topic): wish}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            client.wait_for_topics([self.full_name(topic)])  # another process was first
        except InvalidReplicationFactorError as error:
            raise unavailable(self._settings, error) from error

    def _ask(self, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        with self._using:
            if self._closed:
                raise closed_for_reading()
            if self._client is None:
                self._client = connect(KafkaAdminClient, self._settings)
            try:
                return question(self._client)
            except AuthorizationError as error:
                raise not_allowed(self._settings, error) from error
            except KafkaError as error:
                self._drop()
                self._checked.clear()  # a topic may be gone: look again, and check again
                raise unavailable(self._settings, error) from error

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def wanted_settings(topic: str, replicas: int) -> dict[str, str]:
    """Settings with which no event is ever lost; only reports of runs end some day."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(RUNS_KEPT_MS) if is_finite(topic) else FOR_EVER,
        "retention.bytes": FOR_EVER,
        "message.timestamp.type": "LogAppendTime",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": str(min(2, max(1, replicas - 1))),
    }


def is_finite(topic: str) -> bool:
    """Whether old records of the topic may be gone."""
    return topic.partition(".")[0] == "runs"


def _compare(name: str, setting: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise LogUnusableError(
            "topic {topic} would lose events: {setting} is {found}, not {wanted}; correct it, then start again",
            topic=name,
            setting=setting,
            found=found,
            wanted=wanted,
        )
