"""Contacts encrypted, each under a key of its own: destroying the key erases the person, and every replay still works."""

from verbund.keys.contacts import open_contact, plain_contact, seal_contact
from verbund.keys.contract import ContactKey, KeyStore
from verbund.keys.sealing import contact_id, fingerprint, seal, unseal
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
    "unseal",
]
