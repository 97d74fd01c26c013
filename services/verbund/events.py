"""Events: past facts, and how a log hands them out again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

if TYPE_CHECKING:
    from verbund.codec import Codec

# Every id that Verbund derives hangs below this one name.
NAMESPACE = uuid5(NAMESPACE_URL, "https://verbund.example/ids")
_NAMESPACE_BYTES = NAMESPACE.bytes


def event_id(subject: str, event_type: str, revision: int, content: str) -> UUID:
    """The id of an event: the same decision always gets the same id, so appending it twice is harmless."""
    return UUID(derived_id(f"{subject}\n{event_type}\n{revision}\n{content}"))


def derived_id(name: str) -> str:
    """`str(uuid5(NAMESPACE, name))`, at a fifth of its price: a run makes several for each record (RFC 9562, 5.5)."""
    digest = bytearray(hashlib.sha1(_NAMESPACE_BYTES + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A past fact, before it is in a log.

    Attributes:
        id: deterministic, see `event_id`; CloudEvents `id`.
        type: name of the Avro schema, for example `OfferPublished`; CloudEvents `type`.
        source: `<ags>/<source name>`; CloudEvents `source`.
        subject: id of what the event is about; the key in the topic; CloudEvents `subject`.
        time: when it was decided, UTC; CloudEvents `time`. No order is ever taken from it.
        data: the Avro record of the schema.
        revision: of the subject, 1, 2, ...; 0 for events without one.
        run_id: the pull that caused it, or None.
        traceparent: W3C trace context, or None.
    """

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    revision: int = 0
    run_id: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class Recorded:
    """An event as a log holds it: envelope at hand, body decoded when first asked for.

    `type`, `subject` and the other text fields are empty strings when the stored record lacks them; such a record is
    poison and its reader parks it. `position` counts per topic; the next one to read is `position + 1`.

    Attributes:
        topic: name without the cluster's prefix, for example `inventory.05954`.
        position: place in the topic; rises, may have gaps.
        appended_ms: append time of the log, milliseconds since 1970.
        schema: SHA-256 in hex of the full schema that wrote the body.
        body: Avro single-object encoding.
    """

    topic: str
    position: int
    appended_ms: int
    id: str
    type: str
    source: str
    subject: str
    time: str
    revision: int
    run_id: str | None
    schema: str
    body: bytes
    codec: Codec = field(repr=False, compare=False)
    traceparent: str | None = None
    _data: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    @property
    def data(self) -> dict[str, Any]:
        """The Avro record in today's shape, whichever version wrote it; shared by all readers, so never changed.

        Raises:
            UnreadableEventError: the body is garbage or its schema is unknown.
        """
        if self._data is None:
            self._data = self.codec.decode(self.type, self.schema, self.body)
        return self._data

    def know(self, data: Mapping[str, Any] | None) -> None:
        """Spare decoding what the reader has just encoded itself."""
        if data is not None and self._data is None:
            self._data = dict(data)
