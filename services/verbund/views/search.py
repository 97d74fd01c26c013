"""Search over all offers: words, facets, radius, date window, order; exact counts.

`SearchIndex` reads, `SearchWriter` writes, `SearchProjection` follows the log; `SearchQuery` and `SearchAnswer` are
what is asked and answered. The index is a projection like any other: deletable, rebuilt from the log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import tantivy

from verbund.errors import UsageError, ViewUnavailableError
from verbund.views import search_folder
from verbund.views.search_filters import Filters, chosen_values, facet_wishes, filters_of, read_facet
from verbund.views.search_marks import Marker
from verbund.views.search_pages import Pages
from verbund.views.search_position import Position, read_position
from verbund.views.search_projection import SearchProjection
from verbund.views.search_query import MOST_HITS, Piece, SearchAnswer, SearchHit, SearchQuery, read_cursor
from verbund.views.search_schema import FACETS, VERSION, build_schema, open_index
from verbund.views.search_starts import Horizon, horizon_of, next_start
from verbund.views.search_words import words_of
from verbund.views.search_writer import SearchWriter

__all__ = [
    "FACETS",
    "VERSION",
    "Horizon",
    "Piece",
    "SearchAnswer",
    "SearchHit",
    "SearchIndex",
    "SearchProjection",
    "SearchQuery",
    "SearchWriter",
    "horizon_of",
    "next_start",
]

_THREADS = max(2, min(4, os.cpu_count() or 2))


class SearchIndex:
    """A reader of the index in a folder: any number of them, in any process, also while it is written.

    Each question sees the last commit. Threads may share one reader.
    """

    def __init__(self, folder: Path, *, neighbours: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self._folder = folder
        self._neighbours = neighbours
        self._schema = build_schema()
        self._lock = Lock()
        self._opened: tuple[str, int] | None = None
        self._index: tantivy.Index | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="search")

    def search(self, query: SearchQuery, *, facets: bool = True) -> SearchAnswer:
        """Find offers.

        Args:
            query: what to look for.
            facets: False: leave the facets out and be done sooner.

        Raises:
            UsageError: a limit, place or cursor that cannot be.
            ViewUnavailableError: there is no index yet, or it is of another version.
        """
        if not 1 <= query.limit <= MOST_HITS:
            raise UsageError("A page has 1 to {most} offers, not {limit}.", most=MOST_HITS, limit=query.limit)
        searcher = self._searcher()
        words = words_of(query.text, searcher)
        filters = filters_of(query, words, schema=self._schema, searcher=searcher, neighbours=self._neighbours)
        order = "changed" if query.order == "rank" and not words else query.order
        # Counting goes on in other threads, without Python's lock, while the hits are looked up and marked here.
        passes = self._start_counting(filters, searcher, facets=facets)
        hits, following = self._page(replace(query, order=order), filters, searcher, Marker(words))
        total, counts = self._counts(query, filters, searcher, passes)
        return SearchAnswer(
            total=total,
            hits=hits,
            facets=counts,
            next_cursor=following,
            corrected=tuple(word.typed for word in words if word.unknown),
        )

    def position(self) -> Position:
        """How far the served index has read the log.

        Raises:
            ViewUnavailableError: there is no index yet, or it is of another version.
        """
        return read_position(self._searcher())

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _page(
        self, query: SearchQuery, filters: Filters, searcher: tantivy.Searcher, marker: Marker
    ) -> tuple[tuple[SearchHit, ...], str | None]:
        pages = Pages(self._schema, searcher, filters, query.limit)
        cursor = read_cursor(query.cursor, query.order) if query.cursor else None
        if query.order == "rank":
            found, following = pages.by_rank(cursor)
        elif query.order == "changed":
            found, following = pages.by_change(cursor)
        else:
            first = (query.starts_from or query.today).toordinal()
            horizon = read_position(searcher).horizon.last
            last = min(query.starts_to or horizon, horizon).toordinal()
            found, following = pages.by_start(cursor, first, last)
        hits = []
        for value, address in found:
            key, card = pages.card(address)
            district, _, offer_id = key.partition("/")
            score = value if query.order == "rank" else 0.0
            hits.append(SearchHit(offer_id=offer_id, district=district, score=score, marks=marker.marks(card["texts"])))
        return tuple(hits), str(following) if following else None

    def _start_counting(
        self, filters: Filters, searcher: tantivy.Searcher, *, facets: bool
    ) -> dict[str, Future[dict[str, Any]]]:
        """One pass for the total and all facets without a filter, one more for each that has one, by its name."""
        common = [name for name in FACETS if name not in filters.own] if facets else []
        wishes = {"total": {"value_count": {"field": "tie"}}, **facet_wishes(common)}
        passes = {"": self._threads.submit(searcher.aggregate, filters.query(), wishes)}
        for name in filters.own if facets else ():
            others = filters.query(without=name)
            passes[name] = self._threads.submit(searcher.aggregate, others, facet_wishes([name]))
        return passes

    def _counts(
        self,
        query: SearchQuery,
        filters: Filters,
        searcher: tantivy.Searcher,
        passes: Mapping[str, Future[dict[str, Any]]],
    ) -> tuple[int, dict[str, tuple[tuple[str, int], ...]]]:
        """The total, and the facets in their order."""
        chosen = chosen_values(query, self._neighbours)
        answers = passes[""].result()
        own = {name: counting.result()[name] for name, counting in passes.items() if name}
        counts = {
            name: read_facet(name, answer, chosen[name], searcher, filters.query(without=name))
            for name in FACETS
            if (answer := own.get(name) or answers.get(name))
        }
        return int(answers["total"]["value"]), counts

    def _searcher(self) -> tantivy.Searcher:
        """The last commit of the generation that is served."""
        with self._lock:
            try:
                return self._opened_searcher()
            except FileNotFoundError:
                # A new generation took the place of the old one between two steps.
                return self._opened_searcher()

    def _opened_searcher(self) -> tantivy.Searcher:
        generation = search_folder.current(self._folder)
        if generation is None:
            raise ViewUnavailableError("The search index is not built yet. It fills as soon as the log is read.")
        stamp = search_folder.stamp(self._folder, generation)
        if self._index is None or self._opened is None or self._opened[0] != generation:
            self._index = open_index(str(self._folder / generation), create=False)
            if read_position(self._index.searcher()).version != VERSION:
                self._index = None
                raise ViewUnavailableError("The search index is of another version; it is being built anew.")
        elif self._opened[1] != stamp:
            self._index.reload()
        self._opened = (generation, stamp)
        return self._index.searcher()
