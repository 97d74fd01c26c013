"""What the jail costs: the same feed read and mapped with it and without, and another source beside one that spins.

`python -m bench.jail [--sizes 20,10000] [--rounds 3]`; one JSON object. "Without" is this process alone, which nobody
should run; with it, children read and map beside this process's SQL.
"""

from __future__ import annotations

import hashlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench import feeds, measuring
from tests.jail.probe import Probe, ProbeSettings
from verbund.bootstrap import Connectors
from verbund.collecting import quiet_collector
from verbund.fetch import Fetched
from verbund.ingest import staging
from verbund.ingest.cache import KnownRequest, SourceCache
from verbund.ingest.jail import Allowance, Cell, Jail, ParserLostError
from verbund.ingest.mapping import MappingTask, RawRecord, RecordMapper, Staged
from verbund.ingest.pull import Pull
from verbund.ingest.rooms import opened
from verbund.ingest.source_loading import load_source
from verbund_connectors.kit import Connector, Item, Request, Response, SourceContext

BASE = "http://feed.example"
YEAR = 2026
LATELY = "2026-11-24T08:00:00Z"


class _Open:
    """Reads and maps here, as a cell does in its children."""

    def __init__(self, connector: Connector, task: MappingTask) -> None:
        self._connector = connector
        self._mapper = RecordMapper(task)

    def read(self, response: Response) -> Iterator[Any]:
        for output in self._connector.read(response):
            yield [output] if isinstance(output, Item) else output

    def map(self, batches: Iterator[list[RawRecord]], *, children: int = 1) -> Iterator[Staged]:  # noqa: ARG002 - as a cell
        return map(self._mapper.map, batches)

    def close(self) -> None:
        """Nothing to end."""


class _Files:
    """Answers from a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, request: Request, known: KnownRequest | None) -> Fetched:  # noqa: ARG002 - nothing is known here
        path = self._folder / str(request.url).removeprefix(BASE).partition("?")[0].strip("/")
        path = path / "index.json" if path.is_dir() else path
        body = path.open("rb")
        digest = hashlib.file_digest(body, "sha256").hexdigest()
        body.seek(0)
        return Fetched(url=str(request.url), status=200, headers={}, body=body, digest=digest, size=path.stat().st_size)


class _NoArchive:
    def put(self, _body: Any, *, digest: str) -> str:
        return digest


@dataclass(frozen=True, slots=True)
class _Rooms:
    memory: Path


@dataclass(frozen=True, slots=True)
class Took:
    """One pull: seconds of the clock, processor seconds of all processes and of this thread, records."""

    wall_s: float
    cpu_s: float
    thread_s: float
    records: int


def pulled(connector: str, folder: Path, jail: Jail | None) -> Took:
    """Read and map a feed from a folder."""
    with tempfile.TemporaryDirectory() as own:
        file = Path(own) / "source.yaml"
        file.write_text(feeds.source_file(connector, BASE, contacts="functions"), encoding="utf-8")
        source = load_source(file, connectors=Connectors(), environ={})
        context = SourceContext(source=source.source, district=source.district, contacts=source.contacts)
        task = MappingTask(
            connector=source.connector_class, settings=source.settings, context=context, secret=bytes(32), year=YEAR
        )
        with opened(_Rooms(Path(own) / "ingest.db")) as db, quiet_collector():  # type: ignore[arg-type]
            cache = SourceCache(db, source.source)
            began, cpu, thread = time.perf_counter(), _cpu_s(), time.thread_time()
            made = source.connector_class(source.settings, context)
            cell: Any = _Open(made, task) if jail is None else Cell(jail, task)
            Pull(
                made, reader="1", cache=cache, db=db, answers=_Files(folder), archive=_NoArchive(), read=cell.read,  # type: ignore[arg-type]
                reject_id=str, at=LATELY, progress=_quiet,
            ).run()  # fmt: skip
            records = staging.stage(db, cache, cell, source=source.source, progress=_quiet)
            cell.close()
            return Took(time.perf_counter() - began, _cpu_s() - cpu, time.thread_time() - thread, records)


def _quiet(_stage: str, _done: int, _total: int | None) -> None:
    return


def _cpu_s() -> float:
    """Processor seconds of this process and of all below it, those that have ended too."""
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def compared(connector: str, size: int, rounds: int, jail: Jail) -> dict[str, Any]:
    """Medians with and without, taken in turn."""
    with tempfile.TemporaryDirectory() as folder:
        feeds.write(connector, size, Path(folder) / "feed", base=BASE)
        feed = Path(folder) / "feed" / feeds.FIRST_EDITION
        pulled(connector, feed, None)
        with_it, without = [], []
        for _ in range(rounds):
            without.append(pulled(connector, feed, None))
            with_it.append(pulled(connector, feed, jail))
    figures: dict[str, Any] = {"connector": connector, "records": with_it[0].records}
    for name, took in (("without", without), ("jailed", with_it)):
        figures[f"{name}_s"] = round(statistics.median(each.wall_s for each in took), 3)
        figures[f"{name}_cpu_s"] = round(statistics.median(each.cpu_s for each in took), 3)
    figures["slower_by"] = round(figures["jailed_s"] / figures["without_s"] - 1, 3)
    return figures


def beside_a_spinning_one(size: int, rounds: int, jail: Jail) -> dict[str, Any]:
    """What a pull costs this process alone, and while the parser of another source spins without end."""
    with tempfile.TemporaryDirectory() as folder:
        feeds.write("table", size, Path(folder) / "feed", base=BASE)
        feed = Path(folder) / "feed" / feeds.FIRST_EDITION
        alone = [pulled("table", feed, jail) for _ in range(rounds)]
        over = threading.Event()
        spinning = threading.Thread(target=_spin, args=(jail, over))
        spinning.start()
        beside = [pulled("table", feed, jail) for _ in range(rounds)]
        over.set()
        spinning.join()
    return {
        "records": size,
        "alone_thread_s": round(statistics.median(each.thread_s for each in alone), 3),
        "beside_thread_s": round(statistics.median(each.thread_s for each in beside), 3),
        "alone_wall_s": round(statistics.median(each.wall_s for each in alone), 3),
        "beside_wall_s": round(statistics.median(each.wall_s for each in beside), 3),
    }


class _OverError(Exception):
    """The measurement is over."""


def _spin(jail: Jail, over: threading.Event) -> None:
    """A source whose parser never ends, again and again."""
    url = f"{BASE}/a"
    task = MappingTask(
        connector=Probe, settings=ProbeSettings(url=BASE), context=SourceContext(source="spin", district="05954"),
        secret=bytes(32), year=YEAR,
    )  # fmt: skip

    def look() -> None:
        if over.is_set():
            raise _OverError

    while not over.is_set():
        with (
            Cell(jail, task, allowance=Allowance(cpu_s=3600, silence_s=60), tick=look) as cell,
            tempfile.TemporaryFile() as body,
        ):
            body.write(b"spin")
            body.flush()
            response = Response(
                request=Request(part="a", url=url), url=url, status=200, headers={}, body=body, digest=""
            )
            try:
                list(cell.read(response))
            except (ParserLostError, _OverError):
                continue


def main() -> int:
    parser = measuring.arguments(__doc__)
    parser.add_argument("--sizes", default="20,10000")
    parser.add_argument("--rounds", type=int, default=3)
    wishes = parser.parse_args()
    with Jail() as jail:
        began = time.perf_counter()
        jail.bury(jail.child())
        first_s = time.perf_counter() - began
        began = time.perf_counter()
        jail.bury(jail.child())
        next_s = time.perf_counter() - began
        found: dict[str, Any] = {"first_child_s": round(first_s, 3), "next_child_s": round(next_s, 4), "feeds": []}
        for size in map(int, wishes.sizes.split(",")):
            for connector in feeds.CONNECTORS:
                figures = compared(connector, size, wishes.rounds, jail)
                measuring.said(str(figures))
                found["feeds"].append(figures)
        found["beside"] = beside_a_spinning_one(5_000, wishes.rounds, jail)
    measuring.publish("jail", found, command=["python", "-m", "bench.jail", *sys.argv[1:]])
    return 0


if __name__ == "__main__":
    sys.exit(main())
