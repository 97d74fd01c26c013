"""`verbund up`, `ingest`, `project`, `serve`, `deliver`: all in one process, or each by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from verbund.cli import alert_sender, exits, output, scheduler, session
from verbund.i18n import N_, _

if TYPE_CHECKING:
    from verbund.bootstrap import Hub
    from verbund.cli.service import Service

Listen = Annotated[str | None, typer.Option("--listen", help=N_("Host and port of web and API."))]


def register_commands(app: typer.Typer) -> None:
    """Hang the commands into the application."""
    app.command("up", help=N_("Run everything in one process: web, views, search, scheduler."))(up)
    app.command("ingest", help=N_("Run the sources of this home when they are due."))(ingest)
    app.command("project", help=N_("Keep views and search up to date."))(project)
    app.command("serve", help=N_("Serve web pages and API."))(serve)
    app.command("deliver", help=N_("Deliver changes to subscribers (not in this version)."))(deliver)


def up(listen: Listen = None) -> None:
    """All in one process."""
    from verbund.cli.service import Service

    session.current().flags["listen"] = listen
    with session.current().hub(create=True, service=True) as hub:
        service = Service()
        add_web(service, hub, scheduling=True)
        add_views(service, hub)
        add_scheduler(service, hub)
        with alerts(service, hub):
            exits.finish(service.wait())


def ingest(
    once: Annotated[bool, typer.Option("--once", help=N_("Run what is due now, then end."))] = False,
) -> None:
    """The scheduler alone."""
    from verbund.cli.service import Service, ends_on_sigterm

    with session.current().hub(service=True) as hub:
        if once:
            with ends_on_sigterm():
                ran = scheduler.of(hub).run_due(threading.Event())
            output.say(_("{n} sources were due and ran.").format(n=ran))
            return
        service = Service()
        add_scheduler(service, hub)
        with alerts(service, hub):
            exits.finish(service.wait())


def project(
    once: Annotated[bool, typer.Option("--once", help=N_("Read up to the end of the log, then end."))] = False,
) -> None:
    """Views and search alone."""
    from verbund.cli import views
    from verbund.cli.service import Service

    with session.current().hub(service=True) as hub:
        if once:
            views.bring_up(hub)
            return
        service = Service()
        add_views(service, hub)
        exits.finish(service.wait())


def serve(listen: Listen = None) -> None:
    """The web alone; its search index is this machine's own, so it is kept up to date here, too."""
    from verbund.cli.service import Service

    session.current().flags["listen"] = listen
    with session.current().hub(service=True) as hub:
        service = Service()
        add_web(service, hub)
        add_search(service, hub)
        exits.finish(service.wait())


def deliver() -> None:
    """Nothing yet, and says so."""
    from verbund.errors import UsageError

    raise UsageError(
        "This version of Verbund has no subscriptions, so there is nothing to deliver; "
        "apps can follow /v1/changes, which `verbund up` and `verbund serve` answer."
    )


def add_web(service: Service, hub: Hub, *, scheduling: bool = False) -> str:
    """Serve web and API; answer the address. `scheduling`: this process runs sources, too."""
    from verbund.cli.service import address_of, listening_socket, serve_web

    listener = listening_socket(hub.settings.host, hub.settings.port)
    service.add("web", serve_web(hub.web_app(scheduling=scheduling), listener))
    address = address_of(listener)
    output.say(_("Verbund is at {address}").format(address=address))
    return address


def add_views(service: Service, hub: Hub) -> None:
    """Keep views and search up to date; views alone, when another process of this machine writes the search index."""
    from verbund.errors import LockedError

    try:
        runner = hub.runner_with_search
    except LockedError as error:
        output.say(str(error))
        runner = hub.runner
    service.add("views", runner.run_forever)


def add_search(service: Service, hub: Hub) -> None:
    """Keep the search index up to date, unless another process of this machine does."""
    from verbund.errors import LockedError

    try:
        service.add("search", hub.search_projection.run_forever)
    except LockedError as error:
        output.say(str(error))


def add_scheduler(service: Service, hub: Hub) -> None:
    """Run sources when they are due."""
    service.add("scheduler", scheduler.of(hub).run_forever)


@contextmanager
def alerts(service: Service, hub: Hub) -> Iterator[None]:
    """Tell people when a source needs them, if that is set."""
    if not hub.settings.alerts.are_on:
        yield
        return
    hub.runner.start()  # makes the tables, so that an empty hub is no trouble
    with alert_sender.opened(hub) as sender:
        service.add("alerts", sender.run_forever)
        yield
