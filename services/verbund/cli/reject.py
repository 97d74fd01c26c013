"""`verbund reject ...`: records that could not be taken, grouped by what is wrong, and a file for the provider."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import output, register, views
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub

_COLUMNS = ("source", "record_key", "rule", "place", "value", "run_id", "raw_digest", "since")


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    reject = typer.Typer(no_args_is_help=True, help=N_("Rejects: records that could not be taken."))
    reject.command("list", help=N_("Open rejects, grouped by rule and field."))(listing)
    reject.command("export", help=N_("Open rejects as CSV, to send to the provider."))(export)
    app.add_typer(reject, name="reject")


Source = Annotated[
    str | None, typer.Option("--source", help=N_("Only of this source."), autocompletion=register.complete)
]


def listing(source: Source = None, as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """Open rejects by rule and field."""
    with views.fresh_hub() as hub:
        items = _groups(hub, source)
    output.answer(output.listing(items), as_json=as_json, as_jsonl=as_jsonl, show=lambda console: _show(console, items))


def export(
    source: Source = None,
    out: Annotated[Path | None, typer.Option("--out", help=N_("Write to this file instead of stdout."))] = None,
) -> None:
    """Open rejects as CSV."""
    with views.fresh_hub() as hub:
        from verbund.views.rejects import Rejects

        rejects = Rejects(hub.engine).listing(source)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(_COLUMNS)
    for one in rejects:
        cells = (one.source, one.record_key, one.rule, one.place, one.value, one.run_id, one.raw_digest)
        writer.writerow([_harmless(cell) for cell in (*cells, one.changed_at.isoformat())])
    if out is None:
        typer.echo(text.getvalue(), nl=False)
    else:
        out.write_text(text.getvalue(), encoding="utf-8-sig")  # with the mark, Excel reads the umlauts
        output.say(_("{n} rejects are in {file}.").format(n=len(rejects), file=out))


def _groups(hub: Hub, source: str | None) -> list[dict[str, Any]]:
    from verbund.views.rejects import Rejects

    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in Rejects(hub.engine).listing(source):
        group = groups.setdefault(
            (one.source, one.rule, one.place),
            {
                "source": one.source,
                "rule": one.rule,
                "place": one.place,
                "count": 0,
                "since": one.changed_at,
                "examples": [],
            },
        )
        group["count"] += 1
        group["since"] = min(group["since"], one.changed_at)
        if len(group["examples"]) < 3:
            group["examples"].append({"record_key": one.record_key, "value": one.value, "raw_digest": one.raw_digest})
    found = sorted(groups.values(), key=lambda group: (-group["count"], group["source"], group["rule"], group["place"]))
    return [{**group, "since": group["since"].isoformat()} for group in found]


def _show(console: Console, items: list[dict[str, Any]]) -> None:
    from verbund_schemas import vocabulary

    if not items:
        output.say(_("Nothing is rejected."))
        return
    rules = vocabulary("rules")
    rows = [
        (
            item["count"],
            item["source"],
            rules.label(item["rule"], current_language()),
            item["place"],
            ", ".join(
                f"{one['record_key']} ({one['value']})" if one["value"] else one["record_key"]
                for one in item["examples"]
            ),
        )
        for item in items
    ]
    output.table(console, ("", _("source"), _("rule"), _("place"), _("for example")), rows, right=(0,))


def _harmless(cell: str | None) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = cell or ""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text
