"""Words that people type, as a query: stemmed, folded, unfinished or misspelt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import tantivy
from tantivy import Occur, Query

from verbund.views.search_schema import term_of

#: A word that so many offers contain is taken as it is; a rarer one may be a typing error, so words that differ by
#: one letter count too, after the exact hits. Otherwise `Kurs` would find `Kurz` and spoil every count.
KNOWN_WORD = 20

#: Shorter words have too many neighbours at one letter's distance.
SHORTEST_TO_CORRECT = 4

#: Unfinished words shorter than this match too much to help.
SHORTEST_TO_COMPLETE = 3

#: Words that are looked at; more is a pasted text.
MOST_WORDS = 12

_TITLE_BOOST = 3.0
_UNFINISHED_SCORE = 0.02
_CORRECTED_SCORE = 0.001
_PREFIX_TERMS = 50

# Fields whose terms are words as they stand, only folded.
_AS_TYPED = ("words_de", "text_xx")

_TOKEN = re.compile(r'"([^"]+)"|([^\W_]+)')
_WORD = re.compile(r"[^\W_]+")

# Words that say nothing; dropped unless nothing else was typed.
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        "ab als am an auf aus bei beim bis das dem den der des die ein eine einem einen einer eines für fuer im in ins ist "
        "mit nach oder und vom von vor wo zu zum zur über ueber a and at for of on or the to with",
    )
)

# Spellings of umlauts for texts that are not German and so not stemmed by a stemmer that knows them.
_DIGRAPHS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"))


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or one phrase, as it is looked for.

    Attributes:
        german: its terms in German texts, several only for a phrase.
        other: its terms in other texts: each spelling of the word.
        beginning: folded beginning of an unfinished word, or empty.
        corrected: words that differ by one letter count too.
        unknown: no offer has it as it was typed.
    """

    typed: str
    german: tuple[str, ...]
    other: tuple[str, ...]
    beginning: str = ""
    corrected: bool = False
    unknown: bool = False
    phrase: bool = False


def words_of(text: str, searcher: tantivy.Searcher) -> list[Word]:
    """The words of a text as typed, in order."""
    tokens = [(phrase, word) for phrase, word in _TOKEN.findall(text)]
    telling = [pair for pair in tokens if pair[0] or pair[1].lower() not in _EMPTY_WORDS]
    chosen = (telling or tokens)[:MOST_WORDS]
    unfinished = bool(text) and not text[-1].isspace() and text[-1] != '"'
    words = []
    for number, (phrase, word) in enumerate(chosen):
        parts = _WORD.findall(phrase)
        if len(parts) > 1:
            words.append(_phrase(phrase, parts))
        else:
            last = unfinished and not phrase and number == len(chosen) - 1
            words.append(_word(parts[0] if parts else word, searcher, last=last))
    return [word for word in words if word.german or word.other]


def matching(word: Word, schema: tantivy.Schema) -> Query:
    """Offers that contain the word anywhere."""
    if word.phrase:
        phrases = [_phrase_in(schema, "text_de", word.german), _phrase_in(schema, "text_xx", word.other)]
        return Query.boolean_query([(Occur.Should, phrase) for phrase in phrases])
    ways = [Query.term_query(schema, "text_de", term) for term in word.german]
    ways += [Query.term_query(schema, "text_xx", term) for term in word.other]
    for name in _AS_TYPED:
        if word.beginning:
            ways.append(_scored(_beginning(schema, name, word.beginning), _UNFINISHED_SCORE))
        if word.corrected:
            ways += [_scored(_near(schema, name, term), _CORRECTED_SCORE) for term in word.other]
    if word.corrected:
        stems = (stem for stem in word.german if len(stem) >= SHORTEST_TO_CORRECT)
        ways += [_scored(_near(schema, "text_de", stem), _CORRECTED_SCORE) for stem in stems]
    return ways[0] if len(ways) == 1 else Query.boolean_query([(Occur.Should, way) for way in ways])


def in_titles(words: Sequence[Word], schema: tantivy.Schema) -> list[tuple[Occur, Query]]:
    """What lifts offers that have a word in their title."""
    found = []
    for word in words:
        if not word.phrase:
            terms = [("title_de", term) for term in word.german] + [("title_xx", term) for term in word.other]
            for name, term in terms:
                found.append((Occur.Should, Query.boost_query(Query.term_query(schema, name, term), _TITLE_BOOST)))
    return found


def folded(word: str) -> str:
    """Lower case, without accents."""
    return term_of(word, "xx")


def spellings(word: str) -> tuple[str, ...]:
    """The word folded, and as it is folded when ä, ö, ü are written as ae, oe, ue, or the other way round."""
    low = word.lower()
    apart, together = low, low
    for umlaut, digraph in _DIGRAPHS:
        apart, together = apart.replace(umlaut, digraph), together.replace(digraph, umlaut)
    return tuple(term for term in dict.fromkeys(folded(one) for one in (low, apart, together)) if term)


def _word(typed: str, searcher: tantivy.Searcher, *, last: bool) -> Word:
    german = term_of(typed, "de")
    # Spellings that no text has would only cost time; the one that was typed stays, for the marks.
    other = spellings(typed)
    other = other[:1] + tuple(term for term in other[1:] if searcher.doc_freq("text_xx", term))
    known = searcher.doc_freq("text_de", german) if german else 0
    known += sum(searcher.doc_freq("text_xx", term) for term in other)
    beginning = folded(typed) if last and len(typed) >= SHORTEST_TO_COMPLETE else ""
    if beginning and known < KNOWN_WORD:
        for name in _AS_TYPED:
            known += sum(count for _, count in searcher.terms_with_prefix(name, beginning, limit=_PREFIX_TERMS))
    corrected = known < KNOWN_WORD and len(typed) >= SHORTEST_TO_CORRECT and not typed.isdigit()
    return Word(typed, (german,) if german else (), other, beginning, corrected, corrected and not known)


def _phrase(typed: str, parts: list[str]) -> Word:
    german = tuple(term for part in parts if (term := term_of(part, "de")))
    other = tuple(term for part in parts if (term := folded(part)))
    return Word(typed, german, other, phrase=True)


def _phrase_in(schema: tantivy.Schema, name: str, terms: tuple[str, ...]) -> Query:
    if len(terms) == 1:
        return Query.term_query(schema, name, terms[0])
    return Query.phrase_query(schema, name, list(terms)) if terms else Query.empty_query()


def _beginning(schema: tantivy.Schema, name: str, beginning: str) -> Query:
    return Query.fuzzy_term_query(schema, name, beginning, distance=0, prefix=True)


def _near(schema: tantivy.Schema, name: str, term: str) -> Query:
    return Query.fuzzy_term_query(schema, name, term, distance=1, transposition_cost_one=True)


def _scored(query: Query, score: float) -> Query:
    return Query.const_score_query(query, score)
