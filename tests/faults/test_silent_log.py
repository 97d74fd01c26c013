"""A log that answers late is not a log that ended: an empty page proves nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import create_engine

from tests.faults.projecting_child import HORIZON, views
from tests.ingest.conftest import World
from tests.ingest.conftest import make_world as make_world  # noqa: PLC0414 - the fixture
from tests.ingest.conftest import world as world  # noqa: PLC0414 - the same
from verbund.codec import AvroCodec
from verbund.errors import LogUnavailableError
from verbund.event_log import NO_WAIT, Positions
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Recorded
from verbund.projection.runner import Runner
from verbund.testing.builders import a_published_offer
from verbund.views.search import SearchProjection, SearchWriter


class Late(MemoryEventLog):
    """Hands out nothing to those who wait less than a while; `busy` for ever: to nobody."""

    busy = timedelta(0)

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        return super().read(positions, limit=limit) if wait >= self.busy else []


def test_a_run_waits_for_its_log(world: World) -> None:
    world.log = log = Late(codec=AvroCodec())
    log.busy = timedelta(seconds=1)
    world.ingest = world.new_ingest()
    world.serve({"key": "1", "title": "A"}, {"key": "2", "title": "B"})
    assert world.apply()["counts"]["published"] == 2
    assert world.apply()["counts"]["unchanged"] == 2
    elsewhere = world.new_ingest("elsewhere/ingest.db")
    counts = elsewhere.apply(world.source()).document["counts"]
    assert (counts["unchanged"], counts["conflicts"]) == (2, 0)


def test_a_silent_log_ends_a_run_as_unavailable(world: World) -> None:
    world.log = log = Late(codec=AvroCodec())
    world.ingest = world.new_ingest()
    world.serve({"key": "1", "title": "A"})
    world.apply()
    log.busy = timedelta.max
    with pytest.raises(LogUnavailableError):
        world.apply()


def test_a_silent_log_stops_no_reader_for_good(tmp_path) -> None:
    log = Late(codec=AvroCodec())
    log.append("inventory.05954", [a_published_offer()])
    engine = create_engine(f"sqlite:///{tmp_path / 'views.db'}")
    Runner(views(), log=log, engine=engine).catch_up()
    writer = SearchWriter(tmp_path / "search", horizon=HORIZON)
    SearchProjection(log, writer).catch_up()
    log.append("inventory.05954", [a_published_offer(record_key="kurs-2")])
    log.busy = timedelta.max
    with pytest.raises(LogUnavailableError):
        Runner(views(), log=log, engine=engine).start()
    with pytest.raises(LogUnavailableError):
        SearchProjection(log, writer).catch_up()
    log.busy = timedelta(0)
    assert SearchProjection(log, writer).catch_up() == 1
    writer.close()
    engine.dispose()
