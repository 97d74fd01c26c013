"""Alerts by e-mail, handed to a real mail server on loopback."""

from __future__ import annotations

import email
import email.policy

import pytest
from pydantic import SecretStr

from tests.alerts.conftest import NOON, with_password
from tests.alerts.test_due import hold
from verbund.alerts.channel import NotSentError
from verbund.alerts.facts import Item, Message
from verbund.alerts.mail import Mail
from verbund.settings_alerts import MailServer

HELD = Message(
    message_id="5f0e",
    kind="alert",
    made_at=NOON,
    items=(
        Item(kind="new_hold", source="enr-kurse", district="05954", title="Kurse für Ü30", word="held", hold=hold()),
    ),
)


def channel(url, *, to=("it@kreis.example",), language="de", ca_file=None, password=None):
    server = MailServer.of(url, SecretStr(password) if password else None)
    return Mail(server, sender="verbund@kreis.example", to=to, language=language, ca_file=ca_file)


def parsed(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def test_a_mail_says_what_is_the_matter_and_what_to_do(mail_server, mailbox):
    channel(f"smtp://127.0.0.1:{mail_server()}", to=("it@kreis.example", "leitung@kreis.example")).send(HELD)
    (envelope,) = mailbox.mails
    assert envelope.rcpt_tos == ["it@kreis.example", "leitung@kreis.example"]
    mail = parsed(envelope)
    assert mail["Subject"] == "Verbund: enr-kurse wartet auf eine Entscheidung"
    assert mail["Message-ID"] == "<5f0e@kreis.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_content()
    assert "Kurse für Ü30" in text
    assert "12 von 40 Angeboten fehlen." in text
    assert "Deutschkurs (k1)" in text
    assert "verbund hold allow h1 --once" in text


def test_a_mail_may_be_english(mail_server, mailbox):
    channel(f"smtp://127.0.0.1:{mail_server()}", language="en").send(HELD)
    mail = parsed(mailbox.mails[0])
    assert mail["Subject"] == "Verbund: enr-kurse waits for a decision"
    assert "12 of 40 offers are missing." in mail.get_content()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_the_password_travels_over_tls(mail_server, mailbox, certificate, scheme):
    of_server, file = certificate
    how = {"tls_context": of_server, "require_starttls": True} if scheme == "smtp" else {"ssl_context": of_server}
    port = mail_server(
        authenticator=with_password(b"verbund", b"geheim"),
        auth_required=scheme == "smtp",
        auth_require_tls=scheme == "smtp",  # the server does not count TLS from the start as such
        **how,
    )
    channel(f"{scheme}://verbund@localhost:{port}", ca_file=file, password="geheim").send(HELD)
    assert len(mailbox.mails) == 1


def test_a_wrong_password_is_a_reason_and_stands_nowhere(mail_server, mailbox, certificate):
    of_server, file = certificate
    port = mail_server(authenticator=with_password(b"verbund", b"geheim"), tls_context=of_server, require_starttls=True)
    with pytest.raises(NotSentError, match="535") as caught:
        channel(f"smtp://verbund@localhost:{port}", ca_file=file, password="canary").send(HELD)
    assert "canary" not in str(caught.value)
    assert mailbox.mails == []


def test_a_server_that_nobody_vouches_for_gets_nothing(mail_server, mailbox, certificate):
    of_server, _ = certificate
    port = mail_server(tls_context=of_server, require_starttls=True)
    with pytest.raises(NotSentError, match=r"(?i)certificate"):
        channel(f"smtp://localhost:{port}").send(HELD)
    assert mailbox.mails == []


def test_a_server_that_is_down_is_a_reason(mail_server):
    port = mail_server()
    with pytest.raises(NotSentError, match="refused"):
        channel(f"smtp://127.0.0.1:{port + 1 if port < 65_535 else port - 1}").send(HELD)


def test_a_server_that_says_later_is_a_reason_and_not_final(mail_server, mailbox):
    mailbox.refuse = ["451 come back later"]
    way = channel(f"smtp://127.0.0.1:{mail_server()}")
    with pytest.raises(NotSentError, match="451 come back later") as caught:
        way.send(HELD)
    assert not caught.value.final
    way.send(HELD)
    assert len(mailbox.mails) == 1


def test_one_refused_address_does_not_send_the_others_the_mail_twice(mail_server, mailbox):
    mailbox.refused_addresses = {"fort@kreis.example"}
    way = channel(f"smtp://127.0.0.1:{mail_server()}", to=("it@kreis.example", "fort@kreis.example"))
    with pytest.raises(NotSentError, match="1 of 2") as caught:
        way.send(HELD)
    assert caught.value.final
    assert len(mailbox.mails) == 1


def test_every_address_refused_is_tried_again(mail_server, mailbox):
    mailbox.refused_addresses = {"it@kreis.example"}
    with pytest.raises(NotSentError, match="every address") as caught:
        channel(f"smtp://127.0.0.1:{mail_server()}").send(HELD)
    assert not caught.value.final
