"""From a feed to offers that can be found: `python -m bench.feed_to_searchable [--sizes 10k,100k,1M]`.

A feed of made-up records lies on disk and is served by a process of its own. One process pulls it (fetch, archive,
cache, map, decide, append to a SQLite log), `verbund project` runs beside it and keeps all views and the search index
up to date. The clock runs from the order to pull until the index finds every offer; the district is known before.
Then the same source is pulled three times more: unchanged with an ETag (304), unchanged without one (the whole body
again), and unchanged records in other bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import feeds, measuring
from bench.feed_server import EDITION, ETAGS_OFF
from bench.measuring import BenchError, Process, check, said
from tests.servers.parts import free_ports
from verbund import sqlite
from verbund.bootstrap import now
from verbund.codec import AvroCodec
from verbund.errors import ViewUnavailableError
from verbund.event_log.opening import open_log
from verbund.fetch import FetchSettings
from verbund.projection.runner import Runner
from verbund.testing.builders import an_event
from verbund.views import all_views
from verbund.views.search import SearchIndex, SearchQuery

# The slowest that a record may be before a run is given up.
SLOWEST_RECORD_S = 0.02
# An Integreat region answers each list in one body; more places than this no region has.
MOST_OF_INTEGREAT = 10_000


@dataclass(frozen=True, slots=True)
class Scene:
    """One feed, one home."""

    folder: Path
    connector: str
    written: feeds.Written
    environ: dict[str, str]
    max_body: int

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def within_s(self) -> float:
        return 60 + self.written.records * SLOWEST_RECORD_S


def measure(connector: str, size: int, *, contacts: str) -> dict[str, Any]:
    """One feed of one size, from the first pull to the last unchanged one."""
    with measuring.folder("feed") as folder:
        port = free_ports(1)[0]
        said(f"{connector} {size}: writing the feed")
        base = f"http://127.0.0.1:{port}"
        written = feeds.write(connector, size, folder / "feed", base=base)
        (folder / "feed" / EDITION).write_text(feeds.FIRST_EDITION)
        source = feeds.source_file(connector, base, contacts=contacts)
        (folder / "source.yaml").write_text(source, encoding="utf-8")
        (folder / "home").mkdir()
        environ = {
            "VERBUND_HOME": str(folder / "home"),
            "VERBUND_FETCH_ALLOW": "127.0.0.0/8",
            "VERBUND_LOG_LEVEL": "warning",
        }
        scene = Scene(folder, connector, written, environ, max(FetchSettings().max_body, 2 * written.bytes))
        with measuring.process("feed server", "-m", "bench.feed_server", str(folder / "feed"), str(port)) as server:
            server.answer(within_s=30)
            return _pulls(scene, contacts)


def _pulls(scene: Scene, contacts: str) -> dict[str, Any]:
    first = _first(scene)
    feed = scene.folder / "feed"
    unchanged = {"etag": _unchanged(scene, first)}
    (feed / ETAGS_OFF).touch()
    unchanged["whole_body"] = _unchanged(scene, first)
    (feed / EDITION).write_text(feeds.SAME_IN_OTHER_BYTES)
    unchanged["other_bytes"] = _unchanged(scene, first)
    return {
        "connector": scene.connector,
        "records": scene.written.records,
        "contacts": contacts,
        "feed_mib": round(scene.written.bytes / measuring.MIB, 1),
        "first": first,
        "unchanged": unchanged,
    }


def _first(scene: Scene) -> dict[str, Any]:
    records = scene.written.records
    index = SearchIndex(scene.home / "search")
    everything = SearchQuery(today=now().date(), past=True, limit=1)

    def found() -> int:
        try:
            return index.search(everything, facets=False).total
        except ViewUnavailableError:
            return -1

    with measuring.process("project", "-m", "verbund", "project", environ=scene.environ) as project:
        topic = _open_topic(scene)
        measuring.wait_until(
            lambda: _alive(project) and found() == 0 and topic in index.position().next, what="the topic", within_s=60
        )
        with _ingest(scene) as ingest:
            said(f"{scene.connector} {records}: first pull")
            project.look()
            cpu_before = project.cpu_s
            began = time.perf_counter()
            ingest.say("go")
            run: dict[str, Any] = {}

            def searchable() -> bool:
                if not run and _alive(ingest) and ingest.answered:
                    run.update(ingest.answer(within_s=1))
                    _check_run(scene, run)
                return _alive(project) and found() >= records

            measuring.wait_until(searchable, what="all offers in the index", within_s=scene.within_s)
            searchable_s = time.perf_counter() - began
            run = run or ingest.answer(within_s=scene.within_s)
            events = _caught_up(scene)
            views_s = time.perf_counter() - began
            project.look()
            projected = {**project.figures(), "cpu_s": round(project.cpu_s - cpu_before, 2)}
            figures = {**ingest.figures(), "cpu_s": round(run["cpu_s"], 2)}
        _check_views(scene, index)
    index.close()
    return {
        "records_per_s": round(records / searchable_s),
        "searchable_s": round(searchable_s, 2),
        "ingest_s": round(run["seconds"], 2),
        "all_views_s": round(views_s, 2),
        "events": events,
        "cpu_us_a_record": round((run["cpu_s"] + projected["cpu_s"]) / records * 1e6),
        "ingest": figures,
        "project": projected,
    }


def _open_topic(scene: Scene) -> str:
    """One organisation of the district: a district that is new to the hub is only noticed after up to five seconds."""
    event = an_event("OrganisationPublished", district=feeds.CONNECTORS[scene.connector][0], source="bench-before")
    topic = f"inventory.{feeds.CONNECTORS[scene.connector][0]}"
    _with_log(scene, lambda log: log.append(topic, [event]))
    return topic


def _check_run(scene: Scene, run: dict[str, Any]) -> None:
    counts = run["counts"]
    check(run["outcome"] == "complete", f"the pull ended {run['outcome']}: {run['failure']}")
    check(counts["published"] == counts["delivered"] == scene.written.records, f"counts of the run: {counts}")


def _check_views(scene: Scene, index: SearchIndex) -> None:
    written = scene.written
    engine = sqlite.engine(scene.home / "views.db")
    with engine.connect() as tx:
        titles = [title for (title,) in tx.exec_driver_sql("SELECT title FROM offers WHERE state = 'live'")]
        ids = {title: set[str]() for title in written.sample}
        for title, offer_id in tx.exec_driver_sql("SELECT title, offer_id FROM offers"):
            if title in ids:
                ids[title].add(offer_id)
    engine.dispose()
    check(len(titles) == written.records, f"{len(titles)} offers in the table, {written.records} in the feed")
    check(sum(map(feeds.title_sum, titles)) == written.titles, "the titles in the table are not those of the feed")
    for title, wanted in ids.items():
        answer = index.search(SearchQuery(today=now().date(), text=title + " ", limit=100), facets=False)
        hits = {hit.offer_id for hit in answer.hits}
        check(bool(wanted & hits), f"{title!r} is not found by its own title")


def _unchanged(scene: Scene, first: dict[str, Any]) -> dict[str, Any]:
    before = _events(scene)
    with _ingest(scene) as ingest:
        ingest.say("go")
        run = ingest.answer(within_s=scene.within_s)
        figures = ingest.figures()
    appended = _events(scene) - before
    check(run["outcome"] == "complete", f"the unchanged pull ended {run['outcome']}: {run['failure']}")
    check(appended == 1, f"an unchanged pull appended {appended} events, not one")
    return {
        "seconds": round(run["seconds"], 2),
        "share_of_first": round(run["seconds"] / first["ingest_s"], 3) if first["ingest_s"] else None,
        "share_of_first_cpu": round(run["cpu_s"] / first["ingest"]["cpu_s"], 3) if first["ingest"]["cpu_s"] else None,
        "cpu_s": round(run["cpu_s"], 2),
        "events_appended": appended,
        "peak_rss_mib": figures["peak_rss_mib"],
    }


def _ingest(scene: Scene) -> _Ready:
    made = measuring.process(
        "ingest", "-m", "bench.ingesting", str(scene.folder / "source.yaml"), str(scene.max_body), environ=scene.environ
    )
    return _Ready(made)


class _Ready:
    """A process that has said that it is ready."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def __enter__(self) -> Process:
        child: Process = self._process.__enter__()
        child.answer(within_s=60)
        return child

    def __exit__(self, *why: object) -> None:
        self._process.__exit__(*why)


def _alive(process: Process) -> bool:
    if not process.running:
        raise BenchError(f"{process.name} ended:\n{process.errors()}")
    return True


def _with_log(scene: Scene, ask: Callable[[Any], Any]) -> Any:
    log = open_log(f"sqlite:///{scene.home / 'log.db'}", codec=AvroCodec())
    try:
        return ask(log)
    finally:
        log.close()


def _events(scene: Scene) -> int:
    return int(_with_log(scene, lambda log: sum(log.end().values())))


def _caught_up(scene: Scene) -> int:
    """Wait for the SQL views; the number of events in the log."""
    engine = sqlite.engine(scene.home / "views.db")

    def wait(log: Any) -> int:
        runner = Runner(all_views(), log=log, engine=engine)
        measuring.wait_until(
            lambda: not any(runner.lag().values()), what="the SQL views", within_s=scene.within_s, every_s=0.1
        )
        return sum(log.end().values())

    try:
        return int(_with_log(scene, wait))
    finally:
        engine.dispose()


def main() -> None:
    parser = measuring.arguments(__doc__)
    parser.add_argument("--sizes", default="10k,100k", help="records, by comma: 10k,100k,1M")
    parser.add_argument("--connectors", default="table,rpde,integreat", help="by comma")
    parser.add_argument("--contacts", default="functions", choices=["none", "functions", "names"])
    wishes = parser.parse_args()
    results = []
    for connector in wishes.connectors.split(","):
        for size in measuring.sizes(wishes.sizes):
            if connector != "integreat" or size <= MOST_OF_INTEGREAT:
                results.append(measure(connector, size, contacts=wishes.contacts))
                said(f"{connector} {size}: {results[-1]['first']['records_per_s']} records/s")
    measuring.publish("feed_to_searchable", {"pause_between_requests_s": 0, "results": results})


if __name__ == "__main__":
    main()
