"""Tables and fast writing, the same on SQLite and PostgreSQL. Nothing else in the views looks at the dialect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, ClassVar, TypeVar
from zlib import crc32

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Dialect,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    TypeDecorator,
    delete,
)

from verbund.events import Recorded
from verbund.projection.tables import KEEP

#: Text of ids and keys. Byte order on both databases, so that both sort alike.
KEY = Text().with_variant(Text(collation="C"), "postgresql")

#: A number that is the primary key; SQLite then needs no index for it.
NUMBER = BigInteger().with_variant(Integer, "sqlite")

Values = tuple[Any, ...]

T = TypeVar("T")

# Below this number of rows a plain statement is quicker than COPY into a table of its own.
COPY_FROM_ROWS = 40

# Rows in one statement on SQLite; more make it no quicker.
ROWS_AT_ONCE = 200
SQLITE_VALUES = 32_766  # SQLite's limit of values in a statement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, whole milliseconds since 1970 in the table, alike on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | int | None, dialect: Dialect) -> int | None:  # noqa: ARG002, D102 - SQLAlchemy's
        return to_ms(value) if isinstance(value, datetime) else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102 - SQLAlchemy's
        return None if value is None else _EPOCH + value * _MILLISECOND


class JsonText(TypeDecorator[Any]):
    """JSON with sorted keys as text, so that equal values are equal bytes on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002, D102 - SQLAlchemy's
        return None if value is None else json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002, D102 - SQLAlchemy's
        return None if value is None else orjson.loads(value)


def json_text(value: Any) -> str:
    """What a `JsonText` column holds."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode().replace("\\u0000", "\ufffd")


def to_ms(instant: datetime) -> int:
    """What a `UtcDateTime` column holds."""
    return (instant - _EPOCH) // _MILLISECOND


def instant_ms(text: str | None) -> int | None:
    """Milliseconds of an instant as events write it (ISO 8601, UTC); None stays None.

    Raises:
        ValueError: it is no instant.
    """
    if text is None:
        return None
    instant = datetime.fromisoformat(text)
    return to_ms(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def plain(text: str | None) -> str | None:
    """Text that both databases can hold: PostgreSQL refuses NUL, so it becomes the replacement sign in both."""
    return text.replace("\x00", "\ufffd") if text is not None and "\x00" in text else text


class SqlView:
    """What SQL views share: `reset`. A view names itself and its tables, and applies."""

    name: str
    version: int
    handles: frozenset[str]
    #: Types whose newest body it is sure to ask for, so that it can be decoded ahead.
    decodes: frozenset[str] = frozenset()
    topics: tuple[str, ...]
    metadata: MetaData

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """See `Projection`."""
        raise NotImplementedError

    def reset(self, tx: Connection) -> None:
        """Empty the tables, but for those that outlive a reset."""
        for table in self.metadata.sorted_tables:
            if table.info != KEEP:
                tx.execute(delete(table))


class Writer:
    """Writes many rows of one table at once; which of two rows of a key stays is decided by the database.

    Rows are tuples in the order of the table's columns, already as stored (instants as milliseconds, JSON as text),
    with at most one row for a key in a call (but for `once`).

    Args:
        table: the target.
        newer: column that decides: a row replaces the stored one only if its value is greater. None: the first stays.
        first: columns that keep what was stored first.
        with_body: columns that change only together with `body_revision`, when the row brings a newer body.
        unless: SQL condition on `new` and the table under which a row is left out.
    """

    _types: ClassVar[Mapping[type, str]] = {BigInteger: "int8", Boolean: "bool", LargeBinary: "bytea", Text: "text"}

    def __init__(
        self,
        table: Table,
        *,
        newer: str | None = None,
        first: Iterable[str] = (),
        with_body: Iterable[str] = (),
        unless: str | None = None,
    ) -> None:
        self._table = table
        self._columns = [column.name for column in table.columns]
        names = ", ".join(self._columns)
        conflict = _on_conflict(table, newer, frozenset(first), frozenset(with_body))
        condition = f"NOT ({unless})" if unless else "true"
        head = f"INSERT INTO {table.name} ({names})"
        select = f"SELECT {names} FROM {{new}} AS new WHERE {condition}"  # noqa: S608 - names are ours
        self._rows_at_once = min(ROWS_AT_ONCE, SQLITE_VALUES // len(self._columns))
        self._sqlite = {
            rows: f"WITH new ({names}) AS (VALUES {self._marks(rows)}) {head} {select.format(new='new')} {conflict}"
            if unless
            else f"{head} VALUES {self._marks(rows)} {conflict}"
            for rows in (1, self._rows_at_once)
        }
        kinds = [self._kind(column.type) for column in table.columns]
        stage_columns = ", ".join(f"{name} {kind}" for name, kind in zip(self._columns, kinds, strict=True))
        stage = f"new_{table.name}_{crc32(stage_columns.encode()):08x}"
        self._kinds = kinds
        self._create_stage = f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ({stage_columns}) ON COMMIT DELETE ROWS"
        self._copy = f"COPY {stage} ({names}) FROM STDIN (FORMAT BINARY)"
        # The stage may be filled again in the same transaction, so it is emptied by the statement that reads it.
        self._merge = f"WITH taken AS (DELETE FROM {stage} RETURNING *) {head} {select.format(new='taken')} {conflict}"  # noqa: S608
        as_typed = ", ".join(f"%s::{kind} AS {name}" for name, kind in zip(self._columns, kinds, strict=True))
        self._one = f"{head} {select.format(new=f'(SELECT {as_typed})')} {conflict}"

    def write(self, tx: Connection, rows: Sequence[Values]) -> None:
        """Write the rows in the open transaction."""
        if not rows:
            return
        if tx.dialect.name == "sqlite":
            self._write_sqlite(tx, rows)
            return
        psycopg: Any = tx.connection.driver_connection
        with psycopg.cursor() as cursor:
            if len(rows) < COPY_FROM_ROWS:
                cursor.executemany(self._one, rows)
                return
            cursor.execute(self._create_stage)
            with cursor.copy(self._copy) as copy:
                copy.set_types(self._kinds)
                for row in rows:
                    copy.write_row(row)
            cursor.execute(self._merge)

    def _write_sqlite(self, tx: Connection, rows: Sequence[Values]) -> None:
        """Many rows in a statement: while it runs, another thread may decode (row by row, each would wait for it)."""
        cursor = tx.connection.cursor()
        try:
            at_once = self._rows_at_once
            whole = len(rows) - len(rows) % at_once
            for begin in range(0, whole, at_once):
                cursor.execute(self._sqlite[at_once], list(chain.from_iterable(rows[begin : begin + at_once])))
            cursor.executemany(self._sqlite[1], rows[whole:])
        finally:
            cursor.close()

    def _marks(self, rows: int) -> str:
        return ", ".join([f"({', '.join('?' * len(self._columns))})"] * rows)

    def _kind(self, column_type: Any) -> str:
        plain_type = column_type.impl_instance if isinstance(column_type, TypeDecorator) else column_type
        return next(kind for known, kind in self._types.items() if isinstance(plain_type, known))


def read_as(kind: type[T], row: Row[Any]) -> T:
    """A row as a data class that has fields of the same names; a column that was not selected is None."""
    values: Mapping[str, Any] = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a mapping
    return kind(**{name: values.get(name) for name in kind.__dataclass_fields__})  # type: ignore[attr-defined]  # says the docstring


def last_of_each(batch: Iterable[Recorded]) -> list[Recorded]:
    """The last event of each topic and subject, for views where the position decides."""
    return list({(record.topic, record.subject): record for record in batch}.values())


def _on_conflict(table: Table, newer: str | None, first: frozenset[str], with_body: frozenset[str]) -> str:
    if newer is None:
        return "ON CONFLICT DO NOTHING"
    keys = [column.name for column in table.primary_key]
    sets = []
    for column in table.columns:
        name = column.name
        if name in keys or name in first:
            continue
        value = f"excluded.{name}"
        if name in with_body:
            value = f"CASE WHEN excluded.body_revision > {table.name}.{newer} THEN {value} ELSE {table.name}.{name} END"
        sets.append(f"{name} = {value}")
    return (
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(sets)} WHERE excluded.{newer} > {table.name}.{newer}"
    )
