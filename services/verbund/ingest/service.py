"""Ingest as the command and the scheduler use it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from verbund.collecting import quiet_collector
from verbund.errors import BaseMovedError, UnknownNameError
from verbund.ingest.answers import RecordedAnswers, RecordingAnswers, SourceAnswers, from_archive
from verbund.ingest.cache import SourceCache
from verbund.ingest.desk import Desk, refusals_of
from verbund.ingest.inventory import Inventory
from verbund.ingest.limits import Limits, RunOverTime, over_time
from verbund.ingest.lock import source_lock
from verbund.ingest.moment import instant_text
from verbund.ingest.pull import Progress
from verbund.ingest.report import Plan, RunReport
from verbund.ingest.rooms import Rooms, opened
from verbund.ingest.run import Run
from verbund.ingest.saved_plan import SavedPlan, decision_digest
from verbund.ingest.source_file import SourceFile
from verbund.ingest.undo import preview
from verbund.offer import reject_id
from verbund_connectors.kit import Request


def _silent(_stage: str, _done: int, _total: int | None) -> None:
    return


class Ingest:
    """Plans and runs of sources; everything it keeps lies in `ingest.db` and can be made again from the log and a pull."""

    def __init__(self, rooms: Rooms, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rooms = rooms
        self._monotonic = monotonic

    def plan(self, source: SourceFile, *, progress: Progress = _silent) -> Plan:
        """What `apply` would do; nothing is appended, what the source is known to have sent is left as it is."""
        with self._aside(source, f"plan of {source.source}", progress) as run:
            run.cache.copy(source.source)
            cursors = run.cursors()
            answers = RecordingAnswers(SourceAnswers(self._rooms.fetch, source.path.parent))
            run.prepare(answers=answers, cursors=cursors)
            return run.planned(answers=answers.said, cursors=cursors)

    def replay(self, source: SourceFile, *, since: datetime, progress: Progress = _silent) -> Plan:
        """What mapping everything that the source sent since then with this file would change; nothing is appended.

        Raises:
            RawGoneError: an answer of that time is not kept any more.
        """
        kept = self._answers_since(source.source, since)
        with self._aside(source, f"replay of {source.source}", progress) as run:
            answers = ((request, from_archive(self._rooms.archive, digest, said)) for request, digest, said in kept)
            run.read_again(answers)
            return run.planned()

    def _answers_since(self, source: str, since: datetime) -> list[tuple[Request, str, dict[str, Any]]]:
        with opened(self._rooms) as db:
            return SourceCache(db, source).answers(since=instant_text(since))

    @contextmanager
    def _aside(self, source: SourceFile, name: str, progress: Progress) -> Iterator[Run]:
        """A run on a cache of its own, which is thrown away."""
        with quiet_collector(), source_lock(self._locks, source.source), opened(self._rooms) as db:
            run = Run(self._rooms, source, db, cache_name=name, progress=progress)
            try:
                run.cache.clear()  # what a killed one left
                run.cache = SourceCache(db, name)
                yield run
            finally:
                run.cache.clear()

    def apply_plan(self, plan: SavedPlan, source: SourceFile, *, progress: Progress = _silent) -> RunReport:
        """Carry out exactly what a saved plan said, from the same raw payloads, with time as of the plan.

        Raises:
            BaseMovedError: it cannot be exactly that any more; nothing was appended.
            RawGoneError: the payloads are not kept any more.
        """
        with quiet_collector(), source_lock(self._locks, source.source), opened(self._rooms) as db:
            run = Run(self._rooms, source, db, cache_name=source.source, progress=progress, moment=plan.moment)
            self._refuse_other_district(db, source)
            run.inventory.catch_up()
            plan.refuse_moved(source, run.inventory)
            pull = run.prepare(answers=RecordedAnswers(plan.answers, self._rooms.archive), cursors=plan.cursors)
            if decision_digest(db) != plan.digest:
                raise BaseMovedError(
                    "the plan for {source} would come out otherwise today, although its base is the same. Plan again.",
                    source=source.source,
                )
            return run.carry_out(pull)

    def apply(
        self, source: SourceFile, *, progress: Progress = _silent, stop: threading.Event | None = None
    ) -> RunReport:
        """One run; applying by hand registers the source. One that is over its time ends as failed.

        Raises:
            LockedError: another run of it is under way.
            RunAborted: `stop` was set meanwhile.
            AppendFailedError, LogUnavailableError: the run ended half-way; the next one heals.
        """
        limits = Limits(progress, timeout=source.timeout, stop=stop, monotonic=self._monotonic)
        with quiet_collector(), source_lock(self._locks, source.source):
            try:
                with opened(self._rooms) as db:
                    run = Run(self._rooms, source, db, cache_name=source.source, progress=limits)
                    self._refuse_other_district(db, source)
                    run.carry_out_decisions()
                    return run.carry_out(run.prepare())
            except RunOverTime:
                with opened(self._rooms) as db:  # what the run had put aside so far does not count
                    late = Run(self._rooms, source, db, cache_name=source.source, progress=progress)
                    late.run_id, late.moment = run.run_id, run.moment
                    return late.carry_out(over_time(source.timeout))

    def remove(self, source: SourceFile, *, progress: Progress = _silent) -> RunReport:
        """Withdraw everything of the source, then take it out of the register."""
        with quiet_collector(), source_lock(self._locks, source.source), opened(self._rooms) as db:
            run = Run(self._rooms, source, db, cache_name=source.source, progress=progress)
            report = run.carry_out_removal()
            run.cache.clear()
            return report

    def change(self, source: SourceFile, change: str) -> None:
        """Append that the source was `paused` or `resumed`."""
        with opened(self._rooms) as db:
            run = Run(self._rooms, source, db, cache_name=source.source, progress=_silent)
            run.announce(change)

    def carry_out_decisions(self, source: SourceFile) -> list[dict[str, Any]]:
        """Carry out what people decided about offers and runs of the source, now and without fetching anything.

        Returns `asked, type, run_id, events` of each decision that waited, in order.

        Raises:
            LockedError: a run of it is under way; its next one carries them out.
        """
        with source_lock(self._locks, source.source), opened(self._rooms) as db:
            run = Run(self._rooms, source, db, cache_name=source.source, progress=_silent)
            return run.carry_out_decisions()

    def look_after(self, source: SourceFile) -> int:
        """What needs no pull: carry out what people decided, withdraw what is over by its dates; how many were over.

        Raises:
            LockedError: a run of it is under way, which does the same.
        """
        self.carry_out_decisions(source)
        with source_lock(self._locks, source.source), opened(self._rooms) as db:
            return Run(self._rooms, source, db, cache_name=source.source, progress=_silent).expire()

    def refusals(self, source: str, *, offer_id: str | None = None, run_id: str | None = None) -> list[dict[str, Any]]:
        """Contents of a source that are not taken until lifted; only of an offer or of a run, when it is named."""
        with opened(self._rooms) as db:
            district = self._district(db, source)
            Inventory(db, self._rooms.log, district).catch_up()
            return refusals_of(db, district, source, offer_id=offer_id, run_id=run_id)

    def undo_preview(self, run_id: str) -> dict[str, Any]:
        """What taking back a run would do: `run_id, source, district, changes, later, refusals`; nothing is appended.

        Raises:
            UnknownNameError: there is no such run.
        """
        with opened(self._rooms) as db:
            for (district,) in db.execute("SELECT DISTINCT district FROM source").fetchall():
                Inventory(db, self._rooms.log, district).catch_up()
            row = db.execute(
                "SELECT source FROM run WHERE run_id = :run UNION SELECT source FROM asked WHERE run_id = :run",
                {"run": run_id},
            ).fetchone()
            if row is None:
                raise UnknownNameError("There is no run {run_id}; `verbund run list` shows the latest.", run_id=run_id)
            source, district = row[0], self._district(db, row[0])
            cache = SourceCache(db, source)
            rooms, year = self._rooms, self._rooms.clock().year
            desk = Desk(db, rooms.log, rooms.keys, cache, district=district, source=source, year=year)
            return {**preview(desk, run_id), "refusals": refusals_of(db, district, source, run_id=run_id)}

    def decision(self, run_id: str) -> dict[str, Any] | None:
        """The decision that was carried out under a run id: `run_id, source, type, at` and what was said."""
        with opened(self._rooms) as db:
            row = db.execute("SELECT type, at, document FROM asked WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            return None
        said = orjson.loads(row[2])
        undone = {"undone": said["run_id"]} if row[0] == "RunUndoAsked" else {}
        return {**said, **undone, "run_id": run_id, "decision": row[0], "at": row[1]}

    def undone(self, run_id: str) -> list[dict[str, Any]]:
        """What is refused since a run was taken back; see `refusals`."""
        with opened(self._rooms) as db:
            rows = db.execute(
                "SELECT DISTINCT s.source, s.district, a.run_id FROM asked a JOIN source s ON s.source = a.source"
                " WHERE a.type = 'RunUndoAsked' AND json_extract(CAST(a.document AS TEXT), '$.run_id') = ?",
                (run_id,),
            ).fetchall()
            return [one for source, district, run in rows for one in refusals_of(db, district, source, run_id=run)]

    def sources(self, district: str) -> list[dict[str, Any]]:
        """Facts of the registered sources of a district."""
        with opened(self._rooms) as db:
            Inventory(db, self._rooms.log, district).catch_up()
            rows = db.execute(
                "SELECT document, state FROM source WHERE district = ? AND state <> 'removed' ORDER BY source",
                (district,),
            ).fetchall()
            return [{**orjson.loads(document), "state": state} for document, state in rows]

    def why(self, source: str, record_key: str) -> dict[str, Any]:
        """What became of a record: `outcome, because, run_id, offer_id, district`; `unknown` when it was never delivered."""
        with opened(self._rooms) as db:
            district = self._district(db, source)
            Inventory(db, self._rooms.log, district).catch_up()
            SourceCache(db, source)
            return {
                "source": source,
                "record_key": record_key,
                "district": district,
                **_why(db, district, source, record_key),
                "refusals": refusals_of(db, district, source, record_key=record_key),
            }

    @staticmethod
    def _district(db: Any, source: str) -> str:
        row = db.execute("SELECT district FROM source WHERE source = ?", (source,)).fetchone()
        if row is None:
            raise UnknownNameError("there is no source {source}; `verbund source list` shows all", source=source)
        return str(row[0])

    @property
    def _locks(self) -> Path:
        return self._rooms.memory.parent / "locks"

    @staticmethod
    def _refuse_other_district(db: Any, source: SourceFile) -> None:
        row = db.execute(
            "SELECT district FROM source WHERE source = ? AND state <> 'removed'", (source.source,)
        ).fetchone()
        if row is not None and row[0] != source.district:
            raise BaseMovedError(
                "{source} is registered for district {district}; give the other source a name of its own",
                source=source.source,
                district=row[0],
            )


def _why(db: Any, district: str, source: str, key: str) -> dict[str, Any]:
    offer = db.execute(
        "SELECT offer_id, state, withdrawn_reason, missed_since, revision FROM offer WHERE source = ? AND record_key = ?",
        (source, key),
    ).fetchone()
    record = db.execute(
        "SELECT r.outcome, r.because, r.run_id FROM record r JOIN feed f ON f.feed = r.feed WHERE f.name = ? AND r.key = ?",
        (source, key),
    ).fetchone()
    rejected = db.execute(
        "SELECT rule, place, value, raw_digest, run_id FROM reject WHERE reject_id = ?",
        (reject_id(district, source, key),),
    ).fetchone()
    answer: dict[str, Any] = {
        "outcome": "unknown",
        "because": "no pull has delivered it",
        "run_id": None,
        "offer_id": None,
    }
    if offer is not None:
        answer.update(offer_id=offer[0], revision=offer[4], outcome={"live": "unchanged"}.get(offer[1], offer[1]))
        answer["because"] = {"withdrawn": offer[2], "missed": f"missed since {offer[3]}"}.get(
            offer[1], "delivered as published"
        )
    if record is not None and record[0] is not None and rejected is None:
        answer.update(outcome=record[0], because=record[1] or answer["because"], run_id=record[2])
    if rejected is not None:
        rule, place, value, raw, run_id = rejected
        answer.update(outcome="rejected", because=f"{rule} at {place}", rule=rule, place=place, value=value)
        answer.update(raw_digest=raw, run_id=run_id)
    return answer
