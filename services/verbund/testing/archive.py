"""The archive in memory, and what every archive must do."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import IO

import pytest

from verbund.archive import Archive
from verbund.errors import RawGoneError


class MemoryArchive:
    """`Archive` in a dictionary; it keeps everything until it is discarded."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    def put(self, body: IO[bytes] | bytes, *, digest: str | None = None) -> str:
        if not isinstance(body, bytes):
            start = body.tell() if body.seekable() else None
            content = body.read()
            if start is not None:
                body.seek(start)
            body = content
        found = hashlib.sha256(body).hexdigest()
        if digest not in (None, found):
            raise ValueError(f"the body has the digest {found}, not {digest}")
        self.bodies[found] = body
        return found

    def open(self, digest: str) -> IO[bytes]:
        if digest not in self.bodies:
            raise RawGoneError("The raw payload {raw_digest} is not kept any more", raw_digest=digest)
        return io.BytesIO(self.bodies[digest])

    def has(self, digest: str) -> bool:
        return digest in self.bodies

    def discard(self, digest: str) -> None:
        self.bodies.pop(digest, None)

    def digests(self) -> Iterator[str]:
        yield from sorted(self.bodies)


class ArchiveContract:
    """Tests that pass on every archive; a subclass gives the fixture `archive`, an empty one."""

    def test_a_body_comes_back_whole_under_its_digest(self, archive: Archive) -> None:
        body = bytes(range(256)) * 5_000
        digest = archive.put(io.BytesIO(body))
        assert digest == hashlib.sha256(body).hexdigest()
        with archive.open(digest) as again:
            assert again.read() == body

    def test_an_opened_body_can_be_read_from_any_place(self, archive: Archive) -> None:
        with archive.open(archive.put(b"0123456789")) as body:
            body.seek(7)
            assert body.read() == b"789"

    def test_the_same_body_is_kept_once(self, archive: Archive) -> None:
        assert archive.put(b"one") == archive.put(io.BytesIO(b"one"))
        assert len(list(archive.digests())) == 1

    def test_an_empty_body_is_a_body(self, archive: Archive) -> None:
        with archive.open(archive.put(b"")) as body:
            assert body.read() == b""

    def test_a_body_is_left_where_it_stood(self, archive: Archive) -> None:
        body = io.BytesIO(b"head and rest")
        body.seek(5)
        with archive.open(archive.put(body)) as kept:
            assert kept.read() == b"and rest"
        assert body.read() == b"and rest"

    def test_a_wrong_digest_keeps_nothing(self, archive: Archive) -> None:
        wrong = hashlib.sha256(b"another").hexdigest()
        with pytest.raises(ValueError, match=wrong):
            archive.put(io.BytesIO(b"one"), digest=wrong)
        assert list(archive.digests()) == []

    def test_what_was_never_put_is_gone(self, archive: Archive) -> None:
        digest = hashlib.sha256(b"never").hexdigest()
        assert not archive.has(digest)
        with pytest.raises(RawGoneError, match=digest):
            archive.open(digest)

    @pytest.mark.parametrize("name", ["", "../../secret", "ab", "A" * 64, "0" * 63 + "/"])
    def test_a_name_that_is_no_digest_is_gone_too(self, archive: Archive, name: str) -> None:
        assert not archive.has(name)
        with pytest.raises(RawGoneError):
            archive.open(name)

    def test_a_discarded_body_is_gone_and_can_come_back(self, archive: Archive) -> None:
        digest = archive.put(b"one")
        archive.discard(digest)
        archive.discard(digest)
        assert not archive.has(digest)
        archive.put(b"one")
        assert archive.has(digest)

    def test_digests_are_sorted(self, archive: Archive) -> None:
        put = {archive.put(str(number).encode()) for number in range(30)}
        assert list(archive.digests()) == sorted(put)
