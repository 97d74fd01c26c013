"""What a key store promises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactKey:
    """The key of one contact.

    Attributes:
        secret: 256 random bits; never shown, logged or stored elsewhere.
    """

    contact_id: str
    version: int
    secret: bytes = field(repr=False)


class KeyStore(Protocol):
    """Keys of contacts and secrets of sources. Several threads and processes may use one at once."""

    def key_of(self, contact_id: str) -> ContactKey:
        """The contact's newest key, made and durable when it has none yet.

        Raises:
            ErasedError: the contact was erased; it gets no key any more.
        """
        ...

    def keys_of(self, contact_ids: Iterable[str]) -> dict[str, ContactKey]:
        """The newest keys of many contacts, by id, missing ones made in one transaction; erased contacts are left out."""
        ...

    def find(self, contact_id: str, version: int) -> ContactKey | None:
        """The key that sealed something, or None when it was destroyed or never made."""
        ...

    def destroy(self, contact_id: str) -> None:
        """Erase the contact: its keys are overwritten and no byte of them is left in any file; the id stays known.

        May be called again and for an id that never had a key.

        Raises:
            LockedError: the key is destroyed, but a reader keeps old pages in place; call it again.
        """
        ...

    def erased(self, contact_id: str) -> bool:
        """Whether the contact was erased."""
        ...

    def secret_of(self, source: str) -> bytes:
        """The secret from which a source's contact ids are made, 32 bytes; made and durable on first use."""
        ...
