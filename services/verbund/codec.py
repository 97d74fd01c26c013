"""Event bodies as bytes that name their own schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


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
