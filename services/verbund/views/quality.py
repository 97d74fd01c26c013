"""Quality of sources: the score of what each shows, and what to mend first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, false, func, select

from verbund.explanations import explained
from verbund.quality import PAST, REJECTED, findings_of, mark_of, marks
from verbund.quality_score import Score, Share, score
from verbund.views.offers import SHOWN, offers
from verbund.views.rejects import Rejects

# Enough to see what is meant.
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """An offer, or a record that is none, that has a finding."""

    record_key: str
    offer_id: str | None
    title: str | None


class Quality:
    """Questions about the quality of what sources show; `past` counts as of the instant asked."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def scores(self, now: datetime) -> dict[str, Score]:
        """The score of every source that shows or rejects something, by its name."""
        return {source: score(groups.items()) for source, groups in self._groups(None, now).items()}

    def of_source(self, source: str, now: datetime) -> Score:
        """The score of one source."""
        return score(self._groups(source, now).get(source, {}).items())

    def examples(self, source: str, code: str, now: datetime) -> list[Example]:
        """Some offers of a source with a finding, by record key."""
        if code == REJECTED:
            found = Rejects(self._engine).listing(source)[:EXAMPLES]
            return [Example(one.record_key, None, None) for one in found]
        query = (
            select(offers.c.record_key, offers.c.offer_id, offers.c.title)
            .where(offers.c.source == source, offers.c.state.in_(SHOWN))
            .where(offers.c.ends_at <= now if code == PAST else offers.c.findings.contains(mark_of(code)))
            .order_by(offers.c.record_key)
            .limit(EXAMPLES)
        )
        with self._engine.connect() as tx:
            return [Example(*row) for row in tx.execute(query)]

    def _groups(self, source: str | None, now: datetime) -> dict[str, dict[str, int]]:
        """How many offers have exactly which marks, by source."""
        over: ColumnElement[bool] = func.coalesce(offers.c.ends_at <= now, false())
        query = (
            select(offers.c.source, offers.c.findings, over, func.count())
            .where(offers.c.state.in_(SHOWN))
            .group_by(offers.c.source, offers.c.findings, over)
        )
        if source is not None:
            query = query.where(offers.c.source == source)
        groups: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        with self._engine.connect() as tx:
            for name, found, past, number in tx.execute(query):
                if found is not None:  # None: no content was ever published
                    groups[name][found + mark_of(PAST) if past else found] += number
        for name, number in Rejects(self._engine).counts().items():
            if source in (None, name):
                groups[name][mark_of(REJECTED)] += number
        return groups


def quality_document(quality: Quality, source: str, now: datetime, language: str) -> dict[str, Any]:
    """The quality of a source as JSON values, with words in `de` or `en`."""
    found = quality.of_source(source, now)
    first = found.first
    return {
        "score": found.points,
        "judged": found.offers,
        "findings": [share_document(share, language) for share in found.shares],
        "mend_first": None
        if first is None
        else {
            **share_document(first, language),
            "examples": [
                {"record_key": one.record_key, "offer_id": one.offer_id, "title": one.title}
                for one in quality.examples(source, first.code, now)
            ],
        },
    }


def share_document(share: Share, language: str) -> dict[str, Any]:
    """One finding of a source as JSON values."""
    return {
        **finding_document(share.code, share.grade, language),
        "count": share.count,
        "share": round(share.share, 4),
        "gain": share.gain,
    }


def finding_document(code: str, grade: str, language: str) -> dict[str, Any]:
    """A finding with what it means and how to mend it."""
    text = explained("quality", code, language)
    return {"code": code, "grade": grade, "title": text.title, "text": text.text, "fix": text.fix}


def is_past(ends_at: datetime | None, state: str, now: datetime) -> bool:
    """Whether an offer that is shown is over."""
    return state in SHOWN and ends_at is not None and ends_at <= now


def findings_of_offer(offer: Mapping[str, Any], *, past: bool, language: str) -> list[dict[str, Any]]:
    """The findings of one whole offer, the gravest first."""
    found = marks(offer) + (mark_of(PAST) if past else "")
    return [finding_document(one.code, one.grade, language) for one in findings_of(found)]
