"""Bodies as they arrive: unpacked in small pieces, never more of them than allowed, into a spool."""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, cast

from verbund.fetch import problems
from verbund.fetch.contract import FetchSettings

# What one step of unpacking may give: memory stays this small whatever the body wants to become.
_PIECE_BYTES = 64 * 1024

# Small answers may compress extremely well without being an attack (a list of equal zeros).
_RATIO_COUNTS_FROM_BYTES = 4 * 1024 * 1024

# zlib's window argument: 31 reads gzip with its checksum, 15 the zlib format that HTTP calls deflate.
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def spooled(pieces: Iterable[bytes], *, limit: int) -> tuple[IO[bytes], str, int]:
    """A seekable file at its start, in memory up to `limit` bytes; SHA-256 in hex; size."""
    spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=limit))  # noqa: SIM115 - handed on
    digest = hashlib.sha256()
    size = 0
    try:
        for piece in pieces:
            spool.write(piece)
            digest.update(piece)
            size += len(piece)
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return spool, digest.hexdigest(), size


def decoded(raw: Iterable[bytes], *, encoding: str, settings: FetchSettings, url: str) -> Iterator[bytes]:
    """The body without its content encoding, in pieces of at most 64 KiB when it was encoded.

    Raises:
        SourceUnreadableError: too large, a bomb, another encoding than gzip or deflate, broken or cut off.
    """
    received = size = 0
    unpack = _unpacker(encoding, url)
    for chunk in raw:
        received += len(chunk)
        if received > settings.max_body:
            raise problems.too_large(url, settings.max_body)
        for piece in unpack.feed(chunk):
            size += len(piece)
            if size > settings.max_body:
                raise problems.too_large(url, settings.max_body)
            if size > max(_RATIO_COUNTS_FROM_BYTES, received * settings.max_ratio):
                raise problems.bomb(url, settings.max_ratio)
            yield piece
    unpack.finish()


def _unpacker(encoding: str, url: str) -> _Plain | _Packed:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name not in _WINDOWS:
        raise problems.unknown_encoding(url, name)
    return _Packed(_WINDOWS[name], url)


class _Plain:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        """Nothing is left."""


class _Packed:
    """gzip (of several members too) or zlib, a bounded piece at a time."""

    def __init__(self, window: int, url: str) -> None:
        self._window = window
        self._url = url
        self._inflate = zlib.decompressobj(window)
        self._received = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._received += len(data)
        while data:
            if self._inflate.eof:
                data = data.lstrip(b"\0")  # members may be padded
                if not data:
                    return
                self._inflate = zlib.decompressobj(self._window)
            try:
                piece = self._inflate.decompress(data, _PIECE_BYTES)
            except zlib.error:
                raise problems.broken_encoding(self._url) from None
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail or self._inflate.unused_data

    def finish(self) -> None:
        # A checksum stands at the end, so a stream that has ended has given out everything.
        if self._received and not self._inflate.eof:
            raise problems.cut_off(self._url, self._received)
