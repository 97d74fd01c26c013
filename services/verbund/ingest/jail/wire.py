"""What goes over the channel: frames of a kind and a length; a list in JSON, then the raw bytes that it measures.

The parent's frames may be pickled, since the child has every reason to believe its parent. The child's are JSON and
bytes only: nothing that it says is ever run.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from verbund.ingest.mapping import MappingTask

# From the parent.
TASK, READ, MAP = b"T", b"R", b"M"
# From the child.
READY, ITEMS, OTHERS, END, UNREADABLE, RAISED, NO_MEMORY, STAGED, TRIPS = (
    *(b"H", b"I", b"O", b"E", b"U", b"X", b"N", b"S", b"L"),
)

HEADER: Final = struct.Struct(">cI")
_LISTED: Final = struct.Struct(">I")

#: A frame is sent once it holds this much, or this many things, or once that many seconds have passed.
FRAME_BYTES: Final = 256 * 1024
FRAME_ENTRIES: Final = 500
FRAME_SECONDS: Final = 1.0
#: No frame is larger; the child never makes one near that.
MAX_FRAME: Final = 8 * 1024 * 1024
#: The data of one item as JSON; larger ones are broken.
MAX_ITEM: Final = 2 * 1024 * 1024
#: Things without a key that are told of one part of a body; that there are more changes nothing.
MAX_BROKEN: Final = 10_000
#: Characters of the names of parts, ids and keys; a record whose key has more than 500 is rejected anyway.
MAX_NAME: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much one child may take.

    Attributes:
        cpu_s: processor seconds between two frames.
        silence_s: seconds of the clock that the parent waits for a frame.
        body_s: seconds that the parent waits for all frames of one body or batch together.
        record_s: processor seconds for mapping one record.
        output_bytes: of everything read out of one body.
    """

    cpu_s: float = 20
    silence_s: float = 30
    body_s: float = 600
    record_s: float = 1
    output_bytes: int = 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """What a child is for."""

    task: MappingTask
    allowance: Allowance


class Frame:
    """A frame in the making: entries with the blobs that belong to them."""

    def __init__(self) -> None:
        self._entries: list[Any] = []
        self._blobs: list[bytes] = []
        self.size = 0

    def add(self, entry: Sequence[Any], *blobs: bytes) -> None:
        """Put one more in; the entry measures its blobs."""
        self._entries.append(entry)
        self._blobs.extend(blobs)
        self.size += sum(map(len, blobs)) + 100

    def __len__(self) -> int:
        return len(self._entries)

    def taken(self) -> list[bytes]:
        """The payload in pieces; the frame is empty afterwards."""
        listed = orjson.dumps(self._entries)
        pieces = [_LISTED.pack(len(listed)), listed, *self._blobs]
        self.__init__()  # type: ignore[misc]
        return pieces


def opened(payload: bytes) -> tuple[Any, memoryview]:
    """The list of a frame, and the raw bytes behind it.

    Raises:
        ValueError: it is none.
    """
    (length,) = _LISTED.unpack_from(payload)
    view = memoryview(payload)
    return orjson.loads(view[_LISTED.size : _LISTED.size + length]), view[_LISTED.size + length :]


def framed(kind: bytes, pieces: Iterable[bytes]) -> bytes:
    """A whole frame."""
    payload = b"".join(pieces)
    return HEADER.pack(kind, len(payload)) + payload
