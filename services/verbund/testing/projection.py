"""What every projection promises, as tests: subclass `ProjectionContract`, hand in a view and a past."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from verbund import sqlite
from verbund.codec import AvroCodec
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Event, Recorded
from verbund.projection import Projection
from verbund.projection.digest import ViewDigest, derived_tables, digest
from verbund.projection.rebuild import compare, rebuild
from verbund.projection.runner import Runner
from verbund.projection.tables import prepare

#: Events by topic, each topic in its order.
Past = dict[str, list[Event]]


class ProjectionContract:
    """Override `view` and `past`; override `database` to run on another engine than SQLite.

    The past must leave at least one row, and hold what the view is about: first and later events, stale and repeated
    ones, several districts.
    """

    @pytest.fixture
    def view(self) -> Projection:
        """The view under test."""
        raise NotImplementedError

    @pytest.fixture
    def past(self) -> Past:
        """Events that matter to it."""
        raise NotImplementedError

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Engine]:
        """An empty database."""
        engine = sqlite.engine(tmp_path / "views.db")
        yield engine
        engine.dispose()

    @pytest.fixture
    def records(self, past: Past, view: Projection) -> list[Recorded]:
        """The past as the view gets it, topic by topic."""
        log = _log(past)
        records = log.read(dict.fromkeys(past, 0), limit=1_000_000)
        return [record for record in records if record.type in view.handles]

    def test_a_batch_applied_twice_is_applied_once(
        self, view: Projection, records: list[Recorded], database: Engine
    ) -> None:
        once = _applied(view, [records], database)
        twice = _applied(view, [records, records], database)
        assert once.rows > 0
        assert twice == once

    def test_part_of_a_batch_applied_again_changes_nothing(
        self, view: Projection, records: list[Recorded], database: Engine
    ) -> None:
        once = _applied(view, [records], database)
        half = len(records) // 2
        assert _applied(view, [records[:half], records, records[half:]], database) == once

    def test_batches_of_any_size_leave_the_same_rows(
        self, view: Projection, records: list[Recorded], database: Engine
    ) -> None:
        once = _applied(view, [records], database)
        one_by_one = _applied(view, [[record] for record in records], database)
        assert one_by_one == once

    def test_topics_may_be_mixed_in_any_way(self, view: Projection, records: list[Recorded], database: Engine) -> None:
        once = _applied(view, [records], database)
        for seed in range(5):
            assert _applied(view, _mixed(records, random.Random(seed)), database) == once

    def test_apply_never_commits(self, view: Projection, records: list[Recorded], database: Engine) -> None:
        prepare(database, [view])
        with database.connect() as tx:
            transaction = tx.begin()
            view.apply(records, tx)
            transaction.rollback()
        with database.connect() as tx:
            assert digest(view, tx).rows == 0

    def test_reset_empties_the_tables(self, view: Projection, records: list[Recorded], database: Engine) -> None:
        _applied(view, [records], database)
        with database.begin() as tx:
            view.reset(tx)
            assert all(tx.execute(select(table)).first() is None for table in derived_tables(view))

    def test_a_rebuilt_view_equals_the_live_one(self, view: Projection, past: Past, database: Engine) -> None:
        log = _log(past)
        Runner([view], log=log, engine=database, batch=3).catch_up()
        with database.connect() as tx:
            live = digest(view, tx)
        rebuild(view, log=log, engine=database)
        with database.connect() as tx:
            assert digest(view, tx) == live
        assert compare(view, log=log, engine=database).differences == []

    def test_events_of_unknown_types_are_skipped(self, view: Projection, past: Past, database: Engine) -> None:
        log = _log(past)
        Runner([view], log=log, engine=database).catch_up()
        with database.connect() as tx:
            before = digest(view, tx)
        for topic in past:
            _append_unknown(log, topic)
        runner = Runner([view], log=log, engine=database)
        assert runner.catch_up().parked == {view.name: 0}
        assert runner.lag() == {view.name: 0}
        with database.connect() as tx:
            assert digest(view, tx) == before


def _log(past: Past) -> MemoryEventLog:
    log = MemoryEventLog(codec=AvroCodec())
    for topic, events in past.items():
        log.append(topic, events)
    return log


def _append_unknown(log: MemoryEventLog, topic: str) -> None:
    """As a newer program would: a type that this one has no schema for."""
    position = log.append_garbage(topic, b"from a newer program")
    (record,) = log.read({topic: position}, limit=1)
    record.id, record.type, record.subject = f"unknown-{topic}-{position}", "OfferTeleported", "some-subject"
    record.source = f"{topic.partition('.')[2]}/any"


def _applied(view: Projection, batches: Sequence[Sequence[Recorded]], database: Engine) -> ViewDigest:
    prepare(database, [view])
    with database.begin() as tx:
        view.reset(tx)
        for batch in batches:
            _apply(view, batch, tx)
        return digest(view, tx)


def _apply(view: Projection, batch: Sequence[Recorded], tx: Connection) -> None:
    if batch:
        view.apply(batch, tx)


def _mixed(records: Sequence[Recorded], chance: random.Random) -> list[list[Recorded]]:
    """Batches of random size in which each topic keeps its order and nothing else does."""
    queues: dict[str, list[Recorded]] = {}
    for record in records:
        queues.setdefault(record.topic, []).append(record)
    waiting = [topic for topic, queue in queues.items() for _ in queue]
    chance.shuffle(waiting)
    batches: list[list[Recorded]] = [[]]
    for topic in waiting:
        if chance.random() < 0.2:  # about five records a batch
            batches.append([])
        batches[-1].append(queues[topic].pop(0))
    return batches
