"""Clients of kafka-python, and why one could not be made: unreachable, or the log-in refused."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, TypeVar

from kafka.errors import KafkaError  # noqa: TID251 - one of the modules of the Kafka log

from verbund.errors import LogError, LogUnavailableError, LogUnusableError
from verbund.event_log.kafka_settings import KafkaSettings

Client = TypeVar("Client")

# A broker answers this without any log-in: ApiVersions, version 0, correlation id 1, no client id.
_HELLO = struct.pack(">ihhih", 10, 18, 0, 1, -1)
_PROBE_S = 3.0


def connect(make: Callable[..., Client], settings: KafkaSettings, **options: Any) -> Client:
    """A connected client. kafka-python says `Unable to bootstrap` whatever the reason; this looks for the reason.

    Raises:
        LogUnavailableError: no broker can be reached, or none answers.
        LogUnusableError: a broker answers and then shuts the door: log-in, certificate, or a missing log-in.
    """
    options = settings.client() | options
    try:
        return make(**options)
    except KafkaError as error:
        reason = _why_not(settings)
        if isinstance(reason, LogUnavailableError):
            raise reason from error
    # It answers: either it was away for a moment, or it does not want us.
    try:
        return make(**options)
    except KafkaError as error:
        raise reason from error


def unavailable(settings: KafkaSettings, error: BaseException) -> LogUnavailableError:
    """A call to a cluster that was reached before failed."""
    return LogUnavailableError(
        "Kafka at {bootstrap} does not answer now ({error}); look at the brokers, or try again",
        bootstrap=settings.bootstrap,
        error=f"{type(error).__name__}: {error}"[:300],
    )


def not_allowed(settings: KafkaSettings, error: BaseException) -> LogUnusableError:
    """The cluster knows us and says no; trying again would not help."""
    return LogUnusableError(
        "user {user} may not do this in Kafka at {bootstrap} ({error}); give it the right, then start again",
        user=settings.username,
        bootstrap=settings.bootstrap,
        error=f"{type(error).__name__}: {error}"[:300],
    )


def _why_not(settings: KafkaSettings) -> LogError:
    found: LogError | None = None
    for server in settings.servers:
        found = _probe(server, settings)
        if not isinstance(found, LogUnavailableError):
            break
    return found or unavailable(settings, ValueError("no address"))


def _probe(server: str, settings: KafkaSettings) -> LogError:
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_S) as plain:
            plain.settimeout(_PROBE_S)
            answers = _answers(_encrypted(plain, host, settings))
    except ssl.SSLError as error:
        return LogUnusableError(
            "Kafka at {server} and this process do not agree on TLS ({error}); check cafile, certfile and keyfile",
            server=server,
            error=str(error),
        )
    except (OSError, ValueError) as error:
        return LogUnavailableError(
            "Kafka at {server} cannot be reached ({error}); check address, network and whether the broker runs",
            server=server,
            error=str(error),
        )
    if not answers:
        return LogUnavailableError(
            "{server} accepts connections but does not answer like Kafka with security_protocol {protocol}; "
            "check address and protocol, or wait until the broker has started",
            server=server,
            protocol=settings.security_protocol,
        )
    if settings.logs_in:
        return LogUnusableError(
            "Kafka at {server} refuses the log-in of user {user}; check user, password and sasl_mechanism",
            server=server,
            user=settings.username,
        )
    return LogUnusableError(
        "Kafka at {server} answers but closes the door; it may want a log-in: check security_protocol ({protocol})",
        server=server,
        protocol=settings.security_protocol,
    )


def _encrypted(plain: socket.socket, host: str, settings: KafkaSettings) -> socket.socket:
    if not settings.security_protocol.endswith("SSL"):
        return plain
    context = ssl.create_default_context(cafile=settings.cafile)
    if settings.certfile:
        context.load_cert_chain(settings.certfile, settings.keyfile)
    return context.wrap_socket(plain, server_hostname=host)


def _answers(connection: socket.socket) -> bool:
    try:
        connection.sendall(_HELLO)
        return bool(connection.recv(4))
    except ssl.SSLError:
        raise
    except OSError:
        return False
