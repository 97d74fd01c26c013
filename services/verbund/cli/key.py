"""`verbund key ...`: who may answer through the web."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from verbund.cli import output, session
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.state import ApiKey


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    key = typer.Typer(no_args_is_help=True, help=N_("API keys: who may answer holds on the web and over the API."))
    key.command(
        "add",
        help=N_("Make a key and show its secret, once."),
        epilog="verbund key add integration-office --role district --district 05954",
    )(add)
    key.command("list", help=N_("All keys, without their secrets."))(listing)
    key.command("revoke", help=N_("End a key, at once and for ever."))(revoke)
    app.add_typer(key, name="key")


Name = Annotated[str, typer.Argument(help=N_("Name of a role or a system, never of a person; it stands in the log."))]


def add(
    name: Name,
    role: Annotated[
        Literal["district", "hub"], typer.Option("--role", help=N_("Speaks for some districts, or for the whole hub."))
    ],
    district: Annotated[
        list[str] | None,
        typer.Option("--district", help=N_("District that it speaks for; may be given several times.")),
    ] = None,
    as_json: output.JSON = False,
) -> None:
    """A new key."""
    from verbund.bootstrap import now

    with session.current().hub() as hub:
        key, secret = hub.api_keys.add(name, role=role, of_districts=district or [], now=now())
    document = {**facts(key), "secret": secret}
    output.answer(document, as_json=as_json, show=lambda console: _show_new(console, document))


def listing(as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """All keys."""
    with session.current().hub() as hub:
        items = [facts(key) for key in hub.api_keys.listing()]
    output.answer(output.listing(items), as_json=as_json, as_jsonl=as_jsonl, show=lambda console: _show(console, items))


def revoke(name: Name, as_json: output.JSON = False) -> None:
    """The end of a key."""
    from verbund.bootstrap import now

    with session.current().hub() as hub:
        document = facts(hub.api_keys.revoke(name, now=now()))
    sentence = _("The key {name} opens nothing any more.").format(name=name)
    output.answer(document, as_json=as_json, show=lambda console: console.print(sentence, markup=False))


def facts(key: ApiKey) -> dict[str, Any]:
    """A key as JSON has it."""
    return {**asdict(key), "districts": list(key.districts)}


def _show_new(console: Console, document: dict[str, Any]) -> None:
    console.print(document["secret"], markup=False, soft_wrap=True)
    output.say(_("This secret is shown only now; keep it in a password store. Whoever has it may answer for the key."))


def _show(console: Console, items: list[dict[str, Any]]) -> None:
    if not items:
        output.say(_("There is no key yet; `verbund key add NAME` makes one."))
        return
    rows = [
        (
            item["name"],
            item["role"],
            ", ".join(item["districts"]) or None,
            f"vbk_{item['prefix']}_…",
            item["created_on"],
            item["last_used_on"],
            item["revoked_on"],
        )
        for item in items
    ]
    columns = (_("name"), _("role"), _("districts"), _("begins with"), _("made on"), _("last used on"), _("revoked on"))
    output.table(console, columns, rows)
