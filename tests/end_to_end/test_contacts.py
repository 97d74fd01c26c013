"""Contacts: encrypted on their way, shown where the licence allows it, gone when their key is destroyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from verbund import settings
from verbund.bootstrap import Hub
from verbund.views.offers import Offers

SOURCE = """\
source: witten-kurse
district: "05954"
connector: table
{licence}
with:
  path: kurse.csv
  key: [ID]
  map: {{title: Titel, contact.email: Mail, contact.phone: Telefon}}
"""
MAIL = "canary@haus-ruhr.example"


@pytest.fixture
def hub_of(tmp_path):
    opened = []

    def make(licence: str) -> Hub:
        (tmp_path / "witten.yaml").write_text(SOURCE.format(licence=licence), encoding="utf-8")
        (tmp_path / "kurse.csv").write_text(f"ID;Titel;Mail;Telefon\n1;Deutsch;{MAIL};02302 123\n", encoding="utf-8")
        loaded = settings.load({"VERBUND_HOME": str(tmp_path / "hub")}, here=tmp_path)
        hub = Hub(loaded.settings, environ={})
        opened.append(hub)
        hub.ingest.apply(hub.source_file(tmp_path / "witten.yaml"))
        hub.catch_up()
        return hub

    yield make
    for hub in opened:
        hub.__exit__(None, None, None)


def contacts(hub: Hub) -> dict[str, str]:
    row = Offers(hub.engine).listing(source="witten-kurse")[0]
    offer = Offers(hub.engine).get(row.offer_id)
    assert offer is not None
    whole = offer.offer(hub.codec) or {}
    assert len(whole["contact_ids"]) == 1
    return {ident: str(contact) for ident, contact in hub.contacts_of("05954", whole["contact_ids"]).items()}


def test_a_contact_is_shown_where_the_licence_passes_it_on(hub_of):
    assert MAIL in next(iter(contacts(hub_of("licence: CC-BY-4.0")).values()))


@pytest.mark.parametrize("licence", ["", "licence: internal"])
def test_a_contact_is_not_shown_without_a_licence_to(hub_of, licence):
    assert contacts(hub_of(licence)) == {}


def test_an_erased_contact_is_shown_nowhere(hub_of):
    hub = hub_of("licence: CC-BY-4.0")
    for ident in contacts(hub):
        hub.keys.destroy(ident)
    assert contacts(hub) == {}


def test_no_file_of_the_hub_but_the_raw_archive_and_the_caches_holds_the_value(hub_of, tmp_path):
    hub = hub_of("licence: CC-BY-4.0")
    hub.__exit__(None, None, None)
    home = tmp_path / "hub"
    holding = {path.name for path in files(home) if MAIL.encode() in path.read_bytes()}
    assert holding.isdisjoint({"log.db", "log.db-wal", "views.db", "views.db-wal", "keys.db", "keys.db-wal"})
    assert not any(MAIL.encode() in path.read_bytes() for path in files(home / "search"))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
