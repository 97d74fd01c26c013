"""Reads a whole log and says whether every event in it is sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from verbund.errors import UnreadableEventError
from verbund.event_log import EventLog
from verbund.events import Recorded

#: Name under which records are counted that do not even say their type.
UNREADABLE = "unreadable"

# Topics that one district's ingest writes; all events in them name that district.
_OF_ONE_DISTRICT = frozenset({"inventory", "contacts", "runs"})

# Longer than any log needs to hand out what it says it has.
_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class BadEvent:
    """The first event of a topic's order that is not sound, and why."""

    topic: str
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What a log holds.

    Attributes:
        events: all that were read.
        by_type, by_topic: how many of each.
        bad: how many are not sound.
        first_bad: the first of them, or None.
    """

    events: int
    by_type: Mapping[str, int]
    by_topic: Mapping[str, int]
    bad: int
    first_bad: BadEvent | None

    @property
    def ok(self) -> bool:
        """Every event is sound."""
        return self.bad == 0


def verify(log: EventLog, *, progress: Callable[[int], None] | None = None) -> Verification:
    """Read and decode everything up to the ends of now; memory does not grow with the log.

    Args:
        log: any.
        progress: called with the number of events read so far, after each page.

    Raises:
        LogUnavailableError, LogUnusableError: as `EventLog.read`.
    """
    by_type: Counter[str] = Counter()
    by_topic: Counter[str] = Counter()
    bad = 0
    first_bad: BadEvent | None = None
    for topic, end in sorted(log.end().items()):
        position = 0
        while position < end:
            page = log.read({topic: position}, wait=_PATIENCE)
            found = _problems(topic, page, position, end)
            bad += len(found)
            first_bad = first_bad or next(iter(found), None)
            by_type.update(record.type or UNREADABLE for record in page)
            by_topic[topic] += len(page)
            position = page[-1].position + 1 if page else end
            if progress:
                progress(by_topic.total())
    return Verification(by_topic.total(), dict(by_type), dict(by_topic), bad, first_bad)


def _problems(topic: str, page: list[Recorded], position: int, end: int) -> list[BadEvent]:
    if not page:
        return [BadEvent(topic, position, f"records {position} to {end} cannot be read")]
    found = []
    for record in page:
        reason = "position read twice" if record.position < position else problem(record)
        if reason is not None:
            found.append(BadEvent(record.topic, record.position, reason))
        position = record.position + 1
    return found


def problem(record: Recorded) -> str | None:
    """Why the event is not sound, or None: envelope complete, of this topic's district, body readable."""
    missing = [name for name in ("id", "type", "source", "subject", "time", "schema") if not getattr(record, name)]
    if missing:
        return f"no {', '.join(missing)}"
    kind, _, district = record.topic.partition(".")
    if kind in _OF_ONE_DISTRICT and record.source.partition("/")[0] != district:
        return f"source {record.source} in a topic of {district}"
    try:
        UUID(record.id)
        datetime.fromisoformat(record.time)
        _ = record.data
    except UnreadableEventError as error:
        return str(error)
    except ValueError as error:
        return f"id or time: {error}"
    return None
