"""What one schema wrote as another wants it: compiled against fastavro's resolution."""

import copy
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verbund_schemas
from verbund.avro import compiled_reader, narrowed
from verbund.codec import AvroCodec
from verbund.errors import UnreadableEventError
from verbund.testing.builders import a_published_offer

NAMES = verbund_schemas.stored_names()

DEFAULTS: list[tuple[Any, Any]] = [
    (["null", "string"], None),
    ("string", 'it\'s "so"\n'),
    ("long", -3),
    ("double", 2.5),
    ("boolean", True),
    ({"type": "array", "items": "string"}, []),
    ({"type": "map", "values": "long"}, {}),
]


def _records(schema):
    if isinstance(schema, list):
        for branch in schema:
            yield from _records(branch)
    elif isinstance(schema, dict):
        if schema["type"] == "record":
            yield schema
        for inner in (schema.get("items"), schema.get("values"), *(f["type"] for f in schema.get("fields", ()))):
            yield from _records(inner)


def _changed(draw, schema):
    """Another version of a schema: fields of its records come, go and change places."""
    other = copy.deepcopy(schema)
    for number, record in enumerate(list(_records(other))):
        fields = record["fields"]
        named = [field for field in fields if any(True for _ in _records(field["type"]))]
        plain = [field for field in fields if field not in named]
        kept = draw(st.lists(st.sampled_from(plain), unique_by=lambda field: field["name"])) if plain else []
        new = draw(st.lists(st.sampled_from(DEFAULTS), max_size=3))
        came = [{"name": f"new_{number}_{at}", "type": kind, "default": value} for at, (kind, value) in enumerate(new)]
        record["fields"] = named + kept + came if draw(st.booleans()) else came + named + kept
    return other


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_every_schema_is_read_as_another_version_of_it_as_fastavro_does(data_of, data):
    written = verbund_schemas.expanded(data.draw(st.sampled_from(NAMES)))
    wanted = _changed(data.draw, written)
    record = data.draw(data_of(written))
    body = _by_fastavro(written, record)
    read, end = compiled_reader(written, wanted)(b"xy" + body, 2)
    assert end == len(body) + 2
    assert read == fastavro.schemaless_reader(BytesIO(body), _parsed(written), _parsed(wanted))


def _parsed(schema):
    return fastavro.parse_schema(copy.deepcopy(schema))


def _by_fastavro(schema, data):
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, _parsed(schema), data)
    return buffer.getvalue()


def test_only_some_fields_are_read():
    codec = AvroCodec()
    event = a_published_offer()
    body, digest = codec.encode(event.type, event.data)
    paths = ["offer.offer_id", "offer.texts.title", "offer.starts.start", "offer.place.lon", "offer.cost"]
    shape = narrowed(verbund_schemas.expanded(event.type), paths)
    offer = event.data["offer"]
    assert AvroCodec(shapes={event.type: shape}).decode(event.type, digest, body) == {
        "offer": {
            "offer_id": offer["offer_id"],
            "texts": {code: {"title": text["title"]} for code, text in offer["texts"].items()},
            "starts": [{"start": start["start"]} for start in offer["starts"]],
            "place": {"lon": offer["place"]["lon"]},
            "cost": offer["cost"],
        }
    }


def test_a_codec_with_shapes_writes_whole_events():
    event = a_published_offer()
    shape = narrowed(verbund_schemas.expanded(event.type), ["offer.offer_id"])
    assert AvroCodec(shapes={event.type: shape}).encode(event.type, event.data) == AvroCodec().encode(
        event.type, event.data
    )


def test_every_cut_of_a_body_of_which_little_is_read_is_unreadable():
    event = a_published_offer()
    body, digest = AvroCodec().encode(event.type, event.data)
    codec = AvroCodec(shapes={event.type: narrowed(verbund_schemas.expanded(event.type), ["offer.offer_id"])})
    for length in range(len(body)):
        with pytest.raises(UnreadableEventError):
            codec.decode(event.type, digest, body[:length])


def _record_of(*fields, name="R"):
    return {"type": "record", "name": name, "namespace": "v", "fields": list(fields)}


DOUBLES = {"name": "gone", "type": {"type": "array", "items": "double"}, "default": []}
FLAGS = {"name": "gone", "type": {"type": "array", "items": "boolean"}, "default": []}


@pytest.mark.parametrize("field", [DOUBLES, FLAGS], ids=["doubles", "flags"])
def test_a_hostile_number_of_skipped_items_ends_with_the_bytes(field):
    read = compiled_reader(_record_of(field), _record_of())
    with pytest.raises(IndexError):
        read(b"\xfe" + b"\xff" * 8 + b"\x01" + b"\0" * 100, 0)


def test_skipped_blocks_that_say_their_size_are_left_out_as_a_whole():
    read = compiled_reader(_record_of(FLAGS), _record_of())
    assert read(bytes([3, 4, 9, 9, 2, 1, 0]), 0) == ({}, 7)  # two items in two bytes, one item, the end
    with pytest.raises(IndexError):
        read(bytes([3, 3, 9, 9, 0]), 0)  # a size below zero


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ({"name": "f", "type": "int"}, {"name": "f", "type": "long"}),
        ({"name": "f", "type": ["null", "int"]}, {"name": "f", "type": "int"}),
        ({"name": "f", "type": "int"}, {"name": "g", "type": "int"}),
        ({"name": "f", "type": "int"}, {"name": "g", "type": _record_of(name="I"), "default": {}}),
        ({"name": "f", "type": _record_of(name="I")}, {"name": "f", "type": _record_of(name="J")}),
        ({"name": "f", "type": ["null", "v.R"]}, {"name": "g", "type": "int", "default": 0}),
    ],
    ids=[
        "promoted",
        "no longer empty",
        "without default",
        "a record by default",
        "another record",
        "recursion skipped",
    ],
)
def test_what_no_version_may_change_is_refused(written, wanted):
    with pytest.raises(TypeError):
        compiled_reader(_record_of(written), _record_of(wanted))


def test_bytes_that_were_not_written_get_the_bytes_of_their_default():
    """Fastavro 1.13 gives the text as it stands in the schema."""
    wanted = _record_of({"name": "raw", "type": "bytes", "default": "\u00ff"})
    assert compiled_reader(_record_of(), wanted)(b"", 0) == ({"raw": b"\xff"}, 0)


def test_a_record_that_holds_itself_is_read():
    schema = _record_of({"name": "next", "type": ["null", "v.R"], "default": None})
    assert compiled_reader(schema)(bytes([2, 2, 0]), 0) == ({"next": {"next": {"next": None}}}, 3)


def test_one_record_in_two_shapes_is_refused():
    text = _record_of({"name": "a", "type": "int"}, {"name": "b", "type": "int"}, name="T")
    schema = _record_of({"name": "one", "type": text}, {"name": "two", "type": "v.T"})
    assert compiled_reader(schema, narrowed(schema, ["two"]))(bytes([2, 4, 6, 8]), 0) == ({"two": {"a": 3, "b": 4}}, 4)
    with pytest.raises(TypeError, match="two shapes"):
        compiled_reader(schema, narrowed(schema, ["one.a", "two.b"]))


@pytest.mark.parametrize("path", ["offr", "offer.titel", "offer.offer_id.x"])
def test_a_path_that_leads_nowhere_is_refused(path):
    with pytest.raises(KeyError):
        narrowed(verbund_schemas.expanded("OfferPublished"), [path])
