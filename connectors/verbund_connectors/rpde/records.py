"""Which record an RPDE item belongs to: split feeds refer to each other by address, deletions only by id."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from verbund_connectors.kit import Item

# Things with a record of their own.
PRIMARY = frozenset(
    {
        "SessionSeries",
        "Event",
        "OnDemandEvent",
        "CourseInstance",
        "HeadlineEvent",
        "FacilityUse",
        "IndividualFacilityUse",
    }
)
# Things that say more of another record, and the properties that name it.
CHILDREN: Mapping[str, tuple[str, ...]] = {"ScheduledSession": ("superEvent",), "Slot": ("facilityUse",)}
# Things that others inherit from; a record only when they hold their dates themselves.
PARENTS = frozenset({"Course", "EventSeries"})
INHERITED_FROM = ("superEvent", "instanceOfCourse", "aggregateFacilityUse")
_DATES = ("subEvent", "hasCourseInstance", "startDate", "eventSchedule")

_PARTING = re.compile(r"[/#:]")

ALIAS = "Alias"
# Last words of addresses that name a kind of thing instead of a thing.
_NO_NAMES = frozenset(
    {*(k.lower() for k in (*PRIMARY, *CHILDREN, *PARENTS)), "api", "view", "details", "show", "index"}
)


def type_of(data: Any) -> str:
    """The type of a thing without prefix: `SessionSeries`; empty when it has none."""
    kind = data.get("@type") or data.get("type") if isinstance(data, dict) else None
    if isinstance(kind, list):
        kind = next((k for k in kind if isinstance(k, str)), None)
    return last_word(kind) if isinstance(kind, str) else ""


def last_word(address: str) -> str:
    """What stands after the last `/`, `#` or `:`: `https://schema.org/Monday` names `Monday`."""
    return address if address.isalpha() else _PARTING.split(address)[-1]


def type_of_kind(kind: Any) -> str:
    """The type that an RPDE `kind` names: `SessionSeries.ScheduledSession` is a series, `FacilityUse/Slot` a slot."""
    return last_word(kind.split(".")[0]) if isinstance(kind, str) else ""


def address_of(thing: Any) -> str | None:
    """The `@id` of a thing, or the text that refers to it."""
    if isinstance(thing, dict):
        thing = thing.get("@id") or thing.get("id") or identifier_of(thing)
    if isinstance(thing, int) and not isinstance(thing, bool):
        return str(thing)
    return thing.strip() or None if isinstance(thing, str) else None


def identifier_of(thing: Mapping[str, Any]) -> str | None:
    """The first plain `identifier`."""
    value = thing.get("identifier")
    for entry in value if isinstance(value, list) else [value]:
        plain = entry.get("value") if isinstance(entry, dict) else entry
        if isinstance(plain, str | int) and not isinstance(plain, bool) and str(plain).strip():
            return str(plain).strip()
    return None


def name_in(address: str) -> str:
    """What both sides can agree on: the last step of an address that names a thing, else the address.

    `https://h/series/77` gives `77`, and so does `77`; `https://h/77/session-series` stays whole.
    """
    if "://" not in address:
        return address
    parts = urlsplit(address)
    if parts.query:
        return address
    last = (parts.fragment or parts.path).rstrip("/").rpartition("/")[2]
    plain = re.sub(r"[-_]", "", last).lower()
    return address if not last or plain in _NO_NAMES or plain.removesuffix("s") in _NO_NAMES else unquote(last)


def items_of(
    part: str, ident: str, entry: Mapping[str, Any], *, modified: int | None, split: bool, by_kind: bool
) -> Iterator[Item]:
    """The items that one updated RPDE item makes: itself, and under which other names it is known."""
    data = entry.get("data")
    kind = type_of(data) or type_of_kind(entry.get("kind"))
    own = f"{kind}/{ident}" if by_kind else ident
    if not isinstance(data, dict):
        yield Item(part=part, id=ident, key=own, data={"@type": kind}, modified=modified)
    elif kind in CHILDREN:
        yield _child(part, ident, data, kind, own=own, modified=modified, by_kind=by_kind)
    elif kind in PARENTS and not any(data.get(name) for name in _DATES):
        yield Item(part=part, id=ident, key=None, data=data, modified=modified)
        address = address_of(data)
        if address and address != ident:
            yield Item(part=part, id=address, key=None, data=data, modified=modified)
    elif kind in PRIMARY or kind in PARENTS:
        address = address_of(data) if split else None
        name = name_in(address) if address else ident
        key = own if name == ident else (f"{kind}/{name}" if by_kind else name)
        yield Item(part=part, id=ident, key=key, data=data, modified=modified, needs=_needs(data))
        if key != own:
            # A deletion will name the id only: this stays behind and finds it.
            yield Item(part=part, id=str(address), key=key, data={"@type": ALIAS, "of": ident}, needs=(ident,))
    else:
        yield Item(part=part, id=ident, key=f"{kind or 'unknown'}/{ident}", data=data, modified=modified)


def _child(
    part: str, ident: str, data: dict[str, Any], kind: str, *, own: str, modified: int | None, by_kind: bool
) -> Item:
    address = next((address_of(data[name]) for name in CHILDREN[kind] if data.get(name)), None)
    key = own
    if address:
        parent = {"ScheduledSession": "SessionSeries", "Slot": "FacilityUse"}[kind]
        key = f"{parent}/{name_in(address)}" if by_kind else name_in(address)
    # Slots come by the ten thousand and change by the minute; the facility is the offer, so that they were there is all.
    return Item(part=part, id=ident, key=key, data={"@type": kind} if kind == "Slot" else data, modified=modified)


def tombstone(part: str, ident: str, entry: Mapping[str, Any], *, modified: int | None, by_kind: bool) -> Item:
    """The item of a deletion. A child's has no record of its own: it just leaves the one it was in."""
    kind = type_of_kind(entry.get("kind"))
    alone = kind not in CHILDREN or "." in str(entry.get("kind"))
    own = f"{kind}/{ident}" if by_kind else ident
    key = None if not alone or kind in PARENTS else own
    return Item(part=part, id=ident, key=key, data={"@type": kind}, deleted=True, modified=modified)


def _needs(data: Mapping[str, Any]) -> tuple[str, ...]:
    needs: dict[str, None] = {}
    for name in INHERITED_FROM:
        thing = data.get(name)
        if isinstance(thing, str | int):
            address = address_of(thing)
            if address:
                needs[name_in(address)] = needs[address] = None
    return tuple(needs)
