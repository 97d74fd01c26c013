"""`verbund why SOURCE RECORD_KEY`: what became of one record, and because of what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import exits, offer_decide, offer_show, output, register, views
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub


def register_commands(app: typer.Typer) -> None:
    """Hang the command into the application."""
    app.command(
        "why",
        help=N_("Say what became of a record of a source, and why."),
        epilog="verbund why starnberg-integreat event/200",
    )(why)


def why(
    source: Annotated[str, typer.Argument(help=N_("Name of the source."), autocompletion=register.complete)],
    record_key: Annotated[str, typer.Argument(help=N_("Key of the record in its source."))],
    as_json: output.JSON = False,
) -> None:
    """What became of a record."""
    with views.fresh_hub() as hub:
        from verbund.views.offers import Offers

        document = hub.ingest.why(source, record_key)
        offer_id = document.get("offer_id")
        row = Offers(hub.engine).get(offer_id) if offer_id else None
        offer = row.offer(hub.codec) if row else None
        document["overrides"] = offer_decide.overrides_of(hub, offer) if offer else []
        document["history"] = offer_show.history_of(hub, offer_id) if offer_id else []
        document["hold"] = _hold_of(hub, document) if document["outcome"] == "held" else None
    output.answer(document, as_json=as_json, show=lambda console: _show(console, document))
    exits.finish(exits.FINDINGS if document["outcome"] == "unknown" else exits.DONE)


def _show(console: Console, document: dict[str, Any]) -> None:
    output.facts(
        console,
        [
            (_("record"), f"{document['source']} {document['record_key']}"),
            (_("outcome"), offer_show.word(document["outcome"])),
            (_("because"), document["because"]),
            (_("value"), document.get("value")),
            (_("run"), document["run_id"]),
            (_("offer"), document.get("offer_id")),
            *_hold_facts(document["hold"]),
            *((_("refused"), _decision(one)) for one in document["refusals"]),
        ],
    )
    if document["overrides"]:
        offer_decide.show_overrides(console, document["overrides"])
    if document["history"]:
        offer_show.show_history(console, document["history"])
    if document["hold"]:
        output.say(_("Next: `verbund hold show {hold_id}`.").format(hold_id=document["hold"]["hold_id"][:8]))


def _hold_of(hub: Hub, document: dict[str, Any]) -> dict[str, Any] | None:
    """The hold that keeps a record: of a source and a guard there is one at a time."""
    from verbund.views.holds import Holds

    found = Holds(hub.engine).keeping(document["source"], district=document["district"])
    hold = next((hold for hold in found if hold.guard == document["because"]), None)
    if hold is None:
        return None
    expires = hold.expires_at.isoformat()
    return {"hold_id": hold.hold_id, "state": hold.state, "message": hold.message, "expires": expires}


def _hold_facts(hold: dict[str, Any] | None) -> list[tuple[str, str]]:
    if hold is None:
        return []
    return [(_("hold"), hold["hold_id"]), (_("question"), hold["message"][current_language()])]


def _decision(one: dict[str, Any]) -> str:
    """When and by whom a content was refused, and why."""
    said = _("{at} by {by}").format(at=offer_show.local(one["since"]), by=one["by"] or "?")
    return f"{said}: {one['note']}" if one["note"] else said
