"""Values against their schema: types, vocabularies and units, as a tree of small functions made once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import verbund_schemas


class Finding(NamedTuple):
    """Something wrong in a draft.

    Attributes:
        rule: code of the vocabulary `rules`, which also says whether it costs the record or only the value.
        place: path of the value that is wrong, for example `texts.de.title` or `starts.2`.
        value: what stood there, not masked.
    """

    rule: str
    place: str
    value: Any


#: Checks a value, given the present year; says what is wrong, places relative to the value.
Check: TypeAlias = Callable[[Any, int], Sequence[Finding]]

MAX_TEXT = 20_000
MAX_URL = 2_000
FIRST_YEAR = 2000
YEARS_AHEAD = 10

_FINE: tuple[Finding, ...] = ()
_MOST = {"years": 120, "persons": 100_000}
_MOST_COUNTED = 2**31 - 1
MAX_MONEY = 1_000_000
_URL = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_INSTANT_LENGTH = len("2027-01-12T08:00:00Z")


def _is(rule: str, value: Any, place: str = "") -> tuple[Finding, ...]:
    return (Finding(rule, place, value),)


def _check(schema: Any, labels: Mapping[str, Any]) -> Check:
    """Labels (unit, vocabulary) are those of the field that the value belongs to."""
    match schema:
        case ["null", inner]:
            check = _check(inner, labels)
            return lambda value, year: _FINE if value is None else check(value, year)
        case {"type": "array", "items": items}:
            return _list(_check(items, labels))
        case {"type": "map", "values": values}:
            return _map(_check(values, labels))
        case {"type": "record"}:
            return record(schema["fields"])
        case "string":
            return _string(labels)
        case "boolean":
            return lambda value, _: _FINE if isinstance(value, bool) else _is("wrong_type", value)
        case "int" | "long":
            return _integer(*bounds(labels))
        case "double":
            return _number
        case _:
            raise TypeError(f"a draft has no {schema}")


def record(fields: Sequence[Mapping[str, Any]], *, needed: Collection[str] | None = None) -> Check:
    """A check of a record, in which `needed` must be there; left out: all fields without default."""
    checks = {field["name"]: _check(field["type"], field) for field in fields}
    if needed is None:
        needed = [field["name"] for field in fields if "default" not in field]

    def check(value: Any, year: int) -> Sequence[Finding]:
        if not isinstance(value, Mapping):
            return _is("wrong_type", value)
        found: list[Finding] = [Finding("field_missing", name, None) for name in needed if name not in value]
        for name, item in value.items():
            inner = checks.get(name)
            if inner is None:
                found.append(Finding("field_unknown", str(name), item))
            elif wrong := inner(item, year):
                found += under(name, wrong)
        return found

    return check


def under(name: str, findings: Sequence[Finding]) -> list[Finding]:
    """The same findings as seen from one step further up."""
    return [Finding(rule, f"{name}.{place}" if place else name, value) for rule, place, value in findings]


def _list(inner: Check) -> Check:
    def check(value: Any, year: int) -> Sequence[Finding]:
        if not isinstance(value, list | tuple):
            return _is("wrong_type", value)
        found: list[Finding] = []
        for index, item in enumerate(value):
            if wrong := inner(item, year):
                found += under(str(index), wrong)
        return found

    return check


def _map(inner: Check) -> Check:
    def check(value: Any, year: int) -> Sequence[Finding]:
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            return _is("wrong_type", value)
        found: list[Finding] = []
        for name, item in value.items():
            if wrong := inner(item, year):
                found += under(name, wrong)
        return found

    return check


def _string(labels: Mapping[str, Any]) -> Check:
    if "vocabulary" in labels:
        known = verbund_schemas.vocabulary(labels["vocabulary"])
        rule = "kind_unknown" if labels["vocabulary"] == "kind" else "code_unknown"
        return lambda value, _: (
            (_FINE if value in known else _is(rule, value)) if isinstance(value, str) else _is("wrong_type", value)
        )
    inner = text_check(labels)

    def check(value: Any, year: int) -> Sequence[Finding]:
        return inner(value, year) if isinstance(value, str) else _is("wrong_type", value)

    return check


def text_check(labels: Mapping[str, Any]) -> Callable[[str, int], Sequence[Finding]]:
    """The check of a text in a field with these labels that has no vocabulary."""
    return _UNITS.get(labels.get("unit", ""), _zone if labels["name"] == "zone" else plain_text)


def bounds(labels: Mapping[str, Any]) -> tuple[int, int]:
    """The least and the most that a whole number in a field with these labels may be."""
    return (1, 7) if labels["name"] == "weekday" else (0, _MOST.get(labels.get("unit", ""), _MOST_COUNTED))


def plain_text(value: str, _: int) -> Sequence[Finding]:
    """The check of a text without unit and vocabulary."""
    return _FINE if len(value) <= MAX_TEXT else _is("text_too_long", value)


def _url(value: str, _: int) -> Sequence[Finding]:
    if len(value) > MAX_URL:
        return _is("url_too_long", value)
    return _FINE if _URL.fullmatch(value) else _is("url_unusable", value)


@lru_cache(maxsize=600)
def _zone(value: str, _: int) -> Sequence[Finding]:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        return _is("code_unknown", value)
    return _FINE


@lru_cache(maxsize=4096)  # term dates come by the hundred
def _instant(value: str, year: int) -> Sequence[Finding]:
    if len(value) != _INSTANT_LENGTH or value[-1] != "Z":
        return _is("date_unreadable", value)
    return _moment(value, year)


def _moment(value: str, year: int) -> Sequence[Finding]:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return _is("date_unreadable", value)
    return _FINE if FIRST_YEAR <= moment.year <= year + YEARS_AHEAD else _is("year_out_of_range", value)


@lru_cache(maxsize=4096)  # term dates come by the hundred
def _day(value: str, year: int) -> Sequence[Finding]:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return _is("date_unreadable", value)
    return _FINE if FIRST_YEAR <= day.year <= year + YEARS_AHEAD else _is("year_out_of_range", value)


def _local(value: str, _: int) -> Sequence[Finding]:
    """HH:MM, or a local date and time without offset; of any year, since a choir may have met since 1950."""
    if _CLOCK.fullmatch(value):
        return _FINE
    try:
        fine = datetime.fromisoformat(value).tzinfo is None
    except ValueError:
        fine = False
    return _FINE if fine else _is("date_unreadable", value)


def _integer(least: int, most: int) -> Check:
    def check(value: Any, _: int) -> Sequence[Finding]:
        if not isinstance(value, int) or isinstance(value, bool):
            return _is("wrong_type", value)
        return _FINE if least <= value <= most else _is("number_out_of_range", value)

    return check


def _number(value: Any, _: int) -> Sequence[Finding]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _is("wrong_type", value)
    return _FINE if math.isfinite(value) and abs(value) <= MAX_MONEY else _is("number_out_of_range", value)


_UNITS: dict[str, Callable[[str, int], Sequence[Finding]]] = {
    "URL": _url,
    "instant": _instant,
    "date": _day,
    "date or instant": _moment,
    "local time": _local,
}
