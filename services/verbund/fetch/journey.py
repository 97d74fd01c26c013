"""One `get` under way: where it is, what it carries, and what it leaves behind when it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx

from verbund.fetch import addresses, problems
from verbund.fetch.network import Deadline

# Not for a source file to set: they are ours, or would smuggle a second request or a piece of a body in.
_OURS = frozenset({"host", "user-agent", "accept-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"}) | {
    *("content-length", "transfer-encoding", "expect", "range", "if-range", "if-none-match", "if-modified-since"),
    *("proxy-authorization", "proxy-connection"),
}
# Any other may hold a key, whatever it is called, so it stays with the host it was meant for.
_HARMLESS = frozenset({"accept", "accept-language"})


@dataclass(slots=True, kw_only=True)
class Journey:
    """From the first address over redirects and retries to an answer.

    Attributes:
        asked: the first address.
        url: the one to be asked next.
        headers: of the source, names in lower case.
        etag, last_modified: of the version that is known.
    """

    asked: httpx.URL
    url: httpx.URL
    headers: Mapping[str, str]
    expects: tuple[int, ...]
    deadline: Deadline
    etag: str | None
    last_modified: str | None
    hops: int = 0
    retries: int = 0

    def request_headers(self, user_agent: str) -> list[tuple[bytes, bytes]]:
        """What is sent to `url`."""
        headers = {"accept": "*/*", **self.headers, "accept-encoding": "gzip", "user-agent": user_agent}
        if self.etag:
            headers["if-none-match"] = self.etag
        if self.last_modified:
            headers["if-modified-since"] = self.last_modified
        sent = {"host": self.url.netloc.decode("ascii"), **headers}
        return [(name.encode("utf-8", "replace"), value.encode("utf-8", "replace")) for name, value in sent.items()]

    @classmethod
    def to(
        cls,
        url: str,
        *,
        headers: Mapping[str, str],
        expects: tuple[int, ...],
        deadline: Deadline,
        etag: str | None,
        last_modified: str | None,
    ) -> Self:
        """A new one.

        Raises:
            AddressRefusedError: see `addresses.checked_url`.
        """
        asked = addresses.checked_url(url)
        own = {name.lower(): value for name, value in headers.items()}
        return cls(
            asked=asked,
            url=asked,
            headers={name: value for name, value in own.items() if name not in _OURS},
            expects=expects,
            deadline=deadline,
            etag=etag,
            last_modified=last_modified,
        )

    def go_on_to(self, target: str, *, most: int) -> None:
        """Follow a redirect.

        Raises:
            SourceRefusedError: too many of them, or from https to http.
            AddressRefusedError: see `addresses.checked_url`.
        """
        self.hops += 1
        if self.hops > most:
            raise problems.too_many_redirects(str(self.asked), most)
        here, there = self.url, addresses.checked_url(target, base=self.url)
        if (here.scheme, there.scheme) == ("https", "http"):
            raise problems.downgrade(str(here), str(there))
        if not _keeps_secrets(here, there):
            self.headers = {name: value for name, value in self.headers.items() if name in _HARMLESS}
        self.url = there


def _keeps_secrets(here: httpx.URL, there: httpx.URL) -> bool:
    """The same server, or the same host by https on its usual port."""
    same_port = addresses.port_of(here) == addresses.port_of(there)
    upgraded = (here.scheme, there.scheme) == ("http", "https") and addresses.port_of(there) == 443
    return here.host == there.host and ((here.scheme == there.scheme and same_port) or upgraded)
