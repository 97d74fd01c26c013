"""The question and the answer of the search."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

import orjson

from verbund.errors import UsageError

Order: TypeAlias = Literal["rank", "start", "changed"]

#: A piece of text and whether it is what was looked for.
Piece: TypeAlias = tuple[str, bool]

#: The longest page; more is a job for the change feed.
MOST_HITS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What somebody looks for. Filters are joined by AND, the values of one filter by OR.

    Attributes:
        today: decides what is past; given by the caller.
        text: words that must all occur; the last one may be unfinished unless a space follows it; "a phrase".
        with_neighbours: the districts that border on `districts`, too.
        near: longitude, latitude, kilometres.
        starts_from, starts_to: days; offers that are open all the time match always.
        levels: of which one at least is taught: alpha, A1 ... C2, or half levels such as B1.2.
        categories: a category includes those below it.
        free: free, paid, unknown.
        past: past offers, too.
        order: rank: best match first, without text the last changed; start: next start; changed: last change.
        cursor: `next_cursor` of the page before.
    """

    today: date
    text: str = ""
    districts: tuple[str, ...] = ()
    with_neighbours: bool = False
    near: tuple[float, float, float] | None = None
    starts_from: date | None = None
    starts_to: date | None = None
    levels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    past: bool = False
    order: Order = "rank"
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """An offer that was found.

    Attributes:
        score: of the match; only good for comparing inside one answer.
        marks: `title` and `text` (the part around the first match), in pieces; empty without words.
    """

    offer_id: str
    district: str
    score: float
    marks: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """What was found.

    Attributes:
        total: exact number of offers found, on all pages.
        facets: for each filter its values with the exact number of offers that choosing it would give: all other
            filters apply, its own does not. Most frequent first.
        next_cursor: of the next page, or None.
        corrected: words that no offer has as they were typed, so that only those with one letter changed were found.
    """

    total: int
    hits: tuple[SearchHit, ...]
    facets: Mapping[str, tuple[tuple[str, int], ...]]
    next_cursor: str | None
    corrected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended.

    Attributes:
        order: of the list; a cursor of another order is refused.
        value: sort value of the last hit: its score, the day of its start, or the time of its change.
        key: of the last hit.
        seen: hits before the next page with the same sort value; by rank, all hits before it.
    """

    order: str
    value: float
    key: str
    seen: int

    def __str__(self) -> str:
        packed = orjson.dumps([self.order, self.value, self.key, self.seen])
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str, order: Order) -> Cursor:
    """The cursor that a page handed out.

    Raises:
        UsageError: it is none, or belongs to a list in another order.
    """
    try:
        name, value, key, seen = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        cursor = Cursor(str(name), float(value), str(key), int(seen))
    except (ValueError, TypeError, binascii.Error) as error:
        raise UsageError("The cursor cannot be read; ask for the first page again.") from error
    if cursor.order != order or cursor.seen < 0:
        raise UsageError("The cursor belongs to a list in another order; ask for the first page again.")
    return cursor
