"""Python source made from a schema, one function per record type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Record: TypeAlias = "Callable[[Source, dict[str, Any], str], list[str]]"
Emit: TypeAlias = "Callable[[Source, Any, str, list[str], str], None]"


class Source:
    """Source under construction: a function per record type, and names for intermediate values.

    Args:
        verb: begins the names of the functions.
        record: lines of the function of a record type, with its name.
        emit: adds the lines that treat one value of a schema, by its local name, at an indentation.
    """

    def __init__(self, verb: str, record: Record, emit: Emit) -> None:
        self.verb = verb
        self.record = record
        self.emit = emit
        self.functions: list[str] = []
        self.by_type: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self._count = 0

    def name(self) -> str:
        """A name that nothing has yet."""
        self._count += 1
        return f"v{self._count}"

    def function(self, schema: Any) -> str | None:
        """The function of a record type, made when it is first met; None: the schema is no record."""
        if isinstance(schema, str):
            return self.by_type.get(schema)
        if not isinstance(schema, dict) or schema["type"] != "record":
            return None
        full = schema["name"] if "." in schema["name"] else f"{schema['namespace']}.{schema['name']}"
        name = f"{self.verb}_{full.replace('.', '_')}"
        self.by_type[full] = name
        self.functions.append("\n".join(self.record(self, schema, name)))
        return name


def made(source: Source, schema: dict[str, Any], names: dict[str, Any]) -> Any:
    """The function of the whole schema, with these names known to it.

    Raises:
        TypeError: the schema uses something that ours do not.
    """
    root = source.function(schema)
    if root is None:
        raise TypeError("only records are compiled")
    names |= source.constants
    exec("\n".join(source.functions), names)  # noqa: S102 - made above from our own schema files, never from data
    return names[root]
