"""Appending to the SQLite log: one transaction for all who wait."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verbund import sqlite
from verbund.errors import AppendFailedError, LogUnavailableError, LogUnusableError
from verbund.event_log.checks import closed_for_appending
from verbund.event_log.envelope import Sealed

# Bumped when the tables change; an older program must not write into a newer file.
LAYOUT = 1

# The WAL is copied back after this many pages. With SQLite's own 1,000 a load of many events pays a checkpoint, which
# is two more waits for the disk, every few batches.
CHECKPOINT_PAGES = 8000

_TABLES = """
CREATE TABLE IF NOT EXISTS topic (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, next INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS event (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, topic INTEGER NOT NULL, position INTEGER NOT NULL,
    appended_ms INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL, subject TEXT NOT NULL,
    time TEXT NOT NULL, revision INTEGER NOT NULL, run_id TEXT, traceparent TEXT, schema TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS event_position ON event (topic, position);
CREATE UNIQUE INDEX IF NOT EXISTS event_id ON event (topic, id);
"""

_INSERT = (
    "INSERT INTO event (topic, position, appended_ms, id, type, source, subject, time, revision, run_id, traceparent,"
    " schema, body) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


class SqliteWriter:
    """Writes batches in the order in which they came; whoever gets the lock commits for all who wait behind it."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._waiting: list[_Batch] = []
        self._queue = threading.Lock()
        self._writing = threading.Lock()
        self._connection: Any = None
        self._closed = False
        try:
            _make_tables(self._connected(), path)
        except BaseException:
            self._drop()
            raise

    @classmethod
    def open(cls, path: Path | str) -> SqliteWriter:
        """A writer on a file that is a log, or becomes one.

        Raises:
            LogUnavailableError: the file cannot be opened or is locked.
            LogUnusableError: it is no SQLite file, or a newer program's.
        """
        try:
            return cls(path)
        except (sqlite.OperationalError, OSError) as error:
            raise LogUnavailableError(
                "the event log {path} cannot be opened ({error}); check the folder, its rights and the disk",
                path=str(path),
                error=str(error),
            ) from error
        except sqlite.Error as error:
            raise LogUnusableError(
                "the event log {path} is not a SQLite file or is damaged ({error}); restore it from the backup",
                path=str(path),
                error=str(error),
            ) from error

    def append(self, topic: str, sealed: Sequence[Sealed]) -> list[int]:
        """Positions of all; durable.

        Raises:
            AppendFailedError: the transaction failed and none is stored, or its fate is unknown.
        """
        batch = _Batch(topic, sealed)
        with self._queue:
            self._waiting.append(batch)
        with self._writing:
            if not batch.settled:
                with self._queue:
                    group, self._waiting = self._waiting, []
                self._commit(group)
        if batch.error is not None:
            raise AppendFailedError(
                "{count} events for topic {topic} are not known to be stored ({error}); check the disk of {path}, "
                "the next run heals",
                topic=topic,
                count=len(sealed),
                error=str(batch.error),
                path=str(self._path),
            ) from batch.error
        if batch.positions is None:
            raise closed_for_appending(topic)
        return batch.positions

    def close(self) -> None:
        """Batches that wait are refused."""
        with self._writing:
            self._closed = True
            self._drop()

    def _commit(self, group: list[_Batch]) -> None:
        try:
            if self._closed:
                return
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            now = _append_time(connection)
            places = [_insert(connection, batch, now) for batch in group]
            connection.execute("COMMIT")
            for batch, positions in zip(group, places, strict=True):
                batch.positions = positions
        except sqlite.Error as error:
            # After a failed write or commit the connection's state is not worth guessing: a new one is.
            self._drop()
            for batch in group:
                batch.error = error
        finally:
            for batch in group:
                batch.settled = True

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = sqlite.connect(self._path, full=True)
            self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite.Error):
                self._connection.close()
            self._connection = None


class _Batch:
    """One call of `append` on its way."""

    def __init__(self, topic: str, sealed: Sequence[Sealed]) -> None:
        self.topic = topic
        self.sealed = sealed
        self.positions: list[int] | None = None
        self.error: Exception | None = None
        self.settled = False


def _insert(connection: Any, batch: _Batch, now_ms: int) -> list[int]:
    if not batch.sealed:
        return []  # and no topic either
    number, first = _topic(connection, batch.topic)
    connection.execute("SAVEPOINT batch")
    try:
        # Nearly always no id is known: try that first, it saves a look-up for each.
        connection.executemany(_INSERT, [(number, first + i, now_ms, *one) for i, one in enumerate(batch.sealed)])
        positions = list(range(first, first + len(batch.sealed)))
        end = first + len(positions)
    except sqlite.IntegrityError:
        connection.execute("ROLLBACK TO batch")
        positions, end = _insert_unknown(connection, batch, number, first, now_ms)
    connection.execute("RELEASE batch")
    if end != first:
        connection.execute("UPDATE topic SET next = ? WHERE id = ?", (end, number))
    return positions


def _insert_unknown(connection: Any, batch: _Batch, number: int, end: int, now_ms: int) -> tuple[list[int], int]:
    """Some ids are in the topic already, or twice in the batch: those answer the position they have."""
    positions = []
    for one in batch.sealed:
        known = connection.execute("SELECT position FROM event WHERE topic = ? AND id = ?", (number, one.id)).fetchone()
        if known is None:
            connection.execute(_INSERT, (number, end, now_ms, *one))
            known = (end,)
            end += 1
        positions.append(known[0])
    return positions, end


def _topic(connection: Any, name: str) -> tuple[int, int]:
    found = connection.execute("SELECT id, next FROM topic WHERE name = ?", (name,)).fetchone()
    if found is None:
        connection.execute("INSERT INTO topic (name, next) VALUES (?, 0)", (name,))
        return _topic(connection, name)
    number, end = found
    return number, end


def _append_time(connection: Any) -> int:
    """Milliseconds since 1970, never before the last append: a clock set back must not turn as-of answers round."""
    last = connection.execute("SELECT appended_ms FROM event ORDER BY sequence DESC LIMIT 1").fetchone()
    now = time.time_ns() // 1_000_000
    return max(now, last[0]) if last else now


def _make_tables(connection: Any, path: Path | str) -> None:
    layout = connection.execute("PRAGMA user_version").fetchone()[0]
    if layout == LAYOUT:
        return  # the usual case waits for no writer
    if layout > LAYOUT:
        raise LogUnusableError(
            "the event log {path} was written by a newer Verbund (layout {layout}); install that version",
            path=str(path),
            layout=layout,
        )
    connection.execute("BEGIN IMMEDIATE")
    for statement in filter(str.strip, _TABLES.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version={LAYOUT}")
    connection.execute("COMMIT")
