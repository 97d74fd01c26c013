"""The ledger of a run: what became of each record whose state changed, in the archive."""

from __future__ import annotations

import tempfile
from typing import Any

import orjson

from verbund.archive import Archive

IN_MEMORY = 1 << 20  # bytes; a larger ledger is spooled to disk


def write_ledger(db: Any, archive: Archive, *, run_id: str) -> str | None:
    """JSON lines `record_key, outcome, because, offer_id, revision`; returns the digest, None when nothing changed.

    A record that is not in it ended as it had ended before.
    """
    rows = db.execute(
        "SELECT d.key, o.outcome, coalesce(o.because, d.because), d.offer_id, d.revision, d.action FROM scratch.decision d"
        " LEFT JOIN scratch.outcome o ON o.record = d.record WHERE d.action NOT IN ('unchanged') ORDER BY d.key"
    )
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        written = 0
        for key, outcome, because, ident, revision, action in rows:
            line = {"record_key": key, "outcome": outcome or action, "because": because, "offer_id": ident}
            if action not in ("reject", "ignore", "past", "withdrawn"):
                line["revision"] = revision
            file.write(orjson.dumps({**line, "run_id": run_id}) + b"\n")
            written += 1
        if not written:
            return None
        file.seek(0)
        return archive.put(file)
