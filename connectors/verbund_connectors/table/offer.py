"""A row to an offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from verbund_connectors import classify, times, values
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
    occurrence,
    place,
)
from verbund_connectors.table.fields import Said, compile_step
from verbund_connectors.table.settings import TEXTS, ColumnRule, TableSettings

ZONE = "Europe/Berlin"
KEY_JOINT = "|"  # between the cells of a key of several columns
SHAPE = ""  # where `read` notes that a row has more or fewer cells than the headings
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_STATUS_OF_START = {"full": "full", "waiting_list": "waiting_list", "postponed": "postponed"}
_AVAILABILITY = {"full": "full", "temporarily_closed": "temporarily_closed"}


class Mapper:
    """The compiled mapping of one source."""

    def __init__(self, settings: TableSettings, context: SourceContext) -> None:
        self._context = context
        self._key = " + ".join(settings.key)
        # The key of a row that repeats the headings, as lists made for printing do.
        self._key_of_headings = KEY_JOINT.join(values.line(column) or "" for column in settings.key).lower()
        self._title = next((r.columns[0] for f, r in settings.map.items() if f.startswith("title")), "title")
        self._steps = [compile_step(_plain_name(name, context), rule) for name, rule in settings.map.items()]
        preset = Said({})
        for name, value in settings.defaults.items():
            compile_step(_plain_name(name, context), ColumnRule(column=name)).look({name: value}, preset)
        self._preset = preset.values
        names = {_plain_name(name, context) for name in (*settings.map, *settings.defaults)}
        self._texts = _languages(names, context.default_language)
        self._extras = sorted(name for name in names if name.startswith("extra."))

    def answer(self, key: str, items: Sequence[Item]) -> Answer:
        """What becomes of the row or, where a key stands in several, the rows."""
        row = items[0].data
        warnings = []
        if len(items) > 1:
            if any(item.data != row for item in items[1:]):
                return Rejected(
                    rejects=(Reject(rule="key_duplicate", place=self._key, value=f"{len(items)} different rows"),)
                )
            warnings.append(Reject(rule="row_repeated", place=self._key))
        if SHAPE in row:
            return Rejected(rejects=(Reject(rule="row_shape", place="row", value=row[SHAPE]),))
        if key.lower() == self._key_of_headings:
            return Rejected(rejects=(Reject(rule="key_junk", place=self._key, value=key),))
        said = Said(dict(self._preset), warnings)
        self._read(row, said)
        status = _one(said.values.get("status"))
        if status == "withdrawn":
            return Withdrawn(reason="explicit_delete")
        if status == "cancelled":
            return Withdrawn(reason="cancelled")
        url = said.values.get("url")
        if url and any(url.startswith(hub) for hub in self._context.hub_urls):
            return Ignored(reason="ours")
        return self._mapped(key, said, status)

    def _read(self, row: Mapping[str, Any], said: Said) -> None:
        for name, column, known, look in self._steps:
            if column is not None:
                raw = row.get(column)
                if raw is None:
                    continue
                if (value := known.get(raw)) is not None:
                    said.values[name] = value
                    continue
            look(row, said)

    def _mapped(self, key: str, said: Said, status: str | None) -> Answer:
        value = said.values
        texts, hashed = self._said_texts(value)
        if not texts:
            return Rejected(rejects=(Reject(rule="title_missing", place=self._title),))
        title = next(iter(texts.values()))["title"]
        categories = value.get("category") or ([] if "category" in _fields(said) else classify.category(title))
        starts, recurrence, hours = _when(said, status)
        low, high = _levels(value)
        young, old = value.get("age") or (value.get("age_from"), value.get("age_to"))
        extra = {name[6:]: value[name] for name in self._extras if name in value}
        codes = _foreign(said, extra)
        _keep_homeless(value, extra, dated=bool(starts), weekly=bool(recurrence or hours))
        offer = draft_offer(
            _one(value.get("kind")) or classify.kind(categories, title, dated=bool(starts) and not recurrence),
            texts,
            categories=categories,
            foreign_codes=codes,
            target_groups=value.get("target_groups", ()),
            level_from=low,
            level_to=high,
            languages_of_instruction=value.get("languages", ()),
            age_from=young,
            age_to=old,
            gender=_one(value.get("gender")),
            starts=starts,
            recurrence=recurrence,
            opening_hours=hours,
            availability=_one(value.get("availability")) or _AVAILABILITY.get(status or ""),
            valid_from=_iso(value.get("valid_from") or (value.get("start") if recurrence else None)),
            valid_to=_iso(value.get("valid_to") or value.get("end")),
            place=_place(said),
            online_url=value.get("online_url"),
            area_served=value.get("area_served", ()),
            cost=_cost(value),
            funding=value.get("funding", ()),
            registration=_pair(value, how="registration", url="registration.url"),
            access=_pair(value, conditions="access", residence_note="access.residence_note"),
            childcare=_yes(value.get("childcare")),
            barrier_free=_yes(value.get("barrier_free")),
            source_url=value.get("url"),
        )
        offer["extra"] = extra
        return Mapped(
            offer=offer,
            organisation=_organisation(value),
            contacts=_contacts(key, value, self._context.contacts),
            content={"texts": {**texts, **hashed}} if hashed else {},
            warnings=tuple(said.warnings),
        )

    def _said_texts(self, value: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        texts: dict[str, Any] = {}
        hashed: dict[str, Any] = {}
        for language, (title_name, summary_name, description_name) in self._texts.items():
            title = value.get(title_name)
            if title:
                summary = values.line(value.get(summary_name), 1_000)
                texts[language], override = values.text_of(title, value.get(description_name), summary=summary)
                if override:
                    hashed[language] = override
        return texts, hashed


def _plain_name(name: str, context: SourceContext) -> str:
    """`title` is `title.de` where German is the source's language."""
    return f"{name}.{context.default_language}" if name in TEXTS else name


def _languages(names: set[str], first: str) -> dict[str, tuple[str, str, str]]:
    """Field names of each language that has a title, the source's own first."""
    found = sorted(
        {n.partition(".")[2] for n in names if n.startswith("title.")}, key=lambda code: (code != first, code)
    )
    return {code: (f"title.{code}", f"summary.{code}", f"description.{code}") for code in found}


def _fields(said: Said) -> set[str]:
    return {name for name, _, _ in said.foreign}


def _one(codes: Any) -> str | None:
    return codes[0] if codes else None


def _yes(codes: Any) -> bool | None:
    return codes[0] == "true" if codes else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _pair(value: Mapping[str, Any], **names: str) -> dict[str, Any] | None:
    found = {name: value.get(field) for name, field in names.items()}
    return found if any(found.values()) else None


def _foreign(said: Said, extra: dict[str, str]) -> list[dict[str, Any]]:
    """Words outside the vocabularies: codes of the column, or a note when the field has no codes of its own."""
    codes = []
    for name, column, word in said.foreign:
        if name in {"category", "target_groups", "level", "level_from", "level_to"}:
            codes.append({"scheme": column, "code": word, "label": None})
        else:
            extra.setdefault(name, word)
    return codes


def _keep_homeless(value: Mapping[str, Any], extra: dict[str, str], *, dated: bool, weekly: bool) -> None:
    """What belongs to a start or a rhythm that the row does not have."""
    if not dated:
        for name in ("seats", "seats_free", "waiting", "registration_until", "exam_on"):
            if name in value:
                extra.setdefault(name, str(value[name]))
    if not weekly and value.get("weekdays"):
        extra.setdefault("weekdays", ",".join(_DAYS[day - 1] for day in value["weekdays"]))
    if not weekly and not dated and value.get("time"):
        extra.setdefault("time", "-".join(part for part in value["time"] if part))


def _levels(value: Mapping[str, Any]) -> tuple[str | None, str | None]:
    low, high = _ends(value.get("level"))
    low = _ends(value.get("level_from"))[0] or low
    high = _ends(value.get("level_to"))[1] or high
    return low, high


def _ends(levels: list[str] | None) -> tuple[str | None, str | None]:
    if not levels:
        return None, None
    if "" in levels and len(levels) == 2:  # one level with an open end: `ab A2`
        return levels[0] or None, levels[1] or None
    known = sorted((level for level in levels if level), key=classify.level_rank)
    return known[0], known[-1]


# --- when ------------------------------------------------------------------------------------------------------------


def _when(
    said: Said, status: str | None
) -> tuple[list[dict[str, Any]], dict[str, Any] | None, list[dict[str, Any]] | None]:
    """Starts, recurrence and weekly hours of what the row says of days, weekdays and times."""
    value = said.values
    first, last = value.get("start"), value.get("end")
    days, hours = value.get("weekdays"), value.get("time")
    if first is None:
        if days and hours:
            return [], None, [_hours(day, hours) for day in days]
        return [], None, None
    if last is not None and last < first:
        said.warn("end_before_start", "end", _iso(last))
        value["end"] = last = None
    recurrence = _recurrence(first, last, days, hours) if days and last != first else None
    day = date.fromisoformat(recurrence["start"][:10]) if recurrence else first
    begin, end = _span(day, day if recurrence else last, hours)
    start = occurrence(
        begin,
        end,
        all_day=hours is None,
        seats=value.get("seats"),
        seats_free=value.get("seats_free"),
        waiting=value.get("waiting"),
        registration_until=_iso(value.get("registration_until")),
        exam_on=_iso(value.get("exam_on")),
        status=_STATUS_OF_START.get(status or ""),
    )
    return [start], recurrence, None


@lru_cache(maxsize=4096)  # term starts come by the hundred
def _span(first: date, last: date | None, hours: tuple[str, str | None] | None) -> tuple[str, str | None]:
    """The instants from the first day, or its time, to the end of the last day, or its time."""
    until = last or first
    if hours is None:
        return times.day_start(first, ZONE), times.day_end(until, ZONE)
    begin = times.instant(f"{first}T{hours[0]}:00", ZONE)
    if hours[1] is None:
        return begin, None if until == first else times.day_end(until, ZONE)
    if until == first and hours[1] <= hours[0]:
        until += timedelta(days=1)
    return begin, times.instant(f"{until}T{hours[1]}:00", ZONE)


@lru_cache(maxsize=4096)
def _recurring(
    first: date, last: date | None, days: tuple[int, ...], hours: tuple[str, str | None] | None
) -> tuple[str, str, str | None]:
    # Terms begin on a day of their own; the first meeting is the first of the weekdays from there.
    day = next(d for d in (first + timedelta(days=n) for n in range(7)) if d.isoweekday() in days)
    rule = f"FREQ=WEEKLY;BYDAY={','.join(_DAYS[n - 1] for n in days)}"
    if last is not None:
        rule += f";UNTIL={last:%Y%m%d}T235959"
    start = datetime.fromisoformat(f"{day}T{hours[0] if hours else '00:00'}:00")
    end = None
    if hours and hours[1]:
        end = datetime.fromisoformat(f"{day}T{hours[1]}:00")
        end = end if end > start else end + timedelta(days=1)
    return rule, start.isoformat(), end.isoformat() if end else None


def _recurrence(
    first: date, last: date | None, days: tuple[int, ...], hours: tuple[str, str | None] | None
) -> dict[str, Any]:
    rule, start, end = _recurring(first, last, days, hours)
    return {"rule": rule, "start": start, "end": end, "all_day": hours is None, "zone": ZONE, "exceptions": []}


def _hours(day: int, hours: tuple[str, str | None]) -> dict[str, Any]:
    return {"weekday": day, "opens": hours[0], "closes": hours[1], "by_appointment": False}


# --- where, terms, who -----------------------------------------------------------------------------------------------


_PLACE_FIELDS = tuple((name, f"place.{name}") for name in ("name", "street", "town", "key", "ags8", "lat", "lon"))


def _place(said: Said) -> dict[str, Any] | None:
    value = said.values
    found = {name: value.get(field) for name, field in _PLACE_FIELDS}
    code = value.get("place.postcode")
    if code is not None:
        found["postcode"] = code[0]
        if code[1]:
            said.warn("postcode_completed", "place.postcode", code[0])
    if all(item is None for item in found.values()):
        return None
    if found["lat"] is None or found["lon"] is None:
        found["lat"] = found["lon"] = None
    else:
        found["position_source"] = "source"
    return place(**found)


def _cost(value: Mapping[str, Any]) -> dict[str, Any] | None:
    cost, note = value.get("cost"), value.get("cost.note")
    if note is None:
        return cost
    return {**(cost or {"amount": None, "currency": "EUR", "free": None}), "note": note}


def _organisation(value: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    name = value.get("organisation")
    if not name:
        return None
    key = value.get("organisation.key") or f"name:{name.casefold()}"
    kind = _one(value.get("organisation.kind")) or classify.organisation_kind(name)
    return key, draft_organisation(name, kind=kind, url=value.get("organisation.url"))


def _contacts(key: str, value: Mapping[str, Any], policy: str) -> tuple[ContactDraft, ...]:
    """The one contact of a row; without names under `functions`, where a mail address made of the name is one too."""
    if policy == "none":
        return ()
    data = {n: value.get(f"contact.{n}") for n in ("function", "name", "email", "phone", "mobile", "website")}
    if policy == "functions":
        name = data.pop("name")
        if name and data["email"] and _is_of(data["email"], name):
            data["email"] = None
    if not any(data[n] for n in ("email", "phone", "mobile") if n in data) and not data.get("name"):
        return ()
    return (ContactDraft(place_key=key, area=data["function"] or "", rank=0, data=data),)


def _is_of(mail: str, name: str) -> bool:
    """Whether the part before @ holds a word of the name."""
    local = classify.fold(mail.partition("@")[0])
    return any(len(word) > 2 and word in local for word in classify.fold(name).replace("-", " ").split())
