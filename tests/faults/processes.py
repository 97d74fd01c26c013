"""Child processes of the fault tests: started in milliseconds, killed, stopped and continued, and never left behind.

The forkserver has everything imported that a child needs, so a kill costs no start of Python. Two seconds of a test are
worth more in kills than in imports.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["tests.faults.ingest_child", "tests.faults.projecting_child"])

#: Longer than any child needs that is not stuck, on a busy machine too.
PATIENCE_S = 90.0


def seeded(default: int) -> random.Random:
    """Chance of a test, from `VERBUND_TEST_SEED` or its default; pytest shows the printed seed when the test fails."""
    seed = int(os.environ.get("VERBUND_TEST_SEED", default))
    print(f"VERBUND_TEST_SEED={seed}")
    return random.Random(seed)


class Children:
    """Processes of one test; a stopped one is killed too when the test ends."""

    def __init__(self) -> None:
        self._started: list[Any] = []

    def start(self, target: Callable[..., None], *arguments: Any, **options: Any) -> Any:
        process = SPAWN.Process(target=target, args=arguments, kwargs=options)
        process.start()
        self._started.append(process)
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            kill(process)


def kill(process: Any) -> bool:
    """SIGKILL; whether it was still running."""
    alive = bool(process.is_alive())
    process.kill()
    process.join()
    return alive


def ended(process: Any, *, within_s: float = PATIENCE_S) -> int:
    """The exit code, once it has ended by itself."""
    process.join(within_s)
    assert process.exitcode is not None, f"still running after {within_s} s"
    return int(process.exitcode)


def stop(process: Any) -> bool:
    """SIGSTOP; whether it was still running."""
    if not process.is_alive():
        return False
    os.kill(process.pid, signal.SIGSTOP)
    return True


def go_on(process: Any) -> None:
    """SIGCONT; nothing when it has ended."""
    if process.is_alive():
        os.kill(process.pid, signal.SIGCONT)


def wait_until(condition: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
    """Look again and again, for a bounded time."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.01)


def is_stopped(process: Any) -> bool:
    """Whether a SIGSTOP has reached it."""
    state = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    return state == "T"
