"""A story: what truly exists at a made-up source, and what its feed delivers, night after night.

Truth and delivery are two things. A story says first what truly changes (`ends`, `begins`, `changes`), then how the
feed of the night looks (`night`), with or without faults. What a system may withdraw is measured against the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeAlias

from verbund.errors import VerbundError

BEGINNING = datetime(2026, 9, 7, 3, tzinfo=UTC)  # no change of clocks before late October
RECORDS = 40


@dataclass(frozen=True, slots=True)
class Record:
    """One offer of the source.

    Attributes:
        key: as Verbund names it: `event/7`, `place/7`, `s-7`, `A-7`.
        last_day: `YYYY-MM-DD` of an offer that is over by itself after it.
    """

    key: str
    title: str
    text: str
    last_day: str | None = None
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers.

    Attributes:
        url: where it came from when that is another address than the one asked.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None


Answer: TypeAlias = Reply | VerbundError
Serve: TypeAlias = Callable[[str], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong in one delivery, at one of three places.

    Attributes:
        records: in the source's own database, or the query over it.
        entries: in what is written: a list of JSON values or rows, by its name.
        wire: between there and here.
    """

    records: Callable[[list[Record]], list[Record]] | None = None
    entries: Callable[[str, list[Any]], list[Any]] | None = None
    wire: Callable[[Serve], Serve] | None = None


class Publisher(Protocol):
    """One kind of feed, written."""

    connector: str

    def keys(self, numbers: Sequence[int]) -> list[str]:
        """Record keys of new offers."""
        ...

    def settings(self) -> dict[str, Any]:
        """`with:` of the source file."""
        ...

    def deliver(self, records: Sequence[Record], faults: Sequence[Fault]) -> Serve:
        """The server of this night."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One delivery.

    Attributes:
        truth: what exists at the source now, by key.
        clean: what is delivered is the truth, whole.
        absent: keys whose absence this delivery shows to whoever reads it well.
        source: the source file in force, but for its name.
        serve: the server.
        attended: somebody looks at what is held.
    """

    at: datetime
    truth: Mapping[str, Record]
    clean: bool
    absent: frozenset[str]
    source: Mapping[str, Any]
    serve: Serve
    attended: bool = True


class Story:
    """Told by calling its methods in order."""

    def __init__(self, publisher: Publisher, *, records: int = RECORDS, **source: Any) -> None:
        self.publisher = publisher
        self.truth: dict[str, Record] = {}
        self.steps: list[Step] = []
        self.source: dict[str, Any] = {
            "connector": publisher.connector,
            "with": publisher.settings(),
            **source,
        }
        self._now = BEGINNING
        self._told = 0
        self._ever: set[str] = set()
        self.begins(records)

    # --- what truly happens --------------------------------------------------------------------------------------

    def begins(self, count: int, **fields: Any) -> list[str]:
        """New offers; returns their keys."""
        numbers = range(self._told + 1, self._told + count + 1)
        self._told += count
        for number, key in zip(numbers, self.publisher.keys(numbers), strict=True):
            self.truth[key] = Record(key, f"Deutschkurs für Fortgeschrittene {number}", _text(number), **fields)
        self._ever |= self.truth.keys()
        return list(self.truth)[-count:]

    def ends(self, which: int | Sequence[str]) -> list[str]:
        """Offers are over for good; a number takes the oldest ones."""
        keys = list(self.truth)[:which] if isinstance(which, int) else list(which)
        for key in keys:
            del self.truth[key]
        return keys

    def returns(self, records: Mapping[str, Record]) -> None:
        """Offers exist again, as they were."""
        self.truth.update(records)

    def changes(self, which: int | Sequence[str], **fields: Any) -> list[str]:
        """Offers say something else from now on: other titles, or the fields given."""
        keys = list(self.truth)[:which] if isinstance(which, int) else list(which)
        for key in keys:
            said = fields or {"title": f"{self.truth[key].title}, neu"}
            self.truth[key] = replace(self.truth[key], **said)
        return keys

    def renames(self, keys: Sequence[str], new_key: Callable[[str], str]) -> None:
        """The source numbers offers anew; they are the same offers."""
        self.truth = {
            (new_key(key) if key in keys else key): replace(record, key=new_key(key) if key in keys else key)
            for key, record in self.truth.items()
        }
        self._ever |= self.truth.keys()

    def edit(self, **settings: Any) -> None:
        """A person edits the source file; None takes a setting out."""
        given = {**self.source["with"], **settings}
        self.source = {**self.source, "with": {name: value for name, value in given.items() if value is not None}}

    # --- what is delivered ---------------------------------------------------------------------------------------

    def night(
        self,
        *faults: Fault,
        after: timedelta = timedelta(days=1),
        clean: bool | None = None,
        shows: Callable[[str], bool] | None = None,
        attended: bool = True,
    ) -> None:
        """A pull of the feed, with faults or without.

        Args:
            after: time since the pull before.
            clean: that it is the truth in spite of the faults named.
            shows: of which keys it proves the absence all the same.
            attended: that somebody looks at what is held.
        """
        self._now += after
        whole = not faults if clean is None else clean
        shown = shows or (lambda _key: whole)
        self.steps.append(
            Step(
                at=self._now,
                truth=dict(self.truth),
                clean=whole,
                absent=frozenset(key for key in self._ever - self.truth.keys() if shown(key)),
                source=self.source,
                serve=_remembered(self.publisher.deliver(list(self.truth.values()), faults)),
                attended=attended,
            )
        )

    def nights(self, count: int, *faults: Fault, **how: Any) -> None:
        """Several alike."""
        for _ in range(count):
            self.night(*faults, **how)

    def close(self) -> list[Step]:
        """All of it, and enough clean pulls at the end that every grace time known to us is over, udata's 7 days too."""
        self.nights(2)
        self.night(after=timedelta(days=8))
        return self.steps


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story with its name.

    Attributes:
        tolerates: why what is shown for a while may differ from the truth here: nothing in the delivery tells it.
    """

    name: str
    says: str
    feed: str
    publisher: Callable[[], Publisher]
    tell: Callable[[Story], None]
    source: Mapping[str, Any]
    tolerates: str = ""

    def steps(self) -> Iterator[Step]:
        """The deliveries, in order."""
        story = Story(self.publisher(), **self.source)
        self.tell(story)
        yield from story.close()


def _text(number: int) -> str:
    return f"Der Kurs Nummer {number} findet zweimal in der Woche statt; Anmeldung im Bürgerbüro für alle möglich."


def _remembered(serve: Serve) -> Serve:
    """Every system gets the very same answers."""
    given: dict[str, Answer] = {}

    def answer(url: str) -> Answer:
        if url not in given:
            given[url] = serve(url)
        return given[url]

    return answer
