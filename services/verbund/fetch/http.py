"""Fetching over HTTP: each hop checked, everything within one deadline."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpcore

from verbund.fetch import addresses, bodies, outcomes, problems
from verbund.fetch.contract import Fetched, FetchSettings
from verbund.fetch.journey import Journey
from verbund.fetch.network import Deadline, Hop, Resolve, current_hop, system_addresses
from verbund.fetch.politeness import Politeness, retry_after
from verbund.fetch.pools import Pools

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304


@dataclass(frozen=True, slots=True, kw_only=True)
class _ComeBack:
    """The host wants to be asked again."""

    status: int
    seconds: float


class HttpFetch:
    """`Fetch` over the real network; for all threads of a process, so that all are polite together.

    Args:
        settings: limits and ways out.
        monotonic, sleep, now: the clocks; tests pass their own.
        resolve: addresses of a name; tests pass a scripted one.
        network: makes the connections to checked addresses; tests count them.
    """

    def __init__(
        self,
        settings: FetchSettings | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolve: Resolve = system_addresses,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._settings = settings or FetchSettings()
        self._monotonic = monotonic
        self._now = now
        self._pools = Pools(self._settings, resolve=resolve, network=network)
        self._politeness = Politeness(self._settings, monotonic=monotonic, sleep=sleep, now=now)

    def close(self) -> None:
        """Hang up; bodies that were handed out stay readable."""
        self._pools.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        """The whole answer to a GET; see `Fetch.get` for the promise."""
        journey = Journey.to(
            url,
            headers=headers or {},
            expects=expects,
            deadline=Deadline(timeout_s or self._settings.timeout_s, self._monotonic),
            etag=etag,
            last_modified=last_modified,
        )
        while True:
            match self._hop(journey):
                case Fetched() as fetched:
                    return fetched
                case _ComeBack() as wanted:
                    self._come_back(journey, wanted)
                case str() as target:
                    journey.go_on_to(target, most=self._settings.max_redirects)

    def _hop(self, journey: Journey) -> Fetched | _ComeBack | str:
        """One request: the answer, when to ask again, or where it leads."""
        url = str(journey.url)
        pool = self._pools.of(journey.url, asked=journey.asked)
        with self._politeness.turn(journey.url.host, addresses.port_of(journey.url), url=url) as waited:
            journey.deadline.extend(waited)
            hop = Hop(url, journey.deadline)
            with _as_current(hop), self._answer(pool, journey, hop) as response:
                return self._understood(response, journey, hop)

    @contextmanager
    def _answer(self, pool: httpcore.ConnectionPool, journey: Journey, hop: Hop) -> Iterator[httpcore.Response]:
        request = httpcore.Request(
            "GET",
            httpcore.URL(
                scheme=journey.url.raw_scheme,
                host=journey.url.raw_host,
                port=journey.url.port,
                target=journey.url.raw_path,
            ),
            headers=journey.request_headers(self._settings.user_agent),
        )
        response = _first_answer(pool, request, hop)
        try:
            yield response
        finally:
            response.close()

    def _understood(self, response: httpcore.Response, journey: Journey, hop: Hop) -> Fetched | _ComeBack | str:
        status, headers = response.status, _joined(response.headers)
        if status in journey.expects:
            return self._whole(response, headers, hop)
        if status == _NOT_MODIFIED and (journey.etag or journey.last_modified):
            return _unchanged(journey, headers)
        if status in _REDIRECTS:
            if not headers.get("location"):
                raise problems.redirect_without_target(hop.url, status)
            return headers["location"]
        if status in (429, 503):
            seconds = retry_after(headers.get("retry-after"), status=status, now=self._now())
            if seconds is not None:
                return _ComeBack(status=status, seconds=seconds)
        raise problems.of_status(hop.url, status)

    def _whole(self, response: httpcore.Response, headers: dict[str, str], hop: Hop) -> Fetched:
        announced = headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > self._settings.max_body:
            raise problems.too_large(hop.url, self._settings.max_body)
        pieces = bodies.decoded(
            _received(response, hop),
            encoding=headers.pop("content-encoding", ""),
            settings=self._settings,
            url=hop.url,
        )
        body, digest, size = bodies.spooled(pieces, limit=self._settings.spool_limit)
        return Fetched(
            url=hop.url,
            status=response.status,
            headers=headers,
            body=body,
            digest=digest,
            size=size,
            etag=headers.get("etag"),
            last_modified=headers.get("last-modified"),
        )

    def _come_back(self, journey: Journey, wanted: _ComeBack) -> None:
        self._politeness.hold_off(journey.url.host, addresses.port_of(journey.url), wanted.seconds)
        journey.retries += 1
        if wanted.seconds > self._settings.retry_after_limit_s or journey.retries > self._settings.retries:
            raise problems.rate_limited(str(journey.url), wanted.status, wanted.seconds, now=self._now())


@contextmanager
def _as_current(hop: Hop) -> Iterator[None]:
    token = current_hop.set(hop)
    try:
        yield
    finally:
        current_hop.reset(token)


def _first_answer(pool: httpcore.ConnectionPool, request: httpcore.Request, hop: Hop) -> httpcore.Response:
    """Status and headers. A kept connection that the server has closed meanwhile is no failure: a new one is made."""
    try:
        return pool.handle_request(request)
    except outcomes.FAILURES as error:
        if hop.connected or not isinstance(error, outcomes.STALE):
            raise outcomes.before_answer(error, hop) from error
    try:
        return pool.handle_request(request)
    except outcomes.FAILURES as error:
        raise outcomes.before_answer(error, hop) from error


def _received(response: httpcore.Response, hop: Hop) -> Iterator[bytes]:
    received = 0
    try:
        for chunk in response.iter_stream():
            hop.deadline.left()
            received += len(chunk)
            yield chunk
    except outcomes.FAILURES as error:
        raise outcomes.inside_body(error, hop, received=received) from error


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = _text(raw_name).lower(), _text(raw_value)
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _text(raw: bytes) -> str:
    """Headers are ASCII by the book; umlauts in a Location are UTF-8, and old servers send Latin-1."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _unchanged(journey: Journey, headers: dict[str, str]) -> Fetched:
    return Fetched(
        url=str(journey.url),
        status=_NOT_MODIFIED,
        headers=headers,
        body=io.BytesIO(),
        digest="",
        size=0,
        not_modified=True,
        etag=headers.get("etag") or journey.etag,
        last_modified=headers.get("last-modified") or journey.last_modified,
    )
