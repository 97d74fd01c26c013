"""Holds: a person answers, and exactly what was asked about changes."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest.conftest import World
from tests.ingest.test_guards import guards, live, records
from verbund.events import Recorded
from verbund.ingest.holds import members


def since(world: World, known: set[str]) -> list[Recorded]:
    return [event for event in world.events() if event.id not in known]


def ids(world: World) -> set[str]:
    return {event.id for event in world.events()}


def gone(world: World) -> set[str]:
    """Record keys that were withdrawn so far."""
    return {event.data["record_key"] for event in world.events() if event.type == "OfferWithdrawn"}


def answers(world: World) -> list[tuple[str, int]]:
    return [(event.data["answer"], event.data["released"]) for event in world.events() if event.type == "HoldAnswered"]


def halved(world: World) -> dict[str, Any]:
    """Twenty records, then ten."""
    world.serve(*records(20))
    world.apply()
    world.tomorrow()
    world.serve(*records(10))
    return world.apply()


def test_what_is_allowed_once_goes_at_once_less_what_came_back(world: World) -> None:
    halved(world)
    world.answer("allow_once")
    world.tomorrow()
    world.serve(*records(12))
    run = world.apply()
    assert gone(world) == {f"k{number:03}" for number in range(12, 20)}
    assert run["counts"]["withdrawn"] == 8
    assert answers(world) == [("allow_once", 8)]
    assert not run["held"]
    world.tomorrow()
    world.serve(*records(11))
    run = world.apply()
    assert run["counts"]["missed"] == 1, "what was allowed is not counted again"


def test_what_was_not_in_the_set_is_judged_anew(world: World) -> None:
    halved(world)
    world.answer("allow_once")
    world.tomorrow()
    world.serve(*records(5))
    run = world.apply()
    assert gone(world) == {f"k{number:03}" for number in range(10, 20)}
    assert guards(run) == ["shrink"]
    assert live(world) == 10


def test_a_rejected_set_stays_and_is_asked_again_only_when_it_grows(world: World) -> None:
    halved(world)
    world.answer("reject")
    for _ in range(3):
        world.tomorrow()
        run = world.apply()
        assert not run["held"]
        assert run["counts"]["missed"] == run["counts"]["withdrawn"] == 0
    assert world.types().count("RunHeld") == 1
    assert answers(world) == [("reject", 0)]
    world.tomorrow()
    world.serve(*records(9))
    run = world.apply()
    assert guards(run) == ["shrink"]
    assert world.types().count("RunHeld") == 2
    assert answers(world) == [("reject", 0), ("resolved", 0)]
    assert live(world) == 20


def test_who_rejected_a_set_may_change_their_mind(world: World) -> None:
    halved(world)
    world.answer("reject")
    world.serve(*records(12))
    world.apply()
    (hold,) = world.holds()
    world.answer_to(hold, "allow_once")
    world.tomorrow()
    run = world.apply()
    assert gone(world) == {f"k{number:03}" for number in range(12, 20)}
    assert run["counts"]["withdrawn"] == 8
    assert not world.holds()


def test_allowing_up_to_a_number_frees_a_set_that_is_no_larger(world: World) -> None:
    halved(world)
    world.answer("allow_up_to", up_to=10)
    world.tomorrow()
    run = world.apply()
    assert run["counts"]["withdrawn"] == 10
    assert answers(world) == [("allow_up_to", 10)]


def test_allowing_up_to_a_number_is_void_when_the_set_is_larger(world: World) -> None:
    halved(world)
    world.answer("allow_up_to", up_to=9)
    world.tomorrow()
    run = world.apply()
    assert run["counts"]["withdrawn"] == 0
    assert answers(world) == [("allow_up_to", 0)]
    assert guards(run) == ["shrink"]
    assert len({event.subject for event in world.events() if event.type == "RunHeld"}) == 2


def test_an_answer_waits_for_a_complete_run(world: World) -> None:
    halved(world)
    world.answer("allow_once")
    world.tomorrow()
    world.server.serve("/de.json", b"log in, please", status=503)
    run = world.apply()
    assert run["outcome"] == "failed"
    assert run["held"]
    assert not gone(world)
    world.serve(*records(10))
    assert world.apply()["counts"]["withdrawn"] == 10


def test_an_unanswered_hold_expires_and_is_asked_anew(world: World) -> None:
    halved(world)
    world.tomorrow(14)
    run = world.apply()
    assert answers(world) == [("expired", 0)]
    assert guards(run) == ["shrink"]
    assert live(world) == 20


def test_a_hold_says_in_both_languages_what_it_is_about(world: World) -> None:
    halved(world)
    (hold,) = world.holds()
    assert hold["message"]["en"].startswith("Of 20 offers of enr-list, 10 went missing")
    assert "20" in hold["message"]["de"]
    assert hold["message"]["de"] != hold["message"]["en"]
    assert hold["count"] == 10
    assert len(hold["examples"]) == 10
    assert hold["examples"][0] == {
        "action": "withdraw",
        "record_key": "k010",
        "offer_id": hold["examples"][0]["offer_id"],
        "title": "Deutsch 10",
        "like": None,
    }
    assert [key for _, key in members(world.archive, hold["set_digest"])] == [f"k{n:03}" for n in range(10, 20)]


def test_what_is_held_brings_no_organisation_and_no_contact(world: World) -> None:
    world.serve(*records(60))
    world.apply()
    world.serve(*records(60), *records(61, first=100, organisation="VHS", contacts=["a@example.org"]))
    for _ in range(2):
        run = world.apply()
        assert guards(run) == ["growth"]
        assert not [event for event in world.events() if event.type.startswith(("Organisation", "Contact"))]
    world.answer("allow_once")
    run = world.apply()
    assert run["counts"]["published"] == 61
    assert run["related"]["organisations"]["published"] == 1
    assert run["related"]["contacts"]["published"] == 61


def test_holds_are_folded_from_the_log_alone(world: World) -> None:
    halved(world)
    world.answer("allow_once")
    world.ingest = world.new_ingest("another.db")
    world.tomorrow()
    world.apply()
    assert gone(world) == {f"k{number:03}" for number in range(10, 20)}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(3, 40),
    left=st.sets(st.integers(0, 39)),
    changed=st.sets(st.integers(0, 39)),
    fresh=st.integers(0, 5),
    answer=st.sampled_from(["allow_once", "reject"]),
)
def test_only_what_is_at_risk_waits_and_an_answer_changes_exactly_its_set(
    make_world: Any, size: int, left: set[int], changed: set[int], fresh: int, answer: str
) -> None:
    world: World = make_world()
    before = records(size)
    world.serve(*before)
    world.apply()
    world.tomorrow()
    kept = [
        {**record, "title": f"{record['title']} neu"} if number in changed else record
        for number, record in enumerate(before)
        if number in left
    ]
    world.serve(*kept, *records(fresh, first=100))
    known = ids(world)
    world.apply()
    held = {
        member
        for event in since(world, known)
        if event.type == "RunHeld"
        for member in members(world.archive, event.data["set_digest"])
    }
    done = {
        event.data.get("offer", event.data)["record_key"]
        for event in since(world, known)
        if event.type in ("OfferMissed", "OfferRevised", "OfferPublished", "OfferWithdrawn")
    }
    absent = {record["key"] for number, record in enumerate(before) if number not in left}
    at_risk = (
        absent | {record["key"] for record in kept if record not in before} | {f"k{100 + n}" for n in range(fresh)}
    )
    assert {key for _, key in held}.isdisjoint(done), "held and done at once"
    assert {key for _, key in held} | done == at_risk, "whatever is no change is left alone, and nothing is lost"
    holds = world.holds()
    for hold in holds:
        world.answer_to(hold, answer)
    known = ids(world)
    world.apply()
    answered = {
        event.data.get("offer", event.data)["record_key"]
        for event in since(world, known)
        if event.type in ("OfferRevised", "OfferPublished", "OfferWithdrawn", "OfferMissed")
    }
    assert answered == ({key for _, key in held} if answer == "allow_once" else set())
