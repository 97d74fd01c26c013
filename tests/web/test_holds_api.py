"""Holds over the API: the question, the set, the answer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.conftest import NOW
from tests.web.holding import COURSE, DIGEST, HOLD, a_hold, an_end
from tests.web.test_doors import as_key, decisions
from verbund.errors import RawGoneError
from verbund.testing.builders import an_event

ANSWER = f"/v1/holds/{HOLD}/answer"
OTHER = "4f0a8f52-64a4-5b0e-9f55-0c4d2b0a9d12"


@pytest.fixture(name="held")
def _held(site):
    site.add(a_hold())
    return site


def give(client, secret, body, **wishes):
    return client.post(ANSWER, json=body, headers={**as_key(secret), "Accept-Language": "en", **wishes})


def test_a_hold_is_a_question_with_counts_and_examples(held):
    client = held.client()
    (listed,) = client.get("/v1/holds?lang=en").json()["items"]
    one = client.get(f"/v1/holds/{HOLD}?lang=de").json()
    assert (listed["sentence"], one["sentence"]) == ("8 of 20 offers are missing.", "Es fehlen 8 von 20 Angeboten.")
    assert (one["state"], one["guard_label"], one["counts"]) == ("open", "Zu viele fehlen", {"miss": 8})
    assert one["examples"][0]["offer_id"] == COURSE
    assert one["expires"] == "2026-09-15T12:00:00Z"


def test_the_list_is_narrowed_and_paged_and_has_what_is_over_on_demand(held):
    held.add(a_hold(OTHER, at=NOW + timedelta(hours=1), run_id=OTHER), an_end("resolved", OTHER))
    client = held.client()
    assert [one["hold_id"] for one in client.get("/v1/holds").json()["items"]] == [HOLD]
    every = client.get("/v1/holds?all=true").json()
    assert [(one["hold_id"], one["state"]) for one in every["items"]] == [(HOLD, "open"), (OTHER, "closed")]
    assert client.get("/v1/holds?all=true&limit=1&skip=1").json()["items"][0]["hold_id"] == OTHER
    assert client.get("/v1/holds?source=another").json() == {"total": 0, "items": []}
    assert client.get("/v1/holds?district=05954").json()["total"] == 1


def test_the_whole_set_comes_in_pages_with_the_offers_it_is_about(held):
    members = [("miss", f"kurs-{number}") for number in range(1, 9)]

    def set_of(digest):
        assert digest == DIGEST
        return iter(members)

    client = held.client(set_of=set_of)
    seen, address = [], f"/v1/holds/{HOLD}/records?limit=3"
    while address:
        page = client.get(address).json()
        assert page["total"] == 8
        seen += page["items"]
        address = page["next"]
    assert [(one["action"], one["record_key"]) for one in seen] == members
    assert (seen[0]["offer_id"], seen[0]["title"]) == (COURSE, "Deutsch B1.1 am Vormittag")
    assert seen[1]["offer_id"] is None


def test_a_set_that_is_not_kept_here_is_said_to_be_elsewhere(held):
    def gone(digest):
        raise RawGoneError("gone")

    for client in (held.client(), held.client(set_of=gone)):
        answer = client.get(f"/v1/holds/{HOLD}/records?lang=en")
        assert answer.status_code == 410 and "verbund hold show" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [{"answer": "allow_once"}, {"answer": "allow_up_to", "up_to": 5}, {"answer": "reject", "note": "Ferien"}]
)
def test_an_answer_is_an_event_with_the_name_of_the_key(held, body):
    answer = give(held.desk(), held.key("office", "05954"), {**body, "set_digest": DIGEST})
    assert answer.status_code == 202
    assert (answer.json()["state"], answer.json()["by"], answer.json()["soon"]) == ("answered", "office", True)
    assert "written down" in answer.json()["next"]
    (event,) = decisions(held)
    assert event.topic == "desk.05954" and event.subject == HOLD
    said = {name: event.data[name] for name in ("answer", "up_to", "note", "by", "set_digest", "guard", "source")}
    assert said == {
        "up_to": None, "note": "", **body, "by": "office", "set_digest": DIGEST, "guard": "shrink", "source": "enr-kurse"
    }  # fmt: skip
    assert held.hurried == ["enr-kurse"]


def test_the_same_answer_twice_is_one_decision_and_another_one_a_conflict(held):
    client, secret = held.desk(), held.key("office", "05954")
    first = give(client, secret, {"answer": "allow_once"}, **{"Idempotency-Key": "1"})
    assert give(client, secret, {"answer": "allow_once"}, **{"Idempotency-Key": "1"}).json() == first.json()
    for caught_up in (False, True):  # the view may not have read the decision yet
        if caught_up:
            held.catch_up()
        assert give(client, secret, {"answer": "allow_once"}).status_code == 202
        other = give(client, held.key(f"agency-{caught_up}".lower()), {"answer": "reject"})
        assert other.status_code == 409
        assert "office" in other.json()["detail"] and HOLD in other.json()["detail"]
        assert client.get(f"/v1/holds/{HOLD}").json()["state"] == "answered"
    assert len(decisions(held)) == 1


def test_a_number_other_than_the_first_is_another_answer(held):
    client, secret = held.desk(), held.key()
    assert give(client, secret, {"answer": "allow_up_to", "up_to": 5}).status_code == 202
    assert give(client, secret, {"answer": "allow_up_to", "up_to": 6}).status_code == 409


@pytest.mark.parametrize("ending", ["resolved", "expired", "allow_once"])
def test_a_hold_that_is_over_takes_no_answer_and_says_why(held, ending):
    held.add(an_end(ending, by="cli"))
    said = {"answer": "allow_up_to", "up_to": 3}
    answer = give(held.desk(), held.key(), said)
    assert answer.status_code == 409 and HOLD in answer.json()["detail"]
    german = held.desk().post(ANSWER, json=said, headers={**as_key(held.key("second")), "Accept-Language": "de"})
    assert german.json()["detail"] != answer.json()["detail"]
    assert decisions(held) == []


def test_who_rejected_a_set_may_change_their_mind_later(held):
    client, secret = held.desk(), held.key("office", "05954")
    assert give(client, secret, {"answer": "reject"}).status_code == 202
    assert give(client, secret, {"answer": "allow_once"}).status_code == 409  # the next run has to take it first
    held.catch_up()
    held.add(an_end("reject", by="office"))
    assert client.get(f"/v1/holds/{HOLD}").json()["state"] == "rejected"
    assert give(client, secret, {"answer": "reject"}).json()["state"] == "rejected"
    later = held.desk(clock=lambda: NOW + timedelta(days=60))
    assert give(later, secret, {"answer": "allow_once"}).json()["state"] == "answered"
    assert [one.data["answer"] for one in decisions(held)] == ["reject", "allow_once"]


def test_an_answer_that_was_carried_out_may_be_sent_again(held):
    held.add(an_end("allow_once", by="office", released=8))
    answer = give(held.desk(), held.key(), {"answer": "allow_once"})
    assert (answer.status_code, answer.json()["state"], answer.json()["soon"]) == (202, "closed", False)
    assert decisions(held) == [] and held.hurried == []


def test_an_expired_hold_takes_no_answer_before_a_run_has_said_so(held):
    later = held.desk(clock=lambda: NOW + timedelta(days=15))
    answer = give(later, held.key(), {"answer": "allow_once"})
    assert answer.status_code == 409 and "expired" in answer.json()["detail"]
    assert later.get(f"/v1/holds/{HOLD}").json()["state"] == "expired"
    assert decisions(held) == []


def test_a_set_that_changed_since_it_was_seen_is_looked_at_again(held):
    held.add(a_hold(digest="cd" * 32, run_id=OTHER))
    answer = give(held.desk(), held.key(), {"answer": "allow_once", "set_digest": DIGEST})
    assert answer.status_code == 409 and "look again" in answer.json()["detail"]
    assert give(held.desk(), held.key("second"), {"answer": "allow_once"}).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"answer": "yes"},
        {"answer": "expired"},
        {"answer": "allow_up_to"},
        {"answer": "allow_up_to", "up_to": 0},
        {"answer": "reject", "up_to": 3},
        {"answer": "reject", "note": "x" * 501},
        {"answer": "reject", "by": "somebody else"},
    ],
)
def test_an_answer_that_cannot_be_is_refused(held, body):
    answer = give(held.desk(), held.key(), body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert decisions(held) == []


def test_an_unknown_hold_is_a_problem_in_the_language_of_the_reader(site):
    client, secret = site.desk(), site.key()
    for address in (f"/v1/holds/{OTHER}", f"/v1/holds/{OTHER}/records"):
        assert client.get(address, headers={"Accept-Language": "de"}).json()["detail"] == "Es gibt keinen Halt mit dieser Kennung."  # fmt: skip
    answer = client.post(f"/v1/holds/{OTHER}/answer", json={"answer": "reject"}, headers=as_key(secret))
    assert answer.status_code == 404


def test_the_note_is_for_those_who_may_answer(held):
    client = held.desk()
    office, neighbour = held.key("office", "05954"), held.key("neighbour", "05124")
    give(client, office, {"answer": "reject", "note": "Gespräch mit der Schule"})
    held.catch_up()
    assert client.get(f"/v1/holds/{HOLD}", headers=as_key(office)).json()["note"] == "Gespräch mit der Schule"
    nobody: dict[str, str] = {}
    for headers in (nobody, as_key(neighbour)):
        answer = client.get(f"/v1/holds/{HOLD}", headers=headers)
        assert (answer.status_code, answer.json()["note"]) == (200, None)
        assert "Gespräch" not in client.get("/v1/holds", headers=headers).text
    assert client.get(f"/v1/holds/{HOLD}", headers=as_key("vbk_x")).status_code == 401


def test_a_decision_by_command_counts_like_one_with_a_key(held):
    held.add(
        an_event("HoldDecided", hold_id=HOLD, guard="shrink", set_digest=DIGEST, answer="reject", by="cli", note="")
    )
    answer = give(held.desk(), held.key(), {"answer": "allow_once"})
    assert answer.status_code == 409 and "cli" in answer.json()["detail"]
