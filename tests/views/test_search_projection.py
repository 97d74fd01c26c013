"""The index follows the log: revisions decide, position and documents commit together, nothing is lost or invented."""

from __future__ import annotations

import contextlib
import io
import random
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.views.search_kit import HORIZON, KEYS, TODAY, a_log, an_index, found
from verbund.errors import LockedError, LogUnusableError
from verbund.testing.builders import an_event, an_offer, an_organisation
from verbund.views.search import Horizon, SearchIndex, SearchProjection, SearchQuery, SearchWriter

OFFER = an_offer()["offer_id"]
VHS = an_organisation()["organisation_id"]


@pytest.fixture(name="writer")
def _writer(tmp_path):
    writer = SearchWriter(tmp_path, horizon=HORIZON)
    yield writer
    writer.close()


def everything(folder):
    """All that the index says of its offers: ids, states, counts."""
    index = SearchIndex(folder)
    answer = index.search(SearchQuery(today=TODAY, past=True, limit=100))
    names = index.search(SearchQuery(today=TODAY, past=True, text="Eichenkreuz", limit=100))
    index.close()
    return (
        answer.total,
        sorted(hit.offer_id for hit in answer.hits),
        {name: dict(counts) for name, counts in answer.facets.items()},
        sorted(hit.offer_id for hit in names.hits),
    )


def test_a_withdrawn_offer_is_found_no_more_and_a_reopened_one_again(tmp_path):
    withdrawn = an_event("OfferWithdrawn", revision=2)
    assert found(an_index(tmp_path / "1", an_event("OfferPublished"), withdrawn)) == set()
    reopened = an_event("OfferPublished", revision=3)
    assert found(an_index(tmp_path / "2", an_event("OfferPublished"), withdrawn, reopened)) == {"kurs-1"}


def test_a_missed_offer_stays(tmp_path):
    assert found(an_index(tmp_path, an_event("OfferPublished"), an_event("OfferMissed", revision=2))) == {"kurs-1"}


def test_an_offer_under_another_key_stays_and_is_missed_no_more(tmp_path):
    events = [an_event("OfferPublished"), an_event("OfferMissed", revision=2)]
    events.append(an_event("OfferRekeyed", old_key="kurs-1", revision=3))
    assert found(an_index(tmp_path, *events)) == {"kurs-1"}


def test_an_older_revision_never_brings_an_offer_back(tmp_path):
    late = an_event("OfferRevised", revision=2, title="Zu spät")
    index = an_index(tmp_path, an_event("OfferPublished"), an_event("OfferWithdrawn", revision=3), late)
    assert found(index) == set()


def test_of_two_runs_on_one_base_the_first_wins(tmp_path):
    first = an_event("OfferRevised", revision=2, title="Erster Lauf")
    second = an_event("OfferRevised", revision=2, title="Zweiter Lauf")
    index = an_index(tmp_path, an_event("OfferPublished"), first, second)
    assert found(index, text="erster") == {"kurs-1"}
    assert found(index, text="zweiter ") == set()


def test_a_new_name_of_an_organisation_reaches_its_offers(tmp_path):
    events = [an_event("OfferPublished", organisation_id=VHS), an_event("OrganisationPublished", name="Alter Name")]
    renamed = an_event("OrganisationRevised", revision=2, name="Eichenkreuz")
    for number, order in enumerate((events, events[::-1])):
        index = an_index(tmp_path / str(number), *order, renamed)
        assert found(index, text="Eichenkreuz") == {"kurs-1"}
        assert found(index, text="Alter ") == set()


def history(seed):
    """A random life of some offers and organisations in two districts."""
    chance = random.Random(seed)
    events = []
    for district in ("05954", "09188"):
        revisions: dict[str, int] = {}
        for _ in range(60):
            kind = chance.choice(("Offer", "Offer", "Offer", "Organisation"))
            key = f"{kind}-{chance.randint(1, 5)}"
            revision = revisions[key] = revisions.get(key, 0) + 1
            facts = {"district": district, "record_key": key, "revision": revision}
            if kind == "Organisation":
                step = (
                    "OrganisationPublished"
                    if revision == 1
                    else chance.choice(("OrganisationRevised", "OrganisationWithdrawn"))
                )
                more = {"name": chance.choice(("Eichenkreuz", "Bergverein"))} if step != "OrganisationWithdrawn" else {}
            else:
                step = (
                    "OfferPublished"
                    if revision == 1
                    else chance.choice(
                        (
                            "OfferRevised",
                            "OfferRevised",
                            "OfferPublished",
                            "OfferMissed",
                            "OfferSeenAgain",
                            "OfferRekeyed",
                            "OfferWithdrawn",
                        )
                    )
                )
                organisation = an_organisation(district=district, record_key=f"Organisation-{chance.randint(1, 5)}")
                more = {"kind": chance.choice(("course", "sport")), "organisation_id": organisation["organisation_id"]}
                more = more if step in ("OfferPublished", "OfferRevised") else {}
            told: dict[str, Any] = {**facts, **more}
            plain = an_event(step, **told)
            ident = (an_offer if kind == "Offer" else an_organisation)(district=district, record_key=key)[
                f"{kind.lower()}_id"
            ]
            if plain.subject != ident:  # events without a state name their subject themselves
                plain = an_event(step, **{**told, f"{kind.lower()}_id": ident})
            events.append(plain)
    return events


@pytest.mark.parametrize("seed", range(6))
def test_batches_and_topics_in_any_order_give_the_same_index(tmp_path, seed):
    log = a_log(*history(seed))
    records = log.read(dict.fromkeys(log.topics(), 0), limit=10_000)
    results = []
    for number, size in enumerate((1, 7, 1000)):
        by_topic = {topic: [record for record in records if record.topic == topic] for topic in log.topics()}
        chance = random.Random(seed * 10 + number)
        shuffled = []
        while any(by_topic.values()):
            topic = chance.choice([topic for topic, waiting in by_topic.items() if waiting])
            shuffled.append(by_topic[topic].pop(0))
        folder = tmp_path / str(number)
        writer = SearchWriter(folder, horizon=HORIZON)
        for at in range(0, len(shuffled), size):
            (writer.apply if chance.random() < 0.5 else writer.stage)(shuffled[at : at + size])
        writer.commit()
        writer.apply(shuffled[-20:])  # the same again changes nothing
        writer.close()
        results.append(everything(folder))
    assert results[0] == results[1] == results[2]
    assert results[0][0] > 0


def test_a_second_writer_is_refused(tmp_path, writer):
    with pytest.raises(LockedError, match="Another process"):
        SearchWriter(tmp_path, horizon=HORIZON)


def test_readers_see_each_commit_and_nothing_before(tmp_path, writer):
    index = SearchIndex(tmp_path)
    log = a_log(an_event("OfferPublished"))
    writer.stage(log.read({"inventory.05954": 0}))
    assert index.search(SearchQuery(today=TODAY)).total == 0
    writer.commit()
    assert index.search(SearchQuery(today=TODAY)).total == 1
    assert index.position().next == {"inventory.05954": 1}


def test_what_was_staged_is_gone_after_a_rollback(tmp_path, writer):
    log = a_log(an_event("OfferPublished"))
    writer.stage(log.read({"inventory.05954": 0}))
    writer.rollback()
    writer.commit()
    assert writer.position().next == {}
    assert SearchIndex(tmp_path).search(SearchQuery(today=TODAY)).total == 0


def test_catching_up_goes_on_where_it_ended(tmp_path):
    log = a_log(an_event("OfferPublished"))
    for number in range(3):
        writer = SearchWriter(tmp_path, horizon=HORIZON)
        projection = SearchProjection(log, writer)
        assert projection.lag() == 1
        assert projection.catch_up() == 1
        assert projection.catch_up() == 0
        writer.close()
        event = an_event("OfferPublished", record_key=f"k{number}")
        KEYS[event.subject] = f"k{number}"
        log.append("inventory.05954", [event])
    assert found(SearchIndex(tmp_path)) == {"kurs-1", "k0", "k1"}


def test_another_log_is_refused(tmp_path):
    writer = SearchWriter(tmp_path, horizon=HORIZON)
    SearchProjection(a_log(an_event("OfferPublished")), writer).catch_up()
    with pytest.raises(LogUnusableError):
        SearchProjection(a_log(an_event("OfferPublished", title="Ein anderes Log")), writer).catch_up()
    with pytest.raises(LogUnusableError):
        SearchProjection(a_log(), writer).catch_up()
    writer.close()


def test_another_horizon_is_built_beside_and_then_served(tmp_path):
    log = a_log(an_event("OfferPublished"))
    writer = SearchWriter(tmp_path, horizon=HORIZON)
    SearchProjection(log, writer).catch_up()
    writer.close()
    later = SearchWriter(tmp_path, horizon=Horizon(date(2027, 1, 1), date(2028, 12, 31)))
    index = SearchIndex(tmp_path)
    assert index.search(SearchQuery(today=TODAY)).total == 1  # still the old one
    assert index.position().horizon == HORIZON
    SearchProjection(log, later).catch_up()
    assert index.search(SearchQuery(today=TODAY)).total == 1
    assert index.position().horizon.first == date(2027, 1, 1)
    later.close()


def test_a_rebuild_gives_the_same_index(tmp_path):
    log = a_log(*history(99))
    writer = SearchWriter(tmp_path, horizon=HORIZON)
    projection = SearchProjection(log, writer)
    projection.catch_up()
    before = everything(tmp_path)
    assert projection.rebuild() == sum(log.end().values())
    assert everything(tmp_path) == before
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    writer.close()


class Damaged:
    """A log whose event at one place cannot be read, until it is mended."""

    def __init__(self, log, place):
        self._log, self._place, self.mended = log, place, False

    def __getattr__(self, name):
        return getattr(self._log, name)

    def read(self, positions, **wishes):
        records = self._log.read(positions, **wishes)
        return [
            replace(record, body=b"\xc3\x01broken") if record.position == self._place and not self.mended else record
            for record in records
        ]


def test_garbage_is_parked_with_its_key_and_others_go_on(tmp_path, writer):
    inner = a_log(an_event("OfferPublished"))
    inner.append_garbage("inventory.05954", b"\x00garbage")
    poison = an_event("OfferPublished", record_key="poison")
    later = an_event("OfferRevised", record_key="poison", revision=2, title="Danach")
    inner.append("inventory.05954", [poison, an_event("OfferPublished", record_key="after")])
    KEYS.update({poison.subject: "poison", an_offer(record_key="after")["offer_id"]: "after"})
    log = Damaged(inner, 2)
    projection = SearchProjection(log, writer)
    projection.catch_up()
    inner.append("inventory.05954", [later])
    projection.catch_up()
    index = SearchIndex(tmp_path)
    assert found(index) == {"kurs-1", "after"}
    assert {key: len(held) for key, held in index.position().parked.items()} == {
        "05954/": 1,
        f"05954/{poison.subject}": 2,
    }
    log.mended = True
    assert projection.retry_parked() == 1  # the garbage stays
    assert found(index) == {"kurs-1", "after", "poison"}
    assert found(index, text="Danach") == {"poison"}


def test_a_district_speaks_only_for_itself(tmp_path, writer):
    log = a_log()
    log.append("inventory.09188", [an_event("OfferPublished")])
    SearchProjection(log, writer).catch_up()
    assert SearchIndex(tmp_path).search(SearchQuery(today=TODAY)).total == 0
    assert len(writer.position().parked) == 1


WRITE_UNTIL_KILLED = """
import sys
from datetime import date
from pathlib import Path
from verbund.codec import AvroCodec
from verbund.event_log.memory import MemoryEventLog
from verbund.testing.builders import an_event
from verbund.views.search import Horizon, SearchWriter

log = MemoryEventLog(codec=AvroCodec())
log.append("inventory.05954", [an_event("OfferPublished", record_key=f"k{number}") for number in range(2000)])
writer = SearchWriter(Path(sys.argv[1]), horizon=Horizon(date(2026, 1, 1), date(2027, 12, 31)))
position = writer.position().next.get("inventory.05954", 0)
print("started", flush=True)
while records := log.read({"inventory.05954": position}, limit=5):
    writer.apply(records)
    position += len(records)
"""


def test_killed_at_any_moment_documents_fit_the_position(tmp_path):
    chance = random.Random(7)
    for _ in range(4):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_UNTIL_KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert any("started" in line for line in iter((process.stdout or io.StringIO()).readline, ""))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0.05, 0.5))
            process.kill()
        index = SearchIndex(tmp_path)
        assert index.search(SearchQuery(today=TODAY)).total == index.position().next.get("inventory.05954", 0)
        index.close()


def test_days_move_with_the_horizon_not_with_the_clock(tmp_path):
    weekly: dict[str, Any] = {"rule": "FREQ=WEEKLY;BYDAY=WE", "start": "2026-01-07T18:00:00", "end": None, "all_day": False, "zone": "Europe/Berlin", "exceptions": []}  # fmt: skip
    index = an_index(tmp_path, an_event("OfferPublished", starts=[], recurrence=weekly))
    wednesday = date(2026, 9, 2)
    assert found(index, starts_from=wednesday, starts_to=wednesday) == {"kurs-1"}
    assert found(index, starts_from=wednesday + timedelta(days=1), starts_to=wednesday + timedelta(days=6)) == set()
    beyond = HORIZON.last + timedelta(days=40)
    assert found(index, starts_from=beyond, starts_to=beyond) == {"kurs-1"}
