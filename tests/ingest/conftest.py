"""A hub of memory twins, a scripted feed on loopback and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.ingest.answering import append_answer, holds_in
from tests.ingest.list_feed import ListFeed
from verbund.codec import AvroCodec
from verbund.desk import Answer
from verbund.event_log import EventLog
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Recorded
from verbund.fetch import FetchSettings, HttpFetch
from verbund.ingest.rooms import Rooms
from verbund.ingest.service import Ingest
from verbund.ingest.source_file import SourceFile
from verbund.ingest.source_loading import load_source
from verbund.testing.archive import MemoryArchive
from verbund.testing.feed_server import FeedServer
from verbund.testing.keys import MemoryKeyStore

CONNECTORS: dict[str, Any] = {"list": ListFeed}


@dataclass
class World:
    """All that a test of ingest needs.

    Attributes:
        now: what the clock says; `tomorrow()` moves it.
    """

    server: FeedServer
    folder: Path
    log: EventLog
    keys: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    archive: MemoryArchive = field(default_factory=MemoryArchive)
    fetches: list[HttpFetch] = field(default_factory=list)
    now: datetime = datetime(2026, 11, 24, 8, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.ingest = self.new_ingest()

    def new_ingest(self, memory: str = "ingest.db") -> Ingest:
        allow = FetchSettings(allow=(ip_network("127.0.0.0/8"),), per_host_interval_s=0, retry_after_limit_s=0)
        self.fetches.append(HttpFetch(allow))
        return Ingest(
            Rooms(
                log=self.log,
                memory=self.folder / memory,
                fetch=self.fetches[-1],
                archive=self.archive,
                keys=self.keys,
                clock=lambda: self.now,
            )
        )

    def serve(self, *records: Mapping[str, Any], part: str = "de", **reply: Any) -> None:
        self.server.serve(f"/{part}.json", orjson.dumps(list(records)), **reply)

    def source(self, text: str = "", **settings: Any) -> SourceFile:
        path = self.folder / "source.yaml"
        own = orjson.dumps({"url": self.server.url, **settings}).decode()
        path.write_text(
            f'source: enr-list\ndistrict: "05954"\nconnector: list\nlicence: CC0-1.0\nwith: {own}\n{text}',
            encoding="utf-8",
        )
        return load_source(path, connectors=CONNECTORS, environ={})

    def apply(self, text: str = "", **settings: Any) -> dict[str, Any]:
        return self.ingest.apply(self.source(text, **settings)).document

    def holds(self) -> list[dict[str, Any]]:
        """Holds that are open or keep a rejected set."""
        return holds_in(self.log, "05954")

    def answer(self, answer: str, *, up_to: int | None = None) -> None:
        """Answer the one hold that is open."""
        (hold,) = (hold for hold in self.holds() if hold["state"] == "open")
        self.answer_to(hold, answer, up_to=up_to)

    def answer_to(self, hold: Mapping[str, Any], answer: str, *, up_to: int | None = None) -> None:
        """Answer a hold as the desk would."""
        append_answer(self.log, hold, Answer(answer=answer, up_to=up_to), at=self.now)

    def tomorrow(self, days: float = 1) -> None:
        self.now += timedelta(days=days)

    def events(self, *, after: int = 0) -> list[Recorded]:
        ends = self.log.end()
        found = []
        for topic in sorted(ends):
            position = 0
            while position < ends[topic]:
                page = self.log.read({topic: position})
                found.extend(page)
                position = page[-1].position + 1
        return found[after:]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Worlds one after the other, each with a log and a memory of its own."""
    made: list[World] = []
    with FeedServer() as server:

        def make() -> World:
            folder = tmp_path / str(len(made))
            folder.mkdir()
            made.append(World(server=server, folder=folder, log=MemoryEventLog(codec=AvroCodec())))
            return made[-1]

        yield make
        for world in made:
            for fetch in world.fetches:
                fetch.close()


@pytest.fixture
def world(make_world: Callable[[], World]) -> World:
    return make_world()


def balanced(counts: Mapping[str, int]) -> bool:
    """The promise of the operator's page."""
    names = ("published", "revised", "unchanged", "reopened", "rejected", "ignored", "withdrawn_by_record", "held")
    return counts["delivered"] == sum(counts[name] for name in names)
