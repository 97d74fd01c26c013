"""What the runner moves along the log: it keeps its own place and takes records from there on."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from verbund.events import Recorded
from verbund.projection.positions import START, Mark

log = structlog.get_logger()

# Back-off of a follower that fails as a whole: doubled from the first to the last.
FIRST_PAUSE_S = 0.2
LAST_PAUSE_S = 30.0


@dataclass(slots=True, kw_only=True)
class Follower(ABC):
    """One that follows the log, with the marks it believes are stored. Those that stand at one place share each record.

    Attributes:
        failures: how often in a row it failed as a whole.
        resume_at: monotonic time before which it is left alone.
        applied: events since the process began.
        parked: events parked since the process began.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    failures: int = 0
    resume_at: float = 0.0
    applied: int = 0
    parked: int = 0

    @property
    @abstractmethod
    def name(self) -> str:
        """Of the view."""

    @property
    @abstractmethod
    def topics(self) -> tuple[str, ...]:
        """First words of the topics it wants."""

    @property
    @abstractmethod
    def decodes(self) -> frozenset[str]:
        """Event types whose newest body it is sure to ask for, so that it can be decoded ahead."""

    @property
    def unrested(self) -> bool:
        """Whether it took records that only `rest` makes last."""
        return False

    @abstractmethod
    def load(self) -> None:
        """Believe what is stored.

        Raises:
            ViewUnavailableError: what is stored is of another version.
        """

    @abstractmethod
    def take(self, records: Sequence[Recorded]) -> int:
        """Take in the records it has not seen yet; how many were new.

        Raises:
            BaseMovedError: another process moved the view; nothing was written.
            Exception: it failed as a whole; nothing was written.
        """

    def rest(self) -> None:  # noqa: B027 - who makes everything last at once has nothing to do here
        """The log has nothing more for now: make what was taken last."""

    def reads(self, topic: str) -> bool:
        """Whether it wants a topic."""
        return topic.partition(".")[0] in self.topics

    def position(self, topic: str) -> int:
        """Next position to read."""
        return self.marks.get(topic, START).next_position

    def new(self, records: Sequence[Recorded]) -> list[Recorded]:
        """Those of the records that it wants and has not seen yet."""
        topics = {record.topic for record in records}
        places = {topic: self.position(topic) for topic in topics if self.reads(topic)}
        if len(places) == len(topics):
            return [record for record in records if record.position >= places[record.topic]]
        return [record for record in records if record.position >= places.get(record.topic, record.position + 1)]

    def ready(self) -> bool:
        """Whether it may be tried now."""
        return time.monotonic() >= self.resume_at

    def fail(self, error: Exception) -> None:
        """Leave it alone for a while, the longer the oftener it failed."""
        pause = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2**self.failures)
        self.failures += 1
        self.resume_at = time.monotonic() + pause
        log.warning(
            "projection_failed", projection=self.name, error=type(error).__name__, attempt=self.failures, pause_s=pause
        )


@dataclass(slots=True)
class Group:
    """Followers that stand at the same place, so that one read and one decode serve them all.

    Attributes:
        place: next position by topic.
        ceiling: positions not to go beyond: where the followers stand that are ahead, so that all meet there.
    """

    followers: list[Follower]
    place: dict[str, int]
    ceiling: Mapping[str, int] = field(default_factory=dict)

    def fits(self, place: Mapping[str, int]) -> bool:
        """Whether a follower stands where this group stands, in all topics they share."""
        return all(self.place.get(topic, position) == position for topic, position in place.items())


def group(followers: Sequence[Follower], topics: Sequence[str]) -> list[Group]:
    """Followers by where they stand."""
    groups: list[Group] = []
    for follower in followers:
        place = {topic: follower.position(topic) for topic in topics if follower.reads(topic)}
        for known in groups:
            if known.fits(place):
                known.followers.append(follower)
                known.place.update(place)
                break
        else:
            groups.append(Group([follower], place))
    for one in groups:
        ahead: dict[str, int] = {}
        for other in groups:
            for topic, position in other.place.items():
                if position > one.place.get(topic, position):
                    ahead[topic] = min(position, ahead.get(topic, position))
        one.ceiling = ahead
    return groups
