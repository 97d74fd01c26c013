"""The log in memory: the twin for tests and for one-off programs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from datetime import timedelta

from verbund.codec import Codec
from verbund.event_log import NO_WAIT, Positions
from verbund.event_log.checks import check_positions, closed_for_appending, closed_for_reading
from verbund.event_log.envelope import seal
from verbund.events import Event, Recorded


class MemoryEventLog:
    """An `EventLog` that ends with its process; threads may share it."""

    def __init__(self, *, codec: Codec) -> None:
        self._codec = codec
        self._topics: dict[str, list[Recorded]] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._appended = threading.Condition()
        self._closed = False

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        """Stored when it returns, for as long as the process lives."""
        sealed = seal(topic, events, self._codec)
        with self._appended:
            if self._closed:
                raise closed_for_appending(topic)
            records = self._topics.setdefault(topic, [])
            positions = []
            for one in sealed:
                position = self._known.setdefault((topic, one.id), len(records))
                if position == len(records):
                    fields = one._asdict()
                    records.append(Recorded(topic, position, _now_ms(), codec=self._codec, **fields))
                positions.append(position)
            self._appended.notify_all()
            return positions

    def append_garbage(self, topic: str, body: bytes) -> int:
        """A record without envelope, as a foreign or broken writer would leave it; for tests of readers."""
        with self._appended:
            records = self._topics.setdefault(topic, [])
            records.append(
                Recorded(topic, len(records), _now_ms(), "", "", "", "", "", 0, None, "", body, codec=self._codec)
            )
            self._appended.notify_all()
            return len(records) - 1

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        """Records of the first topics first; waits without polling."""
        deadline = time.monotonic() + wait.total_seconds()
        with self._appended:
            while True:
                page = self._page(positions, limit)
                left = deadline - time.monotonic()
                if page or left <= 0:
                    return page
                self._appended.wait(left)

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        """Exact; counts what is stored."""
        with self._appended:
            if self._closed:
                raise closed_for_reading()
            wanted = self._topics if topics is None else topics
            return {topic: len(self._topics.get(topic, ())) for topic in wanted}

    def topics(self) -> list[str]:
        """Topics that were appended to."""
        with self._appended:
            if self._closed:
                raise closed_for_reading()
            return sorted(self._topics)

    def close(self) -> None:
        """Every later call is refused."""
        with self._appended:
            self._closed = True
            self._appended.notify_all()

    def _page(self, positions: Positions, limit: int) -> list[Recorded]:
        if self._closed:
            raise closed_for_reading()
        check_positions(positions, {topic: len(records) for topic, records in self._topics.items()})
        page: list[Recorded] = []
        for topic, position in positions.items():
            page += self._topics.get(topic, [])[position : position + limit - len(page)]
            if len(page) >= limit:
                break
        return page


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
