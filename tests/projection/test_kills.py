"""SIGKILL at random moments of a projecting process: rows and positions always agree, nothing twice, nothing left out."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.projection.histories import History
from verbund import sqlite
from verbund.event_log.sqlite import SqliteEventLog
from verbund.projection import positions
from verbund.projection.rebuild import compare
from verbund.projection.runner import Runner
from verbund.views import all_views
from verbund.views.tripwire import TripwireView, counted

# Each kill costs the start of a Python process; the long runs add more.
KILLS = 12
# A whole catch-up of the past takes about this long in batches of 20: kills spread over it.
WHOLE_S = 1.5


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("seed", [2026])
def test_a_killed_projection_leaves_rows_and_positions_that_agree(database, seed, request, tmp_path, codec):
    url = str(tmp_path / "views.db") if database == "sqlite" else request.getfixturevalue("postgres_url")
    engine = sqlite.engine(url) if database == "sqlite" else create_engine(url)
    log = SqliteEventLog(tmp_path / "log.db", codec=codec)
    history, chance = History(seed), random.Random(seed)
    views = [*all_views(), TripwireView()]
    Runner(views, log=log, engine=engine).start()
    killed_at_work = 0
    for _ in range(KILLS):
        append(log, history.grow(150))
        alive = kill_after(chance.random() * WHOLE_S, tmp_path / "log.db", url, batch=chance.choice((5, 20, 60)))
        killed_at_work += alive
        with engine.connect() as tx:
            place = positions.load(tx, "tripwire")
        assert by_topic(counted(engine)) == {topic: mark.next_position for topic, mark in place.items()}
    assert killed_at_work >= KILLS // 3
    Runner(views, log=log, engine=engine).catch_up()
    assert by_topic(counted(engine)) == log.end()
    assert [difference for view in views for difference in compare(view, log=log, engine=engine).differences] == []
    log.close()
    engine.dispose()


def append(log, events):
    topics: dict[str, Any] = {}
    for topic, event in events:
        topics.setdefault(topic, []).append(event)
    for topic, some in topics.items():
        log.append(topic, some)


def kill_after(seconds, log_path, url, *, batch):
    """Whether the process was still at work when it was killed."""
    child = Path(__file__).with_name("projecting.py")
    with subprocess.Popen(
        [sys.executable, child, log_path, url, str(batch)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(seconds * batch / 100)  # the moment of the kill is what is tested, not what is waited for
        process.send_signal(signal.SIGKILL)
        return "done" not in process.stdout.read()


def by_topic(counts):
    topics: dict[str, Any] = {}
    for (topic, _), events in counts.items():
        topics[topic] = topics.get(topic, 0) + events
    return topics
