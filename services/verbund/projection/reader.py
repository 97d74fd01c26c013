"""One view in SQL tables and how far this process has brought it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Engine

from verbund.events import Recorded
from verbund.projection import Projection, parking, positions
from verbund.projection.follower import Follower
from verbund.projection.positions import START, Mark
from verbund.projection.settle import settle

log = structlog.get_logger()


@dataclass(slots=True)
class Reader(Follower):
    """A view of a process; rows and marks move in one transaction."""

    view: Projection
    engine: Engine

    @property
    def name(self) -> str:
        """Of the view."""
        return self.view.name

    @property
    def topics(self) -> tuple[str, ...]:
        """See `Follower`."""
        return self.view.topics

    @property
    def decodes(self) -> frozenset[str]:
        """See `Follower`; none where the view does not say."""
        return getattr(self.view, "decodes", frozenset())

    def load(self) -> None:
        """Believe what is stored.

        Raises:
            ViewUnavailableError: the tables are of another version.
        """
        with self.engine.connect() as tx:
            positions.check_version(tx, self.name, self.view.version)
            self.marks = positions.load(tx, self.name)

    def take(self, records: Sequence[Recorded]) -> int:
        """Apply the records it has not seen yet, and move its marks, in one transaction; how many were new.

        Raises:
            BaseMovedError: another process moved the view; nothing was written.
            Exception: of the database or of a handler that fails on everything; nothing was written.
        """
        new = self.new(records)
        if not new:
            return 0
        with self.engine.begin() as tx:
            moved, applied, held = self.write(new, tx, lock=True)
        self.marks.update(moved)
        self.applied += applied
        self.parked += held
        self.failures = 0
        if held:
            log.warning("events_parked", projection=self.name, events=held)
        return len(new)

    def write(self, new: Sequence[Recorded], tx: Connection, *, lock: bool) -> tuple[dict[str, Mark], int, int]:
        """Rows and marks of new records into an open transaction: the marks, events applied, events parked."""
        moved = positions.behind(new)
        if lock:
            expected = {topic: self.marks.get(topic, START) for topic in moved}
            positions.lock(tx, self.name, self.view.version, expected)
        handles = self.view.handles
        wanted = [record for record in new if record.type in handles or not record.type]
        applied = held = 0
        if wanted:
            settled = settle(self.view, wanted, tx, parking.blocked_keys(tx, self.name))
            applied, held = settled.applied, len(settled.held)
        if lock:
            positions.save(tx, self.name, moved)
        return moved, applied, held
