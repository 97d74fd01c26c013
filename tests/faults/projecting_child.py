"""A process that keeps views and the search index up to date, to be killed, stopped and continued at any moment."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg  # noqa: F401 - loaded before the fork; SQLAlchemy opens it by name
import structlog
from sqlalchemy import Engine, create_engine

from tests.faults.ingest_child import open_any
from verbund import sqlite
from verbund.cli.service import Service
from verbund.errors import LogUnavailableError, VerbundError
from verbund.event_log import NO_WAIT, EventLog, Positions
from verbund.events import Recorded
from verbund.projection import Projection
from verbund.projection.runner import Runner
from verbund.views import all_views
from verbund.views.search import Horizon, SearchProjection, SearchWriter
from verbund.views.tripwire import TripwireView

HORIZON = Horizon(date(2026, 1, 1), date(2027, 12, 31))
LOG_AWAY, ENDED_WITH_ERROR = 3, 5


def views() -> list[Projection]:
    """All read models in tables, and the one that counts."""
    return [*all_views(), TripwireView()]


def open_database(url: str) -> Engine:
    """A SQLAlchemy URL, or the path of a SQLite file."""
    return create_engine(url, pool_pre_ping=True) if "://" in url else sqlite.engine(Path(url))


def serve(log_url: str, *, database: str = "", search: str = "", batch: int = 50, report: str = "") -> None:
    """As `verbund project`, views and index or one of them: until it is killed, or the log may not be read on."""
    noted = _note_log_lines()
    try:
        log = open_any(log_url)
    except LogUnavailableError:
        sys.exit(LOG_AWAY)
    service = Service()
    if database:
        service.add("views", Runner(views(), log=log, engine=open_database(database), batch=batch).run_forever)
    if search:
        writer = SearchWriter(Path(search), horizon=HORIZON)
        service.add("search", SearchProjection(log, writer).run_forever)
    try:
        service.wait()
    except VerbundError as error:
        _report(report, noted, error=error.error_code, message=str(error))
        os._exit(ENDED_WITH_ERROR)  # the other thread may be in the middle of a read of ten seconds


def catch_up(log_url: str, database: str, *, batch: int = 50, report: str = "", asleep: bool = False) -> None:
    """Up to the end of the log, once; `asleep`: it stops itself with a page in its hands that it has not applied."""
    noted = _note_log_lines()
    log = StopsItself(open_any(log_url))
    runner = Runner(views(), log=log, engine=open_database(database), batch=batch)
    runner.start()
    log.armed = asleep
    done = runner.catch_up()
    _report(report, noted, events=done.events)


class StopsItself:
    """An `EventLog` whose next page comes with a SIGSTOP, when armed."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self.armed = False

    def read(self, positions: Positions, *, limit: int = 1000, wait: timedelta = NO_WAIT) -> list[Recorded]:
        page = self._log.read(positions, limit=limit, wait=wait)
        if self.armed and page:
            self.armed = False
            os.kill(os.getpid(), signal.SIGSTOP)
        return page

    def append(self, topic: str, events: Any) -> list[int]:
        return self._log.append(topic, events)

    def end(self, topics: Iterable[str] | None = None) -> dict[str, int]:
        return self._log.end(topics)

    def topics(self) -> list[str]:
        return self._log.topics()

    def close(self) -> None:
        self._log.close()


def _note_log_lines() -> list[str]:
    """Names of log lines from now on, shown nowhere."""
    noted: list[str] = []

    def note(_logger: Any, _method: str, line: Any) -> Any:
        noted.append(line["event"])
        raise structlog.DropEvent

    structlog.configure(processors=[note])
    return noted


def _report(path: str, noted: list[str], **facts: Any) -> None:
    if path:
        Path(path).write_bytes(orjson.dumps({**facts, "lines": noted}))
