"""Ingest's memory depends on the log alone, not on how much of it is folded at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verbund.codec import AvroCodec
from verbund.event_log.memory import MemoryEventLog
from verbund.events import NAMESPACE, Event
from verbund.ingest.inventory import Inventory
from verbund.ingest.tables import INVENTORY_TABLES
from verbund.offer import offer_id
from verbund.sqlite import connect
from verbund.testing.builders import a_published_offer, an_event

DISTRICT = "05954"
CONTACTS = (str(uuid5(NAMESPACE, "one")), str(uuid5(NAMESPACE, "two")))
RECORDS = ("kurs-1", "kurs-2")


@contextmanager
def memory(path: Path, log: MemoryEventLog) -> Iterator[tuple[Any, Inventory]]:
    db = connect(path, full=False)
    try:
        yield db, Inventory(db, log, DISTRICT)
    finally:
        db.close()


def rows(db: Any) -> dict[str, list[Any]]:
    return {table: sorted(db.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in INVENTORY_TABLES}


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events about two offers, an organisation and a reject, of revisions in any order."""
    events: list[Event] = []
    kinds = (
        "OfferPublished", "OfferPublished", "OfferRevised", "OfferMissed", "OfferSeenAgain", "OfferWithdrawn",
        "OrganisationPublished", "OrganisationRevised", "OrganisationWithdrawn", "RecordRejected", "RejectCleared",
    )  # fmt: skip
    for number in range(draw(st.integers(1, 25))):
        kind, key = draw(st.sampled_from(kinds)), draw(st.sampled_from(RECORDS))
        revision = draw(st.integers(1, 6))
        fields: dict[str, Any] = {"record_key": key}
        if not kind.startswith("Re"):
            fields["revision"] = revision
        if kind in ("OfferPublished", "OfferRevised"):
            fields["contact_ids"] = draw(st.lists(st.sampled_from(CONTACTS), max_size=2))
            fields["offer_id"] = offer_id(DISTRICT, "enr-kurse", key)
        # Ids that are all different: the log takes every one, also what says the same again.
        events.append(replace(an_event(kind, **fields), id=uuid5(NAMESPACE, str(number))))
    return events


def folded(events: Sequence[Event], *, page: int) -> tuple[dict[str, list[Any]], set[str]]:
    log = MemoryEventLog(codec=AvroCodec())
    topic = f"inventory.{DISTRICT}"
    log.append(topic, events)
    taken: set[str] = set()
    with TemporaryDirectory() as folder, memory(Path(folder) / "ingest.db", log) as (db, inventory):
        while (start := inventory.next_position(topic)) < len(events):
            read = log.read({topic: start}, limit=page)
            for recorded in read:
                recorded.appended_ms = 0  # of the clock, which is not what is asked about
            taken |= inventory.fold(read)
        return rows(db), taken


@given(histories(), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_any_size_of_page_folds_to_the_same_rows(events: list[Event], page: int) -> None:
    one_by_one, counted = folded(events, page=1)
    offers, organisations = one_by_one["offer"], one_by_one["related"]
    assert len(offers) <= len(RECORDS)
    assert all(state[5] >= 1 for state in organisations)
    for size in (page, len(events)):
        assert folded(events, page=size) == (one_by_one, counted)


def test_a_memory_of_an_older_shape_is_made_anew_from_the_log(tmp_path: Path) -> None:
    log = MemoryEventLog(codec=AvroCodec())
    log.append(f"inventory.{DISTRICT}", [a_published_offer()])
    with memory(tmp_path / "ingest.db", log) as (db, inventory):
        inventory.catch_up()
        remembered = rows(db)
        db.execute("ALTER TABLE offer ADD COLUMN title TEXT")
        db.execute("PRAGMA user_version = 1")
    with memory(tmp_path / "ingest.db", log) as (db, inventory):
        assert inventory.catch_up() == 1
        assert rows(db) == remembered


@pytest.mark.parametrize("size", [1, 10])
def test_an_event_that_cannot_be_read_is_passed(tmp_path: Path, size: int) -> None:
    log = MemoryEventLog(codec=AvroCodec())
    topic = f"inventory.{DISTRICT}"
    first, second = a_published_offer(record_key="kurs-1"), a_published_offer(record_key="kurs-2")
    log.append(topic, [first, second])
    with memory(tmp_path / "ingest.db", log) as (db, inventory):
        while (start := inventory.next_position(topic)) < 2:
            page = log.read({topic: start}, limit=size)
            for recorded in page:
                if recorded.id == str(first.id):
                    recorded.body = b"garbage"
            inventory.fold(page)
        assert db.execute("SELECT record_key FROM offer").fetchall() == [("kurs-2",)]
