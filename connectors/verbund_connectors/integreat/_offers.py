"""Records to offers: what the languages of one event, place, page or service say together."""

from __future__ import annotations

from collections.abc import Sequence

from verbund_connectors.classify import category, target_groups
from verbund_connectors.integreat import _words
from verbund_connectors.integreat._dates import times
from verbund_connectors.integreat._fields import as_extra, contacts_of, opening_hours, place_of
from verbund_connectors.integreat._texts import Record
from verbund_connectors.kit import Ignored, Item, Mapped, SourceContext


def event(_key: str, items: Sequence[Item], context: SourceContext, base: str) -> Mapped | Ignored:
    """An event: dates, place or link; kind and categories from the words of its title."""
    record = Record(items, context, base)
    if record.is_ours("meeting_url"):
        return Ignored(reason="ours")
    data, notes, title = record.data, record.notes, record.title
    kind = _words.kind_of_event(title)
    level_from, level_to = _words.levels_of(kind, title)
    when = notes.mapping(data.get("event"), "event")
    return record.mapped(
        kind,
        **times(when, data.get("recurrence_rule"), notes, status=_words.status_of(title)),
        categories=tuple(category(title)),
        target_groups=tuple(target_groups(title)),
        level_from=level_from,
        level_to=level_to,
        place=place_of(data.get("location"), notes),
        online_url=notes.url(data.get("meeting_url"), "meeting_url"),
        extra={"only_weekdays": "true"} if when.get("only_weekdays") is True else {},
    )


def place(key: str, items: Sequence[Item], context: SourceContext, base: str) -> Mapped | Ignored:
    """A place: category by its icon, opening hours, contacts, organisation."""
    record = Record(items, context, base)
    if record.is_ours("appointment_url"):
        return Ignored(reason="ours")
    data, notes = record.data, record.notes
    given = notes.mapping(data.get("category"), "category")
    icon = notes.text(given.get("icon"), "category.icon")
    appointment = notes.url(data.get("appointment_url"), "appointment_url")
    label = notes.text(given.get("name"), "category.name")
    closed = notes.flag(data.get("temporarily_closed"), "temporarily_closed")
    return record.mapped(
        _words.KIND_OF_ICON.get(icon or "", "place"),
        contacts=contacts_of(data.get("contacts"), key, context.contacts, notes),
        categories=_words.categories_of_place(icon, record.title),
        foreign_codes=({"scheme": _words.ICON_SCHEME, "code": icon, "label": label},) if icon else (),
        opening_hours=opening_hours(data.get("opening_hours"), "opening_hours", notes),
        availability="temporarily_closed" if closed else None,
        place=place_of(data.get("location"), notes),
        registration={"how": None, "url": appointment} if appointment else None,
        barrier_free=notes.flag(data.get("barrier_free"), "barrier_free"),
    )


def page(_key: str, items: Sequence[Item], context: SourceContext, base: str) -> Mapped | Ignored:
    """A page of information below one of the roots; pages without text only hold others together."""
    live = [item for item in items if not (isinstance(item.data, dict) and item.data.get("out_of_scope"))]
    if not live:
        return Ignored(reason="out_of_scope")
    record = Record(live, context, base)
    if record.is_ours():
        return Ignored(reason="ours")
    if not any(text["description_text"] for text in record.texts.values()):
        return Ignored(reason="out_of_scope")
    embedded = sorted(alias for alias in record.data.get("embedded_offers") or () if isinstance(alias, str))
    return record.mapped(
        "programme",
        categories=tuple(category(record.title)),
        target_groups=tuple(target_groups(record.title)),
        extra={"embedded_offers": as_extra(embedded)} if embedded else {},
    )


def service(_key: str, items: Sequence[Item], context: SourceContext, base: str) -> Mapped | Ignored:
    """What Integreat calls an offer: a service of a third party, known by name and address only."""
    record = Record(items, context, base, title="name")
    if record.is_ours("url"):
        return Ignored(reason="ours")
    post = record.data.get("post")
    return record.mapped(
        "service",
        categories=tuple(category(record.title)),
        online_url=record.notes.url(record.data.get("url"), "url"),
        source_url=None,
        extra={"post": as_extra(post)} if post else {},
    )
