"""Valid records and events for tests; a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

from verbund.events import NAMESPACE, Event, event_id
from verbund.offer import content_hash, offer_id, organisation_id, reject_id
from verbund.testing.samples import SAMPLES
from verbund_schemas import expanded

#: When every built event was decided, unless the test says otherwise.
LONG_AGO = datetime(2026, 9, 1, 8, tzinfo=UTC)

A_RUN = "5b9a1d0e-7c3f-4d62-9a51-0d9f5f6f1a10"

_SUBJECTS = ("offer_id", "organisation_id", "contact_id", "reject_id", "hold_id")


def an_offer(**fields: Any) -> dict[str, Any]:
    """A whole offer that fits the schema `Offer`: a German course in Schwelm.

    Its id follows from district, source and record key; `title` is short for a German text with that title.
    """
    title = fields.pop("title", "Deutsch B1.1 am Vormittag")
    named = {"district": "05954", "source": "enr-kurse", "record_key": "kurs-1", **fields}
    offer = {
        "offer_id": offer_id(*_key(named)),
        "origin": {"system": "table:kurse.example", "record_key": named["record_key"], "hub": None, "hops": []},
        "revision": 1,
        "kind": "course",
        "texts": {"de": a_text(title=title)},
        "categories": ["language.integration_course", "language"],
        "foreign_codes": [{"scheme": "ba_systematik", "code": "MB 01", "label": "Allgemeiner Integrationskurs"}],
        "target_groups": ["newcomers", "refugees"],
        "level_from": "A2",
        "level_to": "B1.1",
        "languages_of_instruction": ["de"],
        "age_from": 16,
        "age_to": None,
        "gender": "all",
        "starts": [an_occurrence(), an_occurrence(start="2027-01-12T08:00:00Z", end="2027-03-26T11:15:00Z")],
        "recurrence": None,
        "opening_hours": None,
        "availability": None,
        "valid_from": None,
        "valid_to": None,
        "place": a_place(),
        "online_url": None,
        "area_served": ["05954"],
        "cost": {"amount": 2.29, "currency": "EUR", "free": False, "note": "je Unterrichtsstunde"},
        "funding": [],
        "registration": {"how": "nur persönlich", "url": "https://kurse.example/anmeldung"},
        "access": None,
        "childcare": False,
        "barrier_free": True,
        "organisation_id": None,
        "contact_ids": [],
        "source_url": f"https://kurse.example/{named['record_key']}",
        "licence": "CC-BY-4.0",
        "attribution": "Ennepe-Ruhr-Kreis",
        "raw_digest": "0f" * 32,
        "mapping_version": "table/1",
        "cause": "source",
        "extra": {},
        "overridden": [],
        "own_values": {},
        "own_hash": None,
        **named,
    }
    return {"content_hash": content_hash("offer", offer), **offer}


def a_text(**fields: Any) -> dict[str, Any]:
    """A text of an offer."""
    return {
        "title": "Deutsch B1.1 am Vormittag",
        "summary": "Ein Kurs für alle, die A2 geschafft haben.",
        "description_html": "<p>Der Kurs bereitet auf den <strong>Deutsch-Test für Zuwanderer</strong> vor.</p>",
        "description_text": "Der Kurs bereitet auf den Deutsch-Test für Zuwanderer vor.",
        "translation": "original",
        **fields,
    }


def a_place(**fields: Any) -> dict[str, Any]:
    """A place in Schwelm."""
    return {
        "key": "haus-1",
        "name": "Volkshochschule, Raum 12",
        "street": "Mittelstraße 42",
        "postcode": "58332",
        "town": "Schwelm",
        "ags8": "05954028",
        "lon": 7.2936,
        "lat": 51.2863,
        "position_source": "source",
        **fields,
    }


def an_occurrence(**fields: Any) -> dict[str, Any]:
    """A dated start with seats."""
    return {
        "start": "2026-10-05T07:00:00Z",
        "end": "2026-12-18T10:15:00Z",
        "all_day": False,
        "zone": "Europe/Berlin",
        "seats": 20,
        "seats_free": 6,
        "waiting": 0,
        "registration_until": "2026-09-28",
        "exam_on": None,
        "status": "scheduled",
        **fields,
    }


def an_organisation(**fields: Any) -> dict[str, Any]:
    """A whole organisation that fits the schema `Organisation`."""
    named = {"district": "05954", "source": "enr-kurse", "record_key": "vhs", **fields}
    organisation = {
        "organisation_id": organisation_id(*_key(named)),
        "revision": 1,
        "name": "Volkshochschule Ennepe-Ruhr-Süd",
        "kind": "vhs",
        "url": "https://vhs.example",
        "place": a_place(),
        "licence": "CC-BY-4.0",
        "attribution": "Ennepe-Ruhr-Kreis",
        "raw_digest": "0e" * 32,
        "mapping_version": "table/1",
        "cause": "source",
        "extra": {},
        **named,
    }
    return {"content_hash": content_hash("organisation", organisation), **organisation}


def a_sealed_contact(**fields: Any) -> dict[str, Any]:
    """A contact as the log has it; its sealed bytes are no real cipher text."""
    named = {"district": "05954", "source": "enr-kurse", "record_key": "kurs-1", **fields}
    return {
        "contact_id": _contact_id(*_key(named)),
        "revision": 1,
        "content_hash": "0d" * 32,
        "key_version": 1,
        "nonce": b"\x01" * 12,
        "sealed": b"\x02" * 48,
        **named,
    }


def an_event(event_type: str, *, time: datetime = LONG_AGO, run_id: str | None = A_RUN, **fields: Any) -> Event:
    """A valid event of any type; `fields` are those of its record, or of the offer, organisation, contact in it."""
    match event_type:
        case "OfferPublished" | "OfferRevised":
            state = an_offer(**fields)
            data = {"offer": state}
        case "OrganisationPublished" | "OrganisationRevised":
            state = an_organisation(**fields)
            data = {"organisation": state}
        case "ContactPublished" | "ContactRevised":
            state = a_sealed_contact(**fields)
            data = {"contact": state}
        case _:
            state = data = _plain(event_type, run_id=run_id, **fields)
    subject = next((state[name] for name in _SUBJECTS if name in state), state["source"])
    revision = state.get("revision", 0)
    content = state.get("content_hash") or f"{run_id} {state.get('file_digest', '')}"
    return Event(
        id=event_id(subject, event_type, revision, content),
        type=event_type,
        source=f"{state['district']}/{state['source']}",
        subject=subject,
        time=time,
        data=data,
        revision=revision,
        run_id=run_id,
    )


def a_published_offer(**fields: Any) -> Event:
    """`OfferPublished` of `an_offer(**fields)`."""
    return an_event("OfferPublished", **fields)


def _key(named: dict[str, Any]) -> tuple[str, str, str]:
    return named["district"], named["source"], named["record_key"]


def _contact_id(*key: str) -> str:
    return str(uuid5(NAMESPACE, "\n".join(("contact", *key))))


def _plain(event_type: str, *, run_id: str | None, **fields: Any) -> dict[str, Any]:
    """Data of the events that carry no whole state."""
    if event_type not in SAMPLES:
        raise ValueError(f"there is no builder for {event_type}")
    known = {field["name"] for field in expanded(event_type)["fields"]}
    data: dict[str, Any] = {"district": "05954", "source": "enr-kurse", **SAMPLES[event_type]}
    if "run_id" in known:
        data["run_id"] = run_id
    id_field, ident = _IDS.get(event_type, ("offer_id", offer_id))
    if id_field in known:
        of_record = {"record_key": "vhs" if id_field == "organisation_id" else "kurs-1", **data, **fields}
        data[id_field] = ident(*_key(of_record))
        if "record_key" in known:
            data["record_key"] = of_record["record_key"]
    return {**data, **fields}


_IDS: dict[str, tuple[str, Callable[[str, str, str], str]]] = {
    "OrganisationWithdrawn": ("organisation_id", organisation_id),
    "ContactWithdrawn": ("contact_id", _contact_id),
    "RecordRejected": ("reject_id", reject_id),
    "RejectCleared": ("reject_id", reject_id),
}
