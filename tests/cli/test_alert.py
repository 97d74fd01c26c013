"""`verbund alert test` and what the doctor says of alerts."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from tests.alerts.conftest import mail_server, mailbox, receiver  # noqa: F401 - fixtures
from verbund.alerts.facts import Message
from verbund.alerts.outbox import Outbox

KEY = "whsec_" + base64.b64encode(bytes(32)).decode()


@pytest.fixture
def set_up(home, monkeypatch, mail_server, receiver):  # noqa: F811 - fixtures
    monkeypatch.setenv("VERBUND_FETCH_ALLOW", "127.0.0.0/8")
    monkeypatch.setenv("VERBUND_ALERTS_TO", "it@kreis.example")
    monkeypatch.setenv("VERBUND_ALERTS_FROM", "verbund@kreis.example")
    monkeypatch.setenv("VERBUND_ALERTS_SMTP", f"smtp://127.0.0.1:{mail_server()}")
    monkeypatch.setenv("VERBUND_ALERTS_WEBHOOK", receiver.url)
    monkeypatch.setenv("VERBUND_ALERTS_WEBHOOK_SECRET", KEY)


def test_without_settings_the_command_says_what_to_set(call):
    call("init")
    answer = call("alert", "test")
    assert answer.code == 2
    assert "verbund.yaml" in answer.err


def test_a_test_message_goes_out_by_every_way(call, set_up, mailbox, receiver):  # noqa: F811 - fixtures
    call("init")
    answer = call("alert", "test", "--json")
    assert (answer.code, [item["sent"] for item in answer.json["items"]]) == (0, [True, True])
    assert len(mailbox.mails) == len(receiver.seen) == 1


def test_a_way_that_does_not_work_is_a_finding_with_its_reason(call, set_up, mailbox, receiver):  # noqa: F811 - fixtures
    call("init")
    receiver.answers = [404]
    answer = call("alert", "test", "--json")
    assert answer.code == 1
    assert answer.json["items"][1] == {
        "channel": "webhook",
        "sent": False,
        "reason": "the receiver answered with status 404",
    }


def test_the_doctor_knows_of_messages_that_did_not_go_out(call, set_up, home):
    call("init")
    (fine,) = [check for check in call("doctor", "--json").json["checks"] if check["name"] == "alerts"]
    assert (fine["state"], fine["message"]) == ("ok", "mail, webhook")
    now = datetime.now(UTC)
    outbox = Outbox(home / "state.db")
    outbox.put(Message(message_id="m", kind="test", made_at=now), channels=["mail"])
    claimed = outbox.claim(now)
    assert claimed is not None
    outbox.failed(claimed, "451 later", now)
    outbox.close()
    (trouble,) = [check for check in call("doctor", "--json").json["checks"] if check["name"] == "alerts"]
    assert trouble["state"] == "warn"
    assert "451 later" in trouble["message"]
