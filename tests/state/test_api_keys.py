"""API keys: only who has the secret is let in, and nobody can read it back."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import create_engine

from verbund import sqlite
from verbund.errors import UnknownNameError, UsageError
from verbund.state import ApiKeys

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


@pytest.fixture(name="file")
def _file(tmp_path):
    return tmp_path / "state.db"


@pytest.fixture(name="keys")
def _keys(file):
    engine = sqlite.engine(file, full=True)
    yield ApiKeys(engine)
    engine.dispose()


def test_a_secret_opens_its_key_and_nothing_else_does(keys):
    key, secret = keys.add("office", role="district", of_districts=["05954"], now=NOW)
    other, other_secret = keys.add("agency", role="hub", of_districts=[], now=NOW)
    assert keys.find(secret, now=NOW).name == "office"
    assert keys.find(f" {other_secret}\n", now=NOW).name == "agency"  # pasted with blanks
    swapped = secret.replace(key.prefix, other.prefix)
    for wrong in ("", "vbk", "vbk__", secret[:-1], secret + "a", secret.upper(), swapped, secret[4:], "vbk_\0_ä"):
        assert keys.find(wrong, now=NOW) is None, wrong


def test_secrets_are_long_random_and_never_stored(keys, file):
    made = [keys.add(f"key-{number}", role="hub", of_districts=[], now=NOW)[1] for number in range(20)]
    assert len({secret.split("_", 2)[2] for secret in made}) == 20
    assert all(len(secret.split("_", 2)[2]) >= 43 for secret in made)  # 32 bytes in base64
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = b"".join(part.read_bytes() for part in file.parent.iterdir())
    for secret in made:
        assert secret.split("_", 2)[2].encode() not in stored


def test_a_revoked_key_opens_nothing_and_its_name_may_be_given_again(keys):
    _key, old = keys.add("office", role="district", of_districts=["05954"], now=NOW)
    keys.revoke("office", now=NOW)
    assert keys.find(old, now=NOW) is None
    _key, new = keys.add("office", role="district", of_districts=["05954"], now=NOW + timedelta(days=1))
    assert keys.find(new, now=NOW) is not None and keys.find(old, now=NOW) is None
    assert [(one.name, one.revoked_on) for one in keys.listing()] == [("office", "2026-09-01"), ("office", None)]
    with pytest.raises(UnknownNameError):
        keys.revoke("nobody", now=NOW)


def test_the_day_of_the_last_use_is_kept_and_no_more(keys):
    _key, secret = keys.add("office", role="hub", of_districts=[], now=NOW)
    assert keys.listing()[0].last_used_on is None
    keys.find(secret, now=NOW)
    keys.find("vbk_wrong_wrong", now=NOW + timedelta(days=5))
    assert keys.listing()[0].last_used_on == "2026-09-01"


def test_a_key_speaks_for_its_districts_and_the_hub_for_all(keys):
    office, _ = keys.add("office", role="district", of_districts=["05954", "05124"], now=NOW)
    hub, _ = keys.add("agency", role="hub", of_districts=[], now=NOW)
    assert [office.may_answer_for(one) for one in ("05954", "05124", "09188", "", "0595")] == [True, True, False, False, False]  # fmt: skip
    assert hub.may_answer_for("09188")


@pytest.mark.parametrize(
    ("name", "role", "of_districts"),
    [
        ("Erika Mustermann", "hub", []),
        ("e@example.org", "hub", []),
        ("", "hub", []),
        ("cli", "hub", []),
        ("office", "admin", []),
        ("office", "district", []),
        ("office", "hub", ["05954"]),
        ("office", "district", ["99999"]),
    ],
)
def test_a_key_that_cannot_be_is_refused(keys, name, role, of_districts):
    with pytest.raises(UsageError):
        keys.add(name, role=role, of_districts=of_districts, now=NOW)
    assert keys.listing() == []


def test_of_two_that_ask_for_a_name_at_once_one_gets_it(keys, file):
    start, refused = Barrier(4), []

    def ask():
        engine = sqlite.engine(file, full=True)
        start.wait()
        try:
            ApiKeys(engine).add("office", role="hub", of_districts=[], now=NOW)
        except UsageError:
            refused.append(1)
        finally:
            engine.dispose()

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(refused), len(keys.listing())) == (3, 1)


@pytest.mark.postgres
def test_keys_are_kept_in_postgresql_as_well(postgres_url):
    engine = create_engine(postgres_url)
    try:
        keys = ApiKeys(engine)
        _key, secret = keys.add("office", role="district", of_districts=["05954"], now=NOW)
        with pytest.raises(UsageError):
            keys.add("office", role="hub", of_districts=[], now=NOW)
        assert [one.districts for one in keys.listing() if keys.find(secret, now=NOW)] == [("05954",)]
        keys.revoke("office", now=NOW)
        assert keys.find(secret, now=NOW) is None
    finally:
        engine.dispose()
