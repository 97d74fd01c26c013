"""A run, step by step: fetch, read, map, decide, append, read back, report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import structlog

from verbund.errors import UnknownNameError
from verbund.fetch import Fetched
from verbund.ingest import holds, report
from verbund.ingest.answers import Answers, RecordedAnswers, SourceAnswers
from verbund.ingest.cache import SourceCache
from verbund.ingest.decide import decide, decide_expired, decide_removal, suspend_twins
from verbund.ingest.deciding import carry_out
from verbund.ingest.desk import Desk, mark_refused, set_overrides
from verbund.ingest.guards import Case, Facts, find_in_parts, judge
from verbund.ingest.inventory import Inventory, immediate
from verbund.ingest.jail import Cell, ParserLostError
from verbund.ingest.judging import Known, is_long_ago, known_of, last_proof, withheld_parts
from verbund.ingest.ledger import write_ledger
from verbund.ingest.mapping import MappingTask
from verbund.ingest.moment import Moment, instant_text
from verbund.ingest.planning import planned
from verbund.ingest.publish import BaseMoved, Publisher
from verbund.ingest.pull import Progress, Pull, PullResult
from verbund.ingest.rejects import publish_rejects
from verbund.ingest.repeating import Repeating
from verbund.ingest.rooms import Rooms
from verbund.ingest.source_file import SourceFile
from verbund.ingest.staging import stage
from verbund.offer import reject_id
from verbund_connectors.kit import PartEnd, Request, SourceContext

log = structlog.get_logger()

# Whoever is overtaken this often by other runs of the same source lets them finish.
DECISIONS = 5

NO_CURSORS: Mapping[str, Any] = MappingProxyType({})


class Run:
    """One run of one source on ingest's own memory."""

    def __init__(
        self,
        rooms: Rooms,
        source: SourceFile,
        db: Any,
        *,
        cache_name: str,
        progress: Progress,
        moment: Moment | None = None,
    ) -> None:
        self.run_id = str(uuid4())
        self.moment = moment or Moment(rooms.clock())
        self.inventory = Inventory(db, rooms.log, source.district)
        self.cache = SourceCache(db, cache_name)
        self._rooms = rooms
        self._source = source
        self._db = db
        self._progress = Repeating(progress)
        self._known = Known()
        self._case = Case(db, rooms.log, self.cache.feed, source, PullResult(), self._known, {})
        self._found: dict[str, Facts] = {}
        self._context = SourceContext(
            source=source.source, district=source.district, contacts=source.contacts, hub_urls=rooms.hub_urls
        )

    # --- up to the decision --------------------------------------------------------------------------------------

    def prepare(self, *, answers: Answers | None = None, cursors: Mapping[str, Any] | None = None) -> PullResult:
        """Fetch, read, map and decide; nothing of it is in the log yet.

        Args:
            answers: instead of the source's own.
            cursors: where to go on instead of where the last run ended.
        """
        self._rooms.jail.warm()
        self.inventory.catch_up()
        self.cache.demand_mapping(self._source.mapping_version)
        answers = answers or SourceAnswers(self._rooms.fetch, self._source.path.parent)
        cursors = self.cursors() if cursors is None else cursors
        with self._cell() as cell:
            pull = self._pull(answers, cell).run(cursors=cursors)
            self._map_and_decide(pull, cell)
        return pull

    def cursors(self) -> dict[str, Any]:
        """Where each part goes on; from its beginning once a week, since a feed that was made anew tells nobody."""
        return {
            part: value
            for part, value in self.cache.cursors().items()
            if not is_long_ago(last_proof(self._db, self._source, part), self.moment.at)
        }

    def read_again(self, answers: Iterable[tuple[Request, Fetched]]) -> PullResult:
        """Read, map and decide about kept answers; nothing is taken for gone."""
        self.inventory.catch_up()
        with self._cell() as cell:
            pull = self._pull(RecordedAnswers([], self._rooms.archive), cell).read_again(answers)
            self._map_and_decide(pull, cell)
        return pull

    def _cell(self) -> Cell:
        task = MappingTask(
            connector=self._source.connector_class,
            settings=self._source.settings,
            context=self._context,
            secret=self._rooms.keys.secret_of(self._source.source),
            year=self.moment.at.year,
        )
        return Cell(self._rooms.jail, task, tick=self._progress.again)

    def _pull(self, answers: Answers, cell: Cell) -> Pull:
        source = self._source
        return Pull(
            source.connector_class(source.settings, self._context),
            reader=source.mapping_version,
            cache=self.cache,
            db=self._db,
            answers=answers,
            archive=self._rooms.archive,
            read=cell.read,
            reject_id=lambda key: reject_id(source.district, source.source, key),
            at=self.moment.text,
            progress=self._progress,
        )

    def _map_and_decide(self, pull: PullResult, cell: Cell) -> None:
        self._look_at_parts(pull)
        try:
            stage(self._db, self.cache, cell, source=self._source.source, progress=self._progress)
        except ParserLostError as error:
            self._give_up(pull, error)
        suspend_twins(self._db, self.cache.feed, pull)
        self.inventory.catch_up()
        mark_refused(self._db, self.cache.feed, self._source.source)
        set_overrides(self._db, self.cache.feed, self._source.source, year=self.moment.at.year)
        self._decide(pull)

    def _give_up(self, pull: PullResult, error: ParserLostError) -> None:
        """Too many records cost their child: nothing of this pull counts, and the next run looks at it all again."""
        for part in pull.parts.values():
            part.reasons.append(error.reason)
        for table in ("seen", "delivered", "staged", "organisation", "contact", "broken"):
            self._db.execute(f"DELETE FROM scratch.{table}")

    def _look_at_parts(self, pull: PullResult) -> None:
        """Forget items that are proven gone, but for those of parts that a person is to answer for first."""
        suspend_twins(self._db, self.cache.feed, pull)
        self._known = known_of(self._db, self._source, self.moment)
        withheld = withheld_parts(self._db, self.cache.feed, self._source, pull, self._known, self.moment.at)
        self._case = Case(self._db, self._rooms.log, self.cache.feed, self._source, pull, self._known, withheld)
        self.cache.drop_gone_items([part for part in pull.proven if part not in withheld])
        with immediate(self._db):
            holds.load_sets(self._db, self._rooms.archive, self._known, complete=pull.worst == "complete")
            find_in_parts(self._case)
            losing = holds.allow_parts(self._db, self._known, complete=pull.worst == "complete")
            self.cache.drop_unseen_items(list(withheld), losing)

    def _decide(self, pull: PullResult) -> None:
        """Decide, and let the guards hold what looks like an accident."""
        complete = pull.worst == "complete"
        decide(self._db, self.cache, self._source, pull, self.moment, withheld=self._case.withheld)
        with immediate(self._db):
            holds.allow_decisions(self._db, self._known, complete=complete)
            self._found = judge(self._case)
            if holds.allow_up_to(self._db, self._known, self._found, complete=complete):
                self._found = judge(self._case)
            holds.withdraw_allowed(self._db, self.moment)

    # --- what people decided about single offers and runs ----------------------------------------------------------

    def carry_out_decisions(self) -> list[dict[str, Any]]:
        """Carry out what waits, without fetching anything; see `deciding.carry_out`."""
        self.inventory.catch_up()
        rooms, source = self._rooms, self._source
        year = self.moment.at.year
        desk = Desk(
            self._db, rooms.log, rooms.keys, self.cache, district=source.district, source=source.source, year=year
        )
        return carry_out(desk, self._publisher)

    def expire(self) -> int:
        """Withdraw what is over by its own dates, without fetching anything; how many offers."""
        self.inventory.catch_up()
        decide_expired(self._db, self.cache, self._source.source, self.moment)
        publisher = self._publisher()
        try:
            publisher.offers()
        except BaseMoved:
            log.info("base_moved", source=self._source.source, run_id=self.run_id)  # the next look goes on
        gone = self._db.execute("SELECT count(*) FROM scratch.decision WHERE done").fetchone()[0]
        publisher.withdraw_unreferred()
        return int(gone) - publisher.conflicts

    # --- from the decision to the log ----------------------------------------------------------------------------

    def carry_out(self, pull: PullResult) -> report.RunReport:
        """Append what was decided, then the report of the run."""
        publisher = self._publisher()
        self._announce(publisher)
        if publisher.rekeyed():
            set_overrides(self._db, self.cache.feed, self._source.source, year=self.moment.at.year)
            self._decide(pull)
        new_rejects = self._append(publisher, pull, again=lambda: self._decide(pull))
        document = self._finish(publisher, pull)
        if pull.worst != "failed" or pull.cursors:
            self.cache.keep_cursors(
                {part: value for part, value in pull.cursors.items() if pull.parts[part].state == "complete"}
            )
        return report.RunReport(
            document=document,
            new_rejects=new_rejects,
            failure=pull.failure,
        )

    def carry_out_removal(self) -> report.RunReport:
        """Withdraw every live offer of the source, then say that it was removed."""
        self.inventory.catch_up()
        decide_removal(self._db, self._source.source)
        publisher = self._publisher()
        pull = PullResult()
        pull.part("source").ends.append(PartEnd(part="source", proof={"removed": "by hand"}))
        self._append(publisher, pull, again=lambda: decide_removal(self._db, self._source.source))
        document = self._finish(publisher, pull)
        self.announce("removed")
        return report.RunReport(document=document)

    def announce(self, change: str) -> None:
        """Append that the source was paused, resumed or removed.

        Raises:
            UnknownNameError: it was never applied.
        """
        self.inventory.catch_up()
        known = self._db.execute("SELECT last_id FROM source WHERE source = ?", (self._source.source,)).fetchone()
        if known is None:
            raise UnknownNameError(
                "there is no source {source}; `verbund source list` shows all", source=self._source.source
            )
        publisher = self._publisher()
        publisher.append(
            f"inventory.{self._source.district}", [source_changed(publisher, self._source, change, after=known[0])]
        )

    def _publisher(self, run_id: str | None = None) -> Publisher:
        return Publisher(
            self._db,
            self._rooms.log,
            self.inventory,
            self.cache,
            self._source,
            self._rooms.keys,
            run_id=run_id or self.run_id,
            moment=self.moment,
            progress=self._progress,
        )

    def _announce(self, publisher: Publisher) -> None:
        """The log learns of a new or edited source file."""
        source = self._source
        known = self._db.execute(
            "SELECT file_digest, state, last_id FROM source WHERE source = ?", (source.source,)
        ).fetchone()
        if known is not None and known[0] == source.digest and known[1] == "active":
            return
        change = "registered" if known is None or known[1] == "removed" else "edited"
        if known is not None and known[0] == source.digest and known[1] == "paused":
            return  # pulled by hand while paused; it stays paused
        publisher.append(
            f"inventory.{source.district}", [source_changed(publisher, source, change, after=known[2] if known else "")]
        )

    def _append(self, publisher: Publisher, pull: PullResult, *, again: Callable[[], None]) -> int:
        for attempt in range(DECISIONS):
            try:
                publisher.contacts()
                publisher.organisations()
                publisher.offers()
                break
            except BaseMoved:
                log.info("base_moved", source=self._source.source, run_id=self.run_id, attempt=attempt + 1)
                again()
        else:
            publisher.conflicts += self._give_way()
        new_rejects = publish_rejects(self._db, self.cache.feed, publisher, self._source, pull, self.run_id)
        publisher.settle()
        publisher.withdraw_unreferred()
        return new_rejects

    def _give_way(self) -> int:
        """Leave what is not done to the other runs; it stays dirty, and the next run looks again."""
        left = self._db.execute(
            "SELECT count(*) FROM scratch.decision WHERE NOT done AND guard IS NULL"
            " AND action NOT IN ('unchanged', 'ignore', 'past', 'reject', 'refused')"
        ).fetchone()[0]
        return int(left)

    def _finish(self, publisher: Publisher, pull: PullResult) -> dict[str, Any]:
        source = self._source
        held = self._settle_holds(publisher, pull)
        counted = report.counts(self._db, pull, conflicts=publisher.conflicts)
        ledger = write_ledger(self._db, self._rooms.archive, run_id=self.run_id)
        parts = [part.report() for part in pull.parts.values()]
        finished = {
            "run_id": self.run_id,
            "district": source.district,
            "source": source.source,
            "started_at": self.moment.text,
            "finished_at": instant_text(self._rooms.clock()),
            "outcome": pull.outcome,
            "held": bool(held),
            "parts": parts,
            "counts": counted,
            "related": publisher.related,
            "totals": self._totals(),
            "reason": pull.failure.error_code if pull.failure else None,
            "facts": {name: str(value) for name, value in (pull.failure.facts if pull.failure else {}).items()},
            "ledger_digest": ledger,
            "mapping_version": source.mapping_version,
            "file_digest": source.digest,
        }
        event = publisher.event("RunFinished", source.source, finished, content=self.run_id)
        publisher.append(f"runs.{source.district}", [event])
        log.info(
            "feed_pulled",
            source=source.source,
            district=source.district,
            run_id=self.run_id,
            outcome=pull.outcome,
            **{name: number for name, number in counted.items() if number},
        )
        return {
            "run_id": self.run_id,
            "source": source.source,
            "district": source.district,
            "outcome": pull.outcome,
            "held": bool(held),
            "completeness": report.completeness(pull),
            "counts": counted,
            "related": report.nested(publisher.related),
            "holds": held,
            "rejects": report.rejects(self._db, source, run_id=self.run_id),
        }

    def _settle_holds(self, publisher: Publisher, pull: PullResult) -> list[dict[str, Any]]:
        """Append how holds opened, changed or ended; those that wait for a person after this run."""
        settled = holds.settle(
            self._db,
            self._rooms.archive,
            self._case,
            self._found,
            self.moment,
            run_id=self.run_id,
            complete=pull.worst == "complete",
        )
        events = [
            publisher.event(kind, subject, data, content=f"{self.run_id}\n{content}")
            for kind, subject, data, content in settled.events
        ]
        publisher.append(f"inventory.{self._source.district}", events)
        return settled.waiting

    def _totals(self) -> dict[str, int]:
        name = self._source.source
        totals = {"live": 0, "missed": 0, "withdrawn": 0}
        totals.update(
            self._db.execute("SELECT state, count(*) FROM offer WHERE source = ? GROUP BY state", (name,)).fetchall()
        )
        rejected = self._db.execute("SELECT count(*) FROM reject WHERE source = ?", (name,)).fetchone()[0]
        return {**totals, "rejected": rejected}

    def planned(
        self, *, answers: Sequence[Mapping[str, Any]] = (), cursors: Mapping[str, Any] = NO_CURSORS
    ) -> report.Plan:
        """What `carry_out` would do with what was prepared; with the answers and cursors it can be carried out later."""
        return planned(self._case, self.inventory, self._found, self.moment, answers=answers, cursors=cursors)


def source_changed(publisher: Publisher, source: SourceFile, change: str, *, after: str) -> Any:
    """The event that a source was registered, edited, paused, resumed or removed."""
    every = source.schedule.every if source.schedule else None
    data = {
        "district": source.district,
        "source": source.source,
        "change": change,
        "file_digest": source.digest,
        "title": source.title or source.source,
        "connector": source.connector,
        "licence": source.licence,
        "attribution": source.attribution,
        "scope": source.scope,
        "every_s": int(every.total_seconds()) if every else None,
        "frozen_after_s": source.guards.frozen_after_s,
    }
    return publisher.event("SourceChanged", source.source, data, content=f"{change}\n{source.digest}\n{after}")
