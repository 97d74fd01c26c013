"""The desk: of several that answer at once, one decides."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.conftest import NOW
from tests.web.holding import HOLD, a_hold
from verbund import sqlite
from verbund.codec import AvroCodec
from verbund.desk import Answer, Desk
from verbund.errors import AppendFailedError, ConflictError
from verbund.event_log.memory import MemoryEventLog
from verbund.projection.runner import Runner
from verbund.views.holds import HoldsView


@pytest.fixture(name="place")
def _place(tmp_path):
    log = MemoryEventLog(codec=AvroCodec())
    log.append("inventory.05954", [a_hold()])
    engine = sqlite.engine(tmp_path / "views.db")
    Runner([HoldsView()], log=log, engine=engine).catch_up()
    yield log, engine
    engine.dispose()


def decisions(log):
    return [event for event in log.read({"desk.05954": 0}) if event.type == "HoldDecided"]


def test_of_many_that_answer_at_once_one_decides_and_the_others_are_told(place):
    log, engine = place
    desk = Desk(log, engine, clock=lambda: NOW)

    def answer(number: int) -> str:
        try:
            return desk.answer(HOLD, Answer(answer="allow_up_to", up_to=number), by=f"office-{number}").by or ""
        except ConflictError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(answer, range(1, 17)))
    (decision,) = decisions(log)
    winner = decision.data["by"]
    assert said.count(winner) == 1
    assert all(winner in one for one in said)


def test_an_answer_that_could_not_be_written_may_be_given_again(place):
    log, engine = place

    class Failing(MemoryEventLog):
        def append(self, topic, events):
            log.append(topic, events)  # it is stored, but the word of it is lost
            raise AppendFailedError("no answer from the broker")

        def read(self, positions, **wishes):
            return log.read(positions, **wishes)

        def end(self, topics=None):
            return log.end(topics)

    with pytest.raises(AppendFailedError):
        Desk(Failing(codec=AvroCodec()), engine, clock=lambda: NOW).answer(HOLD, Answer(answer="reject"), by="office")
    assert Desk(log, engine, clock=lambda: NOW).answer(HOLD, Answer(answer="reject"), by="office").state == "answered"
    assert len(decisions(log)) == 1
