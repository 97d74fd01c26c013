"""Holds as the log tells them, and people's answers as the desk writes them, where there is no view to look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from verbund.desk import Answer, hold_decided
from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.views.holds import Hold


def holds_in(log: EventLog, district: str) -> list[dict[str, Any]]:
    """Holds that are open, or were rejected and still keep their set, the oldest first; with `state` and `answer`."""
    holds: dict[str, dict[str, Any]] = {}
    for recorded in (*_events(log, f"inventory.{district}"), *_events(log, f"desk.{district}")):
        match recorded.type:
            case "RunHeld":
                known = holds.setdefault(recorded.subject, {"state": "open", "answer": None})
                known.update(recorded.data)
            case "HoldAnswered" if recorded.data["answer"] == "reject":
                holds[recorded.subject]["state"] = "rejected"
            case "HoldAnswered":
                del holds[recorded.subject]
            case "HoldDecided" if recorded.subject in holds:
                holds[recorded.subject]["answer"] = recorded.data["answer"]
    return list(holds.values())


def _events(log: EventLog, topic: str) -> Iterator[Recorded]:
    position, end = 0, log.end([topic])[topic]
    while position < end:
        page = log.read({topic: position})
        yield from page
        position = page[-1].position + 1


def append_answer(log: EventLog, hold: Mapping[str, Any], said: Answer, *, at: datetime) -> None:
    """Append the decision about a hold that `holds_in` gave."""
    decision = hold_decided(cast("Hold", SimpleNamespace(**hold)), said, by="coordinator", decided_at=at)
    log.append(f"desk.{hold['district']}", [decision])
