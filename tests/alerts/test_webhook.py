"""Alerts by webhook, verified as the specification says, by code that is not ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime
from ipaddress import ip_network

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from tests.alerts.test_mail import HELD
from verbund.alerts.channel import NotSentError
from verbund.alerts.webhook import Webhook
from verbund.fetch import FetchSettings
from verbund.fetch.post import HttpPost

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def post():
    with HttpPost(FetchSettings(allow=LOOPBACK)) as made:
        yield made


def channel(url, post, clock=lambda: datetime.now(UTC)):
    return Webhook(url, SecretStr(SECRET), post=post, language="en", clock=clock)


def test_a_receiver_can_verify_it_with_the_library_of_the_specification(receiver, post):
    channel(receiver.url, post).send(HELD)
    ((headers, body),) = receiver.seen
    document = Verifier(SECRET).verify(body, headers)
    assert document["type"] == "verbund.alert"
    assert document["data"]["subject"] == "Verbund: enr-kurse waits for a decision"
    assert document["data"]["items"][0]["hold"]["hold_id"] == "h1"


def test_the_signature_is_what_the_specification_says_byte_by_byte(receiver, post):
    channel(receiver.url, post).send(HELD)
    ((headers, body),) = receiver.seen
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert headers["content-type"] == "application/json"


def test_a_body_that_was_changed_on_the_way_is_noticed(receiver, post):
    channel(receiver.url, post).send(HELD)
    ((headers, body),) = receiver.seen
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body.replace(b"enr-kurse", b"enr-kursE"), headers)


def test_every_attempt_has_the_same_id_and_body(receiver, post):
    receiver.answers = [503, 204]
    way = channel(receiver.url, post)
    with pytest.raises(NotSentError, match="503"):
        way.send(HELD)
    way.send(HELD)
    (first, body), (second, again) = receiver.seen
    assert first["webhook-id"] == second["webhook-id"] == HELD.message_id
    assert json.loads(body) == json.loads(again)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(receiver, post, status):
    receiver.answers = [status]
    with pytest.raises(NotSentError, match=str(status)):
        channel(receiver.url, post).send(HELD)
    assert len(receiver.seen) == 1


def test_an_address_inside_the_office_is_not_reached(receiver):
    with HttpPost(FetchSettings()) as guarded, pytest.raises(NotSentError, match="VERBUND_FETCH_ALLOW"):
        channel(receiver.url, guarded).send(HELD)
    assert receiver.seen == []


def test_a_name_that_leads_inside_is_not_reached_either(receiver):
    url = receiver.url.replace("127.0.0.1", "chat.kreis.example")
    inside = HttpPost(FetchSettings(), resolve=lambda _host, _port: ["127.0.0.1"])
    with inside as guarded, pytest.raises(NotSentError, match="public internet"):
        channel(url, guarded).send(HELD)
    assert receiver.seen == []


def test_a_receiver_that_does_not_answer_is_left_when_time_is_up(post):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Exception, match=r"0\.2 seconds"):
            post.post(url, b"{}", headers={}, timeout_s=0.2)
