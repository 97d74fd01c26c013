"""Random data for any schema."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "string": _TEXT,
    "bytes": st.binary(max_size=8),
}


def _data(schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    match schema:
        case str() if schema in _PLAIN:
            return _PLAIN[schema]
        case str():
            return _data(named[schema], named)
        case list():
            return st.one_of(*(_data(branch, named) for branch in schema))
        case {"type": "array", "items": items}:
            return st.lists(_data(items, named), max_size=2)
        case {"type": "map", "values": values}:
            return st.dictionaries(_TEXT, _data(values, named), max_size=2)
        case {"type": "enum", "symbols": symbols}:
            return st.sampled_from(symbols)
        case {"type": "fixed", "size": size}:
            return st.binary(min_size=size, max_size=size)
        case {"type": "record", "fields": fields}:
            space = schema.get("namespace")
            named[f"{space}.{schema['name']}" if space else schema["name"]] = schema
            return st.fixed_dictionaries({field["name"]: _data(field["type"], named) for field in fields})
        case {"type": str() as kind}:
            return _data(kind, named)
        case _:
            raise TypeError(schema)


@pytest.fixture(scope="session")
def data_of() -> Callable[[Any], st.SearchStrategy[Any]]:
    """Makes a strategy for all data that fit an expanded schema."""
    return lambda schema: _data(schema, {})
