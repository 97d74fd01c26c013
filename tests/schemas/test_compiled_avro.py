"""Compiled readers and writers against fastavro, on random data of every stored schema."""

import copy
import struct
from io import BytesIO

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verbund_schemas
from verbund.avro import MisfitError, compiled_reader, compiled_writer

NAMES = verbund_schemas.stored_names()
READERS = {name: compiled_reader(verbund_schemas.expanded(name)) for name in NAMES}
WRITERS = {name: compiled_writer(verbund_schemas.expanded(name)) for name in NAMES}

EVERYTHING = {
    "type": "record",
    "name": "Everything",
    "namespace": "verbund",
    "fields": [
        {"name": "flag", "type": "boolean"},
        {"name": "small", "type": "int"},
        {"name": "large", "type": "long"},
        {"name": "real", "type": "double"},
        {"name": "raw", "type": "bytes", "default": "\u00ff"},
        {"name": "maybe", "type": ["null", "bytes"], "default": None},
        {"name": "grid", "type": {"type": "array", "items": {"type": "array", "items": "long"}}, "default": []},
        {"name": "books", "type": {"type": "map", "values": {"type": "array", "items": ["null", "string"]}}},
        {
            "name": "inner",
            "type": {
                "type": "record",
                "name": "Inner",
                "namespace": "verbund",
                "fields": [{"name": "word", "type": "string"}],
            },
        },
        {"name": "again", "type": ["null", "verbund.Inner"], "default": None},
    ],
}

READ, WRITE = compiled_reader(EVERYTHING), compiled_writer(EVERYTHING)


def _by_fastavro(schema, data):
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, schema, data)
    return buffer.getvalue()


def _written(writer, data):
    pieces: list[bytes] = []
    writer(data, pieces)
    return b"".join(pieces)


@given(st.data())
@settings(max_examples=150)
def test_every_stored_schema_is_written_and_read_as_fastavro_does(data_of, data):
    name = data.draw(st.sampled_from(NAMES))
    record = data.draw(data_of(verbund_schemas.expanded(name)))
    body = _by_fastavro(verbund_schemas.load(name), record)
    assert _written(WRITERS[name], record) == body
    assert READERS[name](body, 0) == (record, len(body))


@given(st.data())
@settings(max_examples=150)
def test_all_that_a_schema_may_use_is_written_and_read_as_fastavro_does(data_of, data):
    record = data.draw(data_of(EVERYTHING))
    body = _by_fastavro(fastavro.parse_schema(copy.deepcopy(EVERYTHING)), record)
    assert _written(WRITE, record) == body
    assert READ(b"xy" + body, 2) == (record, len(body) + 2)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 127, 128, 4095, 4096, 8191, 8192, 20_000])
def test_texts_lists_and_numbers_of_every_length_are_fine(size):
    record = _everything(large=-size, small=size, raw=b"x" * size, inner={"word": "ä" * size}, grid=[[1] * size])
    record["books"] = {"k" * size: [None, "v" * size]}
    body = _by_fastavro(fastavro.parse_schema(copy.deepcopy(EVERYTHING)), record)
    assert _written(WRITE, record) == body
    assert READ(body, 0) == (record, len(body))


def _everything(**fields):
    whole = {"flag": True, "small": 1, "large": 2, "real": 1.5, "raw": b"", "maybe": None, "grid": [], "books": {}}
    return {**whole, "inner": {"word": "w"}, "again": None, **fields}


def test_lists_in_several_blocks_with_byte_sizes_are_read():
    schema = {
        "type": "record",
        "name": "L",
        "namespace": "v",
        "fields": [{"name": "a", "type": {"type": "array", "items": "long"}}],
    }
    # two items; then a block of one item that says its size in bytes; then the end
    assert compiled_reader(schema)(bytes([4, 2, 4, 1, 2, 6, 0]), 0) == ({"a": [1, 2, 3]}, 7)


def test_defaults_are_written_where_nothing_is_given():
    record = _everything()
    del record["raw"], record["maybe"], record["grid"], record["again"]
    assert _written(WRITE, record) == _written(WRITE, _everything(raw=b"\xff"))


@pytest.mark.parametrize(
    "field",
    [
        {"flag": 1},
        {"flag": None},
        {"small": 2**31},
        {"small": "1"},
        {"large": 2**63},
        {"large": 1.0},
        {"large": True},
        {"real": "1.5"},
        {"real": True},
        {"raw": "text"},
        {"raw": bytearray(b"x")},
        {"grid": {}},
        {"grid": [1]},
        {"grid": "ab"},
        {"books": []},
        {"books": {1: []}},
        {"inner": None},
        {"inner": {}},
        {"inner": {"word": 1}},
        {"again": []},
        {"unknown": 1},
    ],
    ids=repr,
)
def test_what_does_not_fit_is_never_written_as_something_else(field):
    with pytest.raises((MisfitError, TypeError, AttributeError, struct.error)):
        _written(WRITE, _everything(**field))


@pytest.mark.parametrize(
    "schema", [["null", "int", "string"], "float", {"type": "fixed", "name": "F", "size": 2}], ids=repr
)
def test_what_our_schemas_do_not_use_is_refused_at_once(schema):
    record = {"type": "record", "name": "R", "namespace": "v", "fields": [{"name": "f", "type": schema}]}
    for compile_it in (compiled_reader, compiled_writer):
        with pytest.raises(TypeError):
            compile_it(record)
