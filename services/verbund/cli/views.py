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
def fresh_hub() -> Iterator[Hub]:
    """The hub with views that know the whole log, or with a word about how far they are behind."""
    with session.current().hub() as hub:
        if hub.settings.on_kafka:
            say_lag(hub)
        else:
            bring_up(hub)
        yield hub


def bring_up(hub: Hub) -> None:
    """Catch all views up."""
    with progress() as report:
        hub.catch_up(lambda done, total: report("catch_up", done, total))


def say_lag(hub: Hub) -> None:
    """How many events the views have not read yet."""
    hub.runner.start()
    behind = max((*hub.runner.lag().values(), hub.search_lag()), default=0)
    output.say(_("The views are {events} events behind the log.").format(events=behind))
