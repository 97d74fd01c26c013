"""A warm process that has imported everything and does nothing but fork: a child costs milliseconds.

It never sees a body, a record, a key or the parent's environment, so neither do its children but what they are given.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import struct
import time
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from verbund.ingest.jail import child

FORK, WAIT, KILL = b"F", b"W", b"K"
MESSAGE: Final = struct.Struct(">cq")
ANSWER: Final = struct.Struct(">qq")

# A child that has hung up is about to end; one that is not is killed.
_LAST_WORDS_S = 1.0
_CONNECTORS = "verbund.connectors"
# What connectors import only when they need it, and nearly all need.
_USUAL = ("openpyxl", "encodings.cp1252", "encodings.utf_8_sig", "encodings.utf_16", "tzdata", "_strptime")


def main() -> None:
    """Fork on demand until the parent hangs up on file descriptor 0."""
    control = socket.socket(fileno=os.dup(0))
    _warm()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MESSAGE.size, 2)
        if len(message) < MESSAGE.size:
            return
        what, pid = MESSAGE.unpack(message)
        if what != FORK:
            control.sendall(ANSWER.pack(*_buried(pid, patience_s=_LAST_WORDS_S if what == WAIT else 0)))
            continue
        here = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_child(control, descriptors, parent=here)
        for descriptor in descriptors:
            os.close(descriptor)
        control.sendall(ANSWER.pack(pid, 0))


def _buried(pid: int, *, patience_s: float) -> tuple[int, int]:
    """Exit status and most memory, bytes, of a child, which is killed when it has not ended in time."""
    ends_at = time.monotonic() + patience_s
    while True:
        found, status, used = os.wait4(pid, os.WNOHANG)
        if found:
            return status, used.ru_maxrss * 1024
        if time.monotonic() >= ends_at:
            os.kill(pid, signal.SIGKILL)
            _, status, used = os.wait4(pid, 0)
            return status, used.ru_maxrss * 1024
        time.sleep(0.005)


def _become_child(control: socket.socket, descriptors: list[int], *, parent: int) -> None:
    """Never returns."""
    status = 70
    try:
        control.close()
        channel, errors = descriptors
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        os.dup2(errors, 2)
        os.dup2(channel, 3)
        os.closerange(4, 1024)
        child.serve(socket.socket(fileno=3), parent=parent)
        status = 0
    except BaseException as error:  # noqa: BLE001 - its kind and line are all that anybody may learn of it
        os.write(2, f"{type(error).__name__} at {_line_of(error)}\n".encode())
    finally:
        os._exit(status)


def _line_of(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _warm() -> None:
    for entry in entry_points(group=_CONNECTORS):
        with suppress(Exception):  # one that cannot be loaded is reported where it is used
            entry.load()
    for name in _USUAL:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # children share these pages as long as nobody touches them
