"""Schemas by name, whole and parsed; and the versions that were ever shipped.

The files in `types/` and `events/` are written by hand and name each other (`verbund.Place`). What others get is
*expanded*: self-contained, each named type written out where it is first used, as Avro wants it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

from verbund_schemas._files import names_in, read_json

Schema: TypeAlias = dict[str, Any]

# What decides how bytes are read, beside the type itself. Docs and labels (unit, vocabulary, pii, purpose, retention)
# are left out: a better sentence is no new version.
_DECIDING = ("default", "aliases", "logicalType", "precision", "scale", "size", "symbols")
_NAMED = ("record", "error", "enum", "fixed")

# Contact is no event, yet stored: encrypted inside SealedContact. So its versions are kept like those of events.
_STORED_TYPES = ("Contact",)


class UnknownSchemaError(KeyError):
    """No schema has that name or digest."""


def type_names() -> tuple[str, ...]:
    """Names of the shared types, sorted."""
    return _names("types")


def event_names() -> tuple[str, ...]:
    """Names of the events, sorted."""
    return _names("events")


def stored_names() -> tuple[str, ...]:
    """Names of everything that is ever stored as Avro bytes, and whose versions are therefore frozen."""
    return tuple(sorted((*event_names(), *_STORED_TYPES)))


@cache
def expanded(name: str) -> Schema:
    """Today's schema of a shared type or event, self-contained, with docs and labels; a JSON value, not to be changed.

    Raises:
        UnknownSchemaError: nothing is called that.
    """
    schema: Schema = _written_out(_source(name), set())
    return schema


@cache
def load(name: str) -> Schema:
    """Today's schema of a shared type or event, expanded and parsed by fastavro; shared, so never changed.

    Raises:
        UnknownSchemaError: nothing is called that.
    """
    return _parsed(expanded(name))


def fingerprint(schema: Schema | str) -> bytes:
    """CRC-64-AVRO of the parsing canonical form, 8 bytes, little endian: what single-object encoding puts in front.

    Blind to defaults, docs and logical types by the specification: `digest` is what names a schema for good.
    """
    from fastavro.schema import fingerprint as of_canonical  # noqa: PLC0415 - fastavro takes 80 ms to import
    from fastavro.schema import to_parsing_canonical_form  # noqa: PLC0415

    return bytes.fromhex(of_canonical(to_parsing_canonical_form(schema), "CRC-64-AVRO"))


def digest(schema: Schema) -> str:
    """SHA-256 in hex over the canonical JSON of everything that decides how bytes are read.

    That is names, types, order of fields, defaults, aliases, symbols and logical types, so two schemas that differ in
    one of them differ here. Docs and labels do not count. Takes an expanded or a parsed schema.
    """
    import hashlib  # noqa: PLC0415 - imports wait, see `_files`
    import json  # noqa: PLC0415

    canonical = json.dumps(_deciding(schema, ""), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@cache
def shipped(schema_digest: str, *, name: str | None = None) -> Schema:
    """The schema, parsed, that wrote bytes marked with this digest; of the event or type `name`, when that is given.

    Raises:
        UnknownSchemaError: no version ever shipped has that digest.
    """
    path = _by_digest().get(schema_digest)
    if path is None or (name is not None and not path.startswith(f"{name}/")):
        raise UnknownSchemaError(schema_digest)
    return _parsed(read_json("shipped", *path.split("/")))


@cache
def shipped_versions(name: str) -> tuple[str, ...]:
    """Digests of all versions of an event or stored type that were ever shipped, oldest first."""
    versions = [(path, known) for known, path in _by_digest().items() if path.startswith(f"{name}/")]
    return tuple(known for _, known in sorted(versions, key=lambda version: _number(version[0])))


def _number(path: str) -> int:
    return int(path.rpartition("/")[2].removesuffix(".avsc"))


@cache
def _by_digest() -> dict[str, str]:
    try:
        lock = read_json("shipped", "lock.json")
    except FileNotFoundError:
        return {}
    return {entry["schema"]: path for path, entry in lock.items()}


@cache
def _names(folder: str) -> tuple[str, ...]:
    return names_in(folder, ".avsc")


@cache
def _source(name: str) -> Schema:
    for folder in ("events", "types"):
        if name in _names(folder):
            schema: Schema = read_json(folder, f"{name}.avsc")
            return schema
    raise UnknownSchemaError(name)


def _written_out(schema: Any, seen: set[str]) -> Any:
    """The same schema, each `verbund.X` replaced by its definition the first time it is met."""
    match schema:
        case str() if schema.startswith("verbund.") and schema not in seen:
            return _written_out(_source(schema.removeprefix("verbund.")), seen)
        case list():
            return [_written_out(branch, seen) for branch in schema]
        case {"type": "record"}:
            seen.add(f"{schema['namespace']}.{schema['name']}")
            return {**schema, "fields": [_written_out_field(field, seen) for field in schema["fields"]]}
        case {"type": "array"}:
            return {**schema, "items": _written_out(schema["items"], seen)}
        case {"type": "map"}:
            return {**schema, "values": _written_out(schema["values"], seen)}
        case _:
            return schema


def _written_out_field(field: Schema, seen: set[str]) -> Schema:
    return {**field, "type": _written_out(field["type"], seen)}


def _deciding(schema: Any, namespace: str) -> Any:
    """The schema less all that does not decide how bytes are read; names in full."""
    if isinstance(schema, list):
        return [_deciding(branch, namespace) for branch in schema]
    if isinstance(schema, str):
        return schema if "." in schema or not namespace or schema in _PRIMITIVES else f"{namespace}.{schema}"
    kind = schema["type"]
    if not isinstance(kind, str):
        return _deciding(kind, namespace)
    kept = {word: schema[word] for word in _DECIDING if word in schema}
    if kind in _NAMED:
        name = schema["name"]
        space = schema.get("namespace", namespace)
        kept["name"] = name if "." in name or not space else f"{space}.{name}"
        namespace = kept["name"].rpartition(".")[0]
    if kind in ("record", "error"):
        kept["fields"] = [
            {"name": field["name"], "type": _deciding(field["type"], namespace)}
            | {word: field[word] for word in ("default", "aliases") if word in field}
            for field in schema["fields"]
        ]
    elif kind in ("array", "map"):
        inner = "items" if kind == "array" else "values"
        kept[inner] = _deciding(schema[inner], namespace)
    return {"type": kind, **kept} if kept else kind


_PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))


def _parsed(schema: Schema) -> Schema:
    from fastavro import parse_schema  # noqa: PLC0415 - fastavro takes 80 ms to import

    parsed = parse_schema(schema)
    assert isinstance(parsed, dict)  # noqa: S101 - what we ship are records
    return parsed
