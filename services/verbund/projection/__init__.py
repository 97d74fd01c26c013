"""Projections: events in, rows out; position and rows commit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import Connection, MetaData

from verbund.events import Recorded


class Projection(Protocol):
    """One read model in SQL tables.

    Promise: what `apply` leaves is a function of the latest event of each key (revision decides for offers,
    organisations and contacts; the position for the others), never of how keys, topics or batches were mixed, and never
    of a clock. The same batch twice changes nothing. `apply` never commits.

    Attributes:
        name: of the view, and of its position rows.
        version: raised when the tables or their meaning change; the runner resets and reads from the start.
        handles: event types that it wants; the runner keeps all others away, unread.
        topics: first words of the topics it wants, for example `inventory`.
        metadata: its tables.
    """

    name: str
    version: int
    handles: frozenset[str]
    topics: tuple[str, ...]
    metadata: MetaData

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """Bring the tables up to the batch; writes only through `tx`.

        Raises:
            UnreadableEventError: of one event of the batch; the runner bisects and parks its key.
        """
        ...

    def reset(self, tx: Connection) -> None:
        """Empty the tables."""
        ...
