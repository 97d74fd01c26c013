"""Failures of the HTTP library, as the errors that callers know."""

from __future__ import annotations

import ssl

import httpcore

from verbund.errors import SourceFileError, VerbundError
from verbund.fetch import problems
from verbund.fetch.network import DeadlinePassedError, Hop

#: Everything that may come out of a request and is no answer.
FAILURES: tuple[type[Exception], ...] = (
    DeadlinePassedError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
)

#: What a connection that the server had closed meanwhile looks like.
STALE: tuple[type[Exception], ...] = (httpcore.NetworkError, httpcore.RemoteProtocolError)

_LONGEST_REASON = 100


def before_answer(error: Exception, hop: Hop) -> VerbundError:
    """What a failure before the status line means for the caller."""
    cause = error.args[0] if error.args else None  # httpcore puts the first error there, and cuts its `__cause__`
    match error:
        case DeadlinePassedError():
            return problems.timed_out(hop.url, hop.deadline.seconds)
        case httpcore.ConnectTimeout():
            return problems.not_connected(hop.url, "no answer in time")
        case httpcore.TimeoutException():
            return problems.timed_out(hop.url, hop.deadline.seconds)
        case httpcore.ConnectError() if isinstance(cause, ssl.SSLError):
            return problems.tls_failed(hop.url, _tls_reason(cause))
        case httpcore.ConnectError() if isinstance(cause, OSError):
            return problems.not_connected(hop.url, (cause.strerror or "no connection")[:_LONGEST_REASON])
        case httpcore.ProxyError():
            return problems.proxy_failed(hop.url, str(error)[:_LONGEST_REASON])
        case httpcore.LocalProtocolError():
            return SourceFileError(
                "A header for {url} cannot be sent; check the headers in the source file", url=problems.shown(hop.url)
            )
        case httpcore.RemoteProtocolError() if "disconnected" not in str(error):
            return problems.no_http(hop.url)
        case _:
            return problems.hung_up(hop.url)


def inside_body(error: Exception, hop: Hop, *, received: int) -> VerbundError:
    """What a failure after the headers means for the caller."""
    match error:
        case DeadlinePassedError() | httpcore.TimeoutException():
            return problems.timed_out(hop.url, hop.deadline.seconds)
        case httpcore.RemoteProtocolError() if "closed connection" not in str(error):
            return problems.no_http(hop.url)
        case _:
            return problems.cut_off(hop.url, received)


def _tls_reason(error: ssl.SSLError) -> str:
    verify: str | None = getattr(error, "verify_message", None)
    return (verify or error.reason or "the handshake failed")[:_LONGEST_REASON]
