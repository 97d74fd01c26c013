"""Single values of a source made fit for an offer: lines, descriptions, addresses, instants.

What `html` and `times` promise, with short cuts for the values that need nothing done: a feed has millions of them.
"""

from __future__ import annotations

import html as entities
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from verbund_connectors import html, times
from verbund_connectors.kit import draft_text

_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z]{2,8}|#\d{1,6}|#x[0-9a-fA-F]{1,5});|<!--")
_PARAGRAPHS = re.compile(r"\n\s*\n")
_HOST = re.compile(r"(?:[a-z0-9äöü](?:[a-z0-9äöü-]*[a-z0-9äöü])?\.)+[a-z]{2,}(?:[/?#:].*)?", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@<>,;:()\"']{1,64}@[^\s@<>,;:()\"']+\.[a-zA-Z]{2,}")
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?", re.ASCII)
_LONGEST = timedelta(days=3660)
_FALLBACK_LENGTH = 20  # characters of 2027-01-12T08:00:00Z


def line(value: Any, limit: int = html.MAX_TITLE) -> str | None:
    """The value as one clean line of at most `limit` characters; None when it says nothing."""
    if not isinstance(value, str):
        if value is None or isinstance(value, bool | list | dict):
            return None
        value = f"{value:.15g}" if isinstance(value, float) else str(value)
    value = html.one_line(value)
    return (value if len(value) <= limit else _cut(value, limit)) or None


def _cut(text: str, limit: int) -> str:
    return text[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:-–") + "…"


def text_of(title: str, description: str | None = None, *, summary: str | None = None) -> tuple[dict[str, Any], Any]:
    """A text of an offer, and what the content hash covers instead of it (None: the text itself).

    A description with markup is sanitised, and its source counts for the hash; one without becomes paragraphs.
    """
    if not description or not description.strip():
        return draft_text(title, summary=summary), None
    if not _has_markup(description):
        plain = html.clean_text(description).strip()[: html.MAX_TEXT]
        return draft_text(title, summary=summary, description_html=_paragraphs(plain), description_text=plain), None
    source = html.without_contact_cards(description)
    shown = html.sanitise(source, limit=html.MAX_TEXT)
    made = draft_text(title, summary=summary, description_html=shown, description_text=html.plain(shown))
    return made, {**made, "description_html": html.canonical_html(source), "description_text": None}


def _has_markup(text: str) -> bool:
    return ("<" in text or "&" in text) and _MARKUP.search(text) is not None


def _paragraphs(plain: str) -> str:
    if "\n" not in plain:
        return f"<p>{entities.escape(plain, quote=False)}</p>"
    blocks = (block.strip() for block in _PARAGRAPHS.split(entities.escape(plain, quote=False)))
    return "".join(f"<p>{'<br>'.join(line.rstrip() for line in block.split(chr(10)))}</p>" for block in blocks if block)


def web(value: object) -> str | None:
    """The http(s) address; one written without scheme (`www.vhs.example`) gets https. None when it is none."""
    if not isinstance(value, str):
        return None
    value = value.strip()
    if "://" not in value and _HOST.fullmatch(value):
        value = f"https://{value}"
    return html.web_address(value)


def mail(value: Any) -> str | None:
    """The mail address in the text, without `mailto:`; None when there is none."""
    found = _MAIL.search(value.removeprefix("mailto:")) if isinstance(value, str) else None
    return found[0].rstrip(".") if found else None


def phone(value: Any) -> str | None:
    """The phone number as the source writes it; None when it has fewer than three digits."""
    number = line(value, 60)
    return number if number and sum(c.isdigit() for c in number) > 2 else None


def instant(value: Any, zone: str) -> str | None:
    """The instant in UTC of a text with offset or in local time of the zone; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) >= _FALLBACK_LENGTH and value[10] == "T":
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None and times.FIRST_YEAR <= moment.year <= times.LAST_YEAR:
                return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"
        return times.instant(value, zone)
    except (ValueError, OverflowError):
        return None


def later(moment: str, by: timedelta) -> str:
    """An instant of this module, moved."""
    return (datetime.fromisoformat(moment) + by).isoformat(timespec="seconds")[:19] + "Z"


def duration(value: Any) -> timedelta | None:
    """An ISO 8601 duration of weeks, days, hours, minutes, seconds; None when it is none or nothing."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found or not any(found.groups()):
        return None
    weeks, days, hours, minutes, seconds = (min(int(part or 0), 100_000) for part in found.groups())
    span = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return span if timedelta() < span <= _LONGEST else None


def whole(value: Any, *, most: int = 1_000_000) -> int | None:
    """A count that a source gives as number or text; None when it is none, negative or absurd."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        value = value.strip()
        if not value.isdecimal():
            return None
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError):
        return None
    return number if 0 <= number <= most else None


def degrees(value: Any, most: float) -> float | None:
    """A coordinate within ±`most`, six digits (about 10 cm); 0 counts as unknown, forms send it for empty."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = round(float(value.replace(",", ".")) if isinstance(value, str) else float(value), 6)
    except (ValueError, TypeError):
        return None
    return number if number and abs(number) <= most else None
