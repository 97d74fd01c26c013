"""Rejects in words: for people and programs, and as a file for the provider that needs no knowledge of this program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

from verbund.explanations import explained
from verbund.views.reject_report import RejectedRecord, RejectGroup

_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "de": ("Kennung", "Titel", "Feld", "Was dort steht", "Was nicht stimmt", "Was zu tun ist", "Seit"),
    "en": ("Record", "Title", "Field", "What stands there", "What is wrong", "What to do", "Since"),
}

# What spreadsheets take for the beginning of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def group_document(group: RejectGroup, language: str) -> dict[str, Any]:
    """A group as JSON values, with what its rule means and what to do, in `de` or `en`."""
    rule = explained("rules", group.rule, language)
    return {
        "source": group.source,
        "rule": group.rule,
        "title": rule.title,
        "place": group.place,
        "count": group.count,
        "regressed": group.regressed,
        "back": group.back,
        "first_seen": group.first_seen.isoformat(),
        "last_seen": group.last_seen.isoformat(),
        "text": rule.text,
        "fix": rule.fix,
        "examples": [record_document(one) for one in group.examples],
    }


def record_document(record: RejectedRecord) -> dict[str, Any]:
    """A rejected record as JSON values."""
    reject = record.reject
    return {
        "record_key": reject.record_key,
        "title": record.title,
        "place": reject.place,
        "value": reject.value,
        "raw_digest": reject.raw_digest,
        "offer_id": record.offer_id,
        "regressed": record.regressed,
    }


def reject_csv(records: Iterable[RejectedRecord], language: str, *, delimiter: str = ",") -> str:
    """Comma-separated values of RFC 4180 with a heading.

    Values are masked as they are stored, and no cell begins a formula. A record that has no key is named by its place.

    Args:
        records: lines in this order.
        language: `de` or `en`.
        delimiter: `;` is what a German Excel expects.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(_HEADINGS["de" if language == "de" else "en"])
    for one in records:
        reject = one.reject
        rule = explained("rules", reject.rule, language)
        wrong = f"{rule.title}. {' '.join(rule.text.split())}".strip()
        cells = (
            reject.record_key.removeprefix("?"),
            one.title,
            reject.place,
            reject.value,
            wrong,
            rule.fix,
            reject.first_seen.date().isoformat(),
        )
        writer.writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def harmless(cell: str | None) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = cell or ""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
