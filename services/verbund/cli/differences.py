"""Differences as lines for people: down to the part of a value that differs, long values cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_SHOWN_VALUE: Final = 70
_MOST_LINES: Final = 8


def lines(fields: Mapping[str, Sequence[Any]]) -> list[str]:
    """Field, old and new value, a line each; the rest as a count."""
    found = [
        f"{name}: {_short(old)} -> {_short(new)}"
        for field, pair in fields.items()
        for name, old, new in _leaves(field, *pair)
    ]
    if len(found) > _MOST_LINES:
        return [*found[: _MOST_LINES - 1], f"(+ {len(found) - _MOST_LINES + 1})"]
    return found


def _leaves(name: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            yield from _leaves(f"{name}.{key}", old.get(key), new.get(key))
    elif _are_records(old) and _are_records(new) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _leaves(f"{name}[{index}]", one, other)
    else:
        yield name, old, new


def _are_records(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value)


def _short(value: Any) -> str:
    if value is None:
        return "-"
    if _are_records(value) and value:
        return f"[{len(value)}]"
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN_VALUE else f"{text[:_SHOWN_VALUE]}…"
