"""Connections kept open between requests: straight to the source, or through the office's proxy."""

from __future__ import annotations

import ssl
import threading
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import certifi
import httpcore
import httpx

from verbund.errors import SettingsError
from verbund.fetch import addresses, problems
from verbund.fetch.contract import FetchSettings
from verbund.fetch.network import CheckedNetwork, Resolve

_MOST_IDLE = 20
_IDLE_S = 10.0


class Pools:
    """The ways out, each made when it is first needed: reading the certificates alone takes 50 ms."""

    def __init__(
        self, settings: FetchSettings, *, resolve: Resolve, network: httpcore.NetworkBackend | None = None
    ) -> None:
        self._settings = settings
        self._resolve = resolve
        self._network = network
        self._making = threading.Lock()
        self._made: dict[tuple[bool, str], httpcore.ConnectionPool] = {}
        self._proxy = _proxy_url(settings.proxy) if settings.proxy else None

    def of(self, url: httpx.URL, *, asked: httpx.URL) -> httpcore.ConnectionPool:
        """The way to `url`, to which the first address, `asked`, led.

        Raises:
            AddressRefusedError: the proxy would have to resolve a name that we may not hand to it.
        """
        through = None if self._is_ours(url) else self._proxy
        if through is not None:
            self._check_name(url, asked)
        way = (through is not None, url.scheme)
        with self._making:
            if way not in self._made:
                trust = _trust(self._settings.ca_file) if url.scheme == "https" else None
                self._made[way] = self._straight(trust) if through is None else self._through(through, trust)
            return self._made[way]

    def close(self) -> None:
        """Hang up everywhere."""
        for pool in self._made.values():
            pool.close()

    def _is_ours(self, url: httpx.URL) -> bool:
        number = addresses.literal(url.host)
        return number is not None and addresses.is_allowed(number, self._settings.allow) and not self._is_public(number)

    @staticmethod
    def _is_public(number: str) -> bool:
        return addresses.is_allowed(number, ())

    def _check_name(self, url: httpx.URL, asked: httpx.URL) -> None:
        number = addresses.literal(url.host)
        if not (self._is_public(number) if number else addresses.is_outer_name(url.raw_host.decode("ascii"))):
            raise problems.network_refused(str(url), url.host)
        if not addresses.is_same_site(url.host, asked.host):
            raise problems.left_the_host(str(asked), str(url))

    def _straight(self, trust: ssl.SSLContext | None) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=None,  # one per host at a time is seen to by Politeness
            max_keepalive_connections=_MOST_IDLE,
            keepalive_expiry=_IDLE_S,
            network_backend=CheckedNetwork(
                resolve=self._resolve,
                connect_timeout_s=self._settings.connect_timeout_s,
                allow=self._settings.allow,
                inner=self._network,
            ),
        )

    def _through(self, proxy: httpx.URL, trust: ssl.SSLContext | None) -> httpcore.ConnectionPool:
        host, port = proxy.raw_host.decode("ascii"), addresses.port_of(proxy)
        user, _, password = proxy.userinfo.decode("ascii").partition(":")
        return httpcore.HTTPProxy(
            proxy_url=httpcore.URL(scheme=proxy.raw_scheme, host=proxy.raw_host, port=port, target=b"/"),
            proxy_auth=(unquote(user).encode(), unquote(password).encode()) if user else None,
            ssl_context=trust,
            proxy_ssl_context=_trust(self._settings.ca_file) if proxy.scheme == "https" else None,
            max_connections=None,
            max_keepalive_connections=_MOST_IDLE,
            keepalive_expiry=_IDLE_S,
            network_backend=CheckedNetwork(
                resolve=self._resolve,
                connect_timeout_s=self._settings.connect_timeout_s,
                only=(host, port),
                inner=self._network,
            ),
        )


@cache
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise SettingsError(
                "VERBUND_CA_FILE {path} is no readable file of certificates in PEM form", path=str(ca_file)
            ) from None
    return context


def _proxy_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
        if url.scheme in ("http", "https") and url.raw_host:
            addresses.port_of(url)
            return url
    except (httpx.InvalidURL, ValueError):
        pass
    # The value is not shown: it may hold a password.
    raise SettingsError("VERBUND_PROXY is no address such as http://proxy.example.org:3128")
