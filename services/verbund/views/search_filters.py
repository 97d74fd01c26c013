"""The filters of a question as queries, and the facets: exact counts, each facet without its own filter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import tantivy
from tantivy import FieldType, Occur, Query

from verbund.views.search_query import SearchQuery
from verbund.views.search_schema import BLOCKS, FACETS, SEPARATOR, start_field
from verbund.views.search_space import circle
from verbund.views.search_words import Word, in_titles, matching

# More different values or sets than tantivy hands out in one call are counted one by one.
_MOST_BUCKETS = 60_000

DAYS_IN_A_WEEK = 7

#: Of the sources only the most frequent are answered: there may be thousands.
MOST_SOURCES = 50


@dataclass(frozen=True, slots=True)
class Filters:
    """A question taken apart.

    Attributes:
        always: what counts for hits and every facet: words, place, time.
        never: what keeps offers out.
        own: the filter of each facet that has one.
        titles: what lifts hits without finding any.
    """

    schema: tantivy.Schema
    always: list[tuple[Occur, Query]]
    never: list[tuple[Occur, Query]]
    own: dict[str, Query]
    titles: list[tuple[Occur, Query]]

    def query(self, *, without: str | None = None, ranked: bool = False) -> Query:
        """Everything but one facet's own filter."""
        parts = [*self.always, *((Occur.Must, own) for name, own in self.own.items() if name != without)]
        if not parts:
            parts = [(Occur.Must, _unscored(_term(self.schema, "what", "offer")))]
        return Query.boolean_query([*parts, *self.never, *(self.titles if ranked else ())])


def filters_of(
    query: SearchQuery,
    words: Sequence[Word],
    *,
    schema: tantivy.Schema,
    searcher: tantivy.Searcher,
    neighbours: Mapping[str, Sequence[str]],
) -> Filters:
    """The filters of a question.

    Raises:
        UsageError: the place or the radius is none.
    """
    must: list[Query] = [matching(word, schema) for word in words]
    if query.organisations:
        must.append(_any_of(schema, "organisation", query.organisations))
    if query.starts_to:
        first = query.starts_from.toordinal() if query.starts_from else 0
        must.append(_unscored(taking_place(schema, first, query.starts_to.toordinal())))
    if query.near:
        within = Query.boolean_query([(Occur.Must, one) for one in must or [_term(schema, "what", "offer")]])
        must.append(_unscored(circle(schema, searcher, query.near, within=within)))
    # What is over is left out rather than what goes on put in: there is much less of it.
    over = max(0 if query.past else query.today.toordinal(), query.starts_from.toordinal() if query.starts_from else 0)
    never = [(Occur.MustNot, _range(schema, "ends", None, over - 1))] if over else []
    chosen = chosen_values(query, neighbours)
    own = {name: _own(schema, name, values) for name, values in chosen.items() if values}
    return Filters(schema, [(Occur.Must, one) for one in must], never, own, in_titles(words, schema))


def chosen_values(query: SearchQuery, neighbours: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """What was chosen in each facet."""
    districts = query.districts
    if query.with_neighbours:
        around = (other for district in query.districts for other in neighbours.get(district, ()))
        districts = tuple(dict.fromkeys((*districts, *around)))
    return {
        "district": districts,
        "kind": query.kinds,
        "category": query.categories,
        "level": query.levels,
        "target_group": query.target_groups,
        "language": query.languages,
        "free": query.free,
        "source": query.sources,
    }


def taking_place(schema: tantivy.Schema, first: int, last: int) -> Query:
    """Offers with a start between two days, or open on one of them; what was over before has to be left out beside."""
    opened = _range(schema, "open_from", None, last)
    return Query.boolean_query([(Occur.Should, starting(schema, first, last)), (Occur.Should, opened)])


def starting(schema: tantivy.Schema, first: int, last: int) -> Query:
    """Offers with a start between two days: whole blocks of days by their block, the rest by day; or every week."""
    parts: list[tuple[Occur, Query]] = [(Occur.Should, _weekly(schema, first, last))]
    gaps = [(first, last)]
    for block in sorted(BLOCKS, reverse=True):
        rest = []
        for low, high in gaps:
            first_block, last_block = -(-low // block), (high + 1) // block - 1
            if first_block > last_block:
                rest.append((low, high))
                continue
            parts.append((Occur.Should, _range(schema, start_field(block), first_block, last_block)))
            rest += [(low, first_block * block - 1), ((last_block + 1) * block, high)]
        gaps = [(low, high) for low, high in rest if low <= high]
    return Query.boolean_query(parts)


def _weekly(schema: tantivy.Schema, first: int, last: int) -> Query:
    """Offers of every week that have begun: in seven days each has a start, in fewer those of the right weekday."""
    begun = _range(schema, "weekly_from", None, last)
    if last - first >= DAYS_IN_A_WEEK - 1:
        return begun
    # Day 1 of the calendar was a Monday.
    weekdays = [str((day - 1) % DAYS_IN_A_WEEK) for day in range(first, last + 1)]
    return Query.boolean_query([(Occur.Must, begun), (Occur.Must, _any_of(schema, "weekday", weekdays))])


def facet_wishes(names: Sequence[str]) -> dict[str, Any]:
    """What to count, in tantivy's words."""
    return {
        name: {
            "terms": {
                "field": field_of(name),
                "size": MOST_SOURCES if name == "source" else _MOST_BUCKETS,
                "segment_size": _MOST_BUCKETS,
            }
        }
        for name in names
    }


def field_of(name: str) -> str:
    """The field that is counted."""
    return f"{name}_set" if FACETS[name] else name


def read_facet(
    name: str, answer: Mapping[str, Any], chosen: Sequence[str], searcher: tantivy.Searcher, query: Query
) -> tuple[tuple[str, int], ...]:
    """Values with their counts, most frequent first; a chosen value is there even when nothing has it."""
    if FACETS[name] and answer["sum_other_doc_count"]:
        counts = dict(searcher.terms_with_prefix(name, "", filter_query=query))
    elif FACETS[name]:
        counts = defaultdict(int)
        for bucket in answer["buckets"]:
            count = bucket["doc_count"]
            for value in bucket["key"].split(SEPARATOR):
                counts[value] += count
    else:
        counts = {bucket["key"]: bucket["doc_count"] for bucket in answer["buckets"]}
    counts.pop("", None)
    for value in chosen:
        counts.setdefault(value, 0)
    ordered = sorted(counts.items())
    ordered.sort(key=itemgetter(1), reverse=True)
    return tuple(ordered)


def _own(schema: tantivy.Schema, name: str, values: Sequence[str]) -> Query:
    if name != "level":
        return _any_of(schema, name, values)
    ways = [_term(schema, "sublevel" if "." in value else "level", value) for value in values]
    return _unscored(Query.boolean_query([(Occur.Should, way) for way in ways]))


def _any_of(schema: tantivy.Schema, name: str, values: Sequence[str]) -> Query:
    ways = [_term(schema, name, value) for value in values]
    return _unscored(ways[0] if len(ways) == 1 else Query.boolean_query([(Occur.Should, way) for way in ways]))


def _term(schema: tantivy.Schema, name: str, value: str) -> Query:
    return Query.term_query(schema, name, value, index_option="basic")


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def _range(schema: tantivy.Schema, name: str, low: int | None, high: int | None) -> Query:
    return Query.range_query(schema, name, FieldType.Integer, low, high, use_inverted_index=True)
