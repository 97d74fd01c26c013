"""The flat table as a projection of ours, and its run in a process of its own: `python -m bench.flat_view LOG DATABASE`.

Nothing here but the row is written for the measurement: log, decoding, runner, positions and COPY are those of Verbund.
Like any process that needs little of an event, it reads with a schema of its own, so that other fields are skipped.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import BigInteger, Boolean, Column, Connection, Double, Index, MetaData, Table, Text, create_engine

import verbund_schemas
from bench import measuring
from bench.flat_row import COLUMNS, FIELDS, TABLE, row_of
from verbund.avro import narrowed
from verbund.codec import AvroCodec
from verbund.event_log.opening import open_log
from verbund.events import Recorded
from verbund.projection.runner import Runner
from verbund.views.fold import facts_of, fold
from verbund.views.sql import SqlView, Writer

_KINDS = {"text": Text, "int8": BigInteger, "bool": Boolean, "float8": Double}
_WITH_STATE = frozenset({"OfferPublished", "OfferRevised"})

metadata = MetaData()
flat = Table(
    TABLE,
    metadata,
    *(Column(name, _KINDS[kind], primary_key=name == "offer_id", nullable=False) for name, kind in COLUMNS),
    Index(f"{TABLE}_source", "district", "source"),
    Index(f"{TABLE}_category", "category"),
)


class FlatWriter(Writer):
    """Knows floating point numbers, too."""

    _types: ClassVar = {**Writer._types, Double: "float8"}  # noqa: SLF001 - its own class


class FlatView(SqlView):
    """One row for each offer, the newest revision."""

    name = "flat"
    version = 1
    handles = _WITH_STATE
    decodes = _WITH_STATE
    topics: tuple[str, ...] = ("inventory",)
    metadata = metadata

    writer = FlatWriter(flat, newer="revision")

    def apply(self, batch: Sequence[Recorded], tx: Connection) -> None:
        """Only the newest event of each offer in the batch is decoded."""
        rows = [row_of(facts_of(one.last, "offer_id", "offer")) for one in fold(batch, _WITH_STATE)]
        self.writer.write(tx, rows)


def main() -> None:
    url, database = sys.argv[1:]
    shapes = {name: narrowed(verbund_schemas.expanded(name), FIELDS) for name in _WITH_STATE}
    log = open_log(url, codec=AvroCodec(shapes=shapes))
    engine = create_engine(database)
    runner = Runner([FlatView()], log=log, engine=engine)
    runner.start()
    measuring.await_order()
    watch = measuring.Stopwatch()
    done = runner.catch_up()
    measuring.tell(**watch.stop(), events=done.events, parked=done.parked["flat"])
    sys.stdin.readline()
    engine.dispose()
    log.close()


if __name__ == "__main__":
    main()
