"""What the scheduler remembers of each source, in one small file that may be lost."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from verbund.ingest.rhythm import Past

FILE_NAME: Final = "schedule.json"
_INSTANTS: Final = frozenset({"started_at", "ended_at", "resumes_at", "wanted_at"})


class ScheduleFile:
    """The pasts of all sources of a home. Several processes may note runs; each change is whole or not there."""

    def __init__(self, home: Path) -> None:
        self._file = home / FILE_NAME

    def read(self) -> dict[str, Past]:
        """What is remembered; of a file that cannot be read, nothing: then everything is due, which is safe."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(stored, dict):
            return {}
        return {name: past for name, facts in stored.items() if (past := _past(facts)) is not None}

    def note(self, name: str, change: Callable[[Past | None], Past | None]) -> None:
        """Remember what `change` makes of what was remembered of this source; None forgets it."""
        with self._alone():
            pasts = self.read()
            past = change(pasts.pop(name, None))
            if past is not None:
                pasts[name] = past
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps({name: _facts(past) for name, past in pasts.items()}), encoding="utf-8")
            fresh.replace(self._file)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _facts(past: Past) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(past).items()
        if value is not None
    }


def _past(facts: object) -> Past | None:
    if isinstance(facts, str):  # earlier versions kept the last start alone
        facts = {"started_at": facts}
    if not isinstance(facts, Mapping):
        return None
    try:
        instants = {name: datetime.fromisoformat(facts[name]) for name in _INSTANTS & facts.keys()}
        numbers = {"luck": float(facts.get("luck", 0.0)), "failures": int(facts.get("failures", 0))}
        if any(instant.tzinfo is None for instant in instants.values()):
            return None
        return Past(**instants, **numbers)  # type: ignore[arg-type]  # float and int, each under its name
    except (TypeError, ValueError):
        return None
