"""Read models made again from the log: `python -m bench.rebuild [--events 100k] [--logs sqlite,kafka] [--databases ...]`.

The same history (five districts: offers published, revised, missed, seen again, withdrawn; organisations, contacts,
rejects, runs) lies in a SQLite log and in Kafka. From each, `offers` with all its tables, and then all views together
with one decode, are made into SQLite and into PostgreSQL; search has its own index. Each in a new process and an empty
database. Before a figure counts, all databases must have the same rows, by digest, and as many as the history says.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine

from bench import histories, measuring, servers
from bench.measuring import check, said
from verbund import sqlite
from verbund.codec import AvroCodec
from verbund.event_log import EventLog
from verbund.event_log.opening import open_log
from verbund.projection.digest import digest
from verbund.projection.rebuild import rebuild
from verbund.projection.runner import Runner
from verbund.views import all_views
from verbund.views.offers import OffersView
from verbund.views.search import Horizon, SearchIndex, SearchProjection, SearchQuery, SearchWriter

APPEND_AT_ONCE = 2000
# The slowest an event may be before a run is given up.
SLOWEST_EVENT_S = 0.01
HORIZON = Horizon(date(2026, 1, 1), date(2027, 12, 31))
DAY = date(2026, 9, 1)


# --- the child: one rebuild -------------------------------------------------------------------------------------------


def child(what: str, url: str, target: str) -> None:
    """Make `what` (offers, all, search) from the log into the target, and say how long it took and what came of it."""
    log = open_log(url, codec=AvroCodec())
    log.end()
    measuring.await_order()
    watch = measuring.Stopwatch()
    if what == "search":
        events = _search(log, Path(target))
    else:
        engine = _engine(target)
        events = _views(what, log, engine)
    measuring.tell(**watch.stop(), events=events)
    sys.stdin.readline()  # memory is looked at before what follows adds to it
    measuring.tell(**(_found(Path(target)) if what == "search" else _digests(what, engine)))
    log.close()


def _views(what: str, log: EventLog, engine: Engine) -> int:
    if what == "offers":
        return rebuild(OffersView(), log=log, engine=engine).events
    done = Runner(all_views(), log=log, engine=engine).catch_up()
    check(not any(done.parked.values()), f"events were parked: {done.parked}")
    return done.events


def _search(log: EventLog, folder: Path) -> int:
    writer = SearchWriter(folder, horizon=HORIZON)
    events = SearchProjection(log, writer).rebuild()
    writer.close()
    return events


def _digests(what: str, engine: Engine) -> dict[str, Any]:
    found = {}
    with engine.connect() as tx:
        for view in [OffersView()] if what == "offers" else all_views():
            made = digest(view, tx)
            found[view.name] = [made.rows, made.digest]
    engine.dispose()
    return found


def _found(folder: Path) -> dict[str, Any]:
    index = SearchIndex(folder)
    answer = index.search(SearchQuery(today=DAY, past=True, limit=1))
    index.close()
    return {"search": [answer.total, json.dumps(dict(answer.facets), sort_keys=True)]}


def _engine(target: str) -> Engine:
    return create_engine(target) if target.startswith("postgresql") else sqlite.engine(Path(target))


# --- the parent -------------------------------------------------------------------------------------------------------


def fill(urls: dict[str, str], events: int) -> dict[str, int]:
    """Append one history to every log; the number of live and missed offers and of all that were ever published."""
    logs = {name: open_log(url, codec=AvroCodec()) for name, url in urls.items()}
    state: dict[str, str] = {}
    history = histories.whole_history(events)
    while page := list(itertools.islice(history, APPEND_AT_ONCE)):
        by_topic: dict[str, list[Any]] = {}
        for topic, event in page:
            by_topic.setdefault(topic, []).append(event)
            if event.type.startswith("Offer"):
                state[event.subject] = event.type
        for log in logs.values():
            for topic, some in by_topic.items():
                log.append(topic, some)
    for log in logs.values():
        log.close()
    withdrawn = sum(kind == "OfferWithdrawn" for kind in state.values())
    return {"offers": len(state), "search": len(state) - withdrawn}


def measure(what: str, url: str, target: str, events: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """One rebuild in a process of its own: figures, and what came of it."""
    within_s = 60 + events * SLOWEST_EVENT_S
    with measuring.process(what, "-m", "bench.rebuild", "--child", what, url, target) as one:
        one.answer(within_s=60)
        one.say("go")
        done = one.answer(within_s=within_s)
        figures = one.figures()
        one.say("and")
        found = one.answer(within_s=within_s)
    return {
        "events": done["events"],
        "events_per_s": round(done["events"] / done["seconds"]),
        "seconds": round(done["seconds"], 2),
        "cpu_us_an_event": round(done["cpu_s"] / done["events"] * 1e6, 1),
        "peak_rss_mib": figures["peak_rss_mib"],
        "peak_private_mib": figures["peak_private_mib"],
    }, found


def compare(
    urls: dict[str, str], postgres: Any, folder: Path, events: int
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Every log into every database, and the rows of each view; raises when two of them differ."""
    results: list[dict[str, Any]] = []
    known: dict[tuple[str, str], Any] = {}  # rows hold append times, so each log has digests of its own
    for what, log in itertools.product(("offers", "all", "search"), urls):
        for target in ("index",) if what == "search" else ("sqlite", "postgres") if postgres else ("sqlite",):
            with _target(target, postgres, folder, f"{what}-{log}") as place:
                figures, found = measure(what, urls[log], place, events)
            results.append({"what": what, "log": log, "into": target, **figures})
            said(
                f"{what} from {log} into {target}: {figures['events_per_s']} events/s, {figures['cpu_us_an_event']} us"
            )
            for view, made in found.items():
                same = known.setdefault((log, view), made)
                check(made == same, f"{view} from {log} into {target} has {made}, another has {same}")
    rows = {view: made[0] for (_, view), made in known.items()}
    check(all(made[0] == rows[view] for (_, view), made in known.items()), f"the logs differ in rows: {known}")
    return results, rows


@contextmanager
def _target(kind: str, postgres: Any, folder: Path, name: str) -> Iterator[str]:
    if kind != "postgres":
        yield str(folder / f"{name}.{kind}")
        return
    database = postgres.new_database()
    try:
        yield postgres.url(database)
    finally:
        postgres.drop_database(database)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
        return
    parser = measuring.arguments(__doc__)
    parser.add_argument("--events", default="100k")
    parser.add_argument("--logs", default="sqlite,kafka")
    parser.add_argument("--databases", default="sqlite,postgres")
    wishes = parser.parse_args()
    events = measuring.sizes(wishes.events)[0]
    with_kafka, with_postgres = "kafka" in wishes.logs, "postgres" in wishes.databases
    with (
        measuring.folder("rebuild") as folder,
        servers.kafka() if with_kafka else nullcontext() as kafka,
        servers.postgres() if with_postgres else nullcontext() as postgres,
    ):
        urls = {"sqlite": f"sqlite:///{folder / 'log.db'}"} if "sqlite" in wishes.logs else {}
        if kafka is not None:
            urls["kafka"] = f"kafka://{kafka.bootstrap}/{kafka.prefix()}"
        said(f"filling {' and '.join(urls)} with {events} events")
        expected = fill(urls, events)
        results, rows = compare(urls, postgres, folder, events)
        for view, number in expected.items():
            check(rows[view] == number, f"{view} has {rows[view]} rows, not {number}")
    document = {"events": events, "rows": rows, "results": results}
    measuring.publish("rebuild", {**document, "postgres": servers.DURABLE})


if __name__ == "__main__":
    main()
