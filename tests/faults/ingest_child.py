"""One run of a source in a process of its own, to be killed at any moment."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import structlog

from tests.ingest.conftest import CONNECTORS
from verbund.archive import FileArchive
from verbund.codec import AvroCodec
from verbund.errors import ConflictError
from verbund.event_log.opening import open_log
from verbund.fetch import FetchSettings, HttpFetch
from verbund.ingest.run import Rooms
from verbund.ingest.service import Ingest
from verbund.ingest.source_file import load_source
from verbund.keys import SqliteKeyStore


def apply(folder: str, log_url: str, memory: str) -> None:
    """Pull the source of the folder once; every error but a refusal by lock or conflict ends the process loudly."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    home = Path(folder)
    log = open_log(log_url, codec=AvroCodec())
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
        Ingest(rooms).apply(source)
    except ConflictError:
        sys.exit(4)
    finally:
        fetch.close()
        log.close()
