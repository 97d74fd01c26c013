"""Single fields of Integreat, whatever stands in them: texts, addresses, places, opening hours, contacts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from verbund_connectors.html import MAX_TITLE, MAX_URL, one_line, web_address
from verbund_connectors.kit import JSON, ContactDraft, ContactPolicy, Reject, draft_organisation, place

MAX_LINE = 500  # characters of a name, street, town or function: more is a text in the wrong field
# Germany and a margin: offers just over a border are real.
_LONGITUDES, _LATITUDES = (5.0, 16.0), (46.5, 55.6)


class Refused(Exception):  # noqa: N818 - an answer, not an error: `map` turns it into Rejected
    """The record cannot be taken."""

    def __init__(self, rule: str, where: str, value: JSON = None) -> None:
        self.reject = Reject(rule=rule, place=where, value=value)
        super().__init__(rule)


class Notes:
    """What was dropped or mended in a record that is taken all the same."""

    def __init__(self) -> None:
        self.warnings: list[Reject] = []

    def add(self, rule: str, where: str, value: JSON = None) -> None:
        self.warnings.append(Reject(rule=rule, place=where, value=value))

    def text(self, value: JSON, where: str, limit: int = MAX_LINE) -> str | None:
        """One clean line, or None for null and empty."""
        if value is None:
            return None
        if not isinstance(value, str):
            self.add("wrong_type", where, value)
            return None
        line = one_line(value)
        if len(line) > limit:
            self.add("title_too_long" if limit == MAX_TITLE else "text_too_long", where, line)
            line = line[: limit - 1].rstrip() + "…"
        return line or None

    def url(self, value: JSON, where: str) -> str | None:
        """An http(s) address that may be passed on, or None."""
        text = self.text(value, where, limit=10 * MAX_URL)
        address = web_address(text) if text else None
        if text and not address:
            self.add("url_unusable" if len(text) <= MAX_URL else "url_too_long", where, text)
        return address

    def flag(self, value: JSON, where: str) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        self.add("wrong_type", where, value)
        return None

    def mapping(self, value: JSON, where: str) -> Mapping[str, Any]:
        if value is not None and not isinstance(value, dict):
            self.add("wrong_type", where, value)
        return value if isinstance(value, dict) else {}

    def sequence(self, value: JSON, where: str) -> list[Any]:
        if value is not None and not isinstance(value, list):
            self.add("wrong_type", where, value)
        return value if isinstance(value, list) else []


def number_of(value: JSON) -> str | None:
    """An id as a string: a whole number above 0, as number or digits."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return str(value)
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d{0,17}", value, re.ASCII):
        return value
    return None


# --- where -----------------------------------------------------------------------------------------------------------


def place_of(value: JSON, notes: Notes) -> dict[str, Any] | None:
    """The place, or None when the source names none (its object has only nulls then)."""
    location = notes.mapping(value, "location")
    number = number_of(location.get("id"))
    lon, lat = _position(location, notes)
    found = place(
        key=f"place/{number}" if number else None,
        name=notes.text(location.get("name"), "location.name"),
        street=notes.text(location.get("address"), "location.address"),
        postcode=_postcode(location.get("postcode"), notes),
        town=notes.text(location.get("town"), "location.town"),
        lon=lon,
        lat=lat,
        position_source="source" if lon is not None else None,
    )
    return found if any(field is not None for field in found.values()) else None


def _postcode(value: JSON, notes: Notes) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100_000:
        return f"{value:05}"  # a number has lost its leading zero
    text = notes.text(value, "location.postcode")
    if text and not re.fullmatch(r"\d{5}", text, re.ASCII):
        notes.add("code_unknown", "location.postcode", text)
        return None
    return text


def _position(location: Mapping[str, Any], notes: Notes) -> tuple[float | None, float | None]:
    lon, lat = (_degrees(location.get(name), f"location.{name}", notes) for name in ("longitude", "latitude"))
    if lon is None or lat is None:
        return None, None
    if _within(lon, _LONGITUDES) and _within(lat, _LATITUDES):
        return lon, lat
    if _within(lat, _LONGITUDES) and _within(lon, _LATITUDES):
        notes.add("position_swapped", "location", [lon, lat])
        return lat, lon
    notes.add("position_outside" if lon or lat else "position_null_island", "location", [lon, lat])
    return None, None


def _degrees(value: JSON, where: str, notes: Notes) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,3}(\.\d{1,20})?", value.strip(), re.ASCII):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        notes.add("wrong_type", where, value)
        return None
    return float(value) if abs(value) <= 360 else 360.0  # outside in any case


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]


# --- when open -------------------------------------------------------------------------------------------------------

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")


def opening_hours(value: JSON, where: str, notes: Notes) -> list[dict[str, Any]] | None:
    """Weekly hours: None for null, [] and for what cannot be read as a whole; an empty list when all days are closed."""
    days = notes.sequence(value, where)
    if not days:
        return None
    if len(days) != 7:
        notes.add("wrong_type", where, len(days))
        return None
    try:
        return [slot for weekday, day in enumerate(days, 1) for slot in _day(day, weekday, where)]
    except Refused as refused:  # a week with a hole would say "closed" where nobody said so
        notes.warnings.append(refused.reject)
        return None


def _day(day: JSON, weekday: int, where: str) -> list[dict[str, Any]]:
    slots = day.get("timeSlots") if isinstance(day, dict) else None
    if not isinstance(day, dict) or not isinstance(slots, list | None):
        raise Refused("wrong_type", f"{where}[{weekday - 1}]", day)
    by_appointment = day.get("appointmentOnly") is True
    if day.get("closed") is True:
        return []
    if day.get("allDay") is True or (by_appointment and not slots):
        return [{"weekday": weekday, "opens": None, "closes": None, "by_appointment": by_appointment}]
    return [_slot(slot, weekday, where) | {"by_appointment": by_appointment} for slot in slots or []]


def _slot(slot: JSON, weekday: int, where: str) -> dict[str, Any]:
    times = [slot.get(name) for name in ("start", "end")] if isinstance(slot, dict) else [None]
    clocks = [time[:5] for time in times if isinstance(time, str) and _CLOCK.fullmatch(time[:5])]
    if len(clocks) != 2:
        raise Refused("date_unreadable", f"{where}[{weekday - 1}].timeSlots", slot)
    return {"weekday": weekday, "opens": clocks[0], "closes": clocks[1]}


# --- who -------------------------------------------------------------------------------------------------------------

CONTACT_FIELDS = (
    "area_of_responsibility",
    "name",
    "email",
    "phone_number",
    "mobile_number",
    "website",
    "opening_hours",
    "appointment_url",
)
_REACH = ("email", "phone", "mobile", "website", "appointment_url")


def contacts_of(value: JSON, place_key: str, policy: ContactPolicy, notes: Notes) -> tuple[ContactDraft, ...]:
    """The contacts of a place; the rank counts within an area, so that a new area shifts nobody's id.

    `functions` drops every name, since no field says whether it is that of a person or of an office.
    """
    if policy == "none":
        return ()
    drafts = []
    ranks: dict[str, int] = {}
    for index, entry in enumerate(notes.sequence(value, "contacts")):
        where = f"contacts[{index}]"
        contact = notes.mapping(entry, where)
        if contact is not entry:
            continue  # no object, so none that the source counts
        function = notes.text(contact.get("area_of_responsibility"), f"{where}.area_of_responsibility")
        area = function or ""
        ranks[area] = ranks.get(area, -1) + 1
        data = {
            "function": function,
            "name": notes.text(contact.get("name"), f"{where}.name") if policy == "names" else None,
            "email": notes.text(contact.get("email"), f"{where}.email"),
            "phone": notes.text(contact.get("phone_number"), f"{where}.phone_number"),
            "mobile": notes.text(contact.get("mobile_number"), f"{where}.mobile_number"),
            "website": notes.url(contact.get("website"), f"{where}.website"),
            "appointment_url": notes.url(contact.get("appointment_url"), f"{where}.appointment_url"),
            "opening_hours": opening_hours(contact.get("opening_hours"), f"{where}.opening_hours", notes),
        }
        if data["name"] or any(data[field] for field in _REACH):  # without any there is nobody to reach
            drafts.append(ContactDraft(place_key=place_key, area=area, rank=ranks[area], data=data))
    return tuple(drafts)


def organisation_of(value: JSON, notes: Notes) -> tuple[str, Mapping[str, Any]] | None:
    """The organisation under its number, else its slug."""
    organisation = notes.mapping(value, "organization")
    name = notes.text(organisation.get("name"), "organization.name")
    key = number_of(organisation.get("id")) or notes.text(organisation.get("slug"), "organization.slug")
    if not name or not key:
        return None
    url = notes.url(organisation.get("website"), "organization.website")
    return f"organisation/{key}", draft_organisation(name, url=url)


# --- where it stands -------------------------------------------------------------------------------------------------


def source_url(data: Mapping[str, Any], base: str) -> str | None:
    """The record's page: its own address if it is on the host of `base`, else its path there; never another host."""
    url, path = data.get("url"), data.get("path")
    own = web_address(url) if isinstance(url, str) else None
    if own and urlsplit(own).netloc.lower() == urlsplit(base).netloc.lower():
        return own
    if not isinstance(path, str) or not re.match(r"/[^/\\]", path):
        return None
    return web_address(base + quote(one_line(path), safe="/%-._~!$&'()*+,;=:@"))


def as_extra(value: JSON) -> str:
    """A value of `extra`: a string as it is, anything else as JSON text with sorted keys."""
    return one_line(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
