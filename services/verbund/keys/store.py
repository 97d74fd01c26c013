"""The key store in a SQLite file of its own, so that it never lies in the same backup as the log."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from verbund import sqlite
from verbund.errors import ErasedError, LockedError
from verbund.keys.contract import SECRET_BYTES, ContactKey
from verbund.keys.wrapping import Wrapping

# Keys are only ever appended, in the order of their row ids, and overwritten in place by zeros of the same length. So no
# row is ever moved to another page, and the promise does not rest on how well `secure_delete` cleans up after a move.
# For the same reason the index has no key in it, and what is erased is written into a table of its own.
_TABLES = """
CREATE TABLE IF NOT EXISTS contact_key (
    row INTEGER PRIMARY KEY, contact_id TEXT NOT NULL, version INTEGER NOT NULL, secret BLOB NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS contact_key_of ON contact_key (contact_id, version);
CREATE TABLE IF NOT EXISTS erased (contact_id TEXT PRIMARY KEY, erased_at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS source_secret (row INTEGER PRIMARY KEY, source TEXT NOT NULL UNIQUE, secret BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""

_LIVE = """
SELECT k.contact_id, k.version, k.secret FROM json_each(?) AS wanted JOIN contact_key AS k ON k.contact_id = wanted.value
WHERE NOT EXISTS (SELECT 1 FROM erased AS e WHERE e.contact_id = k.contact_id) ORDER BY k.version
"""
_MISSING = """
SELECT wanted.value FROM json_each(?) AS wanted
WHERE NOT EXISTS (SELECT 1 FROM contact_key AS k WHERE k.contact_id = wanted.value)
AND NOT EXISTS (SELECT 1 FROM erased AS e WHERE e.contact_id = wanted.value)
"""


class SqliteKeyStore:
    """`KeyStore` in one file, readable by its owner only, durable over power cuts.

    Args:
        path: made when missing.
        wrap_with: a key-encryption key of 32 bytes, kept elsewhere; keys are stored encrypted under it.

    Raises:
        SettingsError: the file was made with another key-encryption key, with none, or is none of ours.
    """

    def __init__(self, path: Path | str, *, wrap_with: bytes | None = None) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))  # before SQLite does, with its wider mode
        self._path.chmod(0o600)
        self._lock = threading.RLock()
        self._connection = sqlite.connect(self._path, full=True)
        try:
            self._connection.execute("PRAGMA secure_delete=ON")
            self._connection.execute("PRAGMA temp_store=MEMORY")
            self._connection.executescript(_TABLES)
            with self._writing():
                self._wrapping = Wrapping.of_store(self._connection, wrap_with, path=self._path)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def key_of(self, contact_id: str) -> ContactKey:
        """The contact's newest key; see `KeyStore.key_of`."""
        found = self.keys_of([contact_id])
        if contact_id not in found:
            raise ErasedError("Contact {contact_id} was erased and gets no key any more", contact_id=contact_id)
        return found[contact_id]

    def keys_of(self, contact_ids: Iterable[str]) -> dict[str, ContactKey]:
        """The newest keys of many contacts; see `KeyStore.keys_of`."""
        wanted = json.dumps(list(dict.fromkeys(contact_ids)))
        with self._lock:
            if self._missing(wanted):
                with self._writing():
                    self._make(self._missing(wanted))  # again: another process may have made them meanwhile
            rows = self._connection.execute(_LIVE, (wanted,)).fetchall()
        return {ident: self._key(ident, version, stored) for ident, version, stored in rows}

    def find(self, contact_id: str, version: int) -> ContactKey | None:
        """The key that sealed something; see `KeyStore.find`."""
        with self._lock:
            rows = self._connection.execute(_LIVE, (json.dumps([contact_id]),)).fetchall()
        return next((self._key(ident, found, stored) for ident, found, stored in rows if found == version), None)

    def destroy(self, contact_id: str) -> None:
        """Erase the contact; see `KeyStore.destroy`."""
        with self._lock:
            with self._writing():
                self._connection.execute(
                    "UPDATE contact_key SET secret = zeroblob(length(secret)) WHERE contact_id = ?", (contact_id,)
                )
                self._connection.execute(
                    "INSERT OR IGNORE INTO erased VALUES (?, ?)",
                    (contact_id, datetime.now(UTC).isoformat(timespec="seconds")),
                )
            self._forget_old_pages(contact_id)

    def erased(self, contact_id: str) -> bool:
        """Whether the contact was erased."""
        with self._lock:
            found = self._connection.execute("SELECT 1 FROM erased WHERE contact_id = ?", (contact_id,)).fetchone()
        return found is not None

    def secret_of(self, source: str) -> bytes:
        """The secret of a source; see `KeyStore.secret_of`."""
        known = "SELECT secret FROM source_secret WHERE source = ?"
        with self._lock:
            row = self._connection.execute(known, (source,)).fetchone()
            if row is None:
                with self._writing():
                    stored = self._wrapping.wrap(os.urandom(SECRET_BYTES), name=f"source {source}")
                    self._connection.execute(
                        "INSERT OR IGNORE INTO source_secret (source, secret) VALUES (?, ?)", (source, stored)
                    )
                row = self._connection.execute(known, (source,)).fetchone()
        return self._wrapping.unwrap(row[0], name=f"source {source}")

    def _missing(self, wanted: str) -> list[str]:
        return [ident for (ident,) in self._connection.execute(_MISSING, (wanted,)).fetchall()]

    def _make(self, contact_ids: Iterable[str]) -> None:
        self._connection.executemany(
            "INSERT INTO contact_key (contact_id, version, secret) VALUES (?, 1, ?)",
            [(ident, self._wrapping.wrap(os.urandom(SECRET_BYTES), name=f"{ident} 1")) for ident in contact_ids],
        )

    def _key(self, contact_id: str, version: int, stored: bytes) -> ContactKey:
        secret = self._wrapping.unwrap(stored, name=f"{contact_id} {version}")
        return ContactKey(contact_id=contact_id, version=version, secret=secret)

    def _forget_old_pages(self, contact_id: str) -> None:
        """Write the overwritten pages into the file and cut the write-ahead log, which still holds the old ones."""
        busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise LockedError(
                "The key of contact {contact_id} is destroyed, but somebody reading {file} keeps traces of it in place; "
                "erase the contact again in a minute",
                contact_id=contact_id,
                file=self._path.name,
            )

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
