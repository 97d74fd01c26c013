"""Map dirty records into the scratch database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import orjson
import structlog

from verbund.draft_check import check_draft, check_organisation, rejects, without
from verbund.ingest.cache import SourceCache
from verbund.ingest.inventory import immediate
from verbund.ingest.pull import Progress
from verbund.ingest.source_file import SourceFile
from verbund.keys import contact_id
from verbund.offer import content_hash, ends_at, organisation_id
from verbund_connectors.kit import Answer, Connector, Ignored, Item, Mapped, Reject, Rejected, Withdrawn

log = structlog.get_logger()

# Id, key, hash and body of an organisation that can be taken; and what was dropped from it, or cost it.
_Organisation: TypeAlias = tuple[tuple[str, str, str, bytes] | None, tuple[Reject, ...]]

BATCH = 500  # records read, mapped and staged together

_PERSONAL_PLACE = re.compile(r"contact|name|mail|phone|mobile|telefon|person", re.IGNORECASE)
_PERSONAL_VALUE = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|\+?\d[\d /()-]{6,}\d")
REMEMBERED_ORGANISATIONS = 1000
SHOWN_WARNINGS = 5  # of one record, in `verbund why` and the ledger
SHOWN_VALUE = 80  # characters of a rejected value that a person gets to see


def stage(
    db: Any,
    cache: SourceCache,
    connector: Connector,
    source: SourceFile,
    *,
    secret: bytes,
    this_year: int,
    progress: Progress,
) -> int:
    """Map every dirty record that was not found absent; returns how many."""
    total = db.execute(
        "SELECT count(*) FROM record r LEFT JOIN scratch.absent a ON a.record = r.record"
        " WHERE r.feed = ? AND r.dirty AND a.record IS NULL",
        (cache.feed,),
    ).fetchone()[0]
    stager = _Stager(db, cache, connector, source, secret=secret, this_year=this_year)
    done, last = 0, 0
    while True:
        batch = db.execute(
            "SELECT r.record, r.key FROM record r LEFT JOIN scratch.absent a ON a.record = r.record"
            " WHERE r.feed = ? AND r.dirty AND r.record > ? AND a.record IS NULL ORDER BY r.record LIMIT ?",
            (cache.feed, last, BATCH),
        ).fetchall()
        if not batch:
            return done
        stager.stage(batch)
        done, last = done + len(batch), batch[-1][0]
        progress("map", done, total)


class _Stager:
    def __init__(
        self,
        db: Any,
        cache: SourceCache,
        connector: Connector,
        source: SourceFile,
        *,
        secret: bytes,
        this_year: int,
    ) -> None:
        self._db = db
        self._feed = cache.feed
        self._connector = connector
        self._source = source
        self._secret = secret
        self._this_year = this_year
        self._organisations: dict[tuple[str, bytes], _Organisation] = {}
        self._has_needs = bool(db.execute("SELECT 1 FROM need WHERE feed = ? LIMIT 1", (cache.feed,)).fetchone())

    def stage(self, batch: Sequence[tuple[int, str]]) -> None:
        rows: list[tuple[Any, ...]] = []
        organisations: list[tuple[Any, ...]] = []
        contacts: list[tuple[Any, ...]] = []
        loaded = self._items([record for record, _ in batch])
        for record, key in batch:
            items, raw = loaded.get(record, ([], ""))
            if not items:
                continue  # its items moved to another record; nothing delivers it any more
            answer = self._answer(key, items)
            rows.append(self._row(record, key, raw, answer, organisations, contacts))
        with immediate(self._db):
            self._db.executemany("INSERT OR REPLACE INTO scratch.staged VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            # Of an organisation that several records describe, the one of the smallest hash is taken: any order, one answer.
            self._db.executemany(
                "INSERT INTO scratch.organisation VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash,"
                " raw = excluded.raw, body = excluded.body WHERE excluded.hash < organisation.hash",
                organisations,
            )
            self._db.executemany("INSERT OR REPLACE INTO scratch.contact VALUES (?, ?, ?)", contacts)

    def _answer(self, key: str, items: list[Item]) -> Answer:
        try:
            return self._connector.map(key, items)
        except Exception as error:
            log.exception("record_not_mapped", source=self._source.source, record_key=key, error=type(error).__name__)
            return Rejected(rejects=(Reject(rule="connector_error", place="record", value=type(error).__name__),))

    def _row(
        self,
        record: int,
        key: str,
        raw: str,
        answer: Answer,
        organisations: list[tuple[Any, ...]],
        contacts: list[tuple[Any, ...]],
    ) -> tuple[Any, ...]:
        if isinstance(answer, Ignored | Withdrawn):
            return (record, key, type(answer).__name__.lower(), answer.reason, None, None, raw, None)
        if isinstance(answer, Mapped):
            checked = self._checked(key, answer)
            if isinstance(checked, Mapped):
                return self._mapped(record, key, raw, checked, organisations, contacts)
            answer = checked
        listed = [[reject.rule, reject.place, masked(reject.place, reject.value)] for reject in answer.rejects]
        return (record, key, "rejected", listed[0][0], None, None, raw, orjson.dumps(listed))

    def _checked(self, key: str, mapped: Mapped) -> Mapped | Rejected:
        """Less the values that cannot be taken; rejected when what is wrong costs the record."""
        found = check_draft(mapped.offer, year=self._this_year, record_key=key)
        if costly := rejects(found):
            return Rejected(rejects=tuple(Reject(rule=f.rule, place=f.place, value=f.value) for f in costly))
        warnings = mapped.warnings + tuple(Reject(rule=f.rule, place=f.place, value=f.value) for f in found)
        offer = without(mapped.offer, found) if found else mapped.offer
        return replace(mapped, offer=offer, warnings=warnings) if found else mapped

    def _organisation(self, key: str, draft: Mapping[str, Any]) -> _Organisation:
        """Its row, and what is wrong with it; many records name the same one, so the last ones are remembered."""
        body = orjson.dumps(draft)
        known = self._organisations.get((key, body))
        if known is None:
            if len(self._organisations) >= REMEMBERED_ORGANISATIONS:
                self._organisations.clear()
            found = check_organisation(draft, year=self._this_year)
            warnings = tuple(Reject(rule=f.rule, place=f"organisation.{f.place}", value=f.value) for f in found)
            row = None
            if not rejects(found):
                taken = without(draft, found, schema="Organisation") if found else draft
                ident = organisation_id(self._source.district, self._source.source, key)
                row = (ident, key, content_hash("organisation", taken), orjson.dumps(taken))
            known = self._organisations[key, body] = (row, warnings)
        return known

    def _mapped(
        self,
        record: int,
        key: str,
        raw: str,
        mapped: Mapped,
        organisations: list[tuple[Any, ...]],
        contacts: list[tuple[Any, ...]],
    ) -> tuple[Any, ...]:
        draft = {**mapped.offer, "organisation_id": None, "contact_ids": []}
        warnings = mapped.warnings
        if mapped.organisation is not None:
            row, wrong = self._organisation(*mapped.organisation)
            warnings += wrong
            if row is not None:
                draft["organisation_id"] = row[0]
                organisations.append((*row[:3], raw, row[3]))
        for contact in mapped.contacts:
            ident = contact_id(self._secret, contact.place_key, contact.area, contact.rank)
            draft["contact_ids"].append(ident)
            contacts.append((ident, key, orjson.dumps({**contact.data, "contact_id": ident})))
        draft["contact_ids"].sort()
        digest = content_hash(
            "offer",
            draft,
            content_overrides=mapped.content,
            volatile_extra=self._connector.volatile_extra,
        )
        said = "; ".join(f"{warning.rule} at {warning.place}" for warning in warnings[:SHOWN_WARNINGS]) or None
        return (record, key, "mapped", said, digest, ends_at(draft), raw, orjson.dumps(draft))

    def _items(self, records: Sequence[int]) -> dict[int, tuple[list[Item], str]]:
        """The items of each record, in order of part and id, then the needed ones; and the raw digest of the first."""
        listed = orjson.dumps(list(records)).decode()
        loaded: dict[int, tuple[list[Item], str]] = {}
        needed: dict[str, list[int]] = {}
        for number, record, key, raw, *fields in self._db.execute(
            "SELECT i.item, i.record, r.key, i.raw, i.part, i.id, i.modified, i.deleted, b.data FROM json_each(?) j"
            " CROSS JOIN item i ON i.record = j.value JOIN body b ON b.item = i.item JOIN record r ON r.record = i.record"
            " ORDER BY i.record, i.part, i.id",
            (listed,),
        ):
            items, _ = loaded.setdefault(record, ([], raw))
            needs = self._needs(number) if self._has_needs else ()
            items.append(_item(key, needs, *fields))
            for ident in needs:
                needed.setdefault(ident, []).append(record)
        for ident, wanting in needed.items():
            for fields in self._db.execute(
                "SELECT i.part, i.id, i.modified, i.deleted, b.data FROM item i JOIN body b ON b.item = i.item"
                " WHERE i.feed = ? AND i.id = ? ORDER BY i.part",
                (self._feed, ident),
            ).fetchall():
                for record in dict.fromkeys(wanting):
                    loaded[record][0].append(_item(None, (), *fields))
        return loaded

    def _needs(self, item: int) -> tuple[str, ...]:
        rows = self._db.execute("SELECT id FROM need WHERE item = ? ORDER BY id", (item,)).fetchall()
        return tuple(ident for (ident,) in rows)


def _item(
    key: str | None, needs: tuple[str, ...], part: str, ident: str, modified: str | None, deleted: int, data: bytes
) -> Item:
    return Item(
        part=part,
        id=ident,
        key=key,
        data=orjson.loads(data),
        deleted=bool(deleted),
        modified=None if modified is None else int(modified),
        needs=needs,
    )


def masked(place: str, value: Any) -> str | None:
    """A rejected value as it may be shown: short, and without what could be a person's name, mail or number."""
    if value is None:
        return None
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    if _PERSONAL_PLACE.search(place):
        return f"({len(text)} characters)"
    text = _PERSONAL_VALUE.sub("***", text)
    return text if len(text) <= SHOWN_VALUE else f"{text[:SHOWN_VALUE]}..."
