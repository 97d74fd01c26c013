"""Pages about holds: the question, what the answers do, and the form."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.web.conftest import NOW
from tests.web.holding import COURSE, DIGEST, HOLD, a_hold, an_end
from tests.web.test_doors import decisions
from tests.web.test_pages import Page, test_every_page_keeps_the_rules_of_access
from verbund.web.holds_pages import pieces

PAGES = ["/{}/holds", "/{}/holds?all=true", f"/{{}}/holds/{HOLD}", f"/{{}}/holds/{HOLD}/records", "/{}/sources", "/{}/sources/enr-kurse"]  # fmt: skip


def members(_digest):
    return iter([("withdraw", f"kurs-{number}") for number in range(1, 251)])


@pytest.fixture(name="held")
def _held(site):
    site.add(a_hold(count=250, counts={"withdraw": 250}))
    return site


def send(client, secret, language="en", **fields):
    return client.post(f"/{language}/holds/{HOLD}", data={"key": secret, "set_digest": DIGEST, **fields})


@pytest.mark.parametrize("language", ["de", "en"])
def test_pages_about_holds_keep_the_rules_of_access(held, language, monkeypatch):
    monkeypatch.setattr("tests.web.test_pages.PAGES", [*PAGES, f"/{{}}/offers/{COURSE}"])
    test_every_page_keeps_the_rules_of_access(held.desk(set_of=members), language)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ("Es fehlen 8 von 20 Angeboten.", "wartet auf Antwort", "würde zurückgezogen: 250", "Läuft ab", "Einmal erlauben", "Diese Menge durchlassen, einmal")),
        ("en", ("8 of 20 offers are missing.", "waits for an answer", "would be withdrawn: 250", "Expires", "Allow once", "Let this set through, once")),
    ],
)  # fmt: skip
def test_a_question_says_what_it_is_about_and_what_the_answers_do(held, language, words):
    page = Page(held.desk().get(f"/{language}/holds/{HOLD}").text)
    for word in words:
        assert word in page.text, word
    assert f"verbund hold allow {HOLD[:8]} --once" in page.text
    links = [link.get("href") for link in page.all("a")]
    assert f"/{language}/offers/{COURSE}" in links and f"/{language}/holds/{HOLD}/records" in links
    (key,) = [field for field in page.all("input") if field["name"] == "key"]
    assert (key["type"], key["autocomplete"], key.get("value")) == ("password", "off", None)
    (form,) = page.all("form")
    assert (form["method"], form["action"]) == ("post", f"/{language}/holds/{HOLD}")


def test_where_no_answers_are_taken_only_the_command_is_shown(held):
    page = Page(held.client().get(f"/en/holds/{HOLD}").text)
    assert page.all("form") == [] and "verbund hold reject" in page.text


def test_sources_and_offers_lead_to_the_question(held):
    client = held.desk()
    for address in ("/en/sources", "/en/sources/enr-kurse", f"/en/offers/{COURSE}", "/en/holds"):
        page = Page(client.get(address).text)
        assert f"/en/holds/{HOLD}" in [link.get("href") for link in page.all("a")], address
        assert "8 of 20 offers are missing." in page.text
    assert "1 question waits for a person" in Page(client.get("/en/sources").text).text


def test_an_offer_beyond_the_examples_knows_its_question_too(site):
    site.add(a_hold(count=250, examples=[]))
    assert HOLD not in site.client().get(f"/en/offers/{COURSE}").text
    assert HOLD in site.client(set_of=members).get(f"/en/offers/{COURSE}").text
    site.add(an_end("allow_once"))
    assert HOLD not in site.client(set_of=members).get(f"/en/offers/{COURSE}").text


def test_a_rejected_question_is_told_as_such_and_only_the_newest_of_a_guard(held):
    held.add(an_end("reject"))
    page = Page(held.client().get(f"/en/offers/{COURSE}").text)
    assert "A change of this offer was rejected" in page.text and "waits for a person" not in page.text
    newer = HOLD.replace("3", "4")
    held.add(a_hold(newer, at=NOW + timedelta(days=1), run_id=newer))
    links = [str(link.get("href")) for link in Page(held.client().get(f"/en/offers/{COURSE}").text).all("a")]
    assert [link for link in links if "/holds/" in link] == [f"/en/holds/{newer}"]


def test_an_offer_that_is_in_no_set_says_nothing(held):
    assert "waits for a person" not in held.client(set_of=lambda _digest: iter([])).get("/en/?q=fußball").text


def test_the_whole_set_has_pages(held):
    client = held.desk(set_of=members)
    seen, address = 0, f"/en/holds/{HOLD}/records"
    while address:
        page = Page(client.get(address).text)
        seen += len(page.all("tr")) - 1
        following = [link["href"] for link in page.all("a") if link.get("rel") == "next"]
        address = f"/en/holds/{HOLD}/records{following[0]}" if following else ""
    assert seen == 250
    assert held.desk().get(f"/en/holds/{HOLD}/records").status_code == 410


def test_an_answer_is_shown_at_once_and_reloading_sends_nothing(held):
    client, secret = held.desk(), held.key("office", "05954")
    sent = send(client, secret, answer="allow_up_to", up_to="12", note="Ferien vorbei")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/en/holds/{HOLD}")
    page = Page(client.get(sent.headers["location"]).text)
    assert "The answer is written down" in page.text and "by office" in page.text and "(12)" in page.text
    assert page.all("form") == [] and "Ferien" not in page.text
    (event,) = decisions(held)
    assert (event.data["answer"], event.data["up_to"], event.data["note"]) == ("allow_up_to", 12, "Ferien vorbei")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 422),
        ({"answer": "yes"}, 422),
        ({"answer": "allow_up_to", "up_to": ""}, 422),
        ({"answer": "allow_up_to", "up_to": "many"}, 422),
        ({"answer": "reject", "note": "x" * 501}, 422),
        ({"answer": "reject", "set_digest": "cd" * 32}, 409),
    ],
)
def test_what_cannot_be_taken_is_said_on_the_page_and_the_rest_kept(held, fields, status):
    answer = send(held.desk(), held.key(), **{"note": "Anruf", **fields})
    page = Page(answer.text)
    assert answer.status_code == status and "Nothing was written down" in page.text
    kept = {field["name"]: field.get("value") for field in page.all("input") if field["name"] in ("note", "key")}
    assert kept == {"note": fields.get("note", "Anruf"), "key": None}
    assert decisions(held) == []


def test_a_number_left_over_from_a_change_of_mind_does_no_harm(held):
    assert send(held.desk(), held.key(), answer="reject", up_to="5").status_code == 303
    assert decisions(held)[0].data["up_to"] is None


def test_what_people_type_is_shown_as_text(held):
    answer = send(held.desk(), "vbk_wrong", answer="reject", note='"><script>alert(1)</script>')
    assert "<script" not in answer.text and answer.status_code == 401
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("allow_once", "Let through once"),
        ("resolved", "The cause is gone"),
        ("expired", "Nobody answered in time"),
        ("reject", "You may still let it through"),
    ],
)
def test_the_end_of_a_hold_is_told(held, ending, words):
    held.add(an_end(ending, by="office" if ending in ("allow_once", "reject") else None, released=3))
    client = held.desk()
    page = Page(client.get(f"/en/holds/{HOLD}").text)
    assert words in page.text and "3 changes were carried out" in page.text
    assert bool(page.all("form")) == (ending == "reject")
    assert HOLD not in client.get("/en/holds").text and HOLD in client.get("/en/holds?all=true").text


def test_reminders_are_told_where_people_are_reminded(held):
    assert "Reminders" not in Page(held.desk().get(f"/en/holds/{HOLD}").text).text
    client = held.desk(reminding=True)
    page = Page(client.get(f"/en/holds/{HOLD}").text)
    assert "Fri, 4 Sept 2026; Fri, 11 Sept 2026; Mon, 14 Sept 2026" in " ".join(page.text.split())
    held.add(an_end("resolved"))
    assert client.get(f"/v1/holds/{HOLD}").json()["reminders"] == []


def test_an_expired_question_takes_no_answer(held):
    client = held.desk(clock=lambda: NOW + timedelta(days=15))
    page = Page(client.get(f"/en/holds/{HOLD}").text)
    assert "Nobody answered in time" in page.text and page.all("form") == []
    assert send(client, held.key(), answer="reject").status_code == 409


def test_an_unknown_hold_is_not_found(site):
    other = HOLD.replace("3", "4")
    for address in (f"/de/holds/{other}", f"/de/holds/{other}/records"):
        assert site.desk().get(address).status_code == 404


def test_the_text_of_a_guard_comes_in_pieces():
    text = "Guards against\nloss.\n\n- When: `x`\n  and more.\n- Held: all.\n\nEnd."
    assert pieces(text) == [("p", "Guards against loss."), ("li", "When: `x` and more."), ("li", "Held: all."), ("p", "End.")]  # fmt: skip
