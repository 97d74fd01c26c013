"""Sealed contacts: what they show, what they hide, and what they notice."""

import io
from typing import Any, cast
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund.errors import ErasedError, EventRefusedError, UnreadableEventError
from verbund.keys import ContactKey, contact_id, fingerprint, open_contact, plain_contact, seal, seal_contact, unseal
from verbund.testing.keys import MemoryKeyStore
from verbund_schemas import load

SECRET = bytes(range(32))
KEY = ContactKey(contact_id="c1", version=1, secret=SECRET)
GOLDEN_ID = "01a1ab5d-130c-8d10-bb37-1307def0236f"
GOLDEN_FINGERPRINT = "1e95af6af902dbeb819416228df4937dc75a096a1f8be07f86feaf26dc72745a"
ABOUT = {"district": "09188", "source": "starnberg", "record_key": "place-1"}
CONTACT = {
    "contact_id": contact_id(SECRET, "place-1", "counselling", 0),
    "function": "Beratung",
    "name": "Erika Muster",
    "email": "erika.muster@example.org",
    "phone": "08151 12345",
    "mobile": None,
    "website": "https://example.org",
    "appointment_url": None,
    "opening_hours": [{"weekday": 1, "opens": "09:00", "closes": "12:00", "by_appointment": False}],
}


@pytest.fixture
def store():
    return MemoryKeyStore()


def sealed(store, contact=CONTACT, revision=1):
    return seal_contact(store, contact, revision=revision, **ABOUT)


def test_a_sealed_contact_is_a_record_of_its_schema(store):
    record = sealed(store)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, load("SealedContact"), record, strict=True)
    body.seek(0)
    again = cast("dict[str, Any]", fastavro.schemaless_reader(body, load("SealedContact"), None))
    assert open_contact(store, again) == CONTACT


def test_a_sealed_contact_shows_nothing_of_the_person(store):
    shown = repr(sealed(store)).encode() + sealed(store)["sealed"]
    for value in ("Erika", "muster@", "08151", "Beratung"):
        assert value.encode() not in shown


def test_sealing_twice_gives_other_bytes_and_the_same_fingerprint(store):
    one, two = sealed(store), sealed(store, revision=2)
    assert one["sealed"] != two["sealed"]
    assert one["nonce"] != two["nonce"]
    assert one["content_hash"] == two["content_hash"]


@pytest.mark.parametrize(
    "change", [{"phone": "08151 12346"}, {"opening_hours": []}, {"opening_hours": None}, {"email": None}], ids=repr
)
def test_a_changed_contact_has_another_fingerprint(store, change):
    assert sealed(store)["content_hash"] != sealed(store, {**CONTACT, **change})["content_hash"]


def test_what_is_not_known_and_the_order_of_fields_change_no_fingerprint(store):
    reordered = {name: CONTACT[name] for name in reversed(CONTACT) if CONTACT[name] is not None}
    assert sealed(store, reordered)["content_hash"] == sealed(store)["content_hash"]
    assert sealed(store, {**CONTACT, "field_of_tomorrow": None})["content_hash"] == sealed(store)["content_hash"]


def test_letters_in_two_parts_are_the_same_letters(store):
    composed, decomposed = {**CONTACT, "name": "J\u00fcrgen"}, {**CONTACT, "name": "Ju\u0308rgen"}
    assert plain_contact(composed) == plain_contact(decomposed)


def test_equal_people_under_two_contacts_cannot_be_told_apart_from_others(store):
    other = {**CONTACT, "contact_id": contact_id(SECRET, "place-2", "counselling", 0)}
    assert sealed(store)["content_hash"] != sealed(store, other)["content_hash"]


@pytest.mark.parametrize("field", ["revision", "key_version", "contact_id", "nonce", "sealed"])
def test_a_contact_moved_or_changed_does_not_open(store, field):
    record = sealed(store)
    store.key_of("another")
    changed = {
        "revision": 2,
        "key_version": 2,
        "contact_id": "another",
        "nonce": bytes(12),
        "sealed": record["sealed"][:-1] + bytes([record["sealed"][-1] ^ 1]),
    }
    with pytest.raises((UnreadableEventError, ErasedError)):
        open_contact(store, {**record, field: changed[field]})


def test_a_contact_of_an_unknown_schema_is_unreadable_and_says_what_to_do(store):
    record = sealed(store)
    key = store.key_of(CONTACT["contact_id"])
    nonce, other = seal(key, revision=1, plain=b"\x01" + bytes(32) + b"body")
    with pytest.raises(UnreadableEventError, match="update"):
        open_contact(store, {**record, "nonce": nonce, "sealed": other})


def test_a_contact_that_fits_no_schema_is_refused_without_showing_it(store):
    with pytest.raises(EventRefusedError) as refused:
        sealed(store, {**CONTACT, "phone": ["08151 12345"]})
    assert "08151" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_an_id_is_a_uuid_that_depends_on_every_part():
    ids = {
        contact_id(secret, place, area, rank)
        for secret in (SECRET, bytes(32))
        for place in ("p", "p1")
        for area in ("", "1", "a")
        for rank in (0, 1, 11)
    }
    assert len(ids) == 36
    assert {UUID(ident).version for ident in ids} == {8}
    assert {UUID(ident).variant for ident in ids} == {"specified in RFC 4122"}


def test_parts_of_an_id_do_not_run_into_each_other():
    assert contact_id(SECRET, "a", "b", 0) != contact_id(SECRET, "ab", "", 0)


def test_an_id_is_the_same_for_ever():
    assert contact_id(SECRET, "place-1", "counselling", 0) == GOLDEN_ID
    assert fingerprint(KEY, b"plain") == GOLDEN_FINGERPRINT


def test_a_changed_byte_is_noticed():
    nonce, box = seal(KEY, revision=3, plain=b"plain")
    assert unseal(KEY, revision=3, nonce=nonce, sealed=box) == b"plain"
    for at in range(len(box)):
        with pytest.raises(UnreadableEventError):
            unseal(KEY, revision=3, nonce=nonce, sealed=box[:at] + bytes([box[at] ^ 1]) + box[at + 1 :])


@given(
    st.fixed_dictionaries(
        {"contact_id": st.uuids().map(str)},
        optional={
            name: st.none() | st.text(max_size=40)
            for name in ("function", "name", "email", "phone", "mobile", "website", "appointment_url")
        },
    )
)
def test_every_contact_comes_back_as_it_was(contact):
    store = MemoryKeyStore()
    opened = open_contact(store, sealed(store, contact))
    assert {name: value for name, value in opened.items() if value is not None} == {
        name: value for name, value in contact.items() if value is not None
    }
