"""A saved plan is carried out exactly, or refused; a mapping is tried on what came before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingest.conftest import World
from tests.ingest.test_guards import records
from tests.ingest.test_holds import ids, since
from verbund.errors import BaseMovedError, RawGoneError, UsageError
from verbund.ingest.saved_plan import SavedPlan, compared, read_plan


def saved(world: World, text: str = "", **more: Any) -> SavedPlan:
    """A plan, through its file."""
    file = world.folder / "plan.json"
    file.write_bytes(orjson.dumps(world.ingest.plan(world.source(text, **more)).document))
    return read_plan(file)


def planned(world: World) -> dict[str, str]:
    document = orjson.loads((world.folder / "plan.json").read_bytes())
    return {change["record_key"]: change["action"] for change in document["changes"]}


ACTIONS = {
    "OfferPublished": "publish", "OfferRevised": "revise", "OfferMissed": "miss", "OfferWithdrawn": "withdraw",
    "OfferSeenAgain": "seen_again",
}  # fmt: skip


def done(world: World, known: set[str]) -> dict[str, str]:
    return {
        event.data.get("offer", event.data)["record_key"]: ACTIONS[event.type]
        for event in since(world, known)
        if event.type in ACTIONS
    }


def test_a_saved_plan_carries_out_what_was_seen_though_the_source_has_moved_on(world: World) -> None:
    world.serve(*records(3))
    world.apply()
    world.serve(*records(5))
    plan = saved(world)
    world.serve(*records(50))
    world.tomorrow()
    known = ids(world)
    run = world.ingest.apply_plan(plan, world.source()).document
    assert run["counts"]["published"] == 2
    assert done(world, known) == planned(world)
    assert world.apply()["counts"]["published"] == 45


def test_time_is_that_of_the_plan(world: World) -> None:
    world.serve({"key": "a", "title": "A", "starts": ["2026-11-24T10:00:00Z"]}, {"key": "b", "title": "B"})
    plan = saved(world)
    world.tomorrow(30)
    run = world.ingest.apply_plan(plan, world.source()).document
    assert run["counts"]["published"] == 2
    assert run["counts"]["withdrawn"] == 0


@pytest.mark.parametrize("moved", ["events", "file", "answer"])
def test_a_plan_whose_base_has_moved_is_refused_and_nothing_is_written(world: World, moved: str) -> None:
    world.serve(*records(20))
    world.apply()
    world.serve(*records(8))
    plan = saved(world)
    text = ""
    if moved == "events":
        world.serve(*records(21))
        world.apply()
    elif moved == "answer":
        world.apply()
        plan = saved(world)
        world.answer("reject")
    else:
        text = "title: Another"
    known = ids(world)
    with pytest.raises(BaseMovedError):
        world.ingest.apply_plan(plan, world.source(text))
    assert not since(world, known)


def test_a_plan_whose_payloads_are_gone_is_refused(world: World) -> None:
    world.serve(*records(3))
    plan = saved(world)
    for digest in list(world.archive.digests()):
        world.archive.discard(digest)
    with pytest.raises(RawGoneError):
        world.ingest.apply_plan(plan, world.source())


def test_a_failed_part_fails_again_in_the_carrying_out(world: World) -> None:
    world.serve(*records(3))
    world.server.serve("/en.json", b"", status=503)
    plan = saved(world, parts=["de", "en"])
    world.serve(*records(3), part="en")
    run = world.ingest.apply_plan(plan, world.source(parts=["de", "en"])).document
    assert run["outcome"] == "partial"


def test_what_is_no_plan_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError):
        read_plan(tmp_path / "x.json")


def test_planning_leaves_what_is_known_of_the_source_alone(world: World) -> None:
    world.serve(*records(20))
    world.apply()
    world.serve(*records(19), {"key": "k019", "title": "Anders"})
    first = world.ingest.plan(world.source()).document
    second = world.ingest.plan(world.source()).document
    assert first["digest"] == second["digest"]
    assert first["counts"]["revised"] == 1
    assert world.apply()["counts"]["revised"] == 1


def test_two_plans_are_compared_by_record(world: World) -> None:
    world.serve(*records(2))
    before = world.ingest.plan(world.source()).document
    world.serve({"key": "k000", "title": "Anders"}, *records(1, first=5))
    after = world.ingest.plan(world.source()).document
    difference = compared(before, after)
    assert [change["record_key"] for change in difference["added"]] == ["k005"]
    assert [change["record_key"] for change in difference["dropped"]] == ["k001"]
    assert [change["record_key"] for change in difference["different"]] == ["k000"]


def test_a_new_mapping_is_tried_on_what_came_before(world: World) -> None:
    start = world.now
    world.serve(*records(3))
    world.apply()
    world.tomorrow()
    world.serve(*records(2), {"key": "k002", "title": "Neu"})
    world.apply()
    known = ids(world)
    world.server.serve("/de.json", b"", status=503)
    same = world.ingest.replay(world.source(), since=start).document
    assert same["changes"] == []
    other = world.ingest.replay(world.source("attribution: Landkreis"), since=start).document
    assert other["changes"] == [], "who is named is no content"
    assert not since(world, known)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.sets(st.integers(0, 30), min_size=1),
    after=st.sets(st.integers(0, 30)),
    changed=st.sets(st.integers(0, 30)),
    days=st.integers(0, 20),
)
def test_what_is_applied_is_what_was_planned(
    make_world: Any, before: set[int], after: set[int], changed: set[int], days: int
) -> None:
    world: World = make_world()
    everything = records(31)
    world.serve(*[everything[number] for number in sorted(before)])
    world.apply()
    world.tomorrow()
    world.serve(*[{**everything[n], "title": "Neu"} if n in changed else everything[n] for n in sorted(after)])
    plan = saved(world)
    world.serve(*everything)
    world.tomorrow(days)
    known = ids(world)
    world.ingest.apply_plan(plan, world.source())
    assert done(world, known) == {key: action for key, action in planned(world).items() if action != "hold"}
