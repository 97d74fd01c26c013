"""From a feed that loses offers to a mail that says so, through the real hub and a real mail server."""

from __future__ import annotations

import email
import email.policy
from datetime import timedelta
from pathlib import Path

import pytest

from tests.alerts.conftest import mail_server, mailbox  # noqa: F401 - fixtures
from tests.ingest.answering import holds_in
from verbund import bootstrap, settings
from verbund.cli import alert_sender

SOURCE = """\
source: witten-kurse
district: "05954"
connector: table
title: Kurse in Witten
licence: CC-BY-4.0
with:
  path: kurse.csv
  key: [ID]
  map: {title: Titel, place.town: Ort}
"""


class Office:
    """A hub, the file that its one source delivers, and the mails that went out."""

    def __init__(self, folder: Path, port: int, mailbox):  # noqa: F811 - fixture
        self.folder = folder
        self.mailbox = mailbox
        environ = {
            "VERBUND_HOME": str(folder / "hub"),
            "VERBUND_ALERTS_TO": "it@kreis.example",
            "VERBUND_ALERTS_FROM": "verbund@kreis.example",
            "VERBUND_ALERTS_SMTP": f"smtp://127.0.0.1:{port}",
            "VERBUND_ALERTS_LANG": "de",
        }
        self.hub = bootstrap.Hub(settings.load(environ, here=folder).settings, environ=environ)
        (folder / "witten.yaml").write_text(SOURCE, encoding="utf-8")

    def deliver(self, numbers):
        rows = [f"{number};Deutsch {number};Witten" for number in numbers]
        (self.folder / "kurse.csv").write_text("\n".join(["ID;Titel;Ort", *rows, ""]), encoding="utf-8")

    def run(self):
        self.hub.ingest.apply(self.hub.source_file(self.folder / "witten.yaml"))
        self.hub.catch_up(search=False)

    def tell(self):
        """The subjects and texts of the mails that go out now."""
        before = len(self.mailbox.mails)
        with alert_sender.opened(self.hub) as sender:
            sender.tell()
            sender.send_due()
        mails = [
            email.message_from_bytes(one.content, policy=email.policy.default) for one in self.mailbox.mails[before:]
        ]
        return [(mail["Subject"], mail.get_content()) for mail in mails]


@pytest.fixture
def office(tmp_path, mail_server, mailbox):  # noqa: F811 - fixtures
    made = Office(tmp_path, mail_server(), mailbox)
    with made.hub:
        yield made


def test_a_hold_is_told_with_its_sentence_and_the_recovery_after_the_answer(office):
    office.deliver(range(20))
    office.run()
    assert office.tell() == []
    office.deliver(range(12))
    office.run()
    ((subject, text),) = office.tell()
    assert subject == "Verbund: witten-kurse wartet auf eine Entscheidung"
    (hold,) = holds_in(office.hub.log, "05954")
    for needed in (
        "Kurse in Witten",
        hold["message"]["de"],
        "Deutsch 12",
        f"verbund hold allow {hold['hold_id']} --once",
    ):
        assert needed in text
    assert office.tell() == []
    office.deliver(range(20))
    office.run()
    ((subject, _),) = office.tell()
    assert subject == "Verbund: witten-kurse ist wieder in Ordnung"


def test_a_source_whose_file_is_gone_is_told_with_the_reason(office):
    office.deliver(range(20))
    office.run()
    (office.folder / "kurse.csv").unlink()
    office.run()
    ((subject, text),) = office.tell()
    assert subject == "Verbund: witten-kurse ist nicht mehr aktuell"
    assert "verbund source show witten-kurse" in text


def test_the_week_is_counted_from_the_runs(office):
    office.deliver(range(20))
    office.run()
    office.deliver(range(21))
    office.run()
    now = bootstrap.now()
    (week,) = alert_sender.week(office.hub, now - timedelta(days=7), now)
    assert (week.source, week.runs, week.counts["published"], week.live) == ("witten-kurse", {"complete": 2}, 21, 21)
    (later,) = alert_sender.week(office.hub, now + timedelta(days=1), now)
    assert (later.runs, later.live) == ({}, 21)
