"""The scheduler of this hub, and runs by hand that it is told of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.ingest.pull import Progress
    from verbund.ingest.report import RunReport
    from verbund.ingest.scheduler import Scheduler
    from verbund.ingest.source_file import SourceFile


def of(hub: Hub) -> Scheduler:
    """The scheduler over the sources of this hub."""
    from verbund.bootstrap import now
    from verbund.cli import register
    from verbund.ingest.schedule_file import ScheduleFile
    from verbund.ingest.scheduler import Scheduler

    settings = hub.settings
    memory = ScheduleFile(settings.home)
    return Scheduler(hub.ingest, register.of(hub), memory, clock=now, at_once=settings.runs_at_once)


def apply_now(hub: Hub, source: SourceFile, *, progress: Progress | None = None) -> RunReport:
    """Run a source at once, which registers it; its rhythm starts here.

    Raises:
        VerbundError: see `Ingest.apply`.
    """
    from verbund.bootstrap import now
    from verbund.cli import register
    from verbund.ingest.schedule_file import ScheduleFile
    from verbund.ingest.scheduler import noted_by_hand

    started_at = now()
    report = hub.ingest.apply(source, progress=progress) if progress else hub.ingest.apply(source)
    noted_by_hand(ScheduleFile(hub.settings.home), source.source, started_at, now(), report)
    register.of(hub).keep(source)
    return report
