"""Events as Kafka records: CloudEvents in binary mode, attributes in headers, the Avro body as value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from verbund.codec import Codec
from verbund.event_log.envelope import Sealed
from verbund.events import Recorded

Headers = list[tuple[str, bytes]]

SPEC_VERSION = b"1.0"
CONTENT_TYPE = b"application/avro"
#: The full SHA-256 of the schema; `ce_dataschema` carries the same as a URI, as the standard wants it.
SCHEMA_HEADER = "schema-sha256"


def headers(sealed: Sealed) -> Headers:
    """What a reader needs to know whether an event is for it."""
    made = [
        ("ce_specversion", SPEC_VERSION),
        ("ce_id", sealed.id.encode()),
        ("ce_type", sealed.type.encode()),
        ("ce_source", sealed.source.encode()),
        ("ce_subject", sealed.subject.encode()),
        ("ce_time", sealed.time.encode()),
        ("ce_dataschema", f"urn:verbund:schema:{sealed.type}:{sealed.schema}".encode()),
        ("ce_revision", str(sealed.revision).encode()),
        ("content-type", CONTENT_TYPE),
        (SCHEMA_HEADER, sealed.schema.encode()),
    ]
    if sealed.run_id is not None:
        made.append(("ce_runid", sealed.run_id.encode()))
    if sealed.traceparent is not None:
        made.append(("ce_traceparent", sealed.traceparent.encode()))
    return made


def recorded(topic: str, record: Any, codec: Codec) -> Recorded:
    """A record of the consumer; whatever is missing or garbage is left empty, so that a reader can park it."""
    found = _texts(record.headers)
    revision = found.get("ce_revision", "")
    return Recorded(
        topic,
        record.offset,
        record.timestamp,
        found.get("ce_id", ""),
        found.get("ce_type", ""),
        found.get("ce_source", ""),
        found.get("ce_subject", ""),
        found.get("ce_time", ""),
        int(revision) if revision.isdecimal() else 0,
        found.get("ce_runid"),
        found.get(SCHEMA_HEADER, ""),
        bytes(record.value or b""),
        codec,
        found.get("ce_traceparent"),
    )


def _texts(pairs: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in pairs if value is not None}
    except UnicodeDecodeError:
        return {}
