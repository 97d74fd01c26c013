"""`verbund source plan, apply, filter-preview, replay`: see first, then do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from verbund.cli import exits, output, register, scheduler, session, source_show
from verbund.cli.progress import progress
from verbund.cli.service import ends_on_sigterm
from verbund.i18n import N_, _, error_sentence, ngettext

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.ingest.report import Plan

_SHOWN: Final = 40

File = Annotated[Path, typer.Argument(help=N_("Source file (YAML)."))]


def register_commands(source: typer.Typer) -> None:
    """Hang the commands below `verbund source`."""
    source.command(
        "plan",
        help=N_("Show what applying a source file would change; change nothing."),
        epilog="verbund source plan kurse.yaml --json | jq .counts",
    )(plan)
    source.command(
        "apply",
        help=N_("Pull a source now and write what changed, or carry out a saved plan exactly; registers the source."),
        epilog="verbund source plan kurse.yaml --out plan.json && verbund source apply plan.json",
    )(apply)
    source.command("filter-preview", help=N_("What an edited source file would keep, lose and gain."))(filter_preview)
    source.command(
        "replay",
        help=N_("Try a source file on what its source sent before, and show the difference; change nothing."),
        epilog="verbund source replay witten-kurse --mapping new.yaml --since 2026-11-01",
    )(replay)


def plan(
    file: File,
    out: Annotated[Path | None, typer.Option("--out", help=N_("Save the plan to this file."))] = None,
    compare: Annotated[
        Path | None, typer.Option("--compare", help=N_("Show how the plan differs from a saved one."))
    ] = None,
    as_json: output.JSON = False,
    as_jsonl: output.JSONL = False,
) -> None:
    """Show what would change."""
    with session.current().hub() as hub:
        source = hub.source_file(file)
        with progress() as report:
            made = hub.ingest.plan(source, progress=report)
    document = made.document
    if out is not None:
        out.write_text(json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n", encoding="utf-8")
        output.say(_("The plan is saved in {file}.").format(file=out))
    if compare is not None:
        from verbund.ingest.saved_plan import compared, read_document

        document = {**document, "compared": compared(read_document(compare), document)}
    output.answer(
        document,
        as_json=as_json,
        as_jsonl=as_jsonl,
        items="changes",
        show=lambda console: _show_plan(console, document),
    )
    _finish(made)


def apply(
    file: Annotated[Path, typer.Argument(help=N_("Source file (YAML), or a saved plan (JSON)."))],
    as_json: output.JSON = False,
) -> None:
    """Pull and write, or carry out a saved plan."""
    with ends_on_sigterm(), session.current().hub() as hub:
        if file.suffix == ".json":
            from verbund.ingest.saved_plan import read_plan

            saved = read_plan(file)
            source = hub.source_file(saved.file)
            with progress() as report:
                run = hub.ingest.apply_plan(saved, source, progress=report)
            register.keep(hub, source)
        else:
            source = hub.source_file(file)
            with progress() as report:
                run = scheduler.apply_now(hub, source, progress=report)
    document = run.document
    output.answer(document, as_json=as_json, show=lambda console: source_show.show_run(console, document))
    if run.failure:
        output.say(error_sentence(run.failure))
    exits.finish(exits.of_run(document, new_rejects=bool(run.new_rejects)))


def filter_preview(file: File, as_json: output.JSON = False) -> None:
    """What an edited file would keep."""
    with session.current().hub() as hub:
        source = hub.source_file(file)
        known = {facts["source"]: facts for facts in hub.ingest.sources(source.district)}
        before = known.get(source.source, {}).get("scope", {})
        with progress() as report:
            made = hub.ingest.plan(source, progress=report)
    document = _preview(made.document, before, source.scope)
    output.answer(document, as_json=as_json, show=lambda console: _show_preview(console, document))
    _finish(made)


def replay(
    name: Annotated[str, typer.Argument(help=N_("Name of a registered source."), autocompletion=register.complete)],
    mapping: Annotated[Path, typer.Option("--mapping", help=N_("The source file to try (YAML)."))],
    since: Annotated[
        datetime, typer.Option("--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"], help=N_("From when on, UTC."))
    ],
    as_json: output.JSON = False,
    as_jsonl: output.JSONL = False,
) -> None:
    """Map the past again."""
    with session.current().hub() as hub:
        from verbund.errors import UsageError

        source = hub.source_file(mapping)
        if source.source != name:
            raise UsageError(
                "{file} describes {other}, not {source}", file=mapping.name, other=source.source, source=name
            )
        with progress() as report:
            made = hub.ingest.replay(source, since=since.replace(tzinfo=UTC), progress=report)
    document = made.document
    output.answer(
        document,
        as_json=as_json,
        as_jsonl=as_jsonl,
        items="changes",
        show=lambda console: source_show.show_plan(console, document),
    )
    exits.finish(exits.CHANGES if made.has_changes else exits.DONE)


def _finish(made: Plan) -> None:
    if made.failure:
        output.say(error_sentence(made.failure))
    document = made.document
    exits.finish(
        exits.SOURCE if document["completeness"]["state"] != "complete" else exits.DONE,
        exits.HELD if document["would_hold"] else exits.DONE,
        exits.CHANGES if made.has_changes else exits.DONE,
    )


def _show_plan(console: Console, document: dict[str, Any]) -> None:
    source_show.show_plan(console, document)
    for name, title in (
        ("added", _("New since the other plan")),
        ("dropped", _("Only in the other plan")),
        ("different", _("Different from the other plan")),
    ):
        rows = [(one["record_key"],) for one in document.get("compared", {}).get(name, ())[:_SHOWN]]
        if rows:
            output.table(console, (_("record"),), rows, title=title)


def _preview(document: dict[str, Any], before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    """A plan as the answer to: what would an edited filter keep?"""
    changes = document["changes"]
    lost = [one for one in changes if one.get("would") in ("miss", "withdraw") or one["action"] in ("miss", "withdraw")]
    gained = [one for one in changes if "publish" in (one["action"], one.get("would"))]
    delivered = document["counts"]["delivered"]
    return {
        "source": document["source"],
        "settings": {
            name: [before.get(name), after.get(name)]
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        },
        "kept": delivered - len(gained) - document["counts"]["rejected"] - document["counts"]["ignored"],
        "lost": [{name: one[name] for name in ("record_key", "offer_id")} for one in lost],
        "gained": [{"record_key": one["record_key"]} for one in gained],
        "completeness": document["completeness"],
        "would_hold": document["would_hold"],
    }


def _show_preview(console: Console, document: dict[str, Any]) -> None:
    for name, (old, new) in document["settings"].items():
        console.print(f"{name}: {old} -> {new}", markup=False)
    kept, lost, gained = document["kept"], len(document["lost"]), len(document["gained"])
    console.print(
        ngettext("{n} record stays", "{n} records stay", kept).format(n=kept)
        + ", "
        + ngettext("{n} is not covered any more", "{n} are not covered any more", lost).format(n=lost)
        + ", "
        + ngettext("{n} is new.", "{n} are new.", gained).format(n=gained),
        markup=False,
    )
    rows = [(one["record_key"], one["offer_id"]) for one in document["lost"][:_SHOWN]]
    if rows:
        output.table(console, (_("record"), _("offer")), rows, title=_("Not covered any more"))
