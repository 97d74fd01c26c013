"""A person who knows what truly exists at the source and answers what Verbund holds.

At the next opportunity each open hold is answered: allowed once when every change of its set is right, rejected when
none is. A set of which a part is right is left open: it follows the source, so it is right or wrong as a whole soon.
"""

from __future__ import annotations

from typing import Any

from tests.faults.corpus.story import Step
from verbund.archive import Archive

# What a set's document calls changes by which a record is not shown any more.
REMOVALS = frozenset({"miss", "withdraw", "withdraw_absent", "withdrawn_by_record", "expire"})


class Person:
    """Answers holds.

    Attributes:
        answered: guard and answer of each hold that was answered.
    """

    def __init__(self, ingest: Any, archive: Archive, district: str) -> None:
        self._ingest = ingest
        self._archive = archive
        self._district = district
        self.answered: list[tuple[str, str]] = []
        self._said: set[str] = set()

    def answers(self, step: Step) -> None:
        """Look at every hold that is open now."""
        if not hasattr(self._ingest, "holds"):
            return
        for hold in self._ingest.holds(self._district):
            if hold["state"] != "open" or hold["set_digest"] in self._said:
                continue
            right = {self._is_right(action, key, step) for action, key in self._set_of(hold)}
            if len(right) == 1:
                answer = "allow_once" if right == {True} else "reject"
                self._ingest.answer(hold["hold_id"], answer, by="coordinator")
                self.answered.append((hold["guard"], answer))
                self._said.add(hold["set_digest"])

    def _set_of(self, hold: dict[str, Any]) -> list[tuple[str, str]]:
        with self._archive.open(hold["set_digest"]) as document:
            lines = document.read().decode().splitlines()
        return [(action, key) for action, _, key in (line.partition("\t") for line in lines if line)]

    @staticmethod
    def _is_right(action: str, key: str, step: Step) -> bool:
        """Whether the change would make the inventory truer."""
        if action in REMOVALS:
            return key not in step.truth
        return key in step.truth and step.clean
