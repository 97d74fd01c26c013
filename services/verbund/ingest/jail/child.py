"""The child's side: bodies in, items out; records in, rows out."""

from __future__ import annotations

import array
import os
import pickle
import signal
import socket
import sys
import time
from collections import Counter, deque
from io import TextIOBase
from types import FrameType
from typing import Any

import orjson

from verbund.collecting import quiet_collector
from verbund.ingest.jail import wire
from verbund.ingest.jail.confine import address_space, allow_cpu, allow_memory, confine
from verbund.ingest.jail.files import programs
from verbund.ingest.mapping import RawRecord, RecordMapper, Staged, raised
from verbund_connectors.kit import Broken, ContactDraft, Cursor, Item, PartEnd, Request, Response, UnreadableError

_RECEIVE = 256 * 1024
_MOST_TRIPS = 20  # told of one batch


class _RecordTooSlowError(BaseException):
    """Mapping this record takes too long; no `Exception`, so that no connector takes it for its own."""


class _Nowhere(TextIOBase):
    """Where what a connector prints goes."""

    def write(self, text: str) -> int:
        return len(text)


class _Channel:
    """The child's end of the socket: blocks."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = bytearray()
        self.descriptors: deque[int] = deque()

    def receive(self) -> tuple[bytes, bytes] | None:
        """The next frame; None when the parent has hung up."""
        header = self._exactly(wire.HEADER.size)
        if header is None:
            return None
        kind, length = wire.HEADER.unpack(header)
        payload = self._exactly(length)
        return None if payload is None else (kind, payload)

    def _exactly(self, size: int) -> bytes | None:
        buffer = self._buffer
        while len(buffer) < size:
            piece, extra, _, _ = self._end.recvmsg(_RECEIVE, socket.CMSG_SPACE(4))
            for _, _, data in extra:
                self.descriptors.extend(array.array("i", data[: len(data) - len(data) % 4]))
            if not piece:
                return None
            buffer += piece
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken

    def send(self, kind: bytes, *pieces: bytes) -> None:
        self._end.sendall(wire.framed(kind, pieces))


class _Mapper(RecordMapper):
    """Keeps what the parent needs to make the id of a contact itself."""

    def _contact(self, key: str, contact: ContactDraft, staged: Staged) -> str:
        ident = super()._contact(key, contact, staged)
        *_, body = staged.contacts.pop()
        staged.contacts.append((contact.place_key, contact.area, contact.rank, body))
        return ident


class Child:
    """Works for one run."""

    def __init__(self, channel: _Channel, order: wire.Order) -> None:
        self._channel = channel
        self._allowance = order.allowance
        self._connector = order.task.connector(order.task.settings, order.task.context)
        self._mapper = _Mapper(order.task)
        self._record = self._looked_at = 0
        self._trips: list[str] = []
        self._sent_at = 0.0
        self._base = address_space()
        signal.signal(signal.SIGPROF, self._look)

    def work(self) -> None:
        """Do what the parent says until it hangs up."""
        while (received := self._channel.receive()) is not None:
            kind, payload = received
            self._breathe()
            if kind == wire.READ:
                self._read(payload)
            else:
                allow_memory(self._base)
                self._map(pickle.loads(payload))  # noqa: S301 - from our parent

    def _breathe(self) -> None:
        allow_cpu(self._allowance.cpu_s)
        self._sent_at = time.monotonic()

    def _flush(self, kind: bytes, frame: wire.Frame) -> None:
        if frame:
            self._channel.send(kind, *frame.taken())
            self._breathe()

    def _is_due(self, frame: wire.Frame) -> bool:
        return (
            frame.size >= wire.FRAME_BYTES
            or len(frame) >= wire.FRAME_ENTRIES
            or time.monotonic() - self._sent_at > wire.FRAME_SECONDS
        )

    # --- reading -------------------------------------------------------------------------------------------------

    def _read(self, payload: bytes) -> None:
        said = orjson.loads(payload)
        asked = said.pop("request")
        request = Request(**{**asked, "expects": tuple(asked["expects"])})
        items = wire.Frame()
        with os.fdopen(self._channel.descriptors.popleft(), "rb") as body:
            allow_memory(self._base, body=os.fstat(body.fileno()).st_size)
            ending, facts = wire.END, []
            try:
                self._outputs(Response(request=request, body=body, **said), items)
            except UnreadableError as error:
                ending, facts = wire.UNREADABLE, [error.reason, error.detail]
            except MemoryError:
                items, ending = wire.Frame(), wire.NO_MEMORY
            except Exception as error:  # noqa: BLE001 - a connector's bug ends the body, never the child
                ending, facts = wire.RAISED, [type(error).__name__, raised(error)]
        self._flush(wire.ITEMS, items)
        self._channel.send(ending, orjson.dumps([str(fact) for fact in facts]))

    def _outputs(self, response: Response, items: wire.Frame) -> None:
        listed: Counter[str] = Counter()
        for output in self._connector.read(response):
            broken = _fitting(output, items) if isinstance(output, Item) else None
            if self._is_due(items):
                self._flush(wire.ITEMS, items)
            said = broken or output
            if isinstance(said, Broken):
                listed[said.part] += 1
                if listed[said.part] > wire.MAX_BROKEN:
                    continue
            if not isinstance(said, Item) or broken:
                self._say(said, items)

    def _say(self, output: Broken | Request | PartEnd | Cursor | Item, items: wire.Frame) -> None:
        """Something that is no item, behind the items that came before it."""
        self._flush(wire.ITEMS, items)
        fields = {name: getattr(output, name) for name in output.__dataclass_fields__}
        if isinstance(output, Broken):
            fields["value"] = _short(output.value)
        self._channel.send(wire.OTHERS, orjson.dumps([type(output).__name__, fields], default=dict))
        self._breathe()

    # --- mapping -------------------------------------------------------------------------------------------------

    def _map(self, order: tuple[bool, list[RawRecord]]) -> None:
        careful, records = order
        frame = wire.Frame()
        signal.setitimer(signal.ITIMER_PROF, self._allowance.record_s, self._allowance.record_s)
        try:
            with quiet_collector():
                for record in records:
                    self._record += 1
                    frame.add(*self._mapped(record))
                    if careful or self._is_due(frame):
                        self._flush(wire.STAGED, frame)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._flush(wire.STAGED, frame)
        if self._trips:
            self._channel.send(wire.TRIPS, orjson.dumps(self._trips[:_MOST_TRIPS]))
            self._trips.clear()
        self._channel.send(wire.END, b"[]")

    def _look(self, _signal: int, _frame: FrameType | None) -> None:
        """Called each `record_s` of processor time: the same record twice in a row is one too slow."""
        if self._record == self._looked_at:
            self._looked_at = 0
            raise _RecordTooSlowError
        self._looked_at = self._record

    def _mapped(self, record: RawRecord) -> tuple[Any, ...]:
        try:
            staged = self._mapper.map([record])
        except _RecordTooSlowError:
            listed = orjson.dumps([["record_too_slow", "record", None]])
            return ("rejected", "record_too_slow", None, None, len(listed), [], []), listed
        if staged.trips:
            self._trips += staged.trips
        _, _, kind, said, digest, ends, _, body = staged.rows[0]
        organisations = [(key, hashed, len(written)) for _, key, hashed, _, written in staged.organisations]
        contacts = [(place_key, area, rank, len(written)) for place_key, area, rank, written in staged.contacts]
        entry = (kind, said, digest, ends, -1 if body is None else len(body), organisations, contacts)
        blobs = (*(row[4] for row in staged.organisations), *(row[3] for row in staged.contacts))
        return entry, body or b"", *blobs


def _fitting(item: Item, items: wire.Frame) -> Broken | None:
    """Put the item into the frame; what has no place in any is broken, and costs no other."""
    longest = max(len(item.id), len(item.key or ""), *map(len, item.needs), 0)
    if longest > wire.MAX_NAME:
        return Broken(part=item.part, rule="key_too_long", place=item.id[:200], value=longest)
    try:
        data = orjson.dumps(item.data, option=orjson.OPT_SORT_KEYS)
        orjson.dumps((item.id, item.key, item.needs))
    except TypeError:  # nested deeper than any record, or half a surrogate pair
        return Broken(part=item.part, rule="item_too_large", place=ascii(item.id)[:200])
    if len(data) > wire.MAX_ITEM:
        return Broken(part=item.part, rule="item_too_large", place=item.id[:200], value=len(data))
    modified = None if item.modified is None else str(item.modified)
    items.add((item.part, item.id, item.key, bool(item.deleted), modified, item.needs, len(data)), data)
    return None


def _short(value: Any) -> Any:
    """What stood in the place of a key, as far as anybody will look at it."""
    written = orjson.dumps(value, default=str)
    return value if len(written) <= 2000 else written[:2000].decode(errors="replace")


def serve(end: socket.socket, *, parent: int) -> None:
    """Take the order, be shut in, work."""
    sys.stdin = None
    sys.stdout = sys.stderr = _Nowhere()
    channel = _Channel(end)
    received = channel.receive()
    if received is None:
        return
    path, order = pickle.loads(received[1])  # noqa: S301 - from our parent
    sys.path[:] = path
    child = Child(channel, pickle.loads(order))  # noqa: S301 - from our parent
    walls = confine(readable=programs(), parent=parent)
    channel.send(wire.READY, orjson.dumps(walls))
    child.work()
