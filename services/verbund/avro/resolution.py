"""What a reader's schema takes of a writer's: Avro's schema resolution, as far as our schemas may change.

They may gain and lose fields that have a default (FULL_TRANSITIVE); everything else stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]


def resolved(written: Schema, wanted: Schema) -> Schema:
    """The written schema, its fields marked `skipped` or not, and in each record `filled`: what it lacks, by default.

    Raises:
        TypeError: the two differ in more than fields that have a default.
    """
    root: Schema = _Resolution(written, wanted).of(written, wanted)
    return root


def narrowed(schema: Schema, paths: Iterable[str]) -> Schema:
    """A reader's schema with only these fields, for a reader that needs no more: the others are skipped, not decoded.

    Args:
        schema: an expanded schema.
        paths: names joined by dots, through lists, maps and unions: `offer.texts.title`. A path stands for all below.

    Raises:
        KeyError: there is no such field.
    """
    wanted: dict[str, Any] = {}
    for path in paths:
        inner = wanted
        for name in path.split("."):
            inner = inner.setdefault(name, {})
    narrow: Schema = _narrowed(schema, wanted, dict(_records(schema)))
    return narrow


def _narrowed(schema: Any, wanted: dict[str, Any], records: dict[str, Schema]) -> Any:
    if not wanted:
        return schema
    match _looked_up(schema, records):
        case [*branches]:
            return [branch if branch == "null" else _narrowed(branch, wanted, records) for branch in branches]
        case {"items": items}:
            return {"type": "array", "items": _narrowed(items, wanted, records)}
        case {"values": values}:
            return {"type": "map", "values": _narrowed(values, wanted, records)}
        case {"fields": fields} as record:
            known = {field["name"]: field for field in fields}
            kept = [{**known[name], "type": _narrowed(known[name]["type"], wanted[name], records)} for name in wanted]
            return {**record, "fields": kept}
        case _:
            raise KeyError(", ".join(wanted))


class _Resolution:
    def __init__(self, written: Schema, wanted: Schema) -> None:
        self._written = dict(_records(written))
        # A narrow schema may have lost the place where a record that it names was written out.
        self._wanted = self._written | dict(_records(wanted))
        self._met: dict[str, Schema] = {}

    def of(self, written: Any, wanted: Any) -> Any:
        """A record that was met before is only named."""
        written, wanted = _looked_up(written, self._written), _looked_up(wanted, self._wanted)
        match written, wanted:
            case {"type": "record"}, {"type": "record"} if _full_name(written) == _full_name(wanted):
                return self._record(written, wanted)
            case {"type": "array"}, {"type": "array"}:
                return {"type": "array", "items": self.of(written["items"], wanted["items"])}
            case {"type": "map"}, {"type": "map"}:
                return {"type": "map", "values": self.of(written["values"], wanted["values"])}
            case ["null", one], ["null", other]:
                return ["null", self.of(one, other)]
            case str(), str() if written == wanted:
                return written
            case _:
                raise TypeError(f"{written} is not read as {wanted}")

    def _record(self, written: Schema, wanted: Schema) -> Any:
        name = _full_name(written)
        if name in self._met:
            if self._met[name] != wanted:
                raise TypeError(f"{name} is wanted in two shapes")
            return name
        self._met[name] = wanted
        missing = {field["name"]: field for field in wanted["fields"]}
        fields = []
        for field in written["fields"]:
            taken = missing.pop(field["name"], None)
            kind = self._whole(field["type"], ()) if taken is None else self.of(field["type"], taken["type"])
            fields.append({"name": field["name"], "type": kind, "skipped": taken is None})
        filled = {name: self._default(field) for name, field in missing.items()}
        return {"type": "record", "name": name, "fields": fields, "filled": filled}

    def _default(self, field: Schema) -> Any:
        """Avro writes a default of bytes as text, a character a byte."""
        kind = _looked_up(field["type"], self._wanted)
        if "default" not in field or (isinstance(kind, dict) and kind["type"] == "record"):
            raise TypeError(f"the field {field['name']} was not written and cannot be filled in")
        return field["default"].encode("latin-1") if kind == "bytes" else field["default"]

    def _whole(self, schema: Any, around: tuple[str, ...]) -> Any:
        """What is skipped, each record written out."""
        schema = _looked_up(schema, self._written)
        match schema:
            case ["null", inner]:
                return ["null", self._whole(inner, around)]
            case {"type": "array"}:
                return {"type": "array", "items": self._whole(schema["items"], around)}
            case {"type": "map"}:
                return {"type": "map", "values": self._whole(schema["values"], around)}
            case {"type": "record"} if (name := _full_name(schema)) not in around:
                inside = (*around, name)
                return {"type": "record", "fields": [self._whole(field["type"], inside) for field in schema["fields"]]}
            case str():
                return schema
            case _:
                raise TypeError(f"{schema} is not skipped")


def _looked_up(schema: Any, records: dict[str, Schema]) -> Any:
    return records.get(schema, schema) if isinstance(schema, str) else schema


def _records(schema: Any) -> Iterator[tuple[str, Schema]]:
    match schema:
        case [*branches]:
            for branch in branches:
                yield from _records(branch)
        case {"type": "record"}:
            yield _full_name(schema), schema
            for field in schema["fields"]:
                yield from _records(field["type"])
        case {"items": inner} | {"values": inner}:
            yield from _records(inner)
        case _:
            pass


def _full_name(record: Schema) -> str:
    name: str = record["name"]
    return name if "." in name else f"{record['namespace']}.{name}"
