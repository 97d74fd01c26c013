"""What a fetch promises, and what it may be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_MIB = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Fetched:
    """An answer whose body has arrived whole; close it, or use it in a `with`, to give its spool back.

    Attributes:
        url: where it came from, after redirects.
        status: one of those that were expected, or 304.
        headers: names in lower case; values of repeated ones joined by a comma.
        body: at its start, seekable, free of content encodings; in memory when small, else in a temporary file.
        digest: SHA-256 in hex of the body; empty when not modified.
        size: of the body, bytes.
        not_modified: the source says that what we have is still right; the body is empty.
        etag, last_modified: to be given to the next `get`; after 304 those that were given to this one, if not renewed.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: IO[bytes]
    digest: str
    size: int
    not_modified: bool = False
    etag: str | None = None
    last_modified: str | None = None

    def close(self) -> None:
        """Give the spool back."""
        self.body.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Fetch(Protocol):
    """The only way out to the network."""

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        timeout_s: float | None = None,
        expects: tuple[int, ...] = (200,),
    ) -> Fetched:
        """The whole answer to a GET; any status that is not expected is an error, but 304 when a version was given.

        Args:
            url: http or https, without user and password; a fragment is ignored.
            headers: of the source; on another host only `Accept` and `Accept-Language` of them are sent.
            etag: of the version that is known.
            last_modified: of the version that is known.
            timeout_s: for connecting, headers and body over all redirects together; None: that of the settings.
                Waiting our turn at a polite distance does not count.
            expects: statuses that are an answer.

        Raises:
            SourceUnreachableError: no answer, none in time, or one that says "later" (5xx).
            SourceRefusedError: a status that says no; with `retry_after_s` and `resumes_at` (UTC) in its
                facts when it says until when.
            SourceUnreadableError: too large, cut off, or encoded in a way we do not read.
            AddressRefusedError: it lies, or leads, where Verbund must not go; no connection was made there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSettings:
    """Limits and ways out.

    Attributes:
        allow: networks that may be reached although they are not public; always directly, never through the proxy.
        proxy: `http://[user:password@]host:port`; then the proxy is the one address we connect to, it resolves names,
            and a redirect may not leave the host that was asked for.
        ca_file: certificates in PEM that are trusted beside the public ones.
        user_agent: says who asks, for the logs of the sources.
        max_body: of a body after decoding, bytes.
        max_ratio: how much larger than what was sent a decoded body may become (a bomb has up to 1,000).
        max_redirects: hops that are followed.
        timeout_s: see `Fetch.get`.
        connect_timeout_s: for each address of a host, so that one dead address of several costs no whole deadline.
        spool_limit: bodies above this go to a temporary file, bytes.
        per_host_interval_s: from the start of one request to the start of the next to the same host and port.
        queue_timeout_s: how long to wait for our turn at a busy host.
        retry_after_limit_s: a source that says "come back in n seconds" is waited for up to here, else it is an error.
        retries: how often it is waited for in one `get`.
    """

    allow: tuple[Network, ...] = ()
    proxy: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    user_agent: str = "Verbund/0.1"
    max_body: int = 50 * _MIB
    max_ratio: int = 200
    max_redirects: int = 3
    timeout_s: float = 120
    connect_timeout_s: float = 15
    spool_limit: int = 1 * _MIB
    per_host_interval_s: float = 0.1
    queue_timeout_s: float = 600
    retry_after_limit_s: float = 30
    retries: int = 2
