"""What is wrong with a draft, whatever its connector says: what costs the record, and what costs only a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import orjson

import verbund_schemas
from verbund.draft_dropping import without as without  # noqa: PLC0414 - belongs to the checks, has its own page
from verbund.draft_fit import fit_of
from verbund.value_check import FIRST_YEAR, Check, Finding, record

MAX_TITLE = 300
MAX_KEY = 500
# What a draft has to say; the rest of what a record needs is added later.
_NEEDED = {"Offer": ("kind", "texts"), "Organisation": ()}

# What people type into a field that must not be empty.
_PLACEHOLDERS = frozenset(
    ("todo", "tbd", "tba", "n/a", "na", "nan", "none", "null", "undefined", "-", "--", "?", "xxx")
)

_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_CURRENCY = re.compile(r"[A-Z]{3}")
_FREQUENCY = re.compile(r"(?:^|;)FREQ=(?:YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY)(?:;|$)", re.IGNORECASE)

# Latitudes and longitudes of Germany with a margin; the two ranges do not touch, so an exchange can be told.
_GERMAN_LATITUDES = (47.0, 55.2)
_GERMAN_LONGITUDES = (5.5, 15.2)


def check_draft(
    draft: Mapping[str, Any], *, year: int, record_key: str | None = None, written: bytes | None = None
) -> list[Finding]:
    """All that is wrong with an offer's draft (or the whole record); empty when it can be taken as it is.

    What may be dropped is dropped by `without`; with a finding of a rule in `rejects` the record cannot be taken. A
    value is never dropped where that would make the offer look open-ended: such a record is rejected.

    Args:
        draft: what the connector made.
        year: the present one; dates lie between 2000 and ten years from it.
        record_key: checked too, when given.
        written: the draft as JSON by orjson, where the caller has it; spares writing it here.
    """
    found = _key(record_key) if record_key is not None else []
    found += _not_text(draft, written)
    found += _values("Offer", draft, year)
    found += _texts(draft.get("texts"))
    found += _languages(draft.get("languages_of_instruction"))
    found += _ages(draft.get("age_from"), draft.get("age_to"))
    found += _place(draft.get("place"))
    found += _cost(draft.get("cost"))
    found += _starts(draft.get("starts"))
    found += _recurrence(draft.get("recurrence"))
    if any(wrong.place.startswith(_WIDENED) for wrong in found):
        found = _widened(found, draft)
    return found


def check_organisation(draft: Mapping[str, Any], *, year: int, record_key: str | None = None) -> list[Finding]:
    """The same of an organisation's draft."""
    found = _key(record_key) if record_key is not None else []
    found += _not_text(draft, None)
    found += _values("Organisation", draft, year)
    name = draft.get("name")
    if not isinstance(name, str) or not name.strip():
        found.append(Finding("title_missing", "name", name))
    elif len(name) > MAX_TITLE:
        found.append(Finding("title_too_long", "name", name))
    return found + _place(draft.get("place"))


def rejects(findings: Iterable[Finding]) -> list[Finding]:
    """Those findings that cost the record; the others cost a value."""
    return [finding for finding in findings if finding.rule in _rejecting()]


@cache
def _rejecting() -> frozenset[str]:
    rules = verbund_schemas.vocabulary("rules").terms.values()
    return frozenset(rule.code for rule in rules if rule.more["effect"] == "reject")


@cache
def _check(name: str) -> Check:
    return record(verbund_schemas.expanded(name)["fields"], needed=_NEEDED[name])


def _values(name: str, draft: Mapping[str, Any], year: int) -> Sequence[Finding]:
    """What the schema says against the values, looked for one by one only when there is something."""
    return () if fit_of(name, needed=_NEEDED[name])(draft, year) else _check(name)(draft, year)


def _key(key: str) -> list[Finding]:
    bare = key.strip()
    if not bare:
        return [Finding("key_missing", "record_key", key)]
    if bare.lower() in _PLACEHOLDERS or _CONTROL.search(key):
        return [Finding("key_junk", "record_key", key)]
    return [Finding("key_too_long", "record_key", key)] if len(key) > MAX_KEY else []


def _not_text(draft: Mapping[str, Any], written: bytes | None) -> list[Finding]:
    """Lone surrogates fit no encoding and U+0000 no PostgreSQL; looked for value by value only when one is there."""
    try:
        if b"\\u0000" not in (written or orjson.dumps(draft, default=str)):
            return []
    except TypeError:
        pass
    return [Finding("not_unicode", place, value) for place, value in _leaves("", draft) if _unwritable(value)]


def _unwritable(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return _UNWRITABLE.search(value) is not None


def _leaves(place: str, value: Any) -> Iterable[tuple[str, Any]]:
    match value:
        case Mapping():
            inner = ((str(name), item) for name, item in value.items())
            return chain(((place, name) for name in value), *(_leaves(_join(place, n), item) for n, item in inner))
        case list() | tuple():
            return chain.from_iterable(_leaves(_join(place, str(n)), item) for n, item in enumerate(value))
        case _:
            return ((place, value),)


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _texts(texts: Any) -> list[Finding]:
    if not isinstance(texts, Mapping):
        return []
    found: list[Finding] = []
    untitled = 0
    for language, text in texts.items():
        title = text.get("title") if isinstance(text, Mapping) else None
        if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
            untitled += 1
            found.append(Finding("language_unknown", f"texts.{language}", language))
        elif not isinstance(title, str) or not title.strip():
            untitled += 1
            found.append(Finding("text_untitled", f"texts.{language}", title))
        elif len(title) > MAX_TITLE:
            found.append(Finding("title_too_long", f"texts.{language}.title", title))
    return found if untitled < len(texts) else [*found, Finding("title_missing", "texts", None)]


def _languages(languages: Any) -> list[Finding]:
    return [
        Finding("language_unknown", f"languages_of_instruction.{index}", language)
        for index, language in enumerate(languages or ())
        if isinstance(language, str) and not _LANGUAGE.fullmatch(language)
    ]


def _ages(youngest: Any, oldest: Any) -> list[Finding]:
    if isinstance(youngest, int) and isinstance(oldest, int) and youngest > oldest:
        return [Finding("number_out_of_range", "age_from", youngest), Finding("number_out_of_range", "age_to", oldest)]
    return []


def _place(place: Any) -> list[Finding]:
    if not isinstance(place, Mapping):
        return []
    lon, lat = place.get("lon"), place.get("lat")
    if lon is None and lat is None:
        return []
    rule = _position_rule(lon, lat)
    if rule is None:
        return []
    known = (("lon", lon), ("lat", lat), ("position_source", place.get("position_source")))
    return [Finding(rule, f"place.{name}", value) for name, value in known if value is not None]


def _position_rule(lon: Any, lat: Any) -> str | None:
    if lon is None or lat is None:
        return "position_half"
    if not isinstance(lon, int | float) or not isinstance(lat, int | float):
        return None  # its type is wrong, which has been said
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return "position_outside"
    if lon == 0 and lat == 0:
        return "position_null_island"
    swapped = (
        _GERMAN_LATITUDES[0] <= lon <= _GERMAN_LATITUDES[1] and _GERMAN_LONGITUDES[0] <= lat <= _GERMAN_LONGITUDES[1]
    )
    return "position_swapped" if swapped else None


def _cost(cost: Any) -> list[Finding]:
    if not isinstance(cost, Mapping):
        return []
    amount, currency = cost.get("amount"), cost.get("currency", "EUR")
    if isinstance(currency, str) and not _CURRENCY.fullmatch(currency):
        return [Finding("code_unknown", "cost", currency)]  # the amount means nothing without it
    if isinstance(amount, int | float) and amount < 0:
        return [Finding("number_out_of_range", "cost.amount", amount)]
    return []


def _starts(starts: Any) -> list[Finding]:
    if not isinstance(starts, list | tuple):
        return []
    found = []
    for index, start in enumerate(starts):
        end = start.get("end") if isinstance(start, Mapping) else None
        if isinstance(end, str) and end < str(start.get("start")):
            found.append(Finding("end_before_start", f"starts.{index}.end", end))
    return found


def _recurrence(recurrence: Any) -> list[Finding]:
    rule = recurrence.get("rule") if isinstance(recurrence, Mapping) else None
    if isinstance(rule, str) and not _FREQUENCY.search(rule.removeprefix("RRULE:")):
        return [Finding("recurrence_unusable", "recurrence", rule)]
    return []


# Where the loss of a value would cost more than the value: there the finding is widened.
_WIDENED = ("starts.", "recurrence.", "opening_hours.", "valid_to")


def _widened(found: Sequence[Finding], draft: Mapping[str, Any]) -> list[Finding]:
    """A start without its date, a rule without its zone and a week with a day left out would say something false."""
    widened = []
    for finding in found:
        rule, place, value = finding
        first, _, rest = place.partition(".")
        if finding.rule in _rejecting():
            widened.append(finding)
        elif first == "starts" and rule != "end_before_start" and rest.endswith((".start", ".end")):
            widened.append(Finding("start_unusable", f"starts.{rest.partition('.')[0]}", value))
        elif first == "recurrence":
            widened.append(Finding("recurrence_unusable", "recurrence", value))
        elif first == "opening_hours":
            widened.append(Finding(rule, "opening_hours", value))
        elif first == "valid_to" and not (rule == "year_out_of_range" and str(value) > str(FIRST_YEAR)):
            widened.append(Finding("valid_to_unusable", "valid_to", value))
        else:
            widened.append(finding)
    unusable = {finding.place for finding in widened if finding.rule == "start_unusable"}
    if unusable and len(unusable) == len(draft["starts"]):
        widened.append(Finding("no_usable_start", "starts", None))
    return widened
