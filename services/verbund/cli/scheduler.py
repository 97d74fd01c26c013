"""Runs the sources of this home when they are due: every so often, with jitter, never in forbidden hours."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import structlog

from verbund.cli import register
from verbund.errors import VerbundError

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.ingest.source_file import Schedule, SourceFile

log = structlog.get_logger()

_LOOK_EVERY_S: Final = 1.0
_LOCAL: Final = ZoneInfo("Europe/Berlin")
_FILE: Final = "schedule.json"


def due_at(schedule: Schedule, last_start: datetime | None, *, luck: float) -> datetime:
    """When a source is due: a rhythm and some jitter after its last start; at once when it never ran. `luck` is 0 to 1."""
    if last_start is None:
        return datetime.min.replace(tzinfo=UTC)
    return last_start + schedule.every + schedule.jitter * luck


def is_forbidden(hours: Sequence[str], now: datetime) -> bool:
    """Whether the local time lies in one of the spans `HH:MM-HH:MM`, which may go over midnight."""
    clock = now.astimezone(_LOCAL).time()
    for span in hours:
        begin, end = (time.fromisoformat(part) for part in span.split("-"))
        inside = begin <= clock < end if begin <= end else clock >= begin or clock < end
        if inside:
            return True
    return False


class Scheduler:
    """Runs due sources one after another. Only sources that were applied by hand are run, and no paused ones."""

    def __init__(self, hub: Hub, *, clock: Callable[[], datetime]) -> None:
        self._hub = hub
        self._clock = clock
        self._file = hub.settings.home / _FILE
        self._started = self._load()
        self._luck: dict[str, float] = {}
        self._complained: dict[str, str] = {}

    def run_forever(self, stop: threading.Event) -> None:
        """Run due sources until `stop` is set."""
        while not stop.wait(_LOOK_EVERY_S):
            self.run_due(stop)

    def run_due(self, stop: threading.Event) -> int:
        """Run what is due now; how many sources ran."""
        ran = 0
        for source in self._sources():
            if stop.is_set():
                break
            if self._is_due(source):
                self._run(source)
                ran += 1
        return ran

    def _sources(self) -> list[SourceFile]:
        found = []
        for name in register.names(self._hub.settings.sources_folder):
            try:
                found.append(register.kept(self._hub, name))
                self._complained.pop(name, None)
            except VerbundError as error:
                if self._complained.get(name) != str(error):  # once, not every second
                    log.warning("source_file_unusable", source=name, error=str(error))
                    self._complained[name] = str(error)
        return found

    def _is_due(self, source: SourceFile) -> bool:
        if source.schedule is None or is_forbidden(source.schedule.not_between, self._clock()):
            return False
        luck = self._luck.setdefault(source.source, random.random())
        return self._clock() >= due_at(source.schedule, self._started.get(source.source), luck=luck)

    def _run(self, source: SourceFile) -> None:
        name = source.source
        self._started[name] = self._clock()
        self._luck[name] = random.random()
        self._save()
        if self._is_paused(source):
            return
        try:
            self._hub.ingest.apply(source)
        except VerbundError as error:
            log.warning("run_ended_early", source=name, error=error.error_code, sentence=str(error))

    def _is_paused(self, source: SourceFile) -> bool:
        registered = {facts["source"]: facts["state"] for facts in self._hub.ingest.sources(source.district)}
        return registered.get(source.source) != "active"

    def _load(self) -> dict[str, datetime]:
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            return {name: datetime.fromisoformat(instant) for name, instant in stored.items()}
        except (OSError, ValueError):
            return {}  # then everything is due, which is safe

    def _save(self) -> None:
        fresh = Path(f"{self._file}.new")
        fresh.write_text(json.dumps({name: at.isoformat() for name, at in self._started.items()}), encoding="utf-8")
        fresh.replace(self._file)


def note_start(home: Path, name: str, at: datetime) -> None:
    """Let the scheduler know that a source was run by hand."""
    file = home / _FILE
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        stored = {}
    stored[name] = at.isoformat()
    file.write_text(json.dumps(stored), encoding="utf-8")
