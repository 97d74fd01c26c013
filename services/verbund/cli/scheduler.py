"""The scheduler of this hub, and runs by hand that it is told of."""

from __future__ import annotations

from datetime import datetime
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


def next_start_of(hub: Hub, name: str) -> datetime | None:
    """When the scheduler of this home will start a source; None when it never will: unknown here, paused, no schedule."""
    from verbund.bootstrap import now
    from verbund.cli import register
    from verbund.errors import VerbundError
    from verbund.ingest.rhythm import next_start
    from verbund.ingest.schedule_file import ScheduleFile
    from verbund.views.health import Health

    if name not in register.names(hub.settings.sources_folder):
        return None
    try:
        source = register.of(hub).kept(name)
    except VerbundError:
        return None
    known = Health(hub.engine).source(name, now())
    if source.schedule is None or (known and known.facts and known.facts.change in ("paused", "removed")):
        return None
    return next_start(source.schedule, ScheduleFile(hub.settings.home).read().get(name), now())


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
