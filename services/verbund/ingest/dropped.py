"""Values that were left out of records that are taken all the same: what the mapping warned of, grouped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verbund.explanations import explained
from verbund.sqlite import connect

# Enough to see what is meant.
EXAMPLES = 3

# How `mapping` says it: `rule at place; rule at place`.
_WARNING = re.compile(r"([a-z_]+) at (.+)")
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Records from which a value was left out for the same reason in the same field.

    Attributes:
        place: the field; numbers in it are `*`.
        examples: keys of the first records.
    """

    rule: str
    place: str
    count: int
    examples: tuple[str, ...]


def dropped_values(memory: Path, source: str) -> list[Dropped]:
    """By rule and field, the most frequent first; empty when this machine does not ingest the source.

    Args:
        memory: `ingest.db`.
        source: name of the source.
    """
    if not memory.exists():
        return []
    db = connect(memory, full=False)
    try:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'record'").fetchone() is None:
            return []
        rows = db.execute(
            "SELECT r.key, r.because FROM feed f JOIN record r ON r.feed = f.feed WHERE f.name = ?"
            " AND r.outcome IN ('published', 'revised', 'reopened', 'unchanged') AND r.because LIKE '% at %' ORDER BY r.key",
            (source,),
        ).fetchall()
    finally:
        db.close()
    return grouped(rows)


def grouped(rows: Iterable[tuple[str, str]]) -> list[Dropped]:
    """Record keys with what was said of them, as groups; a record counts once in each."""
    groups: dict[tuple[str, str], list[str]] = {}
    for key, because in rows:
        for group in dict.fromkeys(_warnings(because)):
            groups.setdefault(group, []).append(key)
    found = [Dropped(*group, len(keys), tuple(keys[:EXAMPLES])) for group, keys in groups.items()]
    return sorted(found, key=lambda one: (-one.count, one.rule, one.place))


def dropped_document(one: Dropped, language: str) -> dict[str, Any]:
    """A group as JSON values, with what its rule means and what to do, in `de` or `en`."""
    rule = explained("rules", one.rule, language)
    return {
        "rule": one.rule,
        "title": rule.title,
        "place": one.place,
        "count": one.count,
        "text": rule.text,
        "fix": rule.fix,
        "examples": list(one.examples),
    }


def _warnings(because: str) -> Iterator[tuple[str, str]]:
    for said in because.split("; "):
        if found := _WARNING.fullmatch(said):
            yield found[1], _NUMBER.sub("*", found[2])
