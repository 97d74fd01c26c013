"""The log: the only truth. One protocol, three implementations (memory, SQLite, Kafka)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from verbund.events import Event, Recorded

#: Next position to read, by topic. A topic that is not named is not read.
Positions = Mapping[str, int]

NO_WAIT = timedelta(0)


class EventLog(Protocol):
    """Topics of events, each with one order that never changes.

    Several threads and processes may append and read at once. Positions start at 0 on every implementation.
    """

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        """Store all events, in order; return their positions when all are durable.

        A known event id is a success: SQLite and memory answer the known position, Kafka appends again and readers
        ignore it by revision. A topic that does not exist is made (inventory, contacts, runs, desk, exchange only).

        Raises:
            AppendFailedError: not known to be durable; some may be. The caller ends its run and the next one heals.
            EventRefusedError: an event does not fit its schema or is too large; nothing was stored.
            LogUnusableError: the topic has settings that would lose events, or the log is not what it was.
        """
        ...

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        """Up to about `limit` records at and after the given positions, per topic in order, none skipped.

        Returns an empty list when nothing came within `wait`. An empty list does not prove the end: ask `end`.

        Raises:
            LogUnavailableError: the log cannot be reached now; the same call may work later.
            LogUnusableError: a position lies before the topic's start or beyond its end.
        """
        ...

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        """The position the next event of each topic would get; 0 for a topic that does not exist. None: all topics."""
        ...

    def topics(self) -> list[str]:
        """All topics that exist, sorted, without prefix."""
        ...

    def close(self) -> None:
        """Give everything back; appends that returned are durable."""
        ...
