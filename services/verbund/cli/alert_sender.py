"""The alerts of this hub, wired: what the views know, and the ways out that are set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from verbund.alerts.channel import Channel
    from verbund.alerts.facts import Holds, Look, WeekOfSource
    from verbund.alerts.sender import Sender
    from verbund.bootstrap import Hub


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """`Holds` as the views know them."""

    engine: Engine

    def open_holds(self) -> Sequence[Mapping[str, Any]]:
        """Those that wait for a person."""
        from verbund.views.holds import Holds

        return [asdict(hold) for hold in Holds(self.engine).listing() if hold.state == "open"]


@contextmanager
def opened(hub: Hub) -> Iterator[Sender]:
    """A sender over the sources of this hub and the channels of its settings."""
    from verbund.alerts.outbox import Outbox
    from verbund.alerts.sender import Sender
    from verbund.bootstrap import now

    holds = OpenHolds(hub.engine)
    outbox = Outbox(hub.settings.state)
    try:
        with channels(hub) as ways:
            yield Sender(
                outbox,
                ways,
                settings=hub.settings.alerts,
                look=lambda: look(hub, holds, now()),
                week=lambda since: week(hub, since, now()),
                clock=now,
            )
    finally:
        outbox.close()


@contextmanager
def channels(hub: Hub) -> Iterator[Sequence[Channel]]:
    """The ways out that are set."""
    from verbund.alerts.mail import Mail
    from verbund.alerts.webhook import Webhook
    from verbund.bootstrap import now
    from verbund.fetch import FetchSettings
    from verbund.fetch.post import HttpPost

    settings = hub.settings
    alerts = settings.alerts
    language, public_url = alerts.lang or settings.lang, settings.public_url
    proxy = settings.proxy.get_secret_value() if settings.proxy else None
    guarded = FetchSettings(allow=settings.fetch_allow, proxy=proxy, ca_file=settings.ca_file)
    ways: list[Channel] = []
    with HttpPost(guarded) as post:
        if alerts.to and alerts.mail_server and alerts.sender:
            ways.append(
                Mail(
                    alerts.mail_server,
                    sender=alerts.sender,
                    to=alerts.to,
                    language=language,
                    public_url=public_url,
                    ca_file=settings.ca_file,
                )
            )
        if alerts.webhook and alerts.webhook_secret:
            ways.append(
                Webhook(
                    alerts.webhook,
                    alerts.webhook_secret,
                    post=post,
                    language=language,
                    clock=now,
                    public_url=public_url,
                )
            )
        yield ways


def look(hub: Hub, holds: Holds, now: datetime) -> Look:
    """How the sources are, as the views know it."""
    from verbund.alerts.facts import Look, SourceNow
    from verbund.views.health import Health

    sources = tuple(
        SourceNow(
            source=one.source,
            district=one.district,
            title=one.facts.title if one.facts else one.source,
            word=one.word,
            because=tuple(code for code in one.because if code != one.word),
            paused=one.facts is not None and one.facts.change == "paused",
        )
        for one in Health(hub.engine).sources(now)
    )
    return Look(sources=sources, holds=tuple(holds.open_holds()))


def week(hub: Hub, since: datetime, now: datetime) -> Sequence[WeekOfSource]:
    """What the runs since then brought, source by source."""
    from verbund.alerts.facts import WeekOfSource
    from verbund.views.health import Health
    from verbund.views.weeks import RunSums, run_sums

    sums = run_sums(hub.engine, since)
    found = []
    for one in Health(hub.engine).sources(now):
        of_source = sums.get((one.district, one.source)) or RunSums()
        totals = one.last_run.totals if one.last_run else {}
        found.append(
            WeekOfSource(
                source=one.source,
                title=one.facts.title if one.facts else one.source,
                word=one.word,
                because=one.because,
                runs=dict(of_source.outcomes),
                counts=dict(of_source.counts),
                live=totals.get("live", 0) + totals.get("missed", 0),
                rejects=one.rejects,
            )
        )
    return found
