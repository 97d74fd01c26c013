"""Event bodies: bytes that name their own schema."""

import copy
from io import BytesIO

import fastavro
import pytest

import verbund_schemas
from verbund.codec import MAX_BODY_BYTES, AvroCodec
from verbund.errors import EventRefusedError, UnreadableEventError
from verbund.testing.builders import a_published_offer, an_event, an_offer


@pytest.fixture(scope="module")
def codec():
    return AvroCodec()


@pytest.mark.parametrize("event_type", verbund_schemas.event_names())
def test_every_event_survives_the_way_to_bytes_and_back(codec, event_type):
    event = an_event(event_type)
    body, schema = codec.encode(event.type, event.data)
    assert codec.decode(event.type, schema, body) == event.data


@pytest.mark.parametrize("event_type", verbund_schemas.event_names())
def test_a_body_is_single_object_encoding_that_any_avro_library_reads(codec, event_type):
    event = an_event(event_type)
    body, schema = codec.encode(event.type, event.data)
    writer = verbund_schemas.load(event_type)
    assert body[:2] == b"\xc3\x01"
    assert body[2:10] == verbund_schemas.fingerprint(writer)
    assert schema == verbund_schemas.digest(writer)
    assert fastavro.schemaless_reader(BytesIO(body[10:]), writer, None) == event.data


def test_a_contact_is_read_without_a_digest_since_its_bytes_travel_inside_another_event(codec):
    contact = {"contact_id": "c1", "name": "Büro"}
    body, _ = codec.encode("Contact", contact)
    assert codec.decode("Contact", "", body)["name"] == "Büro"


def test_what_has_a_default_may_be_left_out_and_is_filled_in(codec):
    offer = an_offer()
    del offer["cost"], offer["extra"], offer["cause"]
    body, schema = codec.encode("OfferPublished", {"offer": offer})
    read = codec.decode("OfferPublished", schema, body)["offer"]
    assert read == {**offer, "cost": None, "extra": {}, "cause": "source"}


def test_tuples_are_lists(codec):
    offer = an_offer(categories=("language", "school"), opening_hours=())
    body, schema = codec.encode("OfferPublished", {"offer": offer})
    read = codec.decode("OfferPublished", schema, body)["offer"]
    assert read["categories"] == ["language", "school"]
    assert read["opening_hours"] == []


MISFITS = {
    "a text that is a number": ({"kind": 7}, "Offer.kind"),
    "an unknown text": ({"kind": None}, "Offer.kind"),
    "half a revision": ({"revision": 2.7}, "Offer.revision"),
    "a revision that is a flag": ({"revision": True}, "Offer.revision"),
    "a number out of its range": ({"age_from": 2**31}, "Offer.age_from"),
    "a flag that is a word": ({"childcare": "no"}, "Offer.childcare"),
    "a map that is a list": ({"texts": []}, "Offer.texts"),
    "a list that is a text": ({"categories": "language"}, "Offer.categories"),
    "a place without its shape": ({"place": "Schwelm"}, "Offer.place"),
    "an unknown field": ({"titel": "Deutsch"}, "titel"),
    "bytes for a text": ({"source": b"x"}, "Offer.source"),
}


@pytest.mark.parametrize(("fields", "place"), MISFITS.values(), ids=MISFITS.keys())
def test_data_that_do_not_fit_are_refused_by_the_name_of_their_field(codec, fields, place):
    with pytest.raises(EventRefusedError) as refused:
        codec.encode("OfferPublished", {"offer": {**an_offer(), **fields}})
    assert place in str(refused.value)


def test_a_refusal_never_tells_a_value(codec):
    with pytest.raises(EventRefusedError) as refused:
        codec.encode("Contact", {"contact_id": "c1", "name": ["Erika Mustermann"]})
    assert "name" in str(refused.value)
    assert "Erika" not in f"{refused.value} {refused.value.facts}"


def test_a_missing_field_and_an_unknown_type_are_refused(codec):
    offer = an_offer()
    del offer["kind"]
    with pytest.raises(EventRefusedError, match="kind"):
        codec.encode("OfferPublished", {"offer": offer})
    with pytest.raises(EventRefusedError, match="OfferVanished"):
        codec.encode("OfferVanished", {})


def test_a_lone_surrogate_is_refused(codec):
    with pytest.raises(EventRefusedError):
        codec.encode("OfferPublished", {"offer": {**an_offer(), "attribution": "\ud800"}})


def test_a_body_over_900_kib_is_refused_and_one_below_is_not(codec):
    body, _ = codec.encode("OfferPublished", {"offer": an_offer(extra={"a": "x" * 900_000})})
    room = MAX_BODY_BYTES - len(body)
    codec.encode("OfferPublished", {"offer": an_offer(extra={"a": "x" * (900_000 + room)})})
    with pytest.raises(EventRefusedError, match="921601"):
        codec.encode("OfferPublished", {"offer": an_offer(extra={"a": "x" * (900_001 + room)})})


def _encoded(codec, event_type="OfferPublished"):
    event = an_event(event_type)
    return codec.encode(event.type, event.data)


def test_every_cut_of_a_body_is_unreadable(codec):
    body, schema = _encoded(codec)
    for length in range(len(body)):
        with pytest.raises(UnreadableEventError):
            codec.decode("OfferPublished", schema, body[:length])


def test_bytes_after_the_end_are_unreadable(codec):
    body, schema = _encoded(codec)
    with pytest.raises(UnreadableEventError, match="ends at"):
        codec.decode("OfferPublished", schema, body + b"\0")


def test_a_body_of_another_type_is_unreadable_whatever_the_envelope_says(codec):
    published, schema = _encoded(codec)
    revised, other = _encoded(codec, "OfferRevised")
    for event_type, digest, body in (
        ("OfferRevised", schema, published),
        ("OfferRevised", other, published),
        ("OfferPublished", schema, revised),
        ("OfferRevised", "", published),
        ("NoSuchEvent", schema, published),
    ):
        with pytest.raises(UnreadableEventError):
            codec.decode(event_type, digest, body)


def test_an_unknown_schema_is_unreadable(codec):
    body, _ = _encoded(codec)
    with pytest.raises(UnreadableEventError, match="newer Verbund"):
        codec.decode("OfferPublished", "ab" * 32, body)


def test_garbage_behind_a_good_mark_is_read_as_some_record_or_is_unreadable_but_never_anything_else(codec):
    body, schema = _encoded(codec)
    for place in range(10, len(body)):
        for byte in (0x00, 0x01, 0x7F, 0x80, 0xFF):
            spoilt = body[:place] + bytes([byte]) + body[place + 1 :]
            try:
                data = codec.decode("OfferPublished", schema, spoilt)
            except UnreadableEventError:
                continue
            again, _ = codec.encode("OfferPublished", data)
            assert len(again) <= len(spoilt)


@pytest.mark.parametrize("length", [b"\xff" * 9 + b"\x01", b"\x01", b"\xfe" + b"\xff" * 8 + b"\x01", b"\x80" * 4000])
def test_a_hostile_length_neither_loops_nor_takes_memory(codec, length):
    body, schema = _encoded(codec, "RejectCleared")
    with pytest.raises(UnreadableEventError):
        codec.decode("RejectCleared", schema, body[:10] + length + body[11:])


# --- versions --------------------------------------------------------------------------------------------------------


class Catalogue:
    """Two versions of one event, the older one without the fields that came later."""

    def __init__(self) -> None:
        self.today: verbund_schemas.Schema = copy.deepcopy(verbund_schemas.expanded("OfferMissed"))
        self.old = copy.deepcopy(self.today)
        self.old["fields"].append({"name": "weather", "type": "string", "default": "fine"})
        self.today["fields"].append({"name": "excuse", "type": ["null", "string"], "default": None})

    def expanded(self, name: str, /) -> verbund_schemas.Schema:
        return self.today

    def shipped_versions(self, name: str, /) -> tuple[str, ...]:
        return (verbund_schemas.digest(self.old), verbund_schemas.digest(self.today))

    def shipped(self, schema_digest: str, /, *, name: str | None = None) -> verbund_schemas.Schema:
        by_digest = {verbund_schemas.digest(schema): schema for schema in (self.old, self.today)}
        if schema_digest not in by_digest:
            raise verbund_schemas.UnknownSchemaError(schema_digest)
        return by_digest[schema_digest]


def test_a_body_of_an_older_version_takes_todays_shape():
    catalogue = Catalogue()
    old_digest, new_digest = catalogue.shipped_versions("OfferMissed")
    mark = b"\xc3\x01" + verbund_schemas.fingerprint(catalogue.old)
    data = {**an_event("OfferMissed").data, "weather": "rain"}
    buffer = BytesIO(mark)
    buffer.seek(10)
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(catalogue.old), data)

    codec = AvroCodec(catalogue)
    expected = {**an_event("OfferMissed").data, "excuse": None}
    assert codec.decode("OfferMissed", old_digest, buffer.getvalue()) == expected
    assert codec.decode("OfferMissed", "", buffer.getvalue()) == expected
    with pytest.raises(UnreadableEventError):
        codec.decode("OfferMissed", old_digest, buffer.getvalue() + b"\0")
    with pytest.raises(UnreadableEventError):
        codec.decode("OfferMissed", new_digest, buffer.getvalue())


def test_an_event_id_and_body_are_the_same_each_time_they_are_made(codec):
    first, second = a_published_offer(), a_published_offer()
    assert first.id == second.id
    assert codec.encode(first.type, first.data) == codec.encode(second.type, second.data)
