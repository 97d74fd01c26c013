"""A person who knows what truly exists at the source and answers what Verbund holds.

At the next opportunity each open hold is answered: allowed once when every change of its set is right, rejected when
none is. A set of which a part is right is left open: it follows the source, so it is right or wrong as a whole soon.
"""

from __future__ import annotations

from tests.faults.corpus.story import Step
from tests.ingest.answering import append_answer, holds_in
from verbund.archive import Archive
from verbund.desk import Answer
from verbund.event_log import EventLog
from verbund.ingest.holds import members


class Person:
    """Answers holds.

    Attributes:
        answered: guard and answer of each hold that was answered.
    """

    def __init__(self, log: EventLog, archive: Archive, district: str, source: str) -> None:
        self._log = log
        self._archive = archive
        self._district = district
        self._source = source
        self.answered: list[tuple[str, str]] = []

    def answers(self, step: Step) -> None:
        """Look at every hold that is open now."""
        for hold in holds_in(self._log, self._district):
            if hold["source"] != self._source or hold["state"] != "open" or hold["answer"] is not None:
                continue
            changes = members(self._archive, hold["set_digest"])
            right = {self._is_right(action, key, step) for action, key in changes}
            if len(right) == 1:
                answer = "allow_once" if right == {True} else "reject"
                append_answer(self._log, hold, Answer(answer=answer), at=step.at)
                self.answered.append((hold["guard"], answer))

    @staticmethod
    def _is_right(action: str, key: str, step: Step) -> bool:
        """Whether the change would make the inventory truer."""
        if action == "withdraw":
            return key not in step.truth
        return key in step.truth and step.clean
