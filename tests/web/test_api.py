"""The REST API."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy.exc import OperationalError

from tests.web.conftest import NOW
from verbund.errors import LogUnavailableError
from verbund.testing.builders import an_event, an_offer
from verbund.views.search import SearchIndex
from verbund.web import models
from verbund.web.examples import VALUES

COURSE = an_offer()["offer_id"]
SPORT = an_offer(record_key="sport-1")["offer_id"]
CLOSED = an_offer(record_key="closed-1")["offer_id"]
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_offers_are_found_with_exact_counts(client):
    answer = client.get("/v1/offers", params={"q": "deutsch b1"}).json()
    assert answer["total"] == 1
    (item,) = answer["items"]
    assert item["offer_id"] == COURSE
    assert item["organisation"] == "Volkshochschule Ennepe-Ruhr-Süd"
    assert item["next_start"] == "2026-10-05T07:00:00Z"
    assert item["marks"]["title"][0] == ["Deutsch", True]
    assert answer["facets"]["kind"] == [{"value": "course", "label": "Kurs", "count": 1}]


def test_all_filters_of_the_query_are_parameters(client):
    wishes = {
        "q": "deutsch", "district": "05954", "neighbours": "true", "near": "7.29,51.28", "radius_km": "5",
        "from": "2026-10-01", "to": "2026-10-31", "level": "B1", "language": "de", "category": "language",
        "target_group": "refugees", "kind": "course", "free": "paid", "source": "enr-kurse", "order": "start", "limit": "5",
    }  # fmt: skip
    assert {item["offer_id"] for item in client.get("/v1/offers", params=wishes).json()["items"]} == {COURSE, CLOSED}


@pytest.mark.parametrize(
    ("wishes", "word"),
    [
        ({"kindd": "course"}, "kindd"),
        ({"kind": "curse"}, "curse"),
        ({"district": "99999"}, "99999"),
        ({"near": "51.28"}, "near"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"from": "2026-10-01", "to": "2026-09-01"}, "swap"),
        ({"level": "Z9"}, "Z9"),
        ({"from": "soon"}, "from"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(client, wishes, word):
    answer = client.get("/v1/offers", params=wishes, headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.json()["detail"]


def test_paging_shows_every_offer_once(site):
    site.add(*(an_event("OfferPublished", record_key=f"k{number}") for number in range(25)))
    client = site.client()
    for order in ("rank", "start", "changed"):
        seen, address = [], f"/v1/offers?limit=7&order={order}&q=deutsch%20b1"
        while address:
            page = client.get(address).json()
            assert page["total"] == 26
            seen += [item["offer_id"] for item in page["items"]]
            address = page["next"]
        assert len(seen) == len(set(seen)) == 26


def test_titles_come_in_the_language_of_the_reader_else_german(client):
    english = client.get("/v1/offers", headers={"Accept-Language": "fr, en;q=0.5"}).json()
    titles = {item["offer_id"]: item["title"] for item in english["items"]}
    assert titles == {COURSE: "German B1.1 in the morning", SPORT: "Fußball für Mädchen", CLOSED: "Nur hier zu sehen"}


def test_one_offer_is_the_whole_record_and_where_it_stands(client):
    offer = client.get(f"/v1/offers/{COURSE}").json()
    assert offer["texts"]["en"]["translation"] == "machine"
    assert offer["starts"][0]["seats_free"] == 6
    assert (offer["state"], offer["revision"], offer["passed_on"]) == ("live", 1, True)
    assert offer["first_seen"] and offer["last_seen"] and offer["last_changed"]
    assert offer["organisation"]["name"] == "Volkshochschule Ennepe-Ruhr-Süd"
    assert client.get(f"/v1/offers/{CLOSED}").json()["passed_on"] is False


def test_an_unchanged_offer_is_not_sent_again(client):
    tag = client.get(f"/v1/offers/{COURSE}").headers["etag"]
    assert client.get(f"/v1/offers/{COURSE}", headers={"If-None-Match": tag}).status_code == 304


def test_history_names_what_changed(site):
    site.add(an_event("OfferRevised", revision=2, title="Deutsch B1.2", cost=None))
    history = site.client().get(f"/v1/offers/{COURSE}/history").json()
    assert [step["revision"] for step in history["items"]] == [2, 1]
    assert history["items"][0]["changes"]["texts.de.title"] == ["Deutsch B1.1 am Vormittag", "Deutsch B1.2"]
    assert history["items"][0]["changes"]["cost"][1] is None


def test_an_offer_is_told_as_it_was(site):
    known = site.reading.offers.get(COURSE).last_changed
    site.add(an_event("OfferRevised", revision=2, title="Deutsch B1.2"))
    client = site.client()
    before = (known - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    then = known.isoformat().replace("+00:00", "Z")
    assert client.get(f"/v1/offers/{COURSE}/at/{before}").status_code == 404
    for address in (f"/v1/offers/{COURSE}/at/{then}", f"/v1/offers/{COURSE}?at={then}"):
        assert client.get(address).json()["texts"]["de"]["title"] == "Deutsch B1.1 am Vormittag"
    assert client.get(f"/v1/offers/{COURSE}/at/2026-01-01T00:00:00").status_code == 422


def test_a_withdrawn_offer_is_gone_and_its_history_is_not(site):
    site.add(an_event("OfferWithdrawn", revision=2))
    client = site.client()
    assert client.get(f"/v1/offers/{COURSE}").status_code == 410
    assert COURSE not in client.get("/v1/offers").text
    assert client.get(f"/v1/offers/{COURSE}/history").json()["items"][0]["reason"] == "missing_from_complete_snapshot"


def test_a_missed_offer_is_still_found(site):
    site.add(an_event("OfferMissed", revision=2))
    assert site.client().get("/v1/offers", params={"q": "Deutsch"}).json()["items"][0]["state"] == "missed"


def test_changes_are_pulled_without_a_hole(site):
    client = site.client()
    first = client.get("/v1/changes", params={"limit": 2}).json()
    assert (len(first["items"]), first["more"]) == (2, True)
    rest = client.get(first["next"]).json()
    assert [item["number"] for item in first["items"] + rest["items"]] == [1, 2, 3, 4]
    site.add(an_event("OfferWithdrawn", revision=2))
    (tombstone,) = client.get(rest["next"]).json()["items"]
    assert (tombstone["id"], tombstone["deleted"], tombstone["data"]) == (COURSE, True, None)


def test_changes_leave_out_what_may_not_be_passed_on(client):
    items = {item["id"]: item for item in client.get("/v1/changes").json()["items"]}
    assert (items[CLOSED]["data"], items[CLOSED]["withheld"]) == (None, "licence")
    assert items[SPORT]["data"]["texts"]["de"]["title"] == "Fußball für Mädchen"


def test_a_position_of_another_epoch_is_gone_with_the_way_back(client):
    answer = client.get("/v1/changes", params={"after": "5.1"})
    assert (answer.status_code, answer.json()["resync"]) == (410, "/v1/changes")
    epoch = client.get("/v1/changes").json()["epoch"]
    assert client.get("/v1/changes", params={"after": f"{epoch}.999"}).status_code == 422
    assert client.get("/v1/changes", params={"after": "7"}).status_code == 422


def test_districts_come_whole_with_their_offers(client):
    answer = client.get("/v1/districts").json()
    here = next(one for one in answer["items"] if one["district"] == "05954")
    assert (answer["total"], here["offers"], here["sources"]) == (401, 3, ["enr-kurse"])
    assert "05124" in here["neighbours"] and "BKG" in answer["attribution"]


def test_sources_tell_their_health(client):
    (source,) = client.get("/v1/sources").json()["items"]
    assert (source["source"], source["licence"], source["last_run"]["outcome"]) == (
        "enr-kurse",
        "CC-BY-4.0",
        "complete",
    )
    assert client.get("/v1/sources/enr-kurse").json()["rejected"] == []
    assert client.get("/v1/sources/nothing").status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        f"/v1/offers/{UNKNOWN}",
        f"/v1/offers/{UNKNOWN}/history",
        f"/v1/offers/{UNKNOWN}/at/2026-01-01T00:00:00Z",
        "/v1/nothing",
    ],
)
def test_what_is_not_there_is_a_problem_not_a_page(client, address):
    answer = client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_alive_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok", "version": "1.2.3"}
    assert client.get("/readyz").status_code == 200


def test_who_is_behind_is_not_ready(site):
    def broken():
        raise LogUnavailableError("The log cannot be reached.")

    assert site.client(lag=lambda: 5000).get("/readyz").status_code == 503
    assert site.client(lag=broken).get("/readyz").status_code == 503


def test_on_trouble_no_list_is_empty(site, tmp_path):
    client = site.client(search=SearchIndex(tmp_path / "none"))
    answer = client.get("/v1/offers")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert client.get("/readyz").status_code == 503
    site.reading.offers._engine.dispose()

    class Broken:
        def __getattr__(self, name):
            raise OperationalError("select", {}, Exception("no such table"))

    broken = site.client(changes=Broken(), offers=Broken(), health=Broken(), history=Broken())
    for address in ("/v1/changes", "/v1/offers", "/v1/districts", "/v1/sources", f"/v1/offers/{COURSE}"):
        answer = broken.get(address)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), address
        assert "no such table" not in answer.text


def test_a_feed_that_was_never_built_is_not_empty(empty_site):
    assert empty_site.client().get("/v1/changes").status_code == 503


def test_every_example_fits_its_model(client):
    for name, value in VALUES.items():
        getattr(models, name).model_validate(value)
    paths = client.get("/v1/openapi.json").json()["paths"]
    examples = [
        operation["get"]["responses"]["200"]["content"]["application/json"].get("example")
        for path, operation in paths.items()
        if path in ("/v1/offers", "/v1/changes", "/v1/districts", "/v1/sources", "/v1/offers/{offer_id}")
    ]
    assert len(examples) == 5 and all(examples)


def test_every_answer_is_locked_down(client):
    for address in ("/v1/offers", "/v1/nothing", "/healthz"):
        headers = client.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_next_page_keeps_the_filters(site):
    site.add(*(an_event("OfferPublished", record_key=f"k{number}") for number in range(3)))
    following = (
        site.client()
        .get("/v1/offers?limit=1&level=B1&level=A2&kind=course&neighbours=true&district=05954")
        .json()["next"]
    )
    wishes = parse_qs(urlsplit(following).query)
    assert wishes["level"] == ["B1", "A2"] and wishes["neighbours"] == ["true"] and wishes["cursor"]


def test_the_clock_is_given(site):
    assert site.client(clock=lambda: NOW + timedelta(days=900)).get("/v1/offers").json()["total"] == 0
