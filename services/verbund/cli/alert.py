"""`verbund alert ...`: whether the people who answer for sources would be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from verbund.cli import alert_sender, exits, output, session
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    alert = typer.Typer(no_args_is_help=True, help=N_("Alerts: mails and webhooks when a source needs a person."))
    alert.command("test", help=N_("Send a test message by every way that is set."))(send_test)
    app.add_typer(alert, name="alert")


def send_test(as_json: output.JSON = False) -> None:
    """Send a test message now, whatever the quiet times say."""
    from verbund.errors import SettingsError

    with session.current().hub() as hub:
        if not hub.settings.alerts.are_on:
            raise SettingsError(
                "No alerts are set; put `alerts: {to: [...], from: ..., smtp: ...}` or a webhook into verbund.yaml."
            )
        with alert_sender.opened(hub) as sender:
            answers = sender.test()
    items = [{"channel": name, "sent": not reason, "reason": reason or None} for name, reason in answers.items()]

    def show(console: Console) -> None:
        rows = [(output.sign("ok" if item["sent"] else "fail"), item["channel"], item["reason"]) for item in items]
        output.table(console, ("", _("channel"), _("reason")), rows)

    output.answer(output.listing(items), as_json=as_json, show=show)
    exits.finish(exits.DONE if all(item["sent"] for item in items) else exits.FINDINGS)
