"""`verbund view ...`: the read models, how far they are, and whether they are what the log says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from verbund.cli import exits, output, session
from verbund.cli.progress import progress
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from rich.console import Console

    from verbund.bootstrap import Hub
    from verbund.projection import Projection

SEARCH = "search"


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    view = typer.Typer(no_args_is_help=True, help=N_("Views: read models, each made from the log alone."))
    view.command("list", help=N_("All views: version, position, lag, rows, digest."))(listing)
    view.command("rebuild", help=N_("Make a view again from the log; readers see the old one meanwhile."))(rebuild)
    view.command("compare", help=N_("Replay views beside the live ones and compare them row by row."))(compare)
    app.add_typer(view, name="view")


def _names(incomplete: str) -> list[str]:
    from verbund.views import SQL_VIEWS

    return [name for name in (*SQL_VIEWS, SEARCH) if name.startswith(incomplete)]


Name = Annotated[str, typer.Argument(help=N_("Name of a view; see `verbund view list`."), autocompletion=_names)]


def listing(as_json: output.JSON = False, as_jsonl: output.JSONL = False) -> None:
    """All views."""
    with session.current().hub() as hub:
        views = [*_sql_views(hub), _search_view(hub)]
    output.answer(
        {"views": views},
        as_json=as_json,
        as_jsonl=as_jsonl,
        items="views",
        show=lambda console: output.table(
            console,
            (_("view"), _("version"), _("events read"), _("lag"), _("rows"), _("digest")),
            [
                (one["name"], one["version"], one["events_read"], one["lag"], one["rows"], (one["digest"] or "")[:12])
                for one in views
            ],
            right=(1, 2, 3, 4),
        ),
    )
    exits.finish(exits.DONE)


def rebuild(name: Name, as_json: output.JSON = False) -> None:
    """Make a view again."""
    with session.current().hub() as hub, progress() as report:

        def said(done: int, total: int) -> None:
            report("verify", done, total)

        if name == SEARCH:
            document = {"name": name, "events": hub.search_projection.rebuild(said), "parked": 0}
        else:
            from verbund.projection.rebuild import rebuild as rebuild_view

            done = rebuild_view(_view(hub, name), log=hub.log, engine=hub.engine, progress=said)
            document = {"name": name, "events": done.events, "parked": done.parked, "seconds": round(done.seconds, 3)}

    def show(console: Console) -> None:
        console.print(_("{name} was made again from {events} events.").format(**document), markup=False)

    output.answer(document, as_json=as_json, show=show)
    exits.finish(exits.FINDINGS if document["parked"] else exits.DONE)


def compare(
    names: Annotated[
        list[str] | None, typer.Argument(help=N_("Views to compare; none: all in tables."), autocompletion=_names)
    ] = None,
    as_json: output.JSON = False,
) -> None:
    """Replay beside the live views."""
    from verbund.projection.rebuild import compare as compare_view

    compared = []
    with session.current().hub() as hub:
        wanted = [_view(hub, name) for name in names] if names else [reader.view for reader in hub.runner.readers]
        with progress() as report:
            for number, view in enumerate(wanted):
                compared.append(compare_view(view, log=hub.log, engine=hub.engine))
                report("compare", number + 1, len(wanted))
    document: dict[str, Any] = {
        "equal": all(one.equal for one in compared),
        "differences": [
            {"view": one.view, "table": row.table, "key": list(row.key), "columns": list(row.columns)}
            for one in compared
            for row in one.differences
        ],
        "views": [{"name": one.view, "equal": one.equal, "digest": one.live.digest} for one in compared],
    }

    def show(console: Console) -> None:
        rows = [
            (one["name"], output.sign("ok" if one["equal"] else "fail"), one["digest"][:12])
            for one in document["views"]
        ]
        output.table(console, (_("view"), _("state"), _("digest")), rows)
        for difference in document["differences"]:
            console.print(difference, markup=False)

    output.answer(document, as_json=as_json, show=show)
    exits.finish(exits.DONE if document["equal"] else exits.FINDINGS)


def _view(hub: Hub, name: str) -> Projection:
    from verbund.errors import UnknownNameError
    from verbund.settings import nearest

    known = {reader.name: reader.view for reader in hub.runner.readers}
    if name in known:
        return known[name]
    guess = nearest(name, tuple(known))
    if guess:
        raise UnknownNameError("There is no view {name}; did you mean {nearest}?", name=name, nearest=guess)
    raise UnknownNameError("There is no view {name}; `verbund view list` shows all.", name=name)


def _sql_views(hub: Hub) -> list[dict[str, Any]]:
    from verbund.projection import positions
    from verbund.projection.digest import digest

    hub.runner.start()
    lag = hub.runner.lag()
    found = []
    for reader in hub.runner.readers:
        with hub.engine.connect() as tx:
            made = digest(reader.view, tx)
            marks = positions.load(tx, reader.name)
        position = {topic: mark.next_position for topic, mark in sorted(marks.items())}
        found.append(
            {
                "name": reader.name,
                "version": reader.view.version,
                "position": position,
                "events_read": sum(position.values()),
                "lag": lag[reader.name],
                "rows": made.rows,
                "digest": made.digest,
            }
        )
    return found


def _search_view(hub: Hub) -> dict[str, Any]:
    from verbund.bootstrap import now
    from verbund.errors import ViewUnavailableError
    from verbund.views.search import VERSION, SearchQuery

    try:
        position = dict(sorted(hub.search.position().next.items()))
        everything = SearchQuery(today=now().date(), past=True, limit=1)
        rows = hub.search.search(everything, facets=False).total
    except ViewUnavailableError:
        position, rows = {}, 0
    return {
        "name": SEARCH,
        "version": VERSION,
        "position": position,
        "events_read": sum(position.values()),
        "lag": hub.search_lag(),
        "rows": rows,
        "digest": None,
    }
