"""The words of every connector for time: instants in UTC, local wall time, rules of recurrence.

A source says when people meet by the clock on their wall. So recurrences are kept and expanded in local wall time and
only the single dates become instants. Where the clock jumps, RFC 5545 decides: a time that does not exist is read with
the offset before the jump, a time that exists twice is the first one.
"""

from verbund_connectors._instants import FIRST_YEAR, LAST_YEAR, day_end, day_start, instant, local, zone_of
from verbund_connectors._recurrence import MAX_DATES, expand, rrule_value

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "MAX_DATES",
    "day_end",
    "day_start",
    "expand",
    "instant",
    "local",
    "rrule_value",
    "zone_of",
]
