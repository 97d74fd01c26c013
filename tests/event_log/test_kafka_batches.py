"""Our reading of record batches against kafka-python's own, on the same bytes."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedVersionError
from kafka.record import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import TopicPartition

from verbund.codec import AvroCodec
from verbund.event_log.envelope import seal
from verbund.event_log.kafka_batches import PartitionRecords, Stored
from verbund.event_log.kafka_records import headers, recorded
from verbund.testing.builders import a_published_offer
from verbund.testing.event_log import PlainCodec

PARTITION = TopicPartition("inventory.05954", 0)
GZIP = 1
BROKERS_CLOCK, CONTROL, TRANSACTIONAL = 0x08, 0x20, 0x10
ABORT, COMMIT = struct.pack(">hh", 0, 0), struct.pack(">hh", 0, 1)

texts = st.one_of(st.binary(max_size=5), st.binary(min_size=60, max_size=70), st.just(b"x" * 20_000))
records = st.tuples(
    st.integers(0, 2**40),
    st.none() | texts,
    st.none() | texts,
    st.lists(st.tuples(st.text(max_size=3) | st.just("n" * 200), st.none() | texts), max_size=80),
)


def batch_of(content, *, base=0, attributes=0, compression=0, producer=-1, epoch=3):
    """A batch as a broker would hand it out."""
    builder = MemoryRecordsBuilder(2, compression, 2**30, producer_id=producer, producer_epoch=0, base_sequence=0)
    for timestamp, key, value, pairs in content:
        builder.append(timestamp, key, value, pairs)
    builder.close()
    made = bytearray(builder.buffer())
    struct.pack_into(">q", made, 0, base)
    struct.pack_into(">i", made, 12, epoch)
    struct.pack_into(">h", made, 21, struct.unpack_from(">h", made, 21)[0] | attributes)
    struct.pack_into(">I", made, 17, crc32c(bytes(made[21:])))
    return bytes(made)


def marker(base, producer, kind):
    return batch_of([(1, kind, b"\0" * 6, [])], base=base, attributes=CONTROL | TRANSACTIONAL, producer=producer)


def taken(make, fetched, *, start=0, aborted=(), step=3, committed=True):
    """What a reader gets, a few records at a time, with the places it would fetch from next."""
    level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
    part = make(start, PARTITION, MemoryRecords(fetched), isolation_level=level, aborted_transactions=list(aborted))
    steps: list[Any] = []
    try:
        while part and len(steps) < 1000:
            found = [_stored(record) for record in part.take(step)]
            steps.append((found, part.next_fetch_offset, part.leader_epoch, part.records_read if not part else None))
    except KafkaError as error:
        steps.append(type(error))
    return steps


def _stored(record):
    if isinstance(record, Stored):
        return record
    pairs = {name.encode(): value for name, value in record.headers if value is not None}
    return Stored(record.offset, record.timestamp, record.value or b"", pairs)


def agree(fetched, **options):
    ours, theirs = taken(PartitionRecords, fetched, **options), taken(Fetcher.PartitionRecords, fetched, **options)
    assert ours == theirs
    return [record for found, *_ in ours for record in found]


def _without_repeated_names(content):
    """A later header without a value does not take back an earlier one; events have each name once."""
    return [(at, key, value, list(dict(pairs).items())) for at, key, value, pairs in content]


@given(
    content=st.lists(records, min_size=1, max_size=6).map(_without_repeated_names),
    base=st.integers(0, 2**62),
    attributes=st.sampled_from([0, BROKERS_CLOCK]),
    compression=st.sampled_from([0, GZIP]),
    skipped=st.integers(0, 6),
    step=st.integers(1, 7),
)
@settings(max_examples=150, deadline=None)
def test_records_of_every_shape_are_read_as_kafka_python_reads_them(
    content, base, attributes, compression, skipped, step
):
    first = batch_of(content, base=base, attributes=attributes, compression=compression)
    second = batch_of(content, base=base + len(content) + 5, epoch=4)
    found = agree(first + second, start=base + skipped, step=step)
    assert len(found) == 2 * len(content) - min(skipped, len(content))


@given(
    turns=st.lists(
        st.tuples(st.sampled_from([7, 8, -1]), st.integers(1, 3), st.sampled_from([None, ABORT, COMMIT])), max_size=8
    ),
    committed=st.booleans(),
    step=st.integers(1, 5),
)
@settings(max_examples=150, deadline=None)
def test_transactions_and_their_markers_are_left_out_as_kafka_python_leaves_them_out(turns, committed, step):
    fetched, at, aborted = b"", 0, []
    open_since: dict[int, int] = {}
    for producer, count, end in turns:
        attributes = TRANSACTIONAL if producer > 0 else 0
        content: list[Any] = [(1, b"k", f"{producer}".encode(), [])] * count
        fetched += batch_of(content, base=at, attributes=attributes, producer=producer)
        open_since.setdefault(producer, at)
        at += count
        if producer > 0 and end is not None:
            fetched += marker(at, producer, end)
            began = open_since.pop(producer)
            if end == ABORT:
                aborted.append(SimpleNamespace(producer_id=producer, first_offset=began))
            at += 1
    agree(fetched, aborted=aborted, committed=committed, step=step)


def test_aborted_records_never_come():
    gone = batch_of([(1, None, b"gone", [])], attributes=TRANSACTIONAL, producer=7)
    kept = batch_of([(1, None, b"kept", [])], base=2)
    aborted = [SimpleNamespace(producer_id=7, first_offset=0)]
    assert [record.value for record in agree(gone + marker(1, 7, ABORT) + kept, aborted=aborted)] == [b"kept"]


@given(place=st.integers(17, 400), byte=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_spoilt_bytes_fail_their_sum(place, byte):
    good = batch_of([(1, b"k", b"v" * 100, [("a", b"1"), ("b", None)])] * 3)
    spoilt = good[:place] + bytes([byte]) + good[place + 1 :]
    assert spoilt == good or taken(PartitionRecords, spoilt) == [CorruptRecordError]


# Where a record of the test says a length or a difference: behind the header of its batch, but for its texts.
NUMBERS = (61, 63, 64, 65, 67, 69, 70, 72, 74, 76)


@pytest.mark.parametrize("place", NUMBERS)
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x02, 0x03, 0x7E, 0x80, 0xFF])
def test_wrong_lengths_under_a_right_sum_are_treated_as_kafka_python_treats_them(place, byte):
    spoilt = bytearray(batch_of([(1, b"k", b"v", [("a", b"1"), ("b", None)])] * 2))
    spoilt[place] = byte
    struct.pack_into(">I", spoilt, 17, crc32c(bytes(spoilt[21:])))
    ours, theirs = (taken(make, bytes(spoilt)) for make in (PartitionRecords, Fetcher.PartitionRecords))
    assert ours == theirs or ours == [CorruptRecordError]


def test_the_format_of_old_brokers_is_refused():
    builder = MemoryRecordsBuilder(1, 0, 10_000)
    builder.append(1, b"k", b"v")
    builder.close()
    assert taken(PartitionRecords, bytes(builder.buffer())) == [UnsupportedVersionError]


def test_an_event_comes_back_from_its_headers():
    codec = AvroCodec()
    event = a_published_offer()
    (sealed,) = seal("inventory.05954", [event], codec)
    ((stored,), *_) = taken(PartitionRecords, batch_of([(5, b"k", sealed.body, headers(sealed))], base=9))[0]
    record = recorded("inventory.05954", stored, codec)
    assert (record.position, record.appended_ms, record.data) == (9, 5, event.data)
    assert (record.id, record.type, record.source) == (sealed.id, sealed.type, sealed.source)
    assert (record.subject, record.time, record.revision) == (sealed.subject, sealed.time, sealed.revision)
    assert (record.run_id, record.schema, record.traceparent) == (sealed.run_id, sealed.schema, sealed.traceparent)


def test_events_that_say_their_schema_in_a_header_of_its_own_are_read():
    pairs = {b"ce_id": b"1", b"ce_dataschema": b"urn:verbund:schema:OfferMissed:ab12", b"schema-sha256": b"ab12"}
    assert recorded("t", Stored(1, 2, b"", pairs), PlainCodec()).schema == "ab12"


@pytest.mark.parametrize(
    "pairs", [{}, {b"ce_type": b"\xff"}, {b"ce_revision": b"one", b"ce_dataschema": b"\xff"}], ids=repr
)
def test_garbage_is_left_empty(pairs):
    record = recorded("t", Stored(1, 2, b"body", pairs), PlainCodec())
    assert (record.position, record.body, record.type, record.revision, record.schema) == (1, b"body", "", 0, "")
    assert record.run_id is None
