"""Events as Kafka records: CloudEvents in binary mode, attributes in headers, the Avro body as value."""

from __future__ import annotations

from verbund.codec import Codec
from verbund.event_log.envelope import Sealed
from verbund.event_log.kafka_batches import Stored
from verbund.events import Recorded

Headers = list[tuple[str, bytes]]

SPEC_VERSION = b"1.0"
CONTENT_TYPE = b"application/avro"


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
    ]
    if sealed.run_id is not None:
        made.append(("ce_runid", sealed.run_id.encode()))
    if sealed.traceparent is not None:
        made.append(("ce_traceparent", sealed.traceparent.encode()))
    return made


def recorded(topic: str, record: Stored, codec: Codec) -> Recorded:
    """An event as read; whatever is missing or garbage is left empty, so that a reader can park it."""
    offset, timestamp, body, found = record
    try:
        revision = found.get(b"ce_revision", b"")
        run_id, traceparent = found.get(b"ce_runid"), found.get(b"ce_traceparent")
        return Recorded(
            topic,
            offset,
            timestamp,
            found.get(b"ce_id", b"").decode(),
            found.get(b"ce_type", b"").decode(),
            found.get(b"ce_source", b"").decode(),
            found.get(b"ce_subject", b"").decode(),
            found.get(b"ce_time", b"").decode(),
            int(revision) if revision.isdigit() else 0,
            None if run_id is None else run_id.decode(),
            found.get(b"ce_dataschema", b"").rpartition(b":")[2].decode(),  # the full SHA-256 of the schema
            body,
            codec,
            None if traceparent is None else traceparent.decode(),
        )
    except UnicodeDecodeError:
        return recorded(topic, record._replace(headers={}), codec)
