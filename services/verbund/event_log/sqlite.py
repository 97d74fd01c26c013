"""The log in one SQLite file: the default on one machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from verbund import sqlite
from verbund.codec import Codec
from verbund.errors import LogUnavailableError
from verbund.event_log import NO_WAIT, Positions
from verbund.event_log.checks import check_positions, closed_for_reading
from verbund.event_log.envelope import PAGE_BYTES, seal
from verbund.event_log.sqlite_writer import SqliteWriter
from verbund.events import Event, Recorded

# A page is one closed statement: a longer one would hold back checkpoints and let the WAL grow.
PAGE_RECORDS = 1000
# `PRAGMA data_version` costs microseconds; this is the delay a reader adds and 1 % of one core at most.
POLL_S = 0.01

_COLUMNS = "id, type, source, subject, time, revision, run_id, schema, body, traceparent"


class SqliteEventLog:
    """An `EventLog` in a file; several threads and processes may use it at once.

    A commit is on the disk when `append` returns (`synchronous=FULL`); appends of threads that wait for the same
    commit share it. Positions of a topic are 0, 1, 2, ... without gaps.

    Raises:
        LogUnavailableError: the file cannot be opened or is locked.
        LogUnusableError: it is no SQLite file, or a newer program's.
        SettingsError: the SQLite library may lose commits.
    """

    def __init__(self, path: Path | str, *, codec: Codec) -> None:
        self._path = path
        self._codec = codec
        self._writer = SqliteWriter.open(path)
        self._reading = threading.Lock()
        self._connection: Any = sqlite.connect(path, full=True)
        self._turn = 0
        self._closed = False

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        """On the disk when it returns."""
        return self._writer.append(topic, seal(topic, events, self._codec))

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        """At most `PAGE_RECORDS` a call, whatever the limit."""
        deadline = time.monotonic() + wait.total_seconds()
        while True:
            with self._statements() as connection:
                seen = _data_version(connection)
                page = self._page(connection, positions, min(limit, PAGE_RECORDS))
            if page or not self._changed(seen, deadline):
                return page

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        """Exact; one look at one small table."""
        with self._statements() as connection:
            ends: dict[str, int] = dict(connection.execute("SELECT name, next FROM topic").fetchall())
        return ends if topics is None else {topic: ends.get(topic, 0) for topic in topics}

    def topics(self) -> list[str]:
        """Topics that were appended to."""
        return sorted(self.end())

    def close(self) -> None:
        """Every later call is refused."""
        self._writer.close()
        with self._reading:
            if not self._closed:
                self._closed = True
                self._connection.close()

    def _page(self, connection: Any, positions: Positions, limit: int) -> list[Recorded]:
        rows = connection.execute("SELECT name, id, next FROM topic").fetchall()
        check_positions(positions, {name: end for name, _, end in rows})
        waiting = [(name, number) for name, number, end in rows if positions.get(name, end) < end]
        # Another topic comes first each time: a busy one cannot starve the others.
        self._turn += 1
        turn = self._turn % max(1, len(waiting))
        page: list[Recorded] = []
        size = 0
        for name, number in waiting[turn:] + waiting[:turn]:
            for record in self._records(connection, name, number, positions[name], limit - len(page)):
                page.append(record)
                size += len(record.body)
                if size > PAGE_BYTES:
                    return page
            if len(page) >= limit:
                break
        return page

    def _records(self, connection: Any, name: str, number: int, position: int, limit: int) -> Iterator[Recorded]:
        cursor = connection.execute(
            f"SELECT position, appended_ms, {_COLUMNS} FROM event "  # noqa: S608 - a constant
            "WHERE topic = ? AND position >= ? ORDER BY position LIMIT ?",
            (number, position, limit),
        )
        codec = self._codec
        try:
            for place, appended, ident, kind, source, subject, when, revision, run, schema, body, trace in cursor:
                envelope = (ident, kind, source, subject, when, revision, run, schema, body)
                yield Recorded(name, place, appended, *envelope, codec, trace)
        finally:
            cursor.close()

    def _changed(self, seen: int, deadline: float) -> bool:
        """Whether another commit came before the deadline."""
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(POLL_S, left))
            with self._statements() as connection:
                if _data_version(connection) != seen:
                    return True
        return False

    @contextmanager
    def _statements(self) -> Iterator[Any]:
        with self._reading:
            if self._closed:
                raise closed_for_reading()
            try:
                yield self._connection
            except sqlite.Error as error:
                raise LogUnavailableError(
                    "the event log {path} cannot be read ({error}); check the disk and the rights of the file",
                    path=str(self._path),
                    error=str(error),
                ) from error


def _data_version(connection: Any) -> int:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version
