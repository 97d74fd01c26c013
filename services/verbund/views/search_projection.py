"""Keeps the search index up to date from the log, by itself or beside the views in tables."""

from __future__ import annotations

import threading

from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.projection.positions import ANSWER_WITHIN
from verbund.projection.runner import Progress, Runner
from verbund.views.search_follower import SearchFollower
from verbund.views.search_writer import SearchWriter


class SearchProjection:
    """Follows the log's inventory topics, in commands (`catch_up`) and services (`run_forever`); one thread at a time.

    The index that readers see is replaced only when the new one has caught up. `follower` may be given to a `Runner`
    instead, which then reads the log once for the index and for the views in tables.
    """

    def __init__(self, log: EventLog, writer: SearchWriter) -> None:
        self._log = log
        self._writer = writer
        self.follower = SearchFollower(writer, log)
        self._runner = Runner([], log=log, engine=None, beside=[self.follower])

    def catch_up(self, progress: Progress | None = None) -> int:
        """Read up to the log's end as it is now; how many events were read.

        Raises:
            LogUnavailableError: the log cannot be reached now.
            LogUnusableError: the log is not the one that the index was built from.
        """
        return self._runner.catch_up(progress).events

    def run_forever(self, stop: threading.Event) -> None:
        """Keep the index up to date until `stop` is set.

        Raises:
            LogUnusableError: as `catch_up`; a person must look.
        """
        self._runner.run_forever(stop)

    def rebuild(self, progress: Progress | None = None) -> int:
        """Build the index anew beside the one that is served, then serve it; how many events were read."""
        self._writer.reset()
        self.follower.load()
        return self.catch_up(progress)

    def retry_parked(self) -> int:
        """Try what was parked again, for example after an update; how many events are still parked."""
        self._runner.start()
        waiting = [record for records in self._writer.position().parked.values() for record in records]
        found: list[Recorded] = []
        for topic, position, _ in sorted(waiting):
            records = self._log.read({topic: position}, limit=1, wait=ANSWER_WITHIN)
            found += [record for record in records[:1] if record.position == position]
        self._writer.retry(found)
        self._writer.commit()
        return sum(len(records) for records in self._writer.position().parked.values())

    def lag(self) -> int:
        """Events of the log that are not in the index yet."""
        following = self._writer.position().next
        topics = [topic for topic in self._log.topics() if self.follower.reads(topic)]
        return sum(max(0, end - following.get(topic, 0)) for topic, end in self._log.end(topics).items())
