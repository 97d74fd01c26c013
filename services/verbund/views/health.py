"""Health: what every source's last runs brought, and the one truthful word about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Index,
    MetaData,
    Row,
    Table,
    Text,
    func,
    select,
)

from verbund import patience
from verbund.events import Recorded
from verbund.views.fold import district_of, facts_of, source_of
from verbund.views.rejects import Rejects
from verbund.views.sql import (
    KEY,
    JsonText,
    SqlView,
    UtcDateTime,
    Values,
    Writer,
    instant_ms,
    json_text,
    last_of_each,
    plain,
    read_as,
)

metadata = MetaData()

sources = Table(
    "sources",
    metadata,
    Column("source", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("change", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("connector", Text, nullable=False),
    Column("licence", Text),
    Column("attribution", Text),
    Column("scope", JsonText, nullable=False),
    Column("every_s", BigInteger),
    Column("frozen_after_s", BigInteger),
    Column("file_digest", Text, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("run_id", KEY, primary_key=True),
    Column("district", KEY, primary_key=True),
    Column("source", KEY, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("parts", JsonText, nullable=False),
    Column("counts", JsonText, nullable=False),
    Column("related", JsonText, nullable=False),
    Column("totals", JsonText, nullable=False),
    Column("changed", Boolean, nullable=False),
    Column("reason", Text),
    Column("facts", JsonText, nullable=False),
    Column("ledger_digest", Text),
    Column("mapping_version", Text, nullable=False),
    Column("file_digest", Text, nullable=False),
    Column("appended_at", UtcDateTime, nullable=False),
    Column("position", BigInteger, nullable=False),
    Index("runs_by_source", "source", "district", "position"),
)

# A pull may be late by its own length and the jitter of the schedule; later than this many rhythms it is news.
LATE_AFTER_RHYTHMS = 2
STALE_AFTER_RHYTHMS = 6

# A source that is pulled and stays as it is for so long may be one that nobody looks after, unless its file says otherwise.
FROZEN_AFTER = timedelta(days=60)

# A source of which more than this share is rejected delivers nothing that one could rely on.
MOSTLY_REJECTED = 0.5

_CHANGES = ("published", "revised", "reopened", "withdrawn", "withdrawn_by_record")
_RATE_LIMITED_CODE = "E223"


class HealthView(SqlView):
    """One row for each source that was registered and for each run; the latest event of each decides."""

    name = "health"
    version = 2
    handles = frozenset({"SourceChanged", "RunFinished"})
    topics: tuple[str, ...] = ("inventory", "runs")
    metadata = metadata

    _sources = Writer(sources, newer="position")
    _runs = Writer(runs, newer="position")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        changed = last_of_each(record for record in batch if record.type == "SourceChanged")
        self._sources.write(tx, [_source_values(record) for record in changed])
        finished = {
            (values[0], values[1]): values
            for values in (_run_values(record) for record in batch if record.type == "RunFinished")
        }
        self._runs.write(tx, list(finished.values()))


@dataclass(frozen=True, slots=True)
class Run:
    """One pull, as it was reported."""

    run_id: str
    district: str
    source: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    held: bool
    parts: list[dict[str, Any]]
    counts: dict[str, int]
    related: dict[str, int]
    totals: dict[str, int]
    reason: str | None
    facts: dict[str, str]
    ledger_digest: str | None
    mapping_version: str
    file_digest: str
    appended_at: datetime


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What is known of a source from its last change; `change` is registered, edited, paused, resumed or removed."""

    source: str
    district: str
    change: str
    title: str
    connector: str
    licence: str | None
    attribution: str | None
    scope: dict[str, str]
    every_s: int | None
    frozen_after_s: int | None
    file_digest: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source with its health as of the instant asked.

    Attributes:
        facts: None for a source that has runs but was never registered.
        word: healthy, warning, degraded, held or never_run.
        because: codes of the reasons, the gravest first; empty when healthy.
        last_run: the latest one, of whatever outcome; `last_complete` the latest complete one.
        rejects: number of open rejects.
        resumes_at: the source asked in its last run to be left alone until then.
        unchanged_since: its last run that changed anything, or its first run.
    """

    source: str
    district: str
    facts: SourceFacts | None
    word: str
    because: tuple[str, ...]
    last_run: Run | None
    last_complete: Run | None
    rejects: int
    resumes_at: datetime | None = None
    unchanged_since: datetime | None = None


def health_word(
    *,
    facts: SourceFacts | None,
    last: Run | None,
    last_complete: Run | None,
    rejects: int,
    now: datetime,
    unchanged_since: datetime | None = None,
) -> tuple[str, tuple[str, ...]]:
    """The one truthful word about a source at an instant, and why: the worst of last run, freshness, rejects and holds.

    Pure: it only knows what it is given. A paused or removed source is never late or frozen. Lateness counts from the
    last complete run. Being asked for patience is no failure while the source is not late because of it.
    """
    if last is None:
        return "never_run", ("never_run",)
    late = _lateness(facts, last_complete, now)
    patient = last.outcome == "failed" and _resumes_at(last) is not None
    grave = [last.reason or "failed"] if last.outcome == "failed" and not patient else []
    grave += [late] if late in ("never_complete", "stale") else []
    light = ["partial"] if last.outcome == "partial" else []
    light += [patience.RATE_LIMITED] if _resumes_at(last) is not None else []
    light += [late] if late == "late" else []
    (grave if _mostly_rejected(last_complete) else light).extend(["rejects"] if rejects else [])
    light += ["frozen"] if late is None and _is_frozen(facts, unchanged_since, now) else []
    if last.held:
        return "held", ("held", *grave, *light)
    word = "degraded" if grave else "warning" if light else "healthy"
    return word, (*grave, *light)


def _lateness(facts: SourceFacts | None, last_complete: Run | None, now: datetime) -> str | None:
    if last_complete is None:
        return "never_complete"
    if facts is None or not facts.every_s or facts.change in ("paused", "removed"):
        return None
    rhythms = (now - last_complete.finished_at) / timedelta(seconds=facts.every_s)
    if rhythms > STALE_AFTER_RHYTHMS:
        return "stale"
    return "late" if rhythms > LATE_AFTER_RHYTHMS else None


def _resumes_at(run: Run) -> datetime | None:
    """Until when the source asked to be left alone in this run."""
    until = patience.resumes_at(run.parts)
    if until is None and run.reason == _RATE_LIMITED_CODE:  # as runs said it before their parts did
        return run.finished_at + timedelta(seconds=float(run.facts.get("retry_after_s", 0)))
    return until


def _mostly_rejected(last_complete: Run | None) -> bool:
    if last_complete is None:
        return False
    counts = last_complete.counts
    return counts.get("rejected", 0) > MOSTLY_REJECTED * counts.get("delivered", 0)


def _is_frozen(facts: SourceFacts | None, unchanged_since: datetime | None, now: datetime) -> bool:
    if facts is None or unchanged_since is None or facts.change in ("paused", "removed"):
        return False
    after = FROZEN_AFTER if facts.frozen_after_s is None else timedelta(seconds=facts.frozen_after_s)
    return bool(after) and now - unchanged_since > after


class Health:
    """Questions about sources and runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def sources(self, now: datetime, *, removed: bool = False) -> list[SourceHealth]:
        """All sources by district and name; removed ones only when asked for."""
        with self._engine.connect() as tx:
            facts = {(row.district, row.source): _facts(row) for row in tx.execute(select(sources))}
            last = _latest(tx)
            complete = _latest(tx, runs.c.outcome == "complete")
            unchanged = _unchanged_since(tx)
        rejected = Rejects(self._engine).counts()
        found = []
        for key in sorted(facts.keys() | last.keys()):
            known = facts.get(key)
            if known is not None and known.change == "removed" and not removed:
                continue
            word, because = health_word(
                facts=known,
                last=last.get(key),
                last_complete=complete.get(key),
                rejects=rejected.get(key[1], 0),
                now=now,
                unchanged_since=unchanged.get(key),
            )
            latest = last.get(key)
            until = _resumes_at(latest) if latest else None
            found.append(
                SourceHealth(
                    source=key[1],
                    district=key[0],
                    facts=known,
                    word=word,
                    because=because,
                    last_run=latest,
                    last_complete=complete.get(key),
                    rejects=rejected.get(key[1], 0),
                    resumes_at=until if until and until > now else None,
                    unchanged_since=unchanged.get(key),
                )
            )
        return found

    def source(self, name: str, now: datetime) -> SourceHealth | None:
        """One source, removed or not; None when it is unknown."""
        return next((one for one in self.sources(now, removed=True) if one.source == name), None)

    def runs(self, source: str | None = None, *, limit: int = 20) -> list[Run]:
        """The latest runs first."""
        query = select(runs).order_by(runs.c.appended_at.desc(), runs.c.district, runs.c.position.desc()).limit(limit)
        if source is not None:
            query = query.where(runs.c.source == source)
        with self._engine.connect() as tx:
            return [_run(row) for row in tx.execute(query)]

    def run(self, run_id: str) -> Run | None:
        """One run, or None."""
        with self._engine.connect() as tx:
            row = tx.execute(select(runs).where(runs.c.run_id == run_id).order_by(runs.c.district).limit(1)).first()
        return None if row is None else _run(row)


def _unchanged_since(tx: Connection) -> dict[tuple[str, str], datetime]:
    """When each source last changed anything; of one that never did, its first run."""
    key = (runs.c.district, runs.c.source)
    began = select(*key, func.min(runs.c.finished_at)).group_by(*key)
    changed = select(*key, func.max(runs.c.finished_at)).where(runs.c.changed).group_by(*key)
    found = {(district, source): at for district, source, at in tx.execute(began)}
    return found | {(district, source): at for district, source, at in tx.execute(changed)}


def _latest(tx: Connection, such: ColumnElement[bool] | None = None) -> dict[tuple[str, str], Run]:
    newest = select(runs.c.district, runs.c.source, func.max(runs.c.position).label("position"))
    if such is not None:
        newest = newest.where(such)
    of_each = newest.group_by(runs.c.district, runs.c.source).subquery()
    query = select(runs).join(
        of_each,
        (runs.c.district == of_each.c.district)
        & (runs.c.source == of_each.c.source)
        & (runs.c.position == of_each.c.position),
    )
    return {(row.district, row.source): _run(row) for row in tx.execute(query)}


def _source_values(record: Recorded) -> Values:
    facts = facts_of(record, "source")
    return (
        source_of(record),
        district_of(record.topic),
        plain(facts["change"]),
        plain(facts["title"]),
        plain(facts["connector"]),
        plain(facts["licence"]),
        plain(facts["attribution"]),
        json_text(facts["scope"]),
        facts["every_s"],
        facts["frozen_after_s"],
        plain(facts["file_digest"]),
        record.appended_ms,
        record.position,
    )


def _run_values(record: Recorded) -> Values:
    facts = facts_of(record, "source")
    return (
        plain(facts["run_id"]),
        district_of(record.topic),
        source_of(record),
        instant_ms(facts["started_at"]),
        instant_ms(facts["finished_at"]),
        plain(facts["outcome"]),
        facts["held"],
        json_text(facts["parts"]),
        json_text(facts["counts"]),
        json_text(facts["related"]),
        json_text(facts["totals"]),
        any(facts["counts"].get(name) for name in _CHANGES),
        plain(facts["reason"]),
        json_text(facts["facts"]),
        plain(facts["ledger_digest"]),
        plain(facts["mapping_version"]),
        plain(facts["file_digest"]),
        record.appended_ms,
        record.position,
    )


def _run(row: Row[Any]) -> Run:
    return read_as(Run, row)


def _facts(row: Row[Any]) -> SourceFacts:
    return read_as(SourceFacts, row)
