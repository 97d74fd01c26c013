"""A run that another run of the same source overtakes at the worst moment: between two appends of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.ingest.conftest import World, balanced
from tests.ingest.conftest import world as world  # noqa: PLC0414 - the fixture
from verbund.codec import AvroCodec
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Event

pytestmark = pytest.mark.timeout(30)


class Overtaken(MemoryEventLog):
    """Calls somebody once, just before an append that holds an event of a type."""

    def __init__(self) -> None:
        super().__init__(codec=AvroCodec())
        self.before: tuple[str, Callable[[], Any]] | None = None

    @property
    def waits(self) -> bool:
        """Whether that moment has not come."""
        return self.before is not None

    def append(self, topic: str, events: Sequence[Event]) -> list[int]:
        if self.before is not None and any(event.type == self.before[0] for event in events):
            (_, overtake), self.before = self.before, None
            overtake()
        return super().append(topic, events)


@pytest.mark.parametrize("moment", ["OrganisationPublished", "ContactPublished", "OfferPublished", "RunFinished"])
@pytest.mark.parametrize("edited", [False, True])
def test_a_run_that_is_overtaken_between_two_appends_ends_and_agrees(world: World, moment: str, edited: bool) -> None:
    log = world.log = Overtaken()
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
    first.apply(source)
    assert latest_titles(world) == dict.fromkeys("012", "B" if edited else "A")
    assert first.apply(source).document["counts"]["unchanged"] == 3


def latest_titles(world: World) -> dict[str, str]:
    """The fold of the log by revision."""
    held: dict[str, int] = {}
    titles: dict[str, str] = {}
    for event in world.events():
        if event.type in {"OfferPublished", "OfferRevised"} and event.revision > held.get(event.subject, 0):
            held[event.subject] = event.revision
            titles[event.data["offer"]["record_key"]] = event.data["offer"]["texts"]["de"]["title"]
    return titles
