"""SIGKILL and SIGSTOP at random moments of a run: nothing lost, nothing twice, and the next run heals."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.hub import Hub, check, check_conflicts
from tests.faults.ingest_child import open_any
from tests.faults.processes import ended, go_on, kill, seeded, stop
from verbund.testing.feed_server import FeedServer

KILLS_IN_CI = 60
KILLS_IN_FAULTS = 200
LONG = [pytest.mark.faults, pytest.mark.timeout(900)]


def timed(run: Callable[[], None]) -> float:
    start = time.monotonic()
    run()
    return time.monotonic() - start


def kills(folder: Path, number: int) -> None:
    """So many runs that were at work when they were killed."""
    chance = seeded(20261124)
    with FeedServer() as server, Hub(folder, server) as hub:
        log = open_any(hub.log_url)
        hub.edit(chance)
        hub.whole_run()
        killed = attempts = 0
        while killed < number:
            attempts += 1
            assert attempts <= 3 * number, f"{killed} of {attempts} were at work"
            hub.edit(chance)
            process = hub.ingest()
            process.join(chance.uniform(0, hub.run_s))
            killed += kill(process)
            if attempts % 5 == 0:
                hub.whole_run()
                check(hub, log)
        hub.whole_run()
        check(hub, log)
        log.close()


def test_killed_runs_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kills(tmp_path, KILLS_IN_CI)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_many_killed_runs_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kills(tmp_path, KILLS_IN_FAULTS)


def two_at_once(hub: Hub, rounds: int) -> None:
    """Two hubs of one district, each with its own memory: whoever is first in the log wins, everywhere."""
    chance = seeded(7)
    log = open_any(hub.log_url)
    for _ in range(rounds):
        hub.edit(chance)
        both = [hub.ingest("one.db"), hub.ingest("two/ingest.db")]
        assert [ended(process) for process in both] == [0, 0]
        hub.whole_run("one.db")
        check_conflicts(hub, check(hub, log, repeats=True, leftovers=True))
    hub.whole_run("one.db")
    check(hub, log, repeats=True)
    log.close()


def one_stopped(hub: Hub, rounds: int) -> None:
    """SIGSTOP in the middle of a run, another hub runs with a newer feed, SIGCONT."""
    chance = seeded(11)
    log = open_any(hub.log_url)
    hub.edit(chance)
    hub.whole_run("one.db")
    caught = 0
    for _ in range(rounds):
        hub.edit(chance)
        stopped = hub.ingest("one.db")
        stopped.join(chance.uniform(0, hub.run_s))
        caught += stop(stopped)
        hub.edit(chance)
        other = hub.ingest("two/ingest.db")
        other.join(2 * hub.run_s)  # done, unless the stopped one holds the log's write lock
        go_on(stopped)
        assert [ended(process) for process in (stopped, other)] == [0, 0]
        hub.whole_run("one.db")
        hub.whole_run("two/ingest.db")
        check_conflicts(hub, check(hub, log, repeats=True, leftovers=True))
    hub.whole_run("one.db")
    check(hub, log, repeats=True)
    assert caught >= rounds // 2
    log.close()


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=LONG)])
def test_two_runs_at_once_agree_though_they_share_no_lock(tmp_path: Path, rounds: int) -> None:
    with FeedServer() as server, Hub(tmp_path, server) as hub:
        two_at_once(hub, rounds)


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=LONG)])
def test_a_run_that_was_stopped_and_goes_on_does_no_harm(tmp_path: Path, rounds: int) -> None:
    with FeedServer() as server, Hub(tmp_path, server) as hub:
        one_stopped(hub, rounds)


@pytest.mark.kafka
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=LONG)])
def test_two_runs_at_once_agree_on_kafka(kafka_server, tmp_path: Path, rounds: int) -> None:
    log_url = f"kafka://{kafka_server.bootstrap}/{kafka_server.prefix()}"
    with FeedServer() as server, Hub(tmp_path, server, log_url=log_url) as hub:
        two_at_once(hub, rounds)


@pytest.mark.kafka
@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=LONG)])
def test_a_run_that_was_stopped_and_goes_on_does_no_harm_on_kafka(kafka_server, tmp_path: Path, rounds: int) -> None:
    log_url = f"kafka://{kafka_server.bootstrap}/{kafka_server.prefix()}"
    with FeedServer() as server, Hub(tmp_path, server, log_url=log_url) as hub:
        one_stopped(hub, rounds)
