"""The runner: positions in the rows' transaction, parking, and a log that is not what it was."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text

from tests.projection.histories import past as random_past
from verbund import sqlite
from verbund.errors import BaseMovedError, LogUnavailableError, LogUnusableError, ViewUnavailableError
from verbund.event_log.memory import MemoryEventLog
from verbund.event_log.sqlite import SqliteEventLog
from verbund.projection import parking, positions
from verbund.projection.digest import digest
from verbund.projection.follower import group
from verbund.projection.reader import Reader
from verbund.projection.rebuild import compare, rebuild, retry_parked
from verbund.projection.runner import Runner
from verbund.projection.tables import prepare
from verbund.testing.builders import a_published_offer, an_event
from verbund.views import all_views
from verbund.views.history import HistoryView
from verbund.views.offers import Offers, OffersView
from verbund.views.organisations import OrganisationsView
from verbund.views.tripwire import TripwireView, counted

TOPIC = "inventory.05954"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request, tmp_path):
    on_sqlite = request.param == "sqlite"
    made = sqlite.engine(tmp_path / "views.db") if on_sqlite else create_engine(request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


@pytest.fixture
def event_log(codec):
    return MemoryEventLog(codec=codec)


def courses(number, *, begin=0, **fields):
    return [a_published_offer(record_key=f"kurs-{at}", **fields) for at in range(begin, begin + number)]


def digests(engine, views):
    with engine.connect() as tx:
        return {view.name: digest(view, tx) for view in views}


class Stumbling(OffersView):
    """Offers, but the handler raises for some record keys until it is mended."""

    def __init__(self, *keys):
        self.broken = set(keys)

    def apply(self, batch, tx):
        for record in batch:
            if record.data.get("offer", record.data)["record_key"] in self.broken:
                raise ZeroDivisionError("a bug")
        super().apply(batch, tx)


def test_a_second_catch_up_reads_nothing(engine, event_log):
    event_log.append(TOPIC, courses(5))
    runner = Runner([OffersView()], log=event_log, engine=engine)
    assert runner.catch_up().events == 5
    assert runner.catch_up().events == 0
    assert Runner([OffersView()], log=event_log, engine=engine).catch_up().events == 0


def test_one_decode_serves_all_views(engine, event_log, monkeypatch):
    event_log.append(TOPIC, courses(5))
    decoded = []
    inner = event_log._codec.decode

    def counting(_codec, *asked):
        decoded.append(asked)
        return inner(*asked)

    monkeypatch.setattr(type(event_log._codec), "decode", counting)
    Runner([*all_views(), Stumbling()], log=event_log, engine=engine).catch_up()
    assert len(decoded) == 5


def test_a_zombie_fails_the_compare_and_writes_nothing(engine, event_log):
    event_log.append(TOPIC, courses(3))
    views = [TripwireView()]
    prepare(engine, views)
    zombie, heir = Reader(views[0], engine), Reader(views[0], engine)
    records = event_log.read({TOPIC: 0})
    zombie.load()
    heir.take(records)
    with pytest.raises(BaseMovedError, match=r"moved in inventory\.05954"):
        zombie.take(records)
    assert counted(engine) == {(TOPIC, "OfferPublished"): 3}


def test_a_reader_takes_no_record_twice(engine, event_log):
    event_log.append(TOPIC, courses(5))
    reader = Reader(TripwireView(), engine)
    prepare(engine, [reader.view])
    records = event_log.read({TOPIC: 0})
    assert (reader.take(records[:3]), reader.take(records), reader.take(records)) == (3, 2, 0)
    assert counted(engine) == {(TOPIC, "OfferPublished"): 5}


def test_a_runner_that_was_overtaken_goes_on_from_there(engine, event_log):
    event_log.append(TOPIC, courses(3))
    first, second = (Runner([TripwireView()], log=event_log, engine=engine) for _ in range(2))
    first.catch_up()
    second.catch_up()
    event_log.append(TOPIC, courses(2, begin=3))
    first.catch_up()
    event_log.append(TOPIC, courses(2, begin=5))
    second.catch_up()
    assert counted(engine) == {(TOPIC, "OfferPublished"): 7}


def test_two_processes_at_once_apply_each_event_once(engine, event_log):
    event_log.append(TOPIC, courses(120))
    runners = [Runner([TripwireView()], log=event_log, engine=engine, batch=3) for _ in range(2)]
    runners[0].start()
    threads = [threading.Thread(target=runner.catch_up) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(engine) == {(TOPIC, "OfferPublished"): 120}


def test_a_recreated_log_is_refused(engine, event_log, codec):
    event_log.append(TOPIC, courses(3))
    Runner([OffersView()], log=event_log, engine=engine).catch_up()
    other = MemoryEventLog(codec=codec)
    other.append(TOPIC, courses(5, source="andere"))
    with pytest.raises(LogUnusableError, match="no longer holds event"):
        Runner([OffersView()], log=other, engine=engine).catch_up()


def test_a_log_restored_from_an_old_copy_is_refused(engine, event_log, codec):
    event_log.append(TOPIC, courses(3))
    Runner([OffersView()], log=event_log, engine=engine).catch_up()
    older = MemoryEventLog(codec=codec)
    older.append(TOPIC, courses(2))
    with pytest.raises(LogUnusableError, match="no longer holds event"):
        Runner([OffersView()], log=older, engine=engine).catch_up()


def test_a_log_that_was_cut_at_its_start_is_refused(engine, event_log, codec):
    class Cut(MemoryEventLog):
        def read(self, positions, **wishes):
            if any(position < 10 for position in positions.values()):
                raise LogUnusableError("the log starts at 10")
            return super().read(positions, **wishes)

    event_log.append(TOPIC, courses(3))
    Runner([OffersView()], log=event_log, engine=engine).catch_up()
    cut = Cut(codec=codec)
    cut.append(TOPIC, courses(20))
    with pytest.raises(LogUnusableError):
        Runner([OffersView()], log=cut, engine=engine).catch_up()


def test_reports_that_ran_out_of_retention_are_no_reason_to_stop(engine, codec):
    class Trimmed(MemoryEventLog):
        def read(self, positions, **wishes):
            if positions.get("runs.05954", 9) < 1:
                raise LogUnusableError("the topic starts at 1")
            return super().read(positions, **wishes)

    log = Trimmed(codec=codec)
    log.append("runs.05954", [an_event("RunFinished")])
    view = next(view for view in all_views() if view.name == "health")
    with engine.begin() as tx:
        positions.ledger.create_all(tx)
        tx.execute(positions.projections.insert().values(view="health", version=view.version))
        positions.put(tx, "health", {"runs.05954": positions.Mark(1, "gone by now")})
    Runner([view], log=log, engine=engine).catch_up()


def test_a_raised_version_reads_from_the_start(engine, event_log):
    event_log.append(TOPIC, courses(3))
    Runner([OffersView()], log=event_log, engine=engine).catch_up()
    newer = OffersView()
    newer.version += 1
    with engine.begin() as tx:
        tx.execute(text("UPDATE offers SET title = 'from the old version'"))
    assert Runner([newer], log=event_log, engine=engine).catch_up().events == 3
    assert {offer.title for offer in Offers(engine).listing()} == {"Deutsch B1.1 am Vormittag"}
    with pytest.raises(ViewUnavailableError, match="newer program"):
        Runner([OffersView()], log=event_log, engine=engine).catch_up()


def test_a_process_of_an_older_version_stops_when_a_newer_took_over(engine, event_log):
    event_log.append(TOPIC, courses(3))
    old = Runner([OffersView()], log=event_log, engine=engine)
    old.catch_up()
    newer = OffersView()
    newer.version += 1
    Runner([newer], log=event_log, engine=engine).catch_up()
    event_log.append(TOPIC, courses(1, begin=3))
    with pytest.raises(ViewUnavailableError, match=f"version {newer.version}"):
        old.catch_up()


def test_one_event_in_a_thousand_is_poison_and_all_other_keys_go_on(engine, event_log, codec):
    clean = MemoryEventLog(codec=codec)
    events = courses(3000)
    clean.append(TOPIC, events)
    event_log.append(TOPIC, events)
    poison = event_log.read({TOPIC: 0}, limit=5000)[500::1000]
    bodies = [record.body for record in poison]
    for record in poison:
        record.body = b"\xc3\x01 garbage"
    event_log.append(
        TOPIC, [an_event("OfferMissed", record_key="kurs-1500"), an_event("OfferMissed", record_key="kurs-7")]
    )
    views = [OffersView(), HistoryView(), TripwireView()]
    done = Runner(views, log=event_log, engine=engine).catch_up()
    assert done.parked == {"offers": 4, "history": 0, "tripwire": 0}
    assert Offers(engine).count() == 2997
    with engine.connect() as tx:
        held = parking.listing(tx, "offers")
    assert [(entry.position, entry.culprit, entry.error) for entry in held] == [
        (500, True, "E501"), (1500, True, "E501"), (2500, True, "E501"), (3000, False, "queued"),
    ]  # fmt: skip
    for record, body in zip(poison, bodies, strict=True):
        record.body = body
    assert retry_parked(views, log=event_log, engine=engine) == {"offers": 4, "history": 0, "tripwire": 0}
    assert compare(views[0], log=event_log, engine=engine).equal
    assert Offers(engine).count(state="missed") == 2


def test_a_key_stays_parked_in_order_while_its_handler_is_broken(engine, event_log):
    view = Stumbling("kurs-1")
    event_log.append(TOPIC, courses(3))
    runner = Runner([view], log=event_log, engine=engine)
    runner.catch_up()
    event_log.append(
        TOPIC, [an_event("OfferMissed", record_key="kurs-1"), an_event("OfferMissed", record_key="kurs-2")]
    )
    runner.catch_up()
    with engine.connect() as tx:
        assert [(entry.type, entry.error) for entry in parking.listing(tx)] == [
            ("OfferPublished", "ZeroDivisionError"),
            ("OfferMissed", "queued"),
        ]
    assert retry_parked([view], log=event_log, engine=engine) == {"offers": 0}
    view.broken.clear()
    event_log.append(TOPIC, [an_event("OfferSeenAgain", record_key="kurs-1")])
    runner.catch_up()
    assert retry_parked([view], log=event_log, engine=engine) == {"offers": 3}
    event_log.append(TOPIC, [an_event("OfferWithdrawn", record_key="kurs-1", revision=4)])
    assert runner.catch_up().parked == {"offers": 0}
    assert compare(OffersView(), log=event_log, engine=engine).equal


def test_a_retry_stops_at_the_first_event_that_still_fails(engine, event_log):
    view = Stumbling("kurs-1")
    event_log.append(TOPIC, [*courses(2), an_event("OfferMissed", record_key="kurs-1")])
    Runner([view], log=event_log, engine=engine).catch_up()
    assert retry_parked([view], log=event_log, engine=engine) == {"offers": 0}
    with engine.connect() as tx:
        assert [entry.culprit for entry in parking.listing(tx)] == [True, False]


@pytest.mark.parametrize(
    ("damage", "subject"),
    [
        ({"type": ""}, None),
        ({"subject": ""}, ""),
        ({"source": "09188/enr-kurse"}, None),
        ({"source": "05954/andere"}, None),
        ({"subject": "somebody-else"}, "somebody-else"),
        ({"revision": 7}, None),
    ],
)
def test_an_event_whose_envelope_lies_is_parked(engine, event_log, damage, subject):
    event_log.append(TOPIC, courses(3))
    record = event_log.read({TOPIC: 1}, limit=1)[0]
    for name, value in damage.items():
        setattr(record, name, value)
    assert Runner([OffersView()], log=event_log, engine=engine).catch_up().parked == {"offers": 1}
    with engine.connect() as tx:
        (entry,) = parking.listing(tx)
    assert entry.error == "E501"
    assert entry.subject == (record.subject if subject is None else subject)
    assert Offers(engine).count() == 2


def test_a_district_cannot_overwrite_the_offer_of_another(engine, event_log):
    (ours,) = courses(1)
    event_log.append(TOPIC, [ours])
    offer_id = ours.subject
    event_log.append(
        "inventory.09188",
        [a_published_offer(offer_id=offer_id, district="09188", source="fremd", revision=9, title="Gekapert")],
    )
    Runner(all_views(), log=event_log, engine=engine).catch_up()
    assert Offers(engine).by_ids([offer_id])[offer_id].district == "05954"
    assert [row.title for row in Offers(engine).listing(district="05954")] == ["Deutsch B1.1 am Vormittag"]


def test_a_handler_that_fails_on_everything_parks_nothing_and_holds_back_no_other_view(engine, event_log):
    class Broken(OrganisationsView):
        name = "broken"
        handles = OffersView.handles

        def apply(self, batch, tx):
            raise ZeroDivisionError("a bug")

    event_log.append(TOPIC, courses(50))
    stop = threading.Event()
    runner = Runner([Broken(), OffersView()], log=event_log, engine=engine)
    service = threading.Thread(target=runner.run_forever, args=(stop,))
    service.start()
    try:
        wait_for(lambda: runner._started and runner.lag()["offers"] == 0)
        event_log.append(TOPIC, courses(50, begin=50))
        wait_for(lambda: runner.lag()["offers"] == 0 and Offers(engine).count() == 100)
    finally:
        stop.set()
        service.join()
    assert runner.lag()["broken"] == 100
    with engine.connect() as tx:
        assert parking.counts(tx) == {}


def test_a_command_gives_up_on_a_view_that_stays_broken(engine, event_log, monkeypatch):
    class Broken(OffersView):
        def apply(self, batch, tx):
            tx.execute(text("SELECT nothing FROM nowhere"))

    monkeypatch.setattr("verbund.projection.follower.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("verbund.projection.settle.is_environment", lambda _: True)
    event_log.append(TOPIC, courses(1))
    with pytest.raises(ViewUnavailableError, match="6 times"):
        Runner([Broken()], log=event_log, engine=engine).catch_up()


def test_a_service_finds_new_topics_and_outlives_a_log_that_is_away(engine, codec, monkeypatch):
    class Flaky(MemoryEventLog):
        away = 3

        def read(self, positions, **wishes):
            if self.away:
                self.away -= 1
                raise LogUnavailableError("away")
            return super().read(positions, **wishes)

    monkeypatch.setattr("verbund.projection.runner.NEW_TOPICS_EVERY_S", 0.05)
    monkeypatch.setattr("verbund.projection.runner.IDLE_WAIT", timedelta(milliseconds=20))
    monkeypatch.setattr("verbund.projection.runner.FIRST_PAUSE_S", 0.01)
    log = Flaky(codec=codec)
    stop = threading.Event()
    runner = Runner([OffersView()], log=log, engine=engine)
    service = threading.Thread(target=runner.run_forever, args=(stop,))
    service.start()
    try:
        log.append(TOPIC, courses(2))
        wait_for(lambda: runner._started and Offers(engine).count() == 2)
        log.append("inventory.09188", courses(2, district="09188", source="sta"))
        wait_for(lambda: Offers(engine).count() == 4)
    finally:
        stop.set()
        service.join()


def test_a_view_that_is_new_catches_up_beside_the_others(engine, event_log):
    event_log.append(TOPIC, courses(10))
    Runner([OffersView()], log=event_log, engine=engine).catch_up()
    event_log.append(TOPIC, courses(5, begin=10))
    offers, history = Reader(OffersView(), engine), Reader(HistoryView(), engine)
    prepare(engine, [offers.view, history.view])
    offers.load()
    ahead, behind = group([offers, history], [TOPIC])
    assert (behind.place, behind.ceiling) == ({TOPIC: 0}, {TOPIC: 10})
    assert ahead.ceiling == {}
    runner = Runner([OffersView(), HistoryView()], log=event_log, engine=engine, batch=4)
    assert runner.catch_up().applied == {"offers": 5, "history": 15}


def test_lag_counts_what_is_stored_and_not_read(engine, event_log):
    event_log.append(TOPIC, courses(3))
    runner = Runner([OffersView(), HistoryView()], log=event_log, engine=engine)
    runner.start()
    assert runner.lag() == {"offers": 3, "history": 3}
    runner.catch_up()
    assert runner.lag() == {"offers": 0, "history": 0}


def test_a_rebuild_that_is_killed_half_way_leaves_the_old_view_whole(engine, event_log):
    event_log.append(TOPIC, courses(30))
    view = OffersView()
    Runner([view], log=event_log, engine=engine).catch_up()
    before = digests(engine, [view])

    def interrupt(read, _):
        if read:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(view, log=event_log, engine=engine, progress=interrupt)
    assert digests(engine, [view]) == before
    assert Runner([view], log=event_log, engine=engine).catch_up().events == 0


def test_a_service_goes_on_after_a_rebuild_beside_it(engine, event_log):
    event_log.append(TOPIC, courses(3))
    view = TripwireView()
    runner = Runner([view], log=event_log, engine=engine)
    runner.catch_up()
    event_log.append(TOPIC, courses(3, begin=3))
    rebuild(view, log=event_log, engine=engine)
    event_log.append(TOPIC, courses(3, begin=6))
    runner.catch_up()
    assert counted(engine) == {(TOPIC, "OfferPublished"): 9}


def test_compare_names_the_rows_that_differ(engine, event_log):
    events = courses(3)
    event_log.append(TOPIC, events)
    view = OffersView()
    Runner([view], log=event_log, engine=engine).catch_up()
    with engine.begin() as tx:
        tx.execute(text("UPDATE offers SET title = 'edited by hand' WHERE record_key = 'kurs-1'"))
        tx.execute(text("DELETE FROM offers WHERE record_key = 'kurs-2'"))
    event_log.append(TOPIC, courses(1, begin=3))
    found = compare(view, log=event_log, engine=engine)
    assert not found.equal
    assert (found.live.rows, found.replayed.rows) == (2, 3)
    by_key = {difference.key: difference.columns for difference in found.differences}
    assert by_key[events[1].subject, "05954"] == ("title",)
    assert "body" in by_key[events[2].subject, "05954"]


def test_records_of_many_megabytes_are_applied_in_parts(engine, event_log, monkeypatch):
    monkeypatch.setattr("verbund.projection.runner.BATCH_BYTES", 4000)
    event_log.append(TOPIC, courses(20))
    runner = Runner([TripwireView()], log=event_log, engine=engine)
    runner.catch_up()
    assert counted(engine) == {(TOPIC, "OfferPublished"): 20}


def test_all_views_of_a_sqlite_log_survive_a_new_process(engine, codec, tmp_path):
    log = SqliteEventLog(tmp_path / "log.db", codec=codec)
    for topic, events in random_past(7, steps=80).items():
        log.append(topic, events)
    Runner(all_views(), log=log, engine=engine, batch=7).catch_up()
    log.close()
    again = SqliteEventLog(tmp_path / "log.db", codec=codec)
    assert Runner(all_views(), log=again, engine=engine).catch_up().events == 0
    assert all(compare(view, log=again, engine=engine).equal for view in all_views())
    again.close()


def wait_for(condition, *, within_s=20.0):
    """Until it holds; the test fails when it does not in time."""
    pause = threading.Event()
    for _ in range(int(within_s / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("it did not happen in time")
