"""What a source last sent of one record, without personal data: for the person who asks why it was rejected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from verbund.masking import without_numbers
from verbund.sqlite import connect

# Names of fields that may hold a person; wider than for rejected values, since here the whole record is shown.
_PERSONAL = re.compile(
    r"contact|name|mail|phone|mobil|telefon|telefax|fax|person|leader|author|editor|ansprech|dozent|lehr|leit|teacher"
    r"|trainer|instructor|user|iban|birth|geburt",
    re.IGNORECASE,
)

_MARKUP = re.compile(r"<[a-z][^>]*>", re.IGNORECASE)

LONGEST_TEXT = 300  # characters of a text that are shown
LONGEST_LIST = 20  # entries of a list that are shown
DEEPEST = 12  # levels of a record that are shown


def raw_items(memory: Path, source: str, record_key: str) -> list[dict[str, Any]]:
    """The raw items of a record: `part, id, modified, deleted, raw_digest, data`.

    Empty when this machine does not ingest the source, or the record has no key.

    Args:
        memory: `ingest.db`.
        source: name of the source.
        record_key: key of the record.
    """
    if not memory.exists():
        return []
    db = connect(memory, full=False)
    try:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'body'").fetchone() is None:
            return []
        rows = db.execute(
            "SELECT i.part, i.id, i.modified, i.deleted, i.raw, b.data FROM feed f JOIN record r ON r.feed = f.feed"
            " JOIN item i ON i.record = r.record JOIN body b ON b.item = i.item"
            " WHERE f.name = ? AND r.key = ? ORDER BY i.part, i.id",
            (source, record_key),
        ).fetchall()
    finally:
        db.close()
    return [
        {
            "part": part,
            "id": ident,
            "modified": modified,
            "deleted": bool(deleted),
            "raw_digest": raw,
            "data": without_people(orjson.loads(data)),
        }
        for part, ident, modified, deleted, raw, data in rows
    ]


def without_people(value: Any, place: str = "", depth: int = 0) -> Any:
    """The same value with everything masked that may be about a person; markup, which may hold contacts, is only counted."""
    if isinstance(value, Mapping):
        if depth > DEEPEST:
            return "..."
        return {
            str(name): without_people(inner, f"{place}.{name}" if place else str(name), depth + 1)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        shown = [without_people(inner, place, depth + 1) for inner in value[:LONGEST_LIST]]
        return shown if len(value) <= LONGEST_LIST else [*shown, f"... ({len(value)})"]
    if value is None or isinstance(value, bool):
        return value
    if _PERSONAL.search(place):
        return f"({len(str(value))} characters)"
    if not isinstance(value, str):
        return value
    if _MARKUP.search(value):
        return f"({len(value)} characters of markup)"
    text = without_numbers(value)
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
