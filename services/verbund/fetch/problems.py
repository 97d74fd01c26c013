"""What can go wrong on the way to a source, each with its code and a sentence that says what to do.

Addresses are shown without their query, which may hold a key.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from verbund.errors import (
    AddressRefusedError,
    SourceError,
    SourceRefusedError,
    SourceUnreachableError,
    SourceUnreadableError,
)

_LONGEST_SHOWN = 200


def shown(url: str) -> str:
    """An address as it may be printed: no query, fragment, user or password."""
    bare, question, _ = url.partition("#")[0].partition("?")
    scheme, slashes, rest = bare.partition("://")
    authority, slash, path = rest.partition("/") if slashes else ("", "", "")
    whole = f"{scheme}{slashes}{authority.rpartition('@')[2]}{slash}{path}{question and '?…'}"
    printable = "".join(letter if letter.isprintable() else "�" for letter in whole)
    return printable if len(printable) <= _LONGEST_SHOWN else printable[:_LONGEST_SHOWN] + "…"


# --- no answer -------------------------------------------------------------------------------------------------------


def timed_out(url: str, seconds: float) -> SourceUnreachableError:
    """The deadline passed."""
    return SourceUnreachableError(
        "{url} did not deliver everything within {seconds:g} seconds; it is slow or hangs. The next run tries again; "
        "if this stays so, tell the provider",
        code="E210",
        url=shown(url),
        seconds=seconds,
    )


def no_such_host(url: str, host: str) -> SourceUnreachableError:
    """The name does not resolve."""
    return SourceUnreachableError(
        "The name {host} of {url} cannot be resolved; check its spelling in the source file and this machine's DNS",
        code="E211",
        url=shown(url),
        host=host,
    )


def not_connected(url: str, reason: str) -> SourceUnreachableError:
    """Nobody listens, or no way there."""
    return SourceUnreachableError(
        "{url} cannot be reached ({reason}); the server is down, or a firewall stands between. If this office has a "
        "proxy, name it in VERBUND_PROXY",
        code="E212",
        url=shown(url),
        reason=reason,
    )


def tls_failed(url: str, reason: str) -> SourceUnreachableError:
    """The certificate or the handshake is no good."""
    return SourceUnreachableError(
        "{url} could not be trusted ({reason}); tell the provider, or name the office's own certificate authority in "
        "VERBUND_CA_FILE",
        code="E213",
        url=shown(url),
        reason=reason,
    )


def hung_up(url: str) -> SourceUnreachableError:
    """The connection ended before there was an answer."""
    return SourceUnreachableError(
        "{url} closed the connection without an answer; the next run tries again", code="E214", url=shown(url)
    )


def server_trouble(url: str, status: int) -> SourceUnreachableError:
    """A status 5xx."""
    return SourceUnreachableError(
        "{url} has trouble of its own (status {status}); the next run tries again, if this stays so tell the provider",
        code="E215",
        url=shown(url),
        status=status,
    )


def proxy_failed(url: str, reason: str) -> SourceUnreachableError:
    """The proxy did not let us through."""
    return SourceUnreachableError(
        "The proxy did not connect us to {url} ({reason}); check VERBUND_PROXY, and whether the proxy lets this host "
        "pass",
        code="E216",
        url=shown(url),
        reason=reason,
    )


def queue_too_long(url: str, seconds: float) -> SourceUnreachableError:
    """Too many of us want something from this host."""
    return SourceUnreachableError(
        "{url} was not asked: other requests kept its host busy for {seconds:g} seconds; spread the schedules of its "
        "sources",
        code="E217",
        url=shown(url),
        seconds=seconds,
    )


# --- an answer that says no ------------------------------------------------------------------------------------------


def unexpected_status(url: str, status: int) -> SourceRefusedError:
    """A status that is none of the others."""
    return SourceRefusedError(
        "{url} answered with status {status}; check the address in the source file",
        code="E220",
        url=shown(url),
        status=status,
    )


def log_in_wanted(url: str, status: int) -> SourceRefusedError:
    """401 or 403."""
    return SourceRefusedError(
        "{url} does not let us in (status {status}); check the key in the source file, or ask the provider for access",
        code="E221",
        url=shown(url),
        status=status,
    )


def gone(url: str, status: int) -> SourceRefusedError:
    """404 or 410."""
    return SourceRefusedError(
        "There is nothing at {url} (status {status}); it has moved or is gone. Check the address in the source file",
        code="E222",
        url=shown(url),
        status=status,
    )


def rate_limited(url: str, status: int, retry_after_s: float, *, now: datetime) -> SourceRefusedError:
    """The source says when to come back, and that is too long to wait for."""
    resumes_at = (now + timedelta(seconds=retry_after_s)).replace(microsecond=0)
    return SourceRefusedError(
        "{url} wants to be asked again in {retry_after_s:.0f} seconds (status {status}); pull it less often",
        code="E223",
        url=shown(url),
        status=status,
        retry_after_s=retry_after_s,
        resumes_at=resumes_at.isoformat(),
    )


def too_many_redirects(url: str, hops: int) -> SourceRefusedError:
    """A loop, or a long chain."""
    return SourceRefusedError(
        "{url} sends us on and on ({hops} redirects); put the address where the data really are into the source file",
        code="E224",
        url=shown(url),
        hops=hops,
    )


def downgrade(url: str, target: str) -> SourceRefusedError:
    """A redirect from https to http."""
    return SourceRefusedError(
        "{url} leads from https to {target}, where anybody on the way could change the data; tell the provider",
        code="E225",
        url=shown(url),
        target=shown(target),
    )


def redirect_without_target(url: str, status: int) -> SourceRefusedError:
    """A redirect that does not say where to."""
    return SourceRefusedError(
        "{url} sends us on (status {status}) and does not say where to; tell the provider",
        code="E226",
        url=shown(url),
        status=status,
    )


def of_status(url: str, status: int) -> SourceError:
    """What a status that nobody expected means for the caller."""
    match status:
        case 401 | 403:
            return log_in_wanted(url, status)
        case 407:
            return proxy_failed(url, f"status {status}")
        case 404 | 410:
            return gone(url, status)
        case _ if status >= 500:
            return server_trouble(url, status)
        case _:
            return unexpected_status(url, status)


# --- an answer that is not what it should be -------------------------------------------------------------------------


def too_large(url: str, limit: int) -> SourceUnreadableError:
    """More bytes than we take."""
    return SourceUnreadableError(
        "{url} delivers more than {limit_mb:.0f} MB; ask the provider for pages or a smaller extract",
        code="E230",
        url=shown(url),
        limit=limit,
        limit_mb=limit / (1024 * 1024),
    )


def bomb(url: str, ratio: int) -> SourceUnreadableError:
    """Unpacks to absurdly more than was sent."""
    return SourceUnreadableError(
        "{url} unpacks to more than {ratio} times what was sent, as an attack does; tell the provider",
        code="E231",
        url=shown(url),
        ratio=ratio,
    )


def unknown_encoding(url: str, encoding: str) -> SourceUnreadableError:
    """A content encoding that we did not ask for."""
    return SourceUnreadableError(
        "{url} is encoded as {encoding}, which we did not ask for (only gzip); tell the provider",
        code="E232",
        url=shown(url),
        encoding=encoding[:40],
    )


def broken_encoding(url: str) -> SourceUnreadableError:
    """Not gzip although it says so."""
    return SourceUnreadableError(
        "{url} says it is compressed and cannot be unpacked; tell the provider", code="E233", url=shown(url)
    )


def cut_off(url: str, received: int) -> SourceUnreadableError:
    """The connection ended inside the body."""
    return SourceUnreadableError(
        "{url} broke off after {received} bytes; the next run tries again, if this stays so tell the provider",
        code="E234",
        url=shown(url),
        received=received,
    )


def no_http(url: str) -> SourceUnreadableError:
    """Not HTTP, or headers of absurd size."""
    return SourceUnreadableError(
        "What answers at {url} does not speak HTTP as it should; check address and port in the source file",
        code="E235",
        url=shown(url),
    )


# --- an address we must not reach ------------------------------------------------------------------------------------


def network_refused(url: str, host: str) -> AddressRefusedError:
    """The address is not public. It is not named: that would tell a stranger how the inside is numbered."""
    return AddressRefusedError(
        "{host} of {url} does not lie in the public internet, so it is not reached; if it is yours and meant, add its "
        "network to VERBUND_FETCH_ALLOW",
        code="E240",
        url=shown(url),
        host=host,
    )


def other_scheme(url: str, scheme: str) -> AddressRefusedError:
    """Neither http nor https."""
    return AddressRefusedError(
        "{url} is no web address (scheme '{scheme}'); only http and https are fetched",
        code="E241",
        url=shown(url),
        scheme=scheme[:20],
    )


def userinfo(url: str) -> AddressRefusedError:
    """User or password in the address."""
    return AddressRefusedError(
        "{url} has a user or password inside; take it out and give it as a header from a secret instead",
        code="E242",
        url=shown(url),
    )


def port_refused(url: str, port: int) -> AddressRefusedError:
    """A port of another service."""
    return AddressRefusedError(
        "Port {port} of {url} belongs to another service than the web; feeds are read on 80, 443 and from 1024 on",
        code="E243",
        url=shown(url),
        port=port,
    )


def malformed(url: str) -> AddressRefusedError:
    """No address at all."""
    return AddressRefusedError("{url} is not a valid web address; check the source file", code="E244", url=shown(url))


def left_the_host(url: str, target: str) -> AddressRefusedError:
    """Through a proxy, a redirect to another host."""
    return AddressRefusedError(
        "{url} leads to another host, {target}, which cannot be checked through the proxy; if it is right, put the new "
        "address into the source file",
        code="E245",
        url=shown(url),
        target=shown(target),
    )
