"""A small feed server on loopback for tests and the demo: ETags, gzip, and every bad habit of a source, scripted."""

from __future__ import annotations

import gzip as gzip_format
import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from types import TracebackType
from typing import Any, Self

# One write of a paced body; small enough that a "slow" body of a few hundred bytes takes several writes.
_PACED_CHUNK_BYTES = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived: path with query, and headers by lower-case name."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the server answers.

    Attributes:
        etag: send an ETag of the body, and 304 to whoever has it.
        gzip: send the body gzip-encoded, if the request accepts that.
        chunked: without Content-Length, in chunks of HTTP/1.1.
        cut_at: close the connection after this many bytes of the body, although Content-Length promised all.
        pace_s: pause between pieces of 64 bytes, seconds: a slow source.
        raw: exactly these bytes instead of an answer, then close.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: bool = True
    gzip: bool = False
    chunked: bool = False
    cut_at: int | None = None
    pace_s: float = 0
    raw: bytes | None = None


class FeedServer:
    """Serves what it was told until it is closed; use it as a context manager.

    Paths may be served, changed and removed while it runs, from any thread. A path that was registered with a query
    answers that query only; one without answers every query. Unknown paths get 404.

    Attributes:
        url: `http://127.0.0.1:<port>`, without a slash at its end.
        requests: what arrived, in order.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.requests: list[Seen] = []
        self._replies: dict[str, Callable[[Seen], Reply]] = {}
        self._stopping = threading.Event()
        self._server = _Server((host, port), _handler_of(self))
        self.port: int = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def serve(
        self,
        path: str,
        body: bytes | str = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> str:
        """Answer `path` with this; `more` are further attributes of `Reply`. Returns the whole address."""
        content = body.encode() if isinstance(body, str) else body
        reply = Reply(body=content, status=status, headers=headers or {}, **more)
        return self.serve_by(path, lambda _seen: reply)

    def serve_by(self, path: str, answer: Callable[[Seen], Reply]) -> str:
        """Answer `path` with what the function says; it is called in the server's threads."""
        self._replies[path] = answer
        return self.url + path

    def serve_in_turn(self, path: str, *replies: Reply) -> str:
        """Answer `path` with one reply after another; the last one stays."""
        left = list(replies)
        return self.serve_by(path, lambda _seen: left.pop(0) if len(left) > 1 else left[0])

    def redirect(self, path: str, to: str, *, status: int = 302) -> str:
        """Send whoever asks for `path` to `to`."""
        return self.serve(path, status=status, headers={"Location": to}, etag=False)

    def remove(self, path: str) -> None:
        """Answer 404 from now on."""
        self._replies.pop(path, None)

    def count(self, path: str) -> int:
        """How often `path` was asked for, with any query."""
        return Counter(seen.path.partition("?")[0] for seen in self.requests)[path]

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.accepted

    def close(self) -> None:
        """Stop; slow bodies end at once."""
        self._stopping.set()
        self._server.shutdown()
        self._server.close_all()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, seen: Seen) -> Reply:
        self.requests.append(seen)
        answer = self._replies.get(seen.path) or self._replies.get(seen.path.partition("?")[0])
        return answer(seen) if answer else Reply(body=b"not found", status=404, etag=False)

    def _pieces(self, body: bytes, pace_s: float) -> Iterator[bytes]:
        if not pace_s:
            yield body
            return
        for start in range(0, len(body), _PACED_CHUNK_BYTES):
            yield body[start : start + _PACED_CHUNK_BYTES]
            if self._stopping.wait(pace_s):
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.accepted = 0
        self._open: set[socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        for connection in list(self._open):
            try:
                connection.shutdown(SHUT_RDWR)
            except OSError:
                self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


def _handler_of(feed: FeedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and a small body in one packet
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()})
            _send(self, feed, seen, feed._answer(seen))  # noqa: SLF001 - the other half of FeedServer

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
            """Quiet."""

    return Handler


def _send(handler: BaseHTTPRequestHandler, feed: FeedServer, seen: Seen, reply: Reply) -> None:
    if reply.raw is not None:
        handler.close_connection = True
        for piece in feed._pieces(reply.raw, reply.pace_s):  # noqa: SLF001 - the other half of FeedServer
            handler.wfile.write(piece)
            handler.wfile.flush()
        return
    body, headers = _encoded(seen, reply)
    tag = f'"{hashlib.sha256(reply.body).hexdigest()[:32]}"'
    known = reply.etag and reply.status == 200 and seen.headers.get("if-none-match") == tag
    handler.send_response(304 if known else reply.status)
    if reply.etag:
        headers.setdefault("ETag", tag)
    if not known:
        headers.setdefault(*(("Transfer-Encoding", "chunked") if reply.chunked else ("Content-Length", str(len(body)))))
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    if not known:
        _send_body(handler, feed, body, reply)


def _encoded(seen: Seen, reply: Reply) -> tuple[bytes, dict[str, str]]:
    headers = {"Content-Type": "application/json", **reply.headers}
    if reply.gzip and "gzip" in seen.headers.get("accept-encoding", ""):
        return gzip_format.compress(reply.body, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return reply.body, headers


def _send_body(handler: BaseHTTPRequestHandler, feed: FeedServer, body: bytes, reply: Reply) -> None:
    for piece in feed._pieces(body[: reply.cut_at], reply.pace_s):  # noqa: SLF001 - the other half of FeedServer
        if piece:
            handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if reply.chunked else piece)
            handler.wfile.flush()
    if reply.cut_at is not None:
        handler.close_connection = True
    elif reply.chunked:
        handler.wfile.write(b"0\r\n\r\n")
