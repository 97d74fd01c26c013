"""What people decide about single offers and runs, carried out: each decision once, under a run of its own.

Such a run fetches nothing and is no pull, so it ends without a report; its id follows from the decision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from verbund.event_log import EventLog
from verbund.events import Event, derived_id
from verbund.ingest.cache import SourceCache
from verbund.ingest.inventory import immediate
from verbund.ingest.overriding import overridden, overrides_of
from verbund.ingest.publish import Publisher
from verbund.ingest.traits import published
from verbund.keys import KeyStore
from verbund.offer import ends_at

#: An offer that is shown.
SHOWN = ("live", "missed")


@dataclass(frozen=True, slots=True)
class Asked:
    """A decision that was not carried out yet.

    Attributes:
        type: of its event.
        run_id: under which it is carried out.
    """

    event_id: str
    type: str
    run_id: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KnownOffer:
    """An offer as ingest knows it, with the content that was published last."""

    offer_id: str
    record_key: str
    revision: int
    state: str
    withdrawn_reason: str | None
    missed_since: str | None
    content: Mapping[str, Any]

    @property
    def own_hash(self) -> str:
        """Content hash of what the source itself says."""
        return str(self.content.get("own_hash") or self.content["content_hash"])


class Desk:
    """Carries out the decisions about one source."""

    def __init__(
        self, db: Any, log: EventLog, keys: KeyStore, cache: SourceCache, *, district: str, source: str, year: int
    ) -> None:
        self.db = db
        self.log = log
        self.keys = keys
        self.cache = cache
        self.district = district
        self.year = year
        self.source = source
        self.topic = f"inventory.{district}"

    def waiting(self) -> list[Asked]:
        """Decisions in the order in which they were made."""
        rows = self.db.execute(
            "SELECT event_id, type, run_id, document FROM asked WHERE source = ? AND open ORDER BY position",
            (self.source,),
        ).fetchall()
        return [Asked(event_id, kind, run_id, orjson.loads(document)) for event_id, kind, run_id, document in rows]

    def close(self, asked: Asked) -> None:
        """It was carried out; after a loss of ingest's memory it is looked at again, and finds nothing to do."""
        with immediate(self.db):
            self.db.execute("UPDATE asked SET open = 0 WHERE event_id = ?", (asked.event_id,))

    def offer(self, offer_id: str) -> KnownOffer | None:
        """One offer of the source."""
        return self.offers([offer_id]).get(offer_id)

    def offers(self, offer_ids: Sequence[str]) -> dict[str, KnownOffer]:
        """Those of these that are the source's own."""
        rows = self.db.execute(
            "SELECT o.offer_id, o.record_key, o.revision, o.state, o.withdrawn_reason, o.missed_since,"
            " o.content_position FROM json_each(?) j"
            " JOIN offer o ON o.offer_id = j.value WHERE o.source = ?",
            (orjson.dumps(offer_ids).decode(), self.source),
        ).fetchall()
        contents = dict(published(self.log, self.topic, [row[-1] for row in rows]))
        return {
            ident: KnownOffer(ident, key, revision, state, reason, since, contents[position])
            for ident, key, revision, state, reason, since, position in rows
        }

    def is_taken(self, record_key: str) -> bool:
        """Whether an offer goes by this record key."""
        return bool(
            self.db.execute(
                "SELECT 1 FROM offer WHERE source = ? AND record_key = ?", (self.source, record_key)
            ).fetchone()
        )

    def as_shown(self, offer_id: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """A content of an offer with what people set in it by now."""
        overrides = overrides_of(self.db, [offer_id]).get(offer_id, {})
        return overridden(content, overrides, year=self.year) if overrides or content.get("overridden") else content

    def look_again(self, record_key: str) -> None:
        """The next pull decides about the record anew, delivered or not changed."""
        with immediate(self.db):
            self.db.execute("UPDATE record SET dirty = 1 WHERE feed = ? AND key = ?", (self.cache.feed, record_key))

    def note(self, record_keys: Sequence[str], run_id: str) -> None:
        """What `why` says of these records until the next pull, which decides about them anew."""
        with immediate(self.db):
            self.db.executemany(
                "UPDATE record SET dirty = 1, outcome = 'ignored', because = 'refused', run_id = ? WHERE feed = ? AND key = ?",
                [(run_id, self.cache.feed, key) for key in record_keys],
            )

    def refusal(self, publisher: Publisher, asked: Asked, offer_id: str, record_key: str, content_hash: str) -> Event:
        """The event that a content of a record is not taken again."""
        refusal_id = derived_id(f"refusal\n{asked.event_id}\n{offer_id}\n{record_key}\n{content_hash}")
        data = {
            "offer_id": offer_id,
            "district": self.district,
            "source": self.source,
            "record_key": record_key,
            "content_hash": content_hash,
            "refusal_id": refusal_id,
            "cause_id": asked.event_id,
            "run_id": asked.run_id,
        }
        return publisher.event("ContentRefused", offer_id, data, content=refusal_id)

    def withdrawal(
        self,
        publisher: Publisher,
        asked: Asked,
        offer: KnownOffer,
    ) -> Event:
        """The event that an offer is gone, with the content that is refused from now on."""
        following = offer.revision + 1
        data = {
            "offer_id": offer.offer_id,
            "district": self.district,
            "source": self.source,
            "record_key": offer.record_key,
            "revision": following,
            "reason": "by_hand",
            "run_id": asked.run_id,
            "missed_since": None,
            "content_hash": offer.own_hash,
        }
        return publisher.event("OfferWithdrawn", offer.offer_id, data, revision=following, content=asked.event_id)


def withdraw(desk: Desk, asked: Asked, publisher: Publisher) -> None:
    """Refuse the content that a person saw; withdraw the offer if that is still what it says."""
    data = asked.data
    if desk.db.execute("SELECT 1 FROM refusal WHERE cause_id = ?", (asked.event_id,)).fetchone():
        return
    offer = desk.offer(data["offer_id"])
    if offer is None or offer.content["content_hash"] != data["content_hash"]:
        events = [desk.refusal(publisher, asked, data["offer_id"], data["record_key"], data["content_hash"])]
    else:
        events = [desk.refusal(publisher, asked, offer.offer_id, offer.record_key, offer.own_hash)]
        if offer.state in SHOWN:
            events.append(desk.withdrawal(publisher, asked, offer))
        desk.note([offer.record_key], asked.run_id)
    publisher.append(desk.topic, events)


def lift(desk: Desk, asked: Asked, _publisher: Publisher) -> None:
    """The refused content may come again: with the next pull."""
    row = desk.db.execute(
        "SELECT record_key FROM refusal WHERE refusal_id = ? AND source = ?", (asked.data["refusal_id"], desk.source)
    ).fetchone()
    if row is not None:
        desk.look_again(row[0])


def override(desk: Desk, asked: Asked, publisher: Publisher) -> None:
    """Show an offer with what people set in it by now; one that is gone waits until it comes again."""
    offer = desk.offer(asked.data["offer_id"])
    if offer is None or offer.state not in SHOWN:
        return
    content = desk.as_shown(offer.offer_id, offer.content)
    if content["content_hash"] == offer.content["content_hash"]:
        return
    revision = offer.revision + 1
    shown = {**content, "record_key": offer.record_key, "revision": revision, "cause": "person"}
    events = [
        publisher.event(
            "OfferRevised", offer.offer_id, {"offer": shown}, revision=revision, content=shown["content_hash"]
        )
    ]
    if offer.state == "missed":  # a person's word says nothing of whether the source delivers it
        data = {
            "offer_id": offer.offer_id,
            "district": desk.district,
            "source": desk.source,
            "record_key": offer.record_key,
            "revision": revision + 1,
            "run_id": asked.run_id,
            "missed_since": offer.missed_since,
        }
        events.append(
            publisher.event("OfferMissed", offer.offer_id, data, revision=revision + 1, content=str(offer.missed_since))
        )
    publisher.append(desk.topic, events)


# --- in every pull -----------------------------------------------------------------------------------------------------

# What a source says of a record instead of a content, and whose refusal is known by a digest of the reason.
_NO_CONTENT = ("withdrawn", "ignored")

# From the refusals to the records, for there are few of the one and many of the other.
_REFUSED = """
UPDATE scratch.staged SET answer = 'refused', because = 'refused' WHERE record IN (
  SELECT s.record FROM (
    SELECT f.refusal_id, f.content_hash, f.record_key FROM refusal f WHERE f.source = :source
    UNION SELECT f.refusal_id, f.content_hash, o.record_key FROM refusal f JOIN offer o ON o.offer_id = f.offer_id
    WHERE f.source = :source) k
  LEFT JOIN lifted l ON l.refusal_id = k.refusal_id
  JOIN record r ON r.feed = :feed AND r.key = k.record_key JOIN scratch.staged s ON s.record = r.record
  WHERE l.refusal_id IS NULL AND s.answer = :answer AND s.because IS :because AND k.content_hash = coalesce(s.hash, :gone))
"""
_REFUSED_CONTENT = _REFUSED.replace("s.because IS :because", "s.hash IS NOT NULL")


def gone_hash(reason: str) -> str:
    """Stands for the content of a record of which its source says that it is gone, or no offer."""
    return sha256(f"verbund.gone/1\n{reason}".encode()).hexdigest()


def mark_refused(db: Any, feed: int, source: str) -> None:
    """Records that say again what a person refused; asked before overrides, for it is the source's own content."""
    if db.execute("SELECT 1 FROM refusal WHERE source = ? LIMIT 1", (source,)).fetchone():
        with immediate(db):
            names = {"source": source, "feed": feed}
            db.execute(_REFUSED_CONTENT, {**names, "answer": "mapped", "gone": None})
            listed = orjson.dumps(_NO_CONTENT).decode()
            for answer, because in db.execute(
                "SELECT DISTINCT answer, because FROM scratch.staged WHERE answer IN (SELECT value FROM json_each(?))",
                (listed,),
            ).fetchall():
                db.execute(_REFUSED, {**names, "answer": answer, "because": because, "gone": gone_hash(because or "")})


def set_overrides(db: Any, feed: int, source: str, *, year: int) -> None:
    """Put what people set over what was mapped, before it is compared with what is published."""
    if not db.execute("SELECT 1 FROM override WHERE source = ? LIMIT 1", (source,)).fetchone():
        return
    rows = db.execute(
        "SELECT DISTINCT v.offer_id, s.record, s.hash, s.body FROM override v JOIN offer o ON o.offer_id = v.offer_id"
        " JOIN record r ON r.feed = ? AND r.key = o.record_key JOIN scratch.staged s ON s.record = r.record"
        " WHERE v.source = ? AND o.source = v.source AND s.answer = 'mapped'",
        (feed, source),
    ).fetchall()
    overrides = overrides_of(db, [row[0] for row in rows])
    with immediate(db):
        for ident, record, digest, body in rows:
            draft = orjson.loads(body)
            shown = overridden({"content_hash": digest, **draft}, overrides[ident], year=year)
            db.execute(
                "UPDATE scratch.staged SET hash = ?, ends_at = ?, body = ? WHERE record = ?",
                (shown.pop("content_hash"), ends_at(shown), orjson.dumps(shown), record),
            )


# --- to be shown -------------------------------------------------------------------------------------------------------


def refusals_of(
    db: Any,
    district: str,
    source: str,
    *,
    record_key: str | None = None,
    offer_id: str | None = None,
    run_id: str | None = None,
) -> list[dict[str, Any]]:
    """Contents that are not taken until lifted, with who asked for it, when and why."""
    rows = db.execute(
        "SELECT f.refusal_id, f.record_key, f.offer_id, f.content_hash, f.since, f.run_id, a.type, a.document FROM refusal f"
        " LEFT JOIN lifted l ON l.refusal_id = f.refusal_id LEFT JOIN asked a ON a.event_id = f.cause_id"
        " WHERE f.source = :source AND l.refusal_id IS NULL AND (:key IS NULL OR f.record_key = :key)"
        " AND (:offer IS NULL OR f.offer_id = :offer) AND (:run IS NULL OR f.run_id = :run) ORDER BY f.since, f.refusal_id",
        {"source": source, "key": record_key, "offer": offer_id, "run": run_id},
    ).fetchall()
    found = []
    for refusal_id, key, offer, content_hash, since, run, kind, document in rows:
        asked = orjson.loads(document) if document else {}
        found.append(
            {
                "refusal_id": refusal_id,
                "district": district,
                "source": source,
                "record_key": key,
                "offer_id": offer,
                "content_hash": content_hash,
                "since": since,
                "run_id": run,
                "decision": kind,
                "by": asked.get("by"),
                "note": asked.get("note", ""),
            }
        )
    return found
