"""Instants in UTC and local wall time, from the texts that feeds hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 2000, 2100  # outside stand typing errors and "for ever"
_ONE_DAY = timedelta(days=1)

DATE_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    Raises:
        ValueError: there is none of that name.
    """
    if not re.fullmatch(r"UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+){1,2}", name):  # no `localtime`: it differs by machine
        raise ValueError("not the name of a time zone")
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:  # KeyError: ZoneInfoNotFoundError
        raise ValueError(f"no time zone is called {name}") from error


def instant(text: str, zone: str) -> str:
    """The instant as `YYYY-MM-DDTHH:MM:SSZ` of an ISO 8601 text with offset, or of one in local wall time of the zone.

    Fractions of a second are cut; a date alone is its midnight.

    Raises:
        ValueError: it is no such text, names a day that does not exist, or a year outside 2000 to 2100.
    """
    return utc(_parse(text, zone_of(zone)))


def local(text: str, zone: str) -> str:
    """The local wall time in the zone as `YYYY-MM-DDTHH:MM:SS`, from the same texts as `instant`.

    Raises:
        ValueError: as `instant`.
    """
    there = zone_of(zone)
    return _parse(text, there).astimezone(there).replace(tzinfo=None).isoformat(timespec="seconds")


def day_start(day: date | str, zone: str) -> str:
    """The instant at which the day begins in the zone.

    Raises:
        ValueError: as `instant`.
    """
    return utc(datetime.combine(_day(day), time.min, tzinfo=zone_of(zone)))


def day_end(day: date | str, zone: str) -> str:
    """The instant at which the day is over in the zone: the next midnight, so exclusive.

    Raises:
        ValueError: as `instant`.
    """
    return day_start(_day(day) + _ONE_DAY, zone)


def _parse(text: str, zone: ZoneInfo) -> datetime:
    found = DATE_TIME.fullmatch(text.strip())
    if not found:
        raise ValueError("not a date or time of ISO 8601")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    check_year(year)
    wall = datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - wall time, the zone comes below
    offset = found[7]
    if not offset:
        return wall.replace(tzinfo=zone)
    return datetime.fromisoformat(wall.isoformat() + offset.replace("Z", "+00:00"))


def _day(day: date | str) -> date:
    parsed = date.fromisoformat(day) if isinstance(day, str) else day
    check_year(parsed.year)
    return parsed


def check_year(year: int) -> None:
    """Raises ValueError for years outside 2000 to 2100."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")


def utc(moment: datetime) -> str:
    """The moment as `YYYY-MM-DDTHH:MM:SSZ`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
