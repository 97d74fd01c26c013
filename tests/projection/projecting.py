"""A process that brings views up to date until it is killed; run by the kill tests."""

import random
import sys
from pathlib import Path

from sqlalchemy import create_engine

from verbund import sqlite
from verbund.codec import AvroCodec
from verbund.event_log.sqlite import SqliteEventLog
from verbund.projection.runner import Runner
from verbund.views import all_views
from verbund.views.tripwire import TripwireView


def main(log_path: str, database: str, batch: str) -> None:
    log = SqliteEventLog(log_path, codec=AvroCodec())
    engine = create_engine(database) if "://" in database else sqlite.engine(Path(database))
    runner = Runner([*all_views(), TripwireView()], log=log, engine=engine, batch=int(batch))
    runner.start()
    print("ready", flush=True)
    runner.catch_up()
    print("done", random.random(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
