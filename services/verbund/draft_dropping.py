"""A draft less the values that its check found wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import orjson

import verbund_schemas
from verbund.value_check import Finding


def without(draft: Mapping[str, Any], findings: Iterable[Finding], *, schema: str = "Offer") -> dict[str, Any]:
    """The draft less the values that the findings name: list items and map entries go, fields become unknown.

    A copy; the draft stays as it is. Meant for findings that reject nothing.
    """
    cleaned: dict[str, Any] = orjson.loads(orjson.dumps(draft, default=dict))
    places = sorted({_path(finding.place, draft) for finding in findings}, key=_late_items_first)
    for path in places:
        _drop(cleaned, path, _defaults(schema))
    return cleaned


@cache
def _defaults(name: str) -> dict[str, Any]:
    fields = verbund_schemas.expanded(name)["fields"]
    return {field["name"]: field["default"] for field in fields if field.get("default") is not None}


def _path(place: str, draft: Mapping[str, Any]) -> tuple[str, ...]:
    """Steps to a place; names in maps are the source's and may have dots of their own."""
    first, _, rest = place.partition(".")
    if rest and first == "extra":
        return (first, rest)
    if rest and first == "texts":
        language = max((name for name in draft["texts"] if f"{rest}.".startswith(f"{name}.")), key=len)
        return (first, language, *filter(None, rest[len(language) + 1 :].split(".")))
    return tuple(place.split("."))


def _late_items_first(path: tuple[str, ...]) -> tuple[Any, ...]:
    """Long paths and high indexes first: what is dropped never moves what is still to be dropped."""
    return (-len(path), [-int(step) if step.isdecimal() else 0 for step in path])


def _drop(record: Any, path: tuple[str, ...], defaults: Mapping[str, Any]) -> None:
    *steps, last = path
    inside = record
    for step in steps:
        inside = inside[int(step)] if isinstance(inside, list) else inside[step]
    if isinstance(inside, list):
        del inside[int(last)]
    elif not steps:
        inside[last] = defaults.get(last)
    elif last == "translation":
        inside[last] = "unknown"  # its default would claim an original
    else:
        inside.pop(last, None)  # absent says the same as the default
