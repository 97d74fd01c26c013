"""Long-running work in threads of one process: it ends together, cleanly, and with the error that ended it."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import structlog

from verbund.cli import exits
from verbund.errors import SettingsError

log = structlog.get_logger()

_LOOK_EVERY_S: Final = 0.5
# For all threads together: a projection ends its batch, a run its append; whoever takes longer is left behind, and the
# log heals it. Shorter than the 30 s after which systemd kills.
_PATIENCE_S: Final = 25.0

Work = Callable[[threading.Event], None]


class Service:
    """Threads that share one stop signal. The first that fails stops all.

    From its making on, SIGTERM and SIGINT stop it: whoever sees its first thread at work may already end it.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.interrupted = False
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        self._handlers_before = self._listen_to_signals()

    def add(self, name: str, work: Work) -> None:
        """Start this work; it must end soon after the event is set."""

        def run() -> None:
            try:
                work(self.stop)
            except BaseException as error:  # noqa: BLE001 - handed to the main thread, which ends the process with it
                self._failure = self._failure or error
                log.error("service_failed", service=name, error=type(error).__name__)  # noqa: TRY400 - shown at the end
                self.stop.set()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wait(self) -> int:
        """Wait for SIGTERM, SIGINT or the end of a thread; answer the exit code.

        Raises:
            BaseException: what ended a thread.
        """
        try:
            while not self.stop.wait(_LOOK_EVERY_S):
                pass
            until = time.monotonic() + _PATIENCE_S
            for thread in self._threads:
                thread.join(max(until - time.monotonic(), 0))
        finally:
            for number, handler in self._handlers_before.items():
                signal.signal(number, handler)
        if self._failure is not None:
            raise self._failure
        return exits.INTERRUPTED if self.interrupted else exits.DONE

    def _listen_to_signals(self) -> dict[signal.Signals, Any]:
        """The handlers that were there before; none is changed outside the main thread, where Python allows none."""

        def handle(number: int, _frame: FrameType | None) -> None:
            self.interrupted = self.interrupted or number == signal.SIGINT
            self.stop.set()

        if threading.current_thread() is not threading.main_thread():
            return {}
        return {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does: what it holds is given back, and the next run heals what is half done."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that listens there, so that a taken port is noticed before anything else starts.

    Raises:
        SettingsError: the address is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(
            "Verbund cannot listen on {host}:{port} ({reason}); choose another address with VERBUND_LISTEN.",
            host=host,
            port=port,
            reason=error.strerror or str(error),
        ) from error


def serve_web(app: Any, listener: socket.socket) -> Work:
    """Serve this application on that socket until the stop signal."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5)
    )

    def work(stop: threading.Event) -> None:
        def watch() -> None:
            stop.wait()
            server.should_exit = True

        threading.Thread(target=watch, daemon=True).start()
        server.run(sockets=[listener])
        if not stop.is_set():
            raise RuntimeError("the web server ended by itself")

    return work


def address_of(listener: socket.socket) -> str:
    """The address that a browser on this machine can open."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
