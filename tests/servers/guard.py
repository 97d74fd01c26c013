"""Ends servers whose test run died, however it died (SIGKILL too); run as a program, it is the guard itself.

The guard reads lines from the test run. When the pipe closes, what is still on its list is ended and deleted.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path


def watch(*, pid: int | None = None, folder: Path | None = None) -> None:
    """End this process, or delete this folder, when this test run is gone."""
    _say(f"+pid {pid}" if pid is not None else f"+folder {folder}")


def forget(*, pid: int | None = None, folder: Path | None = None) -> None:
    """It is gone already; its number may belong to somebody else soon."""
    _say(f"-pid {pid}" if pid is not None else f"-folder {folder}")


def _say(line: str) -> None:
    stdin = _guard().stdin
    assert stdin is not None
    stdin.write(line + "\n")
    stdin.flush()


@functools.cache
def _guard() -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True)
    atexit.register(_let_go, process)
    return process


def _let_go(process: subprocess.Popen[str]) -> None:
    """The usual end: the guard ends and deletes what is left, and is gone itself."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait(30)


def main() -> None:
    kept: dict[str, None] = {}
    for line in sys.stdin:
        if line[0] == "+":
            kept[line[1:].strip()] = None
        else:
            kept.pop(line[1:].strip(), None)
    for entry in kept:
        kind, _, name = entry.partition(" ")
        if kind == "pid":
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(name), signal.SIGKILL)
        else:
            shutil.rmtree(name, ignore_errors=True)


if __name__ == "__main__":
    main()
