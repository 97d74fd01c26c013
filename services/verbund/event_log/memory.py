"""The log in memory: the twin for tests and for one-off programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

from verbund.codec import Codec
from verbund.event_log import NO_WAIT, Positions
from verbund.event_log.checks import check_positions, closed_for_appending, closed_for_reading
from verbund.event_log.envelope import PAGE_BYTES, Sealed, seal
from verbund.events import Event, Recorded


class MemoryEventLog:
    """An `EventLog` that ends with its process; threads may share it."""

    def __init__(self, *, codec: Codec) -> None:
        self._codec = codec
        self._store = _Store()
        self._closed = False

    def share(self) -> MemoryEventLog:
        """Another log on the same events, closed by itself: as another process would open it."""
        other = MemoryEventLog(codec=self._codec)
        other._store = self._store
        return other

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        """Stored when it returns, for as long as the process lives."""
        sealed = seal(topic, events, self._codec)
        if self._closed:
            raise closed_for_appending(topic)
        return self._store.append(topic, sealed, self._codec)

    def append_garbage(self, topic: str, body: bytes) -> int:
        """A record without envelope, as a foreign or broken writer would leave it; for tests of readers."""
        garbage = Sealed("", "", "", "", "", 0, None, None, "", body)
        return self._store.append(topic, [garbage], self._codec)[0]

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        """Records of the first topics first; waits without polling."""
        deadline = time.monotonic() + wait.total_seconds()
        with self._store.changed:
            while True:
                if self._closed:
                    raise closed_for_reading()
                page = self._store.page(positions, limit)
                left = deadline - time.monotonic()
                if page or left <= 0:
                    return page
                self._store.changed.wait(left)

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        """Exact; counts what is stored."""
        if self._closed:
            raise closed_for_reading()
        ends = self._store.ends()
        return ends if topics is None else {topic: ends.get(topic, 0) for topic in topics}

    def topics(self) -> list[str]:
        """Topics that were appended to."""
        return sorted(self.end())

    def close(self) -> None:
        """Every later call is refused."""
        with self._store.changed:
            self._closed = True
            self._store.changed.notify_all()


class _Store:
    """The events, and the lock of all who share them."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._topics: dict[str, list[Recorded]] = {}
        self._known: dict[tuple[str, str], int] = {}

    def append(self, topic: str, sealed: Sequence[Sealed], codec: Codec) -> list[int]:
        with self.changed:
            records = self._topics.setdefault(topic, []) if sealed else []
            positions = []
            for one in sealed:
                position = self._known.setdefault((topic, one.id), len(records)) if one.id else len(records)
                if position == len(records):
                    now_ms = time.time_ns() // 1_000_000
                    records.append(Recorded(topic, position, now_ms, codec=codec, **one._asdict()))
                positions.append(position)
            self.changed.notify_all()
            return positions

    def ends(self) -> dict[str, int]:
        with self.changed:
            return {topic: len(records) for topic, records in self._topics.items()}

    def page(self, positions: Positions, limit: int) -> list[Recorded]:
        check_positions(positions, {topic: len(records) for topic, records in self._topics.items()})
        page: list[Recorded] = []
        size = 0
        for topic, position in positions.items():
            for record in self._topics.get(topic, [])[position : position + limit]:
                if len(page) >= limit or size > PAGE_BYTES:
                    return page
                page.append(record)
                size += len(record.body)
        return page
