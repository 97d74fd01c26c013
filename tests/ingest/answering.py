"""People's answers to holds, as the desk writes them, where there is no view to look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from verbund.desk import Answer, hold_decided
from verbund.event_log import EventLog
from verbund.views.holds import Hold


def append_answer(log: EventLog, hold: Mapping[str, Any], said: Answer, *, at: datetime) -> None:
    """Append the decision about a hold that `Ingest.holds` gave."""
    decision = hold_decided(cast("Hold", SimpleNamespace(**hold)), said, by="coordinator", decided_at=at)
    log.append(f"desk.{hold['district']}", [decision])
