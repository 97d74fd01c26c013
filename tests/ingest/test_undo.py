"""Undo of a run: what is shown afterwards is what was shown before it, and the next pull does not bring it back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest.conftest import World, balanced
from tests.ingest.test_desk import asking, record, states
from verbund import sqlite
from verbund.errors import UnknownNameError
from verbund.ingest.folding import decision_run
from verbund.projection.runner import Runner
from verbund.views.offers import Offers, OffersView


def undo(world: World, run_id: str) -> dict[str, Any]:
    """Preview, ask, carry out; the preview."""
    seen = world.ingest.undo_preview(run_id)
    asking(world).undo(seen, refusals=seen["refusals"])
    world.ingest.carry_out_decisions(world.source())
    return seen


def undone_by(world: World) -> str:
    """Id of the run that took back another."""
    asked = [event for event in world.events() if event.type == "RunUndoAsked"]
    return decision_run(asked[-1].id)


def shown(world: World) -> dict[str, str | None]:
    """Content by record, as the view of offers has it; what is withdrawn is not shown."""
    memory = world.folder / "views.db"
    engine = sqlite.engine(memory)
    Runner([OffersView()], log=world.log, engine=engine).catch_up()
    found = {row.record_key: row.content_hash for row in Offers(engine).listing(state="live")}
    engine.dispose()
    return found


def actions(preview: dict[str, Any]) -> dict[str, str]:
    return {change["record_key"]: change["action"] for change in preview["changes"]}


def test_new_changed_and_missing_offers_are_as_before(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B", organisation="Verein", contacts=["x@example.org"]), record("c", "C"))
    world.apply()
    before = shown(world)
    world.tomorrow()
    world.serve(record("b", "B verdorben"), record("c", "C"), record("d", "D", organisation="Neu"))
    run = world.apply()
    seen = undo(world, run["run_id"])
    assert actions(seen) == {"a": "seen_again", "b": "revise", "d": "withdraw"}
    fields = next(change["fields"] for change in seen["changes"] if change["record_key"] == "b")
    assert fields["texts.de.title"] == ["B verdorben", "B"]
    assert shown(world) == before
    assert states(world) == {"a": "A", "b": "B", "c": "C"}


def test_the_next_pull_does_not_bring_it_back_until_it_is_lifted(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B"))
    world.apply()
    before = shown(world)
    world.tomorrow()
    world.serve(record("a", "A verdorben"), record("b", "B"), record("c", "C"))
    run = world.apply()
    undo(world, run["run_id"])
    for _ in range(2):
        world.tomorrow()
        counts = world.apply()["counts"]
        assert (counts["ignored"], counts["unchanged"]) == (2, 1)
        assert balanced(counts)
        assert shown(world) == before
    asking(world).lift(world.ingest.refusals("enr-list", run_id=undone_by(world)))
    world.tomorrow()
    counts = world.apply()["counts"]
    assert (counts["revised"], counts["reopened"]) == (1, 1)
    assert states(world) == {"a": "A verdorben", "b": "B", "c": "C"}


def test_a_correction_at_the_source_is_taken(world: World) -> None:
    world.serve(record("a", "A"))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A verdorben"))
    run = world.apply()
    undo(world, run["run_id"])
    world.tomorrow()
    world.serve(record("a", "A besser"))
    assert world.apply()["counts"]["revised"] == 1
    assert states(world) == {"a": "A besser"}


def test_contacts_and_organisations_come_back_with_the_offer_that_names_them(world: World) -> None:
    world.serve(record("a", "A", organisation="Verein", contacts=["x@example.org"]), record("b", "B"))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A"), record("b", "B", organisation="Anderer", contacts=["y@example.org"]))
    run = world.apply()
    assert {"OrganisationWithdrawn", "ContactWithdrawn"} <= set(world.types())
    undo(world, run["run_id"])
    related = {
        event.subject: event.type for event in world.events() if event.type.startswith(("Organisation", "Contact"))
    }
    first = next(event.data["offer"] for event in world.events() if event.type == "OfferPublished")
    assert related[first["organisation_id"]] == "OrganisationPublished"
    assert related[first["contact_ids"][0]] == "ContactPublished"
    assert sorted(related.values()) == [
        "ContactPublished",
        "ContactWithdrawn",
        "OrganisationPublished",
        "OrganisationWithdrawn",
    ]
    world.tomorrow()
    world.apply()
    related = {
        event.subject: event.type for event in world.events() if event.type.startswith(("Organisation", "Contact"))
    }
    assert related[first["contact_ids"][0]] == "ContactPublished", "the next pull leaves what is referred to"


def test_an_erased_contact_is_not_brought_back(world: World) -> None:
    world.serve(record("a", "A", contacts=["x@example.org"]))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A neu"))
    run = world.apply()
    (contact,) = {event.subject for event in world.events() if event.type == "ContactPublished"}
    world.keys.destroy(contact)
    undo(world, run["run_id"])
    assert states(world) == {"a": "A"}
    assert world.types().count("ContactPublished") == 1


def test_what_a_later_run_changed_again_is_said_and_stays(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B"))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A zwei"), record("b", "B zwei"))
    run = world.apply()
    world.tomorrow()
    world.serve(record("a", "A drei"), record("b", "B zwei"))
    world.apply()
    seen = undo(world, run["run_id"])
    assert [one["record_key"] for one in seen["later"]] == ["a"]
    assert states(world) == {"a": "A drei", "b": "B"}


def test_a_withdrawn_offer_lives_again_and_a_reopened_one_is_gone_as_before(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B"))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A"), record("b", "B", ours=True))
    first = world.apply()
    assert states(world) == {"a": "A"}
    undo(world, first["run_id"])
    assert states(world) == {"a": "A", "b": "B"}
    world.tomorrow()
    world.apply()
    assert states(world) == {"a": "A", "b": "B"}


def test_a_reopened_offer_is_withdrawn_for_its_old_reason(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B", ours=True))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A", ours=True), record("b", "B", ours=True))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A wieder"), record("b", "B", ours=True))
    run = world.apply()
    assert run["counts"]["reopened"] == 1
    undo(world, run["run_id"])
    assert states(world) == {}
    assert [event.data["reason"] for event in world.events() if event.type == "OfferWithdrawn"] == ["ours", "ours"]
    world.tomorrow()
    assert world.apply()["counts"]["ignored"] == 2


def test_an_undo_is_undone_the_same_way(world: World) -> None:
    world.serve(record("a", "A"), record("b", "B"))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "A zwei"), record("c", "C"))
    run = world.apply()
    after = shown(world)
    undo(world, run["run_id"])
    world.tomorrow()
    undo(world, undone_by(world))
    assert shown(world) == {**after, "b": after["b"]}
    assert world.ingest.refusals("enr-list") == [], "what a person brought back is no content of a source"
    world.tomorrow()
    assert world.apply()["counts"]["unchanged"] == 2
    assert shown(world) == after


def test_new_keys_of_the_same_offers_are_taken_back(world: World) -> None:
    old = [record(f"alt-{number}", f"Kurs {number}") for number in range(6)]
    new = [record(f"neu-{number}", f"Kurs {number}") for number in range(6)]
    world.serve(*old)
    world.apply()
    before = shown(world)
    world.tomorrow()
    world.serve(*new)
    world.apply()
    world.answer("allow_once")
    world.tomorrow()
    run = world.apply()
    assert world.types().count("OfferRekeyed") == 6
    assert set(shown(world)) == {one["key"] for one in new}
    undo(world, run["run_id"])
    assert shown(world) == before
    world.tomorrow()
    world.apply()
    assert shown(world) == before


def test_an_unknown_run_is_said(world: World) -> None:
    world.serve(record("a", "A"))
    world.apply()
    with pytest.raises(UnknownNameError):
        world.ingest.undo_preview("nothing")


FEEDS = st.lists(
    st.dictionaries(
        st.sampled_from("abcdef"),
        st.fixed_dictionaries(
            {"title": st.sampled_from(("Eins", "Zwei", "Drei"))},
            optional={
                "ours": st.just(True),
                "organisation": st.sampled_from(("Verein", "VHS")),
                "contacts": st.sampled_from((["x@example.org"], ["y@example.org", "z@example.org"])),
            },
        ),
    ),
    min_size=2,
    max_size=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(feeds=FEEDS, gaps=st.lists(st.sampled_from((0.1, 1.5)), min_size=4, max_size=4), lost=st.booleans())
def test_undo_restores_what_was_shown_and_survives_the_next_pull(
    make_world: Any, feeds: list[Any], gaps: list[float], lost: bool
) -> None:
    world = make_world()
    off = "guards: {empty: off, shrink: off, blanked: off, revise: off, growth: off, id_churn: off}\n"
    for feed, gap in zip(feeds, gaps, strict=False):
        before = shown(world)
        world.serve(*({"key": key, **fields} for key, fields in feed.items()))
        world.tomorrow(gap)
        run = world.apply(off)
    undo(world, run["run_id"])
    assert shown(world) == before
    if lost:
        world.ingest = world.new_ingest("another.db")
        world.ingest.carry_out_decisions(world.source(off))
        assert shown(world) == before
    world.tomorrow(0.1)
    assert balanced(world.apply(off)["counts"])
    assert shown(world) == before
