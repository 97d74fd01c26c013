"""One view and how far this process has brought it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection, Engine

from verbund.events import Recorded
from verbund.projection import Projection, parking, positions
from verbund.projection.positions import START, Mark
from verbund.projection.settle import settle

log = structlog.get_logger()

# Back-off of a view whose database fails: doubled from the first to the last.
FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 30.0


@dataclass(slots=True)
class Reader:
    """A view of a process, with the marks it believes are stored.

    Attributes:
        failures: how often in a row its database or handler failed as a whole.
        resume_at: monotonic time before which it is left alone.
        applied: events since the process began.
        parked: events parked since the process began.
    """

    view: Projection
    engine: Engine
    marks: dict[str, Mark] = field(default_factory=dict)
    failures: int = 0
    resume_at: float = 0.0
    applied: int = 0
    parked: int = 0

    @property
    def name(self) -> str:
        """Of the view."""
        return self.view.name

    def reads(self, topic: str) -> bool:
        """Whether the view wants a topic."""
        return topic.partition(".")[0] in self.view.topics

    def position(self, topic: str) -> int:
        """Next position to read."""
        return self.marks.get(topic, START).next_position

    def ready(self) -> bool:
        """Whether it may be tried now."""
        return time.monotonic() >= self.resume_at

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
        new = [
            record for record in records if record.position >= self.position(record.topic) and self.reads(record.topic)
        ]
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
        moved = {record.topic: Mark(record.position + 1, record.id) for record in new}
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

    def fail(self, error: Exception) -> None:
        """Leave it alone for a while, the longer the oftener it failed."""
        pause = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2**self.failures)
        self.failures += 1
        self.resume_at = time.monotonic() + pause
        log.warning(
            "projection_failed", projection=self.name, error=type(error).__name__, attempt=self.failures, pause_s=pause
        )


@dataclass(slots=True)
class Group:
    """Readers that stand at the same place, so that one read and one decode serve them all.

    Attributes:
        place: next position by topic.
        ceiling: positions not to go beyond: where the readers stand that are ahead, so that all meet there.
    """

    readers: list[Reader]
    place: dict[str, int]
    ceiling: Mapping[str, int] = field(default_factory=dict)

    def fits(self, place: Mapping[str, int]) -> bool:
        """Whether a reader stands where this group stands, in all topics they share."""
        return all(self.place.get(topic, position) == position for topic, position in place.items())


def group(readers: Sequence[Reader], topics: Sequence[str]) -> list[Group]:
    """Readers by where they stand; those furthest behind first."""
    groups: list[Group] = []
    for reader in readers:
        place = {topic: reader.position(topic) for topic in topics if reader.reads(topic)}
        for known in groups:
            if known.fits(place):
                known.readers.append(reader)
                known.place.update(place)
                break
        else:
            groups.append(Group([reader], place))
    for one in groups:
        ahead: dict[str, int] = {}
        for other in groups:
            for topic, position in other.place.items():
                if position > one.place.get(topic, position):
                    ahead[topic] = min(position, ahead.get(topic, position))
        one.ceiling = ahead
    return groups
