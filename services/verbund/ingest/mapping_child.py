"""The process that `MappingProcess` starts: maps what comes in. It starts often, so it imports little: no log, no database."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Sequence

from verbund.collecting import quiet_collector
from verbund.ingest.mapping import RawRecord, RecordMapper


def main() -> None:
    """Answer the task with no rows, then each batch with its own, until the input ends."""
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a connector that prints must not write into the answers
    path, task = pickle.load(incoming)  # noqa: S301 — from our own parent
    sys.path[:] = path
    mapper = RecordMapper(task)
    records: Sequence[RawRecord] = ()
    with quiet_collector():
        while True:
            pickle.dump(mapper.map(records), outgoing, protocol=pickle.HIGHEST_PROTOCOL)
            outgoing.flush()
            try:
                records = pickle.load(incoming)  # noqa: S301 — from our own parent
            except EOFError:
                return


if __name__ == "__main__":
    main()
