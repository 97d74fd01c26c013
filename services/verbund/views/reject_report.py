"""Rejects as people act on them: grouped by what is wrong, with since when, what was there before, and the record's title."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, select

from verbund.offer import offer_id
from verbund.views.health import runs
from verbund.views.offers import IDS_AT_ONCE, offers
from verbund.views.rejects import Cleared, Reject, Rejects

# Enough to see what is wrong; the rest is one more question away.
EXAMPLES = 3

_NUMBER = re.compile(r"\d+")

#: Source, rule and field.
_Group = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """An open reject with what other views know of it.

    Attributes:
        title: of the record's last good version; None when it never had one.
        offer_id: of that version, which stays as it is.
        cleared_before: it was rejected, then good or gone, and is rejected again.
        last_seen: when a complete pull last met it.
    """

    reject: Reject
    title: str | None
    offer_id: str | None
    cleared_before: bool
    last_seen: datetime

    @property
    def regressed(self) -> bool:
        """It was good before."""
        return self.offer_id is not None or self.cleared_before


@dataclass(frozen=True, slots=True)
class RejectGroup:
    """Open rejects of one source that break the same rule in the same field.

    Attributes:
        place: the field; numbers in it are `*` when the group has several (`starts.*`).
        regressed: how many of them were good before.
        back: the whole group had been cleared once, and is there again.
        first_seen: when the first of them was rejected; `last_seen` when a complete pull last met one.
        examples: the first ones by record key.
    """

    source: str
    rule: str
    place: str
    count: int
    regressed: int
    back: bool
    first_seen: datetime
    last_seen: datetime
    examples: tuple[RejectedRecord, ...]


class RejectReport:
    """Questions about open rejects."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def records(self, source: str | None = None) -> list[RejectedRecord]:
        """Every open reject by source and record key."""
        return self._records(Rejects(self._engine).listing(source), Rejects(self._engine).cleared(source))

    def record(self, source: str, record_key: str) -> RejectedRecord | None:
        """The open reject of one record, or None."""
        found = Rejects(self._engine).listing(source, record_key=record_key)
        records = self._records(found, Rejects(self._engine).cleared(source))
        return records[0] if records else None

    def groups(self, source: str | None = None) -> list[RejectGroup]:
        """By source, rule and field, the most frequent first."""
        cleared = Rejects(self._engine).cleared(source)
        members: dict[_Group, list[RejectedRecord]] = defaultdict(list)
        for record in self._records(Rejects(self._engine).listing(source), cleared):
            members[_group_of(record.reject)].append(record)
        clearings: dict[_Group, list[Cleared]] = defaultdict(list)
        for one in cleared:
            clearings[_group_of(one)].append(one)
        found = [_group(key, records, clearings.get(key, ())) for key, records in members.items()]
        return sorted(found, key=lambda group: (-group.count, group.source, group.rule, group.place))

    def _records(self, found: Sequence[Reject], cleared: Iterable[Cleared]) -> list[RejectedRecord]:
        if not found:
            return []
        cleared_ids = {one.reject_id for one in cleared if one.open}
        keys: dict[tuple[str, str], list[str]] = defaultdict(list)
        for one in found:
            keys[one.district, one.source].append(one.record_key)
        known = {source: self._good_versions(source, of_source) for source, of_source in keys.items()}
        complete = self._last_complete()
        records = []
        for one in found:
            ident, title = known[one.district, one.source].get(one.record_key, (None, None))
            last = max(one.rejected_at, complete.get((one.district, one.source), one.rejected_at))
            records.append(RejectedRecord(one, title, ident, one.reject_id in cleared_ids, last))
        return records

    def _good_versions(self, source: tuple[str, str], keys: Sequence[str]) -> dict[str, tuple[str, str | None]]:
        """Id and title of the offers of these records.

        Nearly every id follows from its record; only for the others, and for records that never were an offer, the
        source's offers are gone through.
        """
        ids = {offer_id(*source, key): key for key in keys}
        found: dict[str, tuple[str, str | None]] = {}
        light = select(offers.c.record_key, offers.c.offer_id, offers.c.title).where(offers.c.district == source[0])
        of_source = light.where(offers.c.source == source[1])
        with self._engine.connect() as tx:
            for some in _chunks(list(ids)):
                for key, ident, title in tx.execute(light.where(offers.c.offer_id.in_(some))):
                    if ids[ident] == key:
                        found[key] = ident, title
            left = set(keys) - found.keys()
            query = of_source.where(offers.c.record_key.in_(left)) if len(left) <= IDS_AT_ONCE else of_source
            if left:
                found.update({key: (ident, title) for key, ident, title in tx.execute(query) if key in left})
        return found

    def _last_complete(self) -> dict[tuple[str, str], datetime]:
        """End of the last complete run of every source; only such a run is sure to have met what is still rejected."""
        query = (
            select(runs.c.district, runs.c.source, func.max(runs.c.finished_at))
            .where(runs.c.outcome == "complete")
            .group_by(runs.c.district, runs.c.source)
        )
        with self._engine.connect() as tx:
            return {(district, source): at for district, source, at in tx.execute(query)}


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), IDS_AT_ONCE):
        yield ids[begin : begin + IDS_AT_ONCE]


def field_of(place: str) -> str:
    """The field of a place: `starts.2` and `starts.7` are the same one."""
    return _NUMBER.sub("*", place)


def _group_of(one: Reject | Cleared) -> _Group:
    return one.source, one.rule, field_of(one.place)


def _group(key: _Group, records: Sequence[RejectedRecord], cleared: Sequence[Cleared]) -> RejectGroup:
    source, rule, field = key
    return RejectGroup(
        source=source,
        rule=rule,
        place=records[0].reject.place if len({one.reject.place for one in records}) == 1 else field,
        count=len(records),
        regressed=sum(one.regressed for one in records),
        back=_is_back(records, cleared),
        first_seen=min(one.reject.first_seen for one in records),
        last_seen=max(one.last_seen for one in records),
        examples=tuple(records[:EXAMPLES]),
    )


def _is_back(records: Sequence[RejectedRecord], cleared: Sequence[Cleared]) -> bool:
    """Before the earliest of those that are open now, some were cleared and none was left."""
    began = min(one.reject.rejected_at if one.cleared_before else one.reject.first_seen for one in records)
    if not any(one.cleared_at <= began for one in cleared):
        return False
    return not any(not one.open and one.rejected_at < began < one.cleared_at for one in cleared)
