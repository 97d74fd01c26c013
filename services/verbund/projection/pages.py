"""Pages of the log, read and decoded one ahead: while the database writes one page, the next is made ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Protocol, Self

from verbund.errors import UnreadableEventError
from verbund.event_log import NO_WAIT, EventLog
from verbund.events import Recorded

# A page with fewer records is the end of what is there, so reading ahead would find nothing.
FULL_ENOUGH = 200
# Pages of long records are not put together, since all of them are decoded at once.
PAGE_BYTES = 4 * 1024 * 1024


class Decoding(Protocol):
    """One that says which event types it is sure to ask the newest body of."""

    @property
    def decodes(self) -> frozenset[str]:
        """Names of the types."""
        ...


class Pages:
    """Reads for one thread at a time; use it as a context, which ends its own thread."""

    def __init__(self, log: EventLog, *, limit: int) -> None:
        self._log = log
        self._limit = limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._place: dict[str, int] = {}
        self._page: Future[list[Recorded]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    def read(
        self,
        place: Mapping[str, int],
        followers: Sequence[Decoding],
        *,
        wait: timedelta,
        ends: Mapping[str, int] | None = None,
    ) -> list[Recorded]:
        """What `EventLog.read` answers at a place; `ends` says from where on nothing is wanted.

        Raises:
            LogUnavailableError: as `EventLog.read`.
            LogUnusableError: the same.
        """
        records = self._read_before(place) or self._read(place, wait)
        following = dict(place)
        for record in records:
            following[record.topic] = record.position + 1
        if ends is not None:
            following = {topic: at for topic, at in following.items() if at < ends.get(topic, 0)}
        if following and len(records) >= min(FULL_ENOUGH, self._limit):
            self._place = following
            types = frozenset[str]().union(*(follower.decodes for follower in followers))
            self._page = self._thread.submit(self._prepare, following, types)
        return records

    def _read(self, place: Mapping[str, int], wait: timedelta) -> list[Recorded]:
        """One page; a log may hand it out in smaller ones, and a transaction for each would cost more than the rows."""
        place = dict(place)
        page = found = self._log.read(place, limit=self._limit, wait=wait)
        size = sum(len(record.body) for record in page)
        while len(found) >= FULL_ENOUGH and len(page) < self._limit and size < PAGE_BYTES:
            for record in found:
                place[record.topic] = record.position + 1
            found = self._log.read(place, limit=self._limit - len(page), wait=NO_WAIT)
            page = page + found
            size += sum(len(record.body) for record in found)
        return page

    def _read_before(self, place: Mapping[str, int]) -> list[Recorded]:
        """The page made ready, if it is for this place."""
        page, self._page = self._page, None
        if page is None or any(self._place.get(topic) != at for topic, at in place.items()):
            return []
        return [record for record in page.result() if record.topic in place]

    def _prepare(self, place: Mapping[str, int], types: frozenset[str]) -> list[Recorded]:
        records = self._read(place, NO_WAIT)
        for record in {(record.topic, record.subject): record for record in records if record.type in types}.values():
            with suppress(UnreadableEventError):  # the view that needs it meets the error again, and parks it
                _ = record.data
        return records
