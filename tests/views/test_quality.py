"""What the views know of the quality of sources."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import create_engine

from verbund import sqlite
from verbund.event_log.memory import MemoryEventLog
from verbund.projection.runner import Runner
from verbund.quality import marks
from verbund.testing.builders import a_text, an_event, an_offer
from verbund.views import all_views
from verbund.views.offers import Offers
from verbund.views.quality import Quality, quality_document

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
MUCH_LATER = datetime(2028, 1, 1, tzinfo=UTC)


class Hub:
    def __init__(self, engine: Any, codec: Any) -> None:
        self.engine, self.log = engine, MemoryEventLog(codec=codec)

    def say(self, *events: Any) -> None:
        for event in events:
            self.log.append(f"inventory.{event.source[:5]}", [event])
        Runner(all_views(), log=self.log, engine=self.engine).catch_up()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def hub(request, tmp_path, codec):
    on_sqlite = request.param == "sqlite"
    made = sqlite.engine(tmp_path / "views.db") if on_sqlite else create_engine(request.getfixturevalue("postgres_url"))
    yield Hub(made, codec)
    made.dispose()


GOOD: dict[str, Any] = {
    "texts": {
        "de": a_text(description_text="Der Kurs bereitet auf den Deutsch-Test für Zuwanderer vor, vier Tage je Woche."),
        "en": a_text(title="German B1.1"),
    },
    "organisation_id": "0b1a2f9e-6a39-5a2e-9c0e-1f1f1f1f1f1f",
    "contact_ids": ["0b1a2f9e-6a39-5a2e-9c0e-2f2f2f2f2f2f"],
}


def published(key: str, **fields: Any) -> Any:
    return an_event("OfferPublished", record_key=key, **{**GOOD, **fields})


def test_an_offer_is_stored_with_its_findings_and_a_revision_brings_new_ones(hub):
    offers: Any = Offers(hub.engine)
    offer_id = an_offer(record_key="a")["offer_id"]
    hub.say(published("a", starts=[], cost=None))
    assert offers.get(offer_id).findings == marks(an_offer(**GOOD, starts=[], cost=None)) == "6w"
    hub.say(an_event("OfferMissed", record_key="a"))
    assert offers.get(offer_id).findings == "6w"
    hub.say(an_event("OfferRevised", record_key="a", revision=3, **GOOD))
    assert offers.get(offer_id).findings == ""


def test_a_source_has_the_mean_of_what_it_shows_and_rejects(hub):
    hub.say(published("a"), published("b", place=None), published("c", place=None, online_url="https://kurs.example"))
    quality = Quality(hub.engine)
    assert quality.of_source("enr-kurse", NOW).points == 96.7
    hub.say(an_event("OfferWithdrawn", record_key="b"), an_event("RecordRejected", record_key="d"))
    assert quality.of_source("enr-kurse", NOW).points == 66.7
    assert {source: found.points for source, found in quality.scores(NOW).items()} == {"enr-kurse": 66.7}
    assert quality.of_source("nobody", NOW).points is None


def test_an_offer_is_past_only_when_its_time_is_over(hub):
    hub.say(published("a"))
    quality = Quality(hub.engine)
    assert quality.of_source("enr-kurse", NOW).shares == ()
    (share,) = quality.of_source("enr-kurse", MUCH_LATER).shares
    assert (share.code, share.count, share.gain) == ("past", 1, 10)
    assert [one.record_key for one in quality.examples("enr-kurse", "past", MUCH_LATER)] == ["a"]
    assert quality.examples("enr-kurse", "past", NOW) == []


def test_what_to_mend_first_comes_with_its_text_and_three_examples(hub):
    hub.say(*(published(f"k{at}", place=None) for at in range(5)), published("z", target_groups=[]))
    document = quality_document(Quality(hub.engine), "enr-kurse", NOW, "de")
    first = document["mend_first"]
    assert (first["code"], first["title"], first["count"]) == ("no_place", "Kein Ort", 5)
    assert first["fix"].startswith("Straße, Postleitzahl und Ort")
    assert [one["record_key"] for one in first["examples"]] == ["k0", "k1", "k2"]
    assert [one["code"] for one in document["findings"]] == ["no_place", "no_target_group"]
    assert document["judged"] == 6


def test_rejected_records_are_examples_without_an_offer(hub):
    hub.say(published("a"), an_event("RecordRejected", record_key="d"))
    first = quality_document(Quality(hub.engine), "enr-kurse", NOW, "en")["mend_first"]
    assert (first["code"], first["gain"]) == ("rejected", 50.0)
    assert first["examples"] == [{"record_key": "d", "offer_id": None, "title": None}]


def test_a_source_without_faults_has_nothing_to_mend(hub):
    hub.say(published("a"))
    document = quality_document(Quality(hub.engine), "enr-kurse", NOW, "en")
    assert document == {"score": 100.0, "judged": 1, "findings": [], "mend_first": None}
