"""Record batches of Kafka taken apart in one pass: kafka-python's own loop over records costs three times as much.

kafka-python stays in charge of all else: it fetches, checks sums, decompresses, leaves out control batches and aborted
transactions and keeps the position. It sees each batch as a single record, whose value is the list of its records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kafka import KafkaConsumer  # noqa: TID251 - one of the modules of the Kafka log
from kafka.consumer.fetcher import Fetcher  # noqa: TID251 - as above
from kafka.errors import CorruptRecordError, UnsupportedVersionError  # noqa: TID251 - as above
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch  # noqa: TID251 - as above

# Numbers are zigzag varints. What a single byte says, and that there are more; it is no number of a single byte.
_LONGER = -65
_SHORT = (*(byte >> 1 ^ -(byte & 1) for byte in range(128)), *[_LONGER] * 128)
# No number of a record is longer than 64 bits.
_LAST_SHIFT = 63


class Stored(NamedTuple):
    """What a reader wants of a record; its key is left out, since the headers say the same.

    Attributes:
        offset: place in the partition.
        timestamp: milliseconds since 1970; of the append, if the topic is set so.
        value: empty where there is none.
        headers: the last of each name; without those that have no value.
    """

    offset: int
    timestamp: int
    value: bytes
    headers: dict[bytes, bytes]


def take_apart_in_one_pass(consumer: KafkaConsumer) -> None:
    """Make `poll` hand out `Stored` instead of `ConsumerRecord`.

    There is no public way, but kafka-python looks this class up on its fetcher for each partition it has fetched.
    """
    consumer._fetcher.PartitionRecords = PartitionRecords  # noqa: SLF001 - see above


class PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc, unused-ignore] # kafka-python has no types
    """What was fetched of a partition, for `Fetcher`."""

    def _unpack_records(self, tp: Any, records: Any, *_deserializers: Any) -> Iterator[Stored]:
        for batch in super()._unpack_records(tp, _Batches(records), None, None):
            self.records_read += len(batch.value) - 1
            for record in batch.value:
                self.next_fetch_offset = record.offset + 1
                yield record


class _Batches:
    """The batches of a fetch, as `_Batch`."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def next_batch(self) -> _Batch | None:
        batch = self._records.next_batch()
        return None if batch is None else _Batch(batch)


class _Batch:
    """A batch that is iterated over as one record."""

    def __init__(self, batch: Any) -> None:
        if batch.magic != 2:
            raise UnsupportedVersionError(f"record format {batch.magic} is that of a broker before Kafka 0.11")
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)  # the only record of a control batch is looked at like this

    def __iter__(self) -> Iterator[Any]:
        batch = self._batch
        yield DefaultRecord(
            batch.size_in_bytes,
            batch.last_offset,
            batch.max_timestamp,
            batch.timestamp_type,
            None,
            records_of(batch),
            (),
        )


def records_of(batch: DefaultRecordBatch) -> list[Stored]:
    """All records of a batch whose sum was checked.

    Raises:
        CorruptRecordError: a length does not fit.
    """
    batch._maybe_uncompress()  # noqa: SLF001 - what iterating over it would do first
    body = bytes(batch._buffer)  # noqa: SLF001 - as above
    try:
        records, end = _records(body, batch._pos, batch)  # noqa: SLF001 - as above
    except IndexError as error:
        raise CorruptRecordError("a record goes on beyond the end of its batch") from error
    if end != len(body):
        raise CorruptRecordError(f"{len(body) - end} bytes are left behind the last record")
    return records


def _records(body: bytes, at: int, batch: Any) -> tuple[list[Stored], int]:
    """The records, and where the last one ends. A length below zero means that there is nothing."""
    records = []
    base, first = batch.base_offset, batch.first_timestamp
    appended = batch.max_timestamp if batch.timestamp_type == batch.LOG_APPEND_TIME else None
    for _ in range(batch.records_count):
        size, at = _length(body, at)
        end = at + size
        later, at = _number(body, at + 1)  # behind a byte for attributes, of which Kafka has none yet
        place, at = _number(body, at)
        size, at = _number(body, at)
        size, at = _number(body, at + size if size > 0 else at)  # past the key
        stop = at + size if size > 0 else at
        headers, behind = _headers(body, stop)
        if behind != end:
            raise CorruptRecordError(f"a record ends at byte {behind} of its batch and says {end}")
        records.append(Stored(base + place, first + later if appended is None else appended, body[at:stop], headers))
        at = end
    return records, at


def _headers(body: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    """The headers, and where they end; most of what a record costs, so that short numbers are looked up in place."""
    headers = {}
    count, at = _length(body, at)
    for _ in range(count):
        size = _SHORT[body[at]]
        at += 1
        if size < 0:
            size, at = _length(body, at - 1)
        end = at + size
        name = body[at:end]
        size = _SHORT[body[end]]
        at = end + 1
        if size == _LONGER:
            size, at = _number(body, end)
        if size >= 0:
            end = at + size
            headers[name] = body[at:end]
            at = end
    return headers, at


def _length(body: bytes, at: int) -> tuple[int, int]:
    """One that must be there, and where it ends."""
    number, at = _number(body, at)
    if number < 0:
        raise CorruptRecordError("a length is below zero")
    return number, at


def _number(body: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    number = _SHORT[body[at]]
    if number != _LONGER:
        return number, at + 1
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number >> 1 ^ -(number & 1), at
        shift += 7
        if shift > _LAST_SHIFT:
            raise IndexError(at)
