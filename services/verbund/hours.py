"""Spans of local time in which something must not happen: `22:00-06:00`, `sat-sun`, `mon-fri 18:00-24:00`.

Spans are read off the clock on the wall: a night in which the clock is put back is an hour longer, and an hour that a
night leaves out is in no span.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

#: The wall clock of every district.
LOCAL: Final = ZoneInfo("Europe/Berlin")

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?)?\s*"
    r"(?:(?P<begin>\d\d:\d\d)-(?P<end>\d\d:\d\d))?",
    re.IGNORECASE,
)
_DAY_MINUTES: Final = 24 * 60
_WHOLE_WEEK: Final = frozenset(range(7))
# Spans follow each other; more steps than a week of them has means that they never end.
_MOST_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes of the day from `begin` up to, not including, `end`, which may lie after midnight, on days that begin there.

    Attributes:
        days: 0 is Monday; a span over midnight belongs to the day on which it begins.
    """

    begin: int
    end: int
    days: frozenset[int] = _WHOLE_WEEK

    def covers(self, at: datetime) -> bool:
        """Whether this instant lies in it, by the local clock."""
        local = at.astimezone(LOCAL)
        minute = local.hour * 60 + local.minute
        if self.begin < self.end:
            return local.weekday() in self.days and self.begin <= minute < self.end
        begun_today = local.weekday() in self.days and minute >= self.begin
        begun_yesterday = (local.weekday() - 1) % 7 in self.days and minute < self.end
        return begun_today or begun_yesterday


def parsed(text: str) -> Span:
    """A span as it is written in settings.

    Raises:
        ValueError: it is none.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None or not text.strip():
        raise ValueError(f"{text!r} is no span of time; write it as 22:00-06:00, sat-sun or mon-fri 18:00-24:00")
    begin, end = _minute(match["begin"] or "00:00"), _minute(match["end"] or "24:00")
    if begin in (end, _DAY_MINUTES):
        raise ValueError(f"{text!r} is no span of time: it ends where it begins")
    return Span(begin, end, _days(match["first"], match["last"]))


def covered(spans: Iterable[str], at: datetime) -> bool:
    """Whether one of the spans covers this instant."""
    return any(parsed(span).covers(at) for span in spans)


def free_from(spans: Iterable[str], at: datetime) -> datetime:
    """The first instant from `at` on that no span covers; `at` itself when they cover the whole week."""
    known = [parsed(span) for span in spans]
    free = at
    for _ in range(_MOST_STEPS):
        around = next((span for span in known if span.covers(free)), None)
        if around is None:
            return free
        free = _end_of(around, free)
    return at


def shown(at: datetime, language: str, *, now: datetime) -> str:
    """A local time of day, with its day unless that is today."""
    local = at.astimezone(LOCAL)
    if local.date() == now.astimezone(LOCAL).date():
        return local.strftime("%H:%M")
    return local.strftime("%d.%m.%Y %H:%M" if language == "de" else "%Y-%m-%d %H:%M")


def _end_of(span: Span, at: datetime) -> datetime:
    today = at.astimezone(LOCAL).date()
    ends = (_instant(day, span.end, fold) for day in (today, today + timedelta(days=1)) for fold in (0, 1))
    return min(end for end in ends if end > at)


def _instant(day: date, minute: int, fold: int) -> datetime:
    if minute == _DAY_MINUTES:
        day, minute = day + timedelta(days=1), 0
    return datetime.combine(day, time(minute // 60, minute % 60, fold=fold), LOCAL).astimezone(UTC)


def _minute(clock: str) -> int:
    hour, minute = int(clock[:2]), int(clock[3:])
    if minute > 59 or hour * 60 + minute > _DAY_MINUTES:
        raise ValueError(f"{clock} is no time of day")
    return hour * 60 + minute


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return _WHOLE_WEEK
    begin, end = _weekday(first), _weekday(last or first)
    return frozenset((begin + step) % 7 for step in range((end - begin) % 7 + 1))


def _weekday(name: str) -> int:
    try:
        return _DAYS.index(name.lower())
    except ValueError:
        raise ValueError(f"{name} is no day; the days are {', '.join(_DAYS)}") from None
