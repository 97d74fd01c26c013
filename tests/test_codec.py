"""Event bodies: bytes that name their own schema."""

import pytest

import verbund_schemas
from verbund.codec import AvroCodec
from verbund.testing.builders import an_event


@pytest.mark.parametrize("event_type", verbund_schemas.event_names())
def test_every_event_survives_the_way_to_bytes_and_back(event_type):
    codec = AvroCodec()
    event = an_event(event_type)
    body, schema = codec.encode(event.type, event.data)
    assert codec.decode(event.type, schema, body) == event.data
