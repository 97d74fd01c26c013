"""Schemas by name, their fingerprints and digests."""

import copy
import json

import pytest

import verbund_schemas
from verbund_schemas import UnknownSchemaError, digest, expanded, fingerprint, load


def _plain(schema):
    return json.loads(json.dumps({name: value for name, value in schema.items() if not name.startswith("__")}))


@pytest.mark.parametrize("name", verbund_schemas.event_names() + verbund_schemas.type_names())
def test_every_schema_is_self_contained(name):
    schema = _plain(load(name))
    assert schema["name"] == f"verbund.{name}"
    assert digest(schema) == digest(load(name)) == digest(expanded(name))


def test_a_type_used_twice_is_written_out_once():
    text = json.dumps(expanded("OfferPublished"))
    assert text.count('"name": "OpeningHours"') == 1
    assert text.count('"name": "Place"') == 1


def test_an_unknown_name_is_an_error_of_its_own():
    with pytest.raises(UnknownSchemaError):
        load("OfferVanished")
    with pytest.raises(UnknownSchemaError):
        verbund_schemas.shipped("00" * 32)


def test_the_fingerprint_is_that_of_the_avro_specification():
    # The value that the specification gives for "null"; single-object encoding wants it little endian.
    assert fingerprint("null") == (7195948357588979594).to_bytes(8, "little")


def test_events_of_one_shape_have_different_fingerprints():
    assert fingerprint(load("ContactPublished")) != fingerprint(load("ContactRevised"))


def _schema():
    return {
        "type": "record",
        "name": "Seat",
        "namespace": "verbund",
        "doc": "A seat.",
        "fields": [
            {"name": "row", "type": "int", "default": 1, "doc": "Row."},
            {"name": "since", "type": {"type": "long", "logicalType": "timestamp-millis"}, "doc": "Since when."},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["OLD", "NEW"]}, "doc": "Kind."},
        ],
    }


def _changed(change):
    schema = copy.deepcopy(_schema())
    change(schema["fields"])
    return schema


MEANINGFUL = {
    "another default": lambda fields: fields[0].update(default=2),
    "no default": lambda fields: fields[0].pop("default"),
    "another type": lambda fields: fields[0].update(type="long"),
    "another name": lambda fields: fields[0].update(name="line"),
    "an alias": lambda fields: fields[0].update(aliases=["line"]),
    "another logical type": lambda fields: fields[1]["type"].update(logicalType="timestamp-micros"),
    "no logical type": lambda fields: fields[1]["type"].pop("logicalType"),
    "another order of symbols": lambda fields: fields[2]["type"].update(symbols=["NEW", "OLD"]),
    "an enum default": lambda fields: fields[2]["type"].update(default="OLD"),
    "another order of fields": lambda fields: fields.reverse(),
}
WORDING = {
    "a better doc": lambda fields: fields[0].update(doc="The row, counted from the front."),
    "labels": lambda fields: fields[0].update(pii="no", unit="rows"),
    "a type as an object": lambda fields: fields[0].update(type={"type": "int"}),
    "a full name": lambda fields: fields[2]["type"].update(name="verbund.Kind"),
    "a namespace": lambda fields: fields[2]["type"].update(namespace="verbund"),
}


@pytest.mark.parametrize("change", MEANINGFUL.values(), ids=MEANINGFUL.keys())
def test_schemas_that_read_differently_have_different_digests(change):
    assert digest(_changed(change)) != digest(_schema())


@pytest.mark.parametrize("change", WORDING.values(), ids=WORDING.keys())
def test_docs_labels_and_spelling_do_not_move_the_digest(change):
    assert digest(_changed(change)) == digest(_schema())


def test_the_digest_tells_defaults_apart_where_the_fingerprint_is_blind():
    other = _changed(lambda fields: fields[0].update(default=2))
    assert fingerprint(other) == fingerprint(_schema())
    assert digest(other) != digest(_schema())


def test_todays_digests_are_those_that_were_shipped_last_or_earlier():
    for name in verbund_schemas.stored_names():
        assert digest(load(name)) in verbund_schemas.shipped_versions(name)


def test_a_shipped_schema_is_found_by_its_digest_and_only_under_its_own_name():
    known = digest(load("OfferMissed"))
    assert digest(verbund_schemas.shipped(known)) == known
    assert digest(verbund_schemas.shipped(known, name="OfferMissed")) == known
    with pytest.raises(UnknownSchemaError):
        verbund_schemas.shipped(known, name="OfferRevised")
