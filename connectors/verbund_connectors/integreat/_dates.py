"""When an event takes place: one date, or a recurrence in local wall time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from verbund_connectors.integreat._fields import Notes, Refused
from verbund_connectors.kit import JSON, occurrence
from verbund_connectors.times import LAST_YEAR, day_start, expand, instant, local, rrule_value, zone_of

_ZONE = "Europe/Berlin"
_ALL_DATES = 100_000  # more than there are days in the years that are taken


def times(when: Mapping[str, Any], rule_text: JSON, notes: Notes, *, status: str | None = None) -> dict[str, Any]:
    """The one date or the recurrence of an event, and its last day where there is one.

    `status` is that of the one date; a series has none, since its next date may well take place.
    The rule's own DTSTART is UTC without saying so; the local start of the event is what counts.
    """
    zone = _zone(when.get("timezone"), notes)
    start, end = _wall(when, "start", zone, notes), _wall(when, "end", zone, notes)
    if start is None:
        raise Refused("no_usable_start", "event.start", when.get("start"))
    if end is not None and end < start:
        notes.add("end_before_start", "event.end", f"{start} to {end}")
        end = None
    all_day = when.get("all_day") is True
    last_day = (end or start)[:10]
    if all_day:
        if end and end > start and end.endswith("T00:00:00"):  # says the next midnight instead of 23:59
            last_day = _next(last_day, -1)
        start, end = f"{start[:10]}T00:00:00", f"{_next(last_day, 1)}T00:00:00"
    if rule_text is None:
        moments = _moments(when, start, end, zone, all_day=all_day)
        date_of_it = occurrence(*moments, all_day=all_day, zone=zone, status=status)
        return {"starts": (date_of_it,), "valid_to": last_day}
    recurrence = {"rule": "", "start": start, "end": end, "all_day": all_day, "zone": zone, "exceptions": ()}
    try:
        recurrence["rule"] = rrule_value(rule_text)
        return {"recurrence": recurrence, "valid_to": _last_day(recurrence, zone)}
    except (AttributeError, TypeError, ValueError) as error:
        raise Refused("recurrence_unusable", "recurrence_rule", rule_text) from error


def _zone(name: JSON, notes: Notes) -> str:
    if name is None:
        return _ZONE  # older servers do not say
    try:
        return zone_of(name).key
    except (TypeError, ValueError):
        notes.add("code_unknown", "event.timezone", name)
        return _ZONE


def _wall(when: Mapping[str, Any], name: str, zone: str, notes: Notes) -> str | None:
    text = when.get(name)
    if text is None:
        return None
    try:
        return local(text, zone)
    except (AttributeError, OverflowError, TypeError, ValueError):
        notes.add("date_unreadable", f"event.{name}", text)
        return None


def _moments(
    when: Mapping[str, Any], start: str, end: str | None, zone: str, *, all_day: bool
) -> tuple[str, str | None]:
    try:
        if all_day and end:
            return day_start(start[:10], zone), day_start(end[:10], zone)
        # From the source's own text: its offset tells the two half past twos of an October night apart.
        return instant(when["start"], zone), instant(when["end"], zone) if end else None
    except (OverflowError, ValueError) as error:
        raise Refused("no_usable_start", "event.start", start) from error


def _next(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


_UNTIL = re.compile(r"UNTIL=(\d{4})(\d{2})(\d{2})", re.ASCII)


def _last_day(recurrence: Mapping[str, Any], zone: str) -> str | None:
    """The day a series is over: as UNTIL says, or that of the last date counted; None when it goes on for ever."""
    rule = str(recurrence["rule"])
    until = _UNTIL.search(rule)
    if until:
        return "-".join(until.groups()) if int(until[1]) <= LAST_YEAR else None
    if "COUNT=" not in rule:
        return None
    first = date.fromisoformat(recurrence["start"][:10])
    dates = expand(recurrence, since=first, until=date(LAST_YEAR, 12, 31), limit=_ALL_DATES)
    return local(dates[-1][0], zone)[:10] if dates else first.isoformat()
