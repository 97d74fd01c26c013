"""When a source is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from verbund import patience
from verbund.ingest.rhythm import LONGEST_PAUSE, Past, due_at, is_due, next_start
from verbund.ingest.schedule_file import FILE_NAME, ScheduleFile
from verbund.ingest.source_file import Schedule

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # twelve o'clock in Berlin
HOURLY = Schedule.model_validate({"every": "1h", "jitter": "10m"})
EAGER = Schedule.model_validate({"every": "1m"})


def test_a_source_that_never_ran_is_due_at_once_and_later_by_rhythm_and_jitter():
    assert due_at(HOURLY, None, NOON) < NOON
    assert due_at(HOURLY, Past(started_at=NOON), NOON) == NOON + timedelta(hours=1)
    assert due_at(HOURLY, Past(started_at=NOON, luck=1.0), NOON) == NOON + timedelta(hours=1, minutes=10)


def test_a_start_in_a_future_that_a_clock_made_up_holds_nothing_up():
    assert is_due(HOURLY, Past(started_at=NOON + timedelta(days=400)), NOON)


def test_failed_runs_are_followed_by_longer_and_longer_pauses_then_by_the_rhythm():
    past, waits = Past(started_at=NOON), []
    for _ in range(5):
        past = past.after(NOON, "failed")
        waits.append(due_at(EAGER, past, NOON) - NOON)
    assert waits == [timedelta(minutes=m) for m in (5, 30, 180, 1, 1)]


def test_a_failed_run_never_makes_a_source_run_more_often_than_its_rhythm():
    failed = Past(started_at=NOON).after(NOON, "failed")
    assert due_at(HOURLY, failed, NOON) == NOON + timedelta(hours=1)


@pytest.mark.parametrize("outcome", ["complete", "partial"])
def test_a_run_that_brought_something_ends_the_pauses(outcome):
    past = Past(started_at=NOON).after(NOON, "failed").after(NOON, "failed").after(NOON, outcome)
    assert due_at(EAGER, past, NOON) == NOON + timedelta(minutes=1)


def test_a_source_that_asks_for_patience_gets_it_and_has_not_failed():
    until = NOON + timedelta(hours=2)
    past = Past(started_at=NOON).after(NOON, "failed", resumes_at=until)
    assert past.failures == 0
    assert not is_due(EAGER, past, until - timedelta(seconds=1))
    assert is_due(EAGER, past, until)


def test_a_source_that_asks_for_seconds_again_and_again_is_left_alone_for_longer():
    past = Past(started_at=NOON).after(NOON, "failed", resumes_at=NOON + timedelta(seconds=10))
    assert due_at(EAGER, past, NOON) == NOON + timedelta(minutes=5)


def test_nobody_is_waited_for_longer_than_a_day():
    past = Past(started_at=NOON).after(NOON, "failed", resumes_at=NOON + timedelta(days=21))
    assert due_at(EAGER, past, NOON) == NOON + LONGEST_PAUSE


def test_the_next_start_is_after_the_forbidden_hours():
    schedule = Schedule.model_validate({"every": "1h", "not_between": ["12:30-15:00"]})
    assert next_start(schedule, Past(started_at=NOON), NOON) == NOON + timedelta(hours=3)
    assert next_start(schedule, None, NOON) == NOON


@pytest.mark.parametrize("wrong", [{"not_between": ["25:00-26:00"]}, {"every": "0s"}, {"timeout": "0s"}])
def test_a_schedule_that_cannot_be_kept_is_refused(wrong):
    with pytest.raises(ValidationError):
        Schedule.model_validate({"every": "1h", **wrong})


def test_a_run_report_says_until_when_its_source_wants_to_be_left_alone():
    reasons = (
        ["rate_limited: resumes at 2026-11-24T12:00:00+00:00", "cut"],
        ["rate_limited: resumes at 2026-11-24T13:00:00+00:00"],
    )
    assert patience.resumes_at([{"reasons": of_part} for of_part in reasons]) == NOON + timedelta(hours=2)
    assert patience.resumes_at([{"reasons": [patience.reason("2026-11-24T12:00:00+00:00")]}]) == NOON + timedelta(
        hours=1
    )
    for broken in ("rate_limited: resumes at once", "rate_limited: resumes at 2026-11-24T12:00:00", "rate_limited"):
        assert patience.resumes_at([{"reasons": [broken]}]) is None


def test_the_file_gives_back_what_was_noted(tmp_path):
    file = ScheduleFile(tmp_path)
    past = Past(started_at=NOON, luck=0.25).after(NOON + timedelta(minutes=3), "failed")
    file.note("a", lambda _: past)
    file.note("b", lambda before: before or Past(started_at=NOON))
    assert ScheduleFile(tmp_path).read() == {"a": past, "b": Past(started_at=NOON)}
    file.note("a", lambda _: None)
    assert set(file.read()) == {"b"}


def test_a_file_of_an_earlier_version_is_understood(tmp_path):
    (tmp_path / FILE_NAME).write_text('{"a": "2026-11-24T11:00:00+00:00"}')
    assert ScheduleFile(tmp_path).read() == {"a": Past(started_at=NOON)}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"a": 3}', '{"a": {}}', '{"a": "never"}', '{"a": "2026-11-24T11:00:00"}', "\x00\x00"],
)
def test_a_damaged_file_is_as_good_as_none_and_is_mended_by_the_next_note(tmp_path, text):
    (tmp_path / FILE_NAME).write_text(text)
    file = ScheduleFile(tmp_path)
    assert file.read() == {}
    file.note("b", lambda _: Past(started_at=NOON))
    assert set(file.read()) == {"b"}


def test_a_run_that_a_person_wants_is_due_once_but_for_pauses():
    wanted = NOON + timedelta(minutes=5)
    past = Past(started_at=NOON, wanted_at=wanted)
    assert is_due(HOURLY, past, wanted)
    assert not is_due(HOURLY, Past(started_at=wanted + timedelta(seconds=1), wanted_at=wanted), NOON.replace(hour=11, minute=30))  # fmt: skip
    patient = Past(started_at=NOON, wanted_at=wanted, resumes_at=NOON + timedelta(minutes=30))
    assert not is_due(HOURLY, patient, wanted)
    failed = Past(started_at=NOON, wanted_at=wanted).after(NOON, "failed")
    assert not is_due(HOURLY, failed, NOON + timedelta(minutes=4))
    assert is_due(HOURLY, failed, wanted)
