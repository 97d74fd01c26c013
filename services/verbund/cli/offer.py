"""`verbund offer ...`: find offers, list those of a source, show one and its past."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from verbund.cli import exits, offer_decide, offer_find, offer_show, output, register, views
from verbund.i18n import N_, current_language

if TYPE_CHECKING:
    from verbund.bootstrap import Hub

_USUAL_LIMIT = 100


class State(StrEnum):
    """Which offers to list; live includes missed."""

    LIVE = "live"
    MISSED = "missed"
    WITHDRAWN = "withdrawn"
    ALL = "all"


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    offer = typer.Typer(no_args_is_help=True, help=N_("Offers: courses, counselling, sport, meeting places, ..."))
    offer.command(
        "find",
        help=N_("Search over all districts: words, filters, exact counts."),
        epilog='verbund offer find "deutsch abend" --district 05954 --neighbours --level B1',
    )(offer_find.find)
    offer.command("list", help=N_("Offers of a source in a state, in order."))(listing)
    offer.command("show", help=N_("One offer, whole."))(show)
    offer.command("history", help=N_("Every revision of an offer: what changed, by which run, when."))(history)
    offer_decide.register_commands(offer)
    app.add_typer(offer, name="offer")


OfferId = Annotated[str, typer.Argument(metavar="ID", help=N_("Id of an offer."))]


def listing(
    source: Annotated[
        str | None, typer.Option("--source", help=N_("Only of this source."), autocompletion=register.complete)
    ] = None,
    district: Annotated[str | None, typer.Option("--district", help=N_("Only of this district (five digits)."))] = None,
    state: Annotated[State, typer.Option("--state", help=N_("Which; live includes missed."))] = State.LIVE,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help=N_("At most so many; tables show 100, JSON all."))
    ] = None,
    as_json: output.JSON = False,
    as_jsonl: output.JSONL = False,
) -> None:
    """Offers as they stand."""
    wanted = limit or (None if as_json or as_jsonl else _USUAL_LIMIT)
    with views.fresh_hub() as hub:
        from verbund.views.offers import Offers

        offers = Offers(hub.engine)
        rows = offers.listing(source=source, district=district, state=state.value, limit=wanted)
        total = offers.count(source=source, district=district, state=state.value)
    items = [offer_show.row_facts(row) for row in rows]
    output.answer(
        {"items": items, "total": total},
        as_json=as_json,
        as_jsonl=as_jsonl,
        show=lambda console: offer_show.show_list(console, items, total),
    )


def show(offer_id: OfferId, as_json: output.JSON = False) -> None:
    """One offer."""
    with views.fresh_hub() as hub:
        document = _whole(hub, offer_id)
    if document is None:
        _say_unknown(offer_id)
    output.answer(document, as_json=as_json, show=lambda console: offer_show.show_offer(console, document))


def history(offer_id: OfferId, as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """The life of an offer."""
    with views.fresh_hub() as hub:
        steps = offer_show.history_of(hub, offer_id)
    if not steps:
        _say_unknown(offer_id)
    output.answer(
        output.listing(steps, offer_id=offer_id),
        as_json=as_json,
        as_jsonl=as_jsonl,
        show=lambda console: offer_show.show_history(console, steps),
    )


def _whole(hub: Hub, offer_id: str) -> dict[str, Any] | None:
    from verbund.bootstrap import now
    from verbund.views.offers import Offers
    from verbund.views.quality import findings_of_offer, is_past

    row = Offers(hub.engine).get(offer_id)
    if row is None:
        return None
    whole = row.offer(hub.codec)
    if whole is None:
        return {**offer_show.row_facts(row), "findings": [], "overrides": []}
    past = is_past(row.ends_at, row.state, now())
    findings = findings_of_offer(whole, past=past, language=current_language())
    overrides = offer_decide.overrides_of(hub, whole)
    facts = offer_show.row_facts(row)
    return {**facts, **whole, **_as_stands(facts), "findings": findings, "overrides": overrides}


def _as_stands(facts: dict[str, Any]) -> dict[str, Any]:
    """What later events without a content have changed."""
    return {name: facts[name] for name in ("record_key", "revision")}


def _say_unknown(offer_id: str) -> NoReturn:
    from verbund.i18n import _

    output.say(_("No offer has the id {offer_id}.").format(offer_id=offer_id))
    exits.finish(exits.FINDINGS)
