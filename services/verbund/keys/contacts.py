"""Contacts as events carry them, and back."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

import fastavro
import orjson

from verbund.avro import Writer, compiled_writer
from verbund.errors import ErasedError, EventRefusedError, UnreadableEventError
from verbund.keys.contract import ContactKey, KeyStore
from verbund.keys.sealing import fingerprint, seal, unseal
from verbund_schemas import UnknownSchemaError, digest, expanded, load, shipped

# What is sealed is this byte, the SHA-256 of the schema that wrote the contact, and the Avro body.
_LAYOUT = b"\x01"
_HEAD_BYTES = 1 + 32


def plain_contact(contact: Mapping[str, Any]) -> bytes:
    """The content of a contact in the one form that `fingerprint` is taken of.

    NFC, fields sorted, unknown ones (null) left out: a field that the schema gets later changes no fingerprint.
    """
    known = {name: contact[name] for name in _fields() if contact.get(name) is not None}
    return orjson.dumps(_normal(known), option=orjson.OPT_SORT_KEYS)


def seal_contact(
    store: KeyStore, contact: Mapping[str, Any], *, district: str, source: str, record_key: str, revision: int
) -> dict[str, Any]:
    """A record of the schema `SealedContact`; the key is durable before this returns.

    Args:
        store: makes the key on first use.
        contact: a record of the schema `Contact`; fields with a default may be left out.
        district: five-digit key.
        source: name of the source file.
        record_key: the place or offer that the contact belongs to.
        revision: of the contact.

    Raises:
        ErasedError: the contact was erased and must not come back.
        EventRefusedError: it is no record of the schema.
    """
    key = store.key_of(contact["contact_id"])
    mark = fingerprint(key, plain_contact(contact))
    return seal_with(
        key, contact, mark=mark, district=district, source=source, record_key=record_key, revision=revision
    )


def seal_with(
    key: ContactKey,
    contact: Mapping[str, Any],
    *,
    mark: str,
    district: str,
    source: str,
    record_key: str,
    revision: int,
) -> dict[str, Any]:
    """As `seal_contact`, for a caller who has the key and the fingerprint of many contacts at hand.

    Raises:
        EventRefusedError: it is no record of the schema.
    """
    nonce, sealed = seal(key, revision=revision, plain=_LAYOUT + bytes.fromhex(_today()) + _encoded(contact))
    return {
        "contact_id": key.contact_id,
        "district": district,
        "source": source,
        "record_key": record_key,
        "revision": revision,
        "content_hash": mark,
        "key_version": key.version,
        "nonce": nonce,
        "sealed": sealed,
    }


def open_contact(store: KeyStore, sealed_contact: Mapping[str, Any]) -> dict[str, Any]:
    """The record of the schema `Contact`, in today's shape whichever version wrote it.

    Raises:
        ErasedError: the key was destroyed; there is nothing to show.
        UnreadableEventError: changed, or of a schema that was never shipped.
    """
    ident, version = sealed_contact["contact_id"], sealed_contact["key_version"]
    key = store.find(ident, version)
    if key is None:
        raise ErasedError("Contact {contact_id} was erased; there is nothing to show", contact_id=ident)
    plain = unseal(
        key,
        revision=sealed_contact["revision"],
        nonce=bytes(sealed_contact["nonce"]),
        sealed=bytes(sealed_contact["sealed"]),
    )
    try:
        return _decoded(plain)
    except (UnknownSchemaError, ValueError, EOFError, IndexError, TypeError):
        raise UnreadableEventError(
            "Contact {contact_id} was written by a newer Verbund; update this one", contact_id=ident
        ) from None


@cache
def _today() -> str:
    return digest(load("Contact"))


@cache
def _write() -> Writer:
    return compiled_writer(expanded("Contact"))


@cache
def _fields() -> tuple[str, ...]:
    return tuple(field["name"] for field in load("Contact")["fields"])


def _encoded(contact: Mapping[str, Any]) -> bytes:
    body: list[bytes] = []
    try:
        _write()({name: contact[name] for name in _fields() if name in contact}, body)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise EventRefusedError(
            "Contact {contact_id} does not fit the schema Contact; its connector has a fault",
            contact_id=contact["contact_id"],
        ) from None
    return b"".join(body)


def _decoded(plain: bytes) -> dict[str, Any]:
    if plain[:1] != _LAYOUT:
        raise ValueError("unknown layout")
    written_by = plain[1:_HEAD_BYTES].hex()
    today = load("Contact")
    writer = today if written_by == _today() else shipped(written_by, name="Contact")
    contact = fastavro.schemaless_reader(io.BytesIO(plain[_HEAD_BYTES:]), writer, today)
    if not isinstance(contact, dict):
        raise TypeError("a contact is a record")
    return contact


def _normal(value: Any) -> Any:
    match value:
        case str():
            return unicodedata.normalize("NFC", value)
        case Mapping():
            return {name: _normal(inner) for name, inner in value.items() if inner is not None}
        case list() | tuple():
            return [_normal(inner) for inner in value]
        case _:
            return value
