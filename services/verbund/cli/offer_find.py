"""`verbund offer find`: the search of `/v1/offers` on the command line."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import offer_show, output, views
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.views.search import SearchQuery

_FACETS_SHOWN = 6
_USUAL_RADIUS_KM = 25.0


class Order(StrEnum):
    """In which order to list."""

    RANK = "rank"
    START = "start"
    CHANGED = "changed"


Many = list[str] | None


def find(
    text: Annotated[str, typer.Argument(help=N_("Words; typing errors and endings are forgiven."))] = "",
    district: Annotated[
        Many, typer.Option("--district", help=N_("District (five digits); may be given again."))
    ] = None,
    neighbours: Annotated[bool, typer.Option("--neighbours", help=N_("The districts around them, too."))] = False,
    near: Annotated[
        str | None, typer.Option("--near", help=N_("LON,LAT or LON,LAT,KM: not farther than so many kilometres (25)."))
    ] = None,
    level: Annotated[
        Many, typer.Option("--level", help=N_("Language level, for example B1; may be given again."))
    ] = None,
    language: Annotated[
        Many, typer.Option("--language", help=N_("Language of instruction or text, for example uk."))
    ] = None,
    category: Annotated[Many, typer.Option("--category", help=N_("Category, with those below it."))] = None,
    group: Annotated[Many, typer.Option("--target-group", help=N_("Whom it is for, for example women."))] = None,
    kind: Annotated[Many, typer.Option("--kind", help=N_("course, counselling, sport, event, place, ..."))] = None,
    source: Annotated[Many, typer.Option("--source", help=N_("Only of this source."))] = None,
    free: Annotated[bool, typer.Option("--free", help=N_("Only what costs nothing."))] = False,
    starts_from: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help=N_("Starts on this day or later."))
    ] = None,
    starts_to: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help=N_("Starts on this day or earlier."))
    ] = None,
    past: Annotated[bool, typer.Option("--past", help=N_("Past offers, too."))] = False,
    order: Annotated[Order | None, typer.Option("--order", help=N_("rank, start or changed."))] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help=N_("At most so many."))] = 20,
    cursor: Annotated[str | None, typer.Option("--cursor", help=N_("`next_cursor` of the page before."))] = None,
    as_json: output.JSON = False,
    as_jsonl: output.JSONL = False,
) -> None:
    """Find offers."""
    with views.fresh_hub() as hub:
        from verbund.bootstrap import now
        from verbund.views.search import SearchQuery

        query = SearchQuery(
            today=now().date(),
            text=text,
            districts=tuple(district or ()),
            with_neighbours=neighbours,
            near=_place(near) if near else None,
            starts_from=starts_from.date() if starts_from else None,
            starts_to=starts_to.date() if starts_to else None,
            levels=tuple(level or ()),
            languages=tuple(language or ()),
            categories=tuple(category or ()),
            target_groups=tuple(group or ()),
            kinds=tuple(kind or ()),
            sources=tuple(source or ()),
            free=("free",) if free else (),
            past=past,
            order=order.value if order else "rank",
            limit=limit,
            cursor=cursor,
        )
        document = _found(hub, query)
    output.answer(document, as_json=as_json, as_jsonl=as_jsonl, show=lambda console: _show(console, document))


def _place(text: str) -> tuple[float, float, float]:
    from verbund.errors import UsageError

    parts = text.split(",")
    try:
        lon, lat, *radius = (float(part) for part in parts)
    except ValueError:
        raise UsageError(
            "--near takes LON,LAT or LON,LAT,KM, for example 7.29,51.28,10; not {value}.", value=text
        ) from None
    return lon, lat, radius[0] if radius else _USUAL_RADIUS_KM


def _found(hub: Hub, query: SearchQuery) -> dict[str, Any]:
    from verbund.views.offers import Offers

    answer = hub.search.search(query)
    rows = Offers(hub.engine).by_ids(hit.offer_id for hit in answer.hits)
    items = [
        {**offer_show.row_facts(rows[hit.offer_id]), "offer": rows[hit.offer_id].offer(hub.codec)}
        for hit in answer.hits
        if hit.offer_id in rows
    ]
    facets = {
        name: [{"value": value, "count": count} for value, count in values] for name, values in answer.facets.items()
    }
    return {
        "total": answer.total,
        "facets": facets,
        "items": items,
        "next_cursor": answer.next_cursor,
        "corrected": list(answer.corrected),
    }


def _show(console: Console, document: dict[str, Any]) -> None:
    rows = [
        (
            item["title"],
            item["district"],
            ((item["offer"] or {}).get("place") or {}).get("town"),
            (item["offer"] or {}).get("level_to"),
            next((offer_show.local(start["start"]) for start in (item["offer"] or {}).get("starts", ())), None),
            item["offer_id"],
        )
        for item in document["items"]
    ]
    output.table(console, (_("title"), _("district"), _("town"), _("level"), _("start"), _("offer")), rows)
    for name, values in document["facets"].items():
        shown = ", ".join(f"{one['value']} ({one['count']})" for one in values[:_FACETS_SHOWN])
        if shown:
            output.say(f"{name}: {shown}")
    if document["corrected"]:
        output.say(_("Also looked for words like: {words}").format(words=", ".join(document["corrected"])))
    output.say(_("{shown} of {total} offers").format(shown=len(document["items"]), total=document["total"]))
