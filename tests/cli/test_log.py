"""`verbund log verify`: counts a sound log, names the first event that is not, and knows that old reports go."""

from __future__ import annotations

from verbund.cli.log import verified
from verbund.errors import LogUnusableError
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Recorded
from verbund.testing.builders import an_event


def quiet(_stage, _done, _total):
    return


def test_a_sound_log_is_counted_by_type_and_topic(codec):
    log = MemoryEventLog(codec=codec)
    log.append("inventory.05954", [an_event("OfferPublished", revision=1), an_event("OfferPublished", revision=2)])
    document = verified(log, quiet)
    assert (document["ok"], document["events"], document["first_bad"]) == (True, 2, None)
    assert document["by_topic"] == {"inventory.05954": 2}
    assert sum(document["by_type"].values()) == 2


def test_an_event_of_another_district_is_not_sound(codec):
    log = MemoryEventLog(codec=codec)
    log.append("inventory.09188", [an_event("OfferPublished", revision=1)])
    document = verified(log, quiet)
    assert not document["ok"]
    assert document["first_bad"]["topic"] == "inventory.09188"
    assert document["first_bad"]["position"] == 0


class Aged:
    """A log whose first reports of runs are past their retention."""

    def __init__(self, log, topic, start):
        self._log, self._topic, self._start = log, topic, start
        self.append, self.end, self.topics, self.close = log.append, log.end, log.topics, log.close

    def read(self, positions, **more) -> list[Recorded]:
        if positions.get(self._topic, self._start) < self._start:
            raise LogUnusableError("gone", topic=self._topic, start=self._start)
        return list(self._log.read(positions, **more))


def test_reports_past_their_retention_are_no_fault_but_a_cut_inventory_is(codec):
    log = MemoryEventLog(codec=codec)
    log.append("runs.05954", [an_event("OfferPublished", revision=number) for number in (1, 2, 3)])
    assert verified(Aged(log, "runs.05954", 2), quiet)["events"] == 1
    log.append("inventory.05954", [an_event("OfferPublished", revision=number) for number in (4, 5, 6)])
    try:
        verified(Aged(log, "inventory.05954", 2), quiet)
    except LogUnusableError:
        return
    raise AssertionError("a cut inventory went unnoticed")
