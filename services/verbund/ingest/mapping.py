"""Map raw records to rows of the scratch database: pure, so that it can run in any process."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from verbund.draft_check import check_draft, check_organisation, rejects, without
from verbund.keys import contact_id
from verbund.masking import masked
from verbund.offer import content_hash, ends_at, organisation_id
from verbund_connectors.kit import (
    Answer,
    Connector,
    ContactDraft,
    Ignored,
    Item,
    Mapped,
    Reject,
    Rejected,
    Settings,
    SourceContext,
    Withdrawn,
)

# Id, key, hash and body of an organisation that can be taken; and what was dropped from it, or cost it.
_Organisation: TypeAlias = tuple[tuple[str, str, str, bytes] | None, tuple[Reject, ...]]

REMEMBERED_ORGANISATIONS = 1000
SHOWN_WARNINGS = 5  # of one record, in `verbund why` and the ledger


#: An item as the source cache keeps it: its key (None: only needed by others), part, id, order of versions, whether it
#: is deleted, data as JSON, and the ids that it needs.
RawItem: TypeAlias = tuple[str | None, str, str, str | None, int, bytes, tuple[str, ...]]
#: A record of the cache: its number, its key, the digest of the payload of its first item, and its items in order. Plain
#: tuples, as they come from the database: so they also cross to another process at half the cost.
RawRecord: TypeAlias = tuple[int, str, str, list[RawItem]]


@dataclass(slots=True)
class Staged:
    """Rows for the scratch tables `staged`, `organisation` and `contact`.

    Attributes:
        trips: kind and line of each bug that a record brought to light, for the log of whoever takes the rows.
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    organisations: list[tuple[Any, ...]] = field(default_factory=list)
    contacts: list[tuple[Any, ...]] = field(default_factory=list)
    trips: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingTask:
    """All that mapping depends on beside the records; can be sent to another process.

    Attributes:
        secret: of the source, for contact ids.
        year: the present one, for the check of dates.
    """

    connector: type[Connector]
    settings: Settings
    context: SourceContext
    secret: bytes = field(repr=False)
    year: int


class RecordMapper:
    """Maps records of one source."""

    def __init__(self, task: MappingTask) -> None:
        self._task = task
        self._connector = task.connector(task.settings, task.context)
        self._organisations: dict[tuple[str, bytes], _Organisation] = {}

    def map(self, records: Sequence[RawRecord]) -> Staged:
        """Rows for all of them; one that cannot be mapped is a row that says so."""
        staged = Staged()
        for record, key, raw, items in records:
            answer = self._answer(key, [_item(item) for item in items], staged)
            staged.rows.append(self._row(record, key, raw, answer, staged))
        return staged

    def _answer(self, key: str, items: list[Item], staged: Staged) -> Answer:
        try:
            return self._connector.map(key, items)
        except Exception as error:  # noqa: BLE001 — one record that a connector trips over never stops the feed
            staged.trips.append(raised(error))
            return Rejected(rejects=(Reject(rule="connector_error", place="record", value=type(error).__name__),))

    def _row(self, record: int, key: str, raw: str, answer: Answer, staged: Staged) -> tuple[Any, ...]:
        if isinstance(answer, Mapped):
            checked = self._checked(key, answer)
            if not isinstance(checked, Rejected):
                return self._mapped(record, key, raw, *checked, staged)
            answer = checked
        if isinstance(answer, Ignored | Withdrawn):
            return (record, key, type(answer).__name__.lower(), answer.reason, None, None, raw, None)
        listed = [[reject.rule, reject.place, masked(reject.place, reject.value)] for reject in answer.rejects]
        return (record, key, "rejected", listed[0][0], None, None, raw, orjson.dumps(listed))

    def _checked(self, key: str, mapped: Mapped) -> tuple[Mapped, bytes] | Rejected:
        """Less the values that cannot be taken, with its offer as JSON; rejected when what is wrong costs the record."""
        written = _written(mapped.offer)
        found = check_draft(mapped.offer, year=self._task.year, record_key=key, written=written)
        if not found and written is not None:
            return mapped, written
        if costly := rejects(found):
            return Rejected(rejects=tuple(Reject(rule=f.rule, place=f.place, value=f.value) for f in costly))
        warnings = mapped.warnings + tuple(Reject(rule=f.rule, place=f.place, value=f.value) for f in found)
        offer = without(mapped.offer, found)
        return replace(mapped, offer=offer, warnings=warnings), orjson.dumps(offer)

    def _organisation(self, key: str, draft: Mapping[str, Any]) -> _Organisation:
        """Its row, and what is wrong with it; many records name the same one, so the last ones are remembered."""
        body = orjson.dumps(draft)
        known = self._organisations.get((key, body))
        if known is None:
            if len(self._organisations) >= REMEMBERED_ORGANISATIONS:
                self._organisations.clear()
            found = check_organisation(draft, year=self._task.year)
            warnings = tuple(Reject(rule=f.rule, place=f"organisation.{f.place}", value=f.value) for f in found)
            row = None
            if not rejects(found):
                taken = without(draft, found, schema="Organisation") if found else draft
                ident = organisation_id(self._task.context.district, self._task.context.source, key)
                row = (ident, key, content_hash("organisation", taken), orjson.dumps(taken))
            known = self._organisations[key, body] = (row, warnings)
        return known

    def _mapped(
        self, record: int, key: str, raw: str, mapped: Mapped, written: bytes, staged: Staged
    ) -> tuple[Any, ...]:
        warnings = mapped.warnings
        organisation = None
        if mapped.organisation is not None:
            row, wrong = self._organisation(*mapped.organisation)
            warnings += wrong
            if row is not None:
                organisation = row[0]
                staged.organisations.append((*row[:3], raw, row[3]))
        contacts = sorted(self._contact(key, contact, staged) for contact in mapped.contacts)
        who = {"organisation_id": organisation, "contact_ids": contacts}
        draft = {**mapped.offer, **who}
        digest = content_hash(
            "offer",
            draft,
            content_overrides=mapped.content,
            volatile_extra=self._connector.volatile_extra,
        )
        said = "; ".join(f"{warning.rule} at {warning.place}" for warning in warnings[:SHOWN_WARNINGS]) or None
        # The ids are written behind what was written for the check: of two equal names JSON takes the last.
        body = written[:-1] + b"," + orjson.dumps(who)[1:]
        return (record, key, "mapped", said, digest, ends_at(draft), raw, body)

    def _contact(self, key: str, contact: ContactDraft, staged: Staged) -> str:
        ident = contact_id(self._task.secret, contact.place_key, contact.area, contact.rank)
        staged.contacts.append((ident, key, orjson.dumps({**contact.data, "contact_id": ident})))
        return ident


def _written(offer: Mapping[str, Any]) -> bytes | None:
    """As JSON; None when it cannot be written, which the check looks into."""
    try:
        return orjson.dumps(offer, default=dict)
    except TypeError:
        return None


def _item(raw: RawItem) -> Item:
    key, part, ident, modified, deleted, data, needs = raw
    return Item(
        part=part,
        id=ident,
        key=key,
        data=orjson.loads(data),
        deleted=bool(deleted),
        modified=None if modified is None else int(modified),
        needs=needs,
    )


def raised(error: Exception) -> str:
    """Kind and line of a bug, for the log; not its message, which may hold what the record held."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"
