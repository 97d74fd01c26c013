"""One run of a source in a process of its own, to be killed at any moment."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import orjson
import structlog

# The logs are opened by name; here they are loaded before the fork.
import verbund.event_log.kafka
import verbund.event_log.sqlite  # noqa: F401 - as above
from tests.faults.witness import Witness
from tests.ingest.conftest import CONNECTORS
from verbund.archive import FileArchive
from verbund.codec import AvroCodec
from verbund.errors import AppendFailedError, ConflictError, LogUnavailableError
from verbund.event_log import EventLog
from verbund.event_log.opening import open_log
from verbund.fetch import FetchSettings, HttpFetch
from verbund.ingest.rooms import Rooms
from verbund.ingest.service import Ingest
from verbund.ingest.source_loading import load_source
from verbund.keys import SqliteKeyStore

CONFLICT, LOG_AWAY = 4, 3

#: An outage of a broker in these tests is over long before; a test that waits longer shows a producer that is stuck.
KAFKA = {"deliver_within_s": 45}


def open_any(log_url: str) -> EventLog:
    """The log of a test, as all its processes open it."""
    return open_log(log_url, codec=AvroCodec(), kafka_settings=KAFKA if log_url.startswith("kafka:") else None)


def apply(folder: str, log_url: str, memory: str) -> None:
    """Pull the source of the folder once, and note the report in `reports/`.

    A refusal by lock or conflict and a log that is away end it with their own codes, every other error loudly.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    home = Path(folder)
    try:
        log = Witness(open_any(log_url), home / "books")
    except LogUnavailableError:
        sys.exit(LOG_AWAY)
    fetch = HttpFetch(FetchSettings(allow=(ip_network("127.0.0.0/8"),), per_host_interval_s=0, retry_after_limit_s=0))
    rooms = Rooms(
        log=log,
        memory=home / memory,
        fetch=fetch,
        archive=FileArchive(home / "raw"),
        keys=SqliteKeyStore(home / "keys.db"),
        clock=lambda: datetime.now(UTC),
    )
    source = load_source(home / "source.yaml", connectors=CONNECTORS, environ={})
    try:
        report = Ingest(rooms).apply(source).document
    except ConflictError:
        sys.exit(CONFLICT)
    except (AppendFailedError, LogUnavailableError):
        sys.exit(LOG_AWAY)
    finally:
        fetch.close()
        log.close()
    reports = home / "reports"
    reports.mkdir(exist_ok=True)
    (reports / f"{os.getpid()}-{os.urandom(4).hex()}.json").write_bytes(orjson.dumps(report))
