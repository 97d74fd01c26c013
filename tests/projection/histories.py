"""Random pasts that a log could hold: everything a view must get right, and the traps."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

from verbund.events import Event
from verbund.offer import offer_id
from verbund.testing import builders
from verbund.testing.builders import LONG_AGO, an_event

DISTRICTS = ("05954", "09188", "13076")


class History:
    """`again`: only events with a revision come twice, in topics that begin with it.

    Makes events in an order that each topic keeps; every district has one source, and one of them has two."""

    def __init__(self, seed: int, *, again: str = "") -> None:
        self._may_come_again = again
        self.chance = random.Random(seed)
        self.events: list[tuple[str, Event]] = []
        self._offers: dict[tuple[str, str], dict[str, Any]] = {}
        self._rejected: set[tuple[str, str]] = set()
        self._runs = 0

    def grow(self, steps: int) -> list[tuple[str, Event]]:
        """Some more steps; the new events."""
        before = len(self.events)
        for _ in range(steps):
            step = self.chance.choices(
                (
                    self._offer,
                    self._again,
                    self._stale,
                    self._organisation,
                    self._contact,
                    self._run,
                    self._reject,
                    self._source,
                    self._hold,
                    self._desk,
                ),
                (50, 6, 6, 10, 8, 6, 10, 4, 6, 6),
            )[0]
            step()
        return self.events[before:]

    def _add(self, topic: str, event: Event) -> None:
        self.events.append((topic, event))

    def _place(self) -> dict[str, Any]:
        district = self.chance.choice(DISTRICTS)
        return {"district": district, "source": f"quelle-{district}"}

    def _offer(self) -> None:
        place = self._place()
        record_key = f"kurs-{self.chance.randrange(12)}"
        known = self._offers.setdefault((place["district"], record_key), {"revision": 0, "state": "new"})
        state = known["state"]
        if state in ("new", "withdrawn"):
            event_type = "OfferPublished"
        elif state == "missed":
            event_type = self.chance.choice(("OfferSeenAgain", "OfferWithdrawn", "OfferRevised"))
        else:
            event_type = self.chance.choice(
                ("OfferRevised", "OfferRevised", "OfferMissed", "OfferWithdrawn", "OfferRekeyed")
            )
        known["revision"] = known["revision"] + 1
        known["state"] = {"OfferMissed": "missed", "OfferWithdrawn": "withdrawn"}.get(event_type, "live")
        self._append_offer(event_type, {**place, "record_key": record_key}, known["revision"])

    def _append_offer(self, event_type: str, place: dict[str, Any], revision: int) -> None:
        fields: dict[str, Any] = {**place, "revision": revision}
        if event_type in ("OfferPublished", "OfferRevised"):
            fields["title"] = self.chance.choice(("Deutsch für alle", "Fußball\x00 am See", "Beratung ☎", "Ζ")) + str(
                revision
            )
            fields["starts"] = self.chance.choice(([], [builders.an_occurrence()]))
        elif event_type == "OfferRekeyed":
            fields |= {
                "offer_id": offer_id(**place),
                "old_key": place["record_key"],
                "record_key": f"umbenannt-{revision}",
            }
        event = an_event(event_type, run_id=self._run_id(), **fields)
        self._add(f"inventory.{place['district']}", event)

    def _again(self) -> None:
        """A producer that did not see the acknowledgement: the same event once more."""
        known = [(topic, event) for topic, event in self.events if topic.startswith(self._may_come_again)]
        known = [(topic, event) for topic, event in known if event.revision or not self._may_come_again]
        if known:
            self._add(*self.chance.choice(known))

    def _stale(self) -> None:
        """A run that decided on an old base: another event of a revision that was given already, or of an older one."""
        known = [key for key, value in self._offers.items() if value["revision"]]
        if known:
            district, record_key = self.chance.choice(known)
            revision = self.chance.randint(1, self._offers[district, record_key]["revision"])
            place = {"district": district, "source": f"quelle-{district}", "record_key": record_key}
            self._append_offer(self.chance.choice(("OfferRevised", "OfferWithdrawn", "OfferMissed")), place, revision)

    def _organisation(self) -> None:
        place = self._place()
        key = f"träger-{self.chance.randrange(4)}"
        revision = 1 + sum(
            event.data.get("organisation", event.data).get("record_key") == key
            and event.source == f"{place['district']}/{place['source']}"
            for _, event in self.events
            if event.type.startswith("Organisation")
        )
        kind = (
            "OrganisationPublished"
            if revision == 1
            else self.chance.choice(("OrganisationRevised", "OrganisationWithdrawn"))
        )
        named: dict[str, Any] = {} if kind == "OrganisationWithdrawn" else {"name": f"Verein {revision}"}
        self._add(
            f"inventory.{place['district']}",
            an_event(
                kind,
                run_id=self._run_id(),
                revision=revision,
                **place,
                record_key=key,
                **named,
            ),
        )

    def _contact(self) -> None:
        place = self._place()
        key = f"raum-{self.chance.randrange(3)}"
        revision = 1 + sum(
            event.type.startswith("Contact") and event.source == f"{place['district']}/{place['source']}"
            for _, event in self.events
        )
        kind = self.chance.choice(("ContactPublished", "ContactRevised", "ContactWithdrawn"))
        self._add(
            f"contacts.{place['district']}",
            an_event(kind, run_id=self._run_id(), revision=revision, record_key=key, **place),
        )

    def _run(self) -> None:
        place = self._place()
        self._runs += 1
        moment = LONG_AGO + timedelta(hours=self._runs)
        self._add(
            f"runs.{place['district']}",
            an_event(
                "RunFinished",
                run_id=self._run_id(),
                started_at=moment.isoformat(),
                finished_at=(moment + timedelta(minutes=2)).isoformat(),
                outcome=self.chance.choice(("complete", "partial", "failed")),
                held=self.chance.random() < 0.1,
                counts={"published": self._runs},
                **place,
            ),
        )

    def _reject(self) -> None:
        place = self._place()
        key = f"kurs-{self.chance.randrange(6)}"
        open_ = (place["district"], key) in self._rejected
        kind = "RejectCleared" if open_ and self.chance.random() < 0.6 else "RecordRejected"
        (self._rejected.discard if kind == "RejectCleared" else self._rejected.add)((place["district"], key))
        fields: dict[str, Any] = (
            {} if kind == "RejectCleared" else {"rule": self.chance.choice(("title_empty", "date_unreadable"))}
        )
        self._add(
            f"inventory.{place['district']}", an_event(kind, run_id=self._run_id(), record_key=key, **place, **fields)
        )

    def _hold(self) -> None:
        place = self._place()
        hold = {"hold_id": f"{self.chance.randrange(6):032x}", "guard": "shrink", **place}
        kind = self.chance.choice(("RunHeld", "RunHeld", "HoldAnswered", "HoldDecided"))
        more: dict[str, Any] = {"set_digest": f"{self.chance.randrange(10**9):064d}"}
        if kind == "RunHeld":
            more["count"] = self.chance.randrange(1, 99)
        else:
            more["answer"] = self.chance.choice(("allow_once", "reject"))
        topic = "desk" if kind == "HoldDecided" else "inventory"
        self._add(f"{topic}.{place['district']}", an_event(kind, run_id=f"run-{len(self.events)}", **hold, **more))

    def _desk(self) -> None:
        """What people decide about single offers, and what ingest refuses because of it."""
        place = {**self._place(), "record_key": f"kurs-{self.chance.randrange(4)}"}
        kind = self.chance.choice(
            (
                "FieldOverridden",
                "FieldOverridden",
                "OverrideLifted",
                "WithdrawnByHand",
                "RefusalLifted",
                "ContentRefused",
            )
        )
        more: dict[str, Any] = {"offer_id": offer_id(**place)}
        if kind in ("FieldOverridden", "OverrideLifted"):
            more["field"] = self.chance.choice(("childcare", "texts.de.summary"))
        if kind == "FieldOverridden":
            more["value"] = self.chance.choice(("true", "false", '"Ζ\\u0000"'))
        if kind == "RefusalLifted":
            del place["record_key"]
        topic = "inventory" if kind == "ContentRefused" else "desk"
        self._add(f"{topic}.{place['district']}", an_event(kind, run_id=f"run-{len(self.events)}", **place, **more))

    def _source(self) -> None:
        place = self._place()
        self._add(
            f"inventory.{place['district']}",
            an_event(
                "SourceChanged",
                run_id=None,
                change=self.chance.choice(("registered", "edited", "paused", "resumed")),
                file_digest=f"{self.chance.randrange(10**9):064d}",
                **place,
            ),
        )

    def _run_id(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128)))


def past(seed: int, steps: int = 150) -> dict[str, list[Event]]:
    """A past by topic."""
    topics: dict[str, list[Event]] = {}
    for topic, event in History(seed).grow(steps):
        topics.setdefault(topic, []).append(event)
    return topics
