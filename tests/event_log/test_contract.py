"""The shipped contract of the log, on all three."""

from __future__ import annotations

import pytest
from kafka import KafkaProducer

from verbund import sqlite
from verbund.event_log.kafka import KafkaEventLog
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.event_log.memory import MemoryEventLog
from verbund.event_log.sqlite import SqliteEventLog
from verbund.testing.event_log import EventLogContract, PlainCodec


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    def store(self):
        return MemoryEventLog(codec=PlainCodec())

    @pytest.fixture
    def make_log(self, store):
        return store.share

    @pytest.fixture
    def plant(self, store):
        return store.append_garbage


class TestSqliteEventLog(EventLogContract):
    @pytest.fixture
    def make_log(self, tmp_path):
        return lambda: SqliteEventLog(tmp_path / "log.db", codec=PlainCodec())

    @pytest.fixture
    def plant(self, tmp_path):
        def plant(topic, body):
            connection = sqlite.connect(tmp_path / "log.db", full=True)
            connection.execute(
                "INSERT INTO event (topic, position, appended_ms, id, type, source, subject, time, revision, schema, body)"
                " SELECT id, next, 0, '', '', '', '', '', 0, '', ? FROM topic WHERE name = ?",
                (body, topic),
            )
            connection.execute("UPDATE topic SET next = next + 1 WHERE name = ?", (topic,))
            connection.close()

        return plant


@pytest.mark.kafka
class TestKafkaEventLog(EventLogContract):
    known_ids_keep_their_position = False

    @pytest.fixture
    def settings(self, kafka_server):
        return KafkaSettings(bootstrap=kafka_server.bootstrap, prefix=kafka_server.prefix())

    @pytest.fixture
    def make_log(self, settings):
        return lambda: KafkaEventLog(settings, codec=PlainCodec())

    @pytest.fixture
    def plant(self, settings):
        def plant(topic, body):
            producer = KafkaProducer(bootstrap_servers=settings.servers)
            producer.send(f"{settings.prefix}.{topic}", value=body, partition=0).get(20)
            producer.close()

        return plant
