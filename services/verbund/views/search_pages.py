"""One page of hits in one of the three orders, and where the next begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import tantivy
from tantivy import FieldType, Occur, Order, Query

from verbund.errors import UsageError
from verbund.views.search_document import stored_in
from verbund.views.search_filters import Filters, starting
from verbund.views.search_query import Cursor
from verbund.views.search_schema import BLOCKS, FOREVER

#: A hit: its sort value, its place in the index.
Hit: TypeAlias = tuple[float, tantivy.DocAddress]

#: By rank, deeper pages cost more the deeper they are; nobody reads that far.
DEEPEST = 10_000

# Hits before and after the place where a page ended that are looked through for its last hit: the index may have
# changed between two pages.
_OVERLAP = 20


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of one question over one state of the index."""

    schema: tantivy.Schema
    searcher: tantivy.Searcher
    filters: Filters
    limit: int

    def by_rank(self, cursor: Cursor | None) -> tuple[list[Hit], Cursor | None]:
        """Best match first.

        Raises:
            UsageError: the page lies too deep.
        """
        seen = cursor.seen if cursor else 0
        if seen > DEEPEST:
            raise UsageError("Only the first {most} offers are listed by rank; narrow the search.", most=DEEPEST)
        start = max(0, seen - _OVERLAP) if cursor else 0
        wanted = self.limit + 1 + (2 * _OVERLAP if cursor else 0)
        found = self._search(self.filters.query(ranked=True), limit=wanted, offset=start)
        skip = self._after(found, cursor, seen - start) if cursor else 0
        hits = found[skip : skip + self.limit]
        more = len(found) > skip + self.limit
        return hits, self._cursor("rank", hits, start + skip + len(hits)) if more else None

    def by_change(self, cursor: Cursor | None) -> tuple[list[Hit], Cursor | None]:
        """Last change first."""
        query, seen = self.filters.query(), 0
        if cursor:
            seen = cursor.seen
            before = Query.range_query(self.schema, "changed", FieldType.Integer, None, int(cursor.value))
            query = Query.boolean_query([(Occur.Must, query), (Occur.Must, before)])
        found = self._search(query, limit=self.limit + 1, offset=seen, field="changed", order=Order.Desc)
        hits = found[: self.limit]
        if len(found) <= self.limit:
            return hits, None
        last = hits[-1][0]
        equal = sum(1 for value, _ in hits if value == last)
        return hits, self._cursor("changed", hits, equal + (seen if cursor and cursor.value == last else 0))

    def by_start(self, cursor: Cursor | None, first: int, last: int) -> tuple[list[Hit], Cursor | None]:
        """Next start first; offers without a dated start between the two days come last."""
        hits: list[Hit] = []
        seen = cursor.seen if cursor else 0
        for day in self._days(int(cursor.value) if cursor else first, last):
            query = self._starting_on(day, first, last)
            found = self._search(query, limit=self.limit + 1 - len(hits), offset=seen, field="tie", order=Order.Asc)
            hits += [(float(day), address) for _, address in found]
            if len(hits) > self.limit:
                hits = hits[: self.limit]
                equal = sum(1 for value, _ in hits if value == hits[-1][0])
                before = cursor.seen if cursor and cursor.value == hits[-1][0] else 0
                return hits, self._cursor("start", hits, equal + before)
            seen = 0
        return hits, None

    def card(self, address: tantivy.DocAddress) -> tuple[str, dict[str, Any]]:
        """District and id, and the card of a hit."""
        key, stored = stored_in(self.searcher.doc(address))
        return key, stored["card"]

    def _search(
        self, query: Query, *, limit: int, offset: int = 0, field: str | None = None, order: Order = Order.Desc
    ) -> list[Hit]:
        found = self.searcher.search(query, limit, count=False, order_by_field=field, offset=offset, order=order)
        hits: list[Hit] = found.hits
        return hits

    def _after(self, found: list[Hit], cursor: Cursor, expected: int) -> int:
        """Where the hit that the cursor names ended; where it would be if it is gone."""
        for number in sorted(range(len(found)), key=lambda number: abs(number - expected + 1)):
            if abs(found[number][0] - cursor.value) < 1e-6 and self.card(found[number][1])[0] == cursor.key:
                return number + 1
        return expected

    def _cursor(self, order: str, hits: list[Hit], seen: int) -> Cursor:
        value, address = hits[-1]
        return Cursor(order, value, self.card(address)[0], seen)

    def _days(self, first: int, last: int) -> Iterator[int]:
        """Days on which some offer may start, ascending; blocks of days without any are passed over."""
        if first < FOREVER:
            yield from self._days_in(sorted(BLOCKS, reverse=True), first, last)
        yield FOREVER

    def _days_in(self, blocks: list[int], first: int, last: int) -> Iterator[int]:
        block, *smaller = blocks
        for number in range(first // block, last // block + 1):
            low, high = max(first, number * block), min(last, number * block + block - 1)
            inside = starting(self.schema, low, high)
            some = Query.boolean_query([(Occur.Must, self.filters.query()), (Occur.Must, inside)])
            if self.searcher.search(some, 1, count=False).hits:
                if smaller:
                    yield from self._days_in(smaller, low, high)
                else:
                    yield number

    def _starting_on(self, day: int, first: int, last: int) -> Query:
        """Offers whose first start since `first` is on the day; on FOREVER those without one until `last`."""
        parts = [(Occur.Must, self.filters.query())]
        if day < FOREVER:
            parts.append((Occur.Must, starting(self.schema, day, day)))
        earlier = last if day >= FOREVER else day - 1
        if earlier >= first:
            parts.append((Occur.MustNot, starting(self.schema, first, earlier)))
        return Query.boolean_query(parts)
