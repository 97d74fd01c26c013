"""What runs work with, and ingest's memory opened for one of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from verbund.archive import Archive
from verbund.event_log import EventLog
from verbund.fetch import Fetch
from verbund.ingest.jail import Jail, shared_jail
from verbund.ingest.tables import SCRATCH, SCRATCH_PAGE_BYTES
from verbund.keys import KeyStore
from verbund.sqlite import connect


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """What a run works with; wired by the bootstrap."""

    log: EventLog
    memory: Path
    fetch: Fetch
    archive: Archive
    keys: KeyStore
    clock: Callable[[], datetime]
    jail: Jail = field(default_factory=shared_jail)
    hub_urls: tuple[str, ...] = ()


@contextmanager
def opened(rooms: Rooms) -> Iterator[Any]:
    """Ingest's memory with a scratch database of this run's own, thrown away afterwards."""
    db = connect(rooms.memory, full=False)  # derived: a power cut costs a pull, never an event
    try:
        # SQLite's own temporary databases would do, but this library keeps them in memory whole, whatever their size.
        with tempfile.TemporaryDirectory(prefix="run-") as folder:
            db.execute("ATTACH ? AS scratch", (str(Path(folder) / "scratch.db"),))
            db.execute(f"PRAGMA scratch.page_size = {SCRATCH_PAGE_BYTES}")
            db.execute("PRAGMA scratch.journal_mode = OFF")
            db.execute("PRAGMA scratch.synchronous = OFF")
            db.executescript(SCRATCH)
            yield db
            db.execute("DETACH scratch")
    finally:
        db.close()
