"""The only module that wires: settings in, log, ingest, views, search and web out, each opened when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from verbund.errors import LockedError, ViewUnavailableError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine

    from verbund.archive import Archive
    from verbund.codec import Codec
    from verbund.event_log import EventLog
    from verbund.fetch import Fetch
    from verbund.ingest.service import Ingest
    from verbund.ingest.source_file import SourceFile
    from verbund.keys import KeyStore
    from verbund.projection.runner import Runner
    from verbund.settings import Configuration, Settings
    from verbund.state import ApiKeys
    from verbund.views.search import SearchIndex, SearchProjection
    from verbund_connectors.kit import Connector

#: Called while the views read the log: how many events were read, how many were to be read.
Progress = Callable[[int, int], None]

CONNECTOR_GROUP = "verbund.connectors"

_Closable = TypeVar("_Closable")


def now() -> datetime:
    """The clock of this hub."""
    return datetime.now(UTC)


class Connectors(Mapping[str, "type[Connector]"]):
    """Registered connectors by name, each loaded when first asked for."""

    def __init__(self) -> None:
        self._entries = {entry.name: entry for entry in entry_points(group=CONNECTOR_GROUP)}

    def __getitem__(self, name: str) -> type[Connector]:
        loaded: type[Connector] = self._entries[name].load()
        return loaded

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


class Hub:
    """Everything of one hub, as a context manager that closes what was opened, the last one first."""

    def __init__(self, settings: Settings, *, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self._environ = environ
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # --- rooms -------------------------------------------------------------------------------------------------------

    @cached_property
    def codec(self) -> Codec:
        """Event bodies."""
        from verbund.codec import AvroCodec

        return AvroCodec()

    @cached_property
    def log(self) -> EventLog:
        """The event log.

        Raises:
            LogUnavailableError, LogUnusableError: see `open_log`.
        """
        from verbund.event_log.opening import open_log

        kafka = {name: secret.get_secret_value() for name, secret in self.settings.kafka.items()}
        return self._closing(open_log(self.settings.event_log, codec=self.codec, kafka_settings=kafka or None))

    @cached_property
    def engine(self) -> Engine:
        """The database of the read models."""
        url = self.settings.database.get_secret_value()
        if url.startswith("sqlite:///"):
            from verbund import sqlite

            engine = sqlite.engine(Path(url.removeprefix("sqlite:///")))
        else:
            from sqlalchemy import create_engine

            engine = create_engine(url, pool_pre_ping=True)
        self._stack.callback(engine.dispose)
        return engine

    @cached_property
    def runner(self) -> Runner:
        """Brings all read models in SQL up to date."""
        from verbund.projection.runner import Runner
        from verbund.views import all_views

        return Runner(all_views(), log=self.log, engine=self.engine)

    @cached_property
    def runner_with_search(self) -> Runner:
        """Brings the read models in SQL and the search index up to date: one read and one decode serve both.

        Raises:
            LockedError: another process writes the index.
        """
        from verbund.projection.runner import Runner
        from verbund.views import all_views

        beside = [self.search_projection.follower]
        return Runner(all_views(), log=self.log, engine=self.engine, beside=beside)

    @cached_property
    def search(self) -> SearchIndex:
        """Reads the search index."""
        from verbund.views.search import SearchIndex
        from verbund_schemas import districts

        neighbours = {district.ags: district.neighbours for district in districts().values()}
        return self._closing(SearchIndex(self.settings.search, neighbours=neighbours))

    @cached_property
    def search_projection(self) -> SearchProjection:
        """Writes the search index; one process at a time.

        Raises:
            LockedError: another process writes it.
        """
        from verbund.views.search import SearchProjection, SearchWriter, horizon_of

        writer = SearchWriter(self.settings.search, horizon=horizon_of(now().date()))
        return SearchProjection(self.log, self._closing(writer))

    @cached_property
    def archive(self) -> Archive:
        """Raw payloads and run ledgers."""
        from verbund.archive import open_archive

        return open_archive(self.settings.raw)

    @cached_property
    def keys(self) -> KeyStore:
        """Keys of contacts."""
        from verbund.keys import SqliteKeyStore

        return self._closing(SqliteKeyStore(self.settings.keys))

    @cached_property
    def api_keys(self) -> ApiKeys:
        """Who may write through the web."""
        from verbund.state import ApiKeys, open_state

        url = self.settings.state_url
        if url is not None:
            from sqlalchemy import create_engine

            engine = create_engine(url.get_secret_value(), pool_pre_ping=True)
        else:
            engine = open_state(self.settings.state)
        self._stack.callback(engine.dispose)
        return ApiKeys(engine)

    @cached_property
    def fetch(self) -> Fetch:
        """The only way out to the network."""
        from verbund.fetch import FetchSettings, HttpFetch

        settings = self.settings
        return self._closing(
            HttpFetch(
                FetchSettings(
                    allow=settings.fetch_allow,
                    proxy=settings.proxy.get_secret_value() if settings.proxy else None,
                    ca_file=settings.ca_file,
                )
            )
        )

    @cached_property
    def connectors(self) -> Connectors:
        """Registered connectors by name."""
        return Connectors()

    @cached_property
    def ingest(self) -> Ingest:
        """Plans and runs of sources."""
        from verbund.ingest.rooms import Rooms
        from verbund.ingest.service import Ingest

        urls = (self.settings.public_url,) if self.settings.public_url else ()
        return Ingest(
            Rooms(
                log=self.log,
                memory=self.settings.ingest,
                fetch=self.fetch,
                archive=self.archive,
                keys=self.keys,
                clock=now,
                hub_urls=urls,
            )
        )

    def web_app(self, *, scheduling: bool = False) -> FastAPI:
        """Web pages and API over the views of this hub; `scheduling` says whether this process runs sources, too.

        Raises:
            LogUnusableError: the views were built from another log.
        """
        from verbund import __version__
        from verbund.desk import Desk
        from verbund.views.changes import Changes
        from verbund.views.health import Health
        from verbund.views.history import History
        from verbund.views.holds import Holds
        from verbund.views.offers import Offers
        from verbund.views.organisations import Organisations
        from verbund.views.overrides import Overrides
        from verbund.views.quality import Quality
        from verbund.views.reject_report import RejectReport
        from verbund.web.app import create_app
        from verbund.web.reading import Reading
        from verbund.web.writing import Writing

        def hurry(source: str) -> bool:
            return self.run_soon(source) and scheduling

        self.runner.start()  # makes the tables, so that an empty hub answers with empty lists
        return create_app(
            Reading(
                search=self.search,
                offers=Offers(self.engine),
                history=History(self.engine),
                organisations=Organisations(self.engine),
                changes=Changes(self.engine),
                health=Health(self.engine),
                quality=Quality(self.engine),
                rejects=RejectReport(self.engine),
                holds=Holds(self.engine),
                overrides=Overrides(self.engine),
                codec=self.codec,
                clock=now,
                lag=self.lag,
                version=__version__,
                contacts_of=self.contacts_of,
                dropped_of=self.dropped_of,
                set_of=self.set_of,
                reminding=self.settings.alerts.are_on,
                public_url=self.settings.public_url,
            ),
            Writing(keys=self.api_keys, desk=Desk(self.log, self.engine, clock=now), hurry=hurry),
        )

    def contacts_of(self, district: str, contact_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Contacts to be shown, by id; left out are erased and withdrawn ones, and those that may not be passed on."""
        from verbund.errors import ErasedError, UnreadableEventError
        from verbund.keys import open_contact
        from verbund.views.contacts import Contacts
        from verbund.views.health import Health

        found: dict[str, Mapping[str, Any]] = {}
        passed_on: dict[str, bool] = {}
        for contact_id, row in Contacts(self.engine).by_ids(contact_ids, district=district).items():
            if row.source not in passed_on:
                health = Health(self.engine).source(row.source, now())
                passed_on[row.source] = _passes_on(health.facts.licence if health and health.facts else None)
            if passed_on[row.source]:
                with suppress(ErasedError, UnreadableEventError):
                    found[contact_id] = open_contact(self.keys, asdict(row))
        return found

    def dropped_of(self, source: str, language: str) -> list[dict[str, Any]]:
        """What the mapping of a source left out, when this machine ingests it; with words in `de` or `en`."""
        from verbund.ingest.dropped import dropped_document, dropped_values

        return [dropped_document(one, language) for one in dropped_values(self.settings.ingest, source)]

    def set_of(self, digest: str) -> Iterator[tuple[str, str]]:
        """Action and record key of each record of a held set.

        Raises:
            RawGoneError: its document is not on this machine.
        """
        from verbund.ingest.holds import members

        return members(self.archive, digest)

    def run_soon(self, source: str) -> bool:
        """Ask the scheduler of this home to run a source, if it knows it; whether the source may be run now."""
        from verbund.errors import VerbundError
        from verbund.ingest.register import Register
        from verbund.ingest.schedule_file import ScheduleFile
        from verbund.ingest.scheduler import wanted
        from verbund.views.health import Health

        try:
            kept = Register(self.settings.sources_folder, load=self.source_file).kept(source)
        except VerbundError:
            return False  # it is run elsewhere, or its file is broken, which the scheduler says itself
        health = Health(self.engine).source(source, now())
        active = health is None or health.facts is None or health.facts.change not in ("paused", "removed")
        return wanted(ScheduleFile(self.settings.home), kept, now()) and active

    # --- what commands do with them ----------------------------------------------------------------------------------

    def source_file(self, path: Path) -> SourceFile:
        """Read and check a source file.

        Raises:
            SourceFileError: with file and line.
        """
        from verbund.ingest.source_loading import load_source

        return load_source(path, connectors=self.connectors, environ=self._environ)

    def catch_up(self, progress: Progress | None = None, *, search: bool = True) -> None:
        """Bring views and (where the question needs it) search up to the end of the log, unless somebody else does.

        Raises:
            LogUnusableError: the log is not the one that the views were built from.
        """
        runner = self.runner
        if search and self.search_lag():
            with suppress(LockedError):  # a running service writes the index; it will be there in a moment
                runner = self.runner_with_search
        runner.catch_up(progress)

    def lag(self) -> int:
        """Events of the log that the slowest view or the search has not read yet."""
        return max((*self.runner.lag().values(), self.search_lag()))

    def search_lag(self) -> int:
        """Events of the log that are not in the search index yet; an index that is missing lags by one at least."""
        try:
            following, missing = self.search.position().next, 0
        except ViewUnavailableError:
            following, missing = {}, 1
        topics = [topic for topic in self.log.topics() if topic.startswith("inventory.")]
        return missing + sum(max(0, end - following.get(topic, 0)) for topic, end in self.log.end(topics).items())

    def _closing(self, room: _Closable) -> _Closable:
        close = getattr(room, "close", None)
        if close is not None:
            self._stack.callback(close)
        return room


def _passes_on(licence: str | None) -> bool:
    """Whether a licence lets others have the content; none left out means no."""
    from verbund_schemas import vocabulary

    term = vocabulary("licences").terms.get(licence or "")
    return bool(licence) and (term is None or bool(term.more.get("pass_on", True)))


def configure_logging(configuration: Configuration, *, service: bool, debug: bool) -> None:
    """Log lines to stderr. A command logs warnings only, unless a level was set; a service logs what it does."""
    from verbund import logging

    settings = configuration.settings
    chosen = configuration.origins["log_level"] != "default"
    level: logging.Level = "debug" if debug else settings.log_level if service or chosen else "warning"
    logging.configure(level, settings.log_format)
