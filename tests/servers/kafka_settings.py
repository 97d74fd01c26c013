"""The settings of the brokers of the tests, as small and as quick as they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Ready line from the broker's own logger, warnings from all others.
LOGGING = """status=error
appender.o.type=Console
appender.o.name=O
appender.o.layout.type=PatternLayout
appender.o.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.o.ref=O
logger.r.name=kafka.server.KafkaRaftServer
logger.r.level=INFO
"""

READY_LINE = "Kafka Server started"


@dataclass(frozen=True)
class Ports:
    """Of one node: for clients, between brokers, between controllers."""

    client: int
    inner: int
    controller: int


@dataclass(frozen=True)
class Node:
    """What a node's properties file depends on.

    Attributes:
        users: SCRAM-SHA-512 users and passwords; empty: no log-in. The first may do everything.
        extra: settings that go before those here.
    """

    number: int
    data: Path
    ports: Mapping[int, Ports]
    users: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


def properties(node: Node) -> str:
    """The text of `server.properties`."""
    replicas = len(node.ports)
    mine = node.ports[node.number]
    host = "127.0.0.1"
    settings: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "log.dirs": node.data,
        "controller.quorum.voters": ",".join(f"{number}@{host}:{at.controller}" for number, at in node.ports.items()),
        "listeners": f"CLIENT://{host}:{mine.client},INNER://{host}:{mine.inner},CONTROLLER://{host}:{mine.controller}",
        "advertised.listeners": f"CLIENT://{host}:{mine.client},INNER://{host}:{mine.inner}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "INNER",
        "listener.security.protocol.map": (
            f"CLIENT:{'SASL_PLAINTEXT' if node.users else 'PLAINTEXT'},INNER:PLAINTEXT,CONTROLLER:PLAINTEXT"
        ),
        "default.replication.factor": replicas,
        "min.insync.replicas": max(1, replicas - 1),
        "offsets.topic.replication.factor": replicas,
        "offsets.topic.num.partitions": 3,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": max(1, replicas - 1),
        "transaction.state.log.num.partitions": 3,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": max(1, replicas - 1),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        # With the defaults a node that was killed waits 11 s for its old registration to expire.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        # The default of 128 MiB would be half of the heap.
        "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
        "log.initial.task.delay.ms": 500,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "background.threads": 2,
    }
    settings |= _log_in(node.users) | dict(node.extra)
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def scram_arguments(users: Mapping[str, str]) -> Sequence[str]:
    """Arguments of the format step that make the users."""
    made = [f"SCRAM-SHA-512=[name={name},password={password},iterations=4096]" for name, password in users.items()]
    return [argument for user in made for argument in ("--add-scram", user)]


def _log_in(users: Mapping[str, str]) -> dict[str, object]:
    if not users:
        return {}
    return {
        "listener.name.client.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        # The inner listeners of the loopback have no log-in and are ANONYMOUS; without it no node starts.
        "super.users": f"User:{next(iter(users))};User:ANONYMOUS",
    }
