"""A feed server, a fetch that may reach it, and clocks that nobody waits for."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import httpcore
import pytest

from verbund.fetch import FetchSettings, HttpFetch
from verbund.testing.feed_server import FeedServer

LOOPBACK = (ip_network("127.0.0.0/8"),)


class CountingNetwork(httpcore.SyncBackend):
    """Connects like the real one and remembers where to; `routes` sends an address somewhere on loopback instead."""

    def __init__(self, routes=None):
        self.connects: list[tuple[str, int]] = []
        self.routes: dict[str, str] = routes or {}

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.connects.append((host, port))
        return super().connect_tcp(self.routes.get(host, host), port, timeout, local_address, socket_options)


class HandClock:
    """Time that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def monotonic(self):
        return self.at

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def server():
    with FeedServer() as server:
        yield server


@pytest.fixture
def network():
    return CountingNetwork()


@pytest.fixture
def make(network):
    """Makes fetches and closes them; settings by name, `allow` is loopback unless said otherwise."""
    made: list[HttpFetch] = []

    def fetch(
        *, resolve: Callable[[str, int], list[str]] | None = None, clock: Any = None, **settings: Any
    ) -> HttpFetch:
        options: dict[str, Any] = {"network": network}
        if resolve is not None:
            options["resolve"] = resolve
        if clock is not None:
            options |= {"monotonic": clock.monotonic, "sleep": clock.sleep}
        fetch = HttpFetch(FetchSettings(**{"allow": LOOPBACK, "per_host_interval_s": 0, **settings}), **options)
        made.append(fetch)
        return fetch

    yield fetch
    for one in made:
        one.close()


@pytest.fixture
def fetch(make):
    return make()
