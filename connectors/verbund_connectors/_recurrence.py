"""Rules of recurrence: taken apart, normalised, and expanded in local wall time.

The expansion is our own: python-dateutil, which the tests compare it with, searches up to the year 9999 for a date that
a rule never has, for minutes; here the days between the first start and the horizon bound the work.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from verbund_connectors._instants import DATE_TIME, FIRST_YEAR, LAST_YEAR, check_year, utc, zone_of

MAX_DATES = 1_000  # of one expansion

_WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_BY_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_UNTIL = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?", re.ASCII)
# Lists of numbers: lowest and highest magnitude, and whether they may count from the end.
_NUMBERS = {"BYMONTH": (1, 12, False), "BYMONTHDAY": (1, 31, True), "BYSETPOS": (1, 366, True)}


@dataclass(frozen=True, slots=True)
class _Rule:
    freq: str
    interval: int = 1
    count: int | None = None
    until: str | None = None
    by_day: tuple[tuple[int, int], ...] = ()  # (n-th or 0, weekday)
    by_month: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_set_position: tuple[int, ...] = ()
    week_start: int = 0


@lru_cache(maxsize=1024)  # courses of one term have one rule
def rrule_value(text: str) -> str:
    """The one RRULE value in a text: upper case, `BYDAY` without plus signs, other lines (DTSTART, EXDATE) left out.

    Taken is what a course or a meeting may say: FREQ of days to years, INTERVAL, COUNT or UNTIL, BYDAY, BYMONTH,
    BYMONTHDAY, BYSETPOS, WKST.

    Raises:
        ValueError: no rule or several, or one that is refused: other parts, FREQ below a day, an INTERVAL below 1.
    """
    unfolded = re.sub(r"\r?\n[ \t]", "", text.strip())
    lines = [line.strip().upper() for line in unfolded.splitlines()]
    rules = [line.removeprefix("RRULE:") for line in lines if line.startswith(("RRULE:", "FREQ="))]
    if len(rules) != 1:
        raise ValueError(f"{len(rules)} rules of recurrence instead of one")
    value = re.sub(r"(?<=[=,])\+(?=\d)", "", rules[0].rstrip(";"))
    _rule(value)
    return value


def _rule(value: str) -> _Rule:
    parts: dict[str, str] = {}
    for part in value.split(";"):
        name, equals, given = part.partition("=")
        if not equals or not given or name in parts:
            raise ValueError("a part of the rule is empty or stands twice")
        parts[name] = given
    freq = parts.pop("FREQ", "")
    if freq not in _FREQUENCIES:
        raise ValueError("the frequency of the rule is not daily, weekly, monthly or yearly")
    rule = _Rule(
        freq,
        interval=_positive(parts.pop("INTERVAL", "1"), "INTERVAL"),
        count=_positive(parts.pop("COUNT"), "COUNT") if "COUNT" in parts else None,
        until=_until(parts.pop("UNTIL")) if "UNTIL" in parts else None,
        by_day=_by_day(parts.pop("BYDAY", ""), freq),
        by_month=_numbers(parts, "BYMONTH"),
        by_month_day=_numbers(parts, "BYMONTHDAY"),
        by_set_position=_numbers(parts, "BYSETPOS"),
        week_start=_weekday(parts.pop("WKST", "MO")),
    )
    if parts:
        raise ValueError(f"the rule has the part {min(parts)[:20]}, which is not taken")
    if rule.count and rule.until:
        raise ValueError("the rule has both COUNT and UNTIL")
    if rule.by_month_day and freq == "WEEKLY":
        raise ValueError("a weekly rule has no BYMONTHDAY")
    return rule


def _positive(text: str, name: str) -> int:
    if not re.fullmatch(r"\d{1,5}", text, re.ASCII) or int(text) < 1:
        raise ValueError(f"{name} is not a number from 1")
    return int(text)


def _until(text: str) -> str:
    found = _UNTIL.fullmatch(text)
    if not found:
        raise ValueError("UNTIL is not a date")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - only whether there is such a day
    return text


def _by_day(text: str, freq: str) -> tuple[tuple[int, int], ...]:
    days = []
    for part in text.split(",") if text else ():
        found = _BY_DAY.fullmatch(part)
        if not found:
            raise ValueError("BYDAY is not a list of weekdays")
        ordinal = int(found[1] or 0)
        if found[1] and (not 1 <= abs(ordinal) <= 53 or freq in {"DAILY", "WEEKLY"}):
            raise ValueError("BYDAY counts weekdays where that is not possible")
        days.append((ordinal, _WEEKDAYS[found[2]]))
    return tuple(days)


def _weekday(text: str) -> int:
    if text not in _WEEKDAYS:
        raise ValueError("WKST is not a weekday")
    return _WEEKDAYS[text]


def _numbers(parts: dict[str, str], name: str) -> tuple[int, ...]:
    lowest, highest, from_end = _NUMBERS[name]
    pattern = r"-?\d{1,3}" if from_end else r"\d{1,3}"
    numbers = []
    for part in parts.pop(name).split(",") if name in parts else ():
        if not re.fullmatch(pattern, part, re.ASCII) or not lowest <= abs(int(part)) <= highest:
            raise ValueError(f"{name} is not a list of numbers from {lowest} to {highest}")
        numbers.append(int(part))
    return tuple(numbers)


# --- expansion -------------------------------------------------------------------------------------------------------


def expand(
    recurrence: Mapping[str, Any], *, since: date, until: date, limit: int = MAX_DATES
) -> list[tuple[str, str | None]]:
    """Start and end, as instants, of the occurrences that are not over before `since` and begin no later than `until`.

    `recurrence` is a record `Recurrence`; both days are local days of its zone and count. In order, at most `limit`.
    The work is bounded by the days between the first start and `until`, whatever the rule says.

    Raises:
        ValueError: the rule or one of the times is none.
    """
    zone = zone_of(recurrence.get("zone") or "Europe/Berlin")
    first = _wall(recurrence["start"])
    lasts = _wall(recurrence["end"]) - first if recurrence.get("end") else None
    skipped = {_wall(text) for text in recurrence.get("exceptions") or ()}
    horizon = datetime.combine(min(until, date(LAST_YEAR, 12, 31)), time.max)
    from_day = datetime.combine(since, time.min)
    found: list[tuple[str, str | None]] = []
    for start in _starts(_rule(rrule_value(recurrence["rule"])), first, horizon, zone):
        over = start + (lasts or timedelta())
        if over < from_day or (over == from_day and lasts) or start in skipped:
            continue
        if len(found) >= limit:
            break
        found.append(_instants(start, lasts, zone))
    return found


def _wall(text: str) -> datetime:
    found = DATE_TIME.fullmatch(text)
    if not found or found[7]:
        raise ValueError("not a local wall time")
    check_year(int(found[1]))
    return datetime.fromisoformat(text)


def _instants(start: datetime, lasts: timedelta | None, zone: ZoneInfo) -> tuple[str, str | None]:
    begins = start.replace(tzinfo=zone).astimezone(UTC)
    if lasts is None:
        return utc(begins), None
    # It ends when the clock on the wall says so, unless the jump of the clock lies in between and makes that too early.
    ends = (start + lasts).replace(tzinfo=zone).astimezone(UTC)
    return utc(begins), utc(ends if ends > begins or not lasts else begins + lasts)


def _starts(rule: _Rule, first: datetime, horizon: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    if rule.until:
        horizon = min(horizon, _last_start(rule.until, zone))
    left = rule.count
    for days in _periods(rule, first.date(), horizon.date()):
        for day in _positions(days, rule.by_set_position):
            start = datetime.combine(day, first.time())
            if start < first:
                continue
            if start > horizon or left == 0:
                return
            left = left and left - 1
            yield start


def _last_start(until: str, zone: ZoneInfo) -> datetime:
    found = _UNTIL.fullmatch(until)
    assert found  # noqa: S101 - `_rule` has checked it
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if found[4] is None:
        hour, minute, second = 23, 59, 59  # a date counts to its end
    moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - wall time
    if found[7] and FIRST_YEAR <= year <= LAST_YEAR:
        return moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return moment


def _positions(days: Sequence[date], positions: tuple[int, ...]) -> Sequence[date]:
    if not positions:
        return days
    chosen = {days[p - 1 if p > 0 else p] for p in positions if abs(p) <= len(days)}
    return sorted(chosen)


def _periods(rule: _Rule, first: date, last: date) -> Iterator[list[date]]:
    """The candidate days of one period of the rule after the other, each list in order, up to the last day."""
    if rule.freq == "DAILY":
        for number in range(first.toordinal(), last.toordinal() + 1, rule.interval):
            yield [day for day in (date.fromordinal(number),) if _fits(rule, day)]
    elif rule.freq == "WEEKLY":
        wanted = {weekday for _, weekday in rule.by_day} or {first.weekday()}
        monday = first.toordinal() - (first.weekday() - rule.week_start) % 7
        for number in range(monday, last.toordinal() + 1, 7 * rule.interval):
            week = (date.fromordinal(number + shift) for shift in range(7))
            yield [d for d in week if d.weekday() in wanted and (not rule.by_month or d.month in rule.by_month)]
    elif rule.freq == "MONTHLY":
        for number in range(first.year * 12 + first.month - 1, last.year * 12 + last.month, rule.interval):
            year, month = divmod(number, 12)
            yield _month(rule, year, month + 1, first) if not rule.by_month or month + 1 in rule.by_month else []
    else:
        for year in range(first.year, last.year + 1, rule.interval):
            yield _year(rule, year, first)


def _fits(rule: _Rule, day: date) -> bool:
    return (
        (not rule.by_month or day.month in rule.by_month)
        and (not rule.by_month_day or _is_month_day(day, rule.by_month_day))
        and (not rule.by_day or any(weekday == day.weekday() for _, weekday in rule.by_day))
    )


def _is_month_day(day: date, wanted: tuple[int, ...]) -> bool:
    length = calendar.monthrange(day.year, day.month)[1]
    return day.day in wanted or day.day - length - 1 in wanted


def _month(rule: _Rule, year: int, month: int, first: date) -> list[date]:
    length = calendar.monthrange(year, month)[1]
    days = [date(year, month, number) for number in range(1, length + 1)]
    if rule.by_month_day:
        days = [day for day in days if _is_month_day(day, rule.by_month_day)]
    elif not rule.by_day:
        return [day for day in days if day.day == first.day]
    return [day for day in days if not rule.by_day or _is_nth(day, rule.by_day, date(year, month, 1), length)]


def _year(rule: _Rule, year: int, first: date) -> list[date]:
    if rule.by_month or rule.by_month_day or not rule.by_day:
        # BYMONTHDAY alone means every month; nothing at all, the month of the first start.
        months = rule.by_month or (range(1, 13) if rule.by_month_day else (first.month,))
        return [day for month in sorted(set(months)) for day in _month(rule, year, month, first)]
    length = 366 if calendar.isleap(year) else 365
    opening = date(year, 1, 1)
    days = (opening + timedelta(days=shift) for shift in range(length))
    return [day for day in days if _is_nth(day, rule.by_day, opening, length)]


def _is_nth(day: date, wanted: tuple[tuple[int, int], ...], opening: date, length: int) -> bool:
    """Whether it is one of the wanted weekdays of the span that begins at `opening` and has `length` days."""
    index = (day - opening).days
    from_start, from_end = index // 7 + 1, -((length - 1 - index) // 7) - 1
    return any(weekday == day.weekday() and n in {0, from_start, from_end} for n, weekday in wanted)
