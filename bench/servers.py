"""Real Kafka and PostgreSQL for a measurement, started as the tests start them and ended with the block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import opening
from tests.servers import postgres as of_tests

#: Commits wait for the disk, as in production; the tests leave that out.
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_wal_size=2GB", "shared_buffers=128MB")


@contextmanager
def kafka() -> Iterator[opening.Kafka]:
    """One broker."""
    cluster = opening.kafka()
    try:
        yield cluster
    finally:
        cluster.stop()


@contextmanager
def postgres() -> Iterator[opening.Postgres]:
    """One server whose commits are durable."""
    of_tests.QUICK = DURABLE
    server = opening.postgres()
    try:
        yield server
    finally:
        server.stop()
