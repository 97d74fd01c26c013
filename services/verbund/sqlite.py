"""The one door to SQLite: the right library, the right pragmas."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as driver
from sqlalchemy import Connection, Engine, create_engine, event

from verbund.errors import SettingsError

#: Raised by connections; import them from here, so that nobody meets Python's own sqlite3.
Error: type[Exception] = driver.Error
OperationalError: type[Exception] = driver.OperationalError
IntegrityError: type[Exception] = driver.IntegrityError

# How long a writer waits for another process. A page of 1,000 records or one group commit takes milliseconds; a
# checkpoint of a large WAL may take seconds.
BUSY_TIMEOUT_MS = 30_000

# A WAL grown by a long reader is cut back to this after the next checkpoint.
WAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

# Rows of read models have random keys, so one batch touches thousands of pages of their indexes. Copied back from the
# WAL every 32 MiB instead of every 4, and with more of them in memory, the same rows take a sixth less CPU.
ENGINE_CHECKPOINT_PAGES = 8000
ENGINE_CACHE_KIB = 8 * 1024

_FIRST_WITH_WAL = (3, 7, 0)
_LAST_WITH_RACE = (3, 51, 2)
# Releases of older branches that have the correction: later patches of the same branch have it too.
_CORRECTED_BRANCHES = {(3, 44): 6, (3, 50): 7}


def connect(path: Path | str, *, full: bool) -> Any:
    """A pysqlite3 connection in autocommit (the caller says BEGIN), WAL, usable from any one thread at a time.

    Args:
        path: of the file; made when missing, its folder too.
        full: True: a commit survives a power cut (`synchronous=FULL`); False: it survives a crash of the process.

    Raises:
        SettingsError: the SQLite library may lose commits.
    """
    check_library()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    connection = driver.connect(
        str(path), timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _prepare(connection, full=full)
    except BaseException:
        connection.close()
        raise
    return connection


def engine(path: Path | str, *, full: bool = False) -> Engine:
    """A SQLAlchemy engine on the same library and pragmas.

    `engine.begin()` is for writers: it takes the write lock at once (BEGIN IMMEDIATE), so a transaction that reads and
    then writes never fails half-way. `engine.connect()` is for readers: one consistent state, blocking nobody.

    Raises:
        SettingsError: the SQLite library may lose commits.
    """
    check_library()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    plain = create_engine(
        f"sqlite+pysqlite:///{path}",
        module=driver,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
    )
    made = _SqliteEngine(plain.pool, plain.dialect, plain.url)

    @event.listens_for(made, "connect")
    def _connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin by itself
        _prepare(connection, full=full)
        connection.execute(f"PRAGMA wal_autocheckpoint={ENGINE_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size=-{ENGINE_CACHE_KIB}")

    @event.listens_for(made, "begin")
    def _begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get("sqlite_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return made


def check_library(version: tuple[int, int, int] | None = None) -> None:
    """Refuse a SQLite that can lose commits in WAL mode when several connections write (the WAL-reset race).

    Raises:
        SettingsError: names the version and the fix.
    """
    found: tuple[int, int, int] = version or driver.sqlite_version_info
    corrected = found[2] >= _CORRECTED_BRANCHES.get(found[:2], found[2] + 1)
    if found > _LAST_WITH_RACE or (found >= _FIRST_WITH_WAL and corrected):
        return
    raise SettingsError(
        "SQLite {version} can lose committed events when several processes write; install a newer one: "
        "pip install --upgrade 'pysqlite3>=0.6.1'",
        version=".".join(map(str, found)),
    )


class _SqliteEngine(Engine):
    """An engine whose `begin()` announces that it will write."""

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        with self.connect() as connection:
            connection.execution_options(sqlite_writes=True)
            with connection.begin():
                yield connection


def _prepare(connection: Any, *, full: bool) -> None:
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={'FULL' if full else 'NORMAL'}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA journal_size_limit={WAL_SIZE_LIMIT_BYTES}")
