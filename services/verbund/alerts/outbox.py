"""The outbox: messages are stored together with what people have been told by them, claimed, then sent.

A message that is stored is sent by whoever comes first, also after a restart. If a process dies between sending and
saying so, the message is sent again under the same id, by which mail servers and receivers of webhooks know it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson

from verbund import sqlite
from verbund.alerts.facts import Message, Told

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS alert_told (one INTEGER PRIMARY KEY CHECK (one = 1), document BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS alert_outbox (
    message_id TEXT NOT NULL, channel TEXT NOT NULL, document BLOB NOT NULL, made_at TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL, not_before TEXT NOT NULL, error TEXT NOT NULL, changed_at TEXT NOT NULL,
    PRIMARY KEY (message_id, channel)
);
"""

#: Whoever claimed a message has so long to send it; longer than every time-out of a channel together.
CLAIM: Final = timedelta(minutes=5)
#: Between attempts; the last is repeated until the message is given up.
RETRIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
GIVE_UP_AFTER: Final = timedelta(days=3)
_KEPT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message that is ours to send over this channel."""

    message: Message
    channel: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A channel that does not take what it is given: how many messages wait, since when, and why."""

    channel: str
    waiting: int
    given_up: int
    since: datetime
    error: str


class Outbox:
    """In the state database of the hub; several threads and processes may use one."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # before SQLite does, with its wider mode
        self._db = sqlite.connect(path, full=True)
        self._alone = threading.RLock()
        with self._writing():
            for statement in _TABLES.split(";")[:-1]:
                self._db.execute(statement)

    def close(self) -> None:
        """Close the file."""
        with self._alone:
            self._db.close()

    def tell(self, decide: Callable[[Told], tuple[Sequence[Message], Told]], *, channels: Sequence[str]) -> int:
        """Store what `decide` makes of what people were told last: messages for each channel, and what they know then."""
        with self._writing():
            row = self._db.execute("SELECT document FROM alert_told").fetchone()
            before = Told.of(orjson.loads(row[0])) if row else Told()
            messages, told = decide(before)
            if told != before:
                self._db.execute("INSERT OR REPLACE INTO alert_told VALUES (1, ?)", (orjson.dumps(told.document()),))
            for message in messages:
                self._put(message, channels)
        return len(messages)

    def put(self, message: Message, *, channels: Sequence[str]) -> None:
        """Store one message that changes nothing of what people know."""
        with self._writing():
            self._put(message, channels)

    def claim(self, now: datetime) -> Claimed | None:
        """The next message that is to be sent, ours for as long as `CLAIM`."""
        with self._writing():
            row = self._db.execute(
                "SELECT message_id, channel, document, attempts FROM alert_outbox"
                " WHERE state IN ('waiting', 'claimed') AND not_before <= ? ORDER BY made_at, message_id, channel LIMIT 1",
                (_text(now),),
            ).fetchone()
            if row is None:
                return None
            message_id, channel, document, attempts = row
            self._db.execute(
                "UPDATE alert_outbox SET state = 'claimed', attempts = attempts + 1, not_before = ?, changed_at = ?"
                " WHERE message_id = ? AND channel = ?",
                (_text(now + CLAIM), _text(now), message_id, channel),
            )
        return Claimed(message=Message.of(orjson.loads(document)), channel=channel, attempts=attempts + 1)

    def sent(self, claimed: Claimed, now: datetime) -> None:
        """It is out."""
        self._close(claimed, "sent", now, not_before=now, error="")

    def failed(self, claimed: Claimed, error: str, now: datetime, *, final: bool = False) -> None:
        """It is not; it is tried again later, for some days, unless that is final."""
        over = final or now - claimed.message.made_at > GIVE_UP_AFTER
        wait = RETRIES[min(claimed.attempts, len(RETRIES)) - 1]
        self._close(claimed, "given_up" if over else "waiting", now, not_before=now + wait, error=error)

    def troubles(self) -> list[Trouble]:
        """Channels whose last word was an error, with what waits for them or was given up since."""
        with self._alone:
            rows = self._db.execute(
                "SELECT o.channel, sum(o.state <> 'given_up'), sum(o.state = 'given_up'), min(o.made_at),"
                " (SELECT error FROM alert_outbox l WHERE l.channel = o.channel AND l.error <> ''"
                "  ORDER BY l.changed_at DESC LIMIT 1)"
                " FROM alert_outbox o WHERE o.error <> '' AND o.state <> 'sent' AND o.changed_at > coalesce("
                " (SELECT max(s.changed_at) FROM alert_outbox s WHERE s.channel = o.channel AND s.state = 'sent'), '')"
                " GROUP BY o.channel ORDER BY o.channel"
            ).fetchall()
        return [
            Trouble(channel=row[0], waiting=row[1], given_up=row[2], since=datetime.fromisoformat(row[3]), error=row[4])
            for row in rows
        ]

    def state_of(self, message_id: str) -> dict[str, tuple[str, str]]:
        """State and last error of a message by channel."""
        with self._alone:
            rows = self._db.execute(
                "SELECT channel, state, error FROM alert_outbox WHERE message_id = ?", (message_id,)
            ).fetchall()
        return {channel: (state, error) for channel, state, error in rows}

    def _put(self, message: Message, channels: Sequence[str]) -> None:
        at = _text(message.made_at)
        document = orjson.dumps(message.document())
        self._db.executemany(
            "INSERT OR IGNORE INTO alert_outbox VALUES (?, ?, ?, ?, 'waiting', 0, ?, '', ?)",
            [(message.message_id, channel, document, at, at, at) for channel in channels],
        )
        self._db.execute(
            "DELETE FROM alert_outbox WHERE state IN ('sent', 'given_up') AND changed_at < ?",
            (_text(message.made_at - _KEPT),),
        )

    def _close(self, claimed: Claimed, state: str, now: datetime, *, not_before: datetime, error: str) -> None:
        with self._writing():
            self._db.execute(
                "UPDATE alert_outbox SET state = ?, not_before = ?, error = ?, changed_at = ?"
                " WHERE message_id = ? AND channel = ?",
                (state, _text(not_before), error, _text(now), claimed.message.message_id, claimed.channel),
            )

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        with self._alone:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _text(at: datetime) -> str:
    """In one form, so that texts compare as instants do."""
    return at.isoformat(timespec="microseconds")
