"""The parent's hold on the warm process: starts it, asks it for children, buries them."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Self

import structlog

from verbund.ingest.jail import outcome
from verbund.ingest.jail.zygote import ANSWER, FORK, KILL, MESSAGE, WAIT

log = structlog.get_logger()

_BOOT = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from verbund.ingest.jail.zygote import main; main()"
# Nothing of our environment but where libraries lie, when that is set.
_PASSED_ON = ("LD_LIBRARY_PATH", "SYSTEMROOT")
_START_S = 60  # a cold disk, a slow machine
_END_S = 5
_ERRORS_KEPT = 4096


@dataclass(slots=True)
class ChildProcess:
    """A child as the parent holds it: our end of its socket, and where its errors come out."""

    pid: int
    channel: socket.socket
    errors: int

    def said(self) -> bytes:
        """The beginning of what it wrote to standard error."""
        with suppress(OSError):
            return os.read(self.errors, _ERRORS_KEPT)
        return b""


class Jail:
    """Children for all runs of a process, from any thread. The warm process starts with `warm`, or the first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def warm(self) -> None:
        """Let the warm process start, beside whatever the caller does meanwhile."""
        with self._lock, suppress(OSError):
            self._started()

    def child(self) -> ChildProcess:
        """A new child.

        Raises:
            ParserLostError: none can be made.
        """
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            with self._lock:
                pid = self._forked(its.fileno(), writing)
        except BaseException:
            ours.close()
            os.close(reading)
            raise
        finally:
            its.close()
            os.close(writing)
        return ChildProcess(pid, ours, reading)

    def bury(self, child: ChildProcess, *, has_hung_up: bool = False) -> tuple[int, int] | None:
        """End the child; one that has hung up by itself gets a moment to end by itself, too.

        Returns:
            Its exit status as `waitpid` gives it, and the most memory it ever had, bytes; None when that is not known.
        """
        child.channel.close()
        try:
            with self._lock:
                return self._asked(WAIT if has_hung_up else KILL, child.pid)
        except OSError:
            return None  # the warm process is gone, and its children with it

    def close(self) -> None:
        """End the warm process and all children."""
        with self._lock:
            self._ended()

    # --- the warm process; all of this with the lock held --------------------------------------------------------

    def _forked(self, channel: int, errors: int) -> int:
        for attempt in (1, 2):
            try:
                control = self._started()
                socket.send_fds(control, [MESSAGE.pack(FORK, 0)], [channel, errors])
                return self._answer(control)[0]
            except OSError as error:
                log.warning("jail_lost", error=type(error).__name__, attempt=attempt)
                self._ended()
        raise outcome.ParserLostError(outcome.UNAVAILABLE, "no child process could be made")

    def _asked(self, what: bytes, pid: int) -> tuple[int, int]:
        if self._control is None:
            raise OSError("no warm process")
        self._control.sendall(MESSAGE.pack(what, pid))
        return self._answer(self._control)

    @staticmethod
    def _answer(control: socket.socket) -> tuple[int, int]:
        answer = b""
        while len(answer) < ANSWER.size:
            piece = control.recv(ANSWER.size - len(answer))
            if not piece:
                raise ConnectionResetError("the warm process has ended")
            answer += piece
        first, second = ANSWER.unpack(answer)
        return first, second

    def _started(self) -> socket.socket:
        if self._control is not None and self._owner != os.getpid():  # we are a fork: it belongs to our parent
            self._control.close()
            self._control = self._zygote = None
        if self._control is not None:
            return self._control
        self._owner = os.getpid()
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(_START_S)
        try:
            self._zygote = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, json.dumps(sys.path)],
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            its.close()
        self._control = ours
        return ours

    def _ended(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        zygote, self._zygote = self._zygote, None
        if zygote is None or self._owner != os.getpid():
            return
        try:
            zygote.wait(_END_S)
        except subprocess.TimeoutExpired:
            zygote.kill()
            zygote.wait()


@cache
def shared_jail() -> Jail:
    """The jail of this process: one warm process for all that runs in it. It ends with this process."""
    jail = Jail()
    atexit.register(jail.close)
    return jail


def readable_copy(body: int) -> int:
    """A descriptor of the same file, opened anew for reading alone, at its start."""
    try:
        return os.open(f"/proc/self/fd/{body}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # no /proc: shares the position, and may write into a copy that nobody reads again
        copy = fcntl.fcntl(body, fcntl.F_DUPFD_CLOEXEC, 3)
        os.lseek(copy, 0, os.SEEK_SET)
        return copy
