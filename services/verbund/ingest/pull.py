"""Fetch and read: every request of the connector into the archive and the source cache."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import orjson
import structlog

from verbund import patience
from verbund.archive import Archive
from verbund.errors import BaseMovedError, RawGoneError, SourceError, SourceFileError
from verbund.fetch import Fetched
from verbund.ingest.answers import Answers, described
from verbund.ingest.cache import BATCH, KnownRequest, SourceCache
from verbund.ingest.folding import ABSENCE_SUSPENDED
from verbund.ingest.mapping import raised
from verbund_connectors.kit import (
    Broken,
    Connector,
    Cursor,
    Item,
    PartEnd,
    Request,
    Response,
    UnreadableError,
)

log = structlog.get_logger()

# A feed that goes on after this many answers in one pull goes in circles or needs `max_pages`.
MAX_REQUESTS = 10_000
# Things without a key that a person gets to see of one part; more are only counted.
MAX_LISTED_BROKEN = 1_000
# Bytes of what a body says beside its items that are kept for the next time.
MAX_KEPT_OUTPUTS = 1024 * 1024
# Lists of items that are stored together although they are few: they are large.
MAX_FRAMES = 8

Progress = Callable[[str, int, int | None], None]
#: What a body says beside its items.
Said: TypeAlias = Broken | Request | PartEnd | Cursor

# Worst first: what a part's several endings amount to.
_WORST = ("failed", "partial", "complete")


@dataclass(slots=True)
class PartState:
    """One part of a pull while it goes on.

    Attributes:
        open: requests of it that are not answered yet.
        suspended: things without a key that were delivered; while there are any, absence in this part does not count.
        twins: records that came as two different ones under one key; another one lost its own, so absence waits as well.
    """

    part: str
    ends: list[PartEnd] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    suspended: int = 0
    twins: int = 0

    @property
    def state(self) -> str:
        """complete, partial or failed; a part that nobody ended is failed."""
        states = {end.state for end in self.ends} | ({"failed"} if self.reasons or not self.ends else set())
        return next(state for state in _WORST if state in states)

    @property
    def covers(self) -> str:
        """All or changes."""
        return "all" if all(end.covers == "all" for end in self.ends) else "changes"

    @property
    def proves_absence(self) -> bool:
        """Whether what is absent here is gone."""
        return self.state == "complete" and self.covers == "all" and not self.suspended and not self.twins

    def report(self) -> dict[str, Any]:
        """The part as `PartReport` says it."""
        reasons = [*self.reasons, *(reason for end in self.ends for reason in end.reasons)]
        if not self.ends and not self.reasons:
            reasons.append("never_ended")
        if self.suspended:
            reasons.append(f"{ABSENCE_SUSPENDED}: {self.suspended} delivered without a usable key")
        if self.twins:
            reasons.append(f"{ABSENCE_SUSPENDED}: {self.twins} delivered twice under one key")
        scope = {k: v for end in self.ends for k, v in end.scope.items()}
        proof = {k: v for end in self.ends for k, v in end.proof.items()}
        return {
            "part": self.part,
            "state": self.state,
            "covers": self.covers,
            "scope": scope,
            "proof": proof,
            "reasons": reasons,
        }


@dataclass(slots=True)
class PullResult:
    """What a pull brought, beside what it left in the cache.

    Attributes:
        failure: the first error, when there was one: its code and facts stand in the run.
    """

    parts: dict[str, PartState] = field(default_factory=dict)
    cursors: dict[str, Any] = field(default_factory=dict)
    items: int = 0
    failure: SourceError | None = None

    def part(self, name: str) -> PartState:
        """The part of that name, made when it is new."""
        return self.parts.setdefault(name, PartState(name))

    @property
    def outcome(self) -> str:
        """Complete when every part is, failed when none brought anything, else partial."""
        states = {part.state for part in self.parts.values()}
        if states == {"complete"}:
            return "complete"
        return "failed" if states <= {"failed"} else "partial"

    @property
    def worst(self) -> str:
        """The worst part's state."""
        states = {part.state for part in self.parts.values()} or {"failed"}
        return next(state for state in _WORST if state in states)

    @property
    def proven(self) -> list[str]:
        """Parts in which absence counts."""
        return [name for name, part in self.parts.items() if part.proves_absence]


class Pull:
    """One pull of one source."""

    def __init__(
        self,
        connector: Connector,
        *,
        reader: str,
        cache: SourceCache,
        db: Any,
        answers: Answers,
        archive: Archive,
        read: Callable[[Response], Iterator[list[Item] | Said]],
        reject_id: Callable[[str], str],
        at: str,
        progress: Progress,
    ) -> None:
        self._connector = connector
        self._reader = reader
        self._cache = cache
        self._db = db
        self._anew = False
        self._answers = answers
        self._archive = archive
        self._read_body = read
        self._reject_id = reject_id
        self._at = at
        self._progress = progress
        self._result = PullResult()
        self._hosts: set[str | None] = set()

    def run(self, *, cursors: Mapping[str, Any] | None = None) -> PullResult:
        """Answer requests until none is left; every failure ends a part, never the others.

        Args:
            cursors: where to go on instead of where the last run ended.
        """
        known = self._cache.cursors()
        cursors = known if cursors is None else cursors
        self._anew = bool(known) and not cursors
        queue = deque(self._connector.begin(cursors))
        for request in queue:
            self._result.part(request.part)
            self._may_lead_to(request.url)
        answered = 0
        while queue:
            request = queue.popleft()
            part = self._result.part(request.part)
            if answered >= MAX_REQUESTS:
                part.reasons.append("too_many_requests")
                continue
            answered += 1
            try:
                queue.extend(self._answer(request))
            except SourceError as error:
                self._fail(part, _reason(error), error)
            except UnreadableError as error:
                self._fail(part, f"{error.reason}: {error.detail}" if error.detail else error.reason, None)
            except (SourceFileError, BaseMovedError, RawGoneError):
                raise
            except Exception as error:  # noqa: BLE001 — a connector's bug ends its part, never the service
                log.warning("connector_failed", part=request.part, error=raised(error))
                self._fail(part, f"connector_error: {type(error).__name__}", None)
            self._progress("fetch", answered, answered + len(queue))
        return self._result

    def _may_lead_to(self, url: str | None) -> None:
        if url is not None:
            self._hosts.add(urlsplit(url).hostname)

    def _fail(self, part: PartState, reason: str, error: SourceError | None) -> None:
        part.reasons.append(reason)
        if self._result.failure is None and error is not None:
            self._result.failure = error

    def _answer(self, request: Request) -> list[Request]:
        known = self._cache.known(request)
        if known is not None and (known.outputs is None or known.reader != self._reader):
            known = None
        with self._answers.get(request, known) as fetched:
            if known is not None and (fetched.not_modified or fetched.digest == known.digest):
                return self._replay(request, known)
            follow = self._read(request, fetched)
            self._cache.keep_answer(request, fetched.digest, described(fetched), at=self._at)
            return follow

    def read_again(self, answers: Iterable[tuple[Request, Fetched]]) -> PullResult:
        """Read kept answers in order instead of asking for any; what is absent from them is not gone."""
        for request, answer in answers:
            part = self._result.part(request.part)
            self._may_lead_to(request.url)
            with answer:
                try:
                    self._read(request, answer)
                except UnreadableError as error:
                    self._fail(part, f"{error.reason}: {error.detail}" if error.detail else error.reason, None)
        for part in self._result.parts.values():
            part.reasons.append("replayed")
        return self._result

    # --- an answer that is new -----------------------------------------------------------------------------------

    def _read(self, request: Request, fetched: Fetched) -> list[Request]:
        raw = self._archive.put(fetched.body, digest=fetched.digest)
        fetched.body.seek(0)
        number = self._cache.begin_request(request)
        self._may_lead_to(fetched.url)  # where a redirect led that `Fetch` has followed
        response = Response(
            request=request,
            url=fetched.url,
            status=fetched.status,
            headers=fetched.headers,
            body=fetched.body,
            digest=fetched.digest,
        )
        follow: list[Request] = []
        outputs = _Outputs()
        repeated = False
        batch: list[Item] = []
        frames = 0
        for output in self._read_body(response):
            if isinstance(output, list):
                batch += output
                frames += 1
                if len(batch) >= BATCH or frames >= MAX_FRAMES:
                    repeated |= self._store(batch, number, raw)
                    batch, frames = [], 0
                continue
            outputs.add(output)
            self._take(output, raw, follow)
        if batch:
            repeated |= self._store(batch, number, raw)
        self._cache.end_request(
            number,
            reader=self._reader,
            digest=fetched.digest,
            etag=fetched.etag,
            last_modified=fetched.last_modified,
            # Items that other answers hold too cannot be taken for seen by skipping this one.
            outputs=None if repeated else outputs.written,
        )
        return follow

    def _store(self, batch: list[Item], number: int, raw: str) -> bool:
        self._result.items += len(batch)
        self._progress("read", self._result.items, None)
        return self._cache.store(batch, number=number, raw=raw, anew=self._anew)

    def _take(self, output: Broken | Request | PartEnd | Cursor, raw: str, follow: list[Request]) -> None:
        match output:
            case Request():
                self._result.part(output.part)
                self._follow(output, follow)
            case PartEnd():
                self._result.part(output.part).ends.append(output)
            case Cursor():
                self._result.cursors[output.part] = output.value
            case Broken():
                part = self._result.part(output.part)
                part.suspended += 1
                if part.suspended > MAX_LISTED_BROKEN:
                    return
                key = f"?{output.part}/{output.place}"
                self._db.execute(
                    "INSERT OR REPLACE INTO scratch.broken VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        self._reject_id(key),
                        output.part,
                        key,
                        output.rule,
                        output.place,
                        orjson.dumps(output.value, default=str).decode(),
                        raw,
                    ),
                )

    def _follow(self, request: Request, follow: list[Request]) -> None:
        """A body leads on to where the source file led, and to nowhere else."""
        if len(follow) >= MAX_REQUESTS:
            self._result.part(request.part).reasons.append("too_many_requests")
        elif request.path is not None or urlsplit(request.url or "").hostname not in self._hosts:
            self._result.part(request.part).reasons.append("request_refused")
        else:
            follow.append(request)

    # --- an answer that is as before -----------------------------------------------------------------------------

    def _replay(self, request: Request, known: KnownRequest) -> list[Request]:
        self._result.items += self._cache.see_again(known.request)
        follow: list[Request] = []
        for output in _unpacked(known.outputs or b"[]"):
            self._take(output, known.digest, follow)
        self._progress("read", self._result.items, None)
        log.debug("answer_unchanged", part=request.part)
        return follow


def _reason(error: SourceError) -> str:
    """The code, or until when the source asked to be left alone."""
    resumes_at = error.facts.get("resumes_at")
    return patience.reason(resumes_at) if resumes_at else error.error_code


class _Outputs:
    """What a body said beside its items, as it is kept for the day the same answer comes again.

    Attributes:
        written: None when it was too much to keep; then the body is read again.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, output: Said) -> None:
        """One more, as long as there is room."""
        if self._size <= MAX_KEPT_OUTPUTS:
            self._pieces.append(orjson.dumps(_packed(output), default=dict))
            self._size += len(self._pieces[-1])

    @property
    def written(self) -> bytes | None:
        return None if self._size > MAX_KEPT_OUTPUTS else b"[%b]" % b",".join(self._pieces)


_KINDS: dict[str, Callable[..., Broken | Request | PartEnd | Cursor]] = {
    kind.__name__: kind for kind in (Broken, Request, PartEnd, Cursor)
}
_TUPLES = ("expects", "reasons")


def _packed(output: Broken | Request | PartEnd | Cursor) -> list[Any]:
    return [type(output).__name__, {name: getattr(output, name) for name in output.__dataclass_fields__}]


def _unpacked(outputs: bytes) -> Iterator[Broken | Request | PartEnd | Cursor]:
    for name, fields in orjson.loads(outputs):
        yield _KINDS[name](**{k: tuple(v) if k in _TUPLES else v for k, v in fields.items()})
