"""`verbund run ...`: what past pulls brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from verbund.cli import exits, offer_show, output, register, run_undo, source_show, views
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub

_USUAL_LIMIT = 20


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    run = typer.Typer(no_args_is_help=True, help=N_("Runs: past pulls of sources."))
    run.command("list", help=N_("The latest runs."))(listing)
    run.command("show", help=N_("One run: parts, proofs and counts."))(show)
    run.command(
        "undo",
        help=N_("Take back what a run changed: shown first, done with --yes; it is not taken again until lifted."),
        epilog="verbund run undo 1f0c2f5e-7c3f-4d62-9a51-0d9f5f6f1a10 --yes",
    )(run_undo.undo)
    app.add_typer(run, name="run")


def listing(
    source: Annotated[
        str | None, typer.Option("--source", help=N_("Only of this source."), autocompletion=register.complete)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help=N_("At most so many."))] = _USUAL_LIMIT,
    as_json: output.JSON = False,
    as_jsonl: output.JSONL = False,
) -> None:
    """The latest runs."""
    with views.fresh_hub() as hub:
        from verbund.views.health import Health

        items = [source_show.run_facts(run) for run in Health(hub.engine).runs(source, limit=limit)]
    output.answer(
        output.listing(items),
        as_json=as_json,
        as_jsonl=as_jsonl,
        show=lambda console: source_show.show_runs(console, items),
    )


def show(
    run_id: Annotated[str, typer.Argument(metavar="ID", help=N_("Id of a run; see `verbund run list`."))],
    as_json: output.JSON = False,
) -> None:
    """One run."""
    with views.fresh_hub() as hub:
        from verbund.errors import UnknownNameError
        from verbund.views.health import Health

        found = Health(hub.engine).run(run_id)
        if found is None and (decision := hub.ingest.decision(run_id)) is not None:
            _show_decision(decision, as_json=as_json)
        if found is None:
            raise UnknownNameError("There is no run {run_id}; `verbund run list` shows the latest.", run_id=run_id)
        document = {**source_show.run_facts(found), **_told(hub, source_show.run_facts(found))}

    def show_run(console: Console) -> None:
        console.print(document["sentence"][current_language()], markup=False)
        source_show.show_run(console, document)

    output.answer(document, as_json=as_json, show=show_run)
    exits.finish(exits.DONE)


_DECISIONS: Final = {
    "WithdrawnByHand": N_("An offer was withdrawn by hand."),
    "RefusalLifted": N_("A refused content was let in again."),
    "RunUndoAsked": N_("A run was taken back."),
    "FieldOverridden": N_("A field was set at the hub."),
    "OverrideLifted": N_("A field was given back to its source."),
}


def _show_decision(decision: dict[str, Any], *, as_json: bool) -> NoReturn:
    """A run that was no pull: what a person decided, carried out."""

    def show_it(console: Console) -> None:
        console.print(_(_DECISIONS[decision["decision"]]), markup=False)
        known = (
            (_("source"), decision["source"]),
            (_("record"), decision.get("record_key")),
            (_("field"), decision.get("field")),
            (_("run"), decision.get("undone")),
            (_("decided"), _("{at} by {by}").format(at=offer_show.local(decision["at"]), by=decision["by"])),
            (_("because"), decision["note"]),
        )
        output.facts(console, [(name, value) for name, value in known if value])

    output.answer(decision, as_json=as_json, show=show_it)
    exits.finish(exits.DONE)


def _told(hub: Hub, run: dict[str, Any]) -> dict[str, Any]:
    """What a person wants to know beside the facts, as facts and as a sentence."""
    from verbund.cli import run_words, scheduler
    from verbund.patience import resumes_at
    from verbund.views.rejects import Rejects

    rules = run_words.rules_of(Rejects(hub.engine).listing(run["source"]), run["run_id"])
    next_run_at = scheduler.next_start_of(hub, run["source"])
    until = resumes_at(run["completeness"]["parts"])
    return {
        "new_rejects_by_rule": rules,
        "resumes_at": until.isoformat() if until else None,
        "next_run_at": next_run_at.isoformat() if next_run_at else None,
        "sentence": run_words.sentences(run, rules=rules, next_run_at=next_run_at),
    }
