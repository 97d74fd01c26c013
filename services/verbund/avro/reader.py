"""Bytes to records by code made for one schema."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

from verbund.avro.resolution import Schema, resolved
from verbund.avro.skipping import block_count, size, skip
from verbund.schema_source import Source, made

#: Reads the record at a position; gives it and the position after it. Any exception: the bytes are no such record. A
#: position beyond the end means that the bytes were cut.
Reader: TypeAlias = Callable[[bytes, int], tuple[dict[str, Any], int]]


def compiled_reader(schema: Schema, wanted: Schema | None = None) -> Reader:
    """A reader of whole records that this schema wrote, expanded; with `wanted`, of what that schema has of them.

    Fields that `wanted` lacks are skipped, those that were not written get its default.

    Raises:
        TypeError: a schema uses something that ours do not, or the two differ in more than fields with a default.
    """
    names = {"read_long": _read_long, "read_size": _read_size, "read_double": struct.Struct("<d").unpack_from}
    tables = {"SIZE": _SIZES, "NUMBER": _NUMBERS, "FLAGS": (False, True)}
    both = resolved(schema, schema if wanted is None else wanted)
    reader: Reader = made(Source("read", _read_record, _read), both, {**names, **tables})
    return reader


# What a single byte says, by its value: a number, and a length; -1: not a length of one byte.
_NUMBERS = tuple(byte >> 1 ^ -(byte & 1) for byte in range(128))
_SIZES = tuple(byte >> 1 if byte < 128 and not byte & 1 else -1 for byte in range(256))


def _read_record(source: Source, schema: Schema, name: str) -> list[str]:
    body: list[str] = []
    values = [f"{field!r}: {default!r}" for field, default in schema["filled"].items()]
    for field in schema["fields"]:
        if field["skipped"]:
            skip(source, field["type"], body, " ")
        else:
            value = source.name()
            source.emit(source, field["type"], value, body, " ")
            values.append(f"{field['name']!r}: {value}")
    return [f"def {name}(b, p):", *body, f" return {{{', '.join(values)}}}, p"]


def _read(source: Source, schema: Any, value: str, out: list[str], at: str) -> None:
    """Lines that read one value at `p` of `b` into a local name and move `p` on."""
    if function := source.function(schema):
        out.append(f"{at}{value}, p = {function}(b, p)")
        return
    match schema:
        case ["null", inner]:
            out += [f"{at}n = b[p]; p += 1", f"{at}if n == 0: {value} = None", f"{at}elif n == 2:"]
            source.emit(source, inner, value, out, at + " ")
            out.append(f"{at}else: raise IndexError")
        case {"type": "array" | "map"}:
            _read_items(source, schema, value, out, at)
        case "string":
            out += [*size(at), f"{at}q = p + n; {value} = b[p:q].decode(); p = q"]
        case "bytes":
            out += [*size(at), f"{at}q = p + n; {value} = b[p:q]; p = q"]
        case "int" | "long":
            out.append(f"{at}n = b[p]; p += 1")
            out.append(f"{at}if n < 128: {value} = NUMBER[n]")
            out.append(f"{at}else: {value}, p = read_long(n, b, p)")
        case "boolean":
            out.append(f"{at}{value} = FLAGS[b[p]]; p += 1")
        case "double":
            out.append(f"{at}{value} = read_double(b, p)[0]; p += 8")
        case _:
            raise TypeError(f"a compiled schema has no {schema}")


def _read_items(source: Source, schema: Schema, value: str, out: list[str], at: str) -> None:
    left, item, key = source.name(), source.name(), source.name()
    mapped = schema["type"] == "map"
    count = block_count(left, at)
    out += [f"{at}{value} = {'{}' if mapped else '[]'}", *count]
    out += [f"{at}while {left}:", f"{at} if {left} < 0:", f"{at}  {left} = -{left}"]
    out += [f"{at}  n, p = read_long(b[p], b, p + 1)", f"{at} for _ in range({left}):"]
    if mapped:
        source.emit(source, "string", key, out, at + "  ")
    source.emit(source, schema["values" if mapped else "items"], item, out, at + "  ")
    out.append(f"{at}  {value}[{key}] = {item}" if mapped else f"{at}  {value}.append({item})")
    out += [f" {line}" for line in count]


def _read_long(byte: int, body: bytes, position: int) -> tuple[int, int]:
    """A zigzag number whose first byte was read already."""
    number = byte & 127
    shift = 7
    while byte & 128:
        byte = body[position]
        position += 1
        number |= (byte & 127) << shift
        shift += 7
    if number >> 64:
        raise IndexError(position)
    return number >> 1 ^ -(number & 1), position


def _read_size(body: bytes, position: int) -> tuple[int, int]:
    """A length whose first byte was read already; of two bytes, as most are, it is neither below zero nor hostile."""
    byte, following = body[position - 1], body[position]
    if following < 128 and byte & 129 == 128:
        return (byte & 127 | following << 7) >> 1, position + 1
    size, position = _read_long(byte, body, position)
    if not 0 <= size <= len(body) - position:
        raise IndexError(position)
    return size, position
