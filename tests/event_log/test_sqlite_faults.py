"""Acknowledged is stored once, whatever happens to the processes, the disk and the file."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.servers.parts import REPOSITORY
from verbund import sqlite
from verbund.errors import AppendFailedError, LogUnavailableError, LogUnusableError
from verbund.event_log.sqlite import SqliteEventLog
from verbund.event_log.verifying import verify
from verbund.events import Recorded
from verbund.testing.event_log import TOPIC, PlainCodec, numbered, numbers, read_all

KILLS = 24
APPENDERS = 3
FOLLOWED = 20_000


@pytest.fixture
def make_log(tmp_path):
    made = []

    def make():
        made.append(SqliteEventLog(tmp_path / "log.db", codec=PlainCodec()))
        return made[-1]

    yield make
    for log in made:
        log.close()


def _appender(path, name, batch):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.event_log.appender", f"sqlite:///{path}", name, str(batch)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )


def _said_until_killed(process, lines):
    """Kill it after some acknowledgements; the last number that it said was stored."""
    said = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    said += process.stdout.read().splitlines()
    process.wait(10)
    process.stdout.close()
    whole = [line.split() for line in said if len(line.split()) == 2]  # the last one may be cut
    return int(whole[-1][0])


@pytest.mark.parametrize("seed", range(KILLS // APPENDERS))
def test_what_killed_appenders_said_is_stored_once(tmp_path, make_log, seed):
    dice = random.Random(seed)
    path = tmp_path / "log.db"
    batches = [dice.choice([1, 7, 100]) for _ in range(APPENDERS)]
    running = [_appender(path, f"appender-{who}", batches[who]) for who in range(APPENDERS)]
    with ThreadPoolExecutor(APPENDERS) as pool:
        stored = list(pool.map(_said_until_killed, running, [dice.randint(1, 60) for _ in running]))
    log = make_log()
    records = read_all(log, [TOPIC])
    assert [record.position for record in records] == list(range(len(records)))
    for who in range(APPENDERS):
        found = numbers([record for record in records if record.subject == f"appender-{who}"])
        assert found == list(range(len(found)))
        # One more batch may be stored than was said: killed between commit and speech.
        assert stored[who] <= len(found) <= stored[who] + batches[who]
    assert verify(log).ok


def test_a_live_reader_skips_nothing_while_processes_append_and_transactions_are_rolled_back(make_log, tmp_path):
    log = make_log()
    log.append(TOPIC, [numbered(0, subject="first")])
    running = [_appender(tmp_path / "log.db", f"appender-{who}", 100) for who in range(APPENDERS)]
    rolled_back = 0
    writer = sqlite.connect(tmp_path / "log.db", full=True)
    seen: list[Recorded] = []
    while len(seen) < FOLLOWED:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE topic SET next = next + 1000")
        seen += log.read({TOPIC: len(seen)})
        writer.execute("ROLLBACK")
        rolled_back += 1
        seen += log.read({TOPIC: len(seen)}, wait=timedelta(seconds=1))
    writer.close()
    for process in running:
        process.kill()
        process.communicate()
    assert rolled_back > 10
    assert [record.position for record in seen] == list(range(len(seen)))
    for who in range(APPENDERS):
        found = numbers([record for record in seen if record.subject == f"appender-{who}"])
        assert found == list(range(len(found)))


def test_threads_share_commits(make_log):
    log = make_log()
    log.append(TOPIC, [numbered(0)])
    statements: list[str] = []
    log._writer._connection.set_trace_callback(statements.append)
    gate = threading.Barrier(16)

    def append(who: int) -> None:
        gate.wait()
        for number in range(20):
            log.append(TOPIC, [numbered(number, subject=f"thread-{who}")])

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(append, range(16)))
    assert log.end([TOPIC]) == {TOPIC: 321}
    assert statements.count("COMMIT") < 320 / 2


def test_a_full_disk_refuses_and_the_log_goes_on_when_there_is_room(make_log):
    """A limit on the size of files stands for the full disk: writes beyond it fail."""
    log = make_log()
    log.append(TOPIC, [numbered(0)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(AppendFailedError) as refused:
            log.append(TOPIC, [numbered(number, text="x" * 5000) for number in range(1, 200)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before
    assert "disk" in str(refused.value)
    assert log.end([TOPIC]) == {TOPIC: 1}
    assert log.append(TOPIC, [numbered(1)]) == [1]
    assert numbers(read_all(log, [TOPIC])) == [0, 1]


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path):
    with pytest.raises(LogUnavailableError, match="cannot be opened"):
        SqliteEventLog(tmp_path, codec=PlainCodec())


def test_a_file_that_is_no_database_is_unusable(tmp_path):
    (tmp_path / "log.db").write_bytes(b"not a database, but long enough to be read as one" * 100)
    with pytest.raises(LogUnusableError, match="is not a SQLite file"):
        SqliteEventLog(tmp_path / "log.db", codec=PlainCodec())


def test_a_log_of_a_newer_program_is_refused(tmp_path, make_log):
    make_log().close()
    connection = sqlite.connect(tmp_path / "log.db", full=True)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LogUnusableError, match="newer"):
        make_log()


def test_a_restored_copy_stops_a_reader_that_was_further(tmp_path, make_log):
    log = make_log()
    log.append(TOPIC, [numbered(number) for number in range(5)])
    log.close()
    copy = (tmp_path / "log.db").read_bytes()
    log = make_log()
    log.append(TOPIC, [numbered(number) for number in range(5, 10)])
    log.close()
    for leftover in tmp_path.glob("log.db*"):
        leftover.unlink()
    (tmp_path / "log.db").write_bytes(copy)
    with pytest.raises(LogUnusableError, match="restored, recreated or cut"):
        make_log().read({TOPIC: 10})


def test_a_locked_file_refuses_the_append(make_log, tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 100)
    log = make_log()
    holder = sqlite.connect(tmp_path / "log.db", full=True)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(AppendFailedError, match="locked"):
        log.append(TOPIC, [numbered(1)])
    holder.execute("ROLLBACK")
    holder.close()
    assert log.append(TOPIC, [numbered(1)]) == [0]


def test_reading_a_broken_page_is_unavailable(tmp_path, make_log):
    log = make_log()
    for number in range(200):
        log.append(TOPIC, [numbered(number, text="x" * 3000)])
    log.close()
    with (tmp_path / "log.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(size // 2 // 4096 * 4096)
        file.write(b"\xff" * 4096 * 8)
    with pytest.raises(LogUnavailableError, match="cannot be read"):
        read_all(make_log(), [TOPIC])
