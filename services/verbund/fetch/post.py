"""Posting: the same guard as fetching, one attempt, no redirects, and of the answer no more than its status."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import httpcore

from verbund.fetch import addresses, outcomes
from verbund.fetch.contract import FetchSettings
from verbund.fetch.network import Deadline, Hop, Resolve, current_hop, system_addresses
from verbund.fetch.pools import Pools


class HttpPost:
    """Posts bodies over the real network, to checked addresses only; for all threads of a process."""

    def __init__(
        self,
        settings: FetchSettings | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        resolve: Resolve = system_addresses,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._settings = settings or FetchSettings()
        self._monotonic = monotonic
        self._pools = Pools(self._settings, resolve=resolve, network=network)

    def close(self) -> None:
        """Hang up."""
        self._pools.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def post(self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float) -> int:
        """The status of the answer, whatever it is; a redirect is an answer like others, and the body is not read.

        Raises:
            SourceUnreachableError: no answer, or none in time.
            SourceUnreadableError: what answers does not speak HTTP.
            AddressRefusedError: it lies where Verbund must not go; no connection was made there.
        """
        asked = addresses.checked_url(url)
        hop = Hop(str(asked), Deadline(timeout_s, self._monotonic))
        sent = {
            "host": asked.netloc.decode("ascii"),
            "user-agent": self._settings.user_agent,
            "content-length": str(len(body)),
            **headers,
        }
        request = httpcore.Request(
            "POST",
            httpcore.URL(scheme=asked.raw_scheme, host=asked.raw_host, port=asked.port, target=asked.raw_path),
            headers=[(name.encode(), value.encode()) for name, value in sent.items()],
            content=body,
        )
        token = current_hop.set(hop)
        try:
            response = self._pools.of(asked, asked=asked).handle_request(request)
            response.close()
        except outcomes.FAILURES as error:
            raise outcomes.before_answer(error, hop) from error
        finally:
            current_hop.reset(token)
        return response.status
