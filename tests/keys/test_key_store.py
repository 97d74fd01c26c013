"""The key store in memory and in its file."""

import random
import stat
import subprocess
import sys
import threading
from uuid import uuid4

import pytest

from verbund import sqlite
from verbund.errors import LockedError, SettingsError
from verbund.keys import ContactKey, SqliteKeyStore
from verbund.testing.keys import KeyStoreContract, MemoryKeyStore

WRAPPING_KEY = bytes(range(32))


class TestMemoryKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self):
        return MemoryKeyStore()


@pytest.mark.parametrize("wrap_with", [None, WRAPPING_KEY], ids=["plain", "wrapped"])
class TestSqliteKeyStore(KeyStoreContract):
    @pytest.fixture
    def store(self, tmp_path, wrap_with):
        with SqliteKeyStore(tmp_path / "keys.db", wrap_with=wrap_with) as store:
            yield store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "keys.db"


def bytes_of_all_files(path):
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_keys_are_there_after_a_restart(path):
    with SqliteKeyStore(path) as store:
        key, secret = store.key_of("one"), store.secret_of("source")
    with SqliteKeyStore(path) as again:
        assert (again.find("one", 1), again.secret_of("source")) == (key, secret)


def test_the_file_is_for_its_owner_only(path):
    with SqliteKeyStore(path) as store:
        store.key_of("one")
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def test_no_byte_of_a_destroyed_key_is_left_in_any_file(path):
    with SqliteKeyStore(path) as store:
        idents = [str(uuid4()) for _ in range(3_000)]
        keys: dict[str, ContactKey] = {}
        for start in range(0, len(idents), 137):
            keys |= store.keys_of(idents[start : start + 137])
        doomed = random.Random(1).sample(idents, 60)
        assert keys[doomed[0]].secret in bytes_of_all_files(path)
        for ident in doomed:
            store.destroy(ident)
        left = bytes_of_all_files(path)
        for ident in doomed:
            secret = keys[ident].secret
            assert not any(secret[at : at + 8] in left for at in range(0, 32, 8))
        kept = set(idents) - set(doomed)
        assert store.keys_of(idents) == {ident: keys[ident] for ident in kept}
        assert all(keys[ident].secret in left for ident in kept)


def test_no_byte_of_a_destroyed_wrapped_key_is_left_in_any_file(path):
    with SqliteKeyStore(path, wrap_with=WRAPPING_KEY) as store:
        store.keys_of([str(number) for number in range(200)])
        connection = sqlite.connect(path, full=True)
        (stored,) = connection.execute("SELECT secret FROM contact_key WHERE contact_id = '77'").fetchone()
        connection.close()
        assert stored in bytes_of_all_files(path)
        store.destroy("77")
        assert not any(stored[at : at + 8] in bytes_of_all_files(path) for at in range(len(stored) - 8))


def test_a_wrapped_key_is_not_readable_in_the_file(path):
    with SqliteKeyStore(path, wrap_with=WRAPPING_KEY) as store:
        secrets = [store.key_of("one").secret, store.secret_of("source")]
        assert not any(secret in bytes_of_all_files(path) for secret in secrets)


def test_a_reader_in_the_way_of_the_erasure_is_told_and_the_second_try_finishes(path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 50)
    with SqliteKeyStore(path) as store:
        secret = store.key_of("one").secret
        reader = sqlite.connect(path, full=True)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM contact_key").fetchall()
        with pytest.raises(LockedError, match="again"):
            store.destroy("one")
        assert store.erased("one")
        assert store.find("one", 1) is None
        reader.execute("COMMIT")
        reader.close()
        store.destroy("one")
        assert secret not in bytes_of_all_files(path)


@pytest.mark.parametrize(
    ("made_with", "opened_with"),
    [(None, WRAPPING_KEY), (WRAPPING_KEY, None), (WRAPPING_KEY, bytes(32))],
    ids=["none, then one", "one, then none", "another"],
)
def test_another_key_encryption_key_is_refused(path, made_with, opened_with):
    SqliteKeyStore(path, wrap_with=made_with).close()
    with pytest.raises(SettingsError, match=r"keys\.db"):
        SqliteKeyStore(path, wrap_with=opened_with)


def test_a_short_key_encryption_key_is_refused(path):
    with pytest.raises(SettingsError, match="32"):
        SqliteKeyStore(path, wrap_with=b"short")


def test_rows_that_were_swapped_do_not_open(path):
    with SqliteKeyStore(path, wrap_with=WRAPPING_KEY) as store:
        store.keys_of(["one", "two"])
        connection = sqlite.connect(path, full=True)
        connection.execute(
            "UPDATE contact_key SET secret = (SELECT secret FROM contact_key WHERE contact_id = 'two')"
            " WHERE contact_id = 'one'"
        )
        connection.close()
        with pytest.raises(SettingsError, match="damaged"):
            store.key_of("one")


def test_a_key_is_never_shown():
    key = MemoryKeyStore().key_of("one")
    assert repr(key.secret) not in repr(key)
    assert "one" in repr(key)


def test_threads_that_ask_at_once_get_the_same_keys(path):
    idents = [str(number) for number in range(300)]
    answers = []
    with SqliteKeyStore(path) as store, SqliteKeyStore(path) as other:
        threads = [
            threading.Thread(target=lambda store=store: answers.append(store.keys_of(idents)))
            for store in (store, other, store, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)


MAKE_KEYS = """
import sys
from verbund.keys import SqliteKeyStore
with SqliteKeyStore(sys.argv[1]) as store:
    for start in range(0, 500, 50):
        for key in store.keys_of(str(number) for number in range(start, start + 50)).values():
            print(key.contact_id, key.secret.hex())
"""


def test_processes_that_ask_at_once_get_the_same_keys(path):
    processes = [
        subprocess.Popen([sys.executable, "-c", MAKE_KEYS, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = [sorted(process.communicate()[0].splitlines()) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(outputs[0]) == 500
    assert outputs[0] == outputs[1] == outputs[2]


KILLED = """
import os, signal, sys
from verbund.keys import SqliteKeyStore
store = SqliteKeyStore(sys.argv[1])
print(store.key_of("one").secret.hex(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_key_that_was_given_out_survives_a_kill(path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -9
    with SqliteKeyStore(path) as store:
        assert store.key_of("one").secret.hex() == killed.stdout.strip()


def test_a_backup_from_before_an_erasure_is_erased_again_by_the_same_call(path, tmp_path):
    with SqliteKeyStore(path) as store:
        store.key_of("one")
    backup = tmp_path / "backup.db"
    backup.write_bytes(path.read_bytes())
    with SqliteKeyStore(path) as store:
        store.destroy("one")
    backup.replace(path)
    with SqliteKeyStore(path) as restored:
        assert restored.find("one", 1) is not None
        restored.destroy("one")
        assert restored.find("one", 1) is None
