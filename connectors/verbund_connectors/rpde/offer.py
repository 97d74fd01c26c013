"""The items of one record to an offer: series with sessions, course with its dates, event, facility."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from verbund_connectors import classify, values
from verbund_connectors.german import parse_date
from verbund_connectors.kit import (
    Answer,
    ContactDraft,
    Ignored,
    Item,
    Mapped,
    Reject,
    Rejected,
    SourceContext,
    Withdrawn,
    draft_offer,
    draft_organisation,
    place,
)
from verbund_connectors.rpde import records, when

_ACTIVITIES = "https://openactive.io/activity-list"
_GENDER = {"FemaleOnly": "female", "MaleOnly": "male", "NoRestriction": "all"}
_GROUP_OF_GENDER = {"female": ("women",), "male": ("men",)}
_KIND_OF_TYPE = {
    **dict.fromkeys(("CourseInstance", "Course"), "course"),
    **dict.fromkeys(("Event", "OnDemandEvent", "HeadlineEvent", "EventSeries"), "event"),
    **dict.fromkeys(("FacilityUse", "IndividualFacilityUse"), "sport"),
}
_AGES = re.compile(r"\s*(\d{1,3})?\s*(?:(\+)|(?:-|–|bis|to)\s*(\d{1,3}))?.*")
_POSTCODE = re.compile(r"(?:D-?\s?)?(\d{5})")
# Plain lists and texts that tell nothing of persons, kept as they are.
_EXTRA = {
    "level": "level",
    "accessibilitySupport": "accessibility_support",
    "accessibilityInformation": "accessibility",
}
_MAX_EXTRA = 2_000


def answer(key: str, items: Sequence[Item], context: SourceContext) -> Answer:
    """What becomes of a record."""
    own = [item for item in items if item.key == key]
    live = [item for item in own if not item.deleted]
    kinds = [(records.type_of(item.data), item) for item in live]
    primary = [(k, i) for k, i in kinds if k in records.PRIMARY or k in records.PARENTS]
    children = [i for k, i in kinds if k == "ScheduledSession"]
    if not primary:
        return _without_primary(key, own, items, kinds, children, context)
    if len({(kind, item.id) for kind, item in primary}) > 1:
        found = ", ".join(sorted(f"{kind} {item.id}" for kind, item in primary))
        return Rejected(rejects=(Reject(rule="key_duplicate", place="id", value=found),))
    data = primary[0][1].data
    if data.keys() <= {"@type"}:
        return Rejected(rejects=(Reject(rule="field_missing", place="data"),))
    return _Record(key, data, children, _inherited(data, items, key), context).answer()


def _without_primary(
    key: str,
    own: list[Item],
    items: Sequence[Item],
    kinds: list[tuple[str, Item]],
    children: list[Item],
    context: SourceContext,
) -> Answer:
    deleted = [item for item in own if item.deleted and records.type_of(item.data) not in records.CHILDREN]
    aliased = {(i.part, i.data["of"]) for k, i in kinds if k == records.ALIAS}
    deleted += [item for item in items if item.deleted and (item.part, item.id) in aliased]
    if deleted or not kinds:
        return Withdrawn(reason="explicit_delete")
    embedded = [item for item in children if isinstance(item.data.get("superEvent"), dict)]
    whole = [item for item in embedded if item.data["superEvent"].get("name") or item.data.get("name")]
    if whole:
        latest = max(whole, key=lambda item: item.modified or 0)
        series = {"name": latest.data.get("name"), **latest.data["superEvent"]}
        return _Record(key, series, children, [latest.data], context).answer()
    alone = next((item.data for item in children if item.data.get("name")), None)
    if alone is not None and not alone.get("superEvent"):
        return _Record(key, alone, [], [], context).answer()
    if children:
        return Rejected(rejects=(Reject(rule="parent_missing", place="superEvent", value=key),))
    return Ignored(reason="out_of_scope")


def _inherited(data: dict[str, Any], items: Sequence[Item], key: str) -> list[dict[str, Any]]:
    """Courses and series of events that the record takes from what it does not say itself."""
    found: list[dict[str, Any]] = []
    for name in records.INHERITED_FROM:
        thing = data.get(name)
        if isinstance(thing, dict):
            found.append(thing)
        elif thing:
            address = records.address_of(thing) or ""
            others = [i for i in items if i.key != key and not i.deleted and isinstance(i.data, dict)]
            exact = [i for i in others if records.address_of(i.data) == address]
            near = [
                i for i in others if i.id == records.name_in(address) and records.type_of(i.data) in records.PARENTS
            ]
            found.extend(item.data for item in (exact or near)[:1])
    return found


@dataclass(slots=True)
class _Record:
    """One record on its way to an offer; `data` first, then what it inherits."""

    key: str
    data: dict[str, Any]
    sessions: list[Item]
    inherited: list[dict[str, Any]]
    context: SourceContext
    type: str = ""

    def __post_init__(self) -> None:
        self.type = records.type_of(self.data)

    def get(self, *names: str) -> Any:
        """The first of the properties that says something, nearest first."""
        for thing in (self.data, *self.inherited) if self.inherited else (self.data,):
            for name in names:
                value = thing.get(name)
                # 0 and False say something; an empty list does not.
                if value or (value is not None and isinstance(value, int | float)):
                    return value
        return None

    def answer(self) -> Answer:
        """The offer, or why there is none."""
        if when.status_of(self.data) == "cancelled":
            return Withdrawn(reason="cancelled")
        address = self.get("url") or records.address_of(self.data)
        if isinstance(address, str) and any(address.startswith(hub) for hub in self.context.hub_urls):
            return Ignored(reason="ours")
        title = values.line(self.get("name"))
        if title is None:
            return Rejected(rejects=(Reject(rule="title_missing", place="name"),))
        return self._mapped(title)

    def _mapped(self, title: str) -> Mapped:
        description = self.get("description", "beta:formattedDescription")
        made, hashed = values.text_of(title, description if isinstance(description, str) else None)
        language = self._language()
        activities, codes = self._activities()
        starts, recurrence, warnings = self._when()
        kind = self._kind(activities, title)
        extra = self._extra(activities)
        offer = draft_offer(
            kind,
            {language: made},
            categories=self._categories(activities, title),
            foreign_codes=codes,
            starts=starts,
            recurrence=recurrence,
            cost=self._cost(),
            source_url=values.web(self.get("url")),
            place=self._place(extra),
            online_url=self._online(),
            registration=self._registration(),
            **self._whom(),
            **self._valid(recurrence),
        )
        offer["extra"] = extra
        organisation, contacts = self._who()
        return Mapped(
            offer=offer,
            organisation=organisation,
            contacts=contacts,
            content={"texts": {language: hashed}} if hashed else {},
            warnings=tuple(warnings),
        )

    # --- what ----------------------------------------------------------------------------------------------------

    def _language(self) -> str:
        for entry in _listed(self.data.get("@context")):
            given = entry.get("@language") if isinstance(entry, dict) else None
            if isinstance(given, str) and re.fullmatch(r"[a-z]{2}(-.*)?", given):
                return given[:2]
        return self.context.default_language

    def _activities(self) -> tuple[list[tuple[str, classify.Sport | None]], list[dict[str, Any]]]:
        """Activities with their German sport, and all foreign codes."""
        activities: list[tuple[str, classify.Sport | None]] = []
        codes: dict[tuple[str, str], dict[str, Any]] = {}
        for name in ("activity", "facilityType", "category"):
            for concept in _listed(self.get(name)):
                code, label, scheme = _concept(concept, name)
                if code is None:
                    continue
                codes[scheme, code] = {"scheme": scheme, "code": code, "label": label}
                if name == "activity":
                    activities.append((label or code, classify.sport(code) or classify.sport(label or code)))
        return activities, list(codes.values())

    def _kind(self, activities: Sequence[Any], title: str) -> str:
        told = _KIND_OF_TYPE.get(self.type)
        if told:
            return told
        if activities:
            return "sport"
        return classify.kind(classify.category(title), title, dated=True)

    def _categories(self, activities: Sequence[Any], title: str) -> list[str]:
        if activities or self.type in {"FacilityUse", "IndividualFacilityUse"}:
            return ["sport", *classify.kinds_of_sport(title)]
        words = [c for c in _listed(self.get("category")) if isinstance(c, str)]
        return classify.category(title, *words)

    def _extra(self, activities: Sequence[tuple[str, classify.Sport | None]]) -> dict[str, str]:
        extra: dict[str, str] = {}
        german = list(dict.fromkeys(sport.german for _, sport in activities if sport))
        if german:
            extra["sport"] = ", ".join(german)
        for name, kept in _EXTRA.items():
            given = self.get(name)
            if given is not None:
                said = [values.line(_concept(v, name)[1] or v, _MAX_EXTRA) for v in _listed(given)]
                if words := ", ".join(word for word in said if word):
                    extra[kept] = words
        schedules = _listed(self.get("eventSchedule"))
        if len(schedules) > 1 or any(records.type_of(s) == "PartialSchedule" for s in schedules):
            extra["schedule"] = json.dumps(schedules, ensure_ascii=False, sort_keys=True)[:_MAX_EXTRA]
        return extra

    # --- when ----------------------------------------------------------------------------------------------------

    def _when(self) -> tuple[list[dict[str, Any]], dict[str, Any] | None, list[Reject]]:
        sessions = [thing for name in ("subEvent", "hasCourseInstance") for thing in _things(self.data.get(name))]
        sessions += [item.data for item in self.sessions]
        recurrence, more = when.recurrence_of(_listed(self.get("eventSchedule")))
        zone = recurrence["zone"] if recurrence else when.ZONE
        starts, warnings = when.starts_of(sessions, zone)
        if not starts and self.data.get("startDate") and self.type != "SessionSeries":
            starts, warnings = when.starts_of([self.data], zone)
        return starts, recurrence, [*warnings, *more]

    def _valid(self, recurrence: dict[str, Any] | None) -> dict[str, Any]:
        """First and last day of what runs over a time; an event is told by its starts."""
        if self.type not in {"CourseInstance", "SessionSeries", "Course"}:
            return {}
        schedule = next(iter(_things(self.data.get("eventSchedule"))), {}) if recurrence else {}
        first = parse_date(self.data.get("startDate") or schedule.get("startDate"))
        last = parse_date(self.data.get("endDate") or schedule.get("endDate"))
        return {"valid_from": first.isoformat() if first else None, "valid_to": last.isoformat() if last else None}

    # --- where and whom ------------------------------------------------------------------------------------------

    def _place(self, extra: dict[str, str]) -> dict[str, Any] | None:
        where = next(
            (thing for thing in _listed(self.get("location")) if records.type_of(thing) != "VirtualLocation"), None
        )
        if isinstance(where, str):
            return None if "://" in where else place(name=values.line(where))
        if not isinstance(where, dict):
            return None
        address, geo = where.get("address"), where.get("geo")
        lat = lon = None
        if isinstance(geo, dict):
            lat, lon = values.degrees(geo.get("latitude"), 90), values.degrees(geo.get("longitude"), 180)
        known = lat is not None and lon is not None
        fields: dict[str, Any] = {
            "key": records.address_of(where),
            "name": values.line(where.get("name")),
            "lat": lat if known else None,
            "lon": lon if known else None,
            "position_source": "source" if known else None,
        }
        if isinstance(address, dict):
            fields |= _address(address, extra)
        elif isinstance(address, str):
            fields["street"] = values.line(address)
        return place(**fields)

    def _online(self) -> str | None:
        for thing in (*_listed(self.get("location")), *_listed(self.get("beta:virtualLocation"))):
            if records.type_of(thing) == "VirtualLocation":
                return values.web(thing.get("url"))
        return None

    def _whom(self) -> dict[str, Any]:
        restriction = self.get("genderRestriction")
        gender = _GENDER.get(records.last_word(restriction)) if isinstance(restriction, str) else None
        young, old = _ages(self.get("ageRange"))
        return {
            "gender": gender,
            "target_groups": _GROUP_OF_GENDER.get(gender or "", ()),
            "age_from": young,
            "age_to": old,
        }

    # --- terms ---------------------------------------------------------------------------------------------------

    def _cost(self) -> dict[str, Any] | None:
        prices = []
        for offer in _things(self.get("offers", "beta:offers")):
            price = offer.get("price")
            try:
                amount = round(float(price), 2) if price is not None and not isinstance(price, bool) else None
            except (TypeError, ValueError):
                amount = None
            if amount is not None and 0 <= amount < 1_000_000:
                prices.append(
                    (amount, str(offer.get("priceCurrency") or "EUR")[:3], values.line(offer.get("name"), 80))
                )
        if not prices:
            free = self.get("isAccessibleForFree")
            return {"amount": 0.0, "currency": "EUR", "free": True, "note": None} if free is True else None
        lowest = min(prices, key=lambda entry: entry[0])
        note = None
        if len(prices) > 1:
            note = "; ".join(f"{name or 'Preis'}: {amount:.2f} {currency}" for amount, currency, name in prices[:20])
        return {"amount": lowest[0], "currency": lowest[1], "free": all(p[0] == 0 for p in prices), "note": note}

    def _registration(self) -> dict[str, Any] | None:
        for offer in _things(self.get("offers")):
            url = values.web(offer.get("url"))
            if url:
                return {"how": None, "url": url}
        return None

    # --- who -----------------------------------------------------------------------------------------------------

    def _who(self) -> tuple[tuple[str, dict[str, Any]] | None, tuple[ContactDraft, ...]]:
        """The organisation, and the contacts that the policy lets through: persons only when it wants names."""
        organisation = None
        people: list[tuple[str, dict[str, Any]]] = []
        organizer = next(iter(_things(self.get("organizer", "provider"))), None)
        if organizer is not None and records.type_of(organizer) != "Person":
            name = values.line(organizer.get("name"))
            if name:
                key = records.address_of(organizer) or f"name:{name.casefold()}"
                url = values.web(organizer.get("url"))
                organisation = (key, draft_organisation(name, kind=classify.organisation_kind(name), url=url))
            people.append(("organizer", _reach(organizer)))
        elif organizer is not None and self.context.contacts == "names":
            people.append(("organizer", _person(organizer)))
        if self.context.contacts == "none":
            return organisation, ()
        if self.context.contacts == "names":
            people += [("leader", _person(leader)) for leader in _things(self.get("leader"))]
        usable = [(area, data) for area, data in people if data.get("email") or data.get("phone") or data.get("name")]
        drafts = tuple(
            ContactDraft(place_key=self.key, area=area, rank=rank, data=data)
            for rank, (area, data) in enumerate(usable)
        )
        return organisation, drafts


def _reach(thing: dict[str, Any]) -> dict[str, Any]:
    return {"email": values.mail(thing.get("email")), "phone": values.phone(thing.get("telephone"))}


def _person(thing: dict[str, Any]) -> dict[str, Any]:
    parts = (thing.get("givenName"), thing.get("familyName"))
    name = thing.get("name") or " ".join(part for part in parts if isinstance(part, str))
    return {"name": values.line(name), "function": values.line(thing.get("jobTitle")), **_reach(thing)}


def _address(address: dict[str, Any], extra: dict[str, str]) -> dict[str, Any]:
    code = values.line(address.get("postalCode"), 20)
    german = _POSTCODE.fullmatch(code) if code else None
    if code and not german:
        extra["postcode"] = code  # a foreign one: ours has five digits
    street = values.line(address.get("streetAddress"))
    return {
        "street": street.strip(" ,") or None if street else None,
        "town": values.line(address.get("addressLocality")),
        "postcode": german[1] if german else None,
    }


def _concept(concept: Any, name: str) -> tuple[str | None, str | None, str]:
    """Code, label and scheme of a concept given as object, address or word."""
    scheme = _ACTIVITIES if name == "activity" else name
    if isinstance(concept, dict):
        label = values.line(concept.get("prefLabel") or concept.get("name"))
        given = concept.get("inScheme")
        return records.address_of(concept) or label, label, given if isinstance(given, str) and given else scheme
    word = values.line(concept)
    return word, None if word and "://" in word else word, scheme


def _ages(value: Any) -> tuple[int | None, int | None]:
    if isinstance(value, dict):
        return values.whole(value.get("minValue"), most=120), values.whole(value.get("maxValue"), most=120)
    found = _AGES.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None, None
    return values.whole(found[1], most=120), values.whole(found[3], most=120)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _things(value: Any) -> Iterator[dict[str, Any]]:
    return (thing for thing in _listed(value) if isinstance(thing, dict))
