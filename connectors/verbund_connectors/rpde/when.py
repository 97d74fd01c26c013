"""When an OpenActive thing takes place: single dates and schedules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from verbund_connectors import times, values
from verbund_connectors.german import parse_date
from verbund_connectors.kit import Reject, occurrence
from verbund_connectors.rpde.records import last_word, type_of

ZONE = "Europe/Berlin"
# A year of daily sessions; an event must stay below 900 KiB.
MAX_STARTS = 400

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WEEKDAYS = {
    "monday": "MO",
    "tuesday": "TU",
    "wednesday": "WE",
    "thursday": "TH",
    "friday": "FR",
    "saturday": "SA",
    "sunday": "SU",
}
_CODES = tuple(_WEEKDAYS.values())
_FREQUENCY = re.compile(r"P(\d+)([DWMY])")
_FREQUENCIES = {"D": "DAILY", "W": "WEEKLY", "M": "MONTHLY", "Y": "YEARLY"}
_STATUS = {"EventCancelled": "cancelled", "EventPostponed": "postponed"}


def status_of(thing: Mapping[str, Any]) -> str | None:
    """`cancelled`, `postponed`, `scheduled`; None when the source does not say."""
    given = thing.get("eventStatus")
    if not isinstance(given, str) or not given:
        return None
    return _STATUS.get(last_word(given), "scheduled")


def start_of(thing: Mapping[str, Any], zone: str = ZONE) -> dict[str, Any] | None:
    """The occurrence that a thing with `startDate` is; None when it has no usable one."""
    text = thing.get("startDate")
    if not isinstance(text, str):
        return None
    all_day = _DAY.fullmatch(text) is not None
    start = values.instant(text, zone)
    if start is None:
        return None
    seats = values.whole(thing.get("maximumAttendeeCapacity"))
    free = values.whole(thing.get("remainingAttendeeCapacity"))
    status = status_of(thing)
    if free == 0 and status in {None, "scheduled"}:
        status = "full"
    end = _end_of(thing, text, start, zone, all_day=all_day)
    return occurrence(start, end, all_day=all_day, zone=zone, seats=seats, seats_free=free, status=status)


def _end_of(thing: Mapping[str, Any], start_text: str, start: str, zone: str, *, all_day: bool) -> str | None:
    text = thing.get("endDate")
    span = values.duration(thing.get("duration"))
    try:
        if isinstance(text, str) and _DAY.fullmatch(text):
            end: str | None = times.day_end(text, zone)
        elif isinstance(text, str):
            end = values.instant(text, zone)
        elif span is not None:
            end = values.later(start, span)
        else:
            end = times.day_end(start_text, zone) if all_day else None
    except ValueError:
        return None
    return end if end is not None and end >= start else None


def starts_of(things: Iterable[Mapping[str, Any]], zone: str = ZONE) -> tuple[list[dict[str, Any]], list[Reject]]:
    """The occurrences of sessions, ascending, one per instant; and what could not be read of them."""
    found: dict[str, dict[str, Any]] = {}
    warnings: list[Reject] = []
    for thing in things:
        start = start_of(thing, zone)
        if start is not None:
            found[start["start"]] = start
        elif thing.get("startDate"):
            warnings.append(Reject(rule="date_unreadable", place="subEvent.startDate", value=thing["startDate"]))
    ordered = [found[instant] for instant in sorted(found)]
    if len(ordered) > MAX_STARTS:
        warnings.append(Reject(rule="too_many_starts", place="subEvent", value=len(ordered)))
        ordered = ordered[-MAX_STARTS:]  # the latest: what is over matters least
    return ordered, warnings


# --- schedules -------------------------------------------------------------------------------------------------------


def recurrence_of(schedules: Sequence[Any]) -> tuple[dict[str, Any] | None, list[Reject]]:
    """The recurrence of the one `Schedule`, and what could not be taken.

    A `PartialSchedule` only describes and is never expanded. Several schedules that differ in nothing but their
    weekdays are one; of others, the first is taken.
    """
    full = [s for s in schedules if isinstance(s, dict) and type_of(s) != "PartialSchedule"]
    if not full:
        return None, []
    merged, left_out = _merged(full)
    warnings = [Reject(rule="more_than_one_schedule", place="eventSchedule", value=len(full))] if left_out else []
    try:
        return _recurrence(merged), warnings
    except (ValueError, TypeError, OverflowError) as error:
        return None, [*warnings, Reject(rule="recurrence_unusable", place="eventSchedule", value=str(error))]


def _merged(schedules: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    first = dict(schedules[0])
    rest = {k: v for k, v in first.items() if k not in {"byDay", "@id"}}
    days = list(_listed(first.get("byDay")))
    for other in schedules[1:]:
        if not days or {k: v for k, v in other.items() if k not in {"byDay", "@id"}} != rest:
            return schedules[0], True
        days.extend(_listed(other.get("byDay")))
    if days:
        first["byDay"] = days
    return first, False


def _recurrence(schedule: Mapping[str, Any]) -> dict[str, Any] | None:
    zone = schedule.get("scheduleTimezone") or schedule.get("scheduleTimeZone") or ZONE
    times.zone_of(zone)
    first = parse_date(schedule.get("startDate"))
    frequency = _FREQUENCY.fullmatch(str(schedule.get("repeatFrequency") or "P1W"))
    if first is None:
        return None  # a rhythm without a beginning cannot be placed in a calendar
    if frequency is None:
        raise ValueError("repeatFrequency is not a number of days, weeks, months or years")
    days = [_by_day(day) for day in _listed(schedule.get("byDay"))]
    rule = [f"FREQ={_FREQUENCIES[frequency[2]]}"]
    if int(frequency[1]) > 1:
        rule.append(f"INTERVAL={int(frequency[1])}")
    if days:
        rule.append(f"BYDAY={','.join(sorted(set(days), key=lambda day: _CODES.index(day[-2:])))}")
    for name, part in (("byMonth", "BYMONTH"), ("byMonthDay", "BYMONTHDAY")):
        if schedule.get(name):
            rule.append(f"{part}={','.join(str(int(n)) for n in _listed(schedule[name]))}")
    count, last = values.whole(schedule.get("repeatCount")), parse_date(schedule.get("endDate"))
    if count:
        rule.append(f"COUNT={count}")
    elif last:
        rule.append(f"UNTIL={last:%Y%m%d}T235959")
    if frequency[2] in "DW" and days and all(len(day) == 2 for day in days):
        first = _on_a(first, {_CODES.index(day) for day in days})
    return _placed(schedule, first, times.rrule_value(";".join(rule)), zone)


def _placed(schedule: Mapping[str, Any], first: date, rule: str, zone: str) -> dict[str, Any]:
    begins = str(schedule["startTime"])[:5] if schedule.get("startTime") else None
    start = datetime.fromisoformat(f"{first}T{begins or '00:00'}:00")
    end: datetime | None = None
    if schedule.get("endTime") and begins:
        end = datetime.fromisoformat(f"{first}T{str(schedule['endTime'])[:5]}:00")
        if end <= start:
            end += timedelta(days=1)
    elif (span := values.duration(schedule.get("duration"))) and begins:
        end = start + span
    skipped = {
        f"{text}T{start:%H:%M:%S}" if _DAY.fullmatch(text) else times.local(text, zone)
        for text in _listed(schedule.get("exceptDate"))
        if isinstance(text, str) and text
    }
    return {
        "rule": rule,
        "start": start.isoformat(),
        "end": end.isoformat() if end else None,
        "all_day": begins is None,
        "zone": zone,
        "exceptions": sorted(skipped),
    }


def _on_a(first: date, weekdays: set[int]) -> date:
    """The first day from `first` on that is one of the weekdays: schedules often begin with the term, not with a session."""
    return next(day for day in (first + timedelta(days=n) for n in range(7)) if day.weekday() in weekdays)


def _by_day(value: Any) -> str:
    name = last_word(str(value))
    code = _WEEKDAYS.get(name.lower(), name.upper())
    if not re.fullmatch(r"[+-]?\d{0,2}(MO|TU|WE|TH|FR|SA|SU)", code):
        raise ValueError("byDay names no weekday")
    return code


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
