"""How a story gets into the corpus: `@scenario("table")` above a function that tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.faults.corpus.publishers import IntegreatRegion, RpdeFeed, TableFile, TableWorkbook
from tests.faults.corpus.story import Publisher, Scenario, Story

FEEDS: dict[str, Callable[[], Publisher]] = {
    "integreat": IntegreatRegion,
    "rpde": RpdeFeed,
    "csv": TableFile,
    "xlsx": TableWorkbook,
}
TOLD: list[Scenario] = []

Tell = Callable[[Story], None]


def scenario(*feeds: str, tolerates: str = "", **source: Any) -> Callable[[Tell], Tell]:
    """The same story for each of these kinds of feed; `records` says how many, the rest stands in the source file."""

    def register(tell: Tell) -> Tell:
        for feed in feeds:
            says = " ".join((tell.__doc__ or "").split())
            name = f"{feed}: {tell.__name__.replace('_', ' ')}"
            TOLD.append(Scenario(name, says, feed, FEEDS[feed], tell, source, tolerates))
        return tell

    return register
