"""Sealing bytes under a contact's key: pure functions."""

from __future__ import annotations

import hmac
import json
import os
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from verbund.errors import UnreadableEventError
from verbund.keys.contract import ContactKey

_NONCE_BYTES = 12

# A custom UUID by RFC 9562: version 8, variant 10.
_VERSION_8 = 0x8 << 76
_VARIANT = 0b10 << 62
_VERSION_AND_VARIANT = (0xF << 76) | (0b11 << 62)


# Made once: `json.dumps` would make it anew for each contact.
_written = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def contact_id(secret: bytes, place_key: str, area: str, rank: int) -> str:
    """The id of a contact: a UUID that only the source's secret can make, and that tells nothing about the person."""
    named = _written(["contact", place_key, area, rank])
    number = int.from_bytes(hmac.digest(secret, named.encode("ascii"), sha256)[:16], "big")
    return str(UUID(int=(number & ~_VERSION_AND_VARIANT) | _VERSION_8 | _VARIANT))


def seal(key: ContactKey, *, revision: int, plain: bytes) -> tuple[bytes, bytes]:
    """A fresh random nonce and the bytes encrypted with AES-256-GCM, bound to contact, key version and revision."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce, AESGCM(key.secret).encrypt(nonce, plain, _bound_to(key, revision))


def unseal(key: ContactKey, *, revision: int, nonce: bytes, sealed: bytes) -> bytes:
    """The plain bytes.

    Raises:
        UnreadableEventError: changed, or sealed for another contact, key or revision.
    """
    try:
        return AESGCM(key.secret).decrypt(nonce, sealed, _bound_to(key, revision))
    except (InvalidTag, ValueError):
        raise UnreadableEventError(
            "Contact {contact_id}, revision {revision}, does not open with its key: the event was changed or belongs to "
            "another key store; restore keys.db and the log from the same time",
            contact_id=key.contact_id,
            revision=revision,
        ) from None


def fingerprint(key: ContactKey, plain: bytes) -> str:
    """HMAC-SHA-256 in hex: equal for equal content of one contact, and worth nothing once the key is gone."""
    # A key of its own, so that one secret never serves two algorithms.
    return hmac.digest(hmac.digest(key.secret, b"verbund fingerprint", sha256), plain, sha256).hex()


def _bound_to(key: ContactKey, revision: int) -> bytes:
    return f"verbund contact\n{key.contact_id}\n{key.version}\n{revision}".encode()
