"""Whether a draft fits its schema, by code made from the schema: quick, and silent about what is wrong.

Nearly every draft fits, and walking the schema for each value costs several times as much as this. So `value_check` only
walks drafts that do not fit, to name what is wrong. Both hold values to the same rules, those of `value_check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import verbund_schemas
from verbund.schema_source import Source, made
from verbund.value_check import MAX_MONEY, MAX_TEXT, bounds, plain_text, text_check

#: Whether a draft fits, given the present year. A False may be wrong (of a mapping that is no dict, say), a True never.
Fit: TypeAlias = Callable[[Mapping[str, Any], int], bool]

_ABSENT = object()  # fits nothing


@cache
def fit_of(name: str, *, needed: tuple[str, ...]) -> Fit:
    """The fit of a shared type: of its own fields only those in `needed` must be there, of nested ones all without default."""
    schema = verbund_schemas.expanded(name)
    given_later = {field["name"] for field in schema["fields"] if "default" not in field}.difference(needed)
    source = Source("fits", _fits_record, _fits)
    fit: Fit = made(source, {**schema, "given_later": given_later}, {"ABSENT": _ABSENT})
    return fit


def _fits_record(source: Source, schema: dict[str, Any], name: str) -> list[str]:
    known = _constant(source, frozenset(field["name"] for field in schema["fields"]))
    given_later = schema.get("given_later", ())
    body = []
    for field in schema["fields"]:
        value, at = source.name(), " "
        if field["name"] in given_later:
            body.append(f" if {field['name']!r} in d:")
            at += " "
        absent = _constant(source, field["default"]) if "default" in field else "ABSENT"
        body.append(f"{at}{value} = get({field['name']!r}, {absent})")
        source.emit(source, field, value, body, at)
    return [
        f"def {name}(d, year):",
        f" if not d.keys() <= {known}: return False",
        " get = d.get",
        *body,
        " return True",
    ]


def _fits(source: Source, field: Any, value: str, out: list[str], at: str) -> None:
    """Lines that answer False when the value of a field, whose labels count, does not fit."""
    kind = field["type"]
    if function := source.function(kind):
        out.append(f"{at}if {value}.__class__ is not dict or not {function}({value}, year): return False")
        return
    match kind:
        case ["null", inner]:
            out.append(f"{at}if {value} is not None:")
            source.emit(source, {**field, "type": inner}, value, out, at + " ")
        case {"type": "array", "items": items}:
            item = source.name()
            out.append(f"{at}if {value}.__class__ is not list and {value}.__class__ is not tuple: return False")
            out.append(f"{at}for {item} in {value}:")
            source.emit(source, {**field, "type": items}, item, out, at + " ")
        case {"type": "map", "values": values}:
            key, item = source.name(), source.name()
            out.append(f"{at}if {value}.__class__ is not dict: return False")
            out.append(f"{at}for {key}, {item} in {value}.items():")
            out.append(f"{at} if {key}.__class__ is not str: return False")
            source.emit(source, {**field, "type": values}, item, out, at + " ")
        case _:
            out.append(f"{at}if {_misfit(source, field, value)}: return False")


def _misfit(source: Source, field: Mapping[str, Any], value: str) -> str:
    """An expression that is true when a value is not what a field of a plain type may hold."""
    match field["type"]:
        case "string" if "vocabulary" in field:
            known = verbund_schemas.vocabulary(field["vocabulary"])
            # Looked up among the terms first: a vocabulary's own `in` also tries its pattern.
            terms, more = _constant(source, known.terms), _constant(source, known)
            return f"{value}.__class__ is not str or ({value} not in {terms} and {value} not in {more})"
        case "string" if text_check(field) is plain_text:
            return f"{value}.__class__ is not str or len({value}) > {MAX_TEXT}"
        case "string":
            return f"{value}.__class__ is not str or {_constant(source, text_check(field))}({value}, year)"
        case "boolean":
            return f"{value}.__class__ is not bool"
        case "int" | "long":
            least, most = bounds(field)
            return f"{value}.__class__ is not int or not {least} <= {value} <= {most}"
        case "double":
            number = f"{value}.__class__ is float or {value}.__class__ is int"
            return f"not (({number}) and {-MAX_MONEY} <= {value} <= {MAX_MONEY})"
        case other:
            raise TypeError(f"a draft has no {other}")


def _constant(source: Source, value: Any) -> str:
    """A name by which the made code knows a value."""
    name = f"c{len(source.constants)}"
    source.constants[name] = value
    return name
