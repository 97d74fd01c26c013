"""What counts as the content of an offer or organisation, and its hash: docs/decisions/0003-content-hash.md."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal, TypeAlias

import orjson

import verbund_schemas

Subject: TypeAlias = Literal["offer", "organisation"]

_NOTHING: Mapping[str, Any] = {}

# Who the record is, where it came from and what we made of it: none of this is content.
_PROVENANCE = frozenset(
    (
        "district", "source", "record_key", "origin", "revision", "content_hash", "raw_digest", "mapping_version", "cause",
        "overridden", "own_values", "own_hash",
    )
)  # fmt: skip
_NOT_CONTENT = {"offer": _PROVENANCE | {"offer_id"}, "organisation": _PROVENANCE | {"organisation_id"}}

# Attributes of HTML that say how a page looks or was made, never what it says. Systems write them anew on each save.
_VOLATILE_ATTRIBUTE = re.compile(
    r"\s(?:class|id|style|width|height|srcset|sizes|loading|decoding|fetchpriority|target|rel|nonce|data-[\w-]+|on\w+)"
    r"""\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+)""",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[^<>]*>")


def content_hash(
    what: Subject,
    draft: Mapping[str, Any],
    *,
    content_overrides: Mapping[str, Any] = _NOTHING,
    volatile_extra: Collection[str] = frozenset(),
) -> str:
    """SHA-256 in hex over the canonical content: moves when, and only when, what the source says has changed.

    The rules are those of `docs/decisions/0003-content-hash.md`. A field that is null, absent or at its schema's
    default says the same, so a new field with a default moves no hash.

    Args:
        what: which schema the draft has.
        draft: a connector's draft or the whole record; identity, provenance and `cause` are left out.
        content_overrides: a connector's `Mapped.content`, field by field in place of the draft's own.
        volatile_extra: names in `extra` that do not count.

    Raises:
        TypeError: a text is no Unicode (lone surrogates) or a value no JSON; `check_draft` names such a field.
    """
    said = {**draft, **content_overrides} if content_overrides else draft
    text = _json(_content(what, said, volatile_extra))
    if not text.isascii() and not unicodedata.is_normalized("NFC", text.decode()):
        text = _json(_content(what, _composed(said), volatile_extra))
    return hashlib.sha256(b"verbund." + what.encode() + b"/1\n" + text).hexdigest()


def _content(what: Subject, said: Mapping[str, Any], volatile_extra: Collection[str]) -> dict[str, Any]:
    not_content = _NOT_CONTENT[what]
    defaults = _defaults(what.capitalize())
    content = {}
    for name, value in said.items():
        if value is None or name in not_content:
            continue
        default = defaults.get(name)
        if not value and (value == default or (value == () and default == [])):
            continue  # as a connector's draft leaves most of its lists; spares the shaping
        if name == "extra":
            shaped = {key: item for key, item in value.items() if key not in volatile_extra}
        else:
            shape = _SHAPES.get(name)
            shaped = value if shape is None else shape(value)
        if shaped != default:
            content[name] = shaped
    return content


@cache
def _defaults(name: str) -> dict[str, Any]:
    return {field["name"]: field["default"] for field in verbund_schemas.expanded(name)["fields"] if "default" in field}


def _json(content: Any) -> bytes:
    return orjson.dumps(content, default=_plain, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Collection):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is no part of a draft")


def _composed(value: Any) -> Any:
    """The same with every text and name in NFC."""
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case Mapping():
            return {_composed(name): _composed(item) for name, item in value.items()}
        case list() | tuple():
            return [_composed(item) for item in value]
        case _:
            return value


def _said(record: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The record less all that says nothing."""
    return {name: value for name, value in record.items() if value is not None and value != defaults.get(name)}


def _texts(texts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {language: _text(text) for language, text in texts.items()}


def _text(text: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(text, _defaults("Text"))
    html = said.get("description_html")
    if html is not None:
        said["description_html"] = _lasting_html(html)
        said.pop("description_text", None)  # made from the HTML by us
    return said


def _lasting_html(html: str) -> str:
    if "=" not in html or _VOLATILE_ATTRIBUTE.search(html) is None:
        return html
    return _TAG.sub(lambda tag: _VOLATILE_ATTRIBUTE.sub("", tag[0]), html)


def _main_first(codes: Sequence[str]) -> list[str]:
    return [codes[0], *sorted(set(codes[1:]) - {codes[0]})] if codes else []


def _set(values: Iterable[str]) -> list[str]:
    return sorted(set(values))


def _unordered(of: str) -> Callable[[Iterable[Mapping[str, Any]]], list[Any]]:
    """Shape of a list of records that is a set."""

    def shape(records: Iterable[Mapping[str, Any]]) -> list[Any]:
        defaults = _defaults(of)
        return sorted((_said(record, defaults) for record in records), key=_json)

    return shape


def _record(of: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda record: _said(record, _defaults(of))


def _starts(starts: Iterable[Mapping[str, Any]]) -> list[Any]:
    defaults = _defaults("Occurrence")
    found = []
    for start in starts:
        said = _said(start, defaults)
        for name in ("start", "end", "registration_until"):
            if name in said:
                said[name] = utc_instant(said[name])
        found.append(said)
    return sorted(found, key=_json) if len(found) > 1 else found


def _recurrence(recurrence: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(recurrence, _defaults("Recurrence"))
    if exceptions := said.pop("exceptions", None):
        said["exceptions"] = _set(exceptions)
    return said


def _place(place: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(place, _defaults("Place"))
    for name in ("lon", "lat"):
        if name in said:
            said[name] = round(float(said[name]), 6) + 0.0  # 11 cm; adding zero makes -0.0 the same as 0.0
    return said


def _cost(cost: Mapping[str, Any]) -> dict[str, Any]:
    said = _said(cost, _defaults("Cost"))
    if "amount" in said:
        said["amount"] = round(float(said["amount"]), 2) + 0.0
    return said


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "texts": _texts,
    "categories": _main_first,
    "foreign_codes": _unordered("ForeignCode"),
    "target_groups": _set,
    "languages_of_instruction": _set,
    "starts": _starts,
    "recurrence": _recurrence,
    "opening_hours": _unordered("OpeningHours"),
    "place": _place,
    "area_served": _set,
    "cost": _cost,
    "funding": _set,
    "registration": _record("Registration"),
    "access": _record("Access"),
    "contact_ids": _set,
}


def utc_instant(text: str) -> str:
    """An instant with offset as `YYYY-MM-DDTHH:MM:SSZ`; any other text as it is."""
    if len(text) == len("2027-01-12T08:00:00Z") and text[-1] == "Z":
        return text
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return text
    if instant.tzinfo is None:
        return text
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
