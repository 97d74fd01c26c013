"""Data to stdout, talk to stderr: JSON for scripts, tables for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import session
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

JSON = Annotated[bool, typer.Option("--json", help=N_("Answer with one JSON object."))]
JSONL = Annotated[bool, typer.Option("--jsonl", help=N_("Answer with the items as JSON, a line each."))]

_ENDLESS = 10_000

#: Words and signs for a state; never colour alone.
_SIGNS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
_ASCII_SIGNS = {"ok": "+", "warn": "!", "fail": "x"}


def answer(
    document: Mapping[str, Any],
    *,
    as_json: bool,
    as_jsonl: bool = False,
    items: str = "items",
    show: Callable[[Console], None],
) -> None:
    """Give the answer in the asked form; `items` names the list that `--jsonl` prints."""
    if as_jsonl:
        for item in document[items]:
            write_json(item)
    elif as_json:
        write_json(document, indent=None if not sys.stdout.isatty() else 2)
    else:
        show(console())
    sys.stdout.flush()


def write_json(value: Any, *, indent: int | None = None) -> None:
    """One JSON value and a newline, in UTF-8 whatever the terminal speaks."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str) + "\n"
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    binary.write(text.encode())
    binary.flush()


def listing(items: Sequence[Any], **more: Any) -> dict[str, Any]:
    """The promised shape of a list."""
    return {"items": list(items), "total": len(items), **more}


def console() -> Console:
    """Where tables for people go."""
    return _console(sys.stdout)


def talk() -> Console:
    """Where everything that is no data goes."""
    return _console(sys.stderr)


def _console(file: IO[str]) -> Console:
    from rich.console import Console

    # Elsewhere than on a terminal nothing is cut or folded: a reader or `grep` sees whole lines.
    width = None if file.isatty() else _ENDLESS
    return Console(file=file, highlight=False, emoji=False, width=width)


def say(message: str) -> None:
    """One line of talk, unless quiet."""
    if not session.current().quiet:
        talk().print(message, markup=False)


def table(
    target: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    whole: Sequence[int] = (),
    title: str = "",
) -> None:
    """A table: lines and colours on a terminal, plain columns elsewhere; None is shown as a dash.

    Columns of `right` are numbers; those of `whole` are never folded, so that ids can be copied.
    """
    from rich import box
    from rich.table import Table

    grid = Table(
        title=title or None, title_justify="left", box=box.SIMPLE_HEAD if target.is_terminal else None, pad_edge=False
    )
    for number, column in enumerate(columns):
        unfolded = number in whole or not target.is_terminal
        grid.add_column(column, justify="right" if number in right else "left", overflow="fold", no_wrap=unfolded)
    for row in rows:
        grid.add_row(*(plain(value) for value in row))
    target.print(grid)


def facts(target: Console, pairs: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one pair a line."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, plain(value))
    target.print(grid)


def plain(value: Any) -> Any:
    """A value as a cell: escaped text."""
    from rich.text import Text

    if isinstance(value, Text):
        return value
    if value is None:
        return "–" if _speaks_unicode() else "-"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return Text(str(value))


def sign(state: str) -> Any:
    """A state as a sign and its word."""
    from rich.text import Text

    mark, colour = _SIGNS[state]
    return Text(f"{mark if _speaks_unicode() else _ASCII_SIGNS[state]} {state}", style=colour)


def _speaks_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
