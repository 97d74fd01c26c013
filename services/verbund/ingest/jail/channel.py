"""The parent's end of a child's channel: never blocks longer than it is patient, and writes while it waits."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from verbund.ingest.jail import outcome, wire

_RECEIVE = 256 * 1024
# What may wait on our side of a child that nobody listens to just now.
_ROOM = 2 * wire.MAX_FRAME
# So often the caller is asked whether it still wants to wait.
_TICK_MS = 500


class HungUpError(Exception):
    """The other end is closed."""


@dataclass(slots=True)
class Patience:
    """How long the parent will still wait for the child; what the parent does itself does not count.

    Attributes:
        whole_s: for all frames together.
    """

    whole_s: float
    silence_s: float


class ParentChannel:
    """Frames to and from one child.

    Args:
        tick: called about twice a second while waiting; may raise to give up.
    """

    def __init__(self, end: socket.socket, *, tick: Callable[[], None]) -> None:
        end.setblocking(False)
        self._end = end
        self._tick = tick
        self._gone = False
        self._incoming = bytearray()
        self._outgoing: deque[memoryview] = deque()

    def send(self, kind: bytes, payload: bytes, *, descriptor: int | None = None) -> None:
        """Send as much of a frame as goes; the rest goes while we wait for an answer.

        Args:
            kind: of the frame.
            payload: what is in it.
            descriptor: handed over with it; only while nothing else is under way.
        """
        frame = memoryview(wire.framed(kind, (payload,)))
        if descriptor is not None:
            try:
                sent = socket.send_fds(self._end, [frame], [descriptor])
            except OSError as error:
                raise HungUpError from error
            frame = frame[sent:]
        self._outgoing.append(frame)
        self._write()

    def receive(self, patience: Patience, *, beside: Sequence[ParentChannel] = ()) -> tuple[bytes, bytes]:
        """The next frame.

        Args:
            patience: grows less.
            beside: other children, whose frames are taken in meanwhile so that they need not wait.

        Raises:
            HungUpError: the child has closed its end.
            ParserLostError: it kept silent too long, or sends no frames.
        """
        silence = patience.silence_s
        while (frame := self._frame()) is None:
            if self._gone:
                raise HungUpError
            began = time.monotonic()
            came = self._wait(min(silence, patience.whole_s), beside)
            waited = time.monotonic() - began
            silence -= waited
            patience.whole_s -= waited
            if not came:
                self._tick()
                if silence <= 0 or patience.whole_s <= 0:
                    raise outcome.ParserLostError(outcome.TOO_SLOW)
        return frame

    def _wait(self, seconds: float, beside: Sequence[ParentChannel]) -> bool:
        """Move bytes; whether any of ours moved."""
        poll = select.poll()
        channels = {each.fileno(): each for each in (self, *beside) if each is self or each.has_room}
        for descriptor, channel in channels.items():
            poll.register(descriptor, select.POLLIN | (select.POLLOUT if channel.is_writing else 0))
        moved = False
        for descriptor, event in poll.poll(min(_TICK_MS, max(1, seconds * 1000))):
            channels[descriptor].move(event)
            moved = moved or channels[descriptor] is self
        return moved

    def fileno(self) -> int:
        """Of our end."""
        return self._end.fileno()

    @property
    def has_room(self) -> bool:
        """Whether more may be taken in before somebody receives what came."""
        return len(self._incoming) < _ROOM and not self._gone

    @property
    def is_writing(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._outgoing)

    def move(self, event: int) -> None:
        """Write and read what goes without waiting, after `poll` said so."""
        if event & select.POLLOUT:
            self._write()
        if event & ~select.POLLOUT:
            self._read()

    def _read(self) -> None:
        try:
            piece = self._end.recv(_RECEIVE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        self._gone = not piece
        self._incoming += piece

    def _write(self) -> None:
        while self._outgoing:
            try:
                sent = self._end.send(self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                self._outgoing.clear()  # what it said before may still be read
                return
            if sent == len(self._outgoing[0]):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = self._outgoing[0][sent:]

    def _frame(self) -> tuple[bytes, bytes] | None:
        if len(self._incoming) < wire.HEADER.size:
            return None
        kind, length = wire.HEADER.unpack_from(self._incoming)
        if length > wire.MAX_FRAME:
            raise outcome.ParserLostError(outcome.NOT_BELIEVED, "a frame that is too large")
        end = wire.HEADER.size + length
        if len(self._incoming) < end:
            return None
        payload = bytes(memoryview(self._incoming)[wire.HEADER.size : end])
        del self._incoming[:end]
        return kind, payload
