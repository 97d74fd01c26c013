"""`verbund source ...`: draft, check, plan, apply and look after the sources of the districts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import exits, output, register, scheduler, session, source_check, source_plan, source_show, views
from verbund.cli.progress import progress
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console

File = Annotated[Path, typer.Argument(help=N_("Source file (YAML)."))]
Name = Annotated[str, typer.Argument(help=N_("Name of a registered source."), autocompletion=register.complete)]


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    source = typer.Typer(no_args_is_help=True, help=N_("Sources: feeds of districts, each described by one file."))
    source.command(
        "init",
        help=N_("Draft a source file; for a table, guess the mapping from its headings."),
        epilog="verbund source init --connector table --from kurse.xlsx > kurse.yaml",
    )(init)
    source.command("check", help=N_("Try a source: connection, a sample of what it delivers, rights."))(check)
    source_plan.register_commands(source)
    source.command("list", help=N_("All sources, one health word each."))(listing)
    source.command("show", help=N_("One source: health, quality, last runs, rejects."))(show)
    source.command("pause", help=N_("Let the scheduler leave a source alone."))(pause)
    source.command("resume", help=N_("Let the scheduler run a source again."))(resume)
    source.command("remove", help=N_("Plan the withdrawal of all that a source published; --yes carries it out."))(
        remove
    )
    app.add_typer(source, name="source")


def init(
    connector: Annotated[str, typer.Option("--connector", help=N_("Kind of feed: integreat, rpde, table, ..."))],
    from_file: Annotated[
        Path | None, typer.Option("--from", help=N_("A file of the provider, to guess the mapping from."))
    ] = None,
    as_json: output.JSON = False,
) -> None:
    """Draft a source file on stdout."""
    from verbund.cli import source_draft

    draft = source_draft.draft(connector, from_file)

    def show_draft(console: Console) -> None:
        console.print(draft["text"], markup=False, end="")
        source_draft.show_sample(draft)

    output.answer(draft, as_json=as_json, show=show_draft)


def check(file: File, as_json: output.JSON = False) -> None:
    """Try a source without planning anything."""
    with session.current().hub() as hub:
        source = hub.source_file(file)
        with progress() as report:
            document = source_check.checked(hub, source, report)
    output.answer(document, as_json=as_json, show=lambda console: source_check.show(console, document))
    exits.finish(exits.SOURCE if document["completeness"]["state"] != "complete" else exits.DONE)


def listing(as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """All sources with their health."""
    with views.fresh_hub() as hub:
        from verbund.bootstrap import now
        from verbund.views.health import Health
        from verbund.views.quality import Quality

        scores = Quality(hub.engine).scores(now())
        items = [
            {
                **source_show.source_facts(one, now()),
                "score": scores[one.source].points if one.source in scores else None,
            }
            for one in Health(hub.engine).sources(now())
        ]
    output.answer(
        output.listing(items),
        as_json=as_json,
        as_jsonl=as_jsonl,
        show=lambda console: source_show.show_sources(console, items),
    )
    # What stands for long is no news: rejects were told by the run that met them, standstill is nobody's fault here.
    unwell = any(set(item["because"]) - {"rejects", "never_run", "frozen"} for item in items)
    exits.finish(exits.FINDINGS if unwell else exits.DONE)


def show(name: Name, as_json: output.JSON = False) -> None:
    """One source."""
    with views.fresh_hub() as hub:
        from verbund.bootstrap import now
        from verbund.errors import UnknownNameError
        from verbund.ingest.dropped import dropped_document, dropped_values
        from verbund.views.health import Health
        from verbund.views.offers import Offers
        from verbund.views.quality import Quality, quality_document
        from verbund.views.reject_report import RejectReport
        from verbund.views.reject_words import group_document

        health = Health(hub.engine)
        found = health.source(name, now())
        if found is None:
            raise UnknownNameError("There is no source {name} here; `verbund source list` shows all.", name=name)
        next_run_at = scheduler.next_start_of(hub, name)
        document = {
            **source_show.source_facts(found, now()),
            "next_run_at": next_run_at.isoformat() if next_run_at else None,
            "scope": found.facts.scope if found.facts else {},
            "offers": Offers(hub.engine).states(name),
            "quality": quality_document(Quality(hub.engine), name, now(), current_language()),
            "rejects_by_rule": [
                group_document(group, current_language()) for group in RejectReport(hub.engine).groups(name)
            ],
            "dropped_values": [
                dropped_document(one, current_language()) for one in dropped_values(hub.settings.ingest, name)
            ],
            "runs": [source_show.run_facts(run) for run in health.runs(name)],
        }
    output.answer(document, as_json=as_json, show=lambda console: source_show.show_source(console, document))


def pause(name: Name, as_json: output.JSON = False) -> None:
    """Pause a source."""
    _change(name, "paused", as_json=as_json, said=_("{name} is paused; its offers stay as they are."))


def resume(name: Name, as_json: output.JSON = False) -> None:
    """Resume a source."""
    _change(name, "resumed", as_json=as_json, said=_("{name} is running again."))


def _change(name: str, change: str, *, as_json: bool, said: str) -> None:
    with session.current().hub() as hub:
        hub.ingest.change(register.kept(hub, name), change)
    document = {"source": name, "change": change}
    output.answer(document, as_json=as_json, show=lambda console: console.print(said.format(name=name), markup=False))


def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help=N_("Withdraw now instead of showing what would go."))] = False,
    as_json: output.JSON = False,
) -> None:
    """Withdraw everything of a source, or show what would be withdrawn."""
    with views.fresh_hub() as hub:
        source = register.kept(hub, name)
        if not yes:
            document = _removal_plan(hub, name)
            output.answer(document, as_json=as_json, show=lambda console: source_show.show_removal(console, document))
            exits.finish(exits.CHANGES)
        with progress() as report:
            run = hub.ingest.remove(source, progress=report)
        register.forget(hub, name)
    output.answer(run.document, as_json=as_json, show=lambda console: source_show.show_run(console, run.document))
    exits.finish(exits.of_run(run.document, new_rejects=False))


def _removal_plan(hub: Any, name: str) -> dict[str, Any]:
    from verbund.views.offers import Offers

    rows = Offers(hub.engine).listing(source=name, state="live")
    changes: list[dict[str, Any]] = [
        {"action": "withdraw", "record_key": row.record_key, "offer_id": row.offer_id, "title": row.title, "fields": {}}
        for row in rows
    ]
    return {"source": name, "changes": changes, "counts": {"withdrawn": len(changes)}}
