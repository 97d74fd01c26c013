"""From what people decided to what ingest does about it: each decision once, in the order in which they were made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from verbund.ingest.desk import Asked, Desk, lift, override, withdraw
from verbund.ingest.publish import Publisher
from verbund.ingest.undo import undo

CARRIED_OUT: Mapping[str, Callable[[Desk, Asked, Publisher], None]] = {
    "WithdrawnByHand": withdraw,
    "RefusalLifted": lift,
    "RunUndoAsked": undo,
    "FieldOverridden": override,
    "OverrideLifted": override,
}


def carry_out(desk: Desk, publisher_of: Callable[[str], Publisher]) -> list[dict[str, Any]]:
    """Carry out what waits; `asked, type, run_id, events` of each, in order.

    Args:
        desk: of the source.
        publisher_of: one that writes under a run id.
    """
    done = []
    for asked in desk.waiting():
        publisher = publisher_of(asked.run_id)
        before = publisher.appended
        CARRIED_OUT[asked.type](desk, asked, publisher)
        changed = publisher.appended - before
        if changed:
            publisher.withdraw_unreferred()
        desk.close(asked)
        done.append({"asked": asked.event_id, "type": asked.type, "run_id": asked.run_id, "events": changed})
    return done
