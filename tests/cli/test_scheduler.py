"""When sources are due."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from verbund.cli import scheduler
from verbund.cli.scheduler import Scheduler, due_at, is_forbidden
from verbund.ingest.source_file import Schedule

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # twelve o'clock in Berlin


@pytest.mark.parametrize(
    ("hours", "forbidden"),
    [
        ([], False),
        (["07:00-09:00"], False),
        (["11:30-12:30"], True),
        (["12:00-13:00"], True),
        (["11:00-12:00"], False),
        (["22:00-06:00"], False),
        (["18:00-12:30"], True),
        (["07:00-09:00", "11:59-12:01"], True),
    ],
)
def test_forbidden_hours_are_local_and_may_go_over_midnight(hours, forbidden):
    assert is_forbidden(hours, NOON) is forbidden


def test_a_source_that_never_ran_is_due_at_once_and_later_by_rhythm_and_jitter():
    schedule = Schedule.model_validate({"every": "1h", "jitter": "10m"})
    assert due_at(schedule, None, luck=1.0) < NOON
    assert due_at(schedule, NOON, luck=0.0) == NOON + timedelta(hours=1)
    assert due_at(schedule, NOON, luck=1.0) == NOON + timedelta(hours=1, minutes=10)


class Register:
    """Two registered sources and what was asked of them."""

    def __init__(self, home):
        self.ran: list[str] = []
        self.states = {"a": "active", "b": "active"}
        self.settings = SimpleNamespace(home=home, sources_folder=home / "sources")
        self.ingest = SimpleNamespace(
            apply=lambda source: self.ran.append(source.source),
            sources=lambda _district: [{"source": name, "state": state} for name, state in self.states.items()],
        )
        (home / "sources").mkdir()
        for name in self.states:
            (home / "sources" / f"{name}.yaml").write_text("")

    def source_file(self, path):
        schedule = Schedule.model_validate({"every": "1h"}) if path.stem == "a" else None
        return SimpleNamespace(source=path.stem, district="05954", schedule=schedule)


@pytest.fixture
def register(tmp_path):
    return Register(tmp_path)


def run_at(register, *instants):
    clock = iter(instants)
    now = [next(clock)]
    made = Scheduler(register, clock=lambda: now[0])
    made.run_due(threading.Event())
    for now[0] in clock:
        made.run_due(threading.Event())


def test_a_source_runs_once_a_rhythm_and_one_without_schedule_never(register):
    run_at(register, NOON, NOON + timedelta(minutes=59), NOON + timedelta(hours=1))
    assert register.ran == ["a", "a"]


def test_a_restart_does_not_forget_when_a_source_ran(register):
    run_at(register, NOON)
    run_at(register, NOON + timedelta(minutes=30))
    assert register.ran == ["a"]


def test_a_paused_source_is_left_alone(register):
    register.states["a"] = "paused"
    run_at(register, NOON)
    assert register.ran == []


def test_a_source_that_was_never_registered_is_left_alone(register):
    del register.states["a"]
    run_at(register, NOON)
    assert register.ran == []


def test_a_run_by_hand_counts(register, tmp_path):
    scheduler.note_start(tmp_path, "a", NOON)
    run_at(register, NOON + timedelta(minutes=1))
    assert register.ran == []


def test_a_damaged_memory_makes_everything_due(register, tmp_path):
    (tmp_path / "schedule.json").write_text("{")
    run_at(register, NOON)
    assert register.ran == ["a"]
