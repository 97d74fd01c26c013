"""What a list shows of the offers found: the answer of `/v1/offers` and of `verbund offer find`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from verbund.codec import Codec
from verbund.views.offers import SHOWN, OfferRow, Offers
from verbund.views.organisations import Organisations
from verbund.views.search_query import SearchAnswer, SearchHit
from verbund.views.search_starts import next_start
from verbund_schemas import districts, vocabulary

#: Vocabulary with the labels of each facet; values of the others are their own labels.
_LABELS = {"kind": "kind", "category": "categories", "target_group": "target_groups"}


def language_for(texts: Mapping[str, Any], wanted: str) -> str | None:
    """The language to show: the wanted one, else German, else the first there is; None without texts."""
    return next((one for one in (wanted, "de", *texts) if one in texts), None)


def found_offers(
    answer: SearchAnswer,
    *,
    offers: Offers,
    organisations: Organisations,
    codec: Codec,
    now: datetime,
    language: str = "de",
) -> dict[str, Any]:
    """The answer as JSON values: `total`, `facets`, `items`, `next_cursor`, `corrected`.

    An offer that another view does not show yet, or no longer, is left out of `items`; `total` is the index's.
    """
    rows = offers.by_ids(hit.offer_id for hit in answer.hits)
    wanted = {row.organisation_id for row in rows.values() if row.organisation_id}
    names = {ident: row.name for ident, row in organisations.by_ids(wanted).items()} if wanted else {}
    items = []
    for hit in answer.hits:
        row = rows.get(hit.offer_id)
        offer = row.offer(codec) if row and row.district == hit.district and row.state in SHOWN else None
        if row is not None and offer is not None:
            items.append(_item(row, offer, hit, names.get(row.organisation_id or ""), now=now, language=language))
    return {
        "total": answer.total,
        "facets": {name: _facet(name, counts, language) for name, counts in answer.facets.items()},
        "items": items,
        "next_cursor": answer.next_cursor,
        "corrected": list(answer.corrected),
    }


def label_of(facet: str, value: str, language: str) -> str:
    """What a facet's value is called."""
    if facet == "district":
        district = districts().get(value)
        return district.full_name if district else value
    return vocabulary(_LABELS[facet]).label(value, language) if facet in _LABELS else value


def _item(
    row: OfferRow, offer: Mapping[str, Any], hit: SearchHit, organisation: str | None, *, now: datetime, language: str
) -> dict[str, Any]:
    shown = language_for(offer["texts"], language)
    text = offer["texts"][shown] if shown else {}
    place = offer["place"] or {}
    start = next_start(offer, now)
    district = districts().get(row.district)
    return {
        "offer_id": row.offer_id,
        "title": text.get("title"),
        "summary": text.get("summary"),
        "language": shown,
        "translation": text.get("translation"),
        "kind": offer["kind"],
        "categories": offer["categories"],
        "target_groups": offer["target_groups"],
        "level_from": offer["level_from"],
        "level_to": offer["level_to"],
        "languages_of_instruction": offer["languages_of_instruction"],
        "district": row.district,
        "district_name": district.full_name if district else None,
        "source": row.source,
        "organisation": organisation,
        "place": {name: place.get(name) for name in ("name", "street", "postcode", "town", "lon", "lat")}
        if place
        else None,
        "online_url": offer["online_url"],
        "next_start": instant_text(start),
        "cost": offer["cost"],
        "availability": offer["availability"],
        "state": row.state,
        "revision": row.revision,
        "last_changed": instant_text(row.last_changed),
        "source_url": offer["source_url"],
        "licence": offer["licence"],
        "attribution": offer["attribution"],
        "marks": {name: [list(piece) for piece in pieces] for name, pieces in hit.marks.items()},
    }


def _facet(name: str, counts: tuple[tuple[str, int], ...], language: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": label_of(name, value, language), "count": count} for value, count in counts]


def instant_text(moment: datetime | date | None) -> str | None:
    """ISO 8601; instants in UTC with Z."""
    if moment is None:
        return None
    return (
        moment.isoformat(timespec="seconds").replace("+00:00", "Z")
        if isinstance(moment, datetime)
        else moment.isoformat()
    )
