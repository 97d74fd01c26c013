"""What alerts are made of: plain data that go into the outbox and come out of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["degraded", "held", "new_hold", "hold_grew", "hold_reminder", "recovered"]

#: In this order people read them.
KINDS: Final[tuple[Kind, ...]] = ("new_hold", "held", "hold_grew", "hold_reminder", "degraded", "recovered")


class Holds(Protocol):
    """Whoever knows the open holds."""

    def open_holds(self) -> Sequence[Mapping[str, Any]]:
        """`hold_id, source, district, guard, count, counts, examples, message{de, en}, opened_at, expires_at` of each."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNow:
    """One source as it is now; `because` are the codes behind the word."""

    source: str
    district: str
    title: str
    word: str
    because: tuple[str, ...] = ()
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything that alerts are decided on, at one moment."""

    sources: tuple[SourceNow, ...] = ()
    holds: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldTold:
    """What was said of a hold: with how many records, and how many of its reminders are behind us."""

    count: int
    reminders: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What people were told last.

    Attributes:
        words: sources that they know to be `degraded` or `held`.
        let_through_at: when the last alert was sent although it was a quiet time.
        weekly_at: when the last summary was made; None: never, and the first waits for its day.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    holds: Mapping[str, HoldTold] = field(default_factory=dict)
    let_through_at: datetime | None = None
    weekly_at: datetime | None = None

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "words": dict(self.words),
            "holds": {hold_id: asdict(told) for hold_id, told in self.holds.items()},
            "let_through_at": self.let_through_at.isoformat() if self.let_through_at else None,
            "weekly_at": self.weekly_at.isoformat() if self.weekly_at else None,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Told:
        """The other way round."""
        return cls(
            words=document["words"],
            holds={hold_id: HoldTold(**told) for hold_id, told in document["holds"].items()},
            let_through_at=_instant(document["let_through_at"]),
            weekly_at=_instant(document["weekly_at"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing to say of one source; `hold` is what `Holds` said of it, for those about a hold."""

    kind: Kind
    source: str
    district: str
    title: str
    word: str
    because: tuple[str, ...] = ()
    hold: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekOfSource:
    """What a week brought for one source: runs by outcome, and the sums of their counts."""

    source: str
    title: str
    word: str
    because: tuple[str, ...] = ()
    runs: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    live: int = 0
    rejects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: what a look found, or a week.

    Attributes:
        message_id: the same for every channel and every attempt.
        kind: `alert`, `weekly` or `test`.
    """

    message_id: str
    kind: Literal["alert", "weekly", "test"]
    made_at: datetime
    items: tuple[Item, ...] = ()
    week: tuple[WeekOfSource, ...] = ()
    holds: tuple[Mapping[str, Any], ...] = ()

    def document(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {**asdict(self), "made_at": self.made_at.isoformat()}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Message:
        """The other way round."""
        return cls(
            message_id=document["message_id"],
            kind=document["kind"],
            made_at=datetime.fromisoformat(document["made_at"]),
            items=tuple(Item(**{**item, "because": tuple(item["because"])}) for item in document["items"]),
            week=tuple(WeekOfSource(**{**one, "because": tuple(one["because"])}) for one in document["week"]),
            holds=tuple(document["holds"]),
        )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
