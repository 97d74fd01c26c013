"""What the views answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, select

from verbund import sqlite
from verbund.errors import UnreadableEventError
from verbund.event_log.memory import MemoryEventLog
from verbund.projection.rebuild import rebuild
from verbund.projection.runner import Runner
from verbund.testing.builders import a_text, an_event, an_offer
from verbund.views import all_views
from verbund.views.changes import Changes, ChangesView, feed, numbers
from verbund.views.contacts import Contacts, contacts
from verbund.views.health import Health
from verbund.views.history import History
from verbund.views.offers import OfferRow, Offers
from verbund.views.organisations import Organisations
from verbund.views.overrides import Overrides, shown
from verbund.views.reject_report import RejectReport
from verbund.views.rejects import Rejects

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)


class Hub:
    """A log, a database and all views of it."""

    def __init__(self, engine, codec):
        self.engine, self.log = engine, MemoryEventLog(codec=codec)

    def say(self, *events):
        for event in events:
            kind = {"Contact": "contacts", "RunFini": "runs"}.get(event.type[:7], "inventory")
            self.log.append(f"{kind}.{event.source[:5]}", [event])
        Runner(all_views(), log=self.log, engine=self.engine).catch_up()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def hub(request, tmp_path, codec):
    on_sqlite = request.param == "sqlite"
    made = sqlite.engine(tmp_path / "views.db") if on_sqlite else create_engine(request.getfixturevalue("postgres_url"))
    yield Hub(made, codec)
    made.dispose()


def test_an_offer_goes_through_its_states_and_keeps_its_last_body(hub, codec):
    offers: Any = Offers(hub.engine)
    offer_id = an_offer()["offer_id"]
    hub.say(an_event("OfferPublished", title="Erste Fassung"))
    assert (offers.get(offer_id).state, offers.get(offer_id).title) == ("live", "Erste Fassung")
    hub.say(an_event("OfferMissed"))
    row = offers.get(offer_id)
    assert (row.state, row.missed_since, row.revision, row.body_revision) == (
        "missed", datetime(2026, 9, 1, 8, tzinfo=UTC), 2, 1,
    )  # fmt: skip
    assert [listed.offer_id for listed in offers.listing(state="live")] == [offer_id]
    hub.say(an_event("OfferSeenAgain"))
    assert (offers.get(offer_id).state, offers.get(offer_id).missed_since) == ("live", None)
    hub.say(an_event("OfferWithdrawn", revision=4, reason="by_hand"))
    row = offers.get(offer_id)
    assert (row.state, row.withdrawn_reason) == ("withdrawn", "by_hand")
    assert row.offer(codec)["texts"]["de"]["title"] == "Erste Fassung"
    assert offers.listing() == []
    hub.say(an_event("OfferPublished", revision=5, title="Wieder da"))
    row = offers.get(offer_id)
    assert (row.state, row.title, row.withdrawn_reason) == ("live", "Wieder da", None)
    assert row.first_seen <= row.last_changed == row.state_since


def test_the_first_of_two_events_of_one_revision_wins(hub):
    hub.say(an_event("OfferPublished"))
    hub.say(an_event("OfferRevised", revision=2, title="Zuerst"), an_event("OfferRevised", revision=2, title="Danach"))
    hub.say(an_event("OfferRevised", revision=1, title="Zu spät"))
    (row,) = Offers(hub.engine).listing()
    assert row.title == "Zuerst"
    assert len(History(hub.engine).of(row.offer_id)) == 2
    assert len(Changes(hub.engine).after().items) == 2


def test_a_late_event_of_a_revision_that_was_passed_over_is_taken_by_no_view(hub):
    hub.say(an_event("OfferPublished"))
    hub.say(an_event("OfferRevised", revision=3, title="Drei"))
    hub.say(an_event("OfferRevised", revision=2, title="Zwei, zu spät"))
    (row,) = Offers(hub.engine).listing()
    assert row.title == "Drei"
    assert [step.revision for step in History(hub.engine).of(row.offer_id)] == [1, 3]
    assert [item.revision for item in Changes(hub.engine).after().items] == [1, 3]


def test_an_offer_without_german_shows_its_first_language(hub):
    hub.say(an_event("OfferPublished", texts={"en": a_text(title="German course")}))
    assert [row.title for row in Offers(hub.engine).listing()] == ["German course"]


def test_an_end_is_stored_with_the_offer_and_an_open_end_is_null(hub):
    hub.say(an_event("OfferPublished"), an_event("OfferPublished", record_key="offen", starts=[]))
    ends = {row.record_key: row.ends_at for row in Offers(hub.engine).listing()}
    assert ends == {"kurs-1": datetime(2027, 3, 26, 11, 15, tzinfo=UTC), "offen": None}


def test_offers_are_found_by_id_record_source_and_district_page_by_page(hub):
    hub.say(
        *(an_event("OfferPublished", record_key=f"k{at}") for at in range(5)),
        an_event("OfferPublished", record_key="k1", district="09188", source="sta"),
    )
    offers: Any = Offers(hub.engine)
    first = offers.listing(limit=4)
    last = first[-1]
    rest = offers.listing(after=(last.district, last.source, last.offer_id))
    assert [row.offer_id for row in first + rest] == list(offers.keys())
    assert len(first + rest) == offers.count() == 6
    assert all(row.body is None for row in first)
    wanted = [rest[0].offer_id, "unknown", first[0].offer_id]
    assert list(offers.by_ids(wanted)) == [wanted[0], wanted[2]]
    assert offers.by_record("sta", "k1").district == "09188"
    assert offers.by_record("sta", "k9") is None
    assert [row.record_key for row in offers.listing(source="sta")] == ["k1"]
    assert len(list(offers.keys(district="05954"))) == 5
    assert [(one.district, one.live, one.sources) for one in offers.districts_with_counts()] == [
        ("05954", 5, ("enr-kurse",)),
        ("09188", 1, ("sta",)),
    ]


def test_history_answers_how_it_was_at_a_time(hub, codec):
    offer_id = an_offer()["offer_id"]
    hub.say(an_event("OfferPublished", title="Alt"))
    hub.say(an_event("OfferRevised", revision=2, title="Neu"))
    hub.say(an_event("OfferMissed", revision=3))
    history: Any = History(hub.engine)
    steps = history.of(offer_id)
    assert [(step.revision, step.state) for step in steps] == [(1, "live"), (2, "live"), (3, "missed")]
    then = history.at(offer_id, steps[2].appended_at)
    assert then.step.state == "missed"
    assert then.content.offer(codec)["texts"]["de"]["title"] == "Neu"
    assert history.at(offer_id, steps[0].appended_at - timedelta(milliseconds=1)) is None
    assert history.at("unknown", NOW) is None
    with pytest.raises(UnreadableEventError):
        codec.decode("OfferPublished", steps[0].schema, b"garbage")


def test_an_organisation_is_found_until_it_is_withdrawn_and_then_says_so(hub, codec):
    hub.say(an_event("OrganisationPublished", name="Verein"))
    organisations: Any = Organisations(hub.engine)
    (row,) = organisations.listing()
    assert row.organisation(codec)["name"] == row.name == "Verein"
    hub.say(an_event("OrganisationWithdrawn"))
    assert organisations.listing() == []
    assert organisations.get(row.organisation_id).state == "withdrawn"


def test_a_withdrawn_contact_keeps_no_sealed_bytes(hub):
    published = an_event("ContactPublished")
    hub.say(published)
    assert Contacts(hub.engine).by_ids([published.subject])[published.subject].sealed == b"\x02" * 48
    hub.say(an_event("ContactWithdrawn"))
    assert Contacts(hub.engine).by_ids([published.subject]) == {}
    with hub.engine.connect() as tx:
        assert tx.execute(select(contacts.c.sealed, contacts.c.nonce)).one() == (None, None)


def test_rejects_are_grouped_by_rule_until_they_are_cleared(hub):
    hub.say(
        *(an_event("RecordRejected", record_key=f"k{at}", rule="date_unreadable", place="start") for at in range(5)),
        an_event("RecordRejected", record_key="k9", rule="title_empty", value="***"),
    )
    rejects: Any = Rejects(hub.engine)
    assert [
        (group.rule, group.count, [one.reject.record_key for one in group.examples])
        for group in RejectReport(hub.engine).groups("enr-kurse")
    ] == [("date_unreadable", 5, ["k0", "k1", "k2"]), ("title_empty", 1, ["k9"])]
    hub.say(*(an_event("RejectCleared", record_key=f"k{at}") for at in range(5)))
    assert [(reject.record_key, reject.value) for reject in rejects.listing()] == [("k9", "***")]
    assert rejects.counts() == {"enr-kurse": 1}


@pytest.mark.parametrize(
    ("run", "after", "word", "because"),
    [
        ({}, timedelta(minutes=30), "healthy", ()),
        ({}, timedelta(hours=3), "warning", ("late",)),
        ({}, timedelta(hours=7), "degraded", ("stale",)),
        ({"held": True}, timedelta(minutes=1), "held", ("held",)),
        ({"outcome": "partial"}, timedelta(minutes=1), "degraded", ("never_complete", "partial")),
        ({"outcome": "failed", "reason": "E201"}, timedelta(minutes=1), "degraded", ("E201", "never_complete")),
    ],
)
def test_the_health_word_is_computed_when_asked(hub, run, after, word, because):
    health: Any = Health(hub.engine)
    hub.say(an_event("SourceChanged"))
    assert health.source("enr-kurse", NOW).word == "never_run"
    hub.say(an_event("RunFinished", **run))
    asked = datetime(2026, 9, 1, 8, 0, 4, tzinfo=UTC) + after
    (source,) = health.sources(asked)
    assert (source.word, source.because) == (word, because)
    assert source.facts.title == "Kurse im Ennepe-Ruhr-Kreis"


def test_a_paused_source_is_never_late_and_a_removed_one_is_not_listed(hub):
    health: Any = Health(hub.engine)
    hub.say(an_event("SourceChanged"), an_event("RunFinished"))
    hub.say(an_event("SourceChanged", change="paused", file_digest="1" * 64))
    assert health.source("enr-kurse", NOW + timedelta(days=9)).word == "healthy"
    hub.say(an_event("SourceChanged", change="removed", file_digest="2" * 64))
    assert health.sources(NOW) == []
    assert health.source("enr-kurse", NOW).facts.change == "removed"
    assert health.source("unknown", NOW) is None


def test_runs_are_listed_latest_first_with_counts_and_parts(hub):
    runs = [f"{at:08d}-0000-5000-8000-000000000000" for at in range(3)]
    for at, run_id in enumerate(runs):
        hub.say(an_event("RunFinished", run_id=run_id, counts={"published": at}))
    health: Any = Health(hub.engine)
    assert [run.run_id for run in health.runs("enr-kurse", limit=2)] == runs[:0:-1]
    assert health.run(runs[1]).counts == {"published": 1}
    assert health.run(runs[1]).parts[0]["state"] == "complete"
    assert health.run("unknown") is None


def test_changes_are_numbered_without_gaps_and_paged_with_filters(hub):
    hub.say(
        an_event("OfferPublished"),
        an_event("OrganisationPublished"),
        an_event("OfferPublished", district="09188", source="sta"),
        an_event("OfferWithdrawn", revision=2),
    )
    feed_: Any = Changes(hub.engine)
    page = feed_.after(0, limit=3)
    rest = feed_.after(page.next_number)
    assert [item.number for item in page.items + rest.items] == [1, 2, 3, 4]
    assert (page.more, rest.more, rest.next_number, feed_.last_number()) == (True, False, 4, 4)
    assert [item.tombstone for item in page.items + rest.items].count(True) == 1
    other = feed_.after(0, districts=["09188"], kinds=["offer"])
    assert ([item.source for item in other.items], other.next_number) == (["sta"], 4)
    assert feed_.after(99).next_number == 99


def test_a_rebuild_keeps_the_numbers_and_the_epoch(hub):
    hub.say(*(an_event("OfferPublished", record_key=f"k{at}") for at in range(6)))
    before = Changes(hub.engine).after()
    rebuild(ChangesView(), log=hub.log, engine=hub.engine)
    assert Changes(hub.engine).after() == before


def test_lost_numbers_raise_the_epoch(hub):
    hub.say(an_event("OfferPublished"))
    before = Changes(hub.engine).epoch()
    with hub.engine.begin() as tx:
        tx.execute(delete(feed))
        tx.execute(delete(numbers))
    rebuild(ChangesView(), log=hub.log, engine=hub.engine)
    assert Changes(hub.engine).epoch() > before


def test_another_log_at_a_numbered_place_raises_the_epoch_and_reuses_no_number(hub, codec):
    hub.say(an_event("OfferPublished"))
    before = Changes(hub.engine).after()
    hub.log = MemoryEventLog(codec=codec)
    hub.log.append("inventory.05954", [an_event("OfferPublished", record_key="andere")])
    rebuild(ChangesView(), log=hub.log, engine=hub.engine)
    after = Changes(hub.engine).after()
    assert after.epoch > before.epoch
    assert [item.number for item in after.items] == [2]


def row_of(hub, offer_id) -> OfferRow:
    row = Offers(hub.engine).get(offer_id)
    assert row is not None
    return row


def test_an_offer_under_another_key_is_the_same_offer_and_shown(hub, codec):
    offer = an_offer()
    ident = offer["offer_id"]
    hub.say(an_event("OfferPublished"), an_event("OfferMissed"))
    hub.say(an_event("OfferRekeyed", offer_id=ident, record_key="kurs-neu", old_key="kurs-1", revision=3))
    row = row_of(hub, ident)
    assert (row.state, row.record_key, row.missed_since, row.revision) == ("live", "kurs-neu", None, 3)
    content = row.offer(codec)
    assert content is not None
    assert content["record_key"] == "kurs-1", "the content was said under the old key"
    found = Offers(hub.engine).by_record("enr-kurse", "kurs-neu")
    assert found is not None
    assert found.offer_id == ident
    assert Offers(hub.engine).by_record("enr-kurse", "kurs-1") is None
    assert [step.type for step in History(hub.engine).of(ident)] == ["OfferPublished", "OfferMissed", "OfferRekeyed"]
    assert Changes(hub.engine).after().items[-1].type == "OfferRekeyed"
    hub.say(an_event("OfferRevised", offer_id=ident, record_key="kurs-neu", revision=4, title="Neu"))
    assert row_of(hub, ident).record_key == "kurs-neu"


def test_a_key_and_a_content_read_in_one_go_are_both_taken(hub):
    ident = an_offer()["offer_id"]
    events = (
        an_event("OfferPublished", title="Eins"),
        an_event("OfferRekeyed", offer_id=ident, record_key="kurs-neu", old_key="kurs-1", revision=2),
    )
    hub.say(*events)
    row = row_of(hub, ident)
    assert (row.record_key, row.title, row.body_revision, row.revision) == ("kurs-neu", "Eins", 1, 2)


def test_what_people_set_in_an_offer_is_known_until_it_is_lifted(hub):
    offer = {**an_offer(), "overridden": ["cost.amount"], "own_values": {"cost.amount": "2.29", "place": "null"}}
    ident = offer["offer_id"]
    said = [
        an_event("FieldOverridden", field="cost.amount", value="5", note="Am Telefon erfahren."),
        an_event("FieldOverridden", field="childcare", value="true", run_id="second"),
        an_event("FieldOverridden", field="place.town", value='"Schwelm"', run_id="third"),
        an_event("OverrideLifted", field="childcare", run_id="later"),
    ]
    for event in said:
        hub.log.append("desk.05954", [event])
    hub.say(an_event("OfferPublished"))
    first, second = shown(Overrides(hub.engine).of(ident, district="05954"), offer)
    assert (first["field"], first["value"], first["own"], first["counts"]) == ("cost.amount", 5, 2.29, True)
    assert (first["by"], first["note"]) == ("cli", "Am Telefon erfahren.")
    assert (second["field"], second["own"], second["counts"]) == ("place.town", None, False)
    assert Overrides(hub.engine).of(ident, district="09188") == []
