"""Runs that are ended before their end: what counts of them, what is reported, and how the next run heals."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from verbund import patience
from verbund.ingest.limits import Limits, RunAborted, RunOverTime
from verbund.ingest.service import Ingest
from verbund.testing.feed_server import Reply

RECORDS = [{"key": f"k{number}", "title": f"Deutschkurs {number}"} for number in range(30)]


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_run_goes_on_within_its_time_and_ends_after_it(clock):
    seen = []
    limits = Limits(lambda *step: seen.append(step), timeout=timedelta(minutes=1), monotonic=clock)
    clock.now = 60
    limits("read", 1, None)
    clock.now = 61
    with pytest.raises(RunOverTime):
        limits("map", 1, 2)
    assert seen == [("read", 1, None)]


def test_what_is_decided_is_appended_whatever_the_clock_says(clock):
    limits = Limits(lambda *_: None, timeout=timedelta(minutes=1), monotonic=clock)
    clock.now = 3600
    limits("append", 1, 2)


def test_a_run_that_is_told_to_stop_ends_in_every_stage(clock):
    stop = threading.Event()
    limits = Limits(lambda *_: None, timeout=timedelta(minutes=1), stop=stop, monotonic=clock)
    stop.set()
    for stage in ("fetch", "read", "map", "append"):
        with pytest.raises(RunAborted):
            limits(stage, 1, 2)


@pytest.fixture
def late(world, clock):
    """Ingest whose source takes two hours to answer the second question."""
    world.serve(*RECORDS[:20])
    world.apply()
    world.tomorrow()

    def slowly(_seen):
        clock.now += 7200
        return Reply(body=orjson.dumps(RECORDS[10:]))

    world.server.serve_by("/de.json", slowly)
    return Ingest(world.ingest._rooms, monotonic=clock)


def test_a_run_that_is_over_its_time_ends_as_failed_and_changes_nothing(world, late):
    before = len(world.events())
    report = late.apply(world.source())
    assert (report.outcome, report.failure.error_code) == ("failed", "E218")
    assert report.document["completeness"]["parts"][0]["reasons"] == ["timed_out"]
    (finished,) = world.events(after=before)
    assert (finished.type, finished.data["outcome"], finished.data["reason"]) == ("RunFinished", "failed", "E218")
    assert finished.data["totals"]["live"] == 20


def test_the_run_after_one_that_was_over_its_time_does_all_of_it(world, late):
    late.apply(world.source())
    world.serve(*RECORDS[10:])
    counts = late.apply(world.source("guards: {shrink: off}")).document["counts"]
    assert (counts["published"], counts["unchanged"], counts["missed"]) == (10, 10, 10)


def test_more_time_is_given_by_the_source_file(world, late):
    assert late.apply(world.source("schedule: {every: 1d, timeout: 3h}")).outcome == "complete"


@pytest.mark.parametrize("stage", ["fetch", "read", "map", "append"])
def test_a_run_that_is_told_to_stop_reports_nothing_and_the_next_one_heals(world, stage):
    world.serve(*RECORDS)
    stop = threading.Event()

    def progress(at, _done, _total):
        if at == stage:
            stop.set()

    aborted = False
    try:
        world.ingest.apply(world.source(), progress=progress, stop=stop)
    except RunAborted:
        aborted = True
    assert aborted is ("RunFinished" not in world.types())
    assert aborted or stage == "append"  # after its last batch there is nothing left to give up
    world.apply()
    assert world.types().count("OfferPublished") == len(RECORDS)
    assert world.events()[-1].data["totals"]["live"] == len(RECORDS)


# --- sources that ask for patience -----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_source_that_asks_for_patience_ends_its_part_with_the_time(world, status):
    world.serve(*RECORDS)
    world.apply()
    world.tomorrow()
    asked = datetime.now(UTC)
    world.serve(status=status, headers={"Retry-After": "7200"})
    document = world.apply()
    (part,) = document["completeness"]["parts"]
    until = patience.resumes_at([part])
    assert until is not None
    assert (document["outcome"], part["state"]) == ("failed", "failed")
    assert timedelta(seconds=-2) <= until - asked - timedelta(hours=2) <= timedelta(minutes=1)
    finished = world.events()[-1].data
    assert (finished["reason"], finished["facts"]["resumes_at"]) == ("E223", until.isoformat())


def test_of_a_source_that_asks_for_patience_half_way_the_rest_is_taken(world):
    world.serve(*RECORDS[:10])
    world.server.serve("/en.json", b"", status=429, headers={"Retry-After": "7200"})
    document = world.apply(parts=["de", "en"])
    assert (document["outcome"], document["counts"]["published"]) == ("partial", 10)
    assert patience.resumes_at(document["completeness"]["parts"]) is not None


def test_half_a_year_of_patience_is_a_day(world):
    world.serve(status=503, headers={"Retry-After": "15552000"})
    until = patience.resumes_at(world.apply()["completeness"]["parts"])
    assert until is not None
    assert until - datetime.now(UTC) <= timedelta(days=1)
