"""One request at a time per host, at a distance, and not before the host wants to be asked again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from verbund.fetch import problems
from verbund.fetch.contract import FetchSettings

# For a source that says "too many requests" and not when to come back.
_DEFAULT_RETRY_AFTER_S = 10.0

# A source that says "in three weeks" means "not now"; we look again tomorrow at the latest.
_LONGEST_RETRY_AFTER_S = 24 * 3600.0

_TOO_MANY_REQUESTS = 429


@dataclass(slots=True)
class _Host:
    busy: threading.Lock = field(default_factory=threading.Lock)
    next_at: float = 0.0
    not_before: float = 0.0


class Politeness:
    """Turns at hosts, for all threads of this process."""

    def __init__(
        self,
        settings: FetchSettings,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._sleep = sleep
        self._now = now
        self._hosts: dict[tuple[str, int], _Host] = {}

    @contextmanager
    def turn(self, host: str, port: int, *, url: str) -> Iterator[float]:
        """Our turn at a host, alone; gives the seconds that were waited for it.

        Raises:
            SourceUnreachableError: the queue was too long.
            SourceRefusedError: the host wants to be asked so late that it is not waited for.
        """
        of_host = self._hosts.setdefault((host, port), _Host())
        asked_at = self._monotonic()
        if not of_host.busy.acquire(timeout=self._settings.queue_timeout_s):
            raise problems.queue_too_long(url, self._settings.queue_timeout_s)
        try:
            now = self._monotonic()
            patience = of_host.not_before - now
            if patience > self._settings.retry_after_limit_s:
                raise problems.rate_limited(url, _TOO_MANY_REQUESTS, patience, now=self._now())
            wait = max(of_host.next_at, of_host.not_before) - now
            if wait > 0:
                self._sleep(wait)
            started_at = self._monotonic()
            of_host.next_at = started_at + self._settings.per_host_interval_s
            yield started_at - asked_at
        finally:
            of_host.busy.release()

    def hold_off(self, host: str, port: int, seconds: float) -> None:
        """The host said to be asked again in so many seconds."""
        self._hosts.setdefault((host, port), _Host()).not_before = self._monotonic() + seconds


def retry_after(value: str | None, *, status: int, now: datetime) -> float | None:
    """Seconds until the source wants to be asked again, at most a day; None when this is no such answer.

    Args:
        value: of the header `Retry-After`: seconds or a date.
        status: 429 always means later, 503 only with a value.
        now: UTC.
    """
    wanted = _seconds(value.strip(), now) if value else None
    if status == _TOO_MANY_REQUESTS and wanted is None:
        wanted = _DEFAULT_RETRY_AFTER_S
    return None if wanted is None else min(max(wanted, 0.0), _LONGEST_RETRY_AFTER_S)


def _seconds(value: str, now: datetime) -> float | None:
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, IndexError, OverflowError):
        return None
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
