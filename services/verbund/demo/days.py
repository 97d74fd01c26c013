"""Days counted from today, so that what starts next week always does."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

BERLIN: Final = ZoneInfo("Europe/Berlin")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY = range(7)
SHORT_DE: Final = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
ICAL: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def weekday_in(today: date, weeks: int, weekday: int) -> date:
    """That weekday in the week that begins `weeks` Mondays from now; `weeks` 1 is next week."""
    next_monday = today + timedelta(days=7 - today.weekday())
    return next_monday + timedelta(weeks=weeks - 1, days=weekday)


def first_in_month(today: date, months: int, weekday: int) -> date:
    """The first such weekday of the month so many months from now."""
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    begin = date(year, month + 1, 1)
    return begin + timedelta(days=(weekday - begin.weekday()) % 7)


def at(day: date, clock: str) -> datetime:
    """That local time, `HH:MM`, in Berlin."""
    return datetime.combine(day, time.fromisoformat(clock), BERLIN)


def utc(moment: datetime) -> str:
    """The instant in UTC with Z, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def german(day: date | None) -> str:
    """`01.02.2027`, or nothing."""
    return day.strftime("%d.%m.%Y") if day else ""
