"""Records to bytes by code made for one schema."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, TypeAlias

from verbund.schema_source import Source, made

#: Appends the bytes of a record, in pieces. Any exception: the data do not fit.
Writer: TypeAlias = Callable[[Mapping[str, Any], list[bytes]], None]


class MisfitError(ValueError):
    """Data that do not fit; the text names a record's fields and holds no value."""


def compiled_writer(schema: dict[str, Any]) -> Writer:
    """A writer of whole records of this schema, expanded. A field that has a default may be left out.

    Raises:
        TypeError: the schema uses something that ours do not.
    """
    names = {"varint": _varint, "double": struct.Struct("<d").pack, "Misfit": MisfitError, "Mapping": Mapping}
    sizes = {"SIZE": _SIZES, "KNOWN_SIZE": _KNOWN_SIZES, "MANY": len(_SIZES)}
    writer: Writer = made(Source("write", _write_record, _write), schema, {**names, **sizes})
    return writer


def _varint(number: int) -> bytes:
    """Zigzag, seven bits a byte, low ones first."""
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


# Sizes of texts and small numbers are looked up; nearly all are below this one.
_SIZES = tuple(_varint(size) for size in range(4096))
# The same behind the mark of a union's second branch.
_KNOWN_SIZES = tuple(b"\x02" + size for size in _SIZES)


def _write_record(source: Source, schema: dict[str, Any], name: str) -> list[str]:
    fields = schema["fields"]
    values = [source.name() for _ in fields]
    body: list[str] = []
    for field, value in zip(fields, values, strict=True):
        source.emit(source, field["type"], value, body, " ")
    source.constants[f"fields_of_{name}"] = itemgetter(*(field["name"] for field in fields), fields[0]["name"])
    source.constants[f"whole_{name}"] = _completion(schema)
    take = f"{', '.join(values)}, _ = fields_of_{name}"
    return [
        f"def {name}(d, out):",
        f" if d.__class__ is not dict or len(d) != {len(fields)}: d = whole_{name}(d)",
        f" try: {take}(d)",
        f" except KeyError: {take}(whole_{name}(d))",
        " w = out.append",
        *body,
    ]


def _completion(schema: dict[str, Any]) -> Callable[[Any], dict[str, Any]]:
    record = schema["name"].rpartition(".")[2]
    names = frozenset(field["name"] for field in schema["fields"])
    defaults = {field["name"]: _default(field) for field in schema["fields"] if "default" in field}

    def whole(data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise MisfitError(f"{record} is no record")
        if unknown := sorted(map(str, data.keys() - names)):
            raise MisfitError(f"{record} has no field {', '.join(unknown)}")
        if missing := sorted(names - defaults.keys() - data.keys()):
            raise MisfitError(f"{record} lacks {', '.join(missing)}")
        return {**defaults, **data}

    return whole


def _default(field: dict[str, Any]) -> Any:
    """Avro writes a default of bytes as text, a character a byte."""
    return field["default"].encode("latin-1") if field["type"] == "bytes" else field["default"]


def _write(source: Source, schema: Any, value: str, out: list[str], at: str) -> None:
    """Lines that write the value in a local name by `w` (`out.append`)."""
    if function := source.function(schema):
        out.append(f"{at}{function}({value}, out)")
        return
    match schema:
        case ["null", "string"]:
            out += [f"{at}if {value} is None: w(b'\\0')", f"{at}else:"]
            out += _write_sized(value, at + " ", encode=True, table="KNOWN_SIZE", mark="b'\\2' + ")
        case ["null", inner]:
            out += [f"{at}if {value} is None: w(b'\\0')", f"{at}else:", f"{at} w(b'\\2')"]
            source.emit(source, inner, value, out, at + " ")
        case {"type": "array" | "map"}:
            _write_items(source, schema, value, out, at)
        case "string":
            out += _write_sized(value, at, encode=True)
        case "bytes":
            out.append(f"{at}if {value}.__class__ is not bytes: raise Misfit('no bytes')")
            out += _write_sized(value, at, encode=False)
        case "int" | "long":
            bits = 31 if schema == "int" else 63
            out.append(f"{at}if {value}.__class__ is not int or not {-(2**bits)} <= {value} < {2**bits}:")
            out.append(f"{at} raise Misfit('no {schema}')")
            out.append(f"{at}w(SIZE[{value}] if 0 <= {value} < MANY else varint({value}))")
        case "boolean":
            out.append(f"{at}if {value} is True: w(b'\\1')")
            out.append(f"{at}elif {value} is False: w(b'\\0')")
            out.append(f"{at}else: raise Misfit('no boolean')")
        case "double":
            out.append(f"{at}if {value}.__class__ is bool: raise Misfit('no double')")
            out.append(f"{at}w(double({value}))")
        case _:
            raise TypeError(f"a compiled schema has no {schema}")


def _write_sized(value: str, at: str, *, encode: bool, table: str = "SIZE", mark: str = "") -> list[str]:
    taken = f"{value}.encode()" if encode else value
    return [
        f"{at}s = {taken}; n = len(s)",
        f"{at}w({table}[n] if n < MANY else {mark}varint(n))",
        f"{at}w(s)",
    ]


def _write_items(source: Source, schema: dict[str, Any], value: str, out: list[str], at: str) -> None:
    item, key = source.name(), source.name()
    mapped = schema["type"] == "map"
    kind = "not isinstance({0}, Mapping)" if mapped else "{0}.__class__ is not list and {0}.__class__ is not tuple"
    out += [f"{at}if {kind.format(value)}: raise Misfit('no {schema['type']}')", f"{at}if {value}:"]
    out.append(f"{at} w(varint(len({value})))")
    out.append(f"{at} for {f'{key}, {item}' if mapped else item} in {value}{'.items()' if mapped else ''}:")
    if mapped:
        source.emit(source, "string", key, out, at + "  ")
    source.emit(source, schema["values" if mapped else "items"], item, out, at + "  ")
    out.append(f"{at}w(b'\\0')")
