"""Whether two versions of a schema can read each other: FULL_TRANSITIVE, so that every reader reads every event.

Data are kept for ever and other systems update late. So today's schema must read what any shipped version wrote, and
any shipped version must read what today's writes. That leaves: add a field with a default, remove a field that has
one, add an enum symbol where the enum has a default. Aliases do not help, since older readers do not know them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from verbund_schemas._schemas import Schema, load, shipped, shipped_versions

# What Avro lets a reader make of a writer's type. Bytes as string is left out: not all bytes are text.
_PROMOTIONS = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
}
_NAMED = ("record", "error", "enum", "fixed")


def problems_with_shipped(name: str) -> list[str]:
    """Why today's schema of an event or stored type does not fit all that was ever shipped; empty when it does."""
    found: list[str] = []
    for number, digest in enumerate(shipped_versions(name), start=1):
        found += problems(load(name), shipped(digest), new_name="today's", old_name=f"version {number}")
    return found


def problems(new: Schema, old: Schema, *, new_name: str = "the new", old_name: str = "the old") -> list[str]:
    """Why two versions cannot both read what the other writes: sentences that name the path; empty when they can."""
    backward = unreadable(new, old)
    forward = unreadable(old, new)
    return (
        [f"{problem} ({new_name} reading {old_name})" for problem in backward]
        + [f"{problem} ({old_name} reading {new_name})" for problem in forward]
        + [f"{path}: has aliases; a rename is lost on older readers" for path in _aliased(new)]
    )


def unreadable(reader: Schema, writer: Schema) -> list[str]:
    """Why a reader cannot read all that a writer may write; empty when it can."""
    check = _Check(_named_types(reader), _named_types(writer))
    return list(dict.fromkeys(check.types(reader, writer, _short_name(writer))))


class _Check:
    """One comparison; named types are followed once per pair, so recursive ones end."""

    def __init__(self, reader_names: dict[str, Schema], writer_names: dict[str, Schema]) -> None:
        self._reader_names = reader_names
        self._writer_names = writer_names
        self._seen: set[tuple[str, str]] = set()

    def types(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        """Problems of a reader's type with a writer's."""
        reader = self._reader_names.get(reader, reader) if isinstance(reader, str) else reader
        writer = self._writer_names.get(writer, writer) if isinstance(writer, str) else writer
        if isinstance(writer, list):
            for branch in writer:
                yield from self.types(reader, branch, path)
        elif isinstance(reader, list):
            yield from self._branches(reader, writer, path)
        else:
            yield from self._plain(reader, writer, path)

    def _branches(self, reader: list[Any], writer: Any, path: str) -> Iterator[str]:
        """A reader takes the branch of the same type; one that only promotes is the second choice."""
        wanted = _describe(writer)
        same = [branch for branch in reader if _describe(self._reader_names.get(str(branch), branch)) == wanted]
        if same:
            yield from self.types(same[0], writer, path)
        elif not any(_promotes(writer, branch) for branch in reader):
            allowed = ", ".join(_describe(branch) for branch in reader)
            yield f"{path}: {wanted} is none of the reader's types {allowed}"

    def _plain(self, reader: Any, writer: Any, path: str) -> Iterator[str]:
        kind, written = _kind(reader), _kind(writer)
        if kind != written:
            if not _promotes(writer, reader):
                yield f"{path}: type was written as {_describe(writer)} and is read as {_describe(reader)}"
            return
        if _logical(reader) != _logical(writer):
            yield f"{path}: logical type was written as {_logical(writer)} and is read as {_logical(reader)}"
        if kind in _NAMED and _full_name(reader) != _full_name(writer):
            yield f"{path}: {kind} was written as {_full_name(writer)} and is read as {_full_name(reader)}"
            return
        yield from self._inside(kind, reader, writer, path)

    def _inside(self, kind: str, reader: Any, writer: Any, path: str) -> Iterator[str]:
        match kind:
            case "record" | "error":
                yield from self._records(reader, writer, path)
            case "enum":
                yield from _enums(reader, writer, path)
            case "fixed":
                if reader["size"] != writer["size"]:
                    yield f"{path}: fixed size was written as {writer['size']} and is read as {reader['size']}"
            case "array":
                yield from self.types(reader["items"], writer["items"], f"{path}[]")
            case "map":
                yield from self.types(reader["values"], writer["values"], f"{path}{{}}")
            case _:
                return

    def _records(self, reader: Schema, writer: Schema, path: str) -> Iterator[str]:
        pair = (_full_name(reader), _full_name(writer))
        if pair in self._seen:
            return
        self._seen.add(pair)
        written = {field["name"]: field for field in writer["fields"]}
        for field in reader["fields"]:
            place = f"{path}.{field['name']}"
            if field["name"] in written:
                yield from self.types(field["type"], written[field["name"]]["type"], place)
            elif "default" not in field:
                yield f"{place}: the reader needs it, the writer does not have it, and it has no default"


def _enums(reader: Schema, writer: Schema, path: str) -> Iterator[str]:
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and "default" not in reader:
        yield f"{path}: the reader's enum lacks {', '.join(unknown)} and has no default"


def _promotes(writer: Any, reader: Any) -> bool:
    return (_kind(writer), _kind(reader)) in _PROMOTIONS


def _kind(schema: Any) -> str:
    return schema if isinstance(schema, str) else str(schema["type"])


def _describe(schema: Any) -> str:
    kind = _kind(schema)
    return _full_name(schema) if kind in _NAMED and isinstance(schema, dict) else kind


def _logical(schema: Any) -> str | None:
    if not isinstance(schema, dict) or "logicalType" not in schema:
        return None
    return f"{schema['logicalType']}({schema.get('precision', '')},{schema.get('scale', '')})"


def _full_name(schema: Schema) -> str:
    name: str = schema["name"]
    return name if "." in name or not schema.get("namespace") else f"{schema['namespace']}.{name}"


def _short_name(schema: Any) -> str:
    return _describe(schema).rpartition(".")[2] if isinstance(schema, dict) else "schema"


def _named_types(schema: Any, namespace: str = "") -> dict[str, Schema]:
    """Every named type in a self-contained schema, by full name and, for references within a namespace, by short one."""
    found: dict[str, Schema] = {}
    for definition in _definitions(schema):
        full = _full_name({"namespace": namespace, **definition})
        found[full] = found[full.rpartition(".")[2]] = definition
    return found


def _definitions(schema: Any) -> Iterator[Schema]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _definitions(branch)
    elif isinstance(schema, dict):
        if schema["type"] in _NAMED:
            yield schema
        for inner in (schema.get("items"), schema.get("values"), *(f["type"] for f in schema.get("fields", ()))):
            yield from _definitions(inner)


def _aliased(schema: Schema) -> Iterator[str]:
    for definition in _definitions(schema):
        name = _describe(definition)
        if definition.get("aliases"):
            yield name
        for field in definition.get("fields", ()):
            if field.get("aliases"):
                yield f"{name}.{field['name']}"
