"""The index beside the views in tables: one read and one decode for all, its commit and its place its own."""

import threading

import pytest

from tests.views.search_kit import HORIZON, TODAY, a_log
from verbund import sqlite
from verbund.projection.runner import Runner
from verbund.testing.builders import a_published_offer
from verbund.views import all_views, search_follower
from verbund.views.offers import Offers
from verbund.views.search import SearchIndex, SearchProjection, SearchQuery, SearchWriter

TOPIC = "inventory.05954"


def courses(number, *, begin=0):
    return [a_published_offer(record_key=f"kurs-{at}") for at in range(begin, begin + number)]


@pytest.fixture(name="engine")
def _engine(tmp_path):
    made = sqlite.engine(tmp_path / "views.db")
    yield made
    made.dispose()


@pytest.fixture(name="writer")
def _writer(tmp_path):
    writer = SearchWriter(tmp_path / "search", horizon=HORIZON)
    yield writer
    writer.close()


class Stumbling(SearchWriter):
    """Cannot write as often as told."""

    failures = 0

    def stage(self, batch):
        super().stage(batch)
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")


def test_one_read_and_one_decode_serve_tables_and_index(tmp_path, engine, writer, monkeypatch):
    log = a_log(*courses(5))
    asked = []
    inner = log._codec.decode

    def counting(_codec, *what):
        asked.append(what)
        return inner(*what)

    monkeypatch.setattr(type(log._codec), "decode", counting)
    beside = [SearchProjection(log, writer).follower]
    done = Runner(all_views(), log=log, engine=engine, beside=beside).catch_up()
    assert (done.events, done.applied["offers"], done.applied["search"]) == (5, 5, 5)
    assert len(asked) == 5
    assert SearchIndex(tmp_path / "search").search(SearchQuery(today=TODAY)).total == 5


def test_an_index_that_is_behind_reads_by_itself_up_to_the_tables_and_joins_them(tmp_path, engine, writer):
    log = a_log(*courses(7))
    Runner(all_views(), log=log, engine=engine).catch_up()
    log.append(TOPIC, courses(4, begin=7))
    beside = [SearchProjection(log, writer).follower]
    done = Runner(all_views(), log=log, engine=engine, beside=beside, batch=3).catch_up()
    assert (done.applied["offers"], done.applied["search"]) == (4, 11)
    assert SearchIndex(tmp_path / "search").search(SearchQuery(today=TODAY)).total == 11


def test_while_events_keep_coming_a_commit_waits_for_its_time(tmp_path, writer, monkeypatch):
    log = a_log(*courses(6))
    follower = SearchProjection(log, writer).follower
    follower.load()

    def unrested() -> bool:
        return follower.unrested

    index = SearchIndex(tmp_path / "search")
    records = log.read({TOPIC: 0})
    follower.take(records[:2])
    assert index.position().next == {TOPIC: 2}  # the first comes at once
    monkeypatch.setattr(search_follower, "COMMIT_AFTER_COMMITS", 1_000_000)
    follower.take(records[2:4])
    assert unrested()
    assert index.position().next == {TOPIC: 2}
    monkeypatch.setattr(search_follower, "COMMIT_AFTER_S", 0)
    follower.take(records[4:5])
    assert not unrested()
    assert index.position().next == {TOPIC: 5}
    monkeypatch.undo()
    follower.take(records)
    follower.rest()
    assert index.position().next == {TOPIC: 6}


def test_a_failure_takes_the_index_back_to_its_commit_and_holds_back_no_table(tmp_path, engine):
    log = a_log(*courses(3))
    writer = Stumbling(tmp_path / "search", horizon=HORIZON)
    writer.failures = 2
    beside = [SearchProjection(log, writer).follower]
    done = Runner(all_views(), log=log, engine=engine, beside=beside, batch=2).catch_up()
    assert done.applied["offers"] == 3
    assert SearchIndex(tmp_path / "search").search(SearchQuery(today=TODAY)).total == 3
    assert writer.position().next == {TOPIC: 3}
    writer.close()


def test_a_service_commits_as_soon_as_the_log_is_silent(tmp_path, engine, writer):
    log = a_log(*courses(3))
    beside = [SearchProjection(log, writer).follower]
    stop, index = threading.Event(), SearchIndex(tmp_path / "search")
    runner = Runner(all_views(), log=log, engine=engine, beside=beside)
    runner.start()
    service = threading.Thread(target=runner.run_forever, args=(stop,))
    service.start()
    try:
        wait_for(lambda: index.position().next == {TOPIC: 3} and Offers(engine).count() == 3)
        log.append(TOPIC, courses(2, begin=3))
        wait_for(lambda: index.position().next == {TOPIC: 5} and Offers(engine).count() == 5)
    finally:
        stop.set()
        service.join()


def wait_for(condition, *, within_s=20.0):
    """Until it holds; the test fails when it does not in time."""
    pause = threading.Event()
    for _ in range(int(within_s / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen in time")
