"""`verify` reads a whole log and finds the first bad event."""

from __future__ import annotations

import pytest

from verbund.event_log.memory import MemoryEventLog
from verbund.event_log.verifying import BadEvent, verify
from verbund.testing.event_log import OTHER, TOPIC, PlainCodec, numbered


@pytest.fixture
def log():
    return MemoryEventLog(codec=PlainCodec())


def test_an_empty_log_is_sound(log):
    verification = verify(log)
    assert (verification.ok, verification.events, verification.first_bad) == (True, 0, None)


def test_events_are_counted_by_type_and_topic(log):
    log.append(TOPIC, [numbered(number) for number in range(2500)])
    log.append("exchange", [numbered(1)])
    seen: list[int] = []
    verification = verify(log, progress=seen.append)
    assert verification.ok
    assert verification.by_type == {"OfferRevised": 2501}
    assert verification.by_topic == {TOPIC: 2500, "exchange": 1}
    assert seen[-1] == verification.events == 2501


def test_the_first_garbage_is_named_and_the_rest_is_counted(log):
    log.append(TOPIC, [numbered(1)])
    log.append_garbage(TOPIC, b"\x00")
    log.append(TOPIC, [numbered(2)])
    log.append_garbage(TOPIC, b"\x00")
    verification = verify(log)
    assert not verification.ok
    assert verification.first_bad == BadEvent(TOPIC, 1, "no id, type, source, subject, time, schema")
    assert (verification.bad, verification.by_type) == (2, {"OfferRevised": 2, "unreadable": 2})


def test_an_event_of_another_district_is_bad(log):
    log.append(OTHER, [numbered(1)])
    bad = verify(log).first_bad
    assert bad is not None
    assert "05954/starnberg-integreat" in bad.reason
