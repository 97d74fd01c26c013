"""Long runs: an appender is killed at, or its disk fails at, one system call after the other."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.servers.parts import REPOSITORY, MissingPartError
from verbund.event_log.sqlite import SqliteEventLog
from verbund.event_log.verifying import verify
from verbund.testing.event_log import TOPIC, PlainCodec, numbers, read_all

pytestmark = pytest.mark.faults

BATCH = 20


@pytest.fixture(scope="module")
def strace():
    found = shutil.which("strace")
    if found is None:
        raise MissingPartError("the program strace", command="apt-get install -y strace")
    return found


def _acknowledged(strace, path, injection, *, batches):
    """Runs an appender under the injection until it dies or is done; the last number that it said was stored."""
    appender = [sys.executable, "-m", "tests.event_log.appender", f"sqlite:///{path}", "a", str(BATCH), str(batches)]
    call = injection.partition(":")[0]
    done = subprocess.run(
        [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={injection}", *appender],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    whole = [line.split() for line in done.stdout.splitlines() if len(line.split()) == 2]
    return int(whole[-1][0]) if whole else 0


def _holds(path, acknowledged):
    log = SqliteEventLog(path, codec=PlainCodec())
    found = numbers(read_all(log, [TOPIC]))
    assert found == list(range(len(found)))
    assert acknowledged <= len(found)
    assert len(found) % BATCH == 0
    assert verify(log).ok
    log.close()
    return len(found)


@pytest.mark.parametrize("call", range(1, 240, 4))
def test_killed_at_a_write_nothing_that_was_said_is_lost(strace, tmp_path, call):
    path = tmp_path / "log.db"
    said = _acknowledged(strace, path, f"pwrite64:signal=KILL:when={call}", batches=100)
    assert _holds(path, said) <= said + BATCH


@pytest.mark.parametrize("injection", ["fdatasync:error=EIO", "pwrite64:error=ENOSPC", "pwrite64:error=EIO"])
@pytest.mark.parametrize("call", [20, 21, 22, 23, 40, 100])
def test_a_disk_that_fails_once_is_survived_and_nothing_is_twice(strace, tmp_path, injection, call):
    """The first dozen writes belong to the opening, where a failing disk is an error of its own."""
    path = tmp_path / "log.db"
    SqliteEventLog(path, codec=PlainCodec()).close()
    said = _acknowledged(strace, path, f"{injection}:when={call}", batches=40)
    assert said == 40 * BATCH
    _holds(path, said)
