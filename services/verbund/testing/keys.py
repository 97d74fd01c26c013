"""The key store in memory, and what every key store must do."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pytest

from verbund.errors import ErasedError
from verbund.keys import ContactKey, KeyStore, contact_id, open_contact, seal_contact


class MemoryKeyStore:
    """`KeyStore` in dictionaries."""

    def __init__(self) -> None:
        self._keys: dict[str, ContactKey] = {}
        self._erased: set[str] = set()
        self._secrets: dict[str, bytes] = {}

    def key_of(self, contact_id: str) -> ContactKey:
        if contact_id in self._erased:
            raise ErasedError("Contact {contact_id} was erased and gets no key any more", contact_id=contact_id)
        return self.keys_of([contact_id])[contact_id]

    def keys_of(self, contact_ids: Iterable[str]) -> dict[str, ContactKey]:
        wanted = [ident for ident in dict.fromkeys(contact_ids) if ident not in self._erased]
        return {
            ident: self._keys.setdefault(ident, ContactKey(contact_id=ident, version=1, secret=os.urandom(32)))
            for ident in wanted
        }

    def find(self, contact_id: str, version: int) -> ContactKey | None:
        key = self._keys.get(contact_id)
        return key if key is not None and key.version == version else None

    def destroy(self, contact_id: str) -> None:
        self._keys.pop(contact_id, None)
        self._erased.add(contact_id)

    def erased(self, contact_id: str) -> bool:
        return contact_id in self._erased

    def secret_of(self, source: str) -> bytes:
        return self._secrets.setdefault(source, os.urandom(32))


class KeyStoreContract:
    """Tests that pass on every key store; a subclass gives the fixture `store`, an empty one."""

    def test_a_contact_keeps_its_key(self, store: KeyStore) -> None:
        key = store.key_of("one")
        assert key == store.key_of("one") == store.find("one", key.version)
        assert len(key.secret) == 32

    def test_contacts_have_keys_of_their_own(self, store: KeyStore) -> None:
        assert store.key_of("one").secret != store.key_of("two").secret

    def test_many_keys_at_once_are_those_of_each(self, store: KeyStore) -> None:
        known = store.key_of("b")
        keys = store.keys_of(["a", "b", "c", "a"])
        assert sorted(keys) == ["a", "b", "c"]
        assert keys["b"] == known
        assert keys["c"] == store.key_of("c")

    def test_no_contacts_have_no_keys(self, store: KeyStore) -> None:
        assert store.keys_of([]) == {}

    def test_a_key_that_was_never_made_is_not_found(self, store: KeyStore) -> None:
        assert store.find("one", 1) is None
        key = store.key_of("one")
        assert store.find("one", key.version + 1) is None
        assert not store.erased("one")

    def test_an_erased_contact_has_no_key_and_gets_none(self, store: KeyStore) -> None:
        key, other = store.key_of("one"), store.key_of("two")
        store.destroy("one")
        assert store.erased("one")
        assert store.find("one", key.version) is None
        with pytest.raises(ErasedError, match="one"):
            store.key_of("one")
        assert store.keys_of(["one", "two"]) == {"two": other}

    def test_a_contact_may_be_erased_twice_and_before_it_has_a_key(self, store: KeyStore) -> None:
        store.destroy("never")
        store.destroy("never")
        assert store.erased("never")
        assert store.keys_of(["never"]) == {}

    def test_a_source_keeps_its_secret_and_shares_it_with_none(self, store: KeyStore) -> None:
        assert store.secret_of("one") == store.secret_of("one") != store.secret_of("two")
        assert len(store.secret_of("one")) == 32

    def test_a_contact_is_readable_until_it_is_erased(self, store: KeyStore) -> None:
        ident = contact_id(store.secret_of("source"), "place", "counselling", 0)
        contact = {"contact_id": ident, "function": "Beratung", "email": "beratung@example.org"}
        sealed = seal_contact(store, contact, district="09188", source="source", record_key="place", revision=1)
        assert open_contact(store, sealed).items() >= contact.items()
        store.destroy(ident)
        with pytest.raises(ErasedError):
            open_contact(store, sealed)
        with pytest.raises(ErasedError):
            seal_contact(store, contact, district="09188", source="source", record_key="place", revision=2)
