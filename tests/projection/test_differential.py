"""One random past, many ways to read it: live or rebuilt, SQLite or PostgreSQL, any log, topics mixed at will."""

import random
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import create_engine, select, text

from tests.projection.histories import History
from verbund import sqlite
from verbund.codec import AvroCodec
from verbund.event_log import NO_WAIT
from verbund.event_log.kafka import KafkaEventLog
from verbund.event_log.kafka_settings import KafkaSettings
from verbund.event_log.memory import MemoryEventLog
from verbund.event_log.sqlite import SqliteEventLog
from verbund.events import Event
from verbund.projection.digest import derived_tables, differences, digest
from verbund.projection.rebuild import compare, rebuild
from verbund.projection.runner import Runner
from verbund.views import all_views
from verbund.views.tripwire import TripwireView, counted

# What differs from log to log by right: when and where an event was stored.
OF_THE_LOG = {
    "position", "number", "first_seen", "last_changed", "state_since", "changed_at", "appended_at", "rejected_at",
    "cleared_at", "ended_at", "decided_at",
}  # fmt: skip
# Of a reject, the place of its latest rejection.
PLACES = {("rejects", "body_revision")}


class Mixed:
    """A log that hands out some topics before others, and odd numbers of records; never an event out of order."""

    def __init__(self, inner, seed):
        self._inner = inner
        self._chance = random.Random(seed)

    def read(self, positions, *, limit=1000, wait=NO_WAIT):
        ends = self._inner.end(positions)
        waiting = [topic for topic, position in positions.items() if position < ends[topic]]
        chosen = self._chance.sample(waiting, self._chance.randint(1, len(waiting))) if waiting else []
        return self._inner.read(
            {topic: positions[topic] for topic in chosen} or positions,
            limit=self._chance.randint(1, min(limit, 40)),
            wait=wait,
        )

    def end(self, topics=None):
        return self._inner.end(topics)

    def topics(self):
        return self._inner.topics()

    def append(self, topic, events):
        return self._inner.append(topic, events)

    def close(self):
        self._inner.close()


def views():
    return [*all_views(), TripwireView()]


class OnePast(RuleBasedStateMachine):
    """Live views of two databases follow a growing log; now and then everything is compared."""

    postgres_url: str

    @initialize(seed=st.integers(0, 2**32), on_disk=st.booleans())
    def begin(self, seed, on_disk):
        self.open = ExitStack()
        folder = Path(self.open.enter_context(tempfile.TemporaryDirectory()))
        codec = AvroCodec()
        self.log = SqliteEventLog(folder / "log.db", codec=codec) if on_disk else MemoryEventLog(codec=codec)
        self.open.callback(self.log.close)
        self.history = History(seed)
        self.sqlite = sqlite.engine(folder / "views.db")
        self.open.callback(self.sqlite.dispose)
        self.postgres = create_engine(self.postgres_url)
        self.open.callback(self.postgres.dispose)
        with self.postgres.begin() as tx:
            tx.execute(text("DROP SCHEMA public CASCADE"))
            tx.execute(text("CREATE SCHEMA public"))
        self.grow(steps=5)

    @rule(steps=st.integers(1, 40))
    def grow(self, steps):
        for topic, event in self.history.grow(steps):
            self.log.append(topic, [event])

    @rule(seed=st.integers(0, 2**32), batch=st.integers(1, 50))
    def follow(self, seed, batch):
        for engine in (self.sqlite, self.postgres):
            Runner(views(), log=Mixed(self.log, seed), engine=engine, batch=batch).catch_up()

    @rule(seed=st.integers(0, 2**32), which=st.sampled_from([view.name for view in all_views()]))
    def one_view_runs_ahead(self, seed, which):
        chosen = [view for view in views() if view.name == which]
        Runner(chosen, log=Mixed(self.log, seed), engine=self.sqlite, batch=5).catch_up()

    @precondition(lambda self: self.log.topics())
    @rule(which=st.sampled_from([view.name for view in all_views()]))
    def rebuild_one(self, which):
        view = next(view for view in views() if view.name == which)
        rebuild(view, log=Mixed(self.log, 1), engine=self.postgres)

    def teardown(self):
        if not hasattr(self, "open"):
            return
        with self.open:
            self.follow(seed=1, batch=50)
            with self.sqlite.connect() as here, self.postgres.connect() as there:
                for view in views():
                    assert differences(view, here, there) == []
                    assert digest(view, here) == digest(view, there)
            for view in views():
                assert compare(view, log=Mixed(self.log, 2), engine=self.sqlite).differences == []
            assert sum(counted(self.sqlite).values()) == sum(self.log.end().values())


@pytest.mark.postgres
def test_live_and_rebuilt_views_are_equal_on_both_databases(postgres_url):
    OnePast.postgres_url = postgres_url
    run_state_machine_as_test(
        OnePast,
        settings=settings(
            max_examples=8,
            stateful_step_count=8,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


@pytest.mark.kafka
@pytest.mark.postgres
def test_kafka_and_sqlite_logs_give_the_same_rows(kafka_server, postgres_url, tmp_path, codec):
    kafka_settings = KafkaSettings(bootstrap=kafka_server.bootstrap, prefix=kafka_server.prefix())
    with ExitStack() as open_:
        kafka = KafkaEventLog(kafka_settings, codec=codec)
        open_.callback(kafka.close)
        on_disk = SqliteEventLog(tmp_path / "log.db", codec=codec)
        open_.callback(on_disk.close)
        postgres, local = create_engine(postgres_url), sqlite.engine(tmp_path / "views.db")
        open_.callback(postgres.dispose)
        open_.callback(local.dispose)
        history = History(11, again="inventory")
        for part in range(3):
            appended: dict[str, list[Event]] = {}
            for topic, event in history.grow(120):
                appended.setdefault(topic, []).append(event)
            for topic, events in appended.items():
                kafka.append(topic, events)
                on_disk.append(topic, events)
            Runner(views(), log=kafka, engine=postgres, batch=17 + part).catch_up()
        Runner(all_views(), log=Mixed(on_disk, 5), engine=local).catch_up()
        assert sum(counted(postgres).values()) == sum(kafka.end().values())
        for view in all_views():
            assert compare(view, log=kafka, engine=postgres).differences == []
            assert rows_apart_from_the_log(view, postgres) == rows_apart_from_the_log(view, local)


def rows_apart_from_the_log(view, engine):
    """Rows by table, without where and when their events were stored."""
    with engine.connect() as tx:
        return {
            table.name: sorted(
                repr(tuple(row))
                for row in tx.execute(select(*(c for c in table.columns if not is_of_the_log(table.name, c.name))))
            )
            for table in derived_tables(view)
        }


def is_of_the_log(table, column):
    return column in OF_THE_LOG or (table, column) in PLACES


def test_a_mixed_log_keeps_each_topic_in_order(codec):
    log = MemoryEventLog(codec=codec)
    for topic, event in History(3).grow(60):
        log.append(topic, [event])
    mixed, place, seen = Mixed(log, 4), dict.fromkeys(log.topics(), 0), []
    while place != log.end():
        for record in mixed.read(place, wait=timedelta(0)):
            assert record.position == place[record.topic]
            place[record.topic] += 1
            seen.append(record.topic)
    assert seen != sorted(seen)
