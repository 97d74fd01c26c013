"""One batch into one view: what can be applied is applied, what cannot is parked with its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import Connection

from verbund.errors import UnreadableEventError
from verbund.events import Recorded
from verbund.projection import Projection, parking
from verbund.projection.parking import Key, key_of

# A handler that fails on this many different keys at once, and on every one, is broken itself: parking the whole
# topic would only hide that.
SUSPICIOUS_KEYS = 20

# More topics than a hub has: some kinds for each district.
_MEMORY_OF_TOPICS = 4096

# Class names, since the errors come from SQLAlchemy or straight from one of two drivers.
_ENVIRONMENT = frozenset({"OperationalError", "InterfaceError", "InternalError", "PoolTimeout"})


@dataclass(slots=True)
class Settled:
    """What became of a batch.

    Attributes:
        applied: events that the view took or rightly ignored.
        held: events that were parked, in order, each with its error (None: waits behind an earlier one of its key).
    """

    applied: int = 0
    held: list[tuple[Recorded, Exception | None]] = field(default_factory=list)


def settle(view: Projection, batch: Sequence[Recorded], tx: Connection, blocked: set[Key]) -> Settled:
    """Apply a batch, and park what fails after halving down to it; order within a key is kept.

    `blocked` are the keys that have parked events; those that fail here are added.

    Raises:
        Exception: of the environment (the database, not the data), or of a handler that fails on everything.
    """
    settled = Settled()
    problems = [problem_of(record) for record in batch]
    if blocked or any(problems):
        batch = _hold_back(list(zip(batch, problems, strict=True)), blocked, settled)
    if batch:
        _apply(view, batch, tx, blocked, settled)
    parking.park(tx, view.name, settled.held)
    return settled


def problem_of(record: Recorded) -> UnreadableEventError | None:
    """Why an event must not reach any view: its envelope is broken, or a district speaks for another (law 4)."""
    if not record.type or not record.subject:
        return UnreadableEventError(
            "Event {position} of {topic} has no type or no subject; something else than Verbund wrote it.",
            topic=record.topic,
            position=record.position,
        )
    if not record.source.startswith(_sources_of(record.topic)):
        return UnreadableEventError(
            "Event {position} of {topic} says that it comes from {source}; that topic is for district {district} only.",
            topic=record.topic,
            position=record.position,
            source=record.source[:80],
            district=record.topic.partition(".")[2],
        )
    return None


@lru_cache(maxsize=_MEMORY_OF_TOPICS)
def _sources_of(topic: str) -> str:
    """How the sources begin that may speak in a topic: any in one that is no district's."""
    district = topic.partition(".")[2]
    return f"{district}/" if district else ""


def is_environment(error: BaseException) -> bool:
    """Whether the database is at fault, so that the same batch may work later."""
    return any(kind.__name__ in _ENVIRONMENT for kind in type(error).__mro__)


def _hold_back(
    batch: Sequence[tuple[Recorded, UnreadableEventError | None]], blocked: set[Key], settled: Settled
) -> list[Recorded]:
    going: list[Recorded] = []
    for record, problem in batch:
        key = key_of(record)
        if key in blocked:
            settled.held.append((record, None))
        elif problem is not None:
            blocked.add(key)
            settled.held.append((record, problem))
        else:
            going.append(record)
    return going


def _apply(view: Projection, batch: Sequence[Recorded], tx: Connection, blocked: set[Key], settled: Settled) -> None:
    before = len(settled.held)
    try:
        _in_savepoint(lambda: view.apply(batch, tx), tx)
    except Exception as error:
        if is_environment(error):
            raise
        if len(batch) == 1:
            _park(batch[0], error, blocked, settled)
            return
    else:
        settled.applied += len(batch)
        return
    _halve(view, batch, tx, blocked, settled)
    failed = settled.held[before:]
    keys = {key_of(record) for record in batch}
    culprits = [error for _, error in failed if error is not None]
    if len(culprits) == len(keys) >= SUSPICIOUS_KEYS and not any(
        isinstance(error, UnreadableEventError) for error in culprits
    ):
        raise culprits[0]


def _halve(view: Projection, batch: Sequence[Recorded], tx: Connection, blocked: set[Key], settled: Settled) -> None:
    middle = len(batch) // 2
    for half in (batch[:middle], batch[middle:]):
        going = _hold_back([(record, None) for record in half], blocked, settled)
        if going:
            _apply(view, going, tx, blocked, settled)


def _park(record: Recorded, error: Exception, blocked: set[Key], settled: Settled) -> None:
    blocked.add(key_of(record))
    settled.held.append((record, error))


def _in_savepoint(work: Callable[[], None], tx: Connection) -> None:
    with tx.begin_nested():
        work()
