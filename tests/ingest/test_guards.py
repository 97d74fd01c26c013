"""Guards: what looks like an accident of the feed waits for a person, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from tests.ingest.conftest import World, balanced

Records = Sequence[Mapping[str, Any]]


def records(count: int, *, first: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "key": f"k{number:03}",
            "title": f"Deutsch {number}",
            "starts": [f"2027-03-{number % 28 + 1:02}T08:00:00Z"],
            **more,
        }
        for number in range(first, first + count)
    ]


def guards(run: Mapping[str, Any]) -> list[str]:
    return [hold["guard"] for hold in run["holds"]]


def live(world: World) -> int:
    totals: dict[str, int] = world.events()[-1].data["totals"]
    return totals["live"] + totals["missed"]


def test_an_empty_list_withdraws_nothing_and_asks_once(world: World) -> None:
    world.serve(*records(5))
    world.apply()
    for _ in range(3):
        world.tomorrow()
        world.serve(etag=False)
        run = world.apply()
        assert guards(run) == ["empty"]
        assert run["held"]
        assert run["counts"]["missed"] == run["counts"]["withdrawn"] == 0
        assert live(world) == 5
    assert world.types().count("RunHeld") == 1
    assert world.types()[-2:] == ["RunFinished", "RunFinished"]


def test_what_comes_back_ends_its_hold(world: World) -> None:
    world.serve(*records(5))
    world.apply()
    world.serve()
    world.apply()
    world.tomorrow()
    world.serve(*records(5))
    run = world.apply()
    assert not run["held"]
    answered = [event.data["answer"] for event in world.events() if event.type == "HoldAnswered"]
    assert answered == ["resolved"]
    assert world.types().count("OfferPublished") == 5


def test_more_than_a_tenth_missing_is_held_and_the_rest_flows(world: World) -> None:
    world.serve(*records(20))
    world.apply()
    world.tomorrow()
    changed = {**records(20)[19], "title": "Deutsch neu"}
    world.serve(*records(20)[4:19], changed, *records(1, first=50))
    run = world.apply()
    assert guards(run) == ["shrink"]
    assert (run["counts"]["missed"], run["counts"]["revised"], run["counts"]["published"]) == (0, 1, 1)
    assert balanced(run["counts"])


def test_a_few_missing_of_many_are_everyday_life(world: World) -> None:
    world.serve(*records(20))
    world.apply()
    world.tomorrow()
    world.serve(*records(20)[3:])
    run = world.apply()
    assert not run["held"]
    assert run["counts"]["missed"] == 3


def test_a_small_source_holds_from_the_second_one(world: World) -> None:
    world.serve(*records(5))
    world.apply()
    world.tomorrow()
    world.serve(*records(5)[1:])
    assert world.apply()["counts"]["missed"] == 1
    world.tomorrow(0.5)
    world.serve(*records(5)[2:])
    run = world.apply()
    assert guards(run) == ["shrink"]
    assert run["counts"]["missed"] == 0


def test_slow_bleeding_is_noticed_before_anything_is_withdrawn(world: World) -> None:
    world.serve(*records(100))
    world.apply()
    withdrawn = 0
    for day in range(1, 8):
        world.tomorrow()
        world.serve(*records(100)[9 * day :])
        run = world.apply()
        withdrawn += run["counts"]["withdrawn"]
        assert run["held"] == (day > 1)
    assert withdrawn == 0
    assert live(world) == 100


def test_new_ids_for_old_records_are_proposed_as_such(world: World) -> None:
    world.serve(*records(6))
    world.apply()
    before = {event.subject for event in world.events() if event.type == "OfferPublished"}
    world.tomorrow()
    world.serve(*[{**record, "key": f"new-{record['key']}"} for record in records(6)])
    run = world.apply()
    assert guards(run) == ["id_churn"]
    assert run["counts"]["published"] == run["counts"]["missed"] == 0
    assert run["counts"]["held"] == 6
    held = next(event for event in world.events() if event.type == "RunHeld").data
    assert held["counts"] == {"publish": 6, "withdraw": 6}
    assert {(one["record_key"], one["like"]) for one in held["examples"]} >= {("k000", "new-k000")}
    world.answer("allow_once")
    world.tomorrow()
    run = world.apply()
    assert run["counts"]["withdrawn"] == run["counts"]["published"] == 0
    assert world.types().count("OfferRekeyed") == 6
    assert {event.subject for event in world.events() if event.type == "OfferRekeyed"} == before
    world.tomorrow()
    run = world.apply()
    assert run["counts"]["unchanged"] == 6
    assert not run["held"]


def test_most_offers_changed_at_once_is_held(world: World) -> None:
    world.serve(*records(30))
    world.apply()
    world.tomorrow()
    world.serve(*[{**record, "title": f"Spanisch {record['key']}"} for record in records(30)])
    run = world.apply()
    assert guards(run) == ["revise"]
    assert (run["counts"]["revised"], run["counts"]["held"]) == (0, 30)
    assert balanced(run["counts"])


def test_garbled_texts_are_held_and_sound_changes_flow(world: World) -> None:
    world.serve(*[{**record, "title": f"Fußball für {record['key']}"} for record in records(30)])
    world.apply()
    world.tomorrow()
    garbled = [{**record, "title": f"FuÃ\x9fball fÃ¼r {record['key']}"} for record in records(12)]
    sound = [{**record, "title": f"Fußball für {record['key']}"} for record in records(17, first=12)]
    world.serve(*garbled, *sound, {"key": "k029", "title": "Handball"})
    run = world.apply()
    assert guards(run) == ["blanked"]
    assert (run["counts"]["revised"], run["counts"]["held"]) == (1, 12)


def test_many_called_off_at_once_are_asked_about_and_a_few_are_not(world: World) -> None:
    world.serve(*records(30))
    world.apply()
    world.tomorrow()
    world.serve(*[{**record, "deleted": True} for record in records(3)], *records(27, first=3))
    run = world.apply()
    assert (run["counts"]["withdrawn_by_record"], run["held"]) == (3, False)
    world.tomorrow()
    world.serve(*[{**record, "deleted": True} for record in records(12)], *records(18, first=12))
    run = world.apply()
    assert guards(run) == ["shrink"]
    assert (run["counts"]["withdrawn_by_record"], run["counts"]["held"]) == (3, 9)
    assert balanced(run["counts"])


def test_a_language_that_is_switched_off_is_asked_about(world: World) -> None:
    world.serve(*records(4))
    world.serve(*records(6), part="en")
    world.apply(parts=["de", "en"])
    world.tomorrow()
    run = world.apply(parts=["de"])
    assert guards(run) == ["scope"]
    assert run["counts"]["missed"] == run["counts"]["revised"] == 0
    held = next(event for event in world.events() if event.type == "RunHeld").data
    assert held["counts"] == {"revise": 4, "withdraw": 2}
    world.tomorrow()
    assert guards(world.apply(parts=["de"])) == ["scope"], "asked until somebody answers"
    world.answer("allow_once")
    run = world.apply(parts=["de"])
    assert (run["counts"]["revised"], run["counts"]["withdrawn"]) == (4, 2)
    assert not run["held"]
    world.tomorrow()
    assert not world.apply(parts=["de"])["held"]


def test_an_edited_filter_is_no_deletion(world: World) -> None:
    world.serve(*records(10))
    world.apply()
    world.tomorrow()
    world.server.serve("/other/de.json", orjson.dumps(records(9)))
    run = world.apply(url=f"{world.server.url}/other")
    assert guards(run) == ["scope"]
    assert run["counts"]["missed"] == 0
    for _ in range(2):
        world.tomorrow()
        assert guards(world.apply(url=f"{world.server.url}/other")) == ["scope"]
    assert live(world) == 10


def test_twice_as_many_offers_at_once_wait(world: World) -> None:
    world.serve(*records(60))
    world.apply()
    world.tomorrow()
    world.serve(*records(130))
    run = world.apply()
    assert guards(run) == ["growth"]
    assert (run["counts"]["published"], run["counts"]["held"]) == (0, 70)


def test_another_districts_feed_changes_nothing(world: World) -> None:
    world.serve(*records(12))
    world.apply()
    world.tomorrow()
    world.serve(*[{"key": f"x{number}", "title": f"Töpfern {number}"} for number in range(12)])
    run = world.apply()
    assert guards(run) == ["growth", "shrink"]
    assert run["counts"]["published"] == run["counts"]["missed"] == 0


def test_records_without_a_key_keep_absence_open_for_a_week_then_ask(world: World) -> None:
    world.serve(*records(20))
    world.apply()
    world.serve(*records(19), {"title": "ohne Schlüssel"})
    for _ in range(6):
        world.tomorrow()
        run = world.apply()
        assert not run["held"]
        assert run["counts"]["missed"] == 0
    world.tomorrow()
    run = world.apply()
    assert guards(run) == ["suspended"]
    world.answer("allow_once")
    run = world.apply()
    assert run["counts"]["withdrawn"] == 1


@pytest.mark.parametrize("guard", ["shrink", "empty"])
def test_a_guard_can_be_switched_off(world: World, guard: str) -> None:
    world.serve(*records(12))
    world.apply()
    world.tomorrow()
    world.serve(*([] if guard == "empty" else records(2)))
    off = "guards: {shrink: off, empty: off}"
    assert world.apply(off)["counts"]["missed"] in (10, 12)


def test_a_plan_says_what_would_be_held_and_leaves_no_trace(world: World) -> None:
    world.serve(*records(20))
    world.apply()
    world.serve(*records(10))
    before = len(world.events())
    plan = world.ingest.plan(world.source()).document
    assert [hold["guard"] for hold in plan["would_hold"]] == ["shrink"]
    assert {change["action"] for change in plan["changes"]} == {"hold"}
    assert len(world.events()) == before
