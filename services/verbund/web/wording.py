"""Facts in words for people, German and English: dates, times, recurrences, opening hours, prices."""

from __future__ import annotations

import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime, format_skeleton, format_time, get_day_names
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from verbund.explanations import reason_title
from verbund.i18n import translations
from verbund.offer import HOME_ZONE
from verbund_schemas import districts, vocabulary

#: Scripts that run from right to left.
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ps", "ur", "ckb", "dv", "yi"})

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language says things; one for each language of the pages."""

    language: str

    @property
    def locale(self) -> str:
        """For dates and numbers; English ones as in Europe: the day before the month."""
        return "en_GB" if self.language == "en" else self.language

    @property
    def catalogue(self) -> gettext.NullTranslations:
        """Its sentences."""
        return translations(self.language)

    def label(self, name: str, code: str | None) -> str:
        """The label of a vocabulary's word."""
        return vocabulary(name).label(code, self.language) if code else ""

    def reason(self, code: str) -> str:
        """Why the health of a source is what it is."""
        return reason_title(code, self.language)

    def labels(self, name: str, codes: Sequence[str]) -> str:
        """Labels, joined."""
        return self.listed([self.label(name, code) for code in codes])

    def listed(self, words: Sequence[str]) -> str:
        """Words as an enumeration."""
        return format_list(list(words), "unit-short", locale=self.locale)

    def language_name(self, code: str) -> str:
        """The name of a language in this one."""
        return str(Locale(self.language).languages.get(code, code))

    def own_name(self, code: str) -> str:
        """The name of a language in itself, for links."""
        try:
            return str(Locale.parse(code).languages.get(code, code))
        except (ValueError, LookupError):
            return code

    def direction(self, code: str) -> str:
        """Which way a language runs: ltr or rtl."""
        return "rtl" if code in RIGHT_TO_LEFT else "ltr"

    def district(self, ags: str) -> str:
        """The name of a district."""
        known = districts().get(ags)
        return known.full_name if known else ags

    def number(self, value: float) -> str:
        """With the language's separators."""
        return format_decimal(value, locale=self.locale)

    def day(self, value: date | str) -> str:
        """A date, weekday first."""
        moment = date.fromisoformat(value[:10]) if isinstance(value, str) else value
        return format_skeleton("yMMMEd", moment, locale=self.locale)

    def moment(self, value: datetime | str, zone: str = HOME_ZONE) -> str:
        """An instant in local time."""
        instant = datetime.fromisoformat(value) if isinstance(value, str) else value
        return format_datetime(
            instant,
            "EEE, d MMM y, HH:mm" if self.language == "en" else "EEE, d. MMM y, HH:mm 'Uhr'",
            tzinfo=ZoneInfo(zone),
            locale=self.locale,
        )

    def start(self, value: str | date | datetime | None) -> str:
        """A start of an offer: an instant, or a day."""
        if value is None:
            return ""
        text = value if isinstance(value, str) else value.isoformat()
        return self.moment(text) if "T" in text else self.day(text)

    def occurrence(self, one: Mapping[str, Any]) -> str:
        """A dated start, with its end."""
        zone = one["zone"] or HOME_ZONE
        begin = datetime.fromisoformat(one["start"]).astimezone(ZoneInfo(zone))
        end = datetime.fromisoformat(one["end"]).astimezone(ZoneInfo(zone)) if one["end"] else None
        first = self.day(begin.date()) if one["all_day"] else self.moment(begin, zone)
        if end is None:
            return first
        if end.date() == begin.date() and not one["all_day"]:
            return f"{first} – {self.clock(end.time())}"
        return f"{first} – {self.day(end.date())}"

    def clock(self, value: time | str) -> str:
        """A time of day."""
        moment = time.fromisoformat(value) if isinstance(value, str) else value
        return format_time(moment, "HH:mm" if self.language == "en" else "HH:mm 'Uhr'", locale=self.locale)

    def cost(self, cost: Mapping[str, Any] | None) -> str:
        """What it costs; empty when unknown."""
        if cost is None:
            return ""
        _ = self.catalogue.gettext
        if cost["free"] or cost["amount"] == 0:
            said = _("free of charge")
        elif cost["amount"] is not None:
            said = format_currency(cost["amount"], cost["currency"], locale=self.locale)
        elif cost["free"] is False:
            said = _("with costs")
        else:
            said = ""
        return f"{said} ({cost['note']})" if said and cost["note"] else said or cost["note"] or ""

    def levels(self, needs: str | None, reaches: str | None) -> str:
        """A range of language levels."""
        ends = [self.label("levels", one) for one in dict.fromkeys((needs, reaches)) if one]
        return " – ".join(ends)

    def ages(self, youngest: int | None, oldest: int | None) -> str:
        """A range of ages."""
        _ = self.catalogue.gettext
        if youngest is not None and oldest is not None:
            return _("{first} to {last} years").format(first=youngest, last=oldest)
        if youngest is not None:
            return _("from {first} years").format(first=youngest)
        return _("up to {last} years").format(last=oldest) if oldest is not None else ""

    def opening_hours(self, hours: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """Weekdays and their times, in the order of the week."""
        _ = self.catalogue.gettext
        names = get_day_names("wide", locale=self.locale)
        agreed = _("by appointment")
        ordered = sorted(hours, key=lambda one: (one["weekday"], one["opens"] or ""))
        lines = []
        for weekday, some in groupby(ordered, key=lambda one: one["weekday"]):
            spans = []
            for one in some:
                span = f"{one['opens']} – {one['closes']}" if one["opens"] and one["closes"] else _("all day")
                spans.append(f"{span} ({agreed})" if one["by_appointment"] else span)
            lines.append((names[weekday - 1], ", ".join(spans)))
        return lines

    def recurrence(self, rule: Mapping[str, Any]) -> str:
        """A repeating time in one sentence."""
        _ = self.catalogue.gettext
        parts = dict(
            part.split("=", 1) for part in rule["rule"].upper().removeprefix("RRULE:").split(";") if "=" in part
        )
        start = datetime.fromisoformat(rule["start"])
        said = self._rhythm(parts, start)
        if not rule["all_day"]:
            span = start.strftime("%H:%M")
            if rule["end"]:
                span += f"–{datetime.fromisoformat(rule['end']):%H:%M}"
            said = _("{rhythm}, {time}").format(rhythm=said, time=span + (" Uhr" if self.language == "de" else ""))
        said = _("{rhythm}, from {day}").format(rhythm=said, day=self.day(start.date()))
        if until := parts.get("UNTIL"):
            said = _("{rhythm} until {day}").format(rhythm=said, day=self.day(_until_day(until, rule["zone"])))
        elif (count := parts.get("COUNT", "")).isdecimal():
            said += ", " + self.catalogue.ngettext("{count} time", "{count} times", int(count)).format(count=count)
        return said

    def _rhythm(self, parts: Mapping[str, str], start: datetime) -> str:
        _ = self.catalogue.gettext
        every = int(parts["INTERVAL"]) if parts.get("INTERVAL", "").isdecimal() else 1
        names = get_day_names("wide", locale=self.locale)
        days = [day for day in parts.get("BYDAY", "").split(",") if day]
        places = [(day[:-2], names[_WEEKDAYS.index(day[-2:])]) for day in days if day[-2:] in _WEEKDAYS]
        weekdays = self.listed([name for _place, name in places]) or names[start.weekday()]
        match parts.get("FREQ"):
            case "DAILY" if not places:
                return _("every day") if every == 1 else _("every {count} days").format(count=every)
            case "DAILY" | "WEEKLY":
                said = _("every week") if every == 1 else _("every {count} weeks").format(count=every)
                return _("{rhythm} on {weekdays}").format(rhythm=said, weekdays=weekdays)
            case "MONTHLY":
                said = _("every month") if every == 1 else _("every {count} months").format(count=every)
                which = parts.get("BYSETPOS") or (places[0][0] if places else "")
                places_in_month = {
                    "1": _("{rhythm} on the first {weekday}"),
                    "2": _("{rhythm} on the second {weekday}"),
                    "3": _("{rhythm} on the third {weekday}"),
                    "4": _("{rhythm} on the fourth {weekday}"),
                    "-1": _("{rhythm} on the last {weekday}"),
                }
                if places and which in places_in_month:
                    names_in_month = self.listed([name for _place, name in places])
                    return places_in_month[which].format(rhythm=said, weekday=names_in_month)
                return said
            case "YEARLY":
                return _("every year")
            case _:
                return _("repeatedly")


def _until_day(text: str, zone: str) -> date:
    """The last day of a rule; midnight at its end still belongs to the day before."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo:
        return (moment.astimezone(ZoneInfo(zone)) - timedelta(microseconds=1)).date()
    return moment.date()
