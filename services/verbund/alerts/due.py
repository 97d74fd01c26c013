"""What is to be said now: what people were told last against how things are. Data in, data out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any, Final

from verbund import hours
from verbund.alerts.facts import KINDS, HoldTold, Item, Kind, Look, SourceNow, Told
from verbund.settings_alerts import AlertSettings

#: An open hold is brought to mind when it is so old, and this long before it expires.
REMIND_AFTER: Final = (timedelta(days=3), timedelta(days=10))
REMIND_BEFORE_END: Final = timedelta(days=1)

# A hold that grew is news once it is so many times what people were told.
_GREW: Final = 2
_NEEDS_A_PERSON: Final = frozenset({"degraded", "held"})
_OF_HOLDS: Final = frozenset({"new_hold", "held"})
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What to say, in one message, and what people have been told once it is said."""

    items: tuple[Item, ...]
    told: Told


def alerts_due(before: Told, after: Look, now: datetime, settings: AlertSettings) -> Due:
    """What is news to people.

    In a quiet time nothing is, but for its first hold if so set: what people were told stays as it was, so that what is
    still so afterwards is told then, and what is over by then is not.
    """
    quiet = hours.covered(settings.quiet, now)
    if quiet and not _lets_through(before, now, settings):
        return Due(items=(), told=before)
    items = sorted(_news(before, after, now), key=lambda item: (KINDS.index(item.kind), item.source))
    if not quiet:
        return Due(items=tuple(items), told=_told(before, after, now))
    first = next((item for item in items if item.kind in _OF_HOLDS), None)
    if first is None:
        return Due(items=(), told=before)
    return Due(items=(first,), told=replace(_told_of(before, first, after, now), let_through_at=now))


def weekly_due(before: Told, now: datetime, settings: AlertSettings) -> bool:
    """Whether the summary of the week is to be made now; the first waits for its day."""
    if settings.weekly is None or before.weekly_at is None or hours.covered(settings.quiet, now):
        return False
    return last_weekly(settings.weekly, now) > before.weekly_at


def last_weekly(moment: str, now: datetime) -> datetime:
    """The latest instant up to now that the clock on the wall showed `mon 07:00`."""
    day, clock = moment.split()
    local = now.astimezone(hours.LOCAL)
    back = (local.weekday() - _DAYS.index(day.lower())) % 7
    at = datetime.combine(local.date() - timedelta(days=back), time.fromisoformat(clock), hours.LOCAL)
    return at if at <= now else datetime.combine(at.date() - _WEEK, at.timetz().replace(tzinfo=None), hours.LOCAL)


# --- news ------------------------------------------------------------------------------------------------------------


def _news(before: Told, after: Look, now: datetime) -> Iterator[Item]:
    sources = {one.source: one for one in after.sources}
    with_holds = {hold["source"] for hold in after.holds}
    for one in after.sources:
        kind = _news_of_source(before.words.get(one.source), one, has_holds=one.source in with_holds)
        if kind is not None:
            yield _item(kind, one)
    for hold in after.holds:
        kind = _news_of_hold(before.holds.get(hold["hold_id"]), hold, now)
        if kind is not None:
            yield _item(kind, sources.get(hold["source"]) or _unknown(hold), hold)


def _news_of_source(told: str | None, now: SourceNow, *, has_holds: bool) -> Kind | None:
    if now.paused or now.word == told:
        return None
    match now.word:
        case "degraded":
            return "degraded"
        case "held":
            return None if has_holds else "held"  # then the hold itself is the news
        case _:
            return "recovered" if told in _NEEDS_A_PERSON else None


def _news_of_hold(told: HoldTold | None, hold: Mapping[str, Any], now: datetime) -> Kind | None:
    if told is None:
        return "new_hold"
    if hold["count"] >= _GREW * max(told.count, 1):
        return "hold_grew"
    return "hold_reminder" if _reminders(hold, now) > told.reminders else None


def reminders(opened_at: datetime, expires_at: datetime) -> list[datetime]:
    """When a hold that stays open is brought to mind."""
    return [*(opened_at + after for after in REMIND_AFTER), expires_at - REMIND_BEFORE_END]


def _reminders(hold: Mapping[str, Any], now: datetime) -> int:
    """How many of its reminders are due or past."""
    return sum(moment <= now for moment in reminders(_instant(hold["opened_at"]), _instant(hold["expires_at"])))


# --- what people have been told then ---------------------------------------------------------------------------------


def _told(before: Told, after: Look, now: datetime) -> Told:
    words = {one.source: one.word for one in after.sources if one.word in _NEEDS_A_PERSON and not one.paused}
    paused = {one.source for one in after.sources if one.paused}
    kept = {source: word for source, word in before.words.items() if source in paused}
    holds = {hold["hold_id"]: _hold_told(before.holds.get(hold["hold_id"]), hold, now) for hold in after.holds}
    return replace(before, words={**kept, **words}, holds=holds)


def _told_of(before: Told, item: Item, after: Look, now: datetime) -> Told:
    """As `_told`, but this one item only."""
    whole = _told(before, after, now)
    words = {**before.words, item.source: item.word}
    if item.hold is None:
        return replace(before, words=words)
    hold_id = item.hold["hold_id"]
    return replace(before, words=words, holds={**before.holds, hold_id: whole.holds[hold_id]})


def _hold_told(told: HoldTold | None, hold: Mapping[str, Any], now: datetime) -> HoldTold:
    grew = told is None or hold["count"] >= _GREW * max(told.count, 1)
    return HoldTold(count=hold["count"] if grew or told is None else told.count, reminders=_reminders(hold, now))


def _lets_through(before: Told, now: datetime, settings: AlertSettings) -> bool:
    if settings.quiet_except != "held":
        return False
    last = before.let_through_at
    # The same quiet time is one that ends at the same instant.
    return last is None or hours.free_from(settings.quiet, last) != hours.free_from(settings.quiet, now)


def _item(kind: Kind, one: SourceNow, hold: Mapping[str, Any] | None = None) -> Item:
    return Item(
        kind=kind,
        source=one.source,
        district=one.district,
        title=one.title,
        word=one.word,
        because=one.because,
        hold=hold,
    )


def _unknown(hold: Mapping[str, Any]) -> SourceNow:
    return SourceNow(source=hold["source"], district=hold["district"], title=hold["source"], word="held")


def _instant(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
