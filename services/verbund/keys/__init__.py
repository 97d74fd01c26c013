"""Contacts encrypted, each under a key of its own: destroying the key erases the person, and every replay still works."""

from typing import TYPE_CHECKING, Any

from verbund.keys.contacts import open_contact, plain_contact, seal_contact, seal_with
from verbund.keys.contract import ContactKey, KeyStore
from verbund.keys.sealing import contact_id, fingerprint, seal, unseal

if TYPE_CHECKING:
    from verbund.keys.store import SqliteKeyStore

__all__ = [
    "ContactKey",
    "KeyStore",
    "SqliteKeyStore",
    "contact_id",
    "fingerprint",
    "open_contact",
    "plain_contact",
    "seal",
    "seal_contact",
    "seal_with",
    "unseal",
]


def __getattr__(name: str) -> Any:
    # The database library takes 200 ms to import; who maps or shows contacts needs none.
    if name == "SqliteKeyStore":
        from verbund.keys.store import SqliteKeyStore  # noqa: PLC0415

        return SqliteKeyStore
    raise AttributeError(name)
