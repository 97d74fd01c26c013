"""Answers of views: on one machine they are caught up first, on a shared log their lag is said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from verbund.cli import output, session
from verbund.cli.progress import progress
from verbund.i18n import _

if TYPE_CHECKING:
    from verbund.bootstrap import Hub


@contextmanager
def fresh_hub(*, search: bool = False) -> Iterator[Hub]:
    """The hub with views that know the whole log, or with a word about how far they are behind.

    The search index only takes part when the question needs it: most commands start a tenth of a second sooner.
    """
    with session.current().hub() as hub:
        if hub.settings.on_kafka:
            say_lag(hub, search=search)
        else:
            bring_up(hub, search=search)
        yield hub


def bring_up(hub: Hub, *, search: bool = True) -> None:
    """Catch all views up."""
    with progress() as report:
        hub.catch_up(lambda done, total: report("catch_up", done, total), search=search)


def say_lag(hub: Hub, *, search: bool) -> None:
    """How many events the views have not read yet."""
    hub.runner.start()
    behind = max((*hub.runner.lag().values(), hub.search_lag() if search else 0))
    output.say(_("The views are {events} events behind the log.").format(events=behind))
