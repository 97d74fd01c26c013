"""Fields and analysers of the search index.

One index holds documents of three kinds, told apart by `what`: offers that can be found; what has to be remembered of
other keys (names of organisations, withdrawn offers); and one reserved document with the positions.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import tantivy
from tantivy import Filter, Tokenizer

#: Raised when fields, analysers or their meaning change; an index of another version is built anew.
VERSION = 2

#: Key of the document that holds the positions; no subject can be called that, subjects are UUIDs.
POSITION_KEY = "verbund:position"

#: A day beyond all days, for offers without an end; fits the day numbers of the index.
FOREVER = date.max.toordinal()

#: Facets in the order of the answer. `many`: an offer has several values; its sorted set is one fast value
#: (`<name>_set`), since counting one value per offer is ten times as fast as counting several.
FACETS: dict[str, bool] = {
    "district": False,
    "kind": False,
    "category": True,
    "level": True,
    "target_group": True,
    "language": True,
    "free": False,
    "source": False,
}

#: Parts the values of a set.
SEPARATOR = "|"

#: Starts are indexed by day and by blocks of days, so that a window needs few terms whatever its length.
BLOCKS = (1, 7, 28)

#: Cells per degree: one cell is about 1.1 km high and 0.7 km wide in Germany.
CELLS_PER_DEGREE = 100

_LONGEST_WORD = 60
_MEMORY_OF_ANALYSED_WORDS = 50_000


def start_field(block: int) -> str:
    """The field of starts by blocks of so many days."""
    return f"starts_{block}"


def build_schema() -> tantivy.Schema:
    """The fields; see `views/search_document.py` for what goes in."""
    builder = tantivy.SchemaBuilder()

    def word(name: str, *, fast: bool = False, stored: bool = False) -> None:
        builder.add_text_field(name, stored=stored, fast=fast, tokenizer_name="raw", index_option="basic")

    word("key", stored=True)
    word("what")
    word("organisation")
    word("sublevel")
    for name, many in FACETS.items():
        word(name, fast=not many)
        if many:
            word(f"{name}_set", fast=True)
    for name in ("title_de", "title_xx"):
        builder.add_text_field(name, tokenizer_name=name[-2:], index_option="freq")
    for name in ("text_de", "text_xx"):
        builder.add_text_field(name, tokenizer_name=name[-2:], index_option="position")
    # German words as they stand: stems are no good for unfinished and misspelt words.
    builder.add_text_field("words_de", tokenizer_name="xx", index_option="basic")
    for block in BLOCKS:
        builder.add_integer_field(start_field(block), indexed=True)
    word("weekday")
    builder.add_integer_field("weekly_from", indexed=True)
    builder.add_integer_field("open_from", indexed=True)
    builder.add_integer_field("ends", indexed=True)
    builder.add_integer_field("cell", indexed=True)
    builder.add_integer_field("point", indexed=True, fast=True)
    builder.add_integer_field("changed", indexed=True, fast=True)
    builder.add_integer_field("tie", indexed=True, fast=True)
    builder.add_bytes_field("card", stored=True)
    return builder.build()


@lru_cache(maxsize=1)
def analysers() -> dict[str, tantivy.TextAnalyzer]:
    """By name. German is stemmed before it is folded: the stemmer knows ä, ö, ü, ß and their spellings ae, oe, ue."""

    def chain(*filters: Filter) -> tantivy.TextAnalyzer:
        builder = tantivy.TextAnalyzerBuilder(Tokenizer.simple())
        for one in (Filter.remove_long(_LONGEST_WORD), Filter.lowercase(), *filters):
            builder = builder.filter(one)
        return builder.build()

    return {"de": chain(Filter.stemmer("german"), Filter.ascii_fold()), "xx": chain(Filter.ascii_fold())}


@lru_cache(maxsize=_MEMORY_OF_ANALYSED_WORDS)
def term_of(word: str, analyser: str) -> str:
    """The term that a word is in the index; empty when nothing is left of it."""
    terms: list[str] = analysers()[analyser].analyze(word)
    return terms[0] if terms else ""


def open_index(folder: str, *, create: bool) -> tantivy.Index:
    """The index in a folder, its analysers registered (tantivy forgets them at each opening)."""
    index = tantivy.Index(build_schema(), folder) if create else tantivy.Index.open(folder)
    for name, analyser in analysers().items():
        index.register_tokenizer(name, analyser)
    return index
