"""A run: what is delivered becomes events, and nothing is lost, doubled or withdrawn without proof."""

from __future__ import annotations

from typing import Any

import pytest

from tests.ingest.conftest import World, balanced
from verbund.errors import LockedError, LogUnusableError
from verbund.event_log.memory import MemoryEventLog
from verbund.ingest.lock import source_lock
from verbund.ingest.run import Run

A = {"key": "a", "title": "Deutsch A1"}
B = {"key": "b", "title": "Deutsch B1"}
C = {"key": "c", "title": "Fußball"}
AT_ONCE = "grace: {missing_runs: 1, missing_for: 0s}"


def test_a_first_pull_publishes_every_record(world: World) -> None:
    world.serve(A, B)
    run = world.apply()
    assert run["outcome"] == "complete"
    assert run["counts"]["published"] == run["counts"]["delivered"] == 2
    assert world.types() == ["SourceChanged", "OfferPublished", "OfferPublished", "RunFinished"]


def test_an_unchanged_pull_appends_one_event(world: World) -> None:
    world.serve(A, B)
    world.apply()
    before = len(world.events())
    run = world.apply()
    assert [event.type for event in world.events()][-1] == "RunFinished"
    assert len(world.events()) == before + 1
    assert run["counts"]["unchanged"] == 2 == run["counts"]["delivered"]


def test_an_unchanged_pull_without_conditional_requests_appends_one_event(world: World) -> None:
    world.serve(A, B, etag=False)
    world.apply()
    before = len(world.events())
    assert balanced(world.apply()["counts"])
    assert len(world.events()) == before + 1


def test_only_what_changed_is_revised(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A, {**B, "title": "Deutsch B2"})
    run = world.apply()
    assert (run["counts"]["revised"], run["counts"]["unchanged"]) == (1, 1)
    revised = [event for event in world.events() if event.type == "OfferRevised"]
    assert [(event.revision, event.data["offer"]["texts"]["de"]["title"]) for event in revised] == [(2, "Deutsch B2")]


def test_what_is_volatile_changes_nothing(world: World) -> None:
    world.serve({**A, "order": 1})
    world.apply()
    world.serve({**A, "order": 2})
    assert world.apply()["counts"]["unchanged"] == 1


def test_an_absent_record_is_missed_then_withdrawn_after_its_grace(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A)
    assert world.apply()["counts"]["missed"] == 1
    world.tomorrow(0.5)
    assert world.apply()["counts"]["withdrawn"] == 0, "two runs, but not yet 24 hours"
    world.tomorrow()
    run = world.apply()
    assert run["counts"]["withdrawn"] == 1
    gone = [event for event in world.events() if event.type == "OfferWithdrawn"]
    assert [event.data["reason"] for event in gone] == ["missing_from_complete_snapshot"]
    assert world.types().count("OfferMissed") == 1


def test_missing_long_but_in_one_run_only_is_no_withdrawal(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A)
    world.apply("grace: {missing_runs: 3, missing_for: 24h}")
    world.tomorrow(9)
    assert world.apply("grace: {missing_runs: 3, missing_for: 24h}")["counts"]["withdrawn"] == 0
    assert world.apply("grace: {missing_runs: 3, missing_for: 24h}")["counts"]["withdrawn"] == 1


def test_a_run_that_died_before_its_report_does_not_stop_the_count(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A)
    world.tomorrow()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Run, "_finish", _killed)
        with pytest.raises(KeyboardInterrupt):
            world.apply()
    assert (world.types().count("OfferMissed"), world.types().count("RunFinished")) == (1, 1)
    for day in range(2):
        world.tomorrow(1 + day)
        run = world.apply()
    assert run["counts"]["withdrawn"] == 1


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_missed_record_that_comes_back_is_seen_again(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A)
    world.apply()
    world.serve(A, B)
    run = world.apply()
    assert "OfferSeenAgain" in world.types()
    assert balanced(run["counts"])
    before = len(world.events())
    world.apply()
    assert len(world.events()) == before + 1


def test_a_withdrawn_record_that_comes_back_reopens_the_same_offer(world: World) -> None:
    world.serve(A, B)
    world.apply(AT_ONCE)
    world.serve(A)
    world.apply(AT_ONCE)
    world.serve(A, B)
    run = world.apply(AT_ONCE)
    assert run["counts"]["reopened"] == 1
    published = [e for e in world.events() if e.type == "OfferPublished" and e.data["offer"]["record_key"] == "b"]
    assert [event.revision for event in published] == [1, 3]
    assert len({event.subject for event in published}) == 1


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"status": 500}, "E2"),
        ({"status": 404}, "E2"),
        ({"cut_at": 20}, "E2"),
    ],
)
def test_a_source_in_trouble_withdraws_nothing(world: World, reply: dict[str, Any], reason: str) -> None:
    world.serve(A, B)
    world.apply(AT_ONCE)
    world.serve(A, **reply)
    run = world.apply(AT_ONCE)
    assert run["outcome"] == "failed"
    assert run["completeness"]["parts"][0]["reasons"][0].startswith(reason)
    assert run["counts"]["withdrawn"] == run["counts"]["missed"] == 0
    assert world.types()[-1] == "RunFinished"


def test_an_answer_that_is_not_the_feed_fails_its_part(world: World) -> None:
    world.serve(A)
    world.apply(AT_ONCE)
    world.server.serve("/de.json", b"<html>please log in</html>")
    run = world.apply(AT_ONCE)
    assert (run["outcome"], run["counts"]["withdrawn"]) == ("failed", 0)
    assert run["completeness"]["parts"][0]["reasons"] == ["not_json"]


def test_a_failed_part_keeps_what_it_delivered_before(world: World) -> None:
    world.serve(A, B)
    world.serve({**A, "title": "German A1"}, part="en")
    world.apply(AT_ONCE, parts=["de", "en"])
    world.serve(A, B, C)
    world.server.serve("/en.json", b"", status=500)
    run = world.apply(AT_ONCE, parts=["de", "en"])
    assert run["outcome"] == "partial"
    assert run["completeness"]["state"] == "failed"
    assert (run["counts"]["published"], run["counts"]["revised"]) == (1, 0)


def test_a_translation_that_is_gone_is_a_revision(world: World) -> None:
    world.serve(A, B)
    world.serve({**A, "title": "German A1"}, {**B, "title": "German B1"}, part="en")
    world.apply(parts=["de", "en"])
    world.serve({**B, "title": "German B1"}, part="en")
    run = world.apply(parts=["de", "en"])
    assert run["counts"]["revised"] == 1
    assert world.types().count("OfferRevised") == 1
    assert balanced(run["counts"])


def test_a_broken_record_is_rejected_and_the_rest_flows(world: World) -> None:
    world.serve(A, {"key": "bad", "mail": "anna@example.org"})
    run = world.apply()
    assert (run["counts"]["published"], run["counts"]["rejected"]) == (1, 1)
    [reject] = run["rejects"]
    assert (reject["record_key"], reject["rule"], reject["place"]) == ("bad", "title_missing", "title")
    assert "anna" not in str(reject["value"])
    assert world.archive.has(reject["raw_digest"])


def test_a_reject_is_an_event_only_when_it_changes(world: World) -> None:
    world.serve(A, {"key": "bad"})
    world.apply()
    world.serve(A, B, {"key": "bad"})
    report = world.ingest.apply(world.source())
    assert report.new_rejects == 0
    assert world.types().count("RecordRejected") == 1
    world.serve(A, B, {"key": "bad", "title": "Gut"})
    world.apply()
    assert world.types().count("RejectCleared") == 1


def test_the_last_good_version_of_a_broken_record_stays(world: World) -> None:
    world.serve(A, B)
    world.apply(AT_ONCE)
    world.serve(A, {"key": "b"})
    run = world.apply(AT_ONCE)
    assert (run["counts"]["rejected"], run["counts"]["withdrawn"]) == (1, 0)
    assert "OfferWithdrawn" not in world.types()


def test_something_without_a_key_suspends_absence(world: World) -> None:
    world.serve(A, B)
    world.apply(AT_ONCE)
    world.serve(A, {"title": "who am I"})
    run = world.apply(AT_ONCE)
    assert (run["counts"]["rejected"], run["counts"]["withdrawn"], run["counts"]["missed"]) == (1, 0, 0)
    before = len(world.events())
    world.apply(AT_ONCE)
    assert len(world.events()) == before + 1
    world.serve(A)
    run = world.apply(AT_ONCE)
    assert run["counts"]["withdrawn"] == 1
    assert world.types().count("RejectCleared") == 1


def test_a_tombstone_withdraws_at_once(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A, {"key": "b", "deleted": True})
    run = world.apply()
    assert run["counts"]["withdrawn_by_record"] == 1
    assert balanced(run["counts"])
    before = len(world.events())
    assert world.apply()["counts"]["withdrawn_by_record"] == 1
    assert len(world.events()) == before + 1


def test_an_older_version_is_stale(world: World) -> None:
    world.serve({**A, "modified": 9})
    world.apply()
    world.serve({**A, "modified": 8, "title": "old"})
    run = world.apply()
    assert (run["counts"]["ignored"], run["counts"]["revised"]) == (1, 0)


def test_what_came_from_us_is_ignored(world: World) -> None:
    world.serve({**A, "ours": True})
    assert world.apply()["counts"]["ignored"] == 1
    assert "OfferPublished" not in world.types()


def test_a_live_record_that_turns_out_to_be_ours_is_withdrawn(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve({**A, "ours": True}, B)
    run = world.apply()
    assert balanced(run["counts"])
    [gone] = [event for event in world.events() if event.type == "OfferWithdrawn"]
    assert (gone.data["record_key"], gone.data["reason"]) == ("a", "ours")
    before = len(world.events())
    assert balanced(world.apply()["counts"])
    assert len(world.events()) == before + 1


def test_an_offer_whose_time_has_passed_is_withdrawn_as_expired(world: World) -> None:
    world.serve({**A, "starts": ["2026-11-25T09:00:00Z"]}, B)
    world.apply()
    world.tomorrow(3)
    run = world.apply()
    gone = [event for event in world.events() if event.type == "OfferWithdrawn"]
    assert [event.data["reason"] for event in gone] == ["expired"]
    assert balanced(run["counts"])
    before = len(world.events())
    run = world.apply()
    assert run["counts"]["ignored"] == 1
    assert len(world.events()) == before + 1


def test_an_offer_that_was_past_when_it_came_stays_as_its_source_has_it(world: World) -> None:
    world.serve({**A, "starts": ["2018-10-02T09:00:00Z"]})
    world.apply()
    before = len(world.events())
    world.apply()
    assert len(world.events()) == before + 1


def test_organisations_and_contacts_come_before_their_offer_and_go_after_it(world: World) -> None:
    world.serve({**A, "organisation": "VHS", "contacts": ["a@example.org", "b@example.org"]}, B)
    run = world.apply(AT_ONCE)
    assert run["related"]["organisations"]["published"] == 1
    assert run["related"]["contacts"]["published"] == 2
    world.serve({**A, "organisation": "VHS", "contacts": ["a@example.org"]}, B)
    run = world.apply(AT_ONCE)
    assert run["related"]["contacts"]["withdrawn"] == 1
    world.serve(B)
    run = world.apply(AT_ONCE)
    assert run["related"]["organisations"]["withdrawn"] == 1
    assert run["related"]["contacts"]["withdrawn"] == 1


def test_no_contact_value_is_in_any_event(world: World) -> None:
    world.serve({**A, "contacts": ["canary-7731@example.org"]}, {"key": "bad", "mail": "canary-7731@example.org"})
    world.apply()
    assert all(b"canary-7731" not in event.body for event in world.events())


def test_an_unchanged_contact_is_no_event(world: World) -> None:
    world.serve({**A, "contacts": ["a@example.org"]})
    world.apply()
    world.serve({**A, "contacts": ["a@example.org"], "title": "Deutsch A2"})
    run = world.apply()
    assert run["related"]["contacts"] == {"published": 0, "revised": 0, "withdrawn": 0}


def test_lost_memory_is_folded_again_from_the_log(world: World) -> None:
    world.serve(A, B, {"key": "bad"})
    world.apply(AT_ONCE)
    before = len(world.events())
    world.ingest = world.new_ingest("other.db")
    run = world.apply(AT_ONCE)
    assert run["counts"]["unchanged"] == 2
    assert len(world.events()) == before + 1
    world.serve(A)
    world.ingest = world.new_ingest("third.db")
    assert world.apply(AT_ONCE)["counts"]["withdrawn"] == 1


def test_another_log_under_the_same_memory_is_refused(world: World) -> None:
    world.serve(A)
    world.apply()
    codec = world.events()[0].codec
    world.log = MemoryEventLog(codec=codec)
    world.ingest = world.new_ingest()
    with pytest.raises(LogUnusableError):
        world.apply()


def test_two_runs_of_one_source_do_not_start_at_once(world: World) -> None:
    world.serve(A)
    with source_lock(world.folder / "locks", "enr-list"), pytest.raises(LockedError):
        world.apply()


def test_a_plan_shows_the_change_set_and_touches_nothing(world: World) -> None:
    world.serve(A, B)
    world.apply(AT_ONCE)
    before = len(world.events())
    world.serve({**A, "title": "Deutsch A2"}, C)
    plan = world.ingest.plan(world.source(AT_ONCE))
    shown = {(change["action"], change["record_key"]) for change in plan.document["changes"]}
    assert shown == {("revise", "a"), ("publish", "c"), ("withdraw", "b")}
    [revised] = [change for change in plan.document["changes"] if change["action"] == "revise"]
    assert revised["fields"] == {"texts.de.title": ["Deutsch A1", "Deutsch A2"]}
    assert len(world.events()) == before
    run = world.apply(AT_ONCE)
    assert (run["counts"]["published"], run["counts"]["revised"], run["counts"]["withdrawn"]) == (1, 1, 1)


def test_a_reject_that_stands_is_no_change_of_a_plan(world: World) -> None:
    world.serve(A, {"key": "bad"})
    assert [change["action"] for change in world.ingest.plan(world.source()).document["changes"]] == [
        "publish",
        "reject",
    ]
    world.apply()
    assert not world.ingest.plan(world.source()).has_changes
    world.serve(A, {"key": "bad", "title": "Gut"})
    actions = [change["action"] for change in world.ingest.plan(world.source()).document["changes"]]
    assert actions == ["publish", "clear_reject"]


def test_a_removed_source_withdraws_everything(world: World) -> None:
    world.serve(A, B)
    world.apply()
    report = world.ingest.remove(world.source())
    assert report.document["counts"]["withdrawn"] == 2
    assert world.ingest.sources("05954") == []
    run = world.apply()
    assert run["counts"]["reopened"] == 2


def test_why_says_what_became_of_a_record(world: World) -> None:
    world.serve(A, {"key": "bad"})
    world.apply(AT_ONCE)
    why = world.ingest.why
    assert why("enr-list", "a")["outcome"] == "published"
    assert why("enr-list", "bad")["because"] == "title_missing at title"
    assert why("enr-list", "never")["outcome"] == "unknown"
    world.serve({"key": "bad"})
    world.apply(AT_ONCE)
    assert why("enr-list", "a")["outcome"] == "withdrawn"


def test_two_hubs_on_one_base_the_first_in_the_log_wins(world: World) -> None:
    world.serve(A, B)
    world.apply()
    world.serve(A, {**B, "title": "Deutsch B2"})
    other = world.new_ingest("elsewhere.db")
    assert other.apply(world.source()).document["counts"]["revised"] == 1
    run = world.apply()
    assert (run["counts"]["unchanged"], run["counts"]["conflicts"]) == (2, 0)
    assert world.types().count("OfferRevised") == 1


def test_what_is_over_by_its_dates_goes_without_a_pull(world: World) -> None:
    world.serve({"key": "a", "title": "Deutsch A1", "starts": ["2026-12-01T08:00:00Z"], "organisation": "VHS"}, B)
    world.apply()
    assert world.ingest.look_after(world.source()) == 0
    world.tomorrow(30)
    world.server.serve("/de.json", b"", status=503)
    known = {event.id for event in world.events()}
    assert world.ingest.look_after(world.source()) == 1
    fresh = {event.type: event.data for event in world.events() if event.id not in known}
    assert fresh.keys() == {"OfferWithdrawn", "OrganisationWithdrawn"}
    assert (fresh["OfferWithdrawn"]["reason"], fresh["OfferWithdrawn"]["record_key"]) == ("expired", "a")
    assert world.ingest.look_after(world.source()) == 0, "once"
    assert world.ingest.why("enr-list", "a")["because"] == "expired"
