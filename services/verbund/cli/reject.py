"""`verbund reject ...`: records that could not be taken, grouped by what is wrong, and a file for the provider."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import exits, output, register, reject_show, views
from verbund.i18n import N_, _, current_language

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.views.reject_report import RejectedRecord


class Language(StrEnum):
    """Of the file for the provider."""

    DE = "de"
    EN = "en"


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    reject = typer.Typer(no_args_is_help=True, help=N_("Rejects: records that could not be taken."))
    reject.command("list", help=N_("Open rejects, grouped by rule and field, with what to do."))(listing)
    reject.command(
        "show",
        help=N_("One rejected record: what is wrong, and what the source sent, without personal data."),
        epilog="verbund reject show enr-kurse kurs-1",
    )(show)
    reject.command(
        "export",
        help=N_("Open rejects as CSV, to send to the provider."),
        epilog="verbund reject export --source enr-kurse --lang de --excel --out kurse.csv",
    )(export)
    app.add_typer(reject, name="reject")


Source = Annotated[
    str | None, typer.Option("--source", help=N_("Only of this source."), autocompletion=register.complete)
]


def listing(source: Source = None, as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """Open rejects by rule and field."""
    with views.fresh_hub() as hub:
        from verbund.views.reject_report import RejectReport
        from verbund.views.reject_words import group_document

        _demand_known(hub, source)
        items = [group_document(group, current_language()) for group in RejectReport(hub.engine).groups(source)]
    if not items and not (as_json or as_jsonl):
        output.say(_("Nothing is rejected."))
        return
    output.answer(
        output.listing(items),
        as_json=as_json,
        as_jsonl=as_jsonl,
        show=lambda console: reject_show.show_groups(console, items),
    )


def show(
    source: Annotated[str, typer.Argument(help=N_("Name of the source."), autocompletion=register.complete)],
    record_key: Annotated[str, typer.Argument(help=N_("Key of the record in its source."))],
    as_json: output.JSON = False,
) -> None:
    """One rejected record."""
    with views.fresh_hub() as hub:
        from verbund.views.reject_report import RejectReport

        _demand_known(hub, source)
        found = RejectReport(hub.engine).record(source, record_key)
        document = _document(hub, found) if found else None
    if document is None:
        output.say(
            _("{record} is not rejected; `verbund why {source} {record}` says what became of it.").format(
                record=record_key, source=source
            )
        )
        exits.finish(exits.FINDINGS)
    output.answer(document, as_json=as_json, show=lambda console: reject_show.show_record(console, document))


def export(
    source: Source = None,
    out: Annotated[Path | None, typer.Option("--out", help=N_("Write to this file instead of stdout."))] = None,
    language: Annotated[
        Language | None, typer.Option("--lang", help=N_("Language of the texts; left out: that of this terminal."))
    ] = None,
    excel: Annotated[bool, typer.Option("--excel", help=N_("Semicolons, as a German Excel expects them."))] = False,
) -> None:
    """Open rejects as CSV."""
    with views.fresh_hub() as hub:
        from verbund.views.reject_report import RejectReport
        from verbund.views.reject_words import reject_csv

        _demand_known(hub, source)
        records = RejectReport(hub.engine).records(source)
    text = reject_csv(records, language or current_language(), delimiter=";" if excel else ",")
    if out is None:
        typer.echo(text, nl=False)
    else:
        # With the mark, Excel reads the umlauts; the line ends are those of the format already.
        out.write_text(text, encoding="utf-8-sig", newline="")
        output.say(_("{n} rejects are in {file}.").format(n=len(records), file=out))


def _demand_known(hub: Hub, source: str | None) -> None:
    from verbund.bootstrap import now
    from verbund.errors import UnknownNameError
    from verbund.views.health import Health

    if source is not None and Health(hub.engine).source(source, now()) is None:
        raise UnknownNameError("There is no source {name} here; `verbund source list` shows all.", name=source)


def _document(hub: Hub, found: RejectedRecord) -> dict[str, Any]:
    from verbund.explanations import explained
    from verbund.ingest.raw_record import raw_items
    from verbund.views.health import Health
    from verbund.views.reject_words import record_document

    reject = found.reject
    rule = explained("rules", reject.rule, current_language())
    run = Health(hub.engine).run(reject.run_id)
    return {
        "source": reject.source,
        "district": reject.district,
        **record_document(found),
        "rule": reject.rule,
        "rule_title": rule.title,
        "text": rule.text,
        "fix": rule.fix,
        "first_seen": reject.first_seen.isoformat(),
        "rejected_at": reject.rejected_at.isoformat(),
        "last_seen": found.last_seen.isoformat(),
        "run_id": reject.run_id,
        "run_finished_at": run.finished_at.isoformat() if run else None,
        "raw": raw_items(hub.settings.ingest, reject.source, reject.record_key),
    }
