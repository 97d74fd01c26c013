"""Runs the sources of this home when they are due, several side by side, so that a slow one delays no other."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import structlog

from verbund import patience
from verbund.errors import LockedError, LogUnusableError, VerbundError
from verbund.ingest.limits import RunAborted
from verbund.ingest.register import Register
from verbund.ingest.report import RunReport
from verbund.ingest.rhythm import Past, due_at, is_due
from verbund.ingest.schedule_file import ScheduleFile
from verbund.ingest.source_file import SourceFile

log = structlog.get_logger()

_LOOK_EVERY_S: Final = 1.0
# A source that is paused or run by somebody else just now is not asked about every second.
_LOOK_AGAIN_AFTER: Final = timedelta(minutes=1)
# What needs no pull is done for each source so often, also for those that are paused or have no schedule.
_LOOK_AFTER_EVERY: Final = timedelta(minutes=10)


class Runs(Protocol):
    """What the scheduler needs of ingest."""

    def apply(self, source: SourceFile, *, stop: threading.Event | None = None) -> RunReport:
        """One run; ends early, as `RunAborted`, once `stop` is set."""
        ...

    def sources(self, district: str) -> list[dict[str, Any]]:
        """Facts of the registered sources of a district."""
        ...

    def look_after(self, source: SourceFile) -> int:
        """What needs no pull: people's decisions, and offers that are over by their dates."""
        ...


class Scheduler:
    """Runs due sources. Only sources that were applied by hand are run, and no paused ones.

    Args:
        at_once: how many sources are run side by side.
        chance: 0 to 1, drawn anew for each run: how much of its jitter is taken.
    """

    def __init__(
        self,
        runs: Runs,
        register: Register,
        memory: ScheduleFile,
        *,
        clock: Callable[[], datetime],
        at_once: int,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._runs = runs
        self._register = register
        self._memory = memory
        self._clock = clock
        self._chance = chance
        self._free = threading.Semaphore(at_once)
        self._under_way: dict[str, threading.Thread] = {}
        self._looked_after: datetime | None = None
        self._not_before: dict[str, datetime] = {}
        self._complained: dict[str, str] = {}
        self._failure: BaseException | None = None

    def run_forever(self, stop: threading.Event) -> None:
        """Run due sources until `stop` is set; then the runs that are under way end too.

        Raises:
            LogUnusableError: a person must look at the log first.
        """
        while not stop.wait(_LOOK_EVERY_S):
            self._start_due(stop)
            self._look_after(stop)
            self._raise_failure()
        self._join()

    def run_due(self, stop: threading.Event) -> int:
        """Run what is due now, each source once, and wait for it; how many sources ran."""
        started = 0
        try:
            started = self._start_due(stop, wait=True)
            self._join()
        except KeyboardInterrupt:
            stop.set()
            self._join()
            raise
        self._raise_failure()
        return started

    def _start_due(self, stop: threading.Event, *, wait: bool = False) -> int:
        """Start what is due as far as there is room; the source that is due for the longest time first."""
        now = self._clock()
        pasts = self._memory.read()
        self._under_way = {name: thread for name, thread in self._under_way.items() if thread.is_alive()}
        waiting = [source for source in self._sources() if self._may_run(source, pasts.get(source.source), now)]
        started = 0
        for source in sorted(waiting, key=lambda source: _due(source, pasts, now)):
            if stop.is_set() or not self._free.acquire(blocking=wait):
                break
            thread = threading.Thread(target=self._run, args=(source, stop), name=f"run {source.source}", daemon=True)
            self._under_way[source.source] = thread
            thread.start()
            started += 1
        return started

    def _look_after(self, stop: threading.Event) -> None:
        """Do what needs no pull, from time to time."""
        now = self._clock()
        if self._looked_after is not None and now - self._looked_after < _LOOK_AFTER_EVERY:
            return
        self._looked_after = now
        for source in self._sources():
            if stop.is_set():
                return
            try:
                if over := self._runs.look_after(source):
                    log.info("offers_expired", source=source.source, offers=over)
            except LockedError:
                continue  # its run does the same
            except LogUnusableError as error:
                self._failure = error
            except VerbundError as error:
                log.warning(
                    "source_not_looked_after", source=source.source, error=error.error_code, sentence=str(error)
                )

    def _sources(self) -> list[SourceFile]:
        found = []
        for name in self._register.names():
            try:
                found.append(self._register.last_known(name))
                self._complained.pop(name, None)
            except VerbundError as error:
                if self._complained.get(name) != str(error):  # once, not every second
                    log.warning("source_file_unusable", source=name, error=str(error))
                    self._complained[name] = str(error)
        return found

    def _may_run(self, source: SourceFile, past: Past | None, now: datetime) -> bool:
        name = source.source
        if source.schedule is None or name in self._under_way or now < self._not_before.get(name, now):
            return False
        return is_due(source.schedule, past, now)

    # --- one run, in a thread of its own -----------------------------------------------------------------------------

    def _run(self, source: SourceFile, stop: threading.Event) -> None:
        try:
            self._run_noted(source, stop)
        except LogUnusableError as error:
            self._failure = error
        except VerbundError as error:
            self._look_again_later(source.source)
            log.warning("run_not_started", source=source.source, error=error.error_code, sentence=str(error))
        except Exception:
            self._look_again_later(source.source)
            log.exception("run_broken", source=source.source)
        finally:
            self._free.release()

    def _run_noted(self, source: SourceFile, stop: threading.Event) -> None:
        """One run, and what the scheduler remembers of it."""
        name = source.source
        if self._is_paused(source):
            self._look_again_later(name)
            return
        before = self._memory.read().get(name)
        began = Past(started_at=self._clock(), luck=self._chance(), failures=before.failures if before else 0)
        self._memory.note(name, lambda _past: began)
        try:
            report = self._runs.apply(self._register.kept(name), stop=stop)
        except (RunAborted, LockedError) as end:
            self._memory.note(name, lambda past: before if past == began else past)  # as if it had not begun
            self._look_again_later(name)
            log.info("run_given_up", source=name, why=type(end).__name__)
        except VerbundError as error:
            self._memory.note(name, lambda past: _wanted_still(past, began.after(self._clock(), "failed")))
            if isinstance(error, LogUnusableError):
                raise
            log.warning("run_ended_early", source=name, error=error.error_code, sentence=str(error))
        except Exception:
            self._memory.note(name, lambda past: _wanted_still(past, began.after(self._clock(), "failed")))
            raise
        else:
            until = patience.resumes_at(report.document["completeness"]["parts"])
            ended = began.after(self._clock(), report.outcome, resumes_at=until)
            self._memory.note(name, lambda past: _wanted_still(past, ended))

    def _is_paused(self, source: SourceFile) -> bool:
        registered = {facts["source"]: facts["state"] for facts in self._runs.sources(source.district)}
        return registered.get(source.source) != "active"

    def _look_again_later(self, name: str) -> None:
        self._not_before[name] = self._clock() + _LOOK_AGAIN_AFTER

    def _join(self) -> None:
        for thread in list(self._under_way.values()):
            thread.join()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _due(source: SourceFile, pasts: Mapping[str, Past], now: datetime) -> datetime:
    return due_at(source.schedule, pasts.get(source.source), now) if source.schedule else now


def _wanted_still(past: Past | None, ended: Past) -> Past:
    """What is remembered of a run that ended; whoever asked for one while it went on gets another."""
    return replace(ended, wanted_at=past.wanted_at) if past else ended


def wanted(memory: ScheduleFile, source: SourceFile, now: datetime) -> bool:
    """Let the scheduler run this source once as soon as it may; whether that is now."""
    if source.schedule is None:
        return False
    memory.note(source.source, lambda past: replace(past, wanted_at=now) if past else None)
    return is_due(source.schedule, memory.read().get(source.source), now)


def noted_by_hand(memory: ScheduleFile, name: str, started_at: datetime, ended_at: datetime, report: RunReport) -> None:
    """Let the scheduler know of a run that somebody made by hand."""
    until = patience.resumes_at(report.document["completeness"]["parts"])

    def change(past: Past | None) -> Past:
        fresh = replace(past, started_at=started_at) if past else Past(started_at=started_at)
        return fresh.after(ended_at, report.outcome, resumes_at=until)

    memory.note(name, change)
