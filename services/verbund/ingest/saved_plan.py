"""A plan that was saved: everything that carrying out exactly it needs, and whether it still may be."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from verbund.errors import BaseMovedError, UsageError
from verbund.i18n import N_
from verbund.ingest.inventory import Inventory
from verbund.ingest.moment import Moment
from verbund.ingest.source_file import SourceFile

_NO_PLAN = N_("{file} is no plan that `verbund source plan --out` saved")


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan's document, read back.

    Attributes:
        base: last event of the source, digest of its file, mapping version and instant that it was made on.
        answers: what the source answered then, see `RecordedAnswers`.
        cursors: where the pull went on.
        digest: of everything that it decided.
    """

    source: str
    file: Path
    base: Mapping[str, Any]
    answers: list[dict[str, Any]]
    cursors: Mapping[str, Any]
    digest: str

    @property
    def moment(self) -> Moment:
        """Time as of the plan."""
        return Moment(datetime.fromisoformat(self.base["at"]))

    def refuse_moved(self, source: SourceFile, inventory: Inventory) -> None:
        """See that what the plan was made on is still so.

        Raises:
            BaseMovedError: it is not.
        """
        now = (
            ("source file", self.base["file_digest"], source.digest),
            ("mapping version", self.base["mapping_version"], source.mapping_version),
            ("last event of the source", self.base["last_event"], inventory.last_event(source.source)),
        )
        for what, then, today in now:
            if then != today:
                raise BaseMovedError(
                    "the plan for {source} was made on another base: the {what} has changed since. Plan again.",
                    source=source.source,
                    what=what,
                )


def read_plan(file: Path) -> SavedPlan:
    """A plan from the file that `source plan --out` wrote.

    Raises:
        UsageError: it is none.
    """
    document = read_document(file)
    return SavedPlan(
        source=document["source"],
        file=Path(document["file"]),
        base=document["base"],
        answers=document["answers"],
        cursors=document["cursors"],
        digest=document["digest"],
    )


def read_document(file: Path) -> dict[str, Any]:
    """A plan's document from its file.

    Raises:
        UsageError: it is none.
    """
    try:
        document = orjson.loads(file.read_bytes())
        missing = {"source", "file", "base", "answers", "cursors", "digest", "changes"} - document.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(_NO_PLAN, file=file.name) from error
    if missing:
        raise UsageError(_NO_PLAN, file=file.name)
    return dict(document)


def decision_digest(db: Any) -> str:
    """Equal when two runs would do the same: every decision with its content, and what is held."""
    digest = hashlib.sha256()
    for row in db.execute(
        "SELECT d.key, d.action, d.because, d.offer_id, d.revision, d.missed_since, d.guard, s.hash"
        " FROM scratch.decision d LEFT JOIN scratch.staged s ON s.record = d.record"
        " WHERE d.action NOT IN ('unchanged', 'ignore', 'past', 'withdrawn', 'refused') ORDER BY d.key"
    ):
        digest.update(orjson.dumps(row) + b"\n")
    for row in db.execute("SELECT reject_id, rule, place FROM scratch.broken ORDER BY reject_id"):
        digest.update(orjson.dumps(row) + b"\n")
    return digest.hexdigest()


def compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """How the changes of two plans differ: `added`, `dropped` and `different`, by record."""
    old = {change["record_key"]: change for change in before["changes"]}
    new = {change["record_key"]: change for change in after["changes"]}
    return {
        "added": [new[key] for key in sorted(new.keys() - old.keys())],
        "dropped": [old[key] for key in sorted(old.keys() - new.keys())],
        "different": [
            {"record_key": key, "before": old[key], "after": new[key]}
            for key in sorted(old.keys() & new.keys())
            if old[key] != new[key]
        ],
    }
