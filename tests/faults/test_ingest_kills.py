"""SIGKILL and SIGSTOP at random moments of a run: nothing lost, nothing twice, and the next run heals."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.hub import RUN_S, Hub, check, check_conflicts
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
    chance = seeded(20261124)
    with FeedServer() as server, Hub(folder, server) as hub:
        log = open_any(hub.log_url)
        killed_at_work = 0
        hub.edit(chance)
        took = timed(hub.whole_run)  # kills fall anywhere in a run, however fast the machine is
        for round_number in range(number):
            hub.edit(chance)
            process = hub.ingest()
            process.join(chance.uniform(0, took))
            killed_at_work += kill(process)
            if round_number % 5 == 4:
                took = (took + timed(hub.whole_run)) / 2
                check(hub, log)
        hub.whole_run()
        check(hub, log)
        log.close()
        assert killed_at_work >= number // 4


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
    for _ in range(rounds):
        hub.edit(chance)
        stopped = hub.ingest("one.db")
        stopped.join(chance.uniform(0.1, RUN_S))
        stop(stopped)
        hub.edit(chance)
        other = hub.ingest("two/ingest.db")
        other.join(RUN_S * 2)  # done, unless the stopped one holds the log's write lock
        go_on(stopped)
        assert [ended(process) for process in (stopped, other)] == [0, 0]
        hub.whole_run("one.db")
        hub.whole_run("two/ingest.db")
        check_conflicts(hub, check(hub, log, repeats=True, leftovers=True))
    hub.whole_run("one.db")
    check(hub, log, repeats=True)
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
