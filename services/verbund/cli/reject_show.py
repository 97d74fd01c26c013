"""How rejects look to people: what is wrong, how often, since when, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from verbund.cli import output
from verbund.i18n import _, ngettext

if TYPE_CHECKING:
    from rich.console import Console

# A record may come as one item for each language; the first ones show what is wrong.
_SHOWN_ITEMS: Final = 2


def show_groups(console: Console, groups: Sequence[Mapping[str, Any]], *, title: str = "") -> None:
    """Groups as a table, then what to do about each rule."""
    rows = [
        (
            group["count"],
            group["source"],
            group["title"],
            group["place"],
            _mark(group),
            group["first_seen"][:10],
            group["last_seen"][:10],
            ", ".join(_example(one) for one in group["examples"]),
        )
        for group in groups
    ]
    columns = ("", _("source"), _("rule"), _("place"), _("earlier"), _("first seen"), _("last seen"), _("for example"))
    output.table(console, columns, rows, right=(0,), title=title)
    fixes = {group["title"]: group["fix"] for group in groups if group["fix"]}
    if fixes:
        console.print()
    for rule, fix in fixes.items():
        console.print(f"{rule} → {fix}", markup=False)


def show_record(console: Console, document: Mapping[str, Any]) -> None:
    """One rejected record, with what the source sent."""
    output.facts(
        console,
        [
            (_("record"), f"{document['source']} {document['record_key']}"),
            (_("title"), document["title"]),
            (_("rule"), f"{document['rule']} – {document['rule_title']}"),
            (_("place"), document["place"]),
            (_("value"), document["value"]),
            (_("first seen"), _day(document["first_seen"])),
            (_("last seen"), _day(document["last_seen"])),
            (_("earlier"), _before(document)),
            (_("offer"), document["offer_id"]),
            (_("run"), document["run_id"]),
            (_("raw data"), document["raw_digest"]),
        ],
    )
    console.print(f"\n{document['text']}\n\n→ {document['fix']}", markup=False)
    for item in document["raw"][:_SHOWN_ITEMS]:
        _show_item(console, item)
    if len(document["raw"]) > _SHOWN_ITEMS:
        more = len(document["raw"]) - _SHOWN_ITEMS
        console.print(_("and {n} more, see --json").format(n=more))
    if not document["raw"]:
        console.print()
        console.print(
            _("What the source sent is not kept record by record here; the whole answer lies in the raw archive."),
            markup=False,
        )


def _show_item(console: Console, item: Mapping[str, Any]) -> None:
    import json

    what = f"{item['part']} {item['id']}"
    console.print()
    console.print(_("As the source sent it ({what}), without personal data:").format(what=what), markup=False)
    console.print(json.dumps(item["data"], ensure_ascii=False, indent=2), markup=False, soft_wrap=True)


def _mark(group: Mapping[str, Any]) -> str | None:
    if group["back"]:
        return _("is back")
    count = group["regressed"]
    return ngettext("{n} was good", "{n} were good", count).format(n=count) if count else None


def _before(document: Mapping[str, Any]) -> str:
    if document["offer_id"]:
        return _("was good; its last good version stays")
    return _("was cleared and is back") if document["regressed"] else _("never good")


def _example(one: Mapping[str, Any]) -> str:
    return f"{one['record_key']} ({one['value']})" if one["value"] else str(one["record_key"])


def _day(instant: str) -> str:
    from verbund.cli.offer_show import local

    return local(instant)
