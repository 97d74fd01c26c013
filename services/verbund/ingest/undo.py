"""Taking back what one run changed: each offer that nobody changed since says again what it said before.

What it said before is read from the log, so a lost memory loses nothing. What the run brought is refused from now on;
what a decision of a person brought is not, for no source said it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from verbund.errors import ErasedError
from verbund.event_log import EventLog
from verbund.events import Event, Recorded
from verbund.ingest.desk import SHOWN, Asked, Desk, KnownOffer, gone_hash
from verbund.ingest.inventory import ANSWER_WITHIN, PAGE
from verbund.ingest.publish import Publisher
from verbund.ingest.report import differences
from verbund.ingest.traits import published
from verbund.keys import KeyStore, fingerprint, open_contact, plain_contact, seal_with

BATCH = 250  # offers taken back together

_CONTENTS = frozenset(("OfferPublished", "OfferRevised"))
_STATES = {
    "OfferPublished": "live",
    "OfferRevised": "live",
    "OfferSeenAgain": "live",
    "OfferRekeyed": "live",
    "OfferMissed": "missed",
    "OfferWithdrawn": "withdrawn",
}


@dataclass(slots=True)
class Past:
    """An offer before a run, and how far the run took it.

    Attributes:
        revision: of the last event that counted.
        until: of the run's last event about it; 0 before there is one.
        state: before the run; None when the run made it.
        key: its record key then, where an event without content said it.
        reason: why it was withdrawn then.
        content: where in the log the content stands that it had then.
    """

    revision: int = 0
    until: int = 0
    state: str | None = None
    key: str | None = None
    reason: str | None = None
    content: int | None = None

    def take(self, event: Recorded, run_id: str) -> None:
        """The next event about the offer."""
        if event.revision <= self.revision:
            return
        self.revision = event.revision
        if event.run_id == run_id:
            self.until = event.revision
        elif not self.until:
            self.state = _STATES[event.type]
            if event.type in _CONTENTS:
                self.content, self.key, self.reason = event.position, None, None
            else:
                self.key, self.reason = event.data["record_key"], event.data.get("reason")


@dataclass(frozen=True, slots=True)
class Step:
    """What taking back does to one offer.

    Attributes:
        actions: rekey, withdraw, publish, revise, seen_again; empty when nothing is to be done.
        later: a later run changed the offer again, so it stays.
        content: what it says afterwards; None when it is only withdrawn.
        reason: why it is withdrawn.
        key: its record key afterwards.
    """

    offer: KnownOffer
    actions: tuple[str, ...] = ()
    later: bool = False
    content: Mapping[str, Any] | None = None
    reason: str = "by_hand"
    key: str = ""
    refuses: bool = field(default=True)


def steps_of(desk: Desk, run_id: str) -> Iterator[list[Step]]:
    """What taking back a run does, in batches."""
    pasts = _pasts(desk, run_id)
    refuses = desk.db.execute("SELECT 1 FROM asked WHERE run_id = ?", (run_id,)).fetchone() is None
    wanted = iter(sorted(pasts))
    while idents := list(islice(wanted, BATCH)):
        offers = desk.offers(idents)
        positions = [past.content for ident in idents if (past := pasts[ident]).content is not None]
        contents = dict(published(desk.log, desk.topic, positions))
        steps = [
            _step(desk, offers[ident], pasts[ident], contents, refuses=refuses) for ident in idents if ident in offers
        ]
        yield [step for step in steps if step.later or step.actions]


def _pasts(desk: Desk, run_id: str) -> dict[str, Past]:
    """Every offer that the run changed; two readings of the topic, for who is asked once in a while."""
    own = f"{desk.district}/{desk.source}"
    touched = {
        event.subject
        for event in events_of(desk.log, desk.topic)
        if event.run_id == run_id and event.type in _STATES and event.source == own
    }
    pasts = {ident: Past() for ident in touched}
    if pasts:
        for event in events_of(desk.log, desk.topic):
            if event.type in _STATES and event.subject in pasts:
                pasts[event.subject].take(event, run_id)
    return {ident: past for ident, past in pasts.items() if past.until}


def events_of(log: EventLog, topic: str) -> Iterator[Recorded]:
    """Everything a topic holds now, in order."""
    position, end = 0, log.end([topic])[topic]
    while position < end:
        page = log.read({topic: position}, limit=PAGE, wait=ANSWER_WITHIN)
        if not page:
            return
        yield from page
        position = page[-1].position + 1


def _step(
    desk: Desk, offer: KnownOffer, past: Past, contents: Mapping[int, Mapping[str, Any]], *, refuses: bool
) -> Step:
    if offer.revision != past.until:
        return Step(offer, later=True)
    if past.state is None or past.content is None:
        return Step(offer, ("withdraw",) if offer.state in SHOWN else (), key=offer.record_key, refuses=refuses)
    before = desk.as_shown(offer.offer_id, contents[past.content])
    key = past.key or str(contents[past.content]["record_key"])
    actions: list[str] = []
    state = offer.state
    if key != offer.record_key:
        if desk.is_taken(key):
            return Step(offer, later=True)
        actions.append("rekey")
        state = "live"
    if past.state == "withdrawn":
        actions += ["withdraw"] if state in SHOWN else []
    elif state == "withdrawn":
        actions.append("publish")
    elif before["content_hash"] != offer.content["content_hash"]:
        actions.append("revise")
    elif state == "missed" and past.state == "live":
        actions.append("seen_again")
    return Step(offer, tuple(actions), content=before, reason=past.reason or "by_hand", key=key, refuses=refuses)


def preview(desk: Desk, run_id: str) -> dict[str, Any]:
    """What taking back a run would do: `changes` with the fields that would differ, `later` what stays as it is."""
    changes: list[dict[str, Any]] = []
    later: list[dict[str, Any]] = []
    for step in (step for steps in steps_of(desk, run_id) for step in steps):
        offer = step.offer
        about = {"record_key": offer.record_key, "offer_id": offer.offer_id, "title": _title(offer.content)}
        if step.later:
            later.append(about)
            continue
        fields = {}
        if step.content is not None and step.actions[-1] in ("revise", "publish"):
            fields = differences(dict(offer.content), dict(step.content))
        if "rekey" in step.actions:
            fields["record_key"] = [offer.record_key, step.key]
        changes.append({"action": step.actions[-1], **about, "fields": fields})
    return {"run_id": run_id, "source": desk.source, "district": desk.district, "changes": changes, "later": later}


def _title(content: Mapping[str, Any]) -> str | None:
    texts = content.get("texts") or {}
    text = texts.get("de") or next(iter(texts.values()), None)
    return text["title"] if text else None


# --- into the log --------------------------------------------------------------------------------------------------------


def undo(desk: Desk, asked: Asked, publisher: Publisher) -> None:
    """Take back a run, as far as nothing later stands against it."""
    for steps in steps_of(desk, asked.data["run_id"]):
        todo = [step for step in steps if not step.later]
        _bring_back(desk, publisher, [step.content for step in todo if step.content is not None])
        publisher.append(desk.topic, [event for step in todo for event in _events(desk, asked, publisher, step)])
        desk.note([step.offer.record_key for step in todo if _refused(step) is not None], asked.run_id)


#: Reasons of withdrawals that no record says.
_BY_ITSELF = ("missing_from_complete_snapshot", "expired", "source_gone", "by_hand")


def _refused(step: Step) -> str | None:
    """The content, or the word that there is none, that is not taken again."""
    offer = step.offer
    if not step.refuses:
        return None
    if {"rekey", "withdraw", "revise"} & set(step.actions):
        return offer.own_hash
    if "publish" in step.actions and offer.withdrawn_reason not in _BY_ITSELF:
        return gone_hash(offer.withdrawn_reason or "")
    return None


def _events(desk: Desk, asked: Asked, publisher: Publisher, step: Step) -> Iterator[Event]:
    offer, revision = step.offer, step.offer.revision
    if (refused := _refused(step)) is not None:
        yield desk.refusal(publisher, asked, offer.offer_id, offer.record_key, refused)
    for action in step.actions:
        revision += 1
        data = {
            "offer_id": offer.offer_id,
            "district": desk.district,
            "source": desk.source,
            "record_key": step.key,
            "revision": revision,
            "run_id": asked.run_id,
        }
        match action:
            case "rekey":
                data["old_key"] = offer.record_key
                yield publisher.event("OfferRekeyed", offer.offer_id, data, revision=revision, content=step.key)
            case "seen_again":
                yield publisher.event("OfferSeenAgain", offer.offer_id, data, revision=revision)
            case "withdraw":
                data |= {"reason": step.reason, "missed_since": None, "content_hash": refused}
                yield publisher.event("OfferWithdrawn", offer.offer_id, data, revision=revision, content=asked.event_id)
            case _:
                content = {
                    **(step.content or {}), "offer_id": offer.offer_id, "record_key": step.key, "revision": revision, "cause": "person",
                }  # fmt: skip
                kind = "OfferPublished" if action == "publish" else "OfferRevised"
                yield publisher.event(
                    kind, offer.offer_id, {"offer": content}, revision=revision, content=content["content_hash"]
                )


def _bring_back(desk: Desk, publisher: Publisher, contents: Sequence[Mapping[str, Any]]) -> None:
    """Organisations and contacts that these contents name and that are withdrawn by now."""
    organisations = _withdrawn(
        desk, {content["organisation_id"] for content in contents if content.get("organisation_id")}
    )
    if organisations:
        events = []
        for ident, recorded in _last(desk.log, desk.topic, "Organisation", organisations).items():
            organisation = {**recorded.data["organisation"], "revision": organisations[ident] + 1}
            events.append(
                publisher.event(
                    "OrganisationPublished", ident, {"organisation": organisation},
                    revision=organisation["revision"], content=organisation["content_hash"],
                )
            )  # fmt: skip
        publisher.append(desk.topic, events)
    contacts = _withdrawn(desk, {ident for content in contents for ident in content.get("contact_ids") or ()})
    if contacts:
        topic = f"contacts.{desk.district}"
        found = _last(desk.log, topic, "Contact", contacts)
        sealed = (_sealed_again(desk.keys, recorded, contacts[ident] + 1) for ident, recorded in found.items())
        publisher.append(
            topic,
            [
                publisher.event(
                    "ContactPublished", contact["contact_id"], {"contact": contact},
                    revision=contact["revision"], content=contact["content_hash"],
                )
                for contact in sealed
                if contact is not None
            ],
        )  # fmt: skip


def _sealed_again(keys: KeyStore, recorded: Recorded, revision: int) -> dict[str, Any] | None:
    """The same contact under another revision; None when it was erased: nobody brings it back."""
    before = recorded.data["contact"]
    try:
        contact = open_contact(keys, before)
    except ErasedError:
        return None
    key = keys.keys_of([before["contact_id"]]).get(before["contact_id"])
    if key is None:
        return None
    return seal_with(
        key,
        contact,
        mark=fingerprint(key, plain_contact(contact)),
        district=before["district"],
        source=before["source"],
        record_key=before["record_key"],
        revision=revision,
    )


def _withdrawn(desk: Desk, idents: Collection[str]) -> dict[str, int]:
    """Revision of those of these that are withdrawn."""
    rows = desk.db.execute(
        "SELECT k.id, k.revision FROM json_each(?) j JOIN related k ON k.id = j.value WHERE k.state = 'withdrawn'",
        (orjson.dumps(sorted(idents)).decode(),),
    ).fetchall()
    return dict(rows)


def _last(log: EventLog, topic: str, kind: str, idents: Collection[str]) -> dict[str, Recorded]:
    """The last event of each that says what it is."""
    found: dict[str, Recorded] = {}
    for event in events_of(log, topic):
        known = found.get(event.subject)
        if (
            event.subject in idents
            and event.type in (f"{kind}Published", f"{kind}Revised")
            and (known is None or event.revision > known.revision)
        ):
            found[event.subject] = event
    return found
