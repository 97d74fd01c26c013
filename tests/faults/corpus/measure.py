"""What each system did to what truly exists, story by story."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Protocol

import structlog

from tests.faults.corpus.ours import Verbund
from tests.faults.corpus.peers import PEERS
from tests.faults.corpus.story import Scenario, Step

# Missing in two complete pulls and for a day: whoever keeps a record longer than that has missed that it is gone.
GRACE_RUNS = 2
GRACE_TIME = timedelta(hours=24)
# Thousands of small commits: in memory where the system has a file system there, else where temporary files are.
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None


@contextmanager
def fast_and_quiet() -> Iterator[None]:
    """Files of all runs in memory where that is possible, and no line for each of thousands of runs."""
    logging_before, folder_before = structlog.get_config(), tempfile.tempdir
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tempfile.tempdir = FAST
    try:
        yield
    finally:
        tempfile.tempdir = folder_before
        structlog.configure(**logging_before)


class System(Protocol):
    """What is measured."""

    name: ClassVar[str]
    grace: ClassVar[timedelta]

    @property
    def live(self) -> set[str]:
        """Keys of what it shows."""
        ...

    def take(self, step: Step) -> None:
        """One pull."""
        ...


@dataclass(slots=True)
class Result:
    """Of one system in one story, record keys.

    Attributes:
        wrong: withdrawn although they exist; once for each time. With those that exist, were delivered well to the
            end, and are not shown.
        missed: gone for longer than the grace time, and still shown at the end.
        untrue: shown with words that were never true, or never existed at this source.
    """

    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    untrue: set[str] = field(default_factory=set)


def measured(scenario: Scenario) -> dict[str, Result]:
    """All systems through one story, by name."""
    steps = list(scenario.steps())
    results: dict[str, Result] = {}
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        ours = Verbund(Path(folder))
        try:
            results[ours.name] = _lived(ours, steps)
        finally:
            ours.close()
    for peer in PEERS:
        results[peer.name] = _lived(peer(), steps)
    return results


def ours_alone(scenario: Scenario, folder: Path) -> tuple[Result, Verbund]:
    """Verbund through one story, and what is left of it to look at."""
    ours = Verbund(folder)
    return _lived(ours, list(scenario.steps())), ours


def _lived(system: System, steps: Sequence[Step]) -> Result:
    result = Result()
    before: set[str] = set()
    ever_true: dict[str, set[tuple[str, str]]] = {}
    for step in steps:
        system.take(step)
        live = system.live
        result.wrong += sorted((before - live) & step.truth.keys() - _over(step))
        for record in step.truth.values():
            ever_true.setdefault(record.key, set()).add((record.title, record.text))
        result.untrue |= _untrue(system, ever_true)
        before = live
    end = steps[-1].truth
    delivered = set(end) & set(steps[-2].truth) if steps[-1].clean and steps[-2].clean else set()
    result.wrong += sorted(delivered - system.live - set(result.wrong) - _over(steps[-1]))
    result.missed = sorted(system.live & _provably_gone(steps, system.grace))
    return result


def _untrue(system: System, ever_true: dict[str, set[tuple[str, str]]]) -> set[str]:
    shown = getattr(system, "shown", None)
    if shown is None:
        return set()
    return {key for key, said in shown.items() if said not in ever_true.get(key, ())}


def _over(step: Step) -> set[str]:
    """Over by their own dates: to hide them is right, to show them is no lie."""
    today = step.at.date().isoformat()
    return {record.key for record in step.truth.values() if record.last_day and record.last_day < today}


def _provably_gone(steps: Sequence[Step], grace: timedelta) -> set[str]:
    """Shown as absent from some pull on to the end: often enough, and for long enough."""
    gone = set()
    for key in frozenset().union(*(step.absent for step in steps)) - steps[-1].truth.keys():
        since = max((number for number, step in enumerate(steps) if key in step.truth), default=-1)
        shown = [step.at for step in steps[since + 1 :] if key in step.absent]
        if len(shown) >= GRACE_RUNS and shown[-1] - shown[0] >= max(GRACE_TIME, grace):
            gone.add(key)
    return gone
