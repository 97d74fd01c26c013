"""`verbund init`, `verbund config show`: a home, and what is set there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from verbund.cli import output, session
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

_TEMPLATE = """\
# Settings of this hub; the environment (VERBUND_LISTEN, ...) and flags go before them.
# `verbund config show --origin` says what is in force and why.
#
# listen: 127.0.0.1:8080
# public_url: https://verbund.example.org
# event_log: kafka://broker-1:9092,broker-2:9092/verbund
# database: postgresql+psycopg://verbund:${DB_PASSWORD}@localhost/verbund
# kafka: {security_protocol: SASL_SSL, sasl_mechanism: SCRAM-SHA-512, username: hub, password: "file:kafka.password"}
# fetch_allow: [10.0.0.0/8]
# alerts: {to: [it@kreis.example], from: verbund@kreis.example, smtp: "smtp://mail.kreis.example", quiet: ["20:00-07:00"]}
"""


def register(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    app.command("init", help=N_("Make a hub on this machine: a folder for log, views, raw payloads and sources."))(init)
    config = typer.Typer(no_args_is_help=True, help=N_("Settings in force."))
    config.command("show", help=N_("Show every setting, secrets masked."))(config_show)
    app.add_typer(config, name="config")


def init(*, as_json: output.JSON = False) -> None:
    """Make the home and a settings file that explains itself."""
    from verbund.settings import FILE_NAME

    settings = session.current().configuration(create=True).settings
    file = settings.home / FILE_NAME
    made = not file.exists()
    if made:
        file.write_text(_TEMPLATE, encoding="utf-8")
    settings.sources_folder.mkdir(exist_ok=True)
    settings.raw_folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def show(console: Console) -> None:
        sentence = _("A new hub is at {home}.") if made else _("A hub is at {home} already; nothing was changed.")
        console.print(sentence.format(home=settings.home), markup=False)
        output.say(_("Next: `verbund source init --connector table`, or `verbund demo` for made-up districts."))

    output.answer({"home": str(settings.home), "created": made, "settings": str(file)}, as_json=as_json, show=show)


def config_show(
    *,
    origin: Annotated[bool, typer.Option("--origin", help=N_("Say where each setting comes from."))] = False,
    as_json: output.JSON = False,
) -> None:
    """Show every setting."""
    configuration = session.current().configuration()
    shown = configuration.shown()
    document = {
        name: {"value": value, "origin": configuration.origins[name]} if origin else value
        for name, value in shown.items()
    }

    def show(console: Console) -> None:
        columns = [_("setting"), _("value"), *([_("from")] if origin else [])]
        rows = [
            [name, ", ".join(value) if isinstance(value, list) else value]
            + ([_origin_word(configuration.origins[name])] if origin else [])
            for name, value in shown.items()
        ]
        output.table(console, columns, rows)

    output.answer(document, as_json=as_json, show=show)


def _origin_word(origin: str) -> str:
    words = {"flag": _("flag"), "environment": _("environment"), "file": "verbund.yaml", "default": _("default")}
    return words[origin]
