"""Events of a district become rows of ingest's memory; alike ones that follow each other in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias

import orjson
import structlog

from verbund.errors import UnreadableEventError
from verbund.events import Recorded, derived_id
from verbund.offer import ends_at

log = structlog.get_logger()

#: Begins the reason of a part in which something came without a usable key.
ABSENCE_SUSPENDED = "absence_suspended"

INSTANT_DIGITS = len("2026-11-25T08:00:00")

#: An event that can be read, and its data.
_Read: TypeAlias = tuple[Recorded, dict[str, Any]]


def fold_events(db: Any, events: Sequence[Recorded]) -> set[str]:
    """Take the events of one topic in order, in the caller's transaction; returns the ids of those that counted.

    An event about an offer, organisation or contact counts when its revision is greater than the one held. One that
    cannot be read does not count.
    """
    taken: set[str] = set()
    for family, alike in groupby(events, key=lambda recorded: _FAMILIES.get(recorded.type)):
        if family is not None:
            read = list(_readable(alike))
            counted = list(_newer(db, family, read)) if family.table else read
            family.fold(db, counted)
            taken.update(recorded.id for recorded, _ in counted)
    return taken


def _readable(events: Iterator[Recorded]) -> Iterator[_Read]:
    for recorded in events:
        try:
            yield recorded, recorded.data
        except UnreadableEventError as error:
            log.warning("event_not_folded", topic=recorded.topic, position=recorded.position, error=str(error))


def _newer(db: Any, family: _Family, events: Sequence[_Read]) -> Iterator[_Read]:
    """Revisions decide, also among these events."""
    subjects = orjson.dumps([recorded.subject for recorded, _ in events]).decode()
    held: dict[str, int] = dict(
        db.execute(
            f"SELECT t.{family.key}, t.revision FROM json_each(?) j CROSS JOIN {family.table} t ON t.{family.key} = j.value",
            (subjects,),
        ).fetchall()
    )
    for recorded, data in events:
        known = held.get(recorded.subject)
        if family.makes if known is None else recorded.revision > known:
            held[recorded.subject] = recorded.revision
            yield recorded, data


# --- offers ----------------------------------------------------------------------------------------------------------


def _offers(db: Any, events: Sequence[_Read]) -> None:
    # Of several events about one offer the last one says all.
    latest = {recorded.subject: (recorded, data["offer"]) for recorded, data in events}
    db.executemany(
        "INSERT INTO offer VALUES (?, ?, ?, ?, 'live', ?, ?, ?, ?, NULL, NULL, NULL, ?) ON CONFLICT (offer_id) DO UPDATE"
        " SET record_key = excluded.record_key, revision = excluded.revision, state = 'live',"
        " content_hash = excluded.content_hash, ends_at = excluded.ends_at, content_ms = excluded.content_ms,"
        " content_position = excluded.content_position,"
        " missed_since = NULL, missed_run = NULL, withdrawn_reason = NULL, organisation_id = excluded.organisation_id",
        [
            (
                ident,
                offer["source"],
                offer["record_key"],
                recorded.revision,
                offer["content_hash"],
                ends_at(offer),
                recorded.appended_ms,
                recorded.position,
                offer["organisation_id"],
            )
            for ident, (recorded, offer) in latest.items()
        ],
    )
    db.executemany(
        "DELETE FROM offer_contact WHERE offer_id = ?",
        [(ident,) for ident, (recorded, _) in latest.items() if recorded.revision > 1],
    )
    db.executemany(
        "INSERT INTO offer_contact VALUES (?, ?)",
        [(ident, contact) for ident, (_, offer) in latest.items() for contact in dict.fromkeys(offer["contact_ids"])],
    )


_STATES = {"OfferMissed": "missed", "OfferSeenAgain": "live", "OfferWithdrawn": "withdrawn"}


def _offer_states(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "UPDATE offer SET revision = ?, state = ?, missed_since = ?, missed_run = ?, withdrawn_reason = ? WHERE offer_id = ?",
        [
            (
                recorded.revision,
                _STATES[recorded.type],
                data.get("missed_since"),
                data["run_id"],
                data.get("reason"),
                recorded.subject,
            )
            for recorded, data in events
        ],
    )


def _rekeyed(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "UPDATE OR IGNORE offer SET record_key = ?, revision = ?, state = 'live', missed_since = NULL, missed_run = NULL"
        " WHERE offer_id = ?",
        [(data["record_key"], recorded.revision, recorded.subject) for recorded, data in events],
    )


# --- organisations and contacts --------------------------------------------------------------------------------------


_RELATED = ("district", "source", "record_key", "revision", "content_hash")


def _related(kind: str, db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT INTO related VALUES (?, ?, ?, ?, ?, ?, 'live', ?) ON CONFLICT (id) DO UPDATE SET"
        " record_key = excluded.record_key, revision = excluded.revision, state = 'live',"
        " content_hash = excluded.content_hash",
        [(recorded.subject, kind, *(data[kind][name] for name in _RELATED)) for recorded, data in events],
    )


def _related_withdrawn(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "UPDATE related SET revision = ?, state = 'withdrawn' WHERE id = ?",
        [(recorded.revision, recorded.subject) for recorded, _ in events],
    )


# --- what has no revision --------------------------------------------------------------------------------------------

_REJECT = ("reject_id", "source", "record_key", "rule", "place", "value", "raw_digest", "run_id", "run_id")


def _rejected(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT INTO reject VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (reject_id) DO UPDATE SET rule = excluded.rule,"
        " place = excluded.place, value = excluded.value, raw_digest = excluded.raw_digest, run_id = excluded.run_id",
        [[data[name] for name in _REJECT] for _, data in events],
    )


def _reject_cleared(db: Any, events: Sequence[_Read]) -> None:
    db.executemany("DELETE FROM reject WHERE reject_id = ?", [(data["reject_id"],) for _, data in events])


_RUN = ("run_id", "district", "source", "started_at", "finished_at", "outcome")


def _runs(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*(data[name] for name in _RUN), recorded.position, orjson.dumps(data)) for recorded, data in events],
    )
    db.executemany(
        "INSERT OR IGNORE INTO run_part VALUES (?, ?, ?, ?, ?)",
        [
            (
                data["run_id"],
                data["source"],
                part["part"],
                recorded.position,
                _proves_absence(part),
            )
            for recorded, data in events
            for part in data["parts"]
        ],
    )


def _proves_absence(part: dict[str, Any]) -> bool:
    """Whether what was absent from a part counted, as its report says."""
    return (
        part["state"] == "complete"
        and part["covers"] == "all"
        and not any(reason.startswith(ABSENCE_SUSPENDED) for reason in part["reasons"])
    )


def _sources(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT INTO source VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET state = excluded.state,"
        " file_digest = excluded.file_digest, title = excluded.title, document = excluded.document,"
        " last_id = excluded.last_id",
        [
            (
                data["source"],
                data["district"],
                {"paused": "paused", "removed": "removed"}.get(data["change"], "active"),
                data["file_digest"],
                data["title"],
                orjson.dumps(data),
                recorded.id,
            )
            for recorded, data in events
        ],
    )

    db.executemany(
        "INSERT OR REPLACE INTO source_scope VALUES (?, ?, ?)",
        [(data["source"], data["file_digest"], orjson.dumps(data["scope"])) for _, data in events],
    )


# --- holds -----------------------------------------------------------------------------------------------------------

_HOLD = ("hold_id", "source", "guard", "set_digest", "opened_at", "expires_at")


def _held(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT INTO hold VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT (hold_id) DO UPDATE SET"
        " set_digest = excluded.set_digest, document = excluded.document, position = excluded.position",
        [(*(data[name] for name in _HOLD), orjson.dumps(data), recorded.position) for recorded, data in events],
    )


def _hold_answered(db: Any, events: Sequence[_Read]) -> None:
    """One that was rejected goes on keeping its set."""
    db.executemany(
        "UPDATE hold SET state = ?, answer = ?, answered_at = ?, set_digest = ? WHERE hold_id = ?",
        [
            (
                "rejected" if data["answer"] == "reject" else "closed",
                data["answer"],
                f"{recorded.time[:INSTANT_DIGITS]}Z",  # as all other instants are written
                data["set_digest"],
                data["hold_id"],
            )
            for recorded, data in events
        ],
    )


_DECISION = ("hold_id", "set_digest", "answer", "up_to", "by", "note")


def _hold_decided(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO hold_decision VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*(data[name] for name in _DECISION), recorded.appended_ms) for recorded, data in events],
    )


# --- what people decide about single offers and runs -----------------------------------------------------------------


def _asked(db: Any, events: Sequence[_Read]) -> None:
    """Each is carried out once, under a run of its own that is no pull."""
    db.executemany(
        "INSERT OR IGNORE INTO asked VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
        [
            (recorded.id, data["source"], recorded.type, recorded.position, recorded.time, decision_run(recorded.id),
             orjson.dumps(data))
            for recorded, data in events
        ],
    )  # fmt: skip


def decision_run(event_id: str) -> str:
    """The run id under which ingest carries out a decision of the desk."""
    return derived_id(f"decision\n{event_id}")


def _overridden(db: Any, events: Sequence[_Read]) -> None:
    _asked(db, events)
    db.executemany(
        "INSERT OR REPLACE INTO override VALUES (?, ?, ?, ?, ?)",
        [(data["offer_id"], data["field"], data["source"], data["value"], recorded.id) for recorded, data in events],
    )


def _override_lifted(db: Any, events: Sequence[_Read]) -> None:
    _asked(db, events)
    db.executemany(
        "DELETE FROM override WHERE offer_id = ? AND field = ?",
        [(data["offer_id"], data["field"]) for _, data in events],
    )


def _refusal_lifted(db: Any, events: Sequence[_Read]) -> None:
    _asked(db, events)
    db.executemany("INSERT OR IGNORE INTO lifted VALUES (?)", [(data["refusal_id"],) for _, data in events])


_REFUSAL = ("refusal_id", "source", "record_key", "offer_id", "content_hash", "cause_id", "run_id")


def _refused(db: Any, events: Sequence[_Read]) -> None:
    db.executemany(
        "INSERT OR IGNORE INTO refusal VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*(data[name] for name in _REFUSAL), recorded.time) for recorded, data in events],
    )


class _Family(NamedTuple):
    """Event types that are folded alike.

    Attributes:
        table, key: where the revision held is found; empty where none decides.
        makes: the first event of a subject makes its row; other events about one that is not known change nothing.
    """

    fold: Callable[[Any, Sequence[_Read]], None]
    table: str = ""
    key: str = ""
    makes: bool = True


_OFFERS = _Family(_offers, "offer", "offer_id")
_OFFER_STATES = _Family(_offer_states, "offer", "offer_id", makes=False)
_ORGANISATIONS = _Family(partial(_related, "organisation"), "related", "id")
_CONTACTS = _Family(partial(_related, "contact"), "related", "id")
_RELATED_WITHDRAWN = _Family(_related_withdrawn, "related", "id", makes=False)
_FAMILIES = {
    "OfferPublished": _OFFERS,
    "OfferRevised": _OFFERS,
    "OfferMissed": _OFFER_STATES,
    "OfferSeenAgain": _OFFER_STATES,
    "OfferWithdrawn": _OFFER_STATES,
    "OfferRekeyed": _Family(_rekeyed, "offer", "offer_id", makes=False),
    "OrganisationPublished": _ORGANISATIONS,
    "OrganisationRevised": _ORGANISATIONS,
    "ContactPublished": _CONTACTS,
    "ContactRevised": _CONTACTS,
    "OrganisationWithdrawn": _RELATED_WITHDRAWN,
    "ContactWithdrawn": _RELATED_WITHDRAWN,
    "RecordRejected": _Family(_rejected),
    "RejectCleared": _Family(_reject_cleared),
    "RunFinished": _Family(_runs),
    "SourceChanged": _Family(_sources),
    "RunHeld": _Family(_held),
    "HoldAnswered": _Family(_hold_answered),
    "HoldDecided": _Family(_hold_decided),
    "ContentRefused": _Family(_refused),
    "RefusalLifted": _Family(_refusal_lifted),
    "WithdrawnByHand": _Family(_asked),
    "RunUndoAsked": _Family(_asked),
    "FieldOverridden": _Family(_overridden),
    "OverrideLifted": _Family(_override_lifted),
}
