"""A hub filled from events: log in memory, views in SQLite, search index, web in front."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from verbund import sqlite
from verbund.codec import AvroCodec
from verbund.desk import Desk
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Event
from verbund.projection.runner import Runner
from verbund.state import ApiKeys
from verbund.testing.builders import a_text, an_event, an_organisation
from verbund.views import all_views
from verbund.views.changes import Changes
from verbund.views.health import Health
from verbund.views.history import History
from verbund.views.holds import Holds
from verbund.views.offers import Offers
from verbund.views.organisations import Organisations
from verbund.views.overrides import Overrides
from verbund.views.quality import Quality
from verbund.views.reject_report import RejectReport
from verbund.views.search import Horizon, SearchIndex, SearchProjection, SearchWriter
from verbund.web import Reading, Writing, create_app

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
VHS = an_organisation()["organisation_id"]


class Client:
    """Asks the application itself, without a server and without following redirects."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    def get(self, address: str, **wishes: Any) -> httpx.Response:
        return self._ask("GET", address, **wishes)

    def post(self, address: str, **wishes: Any) -> httpx.Response:
        return self._ask("POST", address, **wishes)

    def ask(self, method: str, address: str, **wishes: Any) -> httpx.Response:
        return self._ask(method, address, **wishes)

    def _ask(self, method: str, address: str, **wishes: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://hub.example") as client:
                return await client.request(method, address, **wishes)

        return asyncio.run(ask())


@dataclass
class Site:
    """The hub of one test."""

    log: MemoryEventLog
    reading: Reading
    catch_up: Callable[[], None]
    keys: ApiKeys
    views: Engine
    hurried: list[str]

    def client(self, **changed: Any) -> Client:
        return Client(create_app(replace(self.reading, **changed)))

    def desk(self, **changed: Any) -> Client:
        """As `client`, but with keys: it takes answers."""
        reading = replace(self.reading, **changed)

        def hurry(source: str) -> bool:
            self.hurried.append(source)
            return True

        desk = Desk(self.log, self.views, clock=reading.clock)
        return Client(create_app(reading, Writing(keys=self.keys, desk=desk, hurry=hurry)))

    def key(self, name: str = "office", *districts: str) -> str:
        """The secret of a new key, of the hub when no district is named."""
        role = "district" if districts else "hub"
        return self.keys.add(name, role=role, of_districts=districts, now=NOW)[1]

    def add(self, *events: Event) -> None:
        for event in events:
            topic = {"RunFinished": "runs", "HoldDecided": "desk", "FieldOverridden": "desk"}.get(
                event.type, "inventory"
            )
            self.log.append(f"{topic}.{event.source.partition('/')[0]}", [event])
        self.catch_up()


@pytest.fixture(name="empty_site")
def _empty_site(tmp_path: Path):
    codec = AvroCodec()
    log = MemoryEventLog(codec=codec)
    engine = sqlite.engine(tmp_path / "views.db")
    runner = Runner(all_views(), log=log, engine=engine)
    runner.start()
    writer = SearchWriter(
        tmp_path / "search", horizon=Horizon(NOW.date().replace(month=1), NOW.date().replace(year=2027))
    )
    projection = SearchProjection(log, writer)
    search = SearchIndex(tmp_path / "search", neighbours={"05954": ("05124",)})

    def catch_up() -> None:
        runner.catch_up()
        projection.catch_up()

    reading = Reading(
        search=search,
        offers=Offers(engine),
        history=History(engine),
        organisations=Organisations(engine),
        changes=Changes(engine),
        health=Health(engine),
        quality=Quality(engine),
        rejects=RejectReport(engine),
        holds=Holds(engine),
        overrides=Overrides(engine),
        codec=codec,
        clock=lambda: NOW,
        lag=projection.lag,
        version="1.2.3",
    )
    state = sqlite.engine(tmp_path / "state.db", full=True)
    yield Site(log, reading, catch_up, ApiKeys(state), engine, [])
    state.dispose()
    search.close()
    writer.close()
    engine.dispose()


@pytest.fixture(name="site")
def _site(empty_site: Site) -> Site:
    english = a_text(
        title="German B1.1 in the morning", description_text="Prepares for the exam.", translation="machine"
    )
    arabic = a_text(
        title="دورة اللغة الألمانية",
        summary=None,
        description_html=None,
        description_text="دورة",
        translation="unknown",
    )
    empty_site.add(
        an_event("SourceChanged"),
        an_event("OrganisationPublished"),
        an_event("OfferPublished", organisation_id=VHS, texts={"de": a_text(), "en": english, "ar": arabic}),
        an_event(
            "OfferPublished",
            record_key="sport-1",
            kind="sport",
            title="Fußball für Mädchen",
            level_from=None,
            level_to=None,
        ),
        an_event("OfferPublished", record_key="closed-1", title="Nur hier zu sehen", licence=None),
        an_event("RunFinished"),
    )
    return empty_site


@pytest.fixture(name="client")
def _client(site: Site) -> Client:
    return site.client()
