"""Values of a source as they may be shown: short, and without what could be a person's name, mail or number."""

from __future__ import annotations

import re
from typing import Any

import orjson

SHOWN_VALUE = 80  # characters of a value that a person gets to see

_PERSONAL_PLACE = re.compile(r"contact|name|mail|phone|mobile|telefon|person", re.IGNORECASE)
# From the beginning of a word only, and without looking back: a value of a million letters is searched once.
_MAIL_OR_NUMBER = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+\.[\w.-]+|\+?\d[\d /()-]{6,}\d")

# A number that long with dashes or slashes may be a date, and an unreadable date helps nobody when it is hidden.
_DATE = re.compile(
    r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?: \d{1,2})?|\d{1,2}[-/]\d{1,2}[-/]\d{4}(?: \d{1,2})?"
    r"|(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)


def masked(place: str, value: Any) -> str | None:
    """A value as text; None stays None. Of a value whose place may hold a person only the length is said."""
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    if _PERSONAL_PLACE.search(place):
        return f"({len(text)} characters)"
    # Looked through no further than it is shown, but for what a mask may shorten.
    text = without_numbers(text[: 4 * SHOWN_VALUE])
    if not text.isprintable():  # what cannot be seen is mostly what is wrong, and may turn the words around it
        text = "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}..."


def without_numbers(text: str) -> str:
    """The text with mail addresses and telephone numbers as `***`."""
    return _MAIL_OR_NUMBER.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    return found[0] if _DATE.fullmatch(found[0]) else "***"
