"""Exit codes: a promise to scripts (docs: the operator's page)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

import typer

from verbund import errors

DONE: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
SOURCE: Final = 3
CONFLICT: Final = 4
HELD: Final = 5
CHANGES: Final = 6
BUG: Final = 70
INTERRUPTED: Final = 130

#: When several apply, the first of these is given.
PRECEDENCE: Final = (INTERRUPTED, BUG, USAGE, CONFLICT, SOURCE, HELD, CHANGES, FINDINGS, DONE)

# The first class that fits decides.
_BY_ERROR: Final = (
    (errors.UsageError, USAGE),
    (errors.SourceError, SOURCE),
    (errors.ConflictError, CONFLICT),
    (errors.EventRefusedError, BUG),
    (errors.LogUnusableError, FINDINGS),
    (errors.LogError, CONFLICT),
    (errors.ReadError, FINDINGS),
    (errors.ErasedError, FINDINGS),
)


def worst(codes: Iterable[int]) -> int:
    """The code to end with when all of these apply."""
    return min(codes, key=PRECEDENCE.index, default=DONE)


def of_error(error: errors.VerbundError) -> int:
    """The code of a command that this error ended."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), BUG)


def of_run(document: Mapping[str, Any], *, new_rejects: bool) -> int:
    """The code of one run's report."""
    codes = [DONE]
    if document["outcome"] not in ("complete", "unchanged"):
        codes.append(SOURCE)
    if document["counts"].get("conflicts"):
        codes.append(CONFLICT)
    if document["held"]:
        codes.append(HELD)
    if new_rejects:
        codes.append(FINDINGS)
    return worst(codes)


def finish(*codes: int) -> NoReturn:
    """End the command with the worst of these."""
    raise typer.Exit(worst(codes))
