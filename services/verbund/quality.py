"""What an offer lacks to be good for those who look for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any, Final, NamedTuple

from verbund_schemas import vocabulary

#: A title that is longer is cut in lists and on telephones.
LONGEST_TITLE: Final = 100
#: Fewer characters describe nothing.
SHORTEST_DESCRIPTION: Final = 60

#: Found by when it is, or by what is missing, never in the offer itself: an offer that is over, a record not taken.
PAST: Final = "past"
REJECTED: Final = "rejected"

# Two bytes of UTF-8 read as two letters: what umlauts, sharp s and quotation marks turn into.
_GARBLED: Final = re.compile("Ã[¤¶¼Ÿ„–œ\u009f\u0084\u0096\u009c©¨]|â€|Â[ §°»«]")

# A year is quick to find; only what stands before it says whether it belongs to a date.
_YEAR: Final = re.compile(r"20\d\d")
_DAY_BEFORE: Final = re.compile(r"[0-3]?\d\.\s?(?:[01]?\d\.\s?|[A-Z][a-zä]+ )$")
_LONGEST_DAY: Final = len("30. September ")
_YEARS_LOOKED_AT: Final = 4

_DATED: Final = frozenset(("course", "event", "sport"))  # kinds one must come to at a time
_OPEN: Final = frozenset(("counselling", "service", "place"))  # kinds one may come to while they are open
_SHORTEST_CAPITALS: Final = 8  # shorter titles may be abbreviations


class Finding(NamedTuple):
    """Something that an offer lacks; code and grade are those of the vocabularies `quality` and `quality_grade`."""

    code: str
    grade: str


def findings(offer: Mapping[str, Any]) -> tuple[Finding, ...]:
    """All findings of an offer, in the order of the vocabulary. Pure: it reads no clock, so it never says `past`."""
    return findings_of(marks(offer))


def findings_of(found: str) -> tuple[Finding, ...]:
    """The findings that marks stand for; marks that nobody knows any more are left out."""
    known = _by_mark()
    return tuple(sorted((known[mark] for mark in set(found) if mark in known), key=_place))


def marks(offer: Mapping[str, Any]) -> str:
    """The findings as one character each (`mark` of the vocabulary): short to keep, and equal texts are equal findings.

    Called for every change of every offer, so it is written to be quick rather than to be extended.
    """
    kind = offer["kind"]
    starts = offer["starts"]
    dated = bool(starts or offer["recurrence"] or offer["valid_to"])
    found = _of_texts(offer["texts"], dated=dated)
    if not dated:
        found += _of_undated(offer, kind, found)
    elif starts:
        found += _of_start(kind, starts[0])
    return found + _of_place(offer) + _of_people(offer, kind) + _of_facts(offer, kind)


def _of_texts(texts: Mapping[str, Mapping[str, Any]], *, dated: bool) -> str:
    text = texts.get("de") or next(iter(texts.values()), None)
    if text is None:
        return "a"
    found = _of_text(text, dated=dated)
    if len(texts) == 1:
        return found + "l" if "de" in texts else found
    by_machine = all(one["translation"] == "machine" or one is text for one in texts.values())
    return found + "m" if by_machine else found


def _of_text(text: Mapping[str, Any], *, dated: bool) -> str:
    title = text["title"]
    body = text["description_text"] or text["summary"] or text["description_html"] or ""
    found = ""
    if not body:
        found = "a"
    elif len(body) < SHORTEST_DESCRIPTION:
        found = "b" if body.strip().casefold() == title.strip().casefold() else "k"
    elif len(body) <= len(title) + 2 and body.strip().casefold() == title.strip().casefold():
        found = "b"
    if title.isupper() and len(title) >= _SHORTEST_CAPITALS:
        found += "c"
    if len(title) > LONGEST_TITLE:
        found += "d"
    if _is_garbled(title) or _is_garbled(body):
        found += "5"
    if not dated and "20" in body and _says_a_date(body):
        found += "e"
    return found


def _is_garbled(text: str) -> bool:
    if "\ufffd" in text:
        return True
    return ("Ã" in text or "â" in text or "Â" in text) and _GARBLED.search(text) is not None


def _says_a_date(text: str) -> bool:
    years = islice(_YEAR.finditer(text), _YEARS_LOOKED_AT)
    return any(_DAY_BEFORE.search(text, max(0, year.start() - _LONGEST_DAY), year.start()) for year in years)


def _of_undated(offer: Mapping[str, Any], kind: str, found: str) -> str:
    if offer["opening_hours"]:
        return ""
    if kind in _OPEN:
        return "s"
    return "6" if kind in _DATED and "e" not in found else ""


def _of_start(kind: str, start: Mapping[str, Any]) -> str:
    found = ""
    if start["all_day"]:
        if kind in _DATED:
            found = "f"
    elif start["end"] is None:
        found = "r"
    if kind == "course":
        if start["registration_until"] is None:
            found += "p"
        if start["seats_free"] is None and start["status"] is None:
            found += "q"
    return found


def _of_place(offer: Mapping[str, Any]) -> str:
    place = offer["place"]
    if place is None:
        return "" if offer["online_url"] else "g"
    found = "" if place["lon"] is not None else "n"
    return found if place["postcode"] else found + "o"


def _of_people(offer: Mapping[str, Any], kind: str) -> str:
    registration = offer["registration"]
    registers = registration is not None and (registration["how"] or registration["url"])
    page = offer["source_url"] or offer["online_url"]
    found = ""
    if not offer["contact_ids"]:
        found = "j" if registers or page or offer["place"] is not None else "4"
    if offer["organisation_id"] is None:
        found += "i"
    if not page:
        found += "x"
    if kind == "course" and not registers:
        found += "t"
    return found


def _of_facts(offer: Mapping[str, Any], kind: str) -> str:
    categories = offer["categories"]
    found = ""
    if not categories:
        found = "y"
    elif kind == "course" and categories[0][:8] == "language" and not (offer["level_from"] or offer["level_to"]):
        found = "h"
    if not offer["target_groups"]:
        found += "u"
    if not offer["languages_of_instruction"] and kind != "place":
        found += "v"
    cost = offer["cost"]
    if kind != "place" and (cost is None or (cost["amount"] is None and cost["free"] is None and not cost["note"])):
        found += "w"
    if offer["childcare"] is None and kind == "course":
        found += "1"
    if offer["barrier_free"] is None:
        found += "2"
    if offer["licence"] is None:
        found += "3"
    return found


# --- the vocabulary --------------------------------------------------------------------------------------------------


def mark_of(code: str) -> str:
    """The character that stands for a finding.

    Raises:
        KeyError: there is no such finding.
    """
    return str(vocabulary("quality").terms[code].more["mark"])


@cache
def _by_mark() -> dict[str, Finding]:
    terms = vocabulary("quality").terms.values()
    return {term.more["mark"]: Finding(term.code, term.more["grade"]) for term in terms}


@cache
def order() -> tuple[str, ...]:
    """Codes of all findings, the gravest first."""
    return tuple(vocabulary("quality").terms)


def _place(finding: Finding) -> int:
    return order().index(finding.code)
