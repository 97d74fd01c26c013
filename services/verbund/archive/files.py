"""An archive in a folder: one gzip file a body, never half-written, safe for several processes."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import secrets
import tempfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

from verbund.errors import RawGoneError

DEFAULT_RETENTION = timedelta(days=14)

_CHUNK_BYTES = 256 * 1024

# JSON shrinks to a seventh at this level already, at a third of the time of the usual one.
_LEVEL = 1

# A body that is read again stays in memory up to here.
_SPOOL_BYTES = 1024 * 1024

# What a killed process left behind is removed after this; no write takes so long.
_ABANDONED_AFTER = timedelta(days=1)

_DIGEST = re.compile(r"[0-9a-f]{64}")
_TWO = "[0-9a-f][0-9a-f]"


class FileArchive:
    """`Archive` in a folder of its own: `ab/cd/abcd….gz`, and `new/` for what is being written.

    Folder and files are readable by their owner only: raw payloads hold personal data.

    Args:
        folder: made when missing.
        retention: how long a body stays after its last `put`; see `sweep`.
    """

    def __init__(self, folder: Path, *, retention: timedelta = DEFAULT_RETENTION) -> None:
        self._folder = folder
        self._retention = retention
        self._new = folder / "new"

    def put(self, body: IO[bytes] | bytes, *, digest: str | None = None) -> str:
        """Keep a body; see `Archive.put` for the promise."""
        if isinstance(body, bytes):
            digest = digest or hashlib.sha256(body).hexdigest()
            body = io.BytesIO(body)
        if digest is not None and self._renewed(digest):
            return digest
        start = body.tell() if body.seekable() else None
        written, found = self._write(body)
        if start is not None:
            body.seek(start)
        if digest is not None and digest != found:
            written.unlink()
            raise ValueError(f"the body has the digest {found}, not {digest}")
        if self._renewed(found):
            written.unlink()
        else:
            self._into_place(written, found)
        return found

    def open(self, digest: str) -> IO[bytes]:
        """The body; see `Archive.open` for the promise."""
        spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES))  # noqa: SIM115 - handed on
        check = hashlib.sha256()
        try:
            with gzip.open(self._path(digest)) as packed:
                while piece := packed.read(_CHUNK_BYTES):
                    check.update(piece)
                    spool.write(piece)
        except (FileNotFoundError, EOFError, gzip.BadGzipFile, zlib.error):
            spool.close()
            raise _gone(digest) from None
        if check.hexdigest() != digest:
            spool.close()
            raise _gone(digest)
        spool.seek(0)
        return spool

    def has(self, digest: str) -> bool:
        """Whether it is there."""
        return _DIGEST.fullmatch(digest) is not None and self._path(digest).exists()

    def discard(self, digest: str) -> None:
        """Forget it now."""
        self._path(digest).unlink(missing_ok=True)

    def digests(self) -> Iterator[str]:
        """All that are there, sorted."""
        for outer in sorted(self._folder.glob(_TWO)):
            for inner in sorted(outer.glob(_TWO)):
                yield from sorted(path.stem for path in inner.glob("*.gz"))

    def sweep(self, *, keep: Callable[[str], bool] = lambda _digest: False, now: datetime | None = None) -> int:
        """Remove what is older than the retention time and not to be kept; returns how many bodies went.

        Safe while others put: a body that is put again meanwhile stays.

        Args:
            keep: asked for every body that is due; by its digest.
            now: UTC; None: the clock.
        """
        at = now or datetime.now(UTC)
        due = (at - self._retention).timestamp()
        abandoned = (at - _ABANDONED_AFTER).timestamp()
        for path in self._new.glob("*"):
            if _changed(path) < abandoned:
                path.unlink(missing_ok=True)
        return sum(self._remove_if_old(digest, due) for digest in self.digests() if not keep(digest))

    def _path(self, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:  # never lets a name lead out of the folder
            raise _gone(digest)
        return self._folder / digest[:2] / digest[2:4] / f"{digest}.gz"

    def _renewed(self, digest: str) -> bool:
        """Whether it is there; then its retention time starts anew."""
        try:
            os.utime(self._path(digest))
        except FileNotFoundError:
            return False
        return True

    def _write(self, body: IO[bytes]) -> tuple[Path, str]:
        self._new.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._new / secrets.token_hex(8)
        digest = hashlib.sha256()
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=_LEVEL, mtime=0) as packed:
                    while piece := body.read(_CHUNK_BYTES):
                        digest.update(piece)
                        packed.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path, digest.hexdigest()

    def _into_place(self, written: Path, digest: str) -> None:
        path = self._path(digest)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        written.replace(path)
        _sync_folder(path.parent)

    def _remove_if_old(self, digest: str, due: float) -> bool:
        path = self._path(digest)
        if _changed(path) >= due:
            return False
        # Out of the way first and then looked at again, so that a `put` in between finds it or writes it anew.
        aside = self._new / secrets.token_hex(8)
        self._new.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            path.rename(aside)
        except FileNotFoundError:
            return False
        if _changed(aside) >= due:
            with contextlib.suppress(FileNotFoundError):
                aside.replace(path)
            return False
        aside.unlink(missing_ok=True)
        return True


def _changed(path: Path) -> float:
    """When it was last put; a file that somebody removed meanwhile counts as new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(PermissionError):  # some file systems have no such thing as a folder to sync
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _gone(digest: str) -> RawGoneError:
    return RawGoneError(
        "The raw payload {raw_digest} is not kept any more; pull its source again to get today's",
        raw_digest=digest[:64],
    )
