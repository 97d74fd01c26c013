"""What a run would do, as a document that can be saved and carried out later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from verbund.ingest import report
from verbund.ingest.guards import Case, Facts
from verbund.ingest.inventory import Inventory
from verbund.ingest.moment import Moment
from verbund.ingest.rejects import changed_rejects, cleared_rejects
from verbund.ingest.saved_plan import decision_digest
from verbund.ingest.sentences import sentence


def planned(
    case: Case,
    inventory: Inventory,
    found: Mapping[str, Facts],
    moment: Moment,
    *,
    answers: Sequence[Mapping[str, Any]],
    cursors: Mapping[str, Any],
) -> report.Plan:
    """The plan of what was decided.

    Args:
        case: what was decided, of which source and pull.
        inventory: of the district.
        found: facts of the guards that hold something, by guard.
        moment: time as of the plan.
        answers: what the source answered, see `RecordingAnswers`.
        cursors: where the pull went on.
    """
    source, pull = case.source, case.pull
    return report.Plan(
        document={
            "source": source.source,
            "district": source.district,
            "file": str(source.path.resolve()),
            "base": {
                "last_event": inventory.last_event(source.source),
                "position": inventory.next_position(f"inventory.{source.district}"),
                "file_digest": source.digest,
                "mapping_version": source.mapping_version,
                "at": moment.text,
            },
            "outcome": pull.outcome,
            "completeness": report.completeness(pull),
            "counts": report.planned_counts(case.db, pull),
            "changes": report.changes(case.db, case.log, source) + _reject_changes(case),
            "would_hold": [{"guard": guard, "message": sentence(guard, facts)} for guard, facts in found.items()],
            "rejects": planned_rejects(case.db),
            "answers": list(answers),
            "cursors": dict(cursors),
            "digest": decision_digest(case.db),
        },
        failure=pull.failure,
    )


def _reject_changes(case: Case) -> list[dict[str, Any]]:
    """Records that would be newly rejected, rejected for another reason, or good again."""
    rejected = [
        {"action": "reject", "record_key": key, "offer_id": None, "fields": {}, "because": f"{rule} at {place}"}
        for _, key, rule, place, *_ in changed_rejects(case.db, case.source)
    ]
    return rejected + [
        {"action": "clear_reject", "record_key": key, "offer_id": None, "fields": {}}
        for _, key in cleared_rejects(case.db, case.feed, case.source, case.pull)
    ]


def planned_rejects(db: Any) -> list[dict[str, Any]]:
    """Records that could not be taken, with masked values."""
    rows = db.execute("SELECT key, raw, body FROM scratch.staged WHERE answer = 'rejected' ORDER BY key").fetchall()
    found = []
    for key, raw, body in rows:
        rule, place, value = orjson.loads(body)[0]
        found.append({"record_key": key, "rule": rule, "place": place, "value": value, "raw_digest": raw})
    for key, rule, place, raw in db.execute("SELECT key, rule, place, raw FROM scratch.broken ORDER BY key"):
        found.append({"record_key": key, "rule": rule, "place": place, "value": None, "raw_digest": raw})
    return found
