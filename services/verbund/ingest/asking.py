"""Decisions of people about single offers and runs, as events of the desk; ingest reads them and carries them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from verbund.errors import UsageError
from verbund.event_log import EventLog
from verbund.events import Event, event_id
from verbund.ingest.moment import instant_text
from verbund.ingest.overriding import check_override

#: A reason, not a report.
LONGEST_NOTE = 500


class Asking:
    """Appends decisions to the desk's topics.

    Args:
        by: name of the principal that decides; a role or a key's name, never a person's.
    """

    def __init__(self, log: EventLog, *, clock: Callable[[], datetime], by: str) -> None:
        self._log = log
        self._clock = clock
        self._by = by

    def withdraw(self, offer: Mapping[str, Any], *, note: str = "") -> str:
        """Ask for an offer to be withdrawn; the id of the decision.

        Args:
            offer: `offer_id, district, source, record_key, content_hash` as they were seen.
            note: why.

        Raises:
            UsageError: the note is too long.
        """
        names = ("offer_id", "district", "source", "record_key", "content_hash")
        return self._append("WithdrawnByHand", offer["offer_id"], [{name: offer[name] for name in names}], note)[0]

    def lift(self, refusals: Sequence[Mapping[str, Any]], *, note: str = "") -> list[str]:
        """Let refused contents in again: `refusal_id, offer_id, district, source` of each.

        Raises:
            UsageError: the note is too long.
        """
        names = ("refusal_id", "offer_id", "district", "source")
        return self._append("RefusalLifted", None, [{name: one[name] for name in names} for one in refusals], note)

    def undo(self, run: Mapping[str, Any], *, refusals: Sequence[Mapping[str, Any]] = (), note: str = "") -> str:
        """Ask for what a run changed to be taken back; the id of the decision.

        Args:
            run: `district, source, run_id`.
            refusals: those that the run itself wrote, as it took back another; they end with it.
            note: why.

        Raises:
            UsageError: the note is too long.
        """
        self.lift(refusals, note=note)
        names = ("district", "source", "run_id")
        return self._append("RunUndoAsked", run["run_id"], [{name: run[name] for name in names}], note)[0]

    def override(self, offer: Mapping[str, Any], field: str, text: str, *, note: str = "") -> str:
        """Set a field of an offer; the id of the decision.

        Args:
            offer: as it is published.
            field: path, for example `cost` or `texts.de.summary`.
            text: the value as JSON, or a text without quotes.
            note: why.

        Raises:
            UsageError: the field cannot be set, the value does not fit, or the note is too long.
        """
        value = check_override(offer, field, text, year=self._clock().year)
        facts = {**_about(offer), "field": field, "value": value}
        return self._append("FieldOverridden", offer["offer_id"], [facts], note)[0]

    def lift_override(self, offer: Mapping[str, Any], field: str, *, note: str = "") -> str:
        """Give a field back to the source; the id of the decision.

        Raises:
            UsageError: the note is too long.
        """
        return self._append("OverrideLifted", offer["offer_id"], [{**_about(offer), "field": field}], note)[0]

    def _append(self, kind: str, subject: str | None, decisions: Sequence[Mapping[str, Any]], note: str) -> list[str]:
        if len(note) > LONGEST_NOTE:
            raise UsageError("A note has {most} characters at most.", most=LONGEST_NOTE)
        if not decisions:
            return []
        at = self._clock()
        events = []
        for facts in decisions:
            about = subject or facts["offer_id"]
            events.append(
                Event(
                    id=event_id(about, kind, 0, f"{instant_text(at)}\n{sorted(facts.items())}"),
                    type=kind,
                    source=f"{facts['district']}/{facts['source']}",
                    subject=about,
                    time=at,
                    data={**facts, "by": self._by, "note": note},
                )
            )
        self._log.append(f"desk.{decisions[0]['district']}", events)
        return [str(event.id) for event in events]


def _about(offer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: offer[name] for name in ("offer_id", "district", "source", "record_key")}
