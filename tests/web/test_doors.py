"""Who may write: the matrix of every writing endpoint and every kind of key, made from the API's own description."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fastapi import APIRouter, FastAPI

from tests.web.conftest import NOW
from tests.web.holding import HOLD, a_hold
from verbund.web.body_limit import MOST_BYTES
from verbund.web.doors import refuse_open_doors

NAMES = {"offer_id": HOLD, "hold_id": HOLD, "name": "enr-kurse", "instant": "2026-01-01T00:00:00Z"}
BODY = {"answer": "reject"}


@pytest.fixture(name="held")
def _held(site):
    site.add(a_hold())
    return site


def endpoints(client):
    described = client.get("/v1/openapi.json").json()["paths"]
    return [(method.upper(), path.format(**NAMES)) for path, some in described.items() for method in some]


def writing(client):
    return [(method, path) for method, path in endpoints(client) if method not in ("GET", "HEAD", "OPTIONS")]


def as_key(secret):
    return {"Authorization": f"Bearer {secret}"}


def decisions(site):
    topics = [topic for topic in site.log.topics() if topic.startswith("desk.")]
    return [one for one in site.log.read(dict.fromkeys(topics, 0)) if one.type == "HoldDecided"]


def test_no_writing_endpoint_answers_without_a_living_key_of_the_district(held):
    client = held.desk()
    right, foreign = held.key("office", "05954"), held.key("neighbour", "05124")
    revoked = held.key("former", "05954")
    held.keys.revoke("former", now=NOW)
    refusals = [
        ({}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Basic {right}"}, 401),
        ({"X-Api-Key": right, "Cookie": f"key={right}"}, 401),
        (as_key("vbk_00000000_wrong"), 401),
        (as_key(right[:-1]), 401),
        (as_key(revoked), 401),
        (as_key(foreign), 403),
    ]
    found = writing(client)
    assert ("POST", f"/v1/holds/{HOLD}/answer") in found
    for method, path in found:
        for headers, status in refusals:
            answer = client.ask(method, path, json=BODY, headers=headers)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), path
            assert ("www-authenticate" in answer.headers) == (status == 401)
        # A key in the address would stand in every access log.
        assert client.ask(method, f"{path}?key={right}&access_token={right}", json=BODY).status_code == 401
    assert decisions(held) == [] and held.hurried == []
    for method, path in found:
        assert client.ask(method, path, json=BODY, headers=as_key(right)).status_code == 202, path
    assert len(decisions(held)) == len(found)


def test_every_endpoint_that_needs_a_key_says_so_in_the_description(held):
    described = held.desk().get("/v1/openapi.json").json()
    for path, some in described["paths"].items():
        for method, operation in some.items():
            if method != "get":
                assert operation["security"] == [{"key": []}], path
                assert {"401", "403", "409"} <= operation["responses"].keys(), path
    assert described["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_other_method_is_refused_everywhere(held):
    client = held.desk()
    right = held.key("office", "05954")
    known = set(endpoints(client))
    addresses = {path for _method, path in known} | {
        "/",
        "/de/",
        "/de/sources",
        "/de/holds",
        f"/de/holds/{HOLD}/records",
        "/x",
    }
    for path in addresses:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if (method, path) not in known:
                assert client.ask(method, path, json=BODY, headers=as_key(right)).status_code in (404, 405), path
    assert decisions(held) == []


def test_reading_needs_no_key(held):
    client = held.desk()
    for method, path in endpoints(client):
        if method == "GET":
            assert client.get(path).status_code not in (401, 403), path


def test_without_keys_there_is_no_writing_endpoint(held):
    client = held.client()
    assert writing(client) == []
    assert client.post(f"/v1/holds/{HOLD}/answer", json=BODY).status_code in (404, 405)
    assert client.post(f"/de/holds/{HOLD}", data={"answer": "reject"}).status_code in (404, 405)


def test_an_application_with_an_open_door_does_not_start():
    router = APIRouter()

    @router.delete("/v1/everything")
    def everything():
        return None

    with pytest.raises(RuntimeError, match="/v1/everything"):
        refuse_open_doors(router)
    outer = APIRouter()
    outer.mount("/v1", FastAPI())
    with pytest.raises(RuntimeError, match="/v1"):
        refuse_open_doors(outer)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(held):
    client = held.desk()
    address = f"/v1/holds/{HOLD}/answer"

    async def without_length():
        for _ in range(MOST_BYTES // 1024 + 2):
            yield b"x" * 1024

    for wishes in ({"content": b"x" * (MOST_BYTES + 1)}, {"content": without_length()}):
        answer = client.post(address, headers={"Content-Type": "application/json", **as_key("x")}, **wishes)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_a_fault_of_the_key_store_lets_nobody_in(held):
    class Broken:
        def find(self, secret, *, now):
            raise OSError("disk")

    secret = held.key("office", "05954")
    broken = replace(held, keys=Broken()).desk()
    assert broken.post(f"/v1/holds/{HOLD}/answer", json=BODY, headers=as_key(secret)).status_code == 500
    assert decisions(held) == []


def test_the_form_is_a_door_too(held):
    client = held.desk()
    right, foreign, revoked = held.key("office", "05954"), held.key("neighbour", "05124"), held.key("former", "05954")
    held.keys.revoke("former", now=NOW)
    for language in ("de", "en"):
        address = f"/{language}/holds/{HOLD}"
        for key, status in (("", 401), ("vbk_x", 401), (revoked, 401), (foreign, 403)):
            answer = client.post(address, data={**BODY, "key": key})
            assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert not key or key not in answer.text
        assert client.post(address, data=BODY, headers=as_key(right)).status_code == 401
        assert client.post(f"{address}?key={right}", data=BODY).status_code == 401
        assert client.post(address, json={**BODY, "key": right}).status_code == 415
        for site in ("cross-site", "same-site"):
            from_elsewhere = client.post(address, data={**BODY, "key": right}, headers={"Sec-Fetch-Site": site})
            assert from_elsewhere.status_code == 403
    assert decisions(held) == []
    sent = client.post(f"/de/holds/{HOLD}", data={**BODY, "key": right}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/de/holds/{HOLD}")
    assert len(decisions(held)) == 1
