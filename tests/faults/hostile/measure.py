"""Every hostile feed through a whole pull, over real HTTP and in the jail: what came of it, and what it cost us."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import psutil

from tests.faults.hostile.case import Case
from tests.faults.hostile.cases import CASES
from verbund.archive.files import FileArchive
from verbund.bootstrap import Connectors
from verbund.codec import AvroCodec
from verbund.errors import SourceFileError
from verbund.event_log.sqlite import SqliteEventLog
from verbund.fetch import FetchSettings, HttpFetch
from verbund.ingest.rooms import Rooms
from verbund.ingest.service import Ingest
from verbund.ingest.source_loading import load_source
from verbund.testing.keys import MemoryKeyStore

DISTRICT = "05954"
CONNECTORS = Connectors()
# Slow sources are given up after this in the tests; the code is the same.
TIMEOUT_S = 2.0
REPOSITORY = Path(__file__).resolve().parents[3]
_LOADING = tuple(case for case in CASES if case.name in {"NUL bytes", "one name twice", "XLSX: members with ways out"})
_LINES = {
    "rpde": {"url": "{base}/feed"},
    "table": {"url": "{base}/feed"},
    "integreat": {"base_url": "{base}", "region": "kreis-beispiel"},
}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case.

    Attributes:
        outcomes: all typed outcomes, as `Case.outcome` writes them.
        taken: records that are offers now.
        unclean: what should not stand in any event and does.
        seconds: of the whole run.
        grown: resident memory of this process after all cases so far, less that before the first one, bytes.
    """

    case: Case
    outcomes: tuple[str, ...]
    taken: int
    titles: tuple[str, ...]
    unclean: tuple[str, ...]
    seconds: float
    grown: int

    @property
    def is_right(self) -> bool:
        """Whether it ended as it must."""
        wanted = self.case
        return (
            wanted.outcome in self.outcomes
            and (wanted.taken is None or wanted.taken == self.taken)
            and (wanted.titles is None or wanted.titles == self.titles)
            and not self.unclean
        )


@contextmanager
def hub(folder: Path) -> Iterator[tuple[Ingest, SqliteEventLog]]:
    """A hub of one machine that may fetch from loopback."""
    settings = FetchSettings(
        allow=(ip_network("127.0.0.0/8"),), per_host_interval_s=0, retry_after_limit_s=0, timeout_s=TIMEOUT_S
    )
    log = SqliteEventLog(folder / "log.db", codec=AvroCodec())
    with HttpFetch(settings) as fetch:
        yield (
            Ingest(
                Rooms(
                    log=log,
                    memory=folder / "ingest.db",
                    fetch=fetch,
                    archive=FileArchive(folder / "raw"),
                    keys=MemoryKeyStore(),
                    clock=lambda: datetime(2026, 11, 24, 8, tzinfo=UTC),
                )
            ),
            log,
        )


@contextmanager
def publisher() -> Iterator[Callable[[Case], str]]:
    """A process that serves one case after the other; tells where."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.hostile.serving"],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout
        is_first = True

        def serve(case: Case) -> str:
            nonlocal is_first
            asked.write(("" if is_first else "\n") + f"{CASES.index(case)}\n")
            asked.flush()
            is_first = False
            return told.readline().strip()

        try:
            yield serve
        finally:
            asked.close()


def run_all(folder: Path, cases: Sequence[Case] = CASES) -> Iterator[Result]:
    """One case after the other in one hub; the first runs twice, so that libraries are loaded when measuring begins."""
    with hub(folder) as (ingest, log), publisher() as serve:
        for case in _LOADING:
            _run(case, f"loading-{CASES.index(case)}", folder, ingest, log, 0, serve(case))
        before = psutil.Process().memory_info().rss
        for number, case in enumerate(cases):
            yield _run(case, f"hostile-{number}", folder, ingest, log, before, serve(case))


def _run(case: Case, source: str, folder: Path, ingest: Ingest, log: SqliteEventLog, before: int, url: str) -> Result:
    ends = log.end()
    began = time.monotonic()
    settings = {**_LINES[case.connector], **case.settings}
    document = {"source": source, "district": DISTRICT, "connector": case.connector, "licence": "CC0-1.0"}
    written = json.dumps({**document, "with": settings}).replace("{base}", url)
    path = folder / f"{source}.yaml"
    path.write_text(written, encoding="utf-8")
    try:
        report = ingest.apply(load_source(path, connectors=CONNECTORS, environ={}))
    except SourceFileError:
        outcomes: tuple[str, ...] = ("refused",)
    else:
        outcomes = _outcomes(report.document)
        if report.failure is not None:
            outcomes += (f"part {report.failure.error_code}",)
    offers, unclean = _looked_through(log, ends)
    return Result(
        case=case,
        outcomes=outcomes,
        taken=len(offers),
        titles=tuple(next(iter(offer["texts"].values()))["title"] for offer in offers),
        unclean=unclean,
        seconds=time.monotonic() - began,
        grown=psutil.Process().memory_info().rss - before,
    )


def _outcomes(document: dict[str, Any]) -> tuple[str, ...]:
    parts = document["completeness"]["parts"]
    reasons = [f"part {reason.partition(':')[0]}" for part in parts for reason in part["reasons"]]
    rules = [f"reject {reject['rule']}" for reject in document["rejects"]]
    whole = ["taken"] if document["completeness"]["state"] == "complete" and not rules else []
    return tuple(dict.fromkeys((*whole, *reasons, *rules)))


_INVISIBLE = frozenset("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff\ufffd")
_RUNS = ("<script", "javascript:", "onerror", "onload", "onclick", "<iframe", "<svg", "<math", "data:text")


def _looked_through(log: SqliteEventLog, ends: dict[str, int]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The offers appended since, and what in them should not be."""
    offers: list[dict[str, Any]] = []
    unclean: list[str] = []
    for topic, end in log.end().items():
        position = ends.get(topic, 0)
        while position < end:
            for event in log.read({topic: position}):
                position = event.position + 1
                if event.type == "OfferPublished":
                    offers.append(event.data["offer"])
                unclean += _unclean(event.data)
    return offers, tuple(dict.fromkeys(unclean))


def _unclean(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in {"reasons", "facts"}:
                yield from _unclean(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _unclean(inner)
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            yield "a number that is none"
    elif isinstance(value, str):
        if any(letter in _INVISIBLE or (letter < " " and letter not in "\n\t") for letter in value):
            yield f"invisible in {value[:30]!r}"
        if value.startswith("<") and any(word in value.lower() for word in _RUNS):
            yield f"runs: {value[:60]!r}"
        if len(value) > 21_000:
            yield f"{len(value)} characters"
