"""Append what was decided, read it back through the fold, and count what was taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import structlog

from verbund.errors import LogUnavailableError
from verbund.event_log import EventLog
from verbund.events import Event, event_id
from verbund.ingest.cache import SourceCache
from verbund.ingest.inventory import ANSWER_WITHIN, PAGE, Inventory, immediate
from verbund.ingest.lock import district_lock
from verbund.ingest.moment import Moment
from verbund.ingest.pull import Progress
from verbund.ingest.source_file import SourceFile
from verbund.keys import KeyStore, fingerprint, plain_contact, seal_with
from verbund.offer import offer_id

log = structlog.get_logger()

BATCH = 1000  # events appended and read back together

# What a decision amounts to once its event is taken: outcome of the record.
OUTCOMES = {
    "publish": "published",
    "reopen": "reopened",
    "revise": "revised",
    "seen_again": "unchanged",
    "withdraw": "withdrawn",
    "miss": "missed",
    "withdraw_absent": "withdrawn",
    "expire": "withdrawn",
}


_LISTED = "SELECT value FROM json_each(?)"


class BaseMoved(Exception):  # noqa: N818 — not an error: the run decides again
    """Another run of the same source appended since this one decided."""


class Publisher:
    """Writes one run's events into the district's topics."""

    def __init__(
        self,
        db: Any,
        log: EventLog,
        inventory: Inventory,
        cache: SourceCache,
        source: SourceFile,
        keys: KeyStore,
        *,
        run_id: str,
        moment: Moment,
        progress: Progress,
    ) -> None:
        self._db = db
        self._log = log
        self._inventory = inventory
        self._cache = cache
        self._source = source
        self._keys = keys
        self._run_id = run_id
        self._moment = moment
        self._progress = progress
        self._topic = f"inventory.{source.district}"
        self._contacts_topic = f"contacts.{source.district}"
        self._event_source = f"{source.district}/{source.source}"
        self._said_always = {
            "district": source.district,
            "source": source.source,
            "licence": source.licence,
            "attribution": source.attribution,
            "mapping_version": source.mapping_version,
            "cause": "source",
        }
        self.conflicts = 0
        self.appended = 0
        self.new_rejects = 0
        self.related: dict[str, int] = {}

    # --- events --------------------------------------------------------------------------------------------------

    def event(
        self, event_type: str, subject: str, data: Mapping[str, Any], *, revision: int = 0, content: str = ""
    ) -> Event:
        """An event of this run; its id follows from subject, type, revision and content."""
        return Event(
            id=event_id(subject, event_type, revision, content),
            type=event_type,
            source=self._event_source,
            subject=subject,
            time=self._moment.at,
            data=data,
            revision=revision,
            run_id=self._run_id,
        )

    def append(self, topic: str, events: Sequence[Event], also: Callable[[set[str]], None] | None = None) -> set[str]:
        """Append, fold up to there, and return the ids of the events that counted."""
        if not events:
            return set()
        with district_lock(self._db, self._source.district):
            return self._append(topic, events, also)

    def _append(self, topic: str, events: Sequence[Event], also: Callable[[set[str]], None] | None) -> set[str]:
        before = self._inventory.next_position(topic)
        positions = self._log.append(topic, events)
        self.appended += len(events)
        idents = [str(event.id) for event in events]
        own = {ident: event.data for ident, event in zip(idents, events, strict=True)}
        taken = {ident for ident, position in zip(idents, positions, strict=True) if position < before}
        if taken and also is not None:  # another run said the same, and it is folded already
            with immediate(self._db):
                also(taken)
        while (start := self._inventory.next_position(topic)) <= max(positions):
            page = self._log.read({topic: start}, limit=PAGE, wait=ANSWER_WITHIN)
            if not page:
                raise LogUnavailableError(
                    "events appended to {topic} cannot be read back; the next run goes on from there", topic=topic
                )
            for recorded in page:
                recorded.know(own.get(recorded.id))
            taken |= self._inventory.fold(page, also) & own.keys()
        return taken

    # --- organisations and contacts ------------------------------------------------------------------------------

    def contacts(self) -> None:
        """Publish new and revise changed contacts, each sealed under its own key, which is committed first."""
        for rows in self._pages(
            "SELECT c.id, c.key, c.body, k.revision, k.state, k.content_hash FROM scratch.contact c"
            " LEFT JOIN related k ON k.id = c.id JOIN scratch.decision d ON d.key = c.key"
            " WHERE d.action IN ('publish', 'revise', 'reopen', 'seen_again', 'unchanged') AND d.guard IS NULL"
            " AND d.because IS NOT 'refused'"
            " AND c.id > ? ORDER BY c.id LIMIT ?"
        ):
            keys = self._keys.keys_of(row[0] for row in rows)
            events = []
            for ident, record_key, body, revision, state, known in rows:
                if ident not in keys:
                    continue  # erased: not resurrected by the next pull
                contact = orjson.loads(body)
                mark = fingerprint(keys[ident], plain_contact(contact))
                if state == "live" and known == mark:
                    continue
                following = (revision or 0) + 1
                sealed = seal_with(
                    keys[ident],
                    contact,
                    mark=mark,
                    district=self._source.district,
                    source=self._source.source,
                    record_key=record_key,
                    revision=following,
                )
                kind = "ContactRevised" if state == "live" else "ContactPublished"
                events.append(self.event(kind, ident, {"contact": sealed}, revision=following, content=mark))
            self._related(self._contacts_topic, events)

    def organisations(self) -> None:
        """Publish new and revise changed organisations, but for those that only held or refused records name."""
        held = self._db.execute(
            "SELECT 1 FROM scratch.decision WHERE guard IS NOT NULL OR because = 'refused' LIMIT 1"
        ).fetchone()
        named = (
            " AND c.id IN (SELECT json_extract(CAST(s.body AS TEXT), '$.organisation_id') FROM scratch.staged s"
            " JOIN scratch.decision d ON d.record = s.record WHERE s.answer = 'mapped' AND d.guard IS NULL)"
        )
        for rows in self._pages(
            "SELECT c.id, c.key, c.hash, c.raw, c.body, k.revision, k.state, k.content_hash FROM scratch.organisation c"
            f" LEFT JOIN related k ON k.id = c.id WHERE c.id > ?{named if held else ''} ORDER BY c.id LIMIT ?"
        ):
            events = []
            for ident, key, digest, raw, body, revision, state, known in rows:
                if state == "live" and known == digest:
                    continue
                following = (revision or 0) + 1
                organisation = {
                    **orjson.loads(body),
                    **self._said_always,
                    "organisation_id": ident,
                    "record_key": key,
                    "revision": following,
                    "content_hash": digest,
                    "raw_digest": raw,
                }
                kind = "OrganisationRevised" if state == "live" else "OrganisationPublished"
                events.append(
                    self.event(kind, ident, {"organisation": organisation}, revision=following, content=digest)
                )
            self._related(self._topic, events)

    def withdraw_unreferred(self) -> None:
        """Withdraw organisations and contacts that no live or missed offer of the source refers to."""
        referred = {
            "organisation": "SELECT 1 FROM offer o WHERE o.source = k.source AND o.state IN ('live', 'missed')"
            " AND o.organisation_id = k.id",
            "contact": "SELECT 1 FROM offer_contact c JOIN offer o ON o.offer_id = c.offer_id"
            " WHERE c.contact_id = k.id AND o.state IN ('live', 'missed')",
        }
        for kind, exists in referred.items():
            for rows in self._pages(
                "SELECT k.id, k.record_key, k.revision FROM related k WHERE k.source = ? AND k.kind = ?"
                f" AND k.state = 'live' AND NOT EXISTS ({exists}) AND k.id > ? ORDER BY k.id LIMIT ?",
                self._source.source,
                kind,
            ):
                events = [
                    self.event(
                        f"{kind.capitalize()}Withdrawn",
                        ident,
                        {
                            f"{kind}_id": ident,
                            "district": self._source.district,
                            "source": self._source.source,
                            "record_key": key,
                            "revision": revision + 1,
                            "run_id": self._run_id,
                        },
                        revision=revision + 1,
                    )
                    for ident, key, revision in rows
                ]
                self._related(self._topic if kind == "organisation" else self._contacts_topic, events)

    def _related(self, topic: str, events: Sequence[Event]) -> None:
        taken = self.append(topic, events)
        for event in events:
            if str(event.id) in taken:
                name = event.type.replace("Organisation", "organisations.").replace("Contact", "contacts.").lower()
                self.related[name] = self.related.get(name, 0) + 1

    # --- offers --------------------------------------------------------------------------------------------------

    def offers(self) -> None:
        """Append the events of every decision that has one.

        Raises:
            BaseMoved: another run of this source appended meanwhile; what was taken so far stays.
        """
        total = self._db.execute(
            "SELECT count(*) FROM scratch.decision WHERE done = 0 AND guard IS NULL AND action IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(OUTCOMES)).decode(),),
        ).fetchone()[0]
        done = 0
        for action in OUTCOMES:
            last = 0
            while rows := self._db.execute(
                "SELECT d.decision, d.key, d.action, d.because, d.offer_id, d.revision, d.missed_since, s.hash, s.raw, s.body"
                " FROM scratch.decision d LEFT JOIN scratch.staged s ON s.record = d.record"
                " WHERE d.action = ? AND d.decision > ? AND NOT d.done AND d.guard IS NULL ORDER BY d.decision LIMIT ?",
                (action, last, BATCH),
            ).fetchall():
                self._offer_batch(action, rows)
                last = rows[-1][0]
                done += len(rows)
                self._progress("append", done, total)

    def rekeyed(self) -> int:
        """Append that offers go on under other record keys; returns how many."""
        rows = self._db.execute(
            "SELECT k.old_key, k.new_key, o.offer_id, o.revision, r.record FROM scratch.rekey k"
            " JOIN offer o ON o.source = ? AND o.record_key = k.old_key"
            " LEFT JOIN record r ON r.feed = ? AND r.key = k.old_key WHERE NOT k.done",
            (self._source.source, self._cache.feed),
        ).fetchall()
        for begin in range(0, len(rows), BATCH):
            batch = rows[begin : begin + BATCH]
            events = [
                self.event(
                    "OfferRekeyed",
                    ident,
                    {
                        "offer_id": ident,
                        "district": self._source.district,
                        "source": self._source.source,
                        "record_key": new,
                        "old_key": old,
                        "revision": revision + 1,
                        "run_id": self._run_id,
                    },
                    revision=revision + 1,
                    content=new,
                )
                for old, new, ident, revision, _ in batch
            ]
            taken = self.append(self._topic, events)
            done = [row for row, event in zip(batch, events, strict=True) if str(event.id) in taken]
            with immediate(self._db):
                self._cache.forget_records(_LISTED, orjson.dumps([row[4] for row in done]).decode())
                self._db.executemany("UPDATE scratch.rekey SET done = 1 WHERE old_key = ?", [(row[0],) for row in done])
        return len(rows)

    def _offer_batch(self, action: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._log.end([self._topic])[self._topic] > self._inventory.next_position(self._topic):
            self._inventory.catch_up()
        # Also when nothing is new now: reading back organisations may have folded another run's offers.
        if self._moved(rows):
            raise BaseMoved
        events = [self._offer_event(*row) for row in rows]
        decisions = {str(event.id): row[0] for event, row in zip(events, rows, strict=True)}

        def mark(counted: set[str]) -> None:
            self._mark(action, [decisions[ident] for ident in decisions.keys() & counted])

        taken = self.append(self._topic, events, mark)
        refused = decisions.keys() - taken
        if refused:
            self.conflicts += len(refused)
            self._close("unchanged", [decisions[ident] for ident in refused], because="conflict")

    def _moved(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """Whether an offer of this batch has another revision than it was decided on."""
        wanted = [[key, revision - 1] for _, key, _, _, _, revision, *_ in rows]
        found = self._db.execute(
            "SELECT count(*) FROM json_each(?) j LEFT JOIN offer o ON o.source = ? AND o.record_key = json_extract(j.value, '$[0]')"
            " WHERE coalesce(o.revision, 0) <> json_extract(j.value, '$[1]')",
            (orjson.dumps(wanted).decode(), self._source.source),
        ).fetchone()[0]
        return bool(found)

    def _offer_event(
        self,
        _decision: int,
        key: str,
        action: str,
        because: str | None,
        known_id: str | None,
        revision: int,
        missed_since: str | None,
        digest: str | None,
        raw: str | None,
        body: bytes | None,
    ) -> Event:
        ident = known_id or offer_id(self._source.district, self._source.source, key)
        if action in ("publish", "reopen", "revise"):
            draft = orjson.loads(body or b"{}")
            offer = {
                **draft,
                **self._said_always,
                "offer_id": ident,
                "record_key": key,
                "revision": revision,
                "origin": draft.get("origin") or self._origin(key),
                "content_hash": digest,
                "raw_digest": raw,
            }
            kind = "OfferRevised" if action == "revise" else "OfferPublished"
            return self.event(kind, ident, {"offer": offer}, revision=revision, content=str(digest))
        data = {
            "offer_id": ident,
            "district": self._source.district,
            "source": self._source.source,
            "record_key": key,
            "revision": revision,
            "run_id": self._run_id,
        }
        if action == "miss":
            data["missed_since"] = missed_since
            return self.event("OfferMissed", ident, data, revision=revision, content=str(missed_since))
        if action == "seen_again":
            return self.event("OfferSeenAgain", ident, data, revision=revision)
        reason = because or "explicit_delete"
        data.update(reason=reason, missed_since=missed_since, content_hash=None)
        return self.event("OfferWithdrawn", ident, data, revision=revision, content=reason)

    def _origin(self, key: str) -> dict[str, Any]:
        system = f"{self._source.connector}:{self._source.district}/{self._source.source}"
        return {"system": system, "record_key": key, "hub": None, "hops": []}

    def _mark(self, action: str, decisions: Sequence[int]) -> None:
        """In the fold's transaction: the records of these decisions are clean again."""
        listed = orjson.dumps(decisions).decode()
        self._db.execute(
            "UPDATE record SET dirty = 0, outcome = ?, because = d.because, run_id = ? FROM (SELECT record, because"
            f" FROM scratch.decision WHERE decision IN ({_LISTED})) d WHERE record.record = d.record",
            (OUTCOMES[action], self._run_id, listed),
        )
        if action == "withdraw_absent":
            self._cache.forget_records(f"SELECT record FROM scratch.decision WHERE decision IN ({_LISTED})", listed)
        self._close(OUTCOMES[action], decisions)

    def _close(self, outcome: str, decisions: Sequence[int], *, because: str | None = None) -> None:
        listed = orjson.dumps(decisions).decode()
        self._db.execute(
            "INSERT OR REPLACE INTO scratch.outcome SELECT record, ?, coalesce(?, because) FROM scratch.decision"
            f" WHERE decision IN ({_LISTED}) AND record IS NOT NULL",
            (outcome, because, listed),
        )
        self._db.execute(f"UPDATE scratch.decision SET done = 1 WHERE decision IN ({_LISTED})", (listed,))

    # --- what needs no event about an offer ----------------------------------------------------------------------

    def settle(self) -> None:
        """Records that end unchanged, ignored, rejected or withdrawn already: clean, with their outcome."""
        names = {
            "unchanged": "unchanged",
            "ignore": "ignored",
            "past": "ignored",
            "refused": "ignored",
            "reject": "rejected",
            "withdrawn": "withdrawn",
        }
        with immediate(self._db):
            self._hold()
            for action, outcome in names.items():
                self._db.execute(
                    "INSERT OR REPLACE INTO scratch.outcome SELECT record, ?, CASE action WHEN 'past' THEN 'past' ELSE because END"
                    " FROM scratch.decision WHERE action = ? AND NOT done AND record IS NOT NULL",
                    (outcome, action),
                )
                self._db.execute(
                    "UPDATE record SET dirty = 0, outcome = d.outcome, because = d.because, run_id = ? FROM"
                    " (SELECT o.record, o.outcome, o.because FROM scratch.outcome o JOIN scratch.decision x ON x.record = o.record"
                    " WHERE x.action = ? AND NOT x.done) d WHERE record.record = d.record"
                    " AND (dirty OR record.outcome IS NOT d.outcome OR record.because IS NOT d.because)",
                    (self._run_id, action),
                )
                self._db.execute("UPDATE scratch.decision SET done = 1 WHERE action = ?", (action,))

    def _hold(self) -> None:
        """Records that wait for a person stay dirty, and say so; those that came back wait no more."""
        self._db.execute(
            "UPDATE record SET outcome = 'unchanged', because = NULL, run_id = ? WHERE outcome = 'held' AND record IN"
            " (SELECT record FROM scratch.delivered) AND record NOT IN"
            " (SELECT record FROM scratch.decision WHERE guard IS NOT NULL AND record IS NOT NULL)",
            (self._run_id,),
        )
        self._db.execute(
            "INSERT OR REPLACE INTO scratch.outcome SELECT record, 'held', guard FROM scratch.decision"
            " WHERE guard IS NOT NULL AND NOT done AND record IS NOT NULL"
        )
        self._db.execute(
            "UPDATE record SET outcome = 'held', because = d.guard, run_id = ? FROM scratch.decision d"
            " WHERE d.record = record.record AND d.guard IS NOT NULL AND NOT d.done"
            " AND (record.outcome IS NOT 'held' OR record.because IS NOT d.guard)",
            (self._run_id,),
        )

    def _pages(self, query: str, *parameters: Any) -> Any:
        """Rows in order of their first column, a page after the other, so that writing between pages is safe."""
        last = ""
        while rows := self._db.execute(query, (*parameters, last, BATCH)).fetchall():
            yield rows
            last = rows[-1][0]
