"""The stories, by what goes wrong."""

from tests.faults.corpus.scenarios import answering, answers, contents, integreat, lists, rpde, tables, true_changes
from tests.faults.corpus.scenarios.telling import TOLD

SCENARIOS = tuple(TOLD)

__all__ = ["SCENARIOS", "answering", "answers", "contents", "integreat", "lists", "rpde", "tables", "true_changes"]
