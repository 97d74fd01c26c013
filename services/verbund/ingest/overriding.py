"""Fields that a person set at the hub: put over what the source says, taken off again, and checked like a draft.

A content with set fields carries what the source itself says for them and the hash of the source's own content, so
that the log alone tells both, and a field can be given back without asking the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from typing import Any

import orjson

import verbund_schemas
from verbund.errors import UsageError
from verbund.i18n import current_language
from verbund.offer import check_draft
from verbund_connectors.html import clean_text, plain, sanitise
from verbund_schemas import expanded, vocabulary

#: What a source could say, but who offers it and whom one asks.
FIELDS = frozenset(
    (
        "kind", "texts", "categories", "foreign_codes", "target_groups", "level_from", "level_to", "languages_of_instruction",
        "age_from", "age_to", "gender", "starts", "recurrence", "opening_hours", "availability", "valid_from", "valid_to",
        "place", "online_url", "area_served", "cost", "funding", "registration", "access", "childcare", "barrier_free",
        "source_url",
    )
)  # fmt: skip

# Records whose fields can be set one by one.
_RECORDS = {
    "place": "Place",
    "cost": "Cost",
    "registration": "Registration",
    "access": "Access",
    "recurrence": "Recurrence",
}
_HTML, _PLAIN = "description_html", "description_text"


# --- putting over and taking off -------------------------------------------------------------------------------------------


def own_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the source itself says: the content without what people set in it."""
    own: dict[str, Any] = orjson.loads(orjson.dumps(content, default=dict))
    for path, value in sorted((own.get("own_values") or {}).items(), key=lambda pair: -len(pair[0])):
        _put(own, _steps(path), orjson.loads(value))
    if own.get("own_hash"):
        own["content_hash"] = own["own_hash"]
    return {**own, "overridden": [], "own_values": {}, "own_hash": None}


def overridden(content: Mapping[str, Any], overrides: Mapping[str, str], *, year: int) -> dict[str, Any]:
    """The source's own content with these fields set; those that do not fit it, or that it says itself, are left out.

    Args:
        content: with its `content_hash`, with or without fields that are set already.
        overrides: JSON of the value by path.
        year: the present one, for the check of dates.
    """
    own = own_of(content)
    shown: dict[str, Any] = orjson.loads(orjson.dumps(own))
    own_values: dict[str, str] = {}
    counting: dict[str, Any] = {}
    for path, text in sorted(overrides.items()):
        tried: dict[str, Any] = orjson.loads(orjson.dumps(shown))
        replaced = _set(tried, path, orjson.loads(text))
        if tried == shown or _worse(shown, tried, year=year):
            continue
        shown, counting[path] = tried, orjson.loads(text)
        own_values = {**{name: orjson.dumps(value).decode() for name, value in replaced.items()}, **own_values}
    if not counting:
        return own
    said = own["content_hash"].encode() + b"\n" + orjson.dumps(counting, option=orjson.OPT_SORT_KEYS)
    return {
        **shown,
        "content_hash": sha256(b"verbund.overridden/1\n" + said).hexdigest(),
        "own_hash": own["content_hash"],
        "overridden": sorted(counting),
        "own_values": own_values,
    }


def _set(draft: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Set a field, with what belongs to it; what stood there before, by path."""
    steps = _steps(path)
    if steps[-1] == _HTML:
        html = sanitise(value) or None if isinstance(value, str) else value
        replaced = _put(draft, steps, html)
        return {**_put(draft, (*steps[:-1], _PLAIN), plain(html) if html else None), **replaced}
    return _put(draft, steps, _whole(steps, value))


def _put(draft: dict[str, Any], steps: Sequence[str], value: Any) -> dict[str, Any]:
    """Put a value at a place; what stood there, or where the first missing step was."""
    inside, replaced = draft, None
    for depth, step in enumerate(steps[:-1]):
        if inside.get(step) is None:
            replaced = replaced or {".".join(steps[: depth + 1]): None}
            inside[step] = {} if step == "texts" else _empty(_record_of(steps[: depth + 1]))
        inside = inside[step]
    replaced = replaced or {".".join(steps): inside.get(steps[-1])}
    if value is None and len(steps) == 2 and steps[0] == "texts":
        inside.pop(steps[-1], None)
    else:
        inside[steps[-1]] = value
    return replaced


def _whole(steps: Sequence[str], value: Any) -> Any:
    """Texts cleaned; a record with all its fields."""
    if isinstance(value, str):
        return clean_text(value)
    record = _record_of(steps)
    if record and isinstance(value, dict):
        return {**_empty(record), **value}
    return value


def _record_of(steps: Sequence[str]) -> str:
    if len(steps) == 2 and steps[0] == "texts":
        return "Text"
    return _RECORDS.get(steps[0], "") if len(steps) == 1 else ""


@cache
def _defaults(record: str) -> Mapping[str, Any]:
    return {field["name"]: field.get("default") for field in expanded(record)["fields"]}


def _empty(record: str) -> dict[str, Any]:
    return dict(_defaults(record)) if record else {}


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


# --- checks ------------------------------------------------------------------------------------------------------------------


def check_override(content: Mapping[str, Any], path: str, text: str, *, year: int) -> str:
    """The JSON of a value that fits; a text may be given without quotes.

    Raises:
        UsageError: there is no such field, it cannot be set, or the value does not fit.
    """
    _refuse_path(path)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    shown = own_of(content)
    tried: dict[str, Any] = orjson.loads(orjson.dumps(shown))
    _set(tried, path, value)
    for rule in _worse(shown, tried, year=year):
        raise UsageError(
            "{field} cannot be {value}: {problem}. The value is JSON; a text may stand in quotes. `verbund explain {rule}` says"
            " more.",
            field=path,
            value=text,
            problem=vocabulary("rules").label(rule, current_language()),
            rule=rule,
        )
    return orjson.dumps(value).decode()


def _refuse_path(path: str) -> None:
    steps = _steps(path)
    first = steps[0]
    if first not in FIELDS:
        raise UsageError(
            "{field} cannot be set at the hub; these can: {fields}.", field=path, fields=", ".join(sorted(FIELDS))
        )
    if first == "texts":
        known = set(_defaults("Text")) - {_PLAIN}
        fits = len(steps) == 2 or (len(steps) == 3 and steps[2] in known)
        inner = [f"texts.de.{name}" for name in sorted(known)]
    else:
        record = _RECORDS.get(first, "")
        inner = [f"{first}.{name}" for name in sorted(_defaults(record))] if record else []
        fits = len(steps) == 1 or path in inner
    if not fits:
        raise UsageError(
            "there is no field {field}; one can set {fields}.", field=path, fields=", ".join([first, *inner])
        )


def _worse(before: Mapping[str, Any], after: Mapping[str, Any], *, year: int) -> list[str]:
    """Rules that the content breaks only since it was changed."""
    known = set(_broken(before, year=year))
    return [rule for rule, place in _broken(after, year=year) if (rule, place) not in known]


def _broken(content: Mapping[str, Any], *, year: int) -> Iterable[tuple[str, str]]:
    draft = {name: content.get(name) for name in FIELDS}
    return [(finding.rule, finding.place) for finding in check_draft(_without_nothing(draft), year=year)]


def _without_nothing(draft: Mapping[str, Any]) -> dict[str, Any]:
    """A list that is not there is empty, as in a draft."""
    defaults = {field["name"]: field.get("default") for field in verbund_schemas.expanded("Offer")["fields"]}
    return {name: defaults.get(name) if value is None else value for name, value in draft.items()}


# --- in every pull -----------------------------------------------------------------------------------------------------------


def overrides_of(db: Any, offer_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """JSON of each value by path, by offer."""
    found: dict[str, dict[str, str]] = {}
    for ident, field, value in db.execute(
        "SELECT v.offer_id, v.field, v.value FROM json_each(?) j JOIN override v ON v.offer_id = j.value",
        (orjson.dumps(list(offer_ids)).decode(),),
    ):
        found.setdefault(ident, {})[field] = value
    return found
