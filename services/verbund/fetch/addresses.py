"""Where a fetch may go: pure rules over addresses, names and URLs."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from verbund.fetch import problems
from verbund.fetch.contract import Network

# `is_global` of the standard library is true for all of these.
_NOT_FOR_FEEDS_4 = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocol assignments, whole: 192.0.0.8 is a dummy address, .9 and .10 are anycast services
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # the inside of a large cloud, on a public number
    )
)
_GLOBAL_UNICAST_6 = ip_network("2000::/3")  # leaves out v4-mapped and -compatible, NAT64, site-local, multicast
_NOT_FOR_FEEDS_6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments, among them Teredo, which carries an IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which carries an IPv4 address
        "3fff::/20",  # documentation
    )
)

# Everything below 1024 but the web's own ports, and what browsers refuse above it, because a request there speaks to
# something that is no web server.
_WEB_PORTS = frozenset({80, 443})
_LOWEST_OPEN_PORT = 1024
_NO_WEB_PORTS = frozenset({1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080}) | set(
    range(6665, 6670)
)

_LONGEST_URL = 2_000

# Names that only mean something inside an office; a proxy would resolve them for us.
_INNER_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa")


def is_allowed(address: str, allow: Iterable[Network]) -> bool:
    """Whether a connection to this address, as a resolver gives it, may be made."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if any(parsed.version == network.version and parsed in network for network in allow):
        return True
    return _is_public_4(parsed) if isinstance(parsed, IPv4Address) else _is_public_6(parsed)


def _is_public_4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in net for net in _NOT_FOR_FEEDS_4)


def _is_public_6(address: IPv6Address) -> bool:
    return (
        address.is_global
        and address.scope_id is None
        and address in _GLOBAL_UNICAST_6
        and not any(address in net for net in _NOT_FOR_FEEDS_6)
    )


def checked_url(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    """The address, parsed once and for all, without its fragment; relative to `base` if there is one.

    Raises:
        AddressRefusedError: not http(s), with user or password, on a port of another service, or malformed.
    """
    if len(url) > _LONGEST_URL or "\\" in url or not url.isprintable() or " " in url:
        raise problems.malformed(url)
    try:
        parsed = httpx.URL(url)
        if base is not None and not parsed.scheme:
            parsed = base.join(url)
        parsed = parsed.copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError, TypeError):
        raise problems.malformed(url) from None
    if parsed.scheme not in ("http", "https"):
        raise problems.other_scheme(url, parsed.scheme)
    if parsed.userinfo:
        raise problems.userinfo(url)
    if not parsed.raw_host or b"%" in parsed.raw_host:
        raise problems.malformed(url)
    port = port_of(parsed)
    if port not in _WEB_PORTS and (not _LOWEST_OPEN_PORT <= port <= 0xFFFF or port in _NO_WEB_PORTS):
        raise problems.port_refused(url, port)
    return parsed


def port_of(url: httpx.URL) -> int:
    """The port, also where it is implied."""
    return url.port if url.port is not None else {"http": 80, "https": 443}[url.scheme]


def literal(host: str) -> str | None:
    """The address that a host spells out in the usual form, or None for a name."""
    try:
        return str(ip_address(host))
    except ValueError:
        return None


def is_outer_name(host: str) -> bool:
    """Whether a name may be handed to a proxy: a public-looking one, with a dot, that is no number in disguise."""
    labels = host.lower().rstrip(".").split(".")
    spelt_as_number = labels[-1].isdigit() or labels[-1].startswith("0x")
    inner = any(host.lower().rstrip(".").endswith("." + name) for name in _INNER_NAMES)
    return len(labels) > 1 and all(labels) and not spelt_as_number and not inner


def is_same_site(host: str, other: str) -> bool:
    """Whether two names are one host, with or without `www.`."""
    return host.lower().rstrip(".").removeprefix("www.") == other.lower().rstrip(".").removeprefix("www.")
