"""Event bodies as bytes that name their own schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fastavro import validate
from fastavro.validation import ValidationError

import verbund_schemas
from verbund.avro import MisfitError, Reader, Writer, compiled_reader, compiled_writer
from verbund.errors import EventRefusedError, UnreadableEventError

#: An encoded event is at most this long: the largest body that Kafka's default limits let through with its headers.
MAX_BODY_BYTES = 900 * 1024

_MARKER = b"\xc3\x01"
_MARK_BYTES = 10


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


class Catalogue(Protocol):
    """Where a codec finds schemas; the package `verbund_schemas` is one."""

    def expanded(self, name: str, /) -> verbund_schemas.Schema:
        """Today's schema of that name, self-contained."""
        ...

    def shipped_versions(self, name: str, /) -> tuple[str, ...]:
        """Digests of all versions of that name, oldest first."""
        ...

    def shipped(self, schema_digest: str, /, *, name: str | None = None) -> verbund_schemas.Schema:
        """The schema of that name with that digest."""
        ...


@dataclass(frozen=True, slots=True)
class _Today:
    schema: verbund_schemas.Schema
    digest: str
    mark: bytes
    read: Reader
    write: Writer


@dataclass(frozen=True, slots=True)
class _Version:
    """How bodies of one schema are read, into today's shape."""

    mark: bytes
    read: Reader


class AvroCodec:
    """Avro single-object encoding (C3 01, CRC-64-AVRO, body) of events and other stored types, by name.

    Several threads may use one. Code that was compiled for the schemas reads and writes.

    Args:
        catalogue: of the schemas.
        shapes: what `decode` gives of some types instead of today's shape, for a process that needs less of them: a
            schema made by `verbund.avro.narrowed`. All that read through this codec get that.
    """

    def __init__(
        self, catalogue: Catalogue = verbund_schemas, *, shapes: Mapping[str, verbund_schemas.Schema] | None = None
    ) -> None:
        self._catalogue = catalogue
        self._shapes = shapes or {}
        self._today: dict[str, _Today] = {}
        self._versions: dict[tuple[str, str], _Version] = {}

    def encode(self, event_type: str, data: Mapping[str, Any]) -> tuple[bytes, str]:
        """See `Codec`; a field that the schema does not know is refused, one that has a default may be left out."""
        today = self._today.get(event_type) or self._load(event_type)
        pieces = [today.mark]
        try:
            today.write(data, pieces)
        except Exception as error:
            raise _refused(event_type, today.schema, data, error) from error
        body = b"".join(pieces)
        if len(body) > MAX_BODY_BYTES:
            raise EventRefusedError(
                "The {type} is {bytes} bytes long, more than the {limit} that an event may have; shorten the record.",
                type=event_type,
                bytes=len(body),
                limit=MAX_BODY_BYTES,
            )
        return body, today.digest

    def decode(self, event_type: str, schema: str, body: bytes) -> dict[str, Any]:
        """See `Codec`. With an empty `schema` (bytes without an envelope) the body's own CRC-64 finds it."""
        version = self._versions.get((event_type, schema)) or self._find(event_type, schema, body)
        if not body.startswith(version.mark):
            raise UnreadableEventError(
                "The body of the {type} does not begin with the mark of its schema {schema}.",
                type=event_type,
                schema=schema,
            )
        try:
            data, end = version.read(body, _MARK_BYTES)
        except Exception as error:
            raise UnreadableEventError(
                "The body of the {type} cannot be read: {problem}.", type=event_type, problem=type(error).__name__
            ) from error
        if end != len(body):
            raise UnreadableEventError(
                "The body of the {type} is {bytes} bytes long, but its record ends at {end}.",
                type=event_type,
                bytes=len(body),
                end=end,
            )
        return data

    def _load(self, event_type: str) -> _Today:
        try:
            schema = self._catalogue.expanded(event_type)
        except verbund_schemas.UnknownSchemaError as error:
            raise EventRefusedError("There is no event type {type}.", type=event_type) from error
        read = compiled_reader(schema, self._shapes.get(event_type))
        today = _Today(schema, verbund_schemas.digest(schema), _mark(schema), read, compiled_writer(schema))
        self._today[event_type] = today
        return today

    def _find(self, event_type: str, schema: str, body: bytes) -> _Version:
        try:
            today = self._today.get(event_type) or self._load(event_type)
            if schema == today.digest or (not schema and body.startswith(today.mark)):
                version = _Version(today.mark, today.read)
            else:
                version = self._shipped(event_type, schema, body, today)
        except (verbund_schemas.UnknownSchemaError, EventRefusedError) as error:
            raise UnreadableEventError(
                "No version of {type} has the schema {schema}; a newer Verbund may have written it.",
                type=event_type,
                schema=schema,
            ) from error
        if schema:
            self._versions[event_type, schema] = version
        return version

    def _shipped(self, event_type: str, schema: str, body: bytes, today: _Today) -> _Version:
        """Without a digest the mark decides: versions of one mark differ in nothing that reading them needs."""
        for known in (schema,) if schema else self._catalogue.shipped_versions(event_type):
            writer = self._catalogue.shipped(known, name=event_type)
            mark = _mark(writer)
            if schema or body.startswith(mark):
                return _Version(mark, compiled_reader(writer, self._shapes.get(event_type, today.schema)))
        raise verbund_schemas.UnknownSchemaError(body[:_MARK_BYTES].hex())


def _mark(schema: verbund_schemas.Schema) -> bytes:
    return _MARKER + verbund_schemas.fingerprint(schema)


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
    problem = str(error) if isinstance(error, MisfitError) else type(error).__name__
    return EventRefusedError("The {type} does not fit its schema: {problem}.", type=event_type, problem=problem)
