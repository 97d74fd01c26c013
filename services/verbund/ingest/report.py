"""What a run or a plan says of itself, as text's JSON twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from verbund.errors import SourceError
from verbund.event_log import EventLog
from verbund.ingest.pull import PullResult
from verbund.ingest.source_file import SourceFile

COUNTS = (
    "items",
    "delivered",
    "published",
    "revised",
    "unchanged",
    "reopened",
    "rejected",
    "ignored",
    "withdrawn_by_record",
    "held",
    "missed",
    "withdrawn",
    "conflicts",
)

# Rejects shown with a run; all of them are in `verbund reject list`.
SHOWN_REJECTS = 100

_PLAN_WORDS = {
    "publish": "publish",
    "reopen": "reopen",
    "revise": "revise",
    "seen_again": "seen_again",
    "withdraw": "withdraw",
    "miss": "miss",
    "withdraw_absent": "withdraw",
    "expire": "withdraw",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run, done.

    Attributes:
        document: `run_id, source, district, outcome, held, completeness, counts, related, holds, rejects`.
        new_rejects: records that were not rejected before.
        failure: the first error of the pull, or None.
    """

    document: dict[str, Any]
    new_rejects: int = 0
    failure: SourceError | None = None

    @property
    def outcome(self) -> str:
        """complete, partial or failed."""
        return str(self.document["outcome"])

    @property
    def conflicts(self) -> int:
        """Events that were not taken because another run was first."""
        return int(self.document["counts"]["conflicts"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do; `document` is that of the operator's page."""

    document: dict[str, Any] = field(default_factory=dict)
    failure: SourceError | None = None

    @property
    def outcome(self) -> str:
        """complete, partial or failed: how the pull for the plan ended."""
        return str(self.document["outcome"])

    @property
    def has_changes(self) -> bool:
        """Whether applying would append anything but the run itself."""
        return bool(self.document["changes"])


def completeness(pull: PullResult) -> dict[str, Any]:
    """State and parts, with proofs."""
    return {"state": pull.worst, "parts": [part.report() for part in pull.parts.values()]}


def counts(db: Any, pull: PullResult, *, conflicts: int) -> dict[str, int]:
    """The counts of a run; `delivered` is the sum of what became of the delivered records."""
    found = dict.fromkeys(COUNTS, 0)
    found["items"] = pull.items
    found["conflicts"] = conflicts
    broken = db.execute("SELECT count(*) FROM scratch.broken").fetchone()[0]
    found["rejected"] = broken
    # Mapped again without being delivered (another mapping version) counts as delivered: it was decided about.
    for outcome, because, earlier, number in db.execute(
        "SELECT coalesce(o.outcome, x.outcome), coalesce(o.because, x.because), o.record IS NULL, count(*) FROM"
        " (SELECT d.record, CASE WHEN d.stale AND s.record IS NULL THEN 'ignored' ELSE"
        "  CASE WHEN r.outcome IN ('published', 'revised', 'reopened') THEN 'unchanged' ELSE r.outcome END END outcome,"
        "  CASE WHEN d.stale AND s.record IS NULL THEN 'stale' ELSE r.because END because"
        "  FROM scratch.delivered d JOIN record r ON r.record = d.record LEFT JOIN scratch.staged s ON s.record = d.record"
        "  UNION SELECT s.record, NULL, NULL FROM scratch.staged s WHERE s.record NOT IN (SELECT record FROM scratch.delivered)) x"
        " LEFT JOIN scratch.outcome o ON o.record = x.record GROUP BY 1, 2, 3"
    ):
        if outcome == "withdrawn" and because == "expired" and earlier:
            found["ignored"] += number
        else:
            found[
                {"withdrawn": "withdrawn_by_record", "missed": "unchanged", None: "unchanged"}.get(outcome, outcome)
            ] += number
    found["delivered"] = broken + sum(
        found[name]
        for name in ("published", "revised", "unchanged", "reopened", "ignored", "withdrawn_by_record", "held")
    )
    found["delivered"] += found["rejected"] - broken
    for action, number in db.execute(
        "SELECT action, count(*) FROM scratch.decision WHERE NOT delivered AND done GROUP BY action"
    ):
        if action == "miss":
            found["missed"] += number
        elif action in ("withdraw_absent", "expire"):
            found["withdrawn"] += number
    return found


def planned_counts(db: Any, pull: PullResult) -> dict[str, int]:
    """What the counts of a run would be."""
    found = dict.fromkeys(COUNTS, 0)
    found["items"] = pull.items
    names = {
        "publish": "published",
        "reopen": "reopened",
        "revise": "revised",
        "seen_again": "unchanged",
        "unchanged": "unchanged",
        "withdraw": "withdrawn_by_record",
        "withdrawn": "withdrawn_by_record",
        "ignore": "ignored",
        "past": "ignored",
        "refused": "ignored",
        "reject": "rejected",
    }
    for action, delivered, held, number in db.execute(
        "SELECT action, delivered, guard IS NOT NULL, count(*) FROM scratch.decision GROUP BY 1, 2, 3"
    ):
        if held:
            found["held"] += number if delivered else 0
        elif delivered:
            found[names.get(action, "withdrawn_by_record")] += number
        else:
            found["missed" if action == "miss" else "withdrawn"] += number
    found["rejected"] += db.execute("SELECT count(*) FROM scratch.broken").fetchone()[0]
    found["delivered"] = sum(found[name] for name in COUNTS[2:10])
    return found


def rejects(db: Any, source: SourceFile, *, run_id: str | None = None) -> list[dict[str, Any]]:
    """Rejects of the source that are open; of one run when it is named."""
    rows = db.execute(
        "SELECT record_key, rule, place, value, raw_digest FROM reject WHERE source = ? AND (? IS NULL OR run_id = ?)"
        " ORDER BY record_key LIMIT ?",
        (source.source, run_id, run_id, SHOWN_REJECTS),
    ).fetchall()
    names = ("record_key", "rule", "place", "value", "raw_digest")
    return [dict(zip(names, row, strict=True)) for row in rows]


def changes(db: Any, log: EventLog, source: SourceFile) -> list[dict[str, Any]]:
    """The change set, with the fields of each offer that would differ; contacts as field names only."""
    found: list[dict[str, Any]] = []
    for key, action, because, guard, ident, position, body in db.execute(
        "SELECT d.key, d.action, d.because, d.guard, d.offer_id, o.content_position, s.body FROM scratch.decision d"
        " LEFT JOIN offer o ON o.offer_id = d.offer_id LEFT JOIN scratch.staged s ON s.record = d.record"
        " AND s.answer = 'mapped' ORDER BY d.key"
    ).fetchall():
        if action not in _PLAN_WORDS:
            continue
        change: dict[str, Any] = {"action": _PLAN_WORDS[action], "record_key": key, "offer_id": ident, "fields": {}}
        if guard:
            change |= {"action": "hold", "because": guard, "would": change["action"]}
        elif because:
            change["because"] = because
        if body is not None and action in ("publish", "reopen", "revise"):
            change["fields"] = differences(_published(log, source, position), orjson.loads(body))
        found.append(change)
    return found


def _published(log: EventLog, source: SourceFile, position: int | None) -> dict[str, Any]:
    if position is None:
        return {}
    page = log.read({f"inventory.{source.district}": position}, limit=1)
    return dict(page[0].data["offer"]) if page else {}


_SHOWN_AS_NAMES = ("contact_ids",)
_IDENTITY = frozenset(("offer_id", "district", "source", "record_key", "origin", "revision"))
_PROVENANCE = frozenset(
    ("content_hash", "raw_digest", "mapping_version", "cause", "licence", "attribution", "own_values", "own_hash")
)
_NEVER_SHOWN = _IDENTITY | _PROVENANCE


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[Any]]:
    """Field name to old and new value, down to the language of a text."""
    found: dict[str, list[Any]] = {}
    for name in sorted((old.keys() | new.keys()) - _NEVER_SHOWN):
        before, after = plain(old.get(name)), plain(new.get(name))
        if before == after or (not before and not after):
            continue
        if name in _SHOWN_AS_NAMES:
            found[name] = [len(before or []), len(after or [])]
        elif name == "texts":
            found.update(_text_differences(before or {}, after or {}))
        else:
            found[name] = [before, after]
    return found


def _text_differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for language in sorted(old.keys() | new.keys()):
        before, after = old.get(language) or {}, new.get(language) or {}
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                found[f"texts.{language}.{name}"] = [before.get(name), after.get(name)]
    return found


def plain(value: Any) -> Any:
    """As JSON would have it: tuples are lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(inner) for inner in value]
    return value


def nested(related: dict[str, int]) -> dict[str, dict[str, int]]:
    """`contacts.published: 3` as `contacts: {published: 3}`."""
    found: dict[str, dict[str, int]] = {
        what: dict.fromkeys(("published", "revised", "withdrawn"), 0) for what in ("organisations", "contacts")
    }
    for name, number in related.items():
        what, _, done = name.partition(".")
        found[what][done] = number
    return found
