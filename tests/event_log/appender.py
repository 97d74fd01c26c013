"""A process that appends batches for ever and says after each that it is stored; tests kill it.

python -m tests.event_log.appender URL NAME BATCH
"""

from __future__ import annotations

import json
import os
import sys
from math import inf

from verbund.errors import AppendFailedError
from verbund.event_log.opening import open_log
from verbund.testing.event_log import TOPIC, PlainCodec, numbered


def main(url: str, name: str, batch: int, batches: float = inf) -> None:
    settings = json.loads(os.environ.get("KAFKA_SETTINGS", "{}"))
    log = open_log(url, codec=PlainCodec(), kafka_settings=settings)
    number = 0
    while number < batch * batches:
        events = [numbered(number + i, subject=name, text="x" * 300) for i in range(batch)]
        try:
            positions = log.append(TOPIC, events)
        except AppendFailedError:
            continue  # the same events again: known ids are a success
        number += batch
        print(number, positions[-1], flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
