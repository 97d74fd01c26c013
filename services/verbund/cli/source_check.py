"""`verbund source check`: does the source answer, what does it deliver, and what may be passed on?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from verbund.cli import output, source_show
from verbund.i18n import N_, _, current_language, error_sentence

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.cli.progress import Report
    from verbund.ingest.source_file import SourceFile

_SAMPLE: Final = 10

_CONTACTS: Final = {
    "none": N_("none are taken"),
    "functions": N_("functions without names of persons"),
    "names": N_("with names, as the source has them"),
}


def checked(hub: Hub, source: SourceFile, report: Report) -> dict[str, Any]:
    """A pull that writes nothing, seen as connection, sample and rights."""
    plan = hub.ingest.plan(source, progress=report)
    document = plan.document
    return {
        "source": source.source,
        "district": source.district,
        "connector": source.connector,
        "connection": {
            "ok": document["completeness"]["state"] != "failed",
            "because": error_sentence(plan.failure) if plan.failure else None,
        },
        "completeness": document["completeness"],
        "counts": document["counts"],
        "sample": _sample(document["changes"]) or _published(hub, source.source),
        "rejects": document.get("rejects", []),
        "rights": _rights(source),
    }


def _sample(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for change in changes:
        fields = {name: pair[1] for name, pair in change["fields"].items()}
        titles = {name: value for name, value in fields.items() if name.endswith(".title")}
        if titles:
            title = titles.get("texts.de.title") or next(iter(titles.values()))
            found.append({"record_key": change["record_key"], "title": title, "fields": sorted(fields)})
        if len(found) == _SAMPLE:
            break
    return found


def _published(hub: Hub, source: str) -> list[dict[str, Any]]:
    """Of a source that delivers nothing new: what it delivered before."""
    from verbund.views.offers import Offers

    hub.catch_up(search=False)
    rows = Offers(hub.engine).listing(source=source, limit=_SAMPLE)
    return [{"record_key": row.record_key, "title": row.title, "fields": []} for row in rows]


def _rights(source: SourceFile) -> dict[str, Any]:
    from verbund_schemas import vocabulary

    term = vocabulary("licences").terms.get(source.licence or "")
    return {
        "licence": source.licence,
        "known": term is not None,
        "passed_on": bool(source.licence) and (term is None or bool(term.more.get("pass_on", True))),
        "attribution": source.attribution,
        "contacts": source.contacts,
    }


def show(console: Console, document: Mapping[str, Any]) -> None:
    """The three answers, one below the other."""
    from verbund_schemas import vocabulary

    rights, connection = document["rights"], document["connection"]
    licence = vocabulary("licences").label(rights["licence"], current_language()) if rights["licence"] else None
    output.facts(
        console,
        [
            (_("source"), document["source"]),
            (_("connection"), output.sign("ok" if connection["ok"] else "fail")),
            (_("outcome"), source_show.word(document["completeness"]["state"])),
            (_("records delivered"), document["counts"]["delivered"]),
            (_("rejected"), document["counts"]["rejected"]),
            (_("licence"), licence),
            (_("passed on"), rights["passed_on"]),
            (_("attribution"), rights["attribution"]),
            (_("contacts"), _(_CONTACTS[rights["contacts"]])),
        ],
    )
    if connection["because"]:
        console.print(connection["because"], markup=False)
    source_show.show_parts(console, document["completeness"])
    if document["sample"]:
        rows = [(one["record_key"], one["title"]) for one in document["sample"]]
        output.table(console, (_("record"), _("title")), rows, title=_("Sample"))
