"""When a source is due: its rhythm, what its last runs did to it, and the hours in which it is left alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from verbund import hours
from verbund.ingest.source_file import Schedule

#: A source whose runs fail is left alone for so long: after the first failed run, the second, the third. Whoever is in
#: trouble that passes is not pressed; after that its own rhythm goes on, so that we notice when it is well again.
BACK_OFF: Final = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))

#: A source that says "in three weeks" means "not now"; we look again tomorrow at the latest.
LONGEST_PAUSE: Final = timedelta(days=1)

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is remembered of the runs of a source; all of it may be lost at the price of one run too early.

    Attributes:
        started_at, ended_at: of the last run.
        luck: 0 to 1: how much of the jitter the next run takes.
        failures: runs that failed since the last one that did not.
        resumes_at: the source said not to be asked before.
        wanted_at: a person asked for a run then; it makes the source due once, but for back-off and patience.
    """

    started_at: datetime
    ended_at: datetime | None = None
    luck: float = 0.0
    failures: int = 0
    resumes_at: datetime | None = None
    wanted_at: datetime | None = None

    def after(self, ended_at: datetime, outcome: str, *, resumes_at: datetime | None = None) -> Past:
        """What is remembered after the run that began then; who asks for enough patience has not failed."""
        patient = resumes_at is not None and resumes_at - ended_at >= BACK_OFF[0]
        failed = outcome == "failed" and not patient
        return replace(
            self,
            ended_at=ended_at,
            failures=self.failures + 1 if failed else 0,
            resumes_at=_capped(resumes_at, ended_at),
        )


def due_at(schedule: Schedule, past: Past | None, now: datetime) -> datetime:
    """From when on a source is due: at once when it never ran, or ran in a future that a clock made up."""
    if past is None or past.started_at > now:
        return _LONG_AGO
    due = past.started_at + schedule.every + schedule.jitter * past.luck
    if past.wanted_at is not None and past.started_at < past.wanted_at <= now:
        due = min(due, past.wanted_at)
    if 0 < past.failures <= len(BACK_OFF):
        due = max(due, (past.ended_at or past.started_at) + BACK_OFF[past.failures - 1])
    resumes_at = _capped(past.resumes_at, now)
    return max(due, resumes_at) if resumes_at else due


def next_start(schedule: Schedule, past: Past | None, now: datetime) -> datetime:
    """When the scheduler will start it, if it is free then: not before now and not in forbidden hours."""
    return hours.free_from(schedule.not_between, max(due_at(schedule, past, now), now))


def is_due(schedule: Schedule, past: Past | None, now: datetime) -> bool:
    """Whether it is to be run now."""
    return not hours.covered(schedule.not_between, now) and due_at(schedule, past, now) <= now


def _capped(instant: datetime | None, now: datetime) -> datetime | None:
    return None if instant is None else min(instant, now + LONGEST_PAUSE)
