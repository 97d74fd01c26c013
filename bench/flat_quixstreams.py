"""The same work by quixstreams and its PostgreSQL sink, in an environment of its own without Verbund.

`python -m bench.flat_quixstreams BROKER TOPIC SCHEMAS HOST PORT DATABASE EVENTS`; SCHEMAS is a JSON file with the Avro
schemas by the mark of the bodies. Settings are those of its documentation that are quickest here: the table exists
(`schema_auto_update=False`, else each batch alters each column), upsert by the key, no further columns, commits as
large as ours. The clock runs from its first message to the end of its last commit.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from fastavro import parse_schema, schemaless_reader
from quixstreams import Application
from quixstreams.models import Deserializer
from quixstreams.sinks.community.postgresql import PostgreSQLSink

from bench.flat_row import NAMES, TABLE, row_of

COMMIT_EVERY = 2000
# No message for this long means that something is wrong.
SILENCE_S = 60.0
_MARK_BYTES = 10


class Body(Deserializer):  # type: ignore[misc, unused-ignore] # quixstreams is not installed beside Verbund
    """Single-object Avro, read by fastavro as quixstreams' own deserializer reads it.

    Whole: with a reader's schema of the needed fields, as ours has, fastavro takes a third longer.
    """

    def __init__(self, schemas: dict[str, Any]) -> None:
        super().__init__()
        self._schemas = {bytes.fromhex(mark): parse_schema(schema) for mark, schema in schemas.items()}
        self.began = 0.0

    def __call__(self, value: bytes, ctx: Any) -> Any:  # noqa: ARG002 - the name is quixstreams'
        self.began = self.began or time.perf_counter()
        return schemaless_reader(BytesIO(value[_MARK_BYTES:]), self._schemas[value[:_MARK_BYTES]])


class TimedSink(PostgreSQLSink):  # type: ignore[misc, unused-ignore] # as above
    """Notes when a commit was done."""

    ended = 0.0

    def write(self, batch: Any) -> None:
        super().write(batch)
        self.ended = time.perf_counter()


def flat_of(value: dict[str, Any]) -> dict[str, Any]:
    """What the sink wants: a column a key."""
    return dict(zip(NAMES, row_of(value["offer"]), strict=True))


def main() -> None:
    broker, topic_name, schemas, host, port, database, events = sys.argv[1:]
    body = Body(json.loads(Path(schemas).read_text()))
    sink = TimedSink(
        host=host, port=int(port), dbname=database, user="postgres", password=sys.stdin.readline().strip(),
        table_name=TABLE, primary_key_columns="offer_id", upsert_on_primary_key=True, schema_auto_update=False,
        include_metadata=False,
    )  # fmt: skip
    app = Application(
        broker_address=broker, consumer_group=database, auto_offset_reset="earliest", commit_every=COMMIT_EVERY,
        commit_interval=60, auto_create_topics=False, loglevel="WARNING",
    )  # fmt: skip
    topic = app.topic(topic_name, value_deserializer=body, key_deserializer="str")
    app.dataframe(topic).apply(flat_of).sink(sink)
    print('{"ready": true}', flush=True)
    sys.stdin.readline()
    before = resource.getrusage(resource.RUSAGE_SELF)
    app.run(count=int(events), timeout=SILENCE_S, collect=False)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": sink.ended - body.began, "cpu_s": cpu}), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
