"""A run that another run of the same source overtakes at the worst moment: between two appends of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.faults.hub import whole_log
from tests.faults.ingest_child import open_any
from tests.ingest.conftest import World, balanced
from tests.ingest.conftest import make_world as make_world  # noqa: PLC0414 - the fixture
from tests.ingest.conftest import world as world  # noqa: PLC0414 - the same
from verbund.event_log import NO_WAIT, EventLog, Positions
from verbund.events import Event, Recorded

pytestmark = pytest.mark.timeout(60)


class Overtaken:
    """An `EventLog` that calls somebody once, just before an append that holds an event of a type."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.before: tuple[str, Callable[[], Any]] | None = None

    @property
    def waits(self) -> bool:
        """Whether that moment has not come."""
        return self.before is not None

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        if self.before is not None and any(event.type == self.before[0] for event in events):
            (_, overtake), self.before = self.before, None
            overtake()
        return self._log.append(topic, events)

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        return self._log.read(positions, limit=limit, wait=wait)

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        return self._log.end(topics)

    def topics(self) -> list[str]:
        return self._log.topics()

    def close(self) -> None:
        self._log.close()


MOMENTS = [
    (moment, edited)
    for moment in ("OrganisationPublished", "ContactPublished", "OfferPublished", "RunFinished")
    for edited in (False, True)
]


@pytest.mark.parametrize(("moment", "edited"), MOMENTS)
def test_a_run_that_is_overtaken_between_two_appends_ends_and_agrees(world: World, moment: str, edited: bool) -> None:
    overtaken_at(moment, edited, world, "memory:")


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("moment", "edited"),
    [pytest.param(*one, marks=() if one == ("OfferPublished", True) else pytest.mark.faults) for one in MOMENTS],
)
def test_a_run_that_is_overtaken_ends_and_agrees_on_kafka(
    world: World, kafka_server: Any, moment: str, edited: bool
) -> None:
    overtaken_at(moment, edited, world, f"kafka://{kafka_server.bootstrap}/{kafka_server.prefix()}")


def overtaken_at(moment: str, edited: bool, world: World, log_url: str) -> None:
    log = world.log = Overtaken(open_any(log_url))
    first, second = world.new_ingest("one/ingest.db"), world.new_ingest("two/ingest.db")
    source = world.source()

    def serve(title: str) -> None:
        records = [{"key": str(number), "title": title, "organisation": "VHS"} for number in range(3)]
        world.serve(*({**record, "contacts": [f"{title}@example.org"]} for record in records))

    def overtake() -> None:
        if edited:
            serve("B")
        second.apply(source)

    serve("A")
    log.before = (moment, overtake)
    document = first.apply(source).document
    assert not log.waits
    assert balanced(document["counts"])
    # Decided, looked, and then the other was first with something else: these events count for nobody, and it says so.
    assert document["counts"]["conflicts"] == (3 if moment == "OfferPublished" and edited else 0)
    first.apply(source)
    assert latest_titles(world) == dict.fromkeys("012", "B" if edited else "A")
    assert first.apply(source).document["counts"]["unchanged"] == 3
    log.close()


def latest_titles(world: World) -> dict[str, str]:
    """The fold of the log by revision."""
    held: dict[str, int] = {}
    titles: dict[str, str] = {}
    for event in whole_log(world.log):
        if event.type in {"OfferPublished", "OfferRevised"} and event.revision > held.get(event.subject, 0):
            held[event.subject] = event.revision
            titles[event.data["offer"]["record_key"]] = event.data["offer"]["texts"]["de"]["title"]
    return titles
