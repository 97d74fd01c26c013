"""Ids of events follow from what was decided."""

from __future__ import annotations

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from verbund.events import NAMESPACE, derived_id, event_id


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_derived_id_is_the_uuid5_of_its_name(name: str) -> None:
    assert derived_id(name) == str(uuid5(NAMESPACE, name))


def test_the_same_decision_has_the_same_id_and_another_one_has_another() -> None:
    assert event_id("a", "OfferRevised", 2, "x") == event_id("a", "OfferRevised", 2, "x")
    others = {
        event_id("b", "OfferRevised", 2, "x"),
        event_id("a", "OfferMissed", 2, "x"),
        event_id("a", "OfferRevised", 3, "x"),
    }
    assert len(others | {event_id("a", "OfferRevised", 2, "x"), event_id("a", "OfferRevised", 2, "y")}) == 5
