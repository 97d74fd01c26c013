"""The search index on its way along the log: when it commits, when it is served."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from verbund.event_log import EventLog
from verbund.events import Recorded
from verbund.projection.follower import Follower
from verbund.projection.positions import Mark, behind
from verbund.views.search_writer import WITH_STATE, SearchWriter

# A commit costs 20 to 100 ms whatever its size, and makes a segment that has to be merged later. So while events keep
# coming it is made for this many keys, or after so many times as long as the one before took, five seconds at most; when
# none come, at once.
#
# What is staged waits in memory. And tantivy merges eight segments of about one size into one, for which it maps them
# whole: from commits of this size it gets to 160,000 offers, 130 MB, within a million offers (twice that from twice the
# size), and rewrites each offer no more often.
KEYS_IN_A_COMMIT = 2_500
COMMIT_AFTER_COMMITS = 10
COMMIT_AFTER_S = 5.0


@dataclass(slots=True)
class SearchFollower(Follower):
    """Stages records and commits them with their position; after a failure the last commit holds.

    A new generation is served as soon as it holds all that the log held when it was begun.
    """

    writer: SearchWriter
    log: EventLog
    _staged_at: float | None = field(default=None, init=False)
    _commit_took_s: float = field(default=0.0, init=False)
    _goal: dict[str, int] = field(default_factory=dict, init=False)

    @property
    def name(self) -> str:
        """See `Follower`."""
        return "search"

    @property
    def topics(self) -> tuple[str, ...]:
        """See `Follower`."""
        return self.writer.topics

    @property
    def decodes(self) -> frozenset[str]:
        """See `Follower`."""
        return WITH_STATE

    @property
    def unrested(self) -> bool:
        """Whether something is staged."""
        return self._staged_at is not None

    def load(self) -> None:
        """Stand where the index stands."""
        self._stand_where_committed()
        self._goal = self.log.end([topic for topic in self.log.topics() if self.reads(topic)])
        self._publish()

    def take(self, records: Sequence[Recorded]) -> int:
        """See `Follower`; staged, and committed when it is time."""
        new = self.new(records)
        if new:
            parked = self._parked_in_index()
            self._do(lambda: self.writer.stage(new))
            self.marks.update(behind(new))
            held = self._parked_in_index() - parked
            self.parked += held
            self.applied += sum(record.type in self.writer.handles for record in new) - held
            self._staged_at = self._staged_at or time.monotonic()
        if self._staged_at is not None and self._is_time(self._staged_at):
            self._commit()
        self.failures = 0
        return len(new)

    def rest(self) -> None:
        """Commit what is staged."""
        if self._staged_at is not None:
            self._commit()

    def _is_time(self, staged_at: float) -> bool:
        waits_s = min(COMMIT_AFTER_S, COMMIT_AFTER_COMMITS * self._commit_took_s)
        return self.writer.staged >= KEYS_IN_A_COMMIT or time.monotonic() - staged_at >= waits_s

    def _commit(self) -> None:
        began = time.monotonic()
        self._do(self.writer.commit)
        self._commit_took_s = time.monotonic() - began
        self._staged_at = None
        self._publish()

    def _publish(self) -> None:
        if all(self.position(topic) >= end for topic, end in self._goal.items()):
            self.writer.publish()

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self.writer.rollback()
            self._stand_where_committed()
            raise

    def _stand_where_committed(self) -> None:
        last = self.writer.position().last
        self.marks = {topic: Mark(at + 1, event_id) for topic, (at, event_id) in last.items()}
        self._staged_at = None

    def _parked_in_index(self) -> int:
        return sum(len(held) for held in self.writer.position().parked.values())
