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
    offer.command(
        "override",
        help=N_("Set a field of an offer at the hub; it is kept over every pull until it is lifted."),
        epilog='verbund offer override 3310d5cd-5d49-50ea-8da7-558481ca6186 cost.note "free for job seekers"',
    )(override)
    offer.command("lift-override", help=N_("Give a field of an offer back to its source."))(lift_override)
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


# --- fields ------------------------------------------------------------------------------------------------------------


Field = Annotated[
    str, typer.Argument(metavar="FIELD", help=N_("Path of the field: childcare, cost.amount, texts.de.summary."))
]


def override(
    offer_id: OfferId,
    field: Field,
    value: Annotated[str, typer.Argument(metavar="VALUE", help=N_("JSON; a text may stand without quotes."))],
    note: Note = "",
    as_json: output.JSON = False,
) -> None:
    """Set one field."""
    with views.fresh_hub() as hub:
        asking(hub).override(_whole(hub, offer_id), field, value, note=note)
        document, trouble = _decided(hub, offer_id, field)
    output.answer(document, as_json=as_json, show=lambda console: _show_fields(console, document))
    end(trouble)


def lift_override(offer_id: OfferId, field: Field, note: Note = "", as_json: output.JSON = False) -> None:
    """Give one field back."""
    with views.fresh_hub() as hub:
        from verbund.errors import ConflictError
        from verbund.views.overrides import Overrides

        offer = _whole(hub, offer_id)
        known = [one.field for one in Overrides(hub.engine).of(offer_id, district=offer["district"])]
        if field not in known:
            raise ConflictError(
                "Field {field} of offer {offer_id} is not set at the hub; set are: {fields}.",
                field=field,
                offer_id=offer_id,
                fields=", ".join(known) or "-",
            )
        asking(hub).lift_override(offer, field, note=note)
        document, trouble = _decided(hub, offer_id, field)
    output.answer(document, as_json=as_json, show=lambda console: _show_fields(console, document))
    end(trouble)


def _whole(hub: Hub, offer_id: str) -> dict[str, Any]:
    """An offer as it is published, under the record key it goes by.

    Raises:
        UnknownNameError: there is none.
    """
    from verbund.errors import UnknownNameError

    row = found(hub, offer_id)
    whole = row.offer(hub.codec)
    if whole is None:
        raise UnknownNameError("Offer {offer_id} never had a content here.", offer_id=offer_id)
    return {**whole, "record_key": row.record_key}


def _decided(hub: Hub, offer_id: str, field: str) -> tuple[dict[str, Any], str]:
    """What is shown after a decision about a field, and why it waits, if it does."""
    row = found(hub, offer_id)
    done, trouble = carry_out(hub, row.source)
    offer = _whole(hub, offer_id)
    document: dict[str, Any] = {"offer_id": offer_id, "source": row.source, "field": field, "carried_out": done}
    document["overrides"] = overrides_of(hub, offer)
    return document, trouble


def overrides_of(hub: Hub, offer: dict[str, Any]) -> list[dict[str, Any]]:
    """Fields of an offer that people set, for showing."""
    from verbund.views.overrides import Overrides, shown

    return shown(Overrides(hub.engine).of(offer["offer_id"], district=offer["district"]), offer)


def _show_fields(console: Console, document: dict[str, Any]) -> None:
    if not document["overrides"]:
        console.print(
            _("Nothing of this offer is set at the hub any more; its source speaks for itself."), markup=False
        )
        return
    show_overrides(console, document["overrides"])


def show_overrides(console: Console, overrides: list[dict[str, Any]]) -> None:
    """Fields that people set, with what the source says."""
    from verbund.cli import offer_show

    rows = []
    for one in overrides:
        who = _("{at} by {by}").format(at=offer_show.local(one["at"]), by=one["by"])
        said = f"{who}: {one['note']}" if one["note"] else who
        waits = "" if one["counts"] else _("waits")
        rows.append((one["field"], _short(one["value"]), _short(one["own"]), said, waits))
    columns = (_("field"), _("set at the hub"), _("the source says"), _("decided"), "")
    output.table(console, columns, rows, title=_("Set at the hub"))


def _short(value: Any) -> str:
    import json

    return "-" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
