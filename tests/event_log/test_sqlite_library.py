"""The door to SQLite refuses libraries that lose commits, and sets the pragmas it promises."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from verbund import sqlite
from verbund.errors import SettingsError


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 3), (3, 50, 6), (3, 51, 2), (3, 6, 9)])
def test_a_library_with_the_race_is_refused_with_the_fix(version):
    with pytest.raises(SettingsError, match="pip install --upgrade 'pysqlite3"):
        sqlite.check_library(version)


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 52, 0), (4, 0, 0)])
def test_a_corrected_library_is_taken(version):
    sqlite.check_library(version)


def test_the_installed_library_is_taken():
    sqlite.check_library()


@pytest.mark.parametrize(("full", "synchronous"), [(True, 2), (False, 1)])
def test_a_connection_waits_for_the_disk_as_asked(tmp_path, full, synchronous):
    connection = sqlite.connect(tmp_path / "x.db", full=full)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    connection.close()
    engine = sqlite.engine(tmp_path / "x.db", full=full)
    with engine.connect() as reading:
        assert reading.execute(text("PRAGMA synchronous")).scalar() == synchronous
    engine.dispose()


def test_writers_of_an_engine_never_fail_half_way(tmp_path):
    """Each reads and then writes: with a deferred BEGIN, the second would fail with SQLITE_BUSY_SNAPSHOT."""
    engine = sqlite.engine(tmp_path / "x.db")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE counter (n INTEGER)"))
        tx.execute(text("INSERT INTO counter VALUES (0)"))

    def count() -> None:
        for _ in range(50):
            with engine.begin() as tx:
                n = tx.execute(text("SELECT n FROM counter")).scalar_one()
                tx.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as reading:
        assert reading.execute(text("SELECT n FROM counter")).scalar_one() == 200
    engine.dispose()


def test_readers_of_an_engine_do_not_wait_for_a_writer(tmp_path):
    engine = sqlite.engine(tmp_path / "x.db")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE t (n INTEGER)"))
    with engine.begin() as writing, engine.connect() as reading:
        writing.execute(text("INSERT INTO t VALUES (1)"))
        assert reading.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    with engine.connect() as reading:
        assert reading.execute(text("SELECT count(*) FROM t")).scalar_one() == 1
    engine.dispose()


def test_a_failed_transaction_of_an_engine_leaves_nothing(tmp_path):
    engine = sqlite.engine(tmp_path / "x.db")
    with engine.begin() as tx:
        tx.execute(text("CREATE TABLE t (n INTEGER)"))
    with pytest.raises(ZeroDivisionError), engine.begin() as tx:
        tx.execute(text("INSERT INTO t VALUES (1)"))
        _ = 1 / 0
    with engine.connect() as reading:
        assert reading.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    engine.dispose()
