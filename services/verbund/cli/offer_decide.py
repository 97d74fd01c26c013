"""`verbund offer withdraw` and `lift`: what a person decides about one offer, carried out at once where that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from verbund.cli import exits, output, register, views
from verbund.i18n import N_, _, error_sentence

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.ingest.asking import Asking
    from verbund.views.offers import OfferRow

BY: Final = "cli"

OfferId = Annotated[str, typer.Argument(metavar="ID", help=N_("Id of an offer."))]
Note = Annotated[str, typer.Option("--note", help=N_("Why; kept in the log. No names of persons."))]


def register_commands(offer: typer.Typer) -> None:
    """Hang the commands beside the others about offers."""
    offer.command(
        "withdraw",
        help=N_("Take an offer down at once; the same content is not taken again until it is lifted."),
        epilog='verbund offer withdraw 3310d5cd-5d49-50ea-8da7-558481ca6186 --note "The room is closed."',
    )(withdraw)
    offer.command("lift", help=N_("Let in again what was withdrawn or undone, with the source's next run."))(lift)


def withdraw(offer_id: OfferId, note: Note = "", as_json: output.JSON = False) -> None:
    """Take one offer down."""
    with views.fresh_hub() as hub:
        from verbund.errors import ConflictError

        row = found(hub, offer_id)
        if row.state == "withdrawn":
            raise ConflictError(
                "Offer {offer_id} is withdrawn already, because: {reason}.",
                offer_id=offer_id,
                reason=row.withdrawn_reason or "?",
            )
        names = ("offer_id", "district", "source", "record_key", "content_hash")
        asking(hub).withdraw({name: getattr(row, name) for name in names}, note=note)
        done, trouble = carry_out(hub, row.source)
        gone = found(hub, offer_id).state == "withdrawn"
    document: dict[str, Any] = {"offer_id": offer_id, "source": row.source, "record_key": row.record_key}
    document |= {"title": row.title, "withdrawn": gone, "carried_out": done}

    def show(console: Console) -> None:
        title = row.title or row.record_key
        if gone:
            console.print(_("{title} is withdrawn.").format(title=title), markup=False)
            output.say(
                _(
                    "The same content is not taken again; a changed one is published. `verbund offer lift {offer_id}` lets it in again."
                ).format(offer_id=offer_id)
            )
        elif not trouble:
            console.print(_("{title} has changed meanwhile and stays; look again.").format(title=title), markup=False)

    output.answer(document, as_json=as_json, show=show)
    end(trouble)


def lift(offer_id: OfferId, note: Note = "", as_json: output.JSON = False) -> None:
    """Let one offer in again."""
    with views.fresh_hub() as hub:
        from verbund.errors import ConflictError

        row = found(hub, offer_id)
        refusals = hub.ingest.refusals(row.source, offer_id=offer_id)
        if not refusals:
            raise ConflictError("Nothing of offer {offer_id} is refused, so nothing can be lifted.", offer_id=offer_id)
        asking(hub).lift(refusals, note=note)
        done, trouble = carry_out(hub, row.source)
    document = {"offer_id": offer_id, "source": row.source, "lifted": len(refusals), "carried_out": done}

    def show(console: Console) -> None:
        said = _("What {source} says of {title} is taken again with its next run: `verbund source apply {source}`")
        console.print(said.format(source=row.source, title=row.title or row.record_key), markup=False)

    output.answer(document, as_json=as_json, show=show)
    end(trouble)


# --- shared with other commands ------------------------------------------------------------------------------------------


def found(hub: Hub, offer_id: str) -> OfferRow:
    """The offer as the view has it.

    Raises:
        UnknownNameError: there is none.
    """
    from verbund.errors import UnknownNameError
    from verbund.views.offers import Offers

    row = Offers(hub.engine).get(offer_id)
    if row is None:
        raise UnknownNameError("No offer has the id {offer_id}; `verbund offer find` finds some.", offer_id=offer_id)
    return row


def asking(hub: Hub) -> Asking:
    """Writes decisions of whoever sits at this keyboard."""
    from verbund.bootstrap import now
    from verbund.ingest.asking import Asking

    return Asking(hub.log, clock=now, by=BY)


def carry_out(hub: Hub, source: str) -> tuple[list[dict[str, Any]], str]:
    """Let ingest do what was decided, and the views see it; why not, where it cannot be: then the next run does it."""
    from verbund.errors import VerbundError

    try:
        done = hub.ingest.carry_out_decisions(register.kept(hub, source))
    except VerbundError as error:
        return [], error_sentence(error)
    if not hub.settings.on_kafka:
        views.bring_up(hub, search=False)
    return done, ""


def end(trouble: str) -> None:
    """Say why a decision waits, if it does."""
    if trouble:
        output.say(trouble)
        output.say(_("The decision is written down; the source's next run carries it out."))
    exits.finish(exits.DONE)
