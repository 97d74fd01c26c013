"""The stories, by kind of feed."""

from tests.faults.corpus.scenarios import everywhere
from tests.faults.corpus.scenarios.telling import TOLD

SCENARIOS = tuple(TOLD)

__all__ = ["SCENARIOS", "everywhere"]
