"""What the search page shows: the answer, its facets as links and boxes, chips, and a way out of no hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from verbund.errors import UsageError
from verbund.i18n import error_sentence, translations
from verbund.offer import HOME_ZONE
from verbund.views.search_items import label_of
from verbund.web.offers_api import find_offers
from verbund.web.parameters import LISTS, OfferFilters
from verbund.web.reading import Reading
from verbund.web.wording import Wording

Pair = tuple[str, str]

#: Values of a facet that are shown at once; the others wait behind "more".
SHOWN_VALUES = 6

# Filters that chips stand for, beside the lists.
_SINGLES = ("q", "neighbours", "near", "from", "to", "past")


def search_page(reading: Reading, asked: Sequence[Pair], *, language: str) -> tuple[dict[str, Any], int]:
    """What `search.html` shows, and the status of the page."""
    known = set(LISTS) | set(_SINGLES) | {"radius_km", "order", "cursor"}
    pairs = [(name, value) for name, value in asked if name in known and value.strip()]
    problems: list[dict[str, str]] = []
    filters = _filters(pairs, problems)
    try:
        found = find_offers(reading, filters, language=language, path=f"/{language}/")
    except UsageError as error:  # a cursor of old, or a place on the moon
        problems.append({"name": "q", "message": error_sentence(error, language)})
        pairs = [(name, value) for name, value in pairs if name not in ("cursor", "near")]
        filters = _filters(pairs, problems)
        found = find_offers(reading, filters, language=language, path=f"/{language}/")
    chips = _chips(pairs, filters, language)
    shown = {
        "found": found,
        "filters": filters,
        "problems": problems,
        "facets": _facets(found["facets"], filters),
        "chips": chips,
        "ways_out": _ways_out(reading, filters, chips) if not found["total"] else [],
        "first_page": _address([pair for pair in pairs if pair[0] != "cursor"]) if filters.cursor else None,
        "everything": f"/{language}/",
        "api": f"/v1/offers?{urlencode(pairs)}",
    }
    return shown, HTTPStatus.UNPROCESSABLE_ENTITY if problems else HTTPStatus.OK


def _filters(pairs: list[Pair], problems: list[dict[str, str]]) -> OfferFilters:
    """The filters that make sense; the others are named in `problems` and left out."""
    while True:
        values: dict[str, Any] = {}
        for name, value in pairs:
            if name in LISTS:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value
        try:
            return OfferFilters.model_validate(values)
        except ValidationError as error:
            wrong = {str(one["loc"][0]) if one["loc"] else "to" for one in error.errors()}
            problems += [{"name": name, "message": ""} for name in sorted(wrong)]
            pairs[:] = [pair for pair in pairs if pair[0] not in wrong]


def _facets(facets: dict[str, list[dict[str, Any]]], filters: OfferFilters) -> list[dict[str, Any]]:
    """Facets with their boxes: chosen values first, so that they are always in sight."""
    groups = []
    for name in ("kind", "category", "level", "target_group", "language", "free", "source"):
        chosen = set(getattr(filters, name))
        values = [{**value, "chosen": value["value"] in chosen} for value in facets[name]]
        values.sort(key=lambda value: not value["chosen"])
        groups.append(
            {"name": name, "shown": values[:SHOWN_VALUES], "more": values[SHOWN_VALUES:], "chosen": bool(chosen)}
        )
    return groups


def _chips(pairs: list[Pair], filters: OfferFilters, language: str) -> list[dict[str, str]]:
    """One chip for each thing that narrows, with the address of the page without it."""
    say = Wording(language)
    kept = [pair for pair in pairs if pair[0] != "cursor"]
    chips = []
    for pair in kept:
        name, value = pair
        if name in ("radius_km", "order") or (name == "neighbours" and not filters.neighbours):
            continue
        if name == "past" and not filters.past:
            continue
        rest = [other for other in kept if other != pair and not (name == "near" and other[0] == "radius_km")]
        chips.append(
            {"name": name, "value": value, "text": _chip(say, filters, name, value), "without": _address(rest)}
        )
    return chips


def _chip(say: Wording, filters: OfferFilters, name: str, value: str) -> str:
    _ = translations(say.language).gettext
    match name:
        case "q":
            return f"„{value}“" if say.language == "de" else f"“{value}”"
        case "neighbours":
            return _("and neighbouring districts")
        case "near":
            return _("within {km} km of {place}").format(km=say.number(filters.radius_km), place=value)
        case "from":
            return _("from {day}").format(day=say.day(value))
        case "to":
            return _("until {day}").format(day=say.day(value))
        case "past":
            return _("past offers, too")
        case "language":
            return say.language_name(value)
        case "free":
            return {"free": _("free of charge"), "paid": _("with costs")}.get(value, _("cost unknown"))
        case _:
            return label_of(name, value, say.language)


def _ways_out(reading: Reading, filters: OfferFilters, chips: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Which one thing to drop, and how many offers that gives; the most helpful first."""
    query = filters.query(reading.clock().astimezone(ZoneInfo(HOME_ZONE)).date())
    query = replace(query, cursor=None, limit=1)
    fields: dict[str, dict[str, Any]] = {
        "q": {"text": ""}, "district": {"districts": ()}, "neighbours": {}, "near": {"near": None},
        "from": {"starts_from": None}, "to": {"starts_to": None}, "level": {"levels": ()}, "language": {"languages": ()},
        "category": {"categories": ()}, "target_group": {"target_groups": ()}, "kind": {"kinds": ()}, "free": {"free": ()},
        "source": {"sources": ()}, "organisation": {"organisations": ()},
    }  # fmt: skip
    ways = []
    for chip in chips:
        changed: dict[str, Any] = dict(fields.get(chip["name"], {}))
        for field, empty in changed.items():
            chosen = getattr(query, field)
            if isinstance(chosen, tuple) and empty == () and len(chosen) > 1:
                changed[field] = tuple(one for one in chosen if one != chip["value"])
        if changed:
            total = reading.search.search(replace(query, **changed), facets=False).total
            if total:
                ways.append({**chip, "total": total})
    return sorted(ways, key=lambda way: -way["total"])


def _address(pairs: list[Pair]) -> str:
    return "?" + urlencode(pairs) if pairs else "?"
