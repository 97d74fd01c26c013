"""Keys as they lie in the store: as they are, or encrypted under a key-encryption key that is kept elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from verbund.errors import SettingsError

_NONCE_BYTES = 12
_KEY_BYTES = 32
_CHECK = b"verbund keys"
_NAME = "wrapping"
_NONE = b"none"


@dataclass(frozen=True, slots=True)
class Wrapping:
    """How the keys of one store are wrapped; every key is bound to its name, so rows cannot be swapped."""

    cipher: AESGCM | None

    @classmethod
    def of_store(cls, connection: Any, wrap_with: bytes | None, *, path: Path) -> Self:
        """The wrapping of a store, written down the first time and checked every other time.

        Raises:
            SettingsError: the key-encryption key is not the one that the store was made with.
        """
        if wrap_with is not None and len(wrap_with) != _KEY_BYTES:
            raise SettingsError(
                "The key-encryption key of {file} has {length} bytes; it must have 32",
                file=path.name,
                length=len(wrap_with),
            )
        wrapping = cls(AESGCM(wrap_with) if wrap_with is not None else None)
        row = connection.execute("SELECT value FROM about WHERE name = ?", (_NAME,)).fetchone()
        if row is None:
            mark = wrapping.wrap(_CHECK, name=_NAME) if wrapping.cipher else _NONE
            connection.execute("INSERT INTO about VALUES (?, ?)", (_NAME, mark))
        elif not wrapping.made(bytes(row[0])):
            raise SettingsError(
                "{file} was made with {other} key-encryption key; give the one it was made with",
                file=path.name,
                other="no" if bytes(row[0]) == _NONE else "another",
            )
        return wrapping

    def wrap(self, secret: bytes, *, name: str) -> bytes:
        """What is stored; always the same length for the same length of secret."""
        if self.cipher is None:
            return secret
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self.cipher.encrypt(nonce, secret, name.encode())

    def unwrap(self, stored: bytes, *, name: str) -> bytes:
        """The secret.

        Raises:
            SettingsError: the row was changed or belongs elsewhere.
        """
        if self.cipher is None:
            return bytes(stored)
        try:
            return self.cipher.decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], name.encode())
        except InvalidTag:
            raise SettingsError("The key store is damaged: a key does not open; restore it from its backup") from None

    def made(self, mark: bytes) -> bool:
        """Whether the mark in a store is one of this wrapping."""
        if self.cipher is None or mark == _NONE:
            return self.cipher is None and mark == _NONE
        try:
            return self.unwrap(mark, name=_NAME) == _CHECK
        except SettingsError:
            return False
