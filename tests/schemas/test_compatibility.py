"""What may change in a schema, and what a reader of the other version would make of it."""

import copy
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verbund_schemas
from verbund_schemas import compatibility
from verbund_schemas.compatibility import problems, unreadable


@pytest.mark.parametrize("name", verbund_schemas.stored_names())
def test_todays_schema_reads_all_that_was_shipped_and_is_read_by_it(name):
    assert compatibility.problems_with_shipped(name) == []


def _record(*fields, name="Offer"):
    return {"type": "record", "name": name, "namespace": "verbund", "fields": list(fields)}


def _field(name, schema, **more):
    return {"name": name, "type": schema, **more}


def _enum(*symbols, **more):
    return {"type": "enum", "name": "Kind", "namespace": "verbund", "symbols": list(symbols), **more}


def _fixed(size):
    return {"type": "fixed", "name": "Digest", "namespace": "verbund", "size": size}


OLD = _record(
    _field("offer_id", "string"),
    _field("seats", ["null", "int"], default=None),
    _field("tags", {"type": "array", "items": "string"}, default=[]),
    _field("extra", {"type": "map", "values": "long"}, default={}),
    _field("kind", _enum("COURSE", "EVENT")),
    _field("audience", {**_enum("ALL", "WOMEN", default="ALL"), "name": "Audience"}),
    _field("digest", _fixed(4)),
    _field("place", ["null", _record(_field("town", "string"), _field("lat", "double"), name="Place")], default=None),
    _field("branches", {"type": "array", "items": "verbund.Place"}, default=[]),
    _field("note", "bytes", default=""),
)


def _at(schema, name):
    return next(field for field in schema["fields"] if field["name"] == name)


def _place(schema):
    return _at(schema, "place")["type"][1]


def _changed(change):
    schema = copy.deepcopy(OLD)
    change(schema)
    return schema


ALLOWED = {
    "nothing": lambda s: None,
    "a field with a default": lambda s: s["fields"].append(_field("level", ["null", "string"], default=None)),
    "a nested field with a default": lambda s: _place(s)["fields"].append(_field("lon", "double", default=0.0)),
    "a record with a default": lambda s: s["fields"].append(
        _field("cost", ["null", _record(_field("amount", "double"), name="Cost")], default=None)
    ),
    "less a field with a default": lambda s: s["fields"].remove(_at(s, "tags")),
    "another order of fields": lambda s: s["fields"].sort(key=lambda field: field["name"] == "offer_id"),
    "another order of branches": lambda s: _at(s, "seats")["type"].reverse() or _at(s, "seats").update(default=1),
    "another default": lambda s: _at(s, "extra").update(default={"a": 1}),
    "a symbol where the enum has a default": lambda s: _at(s, "audience")["type"]["symbols"].append("MEN"),
    "a better doc": lambda s: _at(s, "offer_id").update(doc="Which."),
    "a type as an object": lambda s: _at(s, "offer_id").update(type={"type": "string"}),
}

FORBIDDEN = {
    "a field without default": (
        lambda s: s["fields"].append(_field("level", "string")),
        "Offer.level: the reader needs",
    ),
    "less a field without default": (
        lambda s: s["fields"].remove(_at(s, "offer_id")),
        "Offer.offer_id: the reader needs",
    ),
    "a renamed field": (lambda s: _at(s, "offer_id").update(name="id"), "Offer.id: the reader needs"),
    "a renamed field with an alias": (
        lambda s: _at(s, "tags").update(name="words", aliases=["tags"]),
        "verbund.Offer.words: has aliases",
    ),
    "another type": (lambda s: _at(s, "offer_id").update(type="boolean"), "Offer.offer_id: type was written as string"),
    "a wider number": (
        lambda s: _at(s, "seats").update(type=["null", "long"]),
        "Offer.seats: long is none of the reader's types null, int (the old reading the new)",
    ),
    "a narrower number": (
        lambda s: _at(s, "extra")["type"].update(values="int"),
        "Offer.extra{}: type was written as long and is read as int (the new reading the old)",
    ),
    "bytes as text": (lambda s: _at(s, "note").update(type="string"), "Offer.note: type was written as bytes"),
    "a field that must be known": (
        lambda s: _at(s, "seats").update(type="int", default=0),
        "Offer.seats: type was written as null",
    ),
    "a field that may be unknown": (
        lambda s: _at(s, "offer_id").update(type=["null", "string"]),
        "Offer.offer_id: type was written as null and is read as string (the old reading the new)",
    ),
    "a third branch": (lambda s: _at(s, "seats")["type"].append("string"), "Offer.seats: string is none of"),
    "a list of other things": (
        lambda s: _at(s, "tags")["type"].update(items="bytes"),
        "Offer.tags[]: type was written as bytes",
    ),
    "a map instead of a list": (
        lambda s: _at(s, "tags").update(type={"type": "map", "values": "string"}, default={}),
        "Offer.tags: type was written as array and is read as map",
    ),
    "an enum symbol": (
        lambda s: _at(s, "kind")["type"]["symbols"].append("PLACE"),
        "Offer.kind: the reader's enum lacks PLACE and has no default (the old reading the new)",
    ),
    "less an enum symbol": (
        lambda s: _at(s, "kind")["type"]["symbols"].remove("EVENT"),
        "Offer.kind: the reader's enum lacks EVENT and has no default (the new reading the old)",
    ),
    "an enum that becomes text": (lambda s: _at(s, "kind").update(type="string"), "Offer.kind: type was written as"),
    "another size": (lambda s: _at(s, "digest")["type"].update(size=8), "Offer.digest: fixed size was written as"),
    "a renamed type": (
        lambda s: (
            _place(s).update(name="Venue")
            or _at(s, "branches").update(type={"type": "array", "items": "verbund.Venue"})
        ),
        "Offer.place: verbund.",
    ),
    "a renamed record": (lambda s: s.update(name="Course"), "record was written as verbund."),
    "a nested field without default": (
        lambda s: _place(s)["fields"].append(_field("lon", "double")),
        "Offer.place.lon: the reader needs it, the writer does not have it, and it has no default",
    ),
    "another nested type": (
        lambda s: _at(_place(s), "lat").update(type="string"),
        "Offer.place.lat: type was written as",
    ),
    "a logical type": (
        lambda s: _at(s, "note").update(type={"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}),
        "Offer.note: logical type was written as",
    ),
}


@pytest.mark.parametrize("change", ALLOWED.values(), ids=ALLOWED.keys())
def test_an_allowed_change_is_no_problem(change):
    assert problems(_changed(change), OLD) == []


@pytest.mark.parametrize(("change", "sentence"), FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_a_forbidden_change_is_told_with_its_path(change, sentence):
    found = problems(_changed(change), OLD)
    assert any(sentence in problem for problem in found), found


def test_a_promotion_is_fine_for_who_reads_wider_and_only_for_them():
    narrow, wide = _record(_field("n", "int")), _record(_field("n", "double"))
    assert unreadable(wide, narrow) == []
    assert unreadable(narrow, wide) == ["Offer.n: type was written as double and is read as int"]


def test_a_type_that_holds_itself_ends():
    tree = _record(_field("name", "string"), _field("inside", {"type": "array", "items": "verbund.Offer"}))
    other = _record(_field("name", "int"), _field("inside", {"type": "array", "items": "verbund.Offer"}))
    assert problems(tree, tree) == []
    assert unreadable(other, tree) == ["Offer.name: type was written as string and is read as int"]


# --- the checker against fastavro on random schemas ------------------------------------------------------------------

_LEAF = st.sampled_from(["boolean", "int", "long", "double", "string", "bytes", "null"])
_DEFAULTS = {"boolean": False, "int": 1, "long": 1, "double": 1.0, "string": "", "bytes": "", "null": None}


@st.composite
def _types(draw, depth=2):
    """A type and a default for it."""
    shape = draw(st.sampled_from(["leaf", "leaf", "optional", "array", "map", "record"] if depth else ["leaf"]))
    if shape == "leaf":
        leaf = draw(_LEAF)
        return leaf, _DEFAULTS[leaf]
    if shape == "record":
        name = "R" + "".join(draw(st.lists(st.sampled_from("ABC"), min_size=1, max_size=2)))
        fields = draw(_fields(depth - 1))
        return ["null", _record(*fields, name=f"{name}{depth}")], None
    inner = draw(_types(depth - 1))[0]
    if shape == "optional":
        return (inner, None) if isinstance(inner, list) else (["null", inner] if inner != "null" else inner, None)
    return ({"type": "array", "items": inner}, []) if shape == "array" else ({"type": "map", "values": inner}, {})


@st.composite
def _fields(draw, depth=2):
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4, unique=True))
    fields = []
    for name in names:
        schema, default = draw(_types(depth))
        fields.append(_field(name, schema, **({"default": default} if draw(st.booleans()) else {})))
    return fields


@st.composite
def _pairs(draw):
    """A schema and one made from it by a few edits, most of them small."""
    old = _record(*draw(_fields()))
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 3))):
        edit = draw(st.sampled_from(["add", "remove", "retype", "default"]))
        if edit == "add":
            schema, default = draw(_types())
            name = draw(st.sampled_from("ghij"))
            if all(field["name"] != name for field in new["fields"]):
                new["fields"].append(_field(name, schema, **({"default": default} if draw(st.booleans()) else {})))
        elif new["fields"]:
            index = draw(st.integers(0, len(new["fields"]) - 1))
            if edit == "remove":
                del new["fields"][index]
            elif edit == "retype":
                new["fields"][index]["type"] = draw(_types())[0]
                new["fields"][index].pop("default", None)
            else:
                new["fields"][index].pop("default", None)
    return new, old


def _parses(schema):
    try:
        return fastavro.parse_schema(copy.deepcopy(schema), _force=True)
    except fastavro.schema.SchemaParseException:
        return None


@given(st.data())
def test_what_the_checker_lets_pass_is_read_by_fastavro_in_both_directions(data_of, data):
    new, old = data.draw(_pairs())
    parsed_new, parsed_old = _parses(new), _parses(old)
    if parsed_new is None or parsed_old is None:
        return
    for reader, writer, plain in ((parsed_new, parsed_old, old), (parsed_old, parsed_new, new)):
        if unreadable(reader, writer):
            continue
        written = data.draw(data_of(plain))
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, writer, written)
        buffer.seek(0)
        read: Any = fastavro.schemaless_reader(buffer, writer, reader)
        assert read.keys() == {field["name"] for field in reader["fields"]}
        for name in read.keys() & written.keys():
            if _at(reader, name)["type"] == _at(writer, name)["type"] in ("boolean", "int", "long", "string", "bytes"):
                assert read[name] == written[name]


@given(st.data())
def test_data_of_every_shipped_version_take_todays_shape_and_back(data_of, data):
    name = data.draw(st.sampled_from(verbund_schemas.stored_names()))
    version = data.draw(st.sampled_from(verbund_schemas.shipped_versions(name)))
    today, then = verbund_schemas.load(name), verbund_schemas.shipped(version)
    for reader, writer in ((today, then), (then, today)):
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, writer, data.draw(data_of(writer)))
        buffer.seek(0)
        read: Any = fastavro.schemaless_reader(buffer, writer, reader)
        assert fastavro.validate(read, reader, strict=True)
