"""Fixtures that all tests share: the real servers, and the codec.

A server that cannot be started fails the test that needs it, and says which one command installs what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers import opening
from verbund.codec import AvroCodec, Codec


def pytest_configure(config: pytest.Config) -> None:
    """kafka-python 3.0 loads its schemas by a call that Python 3.11 calls deprecated, and later ones do not."""
    config.addinivalue_line("filterwarnings", "ignore:(read|open)_(text|binary) is deprecated:DeprecationWarning")


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[opening.Kafka]:
    """One broker for the whole run: `.bootstrap` is `host:port`, `.prefix()` fresh for each test."""
    cluster = opening.kafka()
    yield cluster
    cluster.stop()


@pytest.fixture
def kafka_cluster_factory() -> Iterator[Callable[..., opening.Kafka]]:
    """Makes clusters of a test's own (`nodes`, `users`, `settings`), to be killed and restarted at will."""
    made: list[opening.Kafka] = []

    def make(**wishes: Any) -> opening.Kafka:
        made.append(opening.kafka(**wishes))
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[opening.Postgres]:
    """One server for the whole run; tests take `postgres_url`."""
    server = opening.postgres()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: opening.Postgres) -> Iterator[str]:
    """SQLAlchemy URL of an empty database of this test's own."""
    name = postgres_server.new_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def codec() -> Codec:
    """The codec of production."""
    return AvroCodec()
