"""Answers of the API to items: the array as a whole, keys that last, and only the fields that mean something.

Kept are the fields that `map` knows. What a re-save, an hour or a neighbour changes (revision ids, times, order, image
addresses, links to other languages) is left out here, so that an unchanged record is an equal item; the raw archive has
the rest. Contact cards inside HTML, and contacts that the source file does not want, do not get past this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

import orjson

from verbund_connectors.html import one_line, without_contact_cards
from verbund_connectors.integreat._fields import CONTACT_FIELDS, number_of
from verbund_connectors.kit import JSON, Broken, ContactPolicy, Item, UnreadableError

MAX_BODY = 50 * 1024 * 1024  # bytes; the largest regions send about 5 MB
_MAX_PATH = 1_000  # characters; keys stand in every event
_LOG_IN = re.compile(rb"type=[\"']?password|log-?in|anmeld", re.IGNORECASE)


def array(body: IO[bytes]) -> list[Any]:
    """The JSON array of an answer.

    Raises:
        UnreadableError: `too_large`, `empty_body`, `log_in_page`, `truncated`, `not_json`, or `not_a_feed`: other JSON.
    """
    raw = body.read(MAX_BODY + 1)
    if len(raw) > MAX_BODY:
        raise UnreadableError("too_large", f"more than {MAX_BODY} bytes")
    text = raw.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise UnreadableError("empty_body")
    if text[:1] == b"<":
        raise UnreadableError("log_in_page" if _LOG_IN.search(text[:65536]) else "not_json", "an HTML page")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableError("not_json" if text[-1:] in b"]}" else "truncated", f"at byte {error.pos}") from error
    if not isinstance(value, list):
        raise UnreadableError("not_a_feed", f"a JSON {type(value).__name__} instead of an array")
    return value


# --- what is kept ----------------------------------------------------------------------------------------------------

_SHARED = ("title", "content", "path", "url")
_LOCATION = ("id", "name", "address", "town", "postcode", "latitude", "longitude")
_ORGANISATION = ("id", "slug", "name", "website")


def _only(value: JSON, names: Sequence[str]) -> JSON:
    """An object with these of its fields; anything else as it is, for `map` to judge."""
    return {name: value[name] for name in names if name in value} if isinstance(value, dict) else value


def _with(entry: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    data: dict[str, Any] = _only(entry, names)
    if isinstance(data.get("content"), str):
        data["content"] = without_contact_cards(data["content"])
    return data


def event(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An event of `events/?combine_recurring=True`."""
    data = _with(entry, (*_SHARED, "meeting_url", "recurrence_rule"))
    when = entry.get("event")
    data["event"] = _only(when, ("start", "end", "all_day", "only_weekdays", "timezone"))
    if isinstance(when, dict):
        for name in ("start", "end"):  # older servers have day and time apart, and nothing else
            if name not in when and isinstance(when.get(f"{name}_date"), str):
                clock = when.get(f"{name}_time")
                data["event"][name] = when[f"{name}_date"] + (f"T{clock}" if isinstance(clock, str) else "")
    data["location"] = _only(entry.get("location"), _LOCATION)
    return data


def place(entry: Mapping[str, Any], *, contacts: ContactPolicy) -> dict[str, Any]:
    """A place of `locations/`."""
    data = _with(
        entry,
        (*_SHARED, "meta_description", "temporarily_closed", "opening_hours", "appointment_url", "barrier_free"),
    )
    data["location"] = _only(entry.get("location"), _LOCATION)
    data["category"] = _only(entry.get("category"), ("name", "icon"))
    data["organization"] = _only(entry.get("organization"), _ORGANISATION)
    given = entry.get("contacts")
    if contacts != "none" and given:
        names = [name for name in CONTACT_FIELDS if contacts == "names" or name != "name"]
        data["contacts"] = [_only(one, names) for one in given] if isinstance(given, list) else given
    return data


def page(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A page of `pages/`."""
    data = _with(entry, _SHARED)
    data["organization"] = _only(entry.get("organization"), _ORGANISATION)
    embedded = entry.get("embedded_offers")
    if isinstance(embedded, list):
        data["embedded_offers"] = [offer.get("alias") for offer in embedded if isinstance(offer, dict)]
    return data


def service(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A third-party service of `offers/`."""
    return _with(entry, ("name", "alias", "url", "post"))


# --- keys ------------------------------------------------------------------------------------------------------------


def event_key(entry: Mapping[str, Any]) -> str | None:
    number = number_of(_get(entry, "event", "id"))
    return f"event/{number}" if number else None


def place_key(entry: Mapping[str, Any]) -> str | None:
    number = number_of(_get(entry, "location", "id"))
    return f"place/{number}" if number else None


def service_key(entry: Mapping[str, Any]) -> str | None:
    alias = entry.get("alias")
    return f"offer/{alias}" if isinstance(alias, str) and re.fullmatch(r"[\w-]{1,200}", alias) else None


def _get(entry: Mapping[str, Any], *names: str) -> JSON:
    value: JSON = entry
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def page_path(entry: Mapping[str, Any], default: str, language: str) -> str | None:
    """The path of a page in the default language, without outer slashes."""
    path = entry.get("path") if language == default else _get(entry, "available_languages", default, "path")
    path = path or entry.get("path")
    if not isinstance(path, str) or len(path) > _MAX_PATH or one_line(path) != path:
        return None  # a key is no place for hidden characters
    return path.strip("/") or None


def lasting_paths(pages: Sequence[JSON], default: str) -> dict[str, str]:
    """Paths of pages in the default language to paths that outlive renames: each step is the page's *first* slug.

    `slug_history` lists the slugs a page ever had, oldest first. When a later page takes over a slug that another one
    has left, the older page keeps the name and the newer one goes by its current path and a mark.
    """
    history: dict[str, list[str]] = {}
    for entry in pages:
        path = page_path(entry, default, default) if isinstance(entry, dict) else None
        if path:
            slugs = entry.get("slug_history")
            history[path] = [s for s in slugs if isinstance(s, str)] if isinstance(slugs, list) else []
    lasting: dict[str, str] = {}
    taken: set[str] = set()
    # Parents first; among sisters the ones that were renamed, since they had the slug before.
    for path in sorted(history, key=lambda one: (one.count("/"), -len(history[one]), one)):
        parent, _, slug = path.rpartition("/")
        first = next((s for s in history[path] if s and "/" not in s), slug)
        wanted = "/".join(part for part in (lasting.get(parent, parent), first) if part)
        names = (wanted, path, *(f"{path}~{number}" for number in range(2, len(history) + 2)))
        lasting[path] = next(name for name in names if name not in taken)
        taken.add(lasting[path])
    return lasting


# --- items -----------------------------------------------------------------------------------------------------------


def items(
    entries: Sequence[JSON],
    part: str,
    key_of: Callable[[Mapping[str, Any]], str | None],
    keep: Callable[[Mapping[str, Any]], dict[str, Any]],
    where: str,
) -> Iterator[Item | Broken]:
    """An item per key. Two that differ under one key are a record that cannot be taken; neither is preferred."""
    found: dict[str, dict[str, Any]] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, dict):
            yield Broken(part=part, rule="wrong_type", place=f"[{index}]", value=entry)
            continue
        key = key_of(entry)
        if key is None:
            given = _get(entry, *where.split("."))
            if given is None and _get(entry, "event", "recurrence_id") is not None:
                given_as = "a single date of a series: the server does not combine them"
                yield Broken(part=part, rule="key_missing", place=f"[{index}].{where}", value=given_as)
                continue
            rule = "key_missing" if given in (None, "") else "key_junk"
            yield Broken(part=part, rule=rule, place=f"[{index}].{where}", value=given)
            continue
        data = keep(entry)
        if found.setdefault(key, data) != data:
            found[key] = {"broken": "key_duplicate", "place": where}
    for key, data in found.items():
        yield Item(part=part, id=key, key=key, data=data)
