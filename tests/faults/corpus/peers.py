"""Four ways in which known systems take absence for deletion, each by its published rule.

Re-implemented from documentation and source code (see the names), not run. Assumptions, each in favour of the system:

- All see the same answers and read them with `naive`; a read that fails as a whole removes nothing with any of them.
- What is read is taken at once, also when removal is refused, and what was removed comes back when it is read again.
- DataHub (stateful ingestion): any reported failure, no removal; a run without any entity fails; when more than 75 %
  of the last state would vanish, it fails; the last state is carried forward in all these cases. Items that fail
  alone are warnings, which do not trip the interlock.
- Backstage (incremental ingestion): `rejectEmptySourceCollections` on and `rejectRemovalsAbovePercentage` at the 5 of
  its documentation (both are off by default). A refused removal is looked at again by the next run against all that
  is held; an entry that cannot be read fails the burst, and with it the run.
- Integreat (iCal import): whatever a 200 answer does not have is deleted; entries without what they need are skipped.
  Several lists of one source count as one calendar: a failure in one stops the deletion in all.
- udata (harvest): archived when not seen for more than 7 days at the end of a run that got through; items that
  failed count as seen.
- Nobody answers their alarms: none of them has a way to say "this set, once".
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from tests.faults.corpus.naive import Reading, read
from tests.faults.corpus.story import Step


class Peer:
    """A system that holds ids.

    Attributes:
        grace: how long it waits by its own rule before it removes; nobody is measured before that is over.
        live: ids it shows.
    """

    name: ClassVar[str]
    grace: ClassVar[timedelta] = timedelta(0)

    def __init__(self) -> None:
        self.live: set[str] = set()

    def take(self, step: Step) -> None:
        """One pull."""
        reading = read(step)
        gone = set() if reading.failure else self._removes(reading, step.at)
        self.live = (self.live | reading.ids) - gone

    def _removes(self, reading: Reading, at: datetime) -> set[str]:
        raise NotImplementedError


class DataHub(Peer):
    """`StaleEntityRemovalHandler`, fail-safe threshold 75 %."""

    name = "DataHub"

    def _removes(self, reading: Reading, at: datetime) -> set[str]:
        gone = self.live - reading.ids
        if not reading.ids or len(gone) > 0.75 * len(self.live):
            return set()
        return gone


class Backstage(Peer):
    """`IncrementalIngestionEngine`, mark and sweep with both guards on."""

    name = "Backstage"

    def _removes(self, reading: Reading, at: datetime) -> set[str]:
        gone = self.live - reading.ids
        if reading.unkeyed or reading.broken or not reading.ids or len(gone) > 0.05 * len(self.live):
            return set()
        return gone


class IntegreatImport(Peer):
    """`import_events`, after each answer."""

    name = "Integreat"

    def _removes(self, reading: Reading, at: datetime) -> set[str]:
        return self.live - reading.ids


class Udata(Peer):
    """`autoarchive` with its seven days."""

    name = "udata"
    grace = timedelta(days=7)

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, datetime] = {}

    def _removes(self, reading: Reading, at: datetime) -> set[str]:
        self._seen |= dict.fromkeys(reading.ids | (reading.broken & self.live), at)
        return {ident for ident in self.live - reading.ids if self._seen[ident] < at - self.grace}

    def take(self, step: Step) -> None:
        super().take(step)
        for ident in self.live:
            self._seen.setdefault(ident, step.at)


PEERS: tuple[type[Peer], ...] = (DataHub, Backstage, IntegreatImport, Udata)
