"""Fields that a person set: shown at once, kept over every pull, given back on request."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.conftest import World
from tests.ingest.test_desk import asking, record, seen, states
from verbund.errors import UsageError
from verbund.ingest.overriding import FIELDS, check_override, overridden, own_of
from verbund.offer import content_hash
from verbund.testing.builders import an_offer
from verbund_connectors.kit import _SAYABLE

YEAR = 2026


def override(world: World, key: str, field: str, value: str) -> None:
    asking(world).override(seen(world, key), field, value, note="Am Telefon erfahren.")
    world.ingest.carry_out_decisions(world.source())


def lift(world: World, key: str, field: str) -> None:
    asking(world).lift_override(seen(world, key), field)
    world.ingest.carry_out_decisions(world.source())


def pulled(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B"))
    world.apply()
    world.tomorrow()


def test_it_is_shown_at_once_and_says_that_a_person_did_it(world: World) -> None:
    pulled(world)
    override(world, "a", "childcare", "true")
    offer = seen(world, "a")
    assert (offer["childcare"], offer["overridden"], offer["cause"]) == (True, ["childcare"], "person")
    assert offer["own_values"] == {"childcare": "null"}
    assert world.types().count("RunFinished") == 1


def test_a_later_pull_keeps_it_and_takes_the_rest(world: World) -> None:
    pulled(world)
    override(world, "a", "texts.de.summary", "Mit Kinderbetreuung.")
    assert world.apply()["counts"]["unchanged"] == 2
    world.tomorrow()
    world.serve(record("a", "A neu"), record("b", "B"))
    assert world.apply()["counts"]["revised"] == 1
    offer = seen(world, "a")
    assert offer["texts"]["de"]["title"] == "A neu"
    assert offer["texts"]["de"]["summary"] == "Mit Kinderbetreuung."
    assert (offer["cause"], offer["overridden"]) == ("source", ["texts.de.summary"])


def test_it_survives_a_lost_memory(world: World) -> None:
    pulled(world)
    override(world, "a", "cost", '{"amount": 5}')
    world.ingest = world.new_ingest("another.db")
    assert world.apply()["counts"]["unchanged"] == 2
    assert seen(world, "a")["cost"]["amount"] == 5
    assert seen(world, "a")["cost"]["currency"] == "EUR"


def test_lifted_the_sources_own_value_counts_again(world: World) -> None:
    pulled(world)
    before = seen(world, "a")
    override(world, "a", "texts.de.title", "Anders")
    override(world, "a", "place.town", "Hattingen")
    assert (seen(world, "a")["place"]["town"], states(world)["a"]) == ("Hattingen", "Anders")
    world.tomorrow()
    lift(world, "a", "texts.de.title")
    lift(world, "a", "place.town")
    after = seen(world, "a")
    assert (after["content_hash"], after["cause"]) == (before["content_hash"], "person")
    assert after["place"] is None
    assert world.apply()["counts"]["unchanged"] == 2


def test_what_the_source_says_meanwhile_is_what_comes_back(world: World) -> None:
    pulled(world)
    override(world, "a", "texts.de.title", "Anders")
    world.serve(record("a", "A neu"), record("b", "B"))
    world.apply()
    assert states(world)["a"] == "Anders"
    assert seen(world, "a")["own_values"] == {"texts.de.title": '"A neu"'}
    lift(world, "a", "texts.de.title")
    assert states(world)["a"] == "A neu"


def test_of_a_record_that_is_gone_it_waits(world: World) -> None:
    pulled(world)
    asking(world).withdraw(seen(world, "a"))
    world.ingest.carry_out_decisions(world.source())
    override(world, "a", "childcare", "true")
    assert states(world) == {"b": "B"}
    world.serve(record("a", "A wieder da"), record("b", "B"))
    assert world.apply()["counts"]["reopened"] == 1
    assert seen(world, "a")["childcare"] is True


def test_a_missed_offer_stays_missed(world: World) -> None:
    pulled(world)
    world.serve(record("b", "B"))
    world.apply("guards: {shrink: off}\n")
    override(world, "a", "childcare", "true")
    last = [event.type for event in world.events() if event.subject == seen(world, "a")["offer_id"]][-2:]
    assert last == ["OfferRevised", "OfferMissed"]
    world.tomorrow(2)
    assert world.apply("guards: {shrink: off}\n")["counts"]["withdrawn"] == 1


def test_a_refused_content_stays_refused_whatever_is_set_over_it(world: World) -> None:
    pulled(world)
    override(world, "a", "childcare", "true")
    asking(world).withdraw(seen(world, "a"))
    world.ingest.carry_out_decisions(world.source())
    override(world, "a", "childcare", "false")
    world.tomorrow()
    assert world.apply()["counts"]["ignored"] == 1
    assert states(world) == {"b": "B"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("childcare", "yes"),
        ("age_from", "-5"),
        ("kind", "null"),
        ("texts.de.title", ""),
        ("valid_to", "soon"),
        ("place", '{"lon": 400, "lat": 1}'),
        ("place.shape", "round"),
        ("texts.de.description_text", "words"),
        ("texts.fr.summary", "sans titre"),
        ("contact_ids", "[]"),
        ("offer_id", "1"),
        ("licence", "CC0-1.0"),
        ("cost.amount", "-1"),
        ("starts", '[{"start": "2026-13-45"}]'),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_once(field: str, value: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_override(an_offer(), field, value, year=YEAR)
    assert field in str(refused.value)


def test_everything_that_a_source_can_say_can_be_set_but_whom_one_asks() -> None:
    assert (_SAYABLE | {"kind", "texts"}) - {"extra", "origin"} == FIELDS


def test_html_is_cleaned_and_its_plain_text_follows() -> None:
    offer = an_offer()
    value = check_override(offer, "texts.de.description_html", "<p>Neu<script>x()</script></p>", year=YEAR)
    shown = overridden(offer, {"texts.de.description_html": value}, year=YEAR)
    assert shown["texts"]["de"]["description_html"] == "<p>Neu</p>"
    assert shown["texts"]["de"]["description_text"] == "Neu"
    assert own_of(shown) == own_of(offer)


VALUES = {
    "childcare": "true",
    "cost": '{"amount": 3.5}',
    "cost.note": '"je Abend"',
    "place": "null",
    "place.town": '"Hattingen"',
    "texts.fr": '{"title": "Cours"}',
    "texts.fr.summary": '"Le soir"',
    "texts.de.description_html": '"<p>Neu</p>"',
    "registration.how": '"am Telefon"',
    "starts": "[]",
}


@given(
    fields=st.sets(st.sampled_from(sorted(VALUES))), more=st.sets(st.sampled_from(sorted(VALUES))), bare=st.booleans()
)
def test_whatever_is_set_can_be_taken_off_again(fields: set[str], more: set[str], bare: bool) -> None:
    less: dict[str, Any] = {"place": None, "cost": None, "registration": None} if bare else {}
    offer = an_offer(**less)
    once = overridden(offer, {name: VALUES[name] for name in fields}, year=YEAR)
    assert own_of(once) == own_of(offer)
    twice = overridden(once, {name: VALUES[name] for name in more}, year=YEAR)
    assert twice == overridden(offer, {name: VALUES[name] for name in more}, year=YEAR), "only what is set now counts"
    assert (twice["content_hash"] == offer["content_hash"]) == (not twice["overridden"])
    assert content_hash("offer", own_of(twice)) == offer["content_hash"]
    assert orjson.loads(orjson.dumps(twice))
