"""Verbund itself: ingest on a SQLite log, the real connectors, recorded answers, a clock that the story moves."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import orjson

from tests.faults.corpus.person import Person
from tests.faults.corpus.story import BEGINNING, Reply, Step
from verbund.codec import AvroCodec
from verbund.errors import VerbundError
from verbund.event_log.sqlite import SqliteEventLog
from verbund.fetch import Fetched, problems
from verbund.ingest.rooms import Rooms
from verbund.ingest.service import Ingest
from verbund.ingest.source_file import SourceFile
from verbund.ingest.source_loading import load_source
from verbund.testing.archive import MemoryArchive
from verbund.testing.keys import MemoryKeyStore
from verbund_connectors.integreat import Integreat
from verbund_connectors.rpde import Rpde
from verbund_connectors.table import Table

CONNECTORS: dict[str, Any] = {"integreat": Integreat, "rpde": Rpde, "table": Table}
DISTRICT = "05954"
_codec = cache(AvroCodec)  # every hub of the corpus may share one


class RecordedFetch:
    """`Fetch` that answers from the step of the story; who knows a body's tag already gets 304."""

    def __init__(self) -> None:
        self.step: Step | None = None

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        timeout_s: float | None = None,
        expects: tuple[int, ...] = (200,),
    ) -> Fetched:
        assert self.step is not None
        answer = self.step.serve(url)
        if isinstance(answer, VerbundError):
            raise answer
        return _fetched(url, answer, at=self.step.at, known=etag, expects=expects)


def _fetched(url: str, answer: Reply, *, at: datetime, known: str | None, expects: tuple[int, ...]) -> Fetched:
    if answer.status not in expects:
        wait = answer.headers.get("retry-after")
        if wait is not None:
            raise problems.rate_limited(url, answer.status, float(wait), now=at)
        raise problems.of_status(url, answer.status)
    digest = hashlib.sha256(answer.body).hexdigest()
    tag = f'"{digest[:32]}"' if answer.status == 200 else None
    if tag is not None and tag == known:
        return Fetched(
            url=answer.url or url,
            status=304,
            headers={},
            body=io.BytesIO(),
            digest="",
            size=0,
            not_modified=True,
            etag=tag,
        )
    return Fetched(
        url=answer.url or url,
        status=answer.status,
        headers=answer.headers,
        body=io.BytesIO(answer.body),
        digest=digest,
        size=len(answer.body),
        etag=tag,
    )


class Verbund:
    """The real thing, and a person who answers its holds.

    Attributes:
        live: record keys of offers that are shown (missed ones are).
        shown: German title and description by record key, of those that have them.
        runs: the report of each run.
    """

    name: ClassVar[str] = "Verbund"
    grace: ClassVar[timedelta] = timedelta(hours=24)

    def __init__(self, folder: Path, source: str = "fault-corpus") -> None:
        self._folder = folder
        self._source = source
        self._now: datetime = BEGINNING
        self._log = SqliteEventLog(folder / "log.db", codec=_codec())
        self._fetch = RecordedFetch()
        archive = MemoryArchive()
        self.ingest = Ingest(
            Rooms(
                log=self._log,
                memory=folder / "ingest.db",
                fetch=self._fetch,
                archive=archive,
                keys=MemoryKeyStore(),
                clock=lambda: self._now,
            )
        )
        self.person = Person(self._log, archive, DISTRICT, source)
        self.runs: list[dict[str, Any]] = []
        self._loaded: tuple[bytes, SourceFile] | None = None
        self._position = 0
        self._offers: dict[str, tuple[int, str, bool, tuple[str, str] | None]] = {}

    def take(self, step: Step) -> None:
        """One pull; then the person answers what is held, if anything is."""
        self._now, self._fetch.step = step.at, step
        path = self._folder / f"{self._source}.yaml"
        document = orjson.dumps({"source": self._source, "district": DISTRICT, **step.source})
        if self._loaded is None or self._loaded[0] != document:
            path.write_bytes(document)  # JSON is YAML
            self._loaded = document, load_source(path, connectors=CONNECTORS, environ={})
        self._lay_file(step)
        self.runs.append(self.ingest.apply(self._loaded[1]).document)
        self._read_log()
        if step.attended:
            self.person.answers(step)

    @property
    def live(self) -> set[str]:
        return {key for _, key, live, _ in self._offers.values() if live}

    @property
    def shown(self) -> dict[str, tuple[str, str]]:
        return {key: said for _, key, live, said in self._offers.values() if live and said}

    def close(self) -> None:
        """End the log."""
        self._log.close()

    def _lay_file(self, step: Step) -> None:
        name = step.source["with"].get("path")
        if name is None:
            return
        answer = step.serve(name)
        if isinstance(answer, Reply) and answer.status == 200:
            (self._folder / name).write_bytes(answer.body)
        else:
            (self._folder / name).unlink(missing_ok=True)

    def _read_log(self) -> None:
        """What any reader of the log makes of it: the greatest revision counts."""
        topic = f"inventory.{DISTRICT}"
        while page := self._log.read({topic: self._position}):
            self._position = page[-1].position + 1
            for recorded in page:
                if recorded.source == f"{DISTRICT}/{self._source}":
                    self._fold(recorded.type, recorded.subject, recorded.revision, recorded.data)

    def _fold(self, kind: str, subject: str, revision: int, data: dict[str, Any]) -> None:
        if not kind.startswith("Offer") or revision <= self._offers.get(subject, (0,))[0]:
            return
        _, key, live, said = self._offers.get(subject, (0, "", False, None))
        match kind:
            case "OfferPublished" | "OfferRevised":
                text = data["offer"]["texts"].get("de")  # what English says alone, the stories do not tell
                said = (text["title"], text["description_text"] or "") if text else None
                key, live = data["offer"]["record_key"], True
            case "OfferWithdrawn":
                live = False
            case "OfferRekeyed":
                key = data["record_key"]
            case _:
                pass  # missed or seen again: shown as it was
        self._offers[subject] = (revision, key, live, said)
