"""The log changes under a running reader (cut, made anew): it stops with a typed error and leaves the tables as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.faults.ingest_child import open_any
from tests.faults.processes import Children, ended, go_on, stop, wait_until
from tests.faults.projecting_child import ENDED_WITH_ERROR, catch_up, open_database, serve, views
from tests.faults.readings import check_tripwire
from tests.faults.test_projection_kills import append
from tests.projection.histories import History
from verbund import sqlite
from verbund.errors import ViewUnavailableError
from verbund.event_log import EventLog
from verbund.projection.digest import digest
from verbund.views.search import SearchIndex

UNUSABLE = "E402"


class Reader:
    """A running `serve` on a log, brought up to its end; then something happens to the log."""

    def __init__(self, children: Children, log_url: str, folder: Path, *, search: bool = False) -> None:
        self.log_url = log_url
        self.database = "" if search else str(folder / "views.db")
        self.report = folder / "report.json"
        self._folder = folder
        self._children = children
        self.process = children.start(
            serve,
            log_url,
            database=self.database,
            search=str(folder / "search") if search else "",
            report=str(self.report),
        )

    def stopped_with(self) -> str:
        """The code of the error that ended it by itself."""
        assert ended(self.process) == ENDED_WITH_ERROR
        return str(orjson.loads(self.report.read_bytes())["error"])

    def wait_for(self, log: EventLog) -> None:
        """Until it has read all."""
        if not self.database:
            wait_until(lambda: _indexed(self._folder / "search", log))
            return
        engine = open_database(self.database)
        wait_until(lambda: Path(self.database).exists() and _caught_up(engine, log))
        engine.dispose()

    def rows(self) -> list[str]:
        """Digests of all views."""
        engine = open_database(self.database)
        with engine.connect() as tx:
            found = [digest(view, tx).digest for view in views()]
        engine.dispose()
        return found


def _caught_up(engine: Any, log: EventLog) -> bool:
    try:
        return check_tripwire(engine) == log.end()
    except sqlite.Error:
        return False
    except Exception as error:
        if type(error).__name__ == "OperationalError":  # its tables are not there yet
            return False
        raise


def _indexed(folder: Path, log: EventLog) -> bool:
    wanted = {topic: end for topic, end in log.end().items() if topic.startswith("inventory.")}
    try:
        index = SearchIndex(folder)
        try:
            return index.position().next == wanted
        finally:
            index.close()
    except ViewUnavailableError:
        return False


def test_a_sqlite_log_that_lost_its_end_stops_the_reader(tmp_path: Path) -> None:
    log_url = f"sqlite:///{tmp_path / 'log.db'}"
    log = open_any(log_url)
    append(log, History(1).grow(60))
    with Children() as children:
        reader = Reader(children, log_url, tmp_path)
        reader.wait_for(log)
        before = reader.rows()
        with sqlite.connect(tmp_path / "log.db", full=True) as other:
            other.execute("DELETE FROM event WHERE position >= 3")
            other.execute("UPDATE topic SET next = min(next, 3)")
        other.close()
        assert reader.stopped_with() == UNUSABLE
        assert reader.rows() == before
        assert ended(children.start(catch_up, log_url, reader.database)) != 0
        assert reader.rows() == before
    log.close()


@pytest.mark.kafka
@pytest.mark.parametrize("damage", ["cut at its start", "deleted", "made anew", "made anew and longer"])
@pytest.mark.parametrize("search", [False, pytest.param(True, marks=pytest.mark.faults)], ids=["views", "search"])
def test_a_kafka_topic_that_is_not_what_it_was_stops_the_reader(
    damage: str, search: bool, kafka_server: Any, tmp_path: Path
) -> None:
    log_url = f"kafka://{kafka_server.bootstrap}/{kafka_server.prefix()}"
    log, history = open_any(log_url), History(2)
    append(log, history.grow(60))
    with Children() as children, kafka_server.admin() as admin:
        reader = Reader(children, log_url, tmp_path, search=search)
        reader.wait_for(log)
        assert stop(reader.process)
        for _ in range(4):  # the answer that waits for the reader holds the first of them only
            append(log, history.grow(30))
        _do(damage, admin, log_url, log, history)
        go_on(reader.process)
        assert reader.stopped_with() == UNUSABLE
    log.close()


def _do(damage: str, admin: Any, log_url: str, log: EventLog, history: History) -> None:
    """While the reader sleeps."""
    from kafka.structs import TopicPartition  # noqa: PLC0415, TID251 - only a test that damages a topic needs it

    topic = "inventory.05954"
    name = f"{log_url.rpartition('/')[2]}.{topic}"
    if damage == "cut at its start":
        admin.delete_records({TopicPartition(name, 0): log.end([topic])[topic] - 1})
        return
    admin.delete_topics([name])
    wait_until(lambda: name not in admin.list_topics())
    if damage.startswith("made anew"):
        fresh = open_any(log_url)
        events = [event for of, event in history.events if of == topic]
        fresh.append(topic, events * 2 if damage.endswith("longer") else events[:3])
        fresh.close()
