"""Brokers die and come back: acknowledged is stored, and the log goes on by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from tests.servers.parts import REPOSITORY
from verbund.errors import AppendFailedError, LogUnavailableError, LogUnusableError
from verbund.event_log.kafka import KafkaEventLog
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.testing.event_log import TOPIC, PlainCodec, numbered, numbers, read_all

pytestmark = pytest.mark.kafka


def _settings(cluster, **changes):
    return KafkaSettings(**{"bootstrap": cluster.bootstrap, "reach_within_s": 1.5, "deliver_within_s": 3} | changes)


def _kafka_threads():
    return [thread for thread in threading.enumerate() if "kafka" in thread.name.lower()]


def test_a_timed_out_producer_is_thrown_away_and_the_next_append_works(kafka_cluster_factory):
    """Batches in flight, the delivery time passes: kafka-python's idempotent producer would never send again."""
    cluster = kafka_cluster_factory()
    log = KafkaEventLog(_settings(cluster), codec=PlainCodec())
    log.append(TOPIC, [numbered(0)])
    cluster.freeze()  # requests leave, no answer comes
    first = log._appender._producer
    started = time.monotonic()
    with pytest.raises(AppendFailedError, match="the next run heals"):
        log.append(TOPIC, [numbered(number, text="x" * 1000) for number in range(1, 4000)])
    assert time.monotonic() - started < 20
    assert first is not None
    assert not first._sender.is_alive()
    cluster.kill()
    with pytest.raises(AppendFailedError):
        log.append(TOPIC, [numbered(4001)])
    with pytest.raises(LogUnavailableError):
        log.end()
    cluster.restart()
    log.append(TOPIC, [numbered(4001)])
    assert numbers(read_all(log, [TOPIC]))[-1] == 4001
    log.close()


def test_what_was_said_is_stored_when_the_broker_is_killed_under_load(kafka_cluster_factory):
    cluster = kafka_cluster_factory()
    url = f"kafka://{cluster.bootstrap}"
    appender = subprocess.Popen(
        [sys.executable, "-m", "tests.event_log.appender", url, "a", "50"],
        cwd=REPOSITORY,
        env=os.environ | {"KAFKA_SETTINGS": json.dumps({"deliver_within_s": 20})},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert appender.stdout is not None
    lines = [appender.stdout.readline() for _ in range(30)]
    cluster.kill()
    cluster.restart()
    lines += [appender.stdout.readline() for _ in range(30)]
    appender.kill()
    lines += appender.stdout.read().splitlines()
    appender.wait(10)
    appender.stdout.close()
    said = [line.split() for line in lines if len(line.split()) == 2]  # the last one may be cut
    log = KafkaEventLog(_settings(cluster), codec=PlainCodec())
    found = read_all(log, [TOPIC])
    log.close()
    at = {record.position: record.data["number"] for record in found}
    assert all(at[int(position)] == int(number) - 1 for number, position in said)
    # Nothing twice either: the broker knows the batches of an idempotent producer again.
    assert numbers(found) == list(range(len(found)))


def test_a_reader_goes_on_after_the_broker_was_away(kafka_cluster_factory):
    cluster = kafka_cluster_factory()
    log = KafkaEventLog(_settings(cluster), codec=PlainCodec())
    log.append(TOPIC, [numbered(0), numbered(1)])
    assert numbers(log.read({TOPIC: 0}, wait=timedelta(seconds=5))) == [0, 1]
    cluster.kill()
    assert log.read({TOPIC: 2}, wait=timedelta(seconds=0.5)) == []
    cluster.restart()
    log.append(TOPIC, [numbered(2)])
    assert numbers(log.read({TOPIC: 2}, wait=timedelta(seconds=20))) == [2]
    log.close()


def test_three_brokers_keep_three_copies_and_one_may_die(kafka_cluster_factory):
    cluster = kafka_cluster_factory(nodes=3)
    log = KafkaEventLog(_settings(cluster, deliver_within_s=30), codec=PlainCodec())
    log.append(TOPIC, [numbered(0)])
    with cluster.admin() as admin:
        (partition,) = admin.describe_topics([f"verbund.{TOPIC}"])[0]["partitions"]
    assert sorted(partition["replica_nodes"]) == [1, 2, 3]
    cluster.kill(partition["leader_id"])
    log.append(TOPIC, [numbered(number) for number in range(1, 100)])
    assert numbers(read_all(log, [TOPIC])) == list(range(100))
    log.close()


def test_a_refused_log_in_is_told_from_a_broker_that_is_away(kafka_cluster_factory):
    cluster = kafka_cluster_factory(users={"hub": "right", "guest": "welcome"})
    scram = {"security_protocol": "SASL_PLAINTEXT", "username": "hub", "password": "right"}
    log = KafkaEventLog(_settings(cluster, **scram), codec=PlainCodec())
    log.append(TOPIC, [numbered(1)])
    log.close()
    with pytest.raises(LogUnusableError, match="refuses the log-in of user hub") as refused:
        KafkaEventLog(_settings(cluster, **scram | {"password": "wrong"}), codec=PlainCodec())
    assert "wrong" not in str(refused.value)
    with pytest.raises(LogUnusableError, match="may want a log-in"):
        KafkaEventLog(_settings(cluster), codec=PlainCodec())
    guest = KafkaEventLog(
        _settings(cluster, **scram | {"username": "guest", "password": "welcome"}), codec=PlainCodec()
    )
    with pytest.raises(LogUnusableError, match="user guest may not"):
        guest.append(TOPIC, [numbered(1)])
    guest.close()
    cluster.kill()
    with pytest.raises(LogUnavailableError, match="cannot be reached"):
        KafkaEventLog(_settings(cluster, **scram), codec=PlainCodec())


def test_a_closed_log_leaves_no_thread(kafka_server):
    before = set(_kafka_threads())
    log = KafkaEventLog(_settings(kafka_server, prefix=kafka_server.prefix()), codec=PlainCodec())
    log.append(TOPIC, [numbered(1)])
    log.read({TOPIC: 0}, wait=timedelta(seconds=5))
    assert set(_kafka_threads()) - before
    log.close()
    deadline = time.monotonic() + 10
    while left := set(_kafka_threads()) - before:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
