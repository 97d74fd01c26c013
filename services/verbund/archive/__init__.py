"""Raw payloads and run ledgers, by the digest of their content."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Protocol

from verbund.archive.files import DEFAULT_RETENTION, FileArchive
from verbund.errors import SettingsError

__all__ = ["Archive", "FileArchive", "open_archive"]

_FILES = "file:"


class Archive(Protocol):
    """Bodies by SHA-256, kept for a retention time. Several threads and processes may use one at once."""

    def put(self, body: IO[bytes] | bytes, *, digest: str | None = None) -> str:
        """Keep a body until its retention time is over, counted from its last `put`; returns its SHA-256 in hex.

        A body that is there already is not written again. A seekable body is left where it stood.

        Args:
            body: read from where it stands to its end, in pieces.
            digest: when the caller knows it.

        Raises:
            ValueError: the body has another digest than the caller said; nothing is kept.
        """
        ...

    def open(self, digest: str) -> IO[bytes]:
        """The body, whole, checked against its digest, at its start, seekable; to be closed.

        Raises:
            RawGoneError: it is not there (any more), or was damaged.
        """
        ...

    def has(self, digest: str) -> bool:
        """Whether it is there."""
        ...

    def discard(self, digest: str) -> None:
        """Forget it now; nothing happens when it is not there."""
        ...

    def digests(self) -> Iterator[str]:
        """All that are there, sorted."""
        ...


def open_archive(address: str, *, retention: timedelta = DEFAULT_RETENTION) -> FileArchive:
    """The archive that a setting names: `file:<folder>`.

    Raises:
        SettingsError: another kind of address.
    """
    folder = address.removeprefix(_FILES)
    if not address.startswith(_FILES) or not folder:
        raise SettingsError("VERBUND_RAW is '{address}'; write file: and a folder", address=address)
    return FileArchive(Path(folder), retention=retention)
