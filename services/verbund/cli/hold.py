"""`verbund hold ...`: what waits for a person, and the three answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from verbund.cli import exits, output, register, scheduler, views
from verbund.cli.progress import progress
from verbund.i18n import N_, _, current_language, error_sentence

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.ingest.report import RunReport
    from verbund.views.holds import Hold

BY: Final = "cli"

_STATES: Final = {
    "open": N_("waits for you"),
    "answered": N_("answered, waits for the next complete run"),
    "rejected": N_("rejected, kept as it is"),
    "closed": N_("over"),
}


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    hold = typer.Typer(no_args_is_help=True, help=N_("Holds: changes that wait for a person."))
    hold.command("list", help=N_("Holds that wait for an answer."))(listing)
    hold.command("show", help=N_("One hold: the question, examples, the whole set."))(show)
    hold.command(
        "allow",
        help=N_("Let a held set through: once, less what came back, or up to a number in the next complete run."),
        epilog="verbund hold allow 6f7d9f0c --once",
    )(allow)
    hold.command("reject", help=N_("Keep everything as it is; asked again only when the set grows."))(reject)
    app.add_typer(hold, name="hold")


HoldId = Annotated[str, typer.Argument(metavar="ID", help=N_("Id of a hold, or the beginning of it."))]
Note = Annotated[str, typer.Option("--note", help=N_("Why; kept in the log. No names of persons."))]


def listing(
    source: Annotated[
        str | None, typer.Option("--source", help=N_("Only of this source."), autocompletion=register.complete)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help=N_("Also those that are over."))] = False,
    as_json: output.JSON = False,
    as_jsonl: output.JSONL = False,
) -> None:
    """Holds, the oldest first."""
    with views.fresh_hub() as hub:
        from verbund.views.holds import Holds

        items = [facts(hold) for hold in Holds(hub.engine).listing(source=source, every=every)]
    output.answer(
        output.listing(items), as_json=as_json, as_jsonl=as_jsonl, show=lambda console: _show_list(console, items)
    )


def show(
    hold_id: HoldId,
    whole: Annotated[bool, typer.Option("--whole", help=N_("The whole set instead of ten examples."))] = False,
    as_json: output.JSON = False,
) -> None:
    """One hold."""
    with views.fresh_hub() as hub:
        hold = _found(hub, hold_id)
        document = facts(hold)
        if whole:
            from verbund.ingest.holds import members

            document["set"] = [
                {"action": action, "record_key": key} for action, key in members(hub.archive, hold.set_digest)
            ]
    output.answer(document, as_json=as_json, show=lambda console: _show(console, document))


def allow(
    hold_id: HoldId,
    once: Annotated[bool, typer.Option("--once", help=N_("This set, less what came back meanwhile."))] = False,
    up_to: Annotated[
        int | None, typer.Option("--up-to", min=1, help=N_("At most so many in the next complete run."))
    ] = None,
    note: Note = "",
    as_json: output.JSON = False,
) -> None:
    """Let it through."""
    if once == (up_to is not None):
        from verbund.errors import UsageError

        raise UsageError("say either --once or --up-to N")
    _answer(hold_id, "allow_once" if once else "allow_up_to", up_to=up_to, note=note, as_json=as_json)


def reject(hold_id: HoldId, note: Note = "", as_json: output.JSON = False) -> None:
    """Keep everything as it is."""
    _answer(hold_id, "reject", up_to=None, note=note, as_json=as_json)


def _answer(hold_id: str, answer: str, *, up_to: int | None, note: str, as_json: bool) -> None:
    """Append the answer, and let the source run at once where its file is kept here."""
    with views.fresh_hub() as hub:
        from verbund.bootstrap import now
        from verbund.desk import Answer, Desk

        hold = _found(hub, hold_id)
        said = Answer(answer=answer, up_to=up_to, note=note, set_digest=hold.set_digest)
        Desk(hub.log, hub.engine, clock=now).answer(hold.hold_id, said, by=BY)
        run, trouble = _run(hub, hold.source)
    document: dict[str, Any] = {"hold_id": hold.hold_id, "source": hold.source, "guard": hold.guard, "answer": answer}
    document["run"] = run.document if run is not None else None
    output.answer(document, as_json=as_json, show=lambda console: _show_answered(console, document))
    if trouble:
        output.say(trouble)
    exits.finish(exits.of_run(run.document, new_rejects=bool(run.new_rejects)) if run is not None else exits.DONE)


def _run(hub: Hub, source: str) -> tuple[RunReport | None, str]:
    """The source's next run, now; None and why not, when it cannot be: then the answer waits for the scheduler's."""
    from verbund.errors import VerbundError

    try:
        with progress() as report:
            return scheduler.apply_now(hub, register.kept(hub, source), progress=report), ""
    except VerbundError as error:
        return None, error_sentence(error)


def _found(hub: Hub, hold_id: str) -> Hold:
    from verbund.errors import UnknownNameError
    from verbund.views.holds import Holds

    hold = Holds(hub.engine).get(hold_id)
    if hold is None:
        raise UnknownNameError("There is no hold {hold_id}; `verbund hold list` shows all.", hold_id=hold_id)
    return hold


def facts(hold: Hold) -> dict[str, Any]:
    """A hold as JSON has it; `expires` is promised, the rest is added."""
    document = asdict(hold)
    for name in ("opened_at", "expires_at", "ended_at"):
        document[name] = document[name].isoformat() if document[name] else None
    return {**document, "expires": document["expires_at"]}


def _show_list(console: Console, items: list[dict[str, Any]]) -> None:
    if not items:
        output.say(_("Nothing waits for an answer."))
        return
    rows = [
        (item["hold_id"][:8], item["source"], item["guard"], item["count"], item["message"][current_language()])
        for item in items
    ]
    output.table(console, (_("hold"), _("source"), _("guard"), _("records"), _("question")), rows)
    output.say(_("Next: `verbund hold show ID`, then `hold allow ID --once` or `hold reject ID`."))


def _show(console: Console, document: dict[str, Any]) -> None:
    console.print(document["message"][current_language()], markup=False)
    console.print(
        _("{guard} of {source}, {state}; opened {opened}, expires {expires}").format(
            guard=document["guard"],
            source=document["source"],
            state=_(_STATES[document["state"]]),
            opened=document["opened_at"][:16],
            expires=document["expires_at"][:16],
        ),
        markup=False,
    )
    if "set" in document:
        output.table(
            console, (_("action"), _("record")), [(one["action"], one["record_key"]) for one in document["set"]]
        )
    else:
        rows = [(one["action"], one["record_key"], one["title"], one["like"]) for one in document["examples"]]
        output.table(console, (_("action"), _("record"), _("title"), _("looks like")), rows, title=_("Examples"))
    output.say(
        _("What the guard does and what the answers mean: `verbund explain {code}`").format(code=document["guard"])
    )


def _show_answered(console: Console, document: dict[str, Any]) -> None:
    console.print(
        _("{answer} for the hold {guard} of {source} is written down.").format(
            answer=document["answer"], guard=document["guard"], source=document["source"]
        ),
        markup=False,
    )
    if document["run"] is not None:
        from verbund.cli import source_show

        source_show.show_run(console, document["run"])
    else:
        console.print(_("It takes effect with the source's next complete run."), markup=False)
