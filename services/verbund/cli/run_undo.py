"""`verbund run undo`: look at what taking back a run would change, do it, and let it in again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from verbund.cli import differences, exits, offer_decide, output, views
from verbund.i18n import N_, _, ngettext

if TYPE_CHECKING:
    from rich.console import Console

_WORDS: Final = {
    "withdraw": N_("withdraw"),
    "publish": N_("publish again"),
    "revise": N_("as before"),
    "seen_again": N_("no longer missed"),
    "rekey": N_("back to the old key"),
}


def undo(
    run_id: Annotated[str, typer.Argument(metavar="ID", help=N_("Id of a run; see `verbund run list`."))],
    yes: Annotated[bool, typer.Option("--yes", help=N_("Do it; without this it is only shown."))] = False,
    lift: Annotated[
        bool, typer.Option("--lift", help=N_("Let in again what was refused when this run was taken back."))
    ] = False,
    note: offer_decide.Note = "",
    as_json: output.JSON = False,
) -> None:
    """Take back what one run changed."""
    with views.fresh_hub() as hub:
        seen = hub.ingest.undo_preview(run_id)
        document: dict[str, Any] = {name: seen[name] for name in ("run_id", "source", "district", "changes", "later")}
        trouble = ""
        if lift:
            refusals = hub.ingest.undone(run_id)
            offer_decide.asking(hub).lift(refusals, note=note)
            document |= {"lifted": len(refusals), "carried_out": []}
        elif yes and seen["changes"]:
            offer_decide.asking(hub).undo(seen, refusals=seen["refusals"], note=note)
            document |= {"lifted": len(seen["refusals"]), "carried_out": []}
        if lift or (yes and seen["changes"]):
            document["carried_out"], trouble = offer_decide.carry_out(hub, seen["source"])
    output.answer(document, as_json=as_json, show=lambda console: _show(console, document, lift=lift))
    if trouble:
        offer_decide.end(trouble)
    exits.finish(exits.FINDINGS if document["changes"] and not (yes or lift) else exits.DONE)


def _show(console: Console, document: dict[str, Any], *, lift: bool) -> None:
    if lift:
        said = ngettext(
            "{count} refusal is lifted; the source's next run takes what it says.",
            "{count} refusals are lifted; the source's next run takes what it says.",
            document["lifted"],
        )
        console.print(said.format(count=document["lifted"]), markup=False)
        return
    rows: list[tuple[Any, ...]] = []
    for change in document["changes"]:
        lines = differences.lines(change["fields"]) or [""]
        rows.append((_(_WORDS[change["action"]]), change["record_key"], change["title"], lines[0]))
        rows += [("", "", "", line) for line in lines[1:]]
    output.table(console, (_("action"), _("record"), _("title"), _("difference")), rows)
    if document["later"]:
        rows = [(one["record_key"], one["title"]) for one in document["later"]]
        output.table(console, (_("record"), _("title")), rows, title=_("Stays, for a later run changed it again"))
    if not document["changes"]:
        console.print(_("Nothing of this run can be taken back."), markup=False)
    elif document.get("carried_out"):
        run_id = document["carried_out"][-1]["run_id"]
        console.print(
            _("Taken back. This can be undone: `verbund run undo {run_id}`").format(run_id=run_id), markup=False
        )
        output.say(
            _("What it had brought is not taken again. `verbund run undo {run_id} --lift` lets it in.").format(
                run_id=document["run_id"]
            )
        )
    elif "carried_out" not in document:
        output.say(
            _("Nothing was changed yet. Do it: `verbund run undo {run_id} --yes`").format(run_id=document["run_id"])
        )
