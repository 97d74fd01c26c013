"""What every log stores of an event: the envelope and the encoded body."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from verbund.codec import Codec
from verbund.errors import EventRefusedError
from verbund.events import Event

#: First words of the topics that exist; any other is a slip of the pen and is never made.
TOPIC_KINDS = ("inventory", "contacts", "runs", "desk", "exchange")

#: The encoded body is kept below this, so that a record with its headers fits Kafka's default of 1 MiB.
MAX_BODY_BYTES = 900 * 1024

#: Large records must not fill a reader's memory: a page ends early once its bodies are more than this.
PAGE_BYTES = 16 * 1024 * 1024

_TOPIC = re.compile(rf"({'|'.join(TOPIC_KINDS)})(\.[A-Za-z0-9_-]+)*")


class Sealed(NamedTuple):
    """An event ready to be stored; `id` is the text of the UUID, `time` RFC 3339 in UTC."""

    id: str
    type: str
    source: str
    subject: str
    time: str
    revision: int
    run_id: str | None
    traceparent: str | None
    schema: str
    body: bytes


def seal(topic: str, events: Sequence[Event], codec: Codec) -> list[Sealed]:
    """All events encoded, before any is stored.

    Raises:
        EventRefusedError: a topic that is none of ours, a time without zone, data that do not fit, a body too large.
    """
    if not _TOPIC.fullmatch(topic):
        raise EventRefusedError(
            "there is no topic {topic}; a topic begins with one of {kinds}", topic=topic, kinds=", ".join(TOPIC_KINDS)
        )
    return [_sealed(event, codec) for event in events]


def _sealed(event: Event, codec: Codec) -> Sealed:
    if event.time.utcoffset() is None:
        raise EventRefusedError(
            "{type} {id} has a time without zone; give it in UTC", type=event.type, id=str(event.id)
        )
    body, schema = codec.encode(event.type, event.data)
    if len(body) > MAX_BODY_BYTES:
        raise EventRefusedError(
            "{type} {id} of {subject} is {size} bytes, the limit is {limit}; shorten its texts at the source",
            type=event.type,
            id=str(event.id),
            subject=event.subject,
            size=len(body),
            limit=MAX_BODY_BYTES,
        )
    return Sealed(
        str(event.id),
        event.type,
        event.source,
        event.subject,
        _instant(event.time),
        event.revision,
        event.run_id,
        event.traceparent,
        schema,
        body,
    )


@lru_cache(maxsize=64)  # the events of a run share their time
def _instant(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
