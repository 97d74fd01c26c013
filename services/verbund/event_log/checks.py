"""Errors that every log raises in the same words."""

from __future__ import annotations

from collections.abc import Mapping

from verbund.errors import AppendFailedError, LogUnavailableError, LogUnusableError
from verbund.event_log import Positions


def check_positions(positions: Positions, ends: Mapping[str, int], starts: Mapping[str, int] | None = None) -> None:
    """Refuse a position that the log cannot have handed out.

    Raises:
        LogUnusableError: a position lies before its topic's start or beyond its end.
    """
    for topic, position in positions.items():
        start, end = (starts or {}).get(topic, 0), ends.get(topic, 0)
        if not start <= position <= end:
            raise position_lost(topic, position, start, end)


def position_lost(topic: str, position: int, start: int, end: int) -> LogUnusableError:
    """The reader remembers a log that this one is not."""
    return LogUnusableError(
        "position {position} of topic {topic} is not in the log, which holds {start} to {end}: the log was restored, "
        "recreated or cut; restore the right log, or rebuild what was read from it",
        topic=topic,
        position=position,
        start=start,
        end=end,
    )


def closed_for_reading() -> LogUnavailableError:
    """A call after `close`."""
    return LogUnavailableError("the event log was closed in this process; open it again")


def closed_for_appending(topic: str) -> AppendFailedError:
    """An append after `close`."""
    return AppendFailedError("nothing was appended to {topic}: the event log was closed in this process", topic=topic)
