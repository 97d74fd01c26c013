"""Source that moves on behind a value without making it."""

from __future__ import annotations

from typing import Any

from verbund.schema_source import Source


def size(at: str) -> list[str]:
    """Lines that read a length into `n`; one of a single byte is looked up, anything else is looked at closer."""
    return [f"{at}n = SIZE[b[p]]; p += 1", f"{at}if n < 0: n, p = read_size(b, p)"]


def block_count(left: str, at: str) -> list[str]:
    """Lines that read how many items come next; below zero: the size of their block is told, too."""
    return [
        f"{at}{left} = b[p]; p += 1",
        f"{at}if {left} < 128: {left} = NUMBER[{left}]",
        f"{at}else: {left}, p = read_long({left}, b, p)",
    ]


def skip(source: Source, schema: Any, out: list[str], at: str) -> None:
    """Lines that move `p` behind a value of this schema, its records written out."""
    match schema:
        case ["null", inner]:
            out += [f"{at}n = b[p]; p += 1", f"{at}if n == 2:"]
            skip(source, inner, out, at + " ")
            out.append(f"{at}elif n: raise IndexError")
        case {"type": "record", "fields": fields}:
            for inner in fields:
                skip(source, inner, out, at)
        case {"type": "array" | "map"}:
            _skip_items(source, schema, out, at)
        case "string" | "bytes":
            out += [*size(at), f"{at}p += n"]
        case "int" | "long":
            out += [f"{at}while b[p] > 127: p += 1", f"{at}p += 1"]
        case "boolean":
            out.append(f"{at}b[p]; p += 1")  # looked at, so that no number of items goes on beyond the end
        case "double":
            out.append(f"{at}b[p + 7]; p += 8")
        case _:
            raise TypeError(f"a compiled schema has no {schema}")


def _skip_items(source: Source, schema: dict[str, Any], out: list[str], at: str) -> None:
    """A block that begins with its size in bytes is left out as a whole."""
    left = source.name()
    count = block_count(left, at)
    out += [*count, f"{at}while {left}:", f"{at} if {left} < 0:"]
    out += [f"{at}  n, p = read_size(b, p + 1)", f"{at}  p += n", f"{at} for _ in range({left}):"]
    if schema["type"] == "map":
        skip(source, "string", out, at + "  ")
    skip(source, schema["values" if schema["type"] == "map" else "items"], out, at + "  ")
    out += [f" {line}" for line in count]
