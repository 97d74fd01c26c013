"""One pull in a process of its own: `python -m bench.ingesting SOURCE_FILE MAX_BODY`, the home from the environment.

Says `ready`, waits for a line, applies the source as `verbund source apply` would, and says what became of it. The
only difference: no polite pause between two requests, since waiting is not what is measured.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bench import measuring
from verbund import bootstrap, settings
from verbund.fetch import FetchSettings, HttpFetch
from verbund.ingest.rooms import Rooms
from verbund.ingest.service import Ingest


def main() -> None:
    configuration = settings.load(os.environ, here=Path.cwd())
    bootstrap.configure_logging(configuration, service=False, debug=False)
    with bootstrap.Hub(configuration.settings, environ=os.environ) as hub:
        source = hub.source_file(Path(sys.argv[1]))
        fetch = HttpFetch(
            FetchSettings(allow=configuration.settings.fetch_allow, per_host_interval_s=0, max_body=int(sys.argv[2]))
        )
        memory = configuration.settings.ingest
        rooms = Rooms(log=hub.log, memory=memory, fetch=fetch, archive=hub.archive, keys=hub.keys, clock=bootstrap.now)
        ingest = Ingest(rooms)
        _ = hub.log.end()
        measuring.await_order()
        watch = measuring.Stopwatch()
        report = ingest.apply(source)
        took = watch.stop()
        fetch.close()
        counts = report.document["counts"]
        measuring.tell(**took, outcome=report.outcome, counts=counts, failure=report.failure)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
