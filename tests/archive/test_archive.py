"""The archive in memory and in a folder."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

import pytest

from verbund.archive import FileArchive, open_archive
from verbund.errors import RawGoneError, SettingsError
from verbund.testing.archive import ArchiveContract, MemoryArchive

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


class TestMemoryArchive(ArchiveContract):
    @pytest.fixture
    def archive(self):
        return MemoryArchive()


class TestFileArchive(ArchiveContract):
    @pytest.fixture
    def archive(self, tmp_path):
        return FileArchive(tmp_path / "raw")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "raw"


def only_file(folder: Path) -> Path:
    (path,) = folder.glob("*/*/*.gz")
    return path


def put_at(archive: FileArchive, folder: Path, body: bytes, when: datetime) -> str:
    digest = archive.put(body)
    (path,) = folder.glob(f"*/*/{digest}.gz")
    os.utime(path, (when.timestamp(), when.timestamp()))
    return digest


def test_a_body_is_a_gzip_file_below_two_folders(folder):
    digest = FileArchive(folder).put(b"a feed")
    path = folder / digest[:2] / digest[2:4] / f"{digest}.gz"
    assert gzip.decompress(path.read_bytes()) == b"a feed"


def test_raw_payloads_are_for_their_owner_only(folder):
    FileArchive(folder).put(b"a feed")
    assert only_file(folder).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda packed: packed[: len(packed) // 2], id="half"),
        pytest.param(lambda packed: b"", id="empty"),
        pytest.param(lambda packed: b"no gzip", id="no gzip"),
        pytest.param(lambda packed: packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:], id="checksum"),
    ],
)
def test_a_damaged_file_is_gone_and_never_handed_out(folder, damage):
    digest = FileArchive(folder).put(b"a feed" * 100)
    path = only_file(folder)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RawGoneError):
        FileArchive(folder).open(digest)


def test_a_file_with_another_content_is_gone(folder):
    digest = FileArchive(folder).put(b"a feed")
    only_file(folder).write_bytes(gzip.compress(b"another feed"))
    with pytest.raises(RawGoneError):
        FileArchive(folder).open(digest)


class Interrupted(io.RawIOBase):
    def readable(self):
        return True

    def read(self, size=-1):
        raise OSError("the disk is full")


def test_a_put_that_fails_leaves_nothing_behind(folder):
    with pytest.raises(OSError, match="full"):
        FileArchive(folder).put(cast("IO[bytes]", Interrupted()))
    assert [path for path in folder.rglob("*") if path.is_file()] == []


class Zeros(io.RawIOBase):
    """A large body that exists nowhere."""

    def __init__(self, size):
        self.left = size

    def readable(self):
        return True

    def read(self, size=-1):
        step = min(size, self.left)
        self.left -= step
        return bytes(step)


def test_memory_does_not_grow_with_the_body(folder):
    archive = FileArchive(folder)
    tracemalloc.start()
    try:
        digest = archive.put(cast("IO[bytes]", Zeros(64 * 1024 * 1024)))
        with archive.open(digest) as body:
            assert sum(len(piece) for piece in iter(lambda: body.read(65536), b"")) == 64 * 1024 * 1024
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_sweep_removes_what_is_older_than_the_retention_time(folder):
    archive = FileArchive(folder, retention=timedelta(days=14))
    old = put_at(archive, folder, b"old", NOW - timedelta(days=15))
    young = put_at(archive, folder, b"young", NOW - timedelta(days=13))
    assert archive.sweep(now=NOW) == 1
    assert (archive.has(old), archive.has(young)) == (False, True)


def test_a_sweep_keeps_what_it_is_told_to(folder):
    archive = FileArchive(folder)
    ledger = put_at(archive, folder, b"ledger", NOW - timedelta(days=300))
    put_at(archive, folder, b"old", NOW - timedelta(days=300))
    assert archive.sweep(keep=lambda digest: digest == ledger, now=NOW) == 1
    assert list(archive.digests()) == [ledger]


def test_putting_a_body_again_starts_its_retention_time_anew(folder):
    archive = FileArchive(folder)
    digest = put_at(archive, folder, b"same", NOW - timedelta(days=300))
    archive.put(io.BytesIO(b"same"), digest=digest)
    assert archive.sweep(now=NOW) == 0
    assert archive.has(digest)


def test_a_body_that_is_put_while_it_is_swept_stays(folder, monkeypatch):
    archive = FileArchive(folder)
    digest = put_at(archive, folder, b"same", NOW - timedelta(days=300))
    rename = Path.rename

    def put_first(path, target):
        FileArchive(folder).put(b"same")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", put_first)
    assert archive.sweep(now=NOW) == 0
    assert archive.has(digest)


def test_what_a_killed_process_left_behind_is_swept(folder):
    archive = FileArchive(folder)
    archive.put(b"one")
    left = folder / "new" / "left-behind"
    left.write_bytes(b"half")
    os.utime(left, ((NOW - timedelta(days=2)).timestamp(),) * 2)
    archive.sweep(now=NOW)
    assert not left.exists()


PUT_ALL = """
import sys
from pathlib import Path
from verbund.archive import FileArchive
archive = FileArchive(Path(sys.argv[1]))
for number in range(60):
    archive.put(str(number).encode() * 1000)
"""


def test_several_processes_put_the_same_bodies_at_once(folder):
    processes = [subprocess.Popen([sys.executable, "-c", PUT_ALL, str(folder)]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    bodies = [str(number).encode() * 1000 for number in range(60)]
    archive = FileArchive(folder)
    assert list(archive.digests()) == sorted(hashlib.sha256(body).hexdigest() for body in bodies)
    for digest in archive.digests():
        archive.open(digest).close()
    assert list((folder / "new").iterdir()) == []


def test_a_setting_names_the_folder(folder):
    archive = open_archive(f"file:{folder}")
    archive.put(b"one")
    assert only_file(folder).is_file()


@pytest.mark.parametrize("address", ["", "file:", "s3://bucket", "/a/folder"])
def test_another_address_is_refused_with_what_to_write(address):
    with pytest.raises(SettingsError, match="file:"):
        open_archive(address)
