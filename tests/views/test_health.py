"""The one truthful word about a source: patience, standstill and rejects beside lateness and failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.views.test_questions import hub  # noqa: F401 - fixture
from verbund import patience
from verbund.testing.builders import an_event
from verbund.views.health import Health

START = datetime(2026, 9, 1, 8, 0, 0, tzinfo=UTC)
QUIET = {"items": 1, "delivered": 1, "unchanged": 1}


def a_run(number, at, **fields):
    """A run at this time; without more words it changed nothing."""
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    named = {"started_at": moment, "finished_at": moment, "counts": QUIET, **fields}
    return an_event("RunFinished", run_id=f"{number:08d}-0000-5000-8000-000000000000", **named)


def failed_until(until):
    part = {"part": "kurse", "state": "failed", "covers": "all", "scope": {}, "proof": {}}
    return {"outcome": "failed", "reason": "E223", "parts": [{**part, "reasons": [patience.reason(until.isoformat())]}]}


def health_of(hub, now) -> Any:  # noqa: F811 - fixture
    return Health(hub.engine).source("enr-kurse", now)


def test_a_source_that_asks_for_patience_is_no_failure_while_it_is_not_late(hub):  # noqa: F811 - fixture
    until = START + timedelta(hours=5)
    hub.say(an_event("SourceChanged"), a_run(1, START), a_run(2, START + timedelta(hours=1), **failed_until(until)))
    soon = health_of(hub, START + timedelta(hours=1, minutes=1))
    assert (soon.word, soon.because, soon.resumes_at) == ("warning", ("rate_limited",), until)
    late = health_of(hub, START + timedelta(hours=3))
    assert (late.word, late.because) == ("warning", ("rate_limited", "late"))
    stale = health_of(hub, START + timedelta(hours=7))
    assert (stale.word, stale.because, stale.resumes_at) == ("degraded", ("stale", "rate_limited"), None)


def test_a_run_of_an_earlier_version_that_was_asked_for_patience_is_understood(hub):  # noqa: F811 - fixture
    facts = {"outcome": "failed", "reason": "E223", "facts": {"retry_after_s": "7200"}}
    hub.say(an_event("SourceChanged"), a_run(1, START), a_run(2, START + timedelta(hours=1), **facts))
    found = health_of(hub, START + timedelta(hours=1, minutes=1))
    assert (found.word, found.resumes_at) == ("warning", START + timedelta(hours=3))


@pytest.mark.parametrize(
    ("setting", "days", "because"),
    [
        (None, 59, ()),
        (None, 61, ("frozen",)),
        (10 * 86_400, 9, ()),
        (10 * 86_400, 11, ("frozen",)),
        (0, 400, ()),
    ],
)
def test_a_source_that_is_pulled_and_stays_as_it_is_for_long_is_frozen(hub, setting, days, because):  # noqa: F811 - fixture
    now = START + timedelta(days=days)
    hub.say(an_event("SourceChanged", frozen_after_s=setting))
    hub.say(a_run(1, START, counts={"delivered": 1, "published": 1}), a_run(2, now))
    found = health_of(hub, now)
    assert (found.because, found.unchanged_since) == (because, START)
    assert found.word == ("warning" if because else "healthy")


@pytest.mark.parametrize("change", ["published", "revised", "reopened", "withdrawn", "withdrawn_by_record"])
def test_any_change_thaws_a_frozen_source(hub, change):  # noqa: F811 - fixture
    now = START + timedelta(days=100)
    hub.say(an_event("SourceChanged"), a_run(1, START), a_run(2, now))
    assert health_of(hub, now).because == ("frozen",)
    hub.say(a_run(3, now, counts={"delivered": 1, change: 1}))
    assert health_of(hub, now).because == ()


def test_a_source_that_is_not_pulled_is_late_and_not_frozen(hub):  # noqa: F811 - fixture
    hub.say(an_event("SourceChanged"), a_run(1, START))
    assert health_of(hub, START + timedelta(days=100)).because == ("stale",)


@pytest.mark.parametrize(("rejected", "word"), [(1, "warning"), (5, "warning"), (6, "degraded")])
def test_a_source_of_which_most_is_rejected_is_degraded(hub, rejected, word):  # noqa: F811 - fixture
    counts = {"delivered": 10, "rejected": rejected, "published": 10 - rejected}
    rejects = [an_event("RecordRejected", record_key=f"k{at}") for at in range(rejected)]
    hub.say(an_event("SourceChanged"), *rejects, a_run(1, START, counts=counts))
    found = health_of(hub, START + timedelta(minutes=1))
    assert (found.word, found.because) == (word, ("rejects",))
