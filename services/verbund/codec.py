"""Event bodies as bytes that name their own schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

from fastavro import schemaless_reader, schemaless_writer, validate
from fastavro.validation import ValidationError

import verbund_schemas
from verbund.errors import EventRefusedError, UnreadableEventError

#: An encoded event is at most this long: the largest body that Kafka's default limits let through with its headers.
MAX_BODY_BYTES = 900 * 1024

_MARKER = b"\xc3\x01"
_HEADER_BYTES = 10


class Codec(Protocol):
    """Event data to bytes and back; decode returns today's shape whichever version wrote the bytes."""

    def encode(self, event_type: str, data: Mapping[str, Any]) -> tuple[bytes, str]:
        """The body and the SHA-256 (hex) of the full schema that wrote it.

        Raises:
            EventRefusedError: the data do not fit the schema, or the body is over 900 KiB.
        """
        ...

    def decode(self, event_type: str, schema: str, body: bytes) -> dict[str, Any]:
        """The record in today's shape.

        Raises:
            UnreadableEventError: garbage, an unknown schema, or a body of another type.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Version:
    """A schema that writes or once wrote bodies; `reader` is today's when that is another one."""

    writer: verbund_schemas.Schema
    reader: verbund_schemas.Schema | None
    digest: str
    header: bytes


class AvroCodec:
    """Avro single-object encoding (C3 01, CRC-64-AVRO, body) of events and other stored types, by name.

    Used by several threads at once.
    """

    def __init__(self) -> None:
        self._today: dict[str, _Version] = {}
        self._shipped: dict[tuple[str, str], _Version] = {}

    def encode(self, event_type: str, data: Mapping[str, Any]) -> tuple[bytes, str]:
        """See `Codec`; a field that the schema does not know is refused, one that has a default may be left out."""
        version = self._today.get(event_type) or self._load_today(event_type)
        buffer = BytesIO()
        buffer.write(version.header)
        try:
            schemaless_writer(buffer, version.writer, data, strict_allow_default=True, disable_tuple_notation=True)
        except Exception as error:
            raise _refused(event_type, version.writer, data, error) from error
        body = buffer.getvalue()
        if len(body) > MAX_BODY_BYTES:
            raise EventRefusedError(
                "The {type} is {bytes} bytes long, more than the {limit} that an event may have; shorten the record.",
                type=event_type,
                bytes=len(body),
                limit=MAX_BODY_BYTES,
            )
        return body, version.digest

    def decode(self, event_type: str, schema: str, body: bytes) -> dict[str, Any]:
        """See `Codec`. An empty `schema` (bytes that lost their envelope) is looked up by the body's own CRC-64."""
        version = self._shipped.get((event_type, schema)) or self._load_shipped(event_type, schema, body)
        if not body.startswith(version.header):
            raise UnreadableEventError(
                "The body of the {type} does not begin with the mark of the schema {schema}.",
                type=event_type,
                schema=schema,
            )
        stream = BytesIO(body)
        stream.seek(_HEADER_BYTES)
        try:
            data: Any = schemaless_reader(stream, version.writer, version.reader)
        except Exception as error:
            raise UnreadableEventError(
                "The body of the {type} cannot be read: {problem}.", type=event_type, problem=type(error).__name__
            ) from error
        if stream.tell() != len(body):
            raise UnreadableEventError(
                "The body of the {type} goes on for {bytes} bytes after its end.",
                type=event_type,
                bytes=len(body) - stream.tell(),
            )
        return data  # type: ignore[no-any-return]

    def _load_today(self, event_type: str) -> _Version:
        try:
            schema = verbund_schemas.load(event_type)
        except verbund_schemas.UnknownSchemaError as error:
            raise EventRefusedError("There is no event type {type}.", type=event_type) from error
        version = _version(schema, None)
        self._today[event_type] = version
        self._shipped[event_type, version.digest] = version
        return version

    def _load_shipped(self, event_type: str, schema: str, body: bytes) -> _Version:
        try:
            today = self._today.get(event_type) or self._load_today(event_type)
            if schema == today.digest or (not schema and body.startswith(today.header)):
                return today
            if not schema:
                return self._by_header(event_type, today, body)
            version = _version(verbund_schemas.shipped(schema, name=event_type), today.writer)
        except (verbund_schemas.UnknownSchemaError, EventRefusedError) as error:
            raise UnreadableEventError(
                "No version of {type} has the schema {schema}; a newer Verbund may have written it.",
                type=event_type,
                schema=schema,
            ) from error
        self._shipped[event_type, schema] = version
        return version

    def _by_header(self, event_type: str, today: _Version, body: bytes) -> _Version:
        """Versions with one CRC-64 differ in defaults only, and those say nothing about reading what was written."""
        for known in verbund_schemas.shipped_versions(event_type):
            version = _version(verbund_schemas.shipped(known), today.writer)
            if body.startswith(version.header):
                return version
        raise verbund_schemas.UnknownSchemaError(body[:_HEADER_BYTES].hex())


def _version(writer: verbund_schemas.Schema, reader: verbund_schemas.Schema | None) -> _Version:
    return _Version(writer, reader, verbund_schemas.digest(writer), _MARKER + verbund_schemas.fingerprint(writer))


def _refused(
    event_type: str, schema: verbund_schemas.Schema, data: Mapping[str, Any], error: Exception
) -> EventRefusedError:
    """Names the field; validation is slow and therefore asked only now. Values stay out: they may be personal."""
    try:
        validate(data, schema)
    except ValidationError as invalid:
        fields = ", ".join(sorted({problem.field for problem in invalid.errors if problem.field}))
        return EventRefusedError(
            "The {type} does not fit its schema at {fields}.", type=event_type, fields=fields or "its root"
        )
    return EventRefusedError("The {type} does not fit its schema: {problem}.", type=event_type, problem=str(error))
