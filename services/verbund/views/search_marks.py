"""Marks what was looked for in the texts of the offers that are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from verbund.views.search_query import Piece
from verbund.views.search_schema import term_of
from verbund.views.search_words import SHORTEST_TO_CORRECT, Word, folded

#: Characters of the text around the first match.
SNIPPET = 200

_WORD = re.compile(r"[^\W_]+")
_BEFORE_THE_MATCH = 60
_LOOKED_AT = 4_000
_MEMORY_OF_WORDS = 100_000


class Marker:
    """Finds the words of one question in texts; remembers what it made of each word it met."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._german = {term for word in words for term in word.german}
        self._other = {term for word in words for term in word.other}
        self._beginnings = tuple(word.beginning for word in words if word.beginning)
        self._near = tuple(term for word in words if word.corrected for term in word.other)
        stems = (term for word in words if word.corrected for term in word.german)
        self._near_stems = tuple(stem for stem in stems if len(stem) >= SHORTEST_TO_CORRECT)
        self._met: dict[bool, dict[str, bool]] = {True: {}, False: {}}

    def marks(self, texts: Mapping[str, Sequence[str]]) -> dict[str, tuple[Piece, ...]]:
        """Marked title and text of the first language that has a match, German first; empty when none has."""
        if not (self._german or self._other):
            return {}
        for language in sorted(texts, key=lambda code: (code != "de", code)):
            title, rest = texts[language]
            in_title, in_rest = self._spans(title, language), self._spans(rest[:_LOOKED_AT], language)
            if in_title or in_rest:
                marks = {"title": _pieces(title, in_title)}
                if in_rest:
                    marks["text"] = _snippet(rest, in_rest)
                return marks
        return {}

    def _spans(self, text: str, language: str) -> list[tuple[int, int]]:
        """Where wanted words stand."""
        german = language == "de"
        met = self._met[german]
        fresh = [word for word in set(_WORD.findall(text)) if word not in met]
        met.update((word, self._is_wanted(word, german=german)) for word in fresh)
        return [match.span() for match in _WORD.finditer(text) if met[match.group()]]

    def _is_wanted(self, word: str, *, german: bool) -> bool:
        plain, stem = _forms(word)
        if (stem in self._german) if german else (plain in self._other):
            return True
        if self._beginnings and plain.startswith(self._beginnings):
            return True
        if not self._near:
            return False
        if any(one_letter_apart(plain, other) for other in self._near):
            return True
        return german and any(one_letter_apart(stem, other) for other in self._near_stems)


@lru_cache(maxsize=_MEMORY_OF_WORDS)
def _forms(word: str) -> tuple[str, str]:
    """A word folded and stemmed."""
    return folded(word), term_of(word, "de")


def one_letter_apart(a: str, b: str) -> bool:
    """Equal but for one letter put in, left out, replaced or swapped with its neighbour."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    rest_a, rest_b = a[start:], b[start:]
    if rest_a[1:] == rest_b or rest_a == rest_b[1:] or rest_a[1:] == rest_b[1:]:
        return True
    return rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:]


def _pieces(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    at = 0
    for start, end in spans:
        if start > at:
            pieces.append((text[at:start], False))
        pieces.append((text[start:end], True))
        at = end
    if at < len(text):
        pieces.append((text[at:], False))
    return tuple(pieces)


def _snippet(text: str, spans: Sequence[tuple[int, int]]) -> tuple[Piece, ...]:
    """About SNIPPET characters around the first match, cut between words."""
    start = max(0, spans[0][0] - _BEFORE_THE_MATCH)
    if start:
        start = text.find(" ", start, spans[0][0]) + 1 or spans[0][0]
    end = min(len(text), start + SNIPPET)
    if end < len(text):
        end = max(text.rfind(" ", start, end), spans[0][1])
    inside = [(a - start, b - start) for a, b in spans if start <= a and b <= end]
    pieces = _pieces(" ".join(text[start:end].split("\n")), inside)
    before: tuple[Piece, ...] = (("… ", False),) if start else ()
    after: tuple[Piece, ...] = ((" …", False),) if end < len(text) else ()
    return before + pieces + after
