"""`verbund offer find`: the search of `/v1/offers` on the command line."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import offer_show, output, views
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.views.search import SearchQuery

_FACETS_SHOWN = 6


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
    near: Annotated[str | None, typer.Option("--near", help=N_("LON,LAT: not farther away than --radius-km."))] = None,
    radius_km: Annotated[float, typer.Option("--radius-km", min=0.1, help=N_("Around --near."))] = 10,
    level: Annotated[
        Many, typer.Option("--level", help=N_("Language level, for example B1; may be given again."))
    ] = None,
    language: Annotated[Many, typer.Option("--language", help=N_("Language of instruction, for example de."))] = None,
    category: Annotated[Many, typer.Option("--category", help=N_("Category, with those below it."))] = None,
    group: Annotated[Many, typer.Option("--target-group", help=N_("Whom it is for, for example women."))] = None,
    kind: Annotated[
        Many, typer.Option("--kind", help=N_("Kind of offer: course, counselling, sport, event, place, ..."))
    ] = None,
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
    with views.fresh_hub(search=True) as hub:
        from verbund.bootstrap import now
        from verbund.views.search import SearchQuery

        query = SearchQuery(
            today=now().date(),
            text=text,
            districts=_known_districts(district or []),
            with_neighbours=neighbours,
            near=_place(near, radius_km) if near else None,
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


def _place(text: str, radius_km: float) -> tuple[float, float, float]:
    from verbund.errors import UsageError

    try:
        lon, lat = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError("--near takes LON,LAT, for example 7.29,51.28; not {value}.", value=text) from None
    return lon, lat, radius_km


def _known_districts(keys: list[str]) -> tuple[str, ...]:
    from verbund.errors import UnknownNameError
    from verbund_schemas import districts

    for key in keys:
        if key not in districts():
            named = [one.ags for one in districts().values() if key.lower() in one.full_name.lower()]
            if named:
                raise UnknownNameError(
                    "--district takes a key of five digits; {value} may be {nearest}.",
                    value=key,
                    nearest=", ".join(named[:5]),
                )
            raise UnknownNameError("There is no district {value}; keys have five digits, for example 05954.", value=key)
    return tuple(keys)


def _found(hub: Hub, query: SearchQuery) -> dict[str, Any]:
    from verbund.bootstrap import now
    from verbund.views.offers import Offers
    from verbund.views.organisations import Organisations
    from verbund.views.search_items import found_offers

    return found_offers(
        hub.search.search(query),
        offers=Offers(hub.engine),
        organisations=Organisations(hub.engine),
        codec=hub.codec,
        now=now(),
        language=current_language(),
    )


def _show(console: Console, document: dict[str, Any]) -> None:
    rows = [
        (
            item["title"],
            item["district_name"],
            (item["place"] or {}).get("town"),
            item["level_to"],
            offer_show.day(item["next_start"]),
            item["organisation"],
            item["offer_id"],
        )
        for item in document["items"]
    ]
    columns = (_("title"), _("district"), _("town"), _("level"), _("start"), _("organisation"), _("offer"))
    output.table(console, columns, rows, whole=(6,))
    for name, values in document["facets"].items():
        shown = ", ".join(f"{one['label']} ({one['count']})" for one in values[:_FACETS_SHOWN])
        if shown:
            output.say(f"{name}: {shown}")
    if document["corrected"]:
        output.say(_("Also looked for words like: {words}").format(words=", ".join(document["corrected"])))
    output.say(_("{shown} of {total} offers").format(shown=len(document["items"]), total=document["total"]))
