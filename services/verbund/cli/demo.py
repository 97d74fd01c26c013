"""`verbund demo`: five made-up districts, pulled twice through the real path, then left running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import demo_home, differences, exits, offer_show, output, scheduler, session
from verbund.cli.progress import progress
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.demo.feeds import DemoFeeds
    from verbund.ingest.report import RunReport

_EDITIONS = (1, 2)
_USUAL_LISTEN = "127.0.0.1:8080"
_ANY_PORT = "127.0.0.1:0"


def register_commands(app: typer.Typer) -> None:
    """Hang the command into the application."""
    app.command("demo", help=N_("Five made-up districts: pull their feeds, change them, show what changed, stay up."))(
        demo
    )


def demo(
    once: Annotated[
        bool, typer.Option("--once", help=N_("End when all is pulled, and print the counts as JSON."))
    ] = False,
    listen: Annotated[str | None, typer.Option("--listen", help=N_("Host and port of web and API."))] = None,
) -> None:
    """Made-up districts through the real path."""
    from verbund.bootstrap import now
    from verbund.demo.feeds import DemoFeeds

    with demo_home.prepared() as home, DemoFeeds(now().date()) as feeds:
        session.current().flags["listen"] = listen or _free_address()
        with session.current().hub() as hub:
            document = pull_both(hub, feeds, home)
            if once:
                output.write_json(document)
                exits.finish(exits.DONE if document["ok"] else exits.FINDINGS)
            output.answer(document, as_json=False, show=lambda console: show(console, document))
            exits.finish(_stay_up(hub))


def pull_both(hub: Hub, feeds: DemoFeeds, home: Path) -> dict[str, Any]:
    """Pull the first edition, then the edited one; what came of it."""
    paths = feeds.write_sources(home / "demo-sources")
    runs: dict[int, list[RunReport]] = {}
    ends: dict[str, int] = {}
    with progress() as report:
        for edition in _EDITIONS:
            feeds.serve(edition)
            ends = hub.log.end()
            runs[edition] = []
            for number, path in enumerate(paths):
                report(_("edition {edition}").format(edition=edition), number, len(paths))
                source = hub.source_file(path)
                runs[edition].append(scheduler.apply_now(hub, source))
        report("catch_up", 0, None)
        hub.catch_up()
    return _document(hub, home, runs, changed=_changes(hub, ends))


def _document(
    hub: Hub, home: Path, runs: Mapping[int, list[RunReport]], *, changed: list[dict[str, Any]]
) -> dict[str, Any]:
    from verbund.views.offers import Offers
    from verbund_schemas import districts

    offers = Offers(hub.engine)
    every = [run for edition in _EDITIONS for run in runs[edition]]
    totals: dict[str, int] = {}
    for run in every:
        for name, count in run.document["counts"].items():
            totals[name] = totals.get(name, 0) + count
    return {
        "ok": all(run.outcome == "complete" for run in every),
        "home": str(home),
        "live": offers.count(),
        "counts": totals,
        "events": sum(hub.log.end().values()),
        "districts": [
            {
                "district": first.document["district"],
                "name": districts()[first.document["district"]].name,
                "source": first.document["source"],
                "live": offers.count(source=first.document["source"]),
                "first": first.document["counts"],
                "second": second.document["counts"],
                "outcome": second.outcome,
            }
            for first, second in zip(runs[1], runs[2], strict=True)
        ],
        "changes": changed,
    }


def _changes(hub: Hub, since: Mapping[str, int]) -> list[dict[str, Any]]:
    """What the second edition changed: one line for each offer."""
    from verbund.views.offers import Offers

    found = []
    place = {topic: position for topic, position in since.items() if topic.startswith("inventory.")}
    ends = hub.log.end(place)
    while behind := {topic: at for topic, at in place.items() if at < ends[topic]}:
        page = hub.log.read(behind)
        for record in page:
            place[record.topic] = record.position + 1
            if record.type.startswith("Offer"):
                found.append((record.subject, record.type, record.revision))
        if not page:
            break
    rows = Offers(hub.engine).by_ids(subject for subject, _type, _revision in found)
    changes = []
    for subject, event_type, revision in found:
        steps = [step for step in offer_show.history_of(hub, subject) if step["revision"] == revision]
        row = rows[subject]
        changes.append(
            {
                "source": row.source,
                "offer_id": subject,
                "event": event_type,
                "title": row.title,
                "fields": steps[0]["changes"] if steps and event_type == "OfferRevised" else {},
            }
        )
    return changes


def show(console: Console, document: Mapping[str, Any]) -> None:
    """Two tables: the districts, and what the second edition changed."""
    names = ("published", "revised", "withdrawn_by_record", "missed", "rejected")
    rows = [
        (
            one["name"],
            one["source"],
            one["live"],
            *(one["second"][name] + (one["first"][name] if name == "published" else 0) for name in names),
        )
        for one in document["districts"]
    ]
    columns = (
        _("district"),
        _("source"),
        _("live"),
        _("new"),
        _("changed"),
        _("withdrawn"),
        _("missed"),
        _("rejected"),
    )
    output.table(console, columns, rows, right=(2, 3, 4, 5, 6, 7), title=_("Five made-up districts"))
    lines = []
    for change in document["changes"]:
        parts = differences.lines(change["fields"]) or [""]
        lines.append((change["source"], change["title"], offer_show.word(change["event"]), parts[0]))
        lines += [("", "", "", line) for line in parts[1:]]
    output.table(
        console,
        (_("source"), _("title"), _("event"), _("difference")),
        lines,
        title=_("What the second edition changed"),
    )
    output.say(_("The hub is in {home}; try `verbund --home {home} offer find Deutsch`.").format(home=document["home"]))


def _stay_up(hub: Hub) -> int:
    from verbund.cli import process
    from verbund.cli.service import Service

    service = Service()
    address = process.add_web(service, hub, scheduling=True)
    process.add_views(service, hub)
    process.add_scheduler(service, hub)
    output.say(_("API: {address}/v1/offers – end with Ctrl-C").format(address=address))
    return service.wait()


def _free_address() -> str:
    """The usual address, or any free port when somebody listens there."""
    from verbund.cli.service import listening_socket
    from verbund.errors import SettingsError

    if session.current().environ.get("VERBUND_LISTEN"):
        return session.current().environ["VERBUND_LISTEN"]
    host, _colon, port = _USUAL_LISTEN.rpartition(":")
    try:
        listening_socket(host, int(port)).close()
    except SettingsError:
        return _ANY_PORT
    return _USUAL_LISTEN
