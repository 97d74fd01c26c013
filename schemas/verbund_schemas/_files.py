"""The files that ship with the contract.

Imports wait until a file is asked for: importing the contract must cost a command line next to nothing.
"""

from __future__ import annotations

from typing import Any


def read_json(*path: str) -> Any:
    """The JSON value in a shipped file.

    Raises:
        FileNotFoundError: there is none.
    """
    import json  # noqa: PLC0415 - 8 ms
    from importlib.resources import files  # noqa: PLC0415 - 15 ms

    return json.loads(files("verbund_schemas").joinpath(*path).read_bytes())


def names_in(folder: str, ending: str) -> tuple[str, ...]:
    """Names of the shipped files with that ending in a folder, without it, sorted."""
    from importlib.resources import files  # noqa: PLC0415 - 15 ms

    found = (file.name for file in files("verbund_schemas").joinpath(folder).iterdir())
    return tuple(sorted(name.removesuffix(ending) for name in found if name.endswith(ending)))
