"""When an offer takes place: days for the index, the next start for people. Local wall time decides, never UTC."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from verbund.offer import HOME_ZONE, ends_at
from verbund.views.search_schema import FOREVER

#: Starts of one recurrence that are looked at; a rule by the second must not fill the memory.
MOST_STARTS = 5_000

# Offers of one source share their days: a term begins for all of its courses on the same few.
_MEMORY_OF_DAYS = 20_000

_WEEKDAYS = {name: number for number, name in enumerate(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))}
_PLAIN_PARTS = {"FREQ", "BYDAY", "INTERVAL", "UNTIL", "WKST"}


@dataclass(frozen=True, slots=True)
class Horizon:
    """The days for which recurrences are expanded: an input, never taken from a clock.

    Later days count too: a recurrence that goes on beyond `last` is taken as open from there.
    """

    first: date
    last: date


def horizon_of(today: date) -> Horizon:
    """The usual one: from the year before to the end of the next year; moves once a year."""
    return Horizon(date(today.year - 1, 1, 1), date(today.year + 1, 12, 31))


@dataclass(frozen=True, slots=True)
class Days:
    """When an offer takes place, in day numbers (`date.toordinal`).

    Attributes:
        starts: single days, ascending, each once.
        open_from: from this day on until `ends` every day counts; beyond FOREVER when only `starts` count.
        weekdays: of a start that recurs every week without end and exception; 0 is Monday. Nearly all recurrences are
            of this kind, and a weekday says as much as a hundred days.
        weekly_from: the first such day inside the horizon; 0 without weekdays.
        ends: last day; FOREVER without an end.
    """

    starts: tuple[int, ...]
    open_from: int
    ends: int
    weekdays: tuple[int, ...] = ()
    weekly_from: int = 0


def days_of(offer: Mapping[str, Any], horizon: Horizon) -> Days:
    """The days of an offer; what lies outside of its validity is left out."""
    end = ends_at(offer)
    ends = FOREVER if end is None else _last_day(end)
    first = _ordinal(offer["valid_from"]) or 0
    last = _ordinal(offer["valid_to"]) or FOREVER
    days = {_day(one["start"], one["zone"]) for one in _held(offer["starts"])}
    open_from = FOREVER + 1
    weekdays = _every_week(offer, horizon)
    weekly_from = 0
    if offer["recurrence"]:
        repeated, goes_on = _repeated(offer["recurrence"], horizon)
        if weekdays and (inside := [day for day in repeated if day >= first]):
            weekly_from = inside[0]
        else:
            weekdays = ()
            days.update(repeated)
            if goes_on:
                open_from = horizon.last.toordinal() + 1
    elif not offer["starts"]:
        open_from = first
    starts = tuple(sorted(day for day in days if first <= day <= last))
    return Days(starts, max(open_from, first), ends, weekdays, weekly_from)


def _every_week(offer: Mapping[str, Any], horizon: Horizon) -> tuple[int, ...]:
    """Weekdays of a recurrence that goes on every week for good; empty for all others."""
    rule = offer["recurrence"]
    if not rule or rule["exceptions"] or offer["valid_to"] or "UNTIL" in rule["rule"].upper():
        return ()
    after = datetime.combine(horizon.first, time())
    try:
        plain = _plain(rule, after)
    except ValueError:
        return ()
    return tuple(sorted({start.weekday() for start in islice(plain, len(_WEEKDAYS))})) if plain else ()


def next_start(offer: Mapping[str, Any], now: datetime) -> datetime | date | None:
    """The first start at or after `now`: an instant in UTC, or a day for whole days; None when none is dated."""
    limit = _ordinal(offer["valid_to"]) or FOREVER
    found: list[tuple[datetime, datetime | date]] = []
    for one in _held(offer["starts"]):
        moment = _moment(one["start"], one["zone"])
        if one["all_day"]:
            if moment.date() >= now.astimezone(_zone(one["zone"])).date():
                found.append((moment, moment.date()))
        elif moment >= now:
            found.append((moment, moment.astimezone(UTC)))
    if offer["recurrence"]:
        found += _next_repeated(offer["recurrence"], now)
    found = [pair for pair in found if pair[0].toordinal() <= limit]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _next_repeated(rule: Mapping[str, Any], now: datetime) -> list[tuple[datetime, datetime | date]]:
    zone = _zone(rule["zone"])
    after = now.astimezone(zone).replace(tzinfo=None)
    if rule["all_day"]:
        after = datetime.combine(after, time())
    try:
        start = next(_starts(rule, after), None)
    except (ValueError, OverflowError):
        return []
    if start is None:
        return []
    moment = start.replace(tzinfo=zone)
    return [(moment, moment.date() if rule["all_day"] else moment.astimezone(UTC))]


def _repeated(rule: Mapping[str, Any], horizon: Horizon) -> tuple[list[int], bool]:
    """Days of a recurrence inside the horizon, and whether it goes on beyond."""
    try:
        after = datetime.combine(horizon.first, time())
        end = datetime.combine(horizon.last + timedelta(days=1), time())
        days: list[int] = []
        for start in islice(_starts(rule, after), MOST_STARTS):
            if start >= end:
                return days, True
            days.append(start.toordinal())
    except (ValueError, OverflowError):
        # The source's rule cannot be read: the offer still takes place, we only do not know the days.
        return [], True
    return (days, False) if len(days) < MOST_STARTS else (days, True)


def _starts(rule: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    """Local starts at or after `after`, less the exceptions."""
    except_for = {moment[:16] for moment in rule["exceptions"]}
    whole_days = {moment for moment in except_for if len(moment) == len("2026-01-01")}
    found = _plain(rule, after) or _any(rule, after)
    if not except_for:
        yield from found
    for start in found:
        text = start.isoformat()[:16]
        if text not in except_for and text[:10] not in whole_days:
            yield start


def _any(rule: Mapping[str, Any], after: datetime) -> Iterator[datetime]:
    """Every rule of RFC 5545; slow."""
    text = rule["rule"].removeprefix("RRULE:")
    if "UNTIL=" in text:
        # Starts are local and without offset here, so the end has to be too.
        parts = dict(part.split("=", 1) for part in text.upper().split(";"))
        parts["UNTIL"] = _until(parts["UNTIL"], rule["zone"]).strftime("%Y%m%dT%H%M%S")
        text = ";".join(f"{name}={value}" for name, value in parts.items())
    rules = rrulestr(text, dtstart=datetime.fromisoformat(rule["start"]))
    found: Iterable[datetime] = rules.xafter(after, inc=True)
    yield from found


def _plain(rule: Mapping[str, Any], after: datetime) -> Iterator[datetime] | None:
    """Rules such as FREQ=WEEKLY;BYDAY=WE, nearly all there are, by adding days: 20 times as fast. None: another."""
    parts = dict(part.split("=", 1) for part in rule["rule"].upper().removeprefix("RRULE:").split(";") if "=" in part)
    if parts.get("FREQ") not in ("WEEKLY", "DAILY") or parts.keys() - _PLAIN_PARTS or parts.get("INTERVAL", "1") != "1":
        return None
    start = datetime.fromisoformat(rule["start"])
    names = parts["BYDAY"].split(",") if "BYDAY" in parts else list(_WEEKDAYS)
    if "BYDAY" not in parts and parts["FREQ"] == "WEEKLY":
        names = [list(_WEEKDAYS)[start.weekday()]]
    if not all(name in _WEEKDAYS for name in names):
        return None
    until = _until(parts["UNTIL"], rule["zone"]) if "UNTIL" in parts else datetime.max  # noqa: DTZ901 - wall time
    return _every(start, sorted(_WEEKDAYS[name] for name in names), after, until)


def _every(start: datetime, weekdays: list[int], after: datetime, until: datetime) -> Iterator[datetime]:
    day = start if start >= after else datetime.combine(after.date(), start.time())
    if day < after:
        day += timedelta(days=1)
    while day <= until:
        ahead = bisect_left(weekdays, day.weekday())
        wanted = weekdays[ahead] if ahead < len(weekdays) else weekdays[0] + 7
        day += timedelta(days=wanted - day.weekday())
        if day > until:
            return
        yield day
        day += timedelta(days=1)


def _until(text: str, zone: str) -> datetime:
    """The end of a rule in local wall time; a day counts whole."""
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d").replace(hour=23, minute=59, second=59)  # noqa: DTZ007 - wall time
    moment = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - the zone comes next
    if text.endswith("Z"):
        moment = moment.replace(tzinfo=UTC).astimezone(_zone(zone)).replace(tzinfo=None)
    return moment


def _held(starts: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (one for one in starts if one["status"] != "cancelled")


def _moment(instant: str, zone: str) -> datetime:
    """In local wall time, with its zone."""
    return datetime.fromisoformat(instant).astimezone(_zone(zone))


@lru_cache(maxsize=_MEMORY_OF_DAYS)
def _day(instant: str, zone: str) -> int:
    """The local day of an instant."""
    return _moment(instant, zone).toordinal()


@lru_cache(maxsize=_MEMORY_OF_DAYS)
def _last_day(end: str) -> int:
    """The last day of what ends at an instant. The end is exclusive: midnight still belongs to the day before."""
    return (_moment(end, HOME_ZONE) - timedelta(microseconds=1)).toordinal()


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a zone nobody knows, or a text that is no name at all
        return ZoneInfo(HOME_ZONE)


@lru_cache(maxsize=_MEMORY_OF_DAYS)
def _ordinal(text: str | None) -> int | None:
    return date.fromisoformat(text[:10]).toordinal() if text else None
