"""What happened since an instant, source by source: the sums of many runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, select

from verbund.views.health import runs


@dataclass(slots=True)
class RunSums:
    """The runs of one source: how many ended how, and the sums of what they counted."""

    outcomes: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def run_sums(engine: Engine, since: datetime) -> dict[tuple[str, str], RunSums]:
    """By district and source; sources without a run since then are left out."""
    columns = (runs.c.district, runs.c.source, runs.c.outcome, runs.c.counts)
    query = select(*columns).where(runs.c.appended_at >= since)
    sums: dict[tuple[str, str], RunSums] = {}
    with engine.connect() as tx:
        for district, source, outcome, counts in tx.execution_options(yield_per=1_000).execute(query):
            of_source = sums.setdefault((district, source), RunSums())
            of_source.outcomes[outcome] += 1
            of_source.counts.update(counts)
    return sums
