"""Which server a test run gets: containers with a reachable Docker engine, else processes of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tests.servers.parts import docker_answers


class Kafka(Protocol):
    """A running cluster."""

    bootstrap: str

    def prefix(self) -> str: ...
    def admin(self) -> Any: ...
    def log_in(self) -> dict[str, str]: ...
    def kill(self, number: int = 1) -> None: ...
    def freeze(self, number: int = 1) -> None: ...
    def restart(self, number: int = 1) -> None: ...
    def stop(self) -> None: ...


class Postgres(Protocol):
    """A running server."""

    def new_database(self) -> str: ...
    def drop_database(self, name: str) -> None: ...
    def url(self, database: str) -> str: ...
    def stop(self) -> None: ...


def kafka(
    *, nodes: int = 1, users: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
) -> Kafka:
    """A started cluster."""
    if docker_answers():
        from tests.servers.containers import KafkaContainers  # noqa: PLC0415 - only where there is an engine

        return KafkaContainers(nodes=nodes, users=users, settings=settings).start()
    from tests.servers.kafka import KafkaCluster  # noqa: PLC0415 - only tests that need it load kafka

    return KafkaCluster(nodes=nodes, users=users, settings=settings).start()


def postgres() -> Postgres:
    """A started server."""
    if docker_answers():
        from tests.servers.containers import PostgresContainerServer  # noqa: PLC0415 - as above

        return PostgresContainerServer().start()
    from tests.servers.postgres import PostgresServer  # noqa: PLC0415 - as above

    return PostgresServer().start()
