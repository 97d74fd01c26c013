"""A projecting process that sleeps while another takes over, and wakes with a page in its hands: its commit is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine

from tests.faults.ingest_child import open_any
from tests.faults.processes import Children, ended, go_on, is_stopped, kill, seeded, stop, wait_until
from tests.faults.projecting_child import HORIZON, catch_up, open_database, serve, views
from tests.faults.readings import check_tripwire, check_views
from tests.faults.test_projection_kills import append
from tests.projection.histories import History
from verbund.errors import LockedError
from verbund.views.search import SearchWriter

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(name="database", params=BOTH)
def _database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Engine]]:
    url = str(tmp_path / "views.db") if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = open_database(url)
    yield url, engine
    engine.dispose()


def test_a_zombie_commits_nothing_and_goes_on_from_where_the_other_is(database, tmp_path: Path) -> None:
    url, engine = database
    log_url, report = f"sqlite:///{tmp_path / 'log.db'}", tmp_path / "zombie.json"
    log, history = open_any(log_url), History(seeded(3).randrange(10**6))
    append(log, history.grow(150))
    with Children() as children:
        assert ended(children.start(catch_up, log_url, url)) == 0
        append(log, history.grow(150))
        zombie = children.start(catch_up, log_url, url, report=str(report), asleep=True)
        wait_until(lambda: is_stopped(zombie))
        behind = check_tripwire(engine)
        assert behind != log.end()
        assert ended(children.start(catch_up, log_url, url)) == 0
        assert check_tripwire(engine) == log.end()
        append(log, history.grow(30))
        go_on(zombie)
        assert ended(zombie) == 0
    lines = orjson.loads(report.read_bytes())["lines"]
    assert lines.count("projection_overtaken") == len(views()), "each view was refused once"
    # Its end was the log's end before it slept; whoever comes next brings the rest.
    with Children() as children:
        assert ended(children.start(catch_up, log_url, url)) == 0
    assert check_tripwire(engine) == log.end()
    check_views(views(), log, engine)
    log.close()


@pytest.mark.parametrize("rounds", [3, pytest.param(40, marks=[pytest.mark.faults, pytest.mark.timeout(900)])])
def test_projections_stopped_anywhere_and_continued_apply_nothing_twice(database, rounds: int, tmp_path: Path) -> None:
    """Also inside a transaction, where the other has to wait for the sleeper's locks."""
    chance = seeded(5)
    url, engine = database
    log_url = f"sqlite:///{tmp_path / 'log.db'}"
    log, history = open_any(log_url), History(chance.randrange(10**6))
    with Children() as children:
        for _ in range(rounds):
            append(log, history.grow(80))
            sleeper = children.start(serve, log_url, database=url, batch=5)
            sleeper.join(chance.uniform(0.05, 0.6))
            assert stop(sleeper), "it ended by itself"
            other = children.start(catch_up, log_url, url, batch=7)
            other.join(0.5)
            go_on(sleeper)
            assert ended(other) == 0
            assert check_tripwire(engine) == log.end()
            assert kill(sleeper), "it ended by itself"
    check_views(views(), log, engine)
    log.close()


def test_a_sleeping_writer_of_the_index_keeps_its_lock_and_a_killed_one_does_not(tmp_path: Path) -> None:
    log_url, search = f"sqlite:///{tmp_path / 'log.db'}", tmp_path / "search"
    log = open_any(log_url)
    append(log, History(1).grow(20))
    with Children() as children:
        writer = children.start(serve, log_url, search=str(search))
        wait_until((search / "current").exists)
        assert stop(writer)
        with pytest.raises(LockedError):
            SearchWriter(search, horizon=HORIZON)
        kill(writer)
        SearchWriter(search, horizon=HORIZON).close()
    log.close()
