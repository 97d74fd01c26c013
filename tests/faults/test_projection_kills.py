"""SIGKILL at random moments of a projecting process while the log grows: tables, tripwire and index agree with a replay."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.faults.ingest_child import open_any
from tests.faults.processes import Children, kill, seeded
from tests.faults.projecting_child import HORIZON, open_database, serve, views
from tests.faults.readings import check_index, check_tripwire, check_views
from tests.projection.histories import History
from verbund.event_log import EventLog
from verbund.events import Event
from verbund.projection.runner import Runner
from verbund.views.search import SearchProjection, SearchWriter

KILLS_IN_CI = 20
KILLS_IN_FAULTS = 120
# A start, the check of the log and the first batches take about this long; kills fall anywhere in it.
LIFE_S = 0.7
# A replay beside each kill would be the whole test; the tripwire is asked after each one.
REPLAY_EVERY = 5


@pytest.mark.parametrize(
    "kills", [KILLS_IN_CI, pytest.param(KILLS_IN_FAULTS, marks=[pytest.mark.faults, pytest.mark.timeout(900)])]
)
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_a_projection_killed_while_the_log_grows_agrees_with_a_replay(
    database: str, kills: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    chance = seeded(20261125)
    url = str(tmp_path / "views.db") if database == "sqlite" else request.getfixturevalue("postgres_url")
    log_url, search = f"sqlite:///{tmp_path / 'log.db'}", tmp_path / "search"
    log, history = open_any(log_url), History(chance.randrange(10**6))
    engine = open_database(url)
    request.addfinalizer(engine.dispose)
    Runner(views(), log=log, engine=engine).start()
    SearchWriter(search, horizon=HORIZON).close()
    killed_behind, places = 0, set()
    with Children() as children:
        for number in range(kills):
            append(log, history.grow(60))
            readers = chance.choice(
                ({"database": url}, {"database": url, "search": str(search)}, {"search": str(search)})
            )
            child = children.start(serve, log_url, **readers, batch=chance.choice((5, 20, 60)))
            grow_for(chance.uniform(0.02, LIFE_S), log, history)
            assert kill(child), "it ended by itself"
            place = check_tripwire(engine)
            killed_behind += place != log.end()
            if number % REPLAY_EVERY == REPLAY_EVERY - 1:
                check_views(chance.sample(views(), 2), log, engine)
                places.add(str(check_index(search, log)))
    assert killed_behind >= kills // 4
    assert len(places) > 1, "the index never came forward"
    Runner(views(), log=log, engine=engine).catch_up()
    writer = SearchWriter(search, horizon=HORIZON)
    SearchProjection(log, writer).catch_up()
    writer.close()
    assert check_tripwire(engine) == log.end()
    check_views(views(), log, engine)
    inventories = {topic: end for topic, end in log.end().items() if topic.startswith("inventory.")}
    assert check_index(search, log) == inventories
    log.close()


def grow_for(seconds: float, log: EventLog, history: History) -> None:
    """Append a few events after the other for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        append(log, history.grow(4))
        time.sleep(0.01)  # the pace of the writer; what is tested is what happens meanwhile


def append(log: EventLog, events: Iterable[tuple[str, Event]]) -> None:
    by_topic: dict[str, list[Event]] = {}
    for topic, event in events:
        by_topic.setdefault(topic, []).append(event)
    for topic, some in by_topic.items():
        log.append(topic, some)
