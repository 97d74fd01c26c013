"""The scheduler: what it runs, what it leaves alone, and how it ends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from verbund.errors import AppendFailedError, LockedError, LogUnavailableError, LogUnusableError
from verbund.ingest.limits import RunAborted
from verbund.ingest.register import Register
from verbund.ingest.report import RunReport
from verbund.ingest.schedule_file import FILE_NAME, ScheduleFile
from verbund.ingest.scheduler import Scheduler, noted_by_hand, wanted
from verbund.ingest.source_file import Schedule

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
PATIENCE_S = 10


def report(outcome="complete", *reasons):
    return RunReport(document={"outcome": outcome, "completeness": {"parts": [{"reasons": list(reasons)}]}})


class Place:
    """Registered sources `a` (every hour) and `b` (no schedule), and what was asked of them."""

    def __init__(self, home):
        self.home = home
        self.ran: list[str] = []
        self.looked_after: list[str] = []
        self.look_answer: BaseException | None = None
        self.states = {"a": "active", "b": "active"}
        self.answers = {}
        self.every = {"a": "1h", "b": None}
        self.now = NOON
        (home / "sources").mkdir()

    def add(self, name, every="1h"):
        self.every[name] = every
        self.states[name] = "active"

    def apply(self, source, *, stop=None):
        self.ran.append(source.source)
        answer = self.answers.get(source.source, report())
        if callable(answer):
            return answer(stop)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def look_after(self, source):
        self.looked_after.append(source.source)
        if isinstance(self.look_answer, BaseException):
            raise self.look_answer
        return 0

    def sources(self, _district):
        return [{"source": name, "state": state} for name, state in self.states.items()]

    def load(self, path):
        every = self.every[path.stem]
        schedule = Schedule.model_validate({"every": every}) if every else None
        return SimpleNamespace(source=path.stem, district="05954", schedule=schedule)

    def scheduler(self, at_once=2):
        for name in self.every:
            (self.home / "sources" / f"{name}.yaml").touch()
        register = Register(self.home / "sources", load=self.load)
        memory = ScheduleFile(self.home)
        return Scheduler(self, register, memory, clock=lambda: self.now, at_once=at_once, chance=lambda: 0.0)

    def run_at(self, *minutes, stop=None):
        made = self.scheduler()
        for after in minutes:
            self.now = NOON + timedelta(minutes=after)
            made.run_due(stop or threading.Event())


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_source_runs_once_a_rhythm_and_one_without_schedule_never(place):
    place.run_at(0, 59, 60)
    assert place.ran == ["a", "a"]


def test_a_rhythm_that_is_shorter_than_the_runs_does_not_keep_one_look_going_for_ever(place):
    place.every["a"] = "10s"

    def long(_stop):
        place.now += timedelta(minutes=5)
        return report()

    place.answers["a"] = long
    assert place.scheduler().run_due(threading.Event()) == 1
    assert place.ran == ["a"]


def test_a_restart_does_not_forget_when_a_source_ran(place):
    place.run_at(0)
    place.run_at(30)
    assert place.ran == ["a"]


def test_a_paused_source_is_left_alone_and_runs_soon_after_it_was_resumed(place):
    place.states["a"] = "paused"
    place.run_at(0)
    assert place.ran == []
    place.states["a"] = "active"
    place.run_at(1)
    assert place.ran == ["a"]


def test_a_source_that_was_never_registered_is_left_alone(place):
    del place.states["a"]
    place.run_at(0)
    assert place.ran == []


def test_a_run_by_hand_counts_also_for_a_scheduler_that_is_running(place):
    made = place.scheduler()
    noted_by_hand(ScheduleFile(place.home), "a", NOON, NOON, report())
    place.now = NOON + timedelta(minutes=1)
    assert made.run_due(threading.Event()) == 0
    assert place.ran == []


def test_a_damaged_memory_makes_everything_due(place):
    (place.home / FILE_NAME).write_text("{")
    place.run_at(0)
    assert place.ran == ["a"]


def test_a_source_that_fails_is_left_alone_for_longer_until_a_run_is_good(place):
    place.every["a"] = "1m"
    place.answers["a"] = report("failed")
    place.run_at(0, 4, 5, 34, 35)
    assert place.ran == ["a", "a", "a"]
    place.answers["a"] = report()
    place.run_at(35 + 180, 35 + 181)
    assert len(place.ran) == 5


def test_an_error_of_the_log_counts_as_a_failed_run(place):
    place.every["a"] = "1m"
    place.answers["a"] = AppendFailedError("not taken")
    place.run_at(0, 4)
    assert place.ran == ["a"]


def test_a_source_is_not_touched_before_the_time_it_named(place):
    place.every["a"] = "1m"
    place.answers["a"] = report("failed", "rate_limited: resumes at 2026-11-24T13:00:00+00:00")
    place.run_at(0, 5, 119, 120)
    assert place.ran == ["a", "a"]


def test_a_run_that_somebody_else_makes_just_now_is_no_failure_and_is_looked_at_again(place):
    place.answers["a"] = LockedError("another run is under way")
    place.run_at(0)
    assert ScheduleFile(place.home).read() == {}
    del place.answers["a"]
    place.run_at(1)
    assert place.ran == ["a", "a"]


def test_a_bug_in_one_source_leaves_the_others_running(place):
    place.add("c")
    place.answers["a"] = ZeroDivisionError("a bug")
    place.run_at(0)
    assert sorted(place.ran) == ["a", "c"]
    assert ScheduleFile(place.home).read()["a"].failures == 1


def test_a_log_that_is_not_ours_stops_the_process(place):
    place.answers["a"] = LogUnusableError("another log")
    with pytest.raises(LogUnusableError):
        place.run_at(0)


def test_a_slow_source_delays_no_other(place):
    place.add("slow")
    begun, release = threading.Event(), threading.Event()

    def slow(_stop):
        begun.set()
        release.wait(PATIENCE_S)
        return report()

    def after_slow_began(_stop):
        assert begun.wait(PATIENCE_S)
        release.set()  # only now does the slow one end: had `a` waited for it, both would have run out of patience
        return report()

    place.answers |= {"slow": slow, "a": after_slow_began}
    place.run_at(0)
    assert sorted(place.ran) == ["a", "slow"]
    assert all(past.failures == 0 for past in ScheduleFile(place.home).read().values())


def test_no_more_sources_run_side_by_side_than_allowed(place):
    for number in range(6):
        place.add(f"s{number}")
    place.every["a"] = None
    running, most, alone = [0], [0], threading.Lock()
    together = threading.Barrier(2, timeout=PATIENCE_S)

    def counted(_stop):
        with alone:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait()
        with alone:
            running[0] -= 1
        return report()

    place.answers = {f"s{number}": counted for number in range(6)}
    assert place.scheduler(at_once=2).run_due(threading.Event()) == 6
    assert most[0] == 2


def test_the_source_that_is_due_for_the_longest_time_comes_first(place):
    place.add("c", every="30m")
    memory = ScheduleFile(place.home)
    for name in ("a", "c"):
        noted_by_hand(memory, name, NOON, NOON, report())
    place.now = NOON + timedelta(hours=2)
    place.scheduler(at_once=1).run_due(threading.Event())
    assert place.ran == ["c", "a"]


def test_a_run_that_is_told_to_stop_ends_and_is_due_again_after_the_restart(place):
    stop, begun = threading.Event(), threading.Event()

    def until_stopped(told):
        begun.set()
        assert told.wait(PATIENCE_S)
        raise RunAborted

    place.answers["a"] = until_stopped
    made = place.scheduler()
    thread = threading.Thread(target=made.run_forever, args=(stop,))
    thread.start()
    assert begun.wait(PATIENCE_S)
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert ScheduleFile(place.home).read() == {}
    del place.answers["a"]
    place.run_at(0)
    assert place.ran == ["a", "a"]


def test_a_source_file_is_read_again_when_it_has_changed_only(place):
    loaded = []

    def load(path):
        loaded.append(path)
        return SimpleNamespace(source="a")

    register = Register(place.home / "sources", load=load)
    file = place.home / "sources" / "a.yaml"
    file.write_text("one")
    register.last_known("a")
    register.last_known("a")
    assert len(loaded) == 1
    file.write_text("another")
    register.last_known("a")
    assert len(loaded) == 2


def test_a_source_whose_hold_was_answered_runs_at_once_and_then_by_its_rhythm(place):
    place.run_at(0)
    place.now = NOON + timedelta(minutes=5)
    source = place.load(place.home / "sources" / "a.yaml")
    assert wanted(ScheduleFile(place.home), source, place.now)
    place.run_at(6, 7, 65)
    assert place.ran == ["a", "a"]
    place.run_at(66)
    assert place.ran == ["a", "a", "a"]


def test_an_answer_that_comes_during_a_run_brings_another_one(place):
    memory = ScheduleFile(place.home)

    def answered_meanwhile(_stop):
        place.answers["a"] = report()
        place.now += timedelta(minutes=1)
        wanted(memory, place.load(place.home / "sources" / "a.yaml"), place.now)
        return report("partial")

    place.answers["a"] = answered_meanwhile
    place.run_at(0, 2, 3)
    assert place.ran == ["a", "a"]


def test_a_source_without_schedule_is_run_by_nobody(place):
    assert not wanted(ScheduleFile(place.home), place.load(place.home / "sources" / "b.yaml"), NOON)


class Ticks:
    """A stop signal that lets the scheduler look so many times, a minute apart."""

    def __init__(self, place, count):
        self.place = place
        self.left = count

    def wait(self, _seconds):
        self.left -= 1
        self.place.now += timedelta(minutes=1)
        return self.left < 0

    def is_set(self):
        return self.left < 0


def test_what_needs_no_pull_is_done_for_paused_sources_and_those_without_a_schedule(place):
    place.states["a"] = "paused"
    place.scheduler().run_forever(Ticks(place, 25))
    assert place.looked_after == ["a", "b"] * 3, "every ten minutes"
    assert place.ran == []


def test_a_source_that_cannot_be_looked_after_keeps_no_other_waiting(place):
    place.look_answer = LogUnavailableError("away")
    place.scheduler().run_forever(Ticks(place, 2))
    assert place.looked_after == ["a", "b"]
