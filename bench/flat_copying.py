"""The limits of the flat table, the rows ready in memory: `python -m bench.flat_copying copy|merge LOG DATABASE`.

`copy` is one bare COPY of the table as it must be in the end; `merge` is COPY and guarded upsert of every event's row
in batches of 2,000, a transaction each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from sqlalchemy import create_engine

from bench import measuring
from bench.flat_row import COLUMNS, NAMES, TABLE, row_of
from bench.flat_view import FlatView
from verbund.codec import AvroCodec
from verbund.event_log.opening import open_log
from verbund.projection.runner import BATCH_RECORDS


def rows_of(url: str) -> Iterator[list[tuple[Any, ...]]]:
    """All rows of the log, in its order, a page at a time."""
    log = open_log(url, codec=AvroCodec())
    topic = log.topics()[0]
    end, position = log.end([topic])[topic], 0
    while position < end:
        page = log.read({topic: position}, limit=BATCH_RECORDS)
        if page:
            yield [row_of(record.data["offer"]) for record in page]
            position = page[-1].position + 1
    log.close()


def main() -> None:
    how, url, database = sys.argv[1:]
    pages = list(rows_of(url))
    newest: dict[str, tuple[Any, ...]] = {}
    for row in (row for page in pages for row in page):
        if row[1] > newest.get(row[0], ("", 0))[1]:
            newest[row[0]] = row
    engine = create_engine(database)
    measuring.await_order()
    watch = measuring.Stopwatch()
    if how == "copy":
        with engine.begin() as tx, _cursor(tx) as cursor, cursor.copy(_STATEMENT) as copy:
            copy.set_types([kind for _, kind in COLUMNS])
            for row in newest.values():
                copy.write_row(row)
        written = len(newest)
    else:
        for page in pages:
            with engine.begin() as tx:
                FlatView.writer.write(tx, list({row[0]: row for row in sorted(page, key=lambda row: row[1])}.values()))
        written = sum(map(len, pages))
    measuring.tell(**watch.stop(), rows=written)
    sys.stdin.readline()
    engine.dispose()


_STATEMENT = f"COPY {TABLE} ({', '.join(NAMES)}) FROM STDIN (FORMAT BINARY)"


def _cursor(tx: Any) -> Any:
    return tx.connection.driver_connection.cursor()


if __name__ == "__main__":
    main()
