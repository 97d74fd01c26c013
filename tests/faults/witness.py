"""What a process asked the log to store and what the log said about it, written down so that a kill cannot take it back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from verbund.event_log import NO_WAIT, EventLog, Positions
from verbund.events import Event, Recorded


class Said(NamedTuple):
    """The log answered that an event stands there for ever; one that was known keeps its earlier place."""

    topic: str
    position: int
    event_id: str


class Witness:
    """An `EventLog` that keeps its books: each process has a file of its own, one `write` for each call."""

    def __init__(self, log: EventLog, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = log
        self._book = os.open(folder / f"{os.getpid()}-{os.urandom(4).hex()}", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        self._note(f"sent {topic} {event.id}\n" for event in events)
        positions = self._log.append(topic, events)
        self._note(f"said {topic} {event.id} {at}\n" for event, at in zip(events, positions, strict=True))
        return positions

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        return self._log.read(positions, limit=limit, wait=wait)

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        return self._log.end(topics)

    def topics(self) -> list[str]:
        return self._log.topics()

    def close(self) -> None:
        self._log.close()
        os.close(self._book)

    def _note(self, lines: Iterable[str]) -> None:
        os.write(self._book, "".join(lines).encode())


def sent_and_said(folder: Path) -> tuple[set[tuple[str, str]], list[Said]]:
    """What all processes sent (topic and id) and what they were told; a line cut by a kill was not told."""
    sent: set[tuple[str, str]] = set()
    said: list[Said] = []
    for line in _lines(folder):
        match line.split():
            case ["sent", topic, event_id]:
                sent.add((topic, event_id))
            case ["said", topic, event_id, position]:
                said.append(Said(topic, int(position), event_id))
            case _:
                raise AssertionError(f"a book cannot be read: {line}")
    return sent, said


def _lines(folder: Path) -> Iterator[str]:
    for book in folder.iterdir():
        *whole, _cut = book.read_text(encoding="utf-8").split("\n")
        yield from whole
