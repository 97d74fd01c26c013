"""From the edited feed to the tables and the index, over a real broker, while everything is killed: all readers agree.

What is asked at the end is what a stranger would ask: is what was acknowledged there, once by revision; is the fold of
the log the feed; is each view, on both databases, and the index what a fresh replay makes; was anything counted twice.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.faults.hub import DISTRICT, Fold, Hub, check
from tests.faults.ingest_child import LOG_AWAY, open_any
from tests.faults.processes import ended, kill, seeded
from tests.faults.projecting_child import HORIZON, open_database, serve, views
from tests.faults.readings import by_type, check_index, check_tripwire, check_views
from verbund.event_log import EventLog
from verbund.projection.digest import differences
from verbund.projection.runner import Runner
from verbund.sqlite import connect
from verbund.testing.feed_server import FeedServer
from verbund.views.search import SearchProjection, SearchWriter


class Chain(Hub):
    """A hub with two readers of its log: PostgreSQL, and SQLite with the search index."""

    def __init__(self, folder: Path, server: FeedServer, *, log_url: str, postgres_url: str) -> None:
        super().__init__(folder, server, log_url=log_url)
        self.search = folder / "search"
        self.databases = {"postgres": postgres_url, "sqlite": str(folder / "views.db")}
        self.readers: dict[str, Any] = {}

    def read(self, name: str) -> None:
        """Start a reader that is not running."""
        reader = self.readers.get(name)
        if reader is not None and reader.is_alive():
            return
        search = str(self.search) if name == "sqlite" else ""
        self.readers[name] = self.start(serve, self.log_url, database=self.databases[name], search=search, batch=40)

    def kill_readers(self, names: list[str]) -> int:
        """How many were at work."""
        return sum(kill(self.readers.pop(name)) for name in names if name in self.readers)

    def heal(self) -> None:
        """One run and one catch-up that nobody disturbs."""
        self.kill_readers(list(self.readers))
        self.whole_run()


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.parametrize(
    ("rounds", "outages"), [(12, 2), pytest.param(70, 12, marks=[pytest.mark.faults, pytest.mark.timeout(900)])]
)
def test_all_readers_agree_though_ingest_readers_and_broker_are_killed(
    rounds: int, outages: int, kafka_cluster_factory: Callable[..., Any], postgres_url: str, tmp_path: Path
) -> None:
    chance = seeded(20261126)
    cluster = kafka_cluster_factory()
    url = f"kafka://{cluster.bootstrap}/chain"
    with ExitStack() as open_:
        server = open_.enter_context(FeedServer())
        chain = open_.enter_context(Chain(tmp_path, server, log_url=url, postgres_url=postgres_url))
        log = open_any(url)
        open_.callback(log.close)
        engines = {name: open_database(database) for name, database in chain.databases.items()}
        for engine in engines.values():
            open_.callback(engine.dispose)
            Runner(views(), log=log, engine=engine).start()
        chain.edit(chance)
        chain.whole_run()
        outage_rounds = set(chance.sample(range(rounds), outages))
        before: dict[tuple[str, int], str] = {}
        killed = 0
        for number in range(rounds):
            killed += one_round(chain, chance, cluster if number in outage_rounds else None)
            if number % 6 == 5:
                chain.heal()
                before = unchanged(before, check(chain, log, repeats=True))
        chain.heal()
        folded = check(chain, log, repeats=True)
        unchanged(before, folded)
        agree(chain, log, engines, folded)
        assert killed >= rounds


def one_round(chain: Chain, chance: random.Random, cluster: Any | None) -> int:
    """The feed is edited, a run begins, readers come and go, and so may the broker; how many were killed at work."""
    for name in chain.databases:
        chain.read(name)
    chain.edit(chance)
    run = chain.ingest()
    run.join(chance.uniform(0, chain.run_s))
    if cluster is None:
        killed = kill(run)
    else:
        cluster.kill()
        killed = chance.random() < 0.5 and kill(run)
        cluster.restart()
        # It waited for the broker, or gave up and leaves the rest to the next run.
        assert killed or ended(run) in {0, LOG_AWAY}
    return killed + chain.kill_readers([name for name in chain.databases if chance.random() < 0.5])


def unchanged(before: dict[tuple[str, int], str], folded: Fold) -> dict[tuple[str, int], str]:
    """What stood at a position stands there still (O3)."""
    assert before.items() <= folded.ids.items()
    return dict(folded.ids)


def agree(chain: Chain, log: EventLog, engines: dict[str, Engine], folded: Fold) -> None:
    """Tables on both databases, index, ingest's memory and the fold say the same."""
    for engine in engines.values():
        Runner(views(), log=log, engine=engine).catch_up()
        assert check_tripwire(engine) == log.end()
        assert by_type(engine) == folded.counts
        check_views(views(), log, engine)
    with engines["sqlite"].connect() as here, engines["postgres"].connect() as there:
        for view in views():
            assert differences(view, here, there) == [], f"view {view.name}"
    writer = SearchWriter(chain.search, horizon=HORIZON)
    try:
        SearchProjection(log, writer).catch_up()
    finally:
        writer.close()
    assert check_index(chain.search, log) == log.end([f"inventory.{DISTRICT}"])
    assert dict(remembered(chain.folder / "ingest.db")) == {
        subject: revision for subject, revision in folded.revisions.items() if revision
    }


def remembered(memory: Path) -> Iterator[tuple[str, int]]:
    """Revisions in ingest's own memory, by subject."""
    database = connect(memory, full=False)
    try:
        yield from database.execute("SELECT offer_id, revision FROM offer")
        yield from database.execute("SELECT id, revision FROM related")
    finally:
        database.close()
