"""Connections that go to a checked address and end at the deadline, whatever the other side does."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpcore

from verbund.fetch import addresses, problems
from verbund.fetch.contract import Network

#: Addresses of a host name, as numbers; raises OSError when there are none.
Resolve: TypeAlias = Callable[[str, int], list[str]]

# More addresses of one host than this are checked but not tried: each may cost a connect timeout.
_MOST_TRIED = 6


class DeadlinePassedError(Exception):
    """Inside this package only: becomes `problems.timed_out`."""


class Deadline:
    """When one `get` must be over. Waiting out of politeness moves it on."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self.seconds = seconds
        self._monotonic = monotonic
        self._ends_at = monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than 0.

        Raises:
            DeadlinePassedError: none are.
        """
        left = self._ends_at - self._monotonic()
        if left <= 0:
            raise DeadlinePassedError
        return left

    def extend(self, seconds: float) -> None:
        """These seconds were not the source's."""
        self._ends_at += seconds


@dataclass(slots=True)
class Hop:
    """The request that this thread is making; connections in a pool outlive it, so they look it up."""

    url: str
    deadline: Deadline
    connected: bool = False


current_hop: ContextVar[Hop] = ContextVar("current_hop")


def system_addresses(host: str, port: int) -> list[str]:
    """What this machine's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedNetwork(httpcore.NetworkBackend):
    """Resolves a name once, checks every address it got, and connects to those addresses and no other.

    Args:
        allow: networks that may be reached although they are not public.
        only: host and port of the proxy: the one place that may be connected to, unchecked.
        inner: makes the connections.
    """

    def __init__(
        self,
        *,
        resolve: Resolve,
        connect_timeout_s: float,
        allow: Iterable[Network] = (),
        only: tuple[str, int] | None = None,
        inner: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._resolve = resolve
        self._connect_timeout_s = connect_timeout_s
        self._allow = tuple(allow)
        self._only = only
        self._inner = inner or httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline of the hop counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first address that takes one.

        Raises:
            SourceUnreachableError: no such name.
            AddressRefusedError: one of its addresses is not public; nothing was connected.
        """
        hop = current_hop.get()
        hop.connected = True
        last: Exception | None = None
        for address in self._checked(host, port, hop)[:_MOST_TRIED]:
            try:
                stream = self._inner.connect_tcp(
                    address,
                    port,
                    timeout=min(hop.deadline.left(), self._connect_timeout_s),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return _TimedStream(stream)
        raise last or httpcore.ConnectError("no address")

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - signature of httpcore
        timeout: float | None = None,  # noqa: ARG002 - signature of httpcore
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - signature of httpcore
    ) -> httpcore.NetworkStream:
        """Never: a feed is not behind a socket of this machine."""
        raise problems.malformed(current_hop.get().url)

    def _checked(self, host: str, port: int, hop: Hop) -> list[str]:
        if self._only and (host, port) != self._only:
            raise problems.network_refused(hop.url, host)
        try:
            found = _within(hop.deadline, lambda: self._resolve(host, port))
        except (OSError, UnicodeError):  # a label of no or of over 63 letters is the latter
            raise problems.no_such_host(hop.url, host) from None
        if not self._only and not all(addresses.is_allowed(address, self._allow) for address in found):
            raise problems.network_refused(hop.url, host)
        return found


class _TimedStream(httpcore.NetworkStream):
    """A connection each of whose steps gets the time that is left, instead of a time of its own."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline counts
        return self._inner.read(max_bytes, timeout=current_hop.get().deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline counts
        self._inner.write(buffer, timeout=current_hop.get().deadline.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline counts
    ) -> httpcore.NetworkStream:
        left = current_hop.get().deadline.left()
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname=server_hostname, timeout=left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _within(deadline: Deadline, resolve: Callable[[], list[str]]) -> list[str]:
    """A resolver cannot be told when to stop, so it works in a thread that is left behind when time is up."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(resolve())
        except Exception as error:  # noqa: BLE001 - raised again by who waits
            answers.put(error)

    threading.Thread(target=work, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise DeadlinePassedError from None
    if isinstance(answer, Exception):
        raise answer
    return answer
