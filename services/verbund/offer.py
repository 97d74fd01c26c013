"""What an offer or organisation is: its ids, its content hash, what is wrong with a draft, and when it is past."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from verbund.content import Subject, content_hash, utc_instant
from verbund.draft_check import check_draft, check_organisation, rejects, without
from verbund.events import derived_id
from verbund.value_check import Finding

__all__ = [
    "HOME_ZONE",
    "Finding",
    "Subject",
    "check_draft",
    "check_organisation",
    "content_hash",
    "ends_at",
    "offer_id",
    "organisation_id",
    "reject_id",
    "rejects",
    "utc_instant",
    "without",
]

# --- ids -------------------------------------------------------------------------------------------------------------


def offer_id(district: str, source: str, record_key: str) -> str:
    """UUID of a new offer; made once from its first record key, then looked up, never recomputed."""
    return _ident("offer", district, source, record_key)


def organisation_id(district: str, source: str, record_key: str) -> str:
    """UUID of an organisation by its key in the source."""
    return _ident("organisation", district, source, record_key)


def reject_id(district: str, source: str, record_key: str) -> str:
    """UUID of a rejected record, or of the place where it stood when it has no key."""
    return _ident("reject", district, source, record_key)


def _ident(what: str, district: str, source: str, record_key: str) -> str:
    # District and source have no line breaks, so different parts never give the same name.
    return derived_id(f"{what}\n{district}\n{source}\n{record_key}")


# --- time ------------------------------------------------------------------------------------------------------------

HOME_ZONE = "Europe/Berlin"

# A rule with a longer COUNT is taken as open-ended rather than expanded.
_MOST_EXPANDED = 4000


def ends_at(offer: Mapping[str, Any]) -> str | None:
    """The first instant (`…Z`, UTC) at which the offer is past, or None when it is open-ended. Reads no clock.

    The latest of: the ends of its starts, the end of the day `valid_to`, the last day of its recurrence. A start
    without end lasts to the end of its local day. Without `valid_to`, opening hours or a recurrence without UNTIL or
    COUNT make it open-ended, and so does a date that cannot be read: an offer is never past by mistake.
    """
    ends: list[str | None] = [_start_ends(start) for start in offer.get("starts") or ()]
    if offer.get("valid_to"):
        ends.append(_day_ends(offer["valid_to"], HOME_ZONE))
    elif offer.get("opening_hours"):
        return None
    recurrence = offer.get("recurrence")
    if recurrence:
        last = _recurrence_ends(recurrence["rule"], recurrence["start"], recurrence.get("zone") or HOME_ZONE)
        if last is not None or not offer.get("valid_to"):
            ends.append(last)
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _start_ends(start: Mapping[str, Any]) -> str | None:
    if start.get("end"):
        return utc_instant(start["end"])
    zone = start.get("zone") or HOME_ZONE
    try:
        local = datetime.fromisoformat(start["start"]).astimezone(_zone(zone))
    except (ValueError, OverflowError):
        return None
    return _day_ends(local.date().isoformat(), zone)


@lru_cache(maxsize=4096)
def _day_ends(day: str, zone: str) -> str | None:
    try:
        following = date.fromisoformat(day[:10]) + timedelta(days=1)
        midnight = datetime(following.year, following.month, following.day, tzinfo=_zone(zone))
        return midnight.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _recurrence_ends(rule: str, start: str, zone: str) -> str | None:
    parts = dict(part.partition("=")[::2] for part in rule.upper().removeprefix("RRULE:").split(";"))
    if until := parts.get("UNTIL"):
        return _until_ends(until, zone)
    if not parts.get("COUNT", "").isdecimal() or int(parts["COUNT"]) > _MOST_EXPANDED:
        return None
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - rarely needed

    try:
        last = max(rrulestr(rule, dtstart=datetime.fromisoformat(start).replace(tzinfo=None)), default=None)
    except (ValueError, TypeError, OverflowError):
        return None
    return None if last is None else _day_ends(last.date().isoformat(), zone)


def _until_ends(until: str, zone: str) -> str | None:
    """UNTIL is a day, a local time or an instant in UTC; the local day it falls on is the last one."""
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        return None
    local = moment if moment.tzinfo is None else moment.astimezone(_zone(zone))
    return _day_ends(local.date().isoformat(), zone)


@lru_cache(maxsize=600)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a zone nobody knows, or a text that is no name at all
        return ZoneInfo(HOME_ZONE)
