"""Long work shows that it goes on: a bar on a terminal, a line every ten seconds elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from verbund.cli import output, session
from verbund.i18n import N_, _

#: Called with what is being done, how much is done, and of how much (None: unknown).
Report = Callable[[str, int, int | None], None]

LINE_EVERY_S: Final = 10.0

_STAGES: Final = {
    "fetch": N_("fetching"),
    "read": N_("reading"),
    "map": N_("mapping"),
    "decide": N_("deciding"),
    "append": N_("writing to the log"),
    "catch_up": N_("bringing views up to date"),
    "verify": N_("reading the log"),
}


@contextmanager
def progress(*, monotonic: Callable[[], float] = time.monotonic) -> Iterator[Report]:
    """How to say that work goes on; everything goes to stderr."""
    if session.current().quiet:
        yield lambda _stage, _done, _total: None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield lines(monotonic)


def lines(monotonic: Callable[[], float]) -> Report:
    """A reporter that writes a line every ten seconds."""
    last = monotonic()

    def report(stage: str, done: int, total: int | None) -> None:
        nonlocal last
        if monotonic() - last < LINE_EVERY_S:
            return
        last = monotonic()
        of = "" if total is None else f"/{total}"
        output.say(f"{stage_word(stage)}: {done}{of}")

    return report


def stage_word(stage: str) -> str:
    """The stage in the language of this process."""
    return _(_STAGES[stage]) if stage in _STAGES else stage


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.talk(), transient=True) as bar:
        tasks: dict[str, int] = {}

        def report(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage_word(stage), total=total)
            bar.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]  # rich's TaskID is an int

        yield report
