"""Word lists that may grow: what a string field with a `vocabulary` may say, with labels in German and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from verbund_schemas._districts import districts
from verbund_schemas._files import read_json


class Term(NamedTuple):
    """One word of a vocabulary.

    Attributes:
        code: as it stands in records; never changes its meaning.
        de, en: labels for people.
        parent: code of the wider term, or None.
        more: what else is known of it: `hints` of a category, `keywords` of a target group, `effect` of a rule,
            `pass_on` of a licence, `mark` and `grade` of a finding of quality, `points` of its grade.
    """

    code: str
    de: str
    en: str
    parent: str | None = None
    more: Mapping[str, Any] = MappingProxyType({})


class Vocabulary(NamedTuple):
    """The terms by code, in their order; `in` also knows codes that only follow the vocabulary's pattern."""

    name: str
    terms: Mapping[str, Term]
    pattern: re.Pattern[str] | None = None

    def __contains__(self, code: object) -> bool:
        if not isinstance(code, str):
            return False
        return code in self.terms or (self.pattern is not None and self.pattern.fullmatch(code) is not None)

    def label(self, code: str, language: str) -> str:
        """The term's label in German for `de`, else in English; the code itself when the term is unknown."""
        term = self.terms.get(code)
        if term is None:
            return code
        return term.de if language == "de" else term.en


def vocabulary_names() -> tuple[str, ...]:
    """Names of all vocabularies, sorted."""
    return tuple(sorted((*_small(), *_LARGE)))


@cache
def vocabulary(name: str) -> Vocabulary:
    """The vocabulary that a field's property `vocabulary` names.

    Raises:
        KeyError: there is none of that name.
    """
    if name == "districts":
        terms = [Term(district.ags, district.full_name, district.full_name) for district in districts().values()]
        return _vocabulary(name, terms)
    if name in _LARGE:
        file, inside = _LARGE[name]
        return _vocabulary(name, [_term(entry) for entry in read_json("data", file)[inside]])
    small = _small()[name]
    return _vocabulary(name, [_term(entry) for entry in small["terms"]], small.get("pattern"))


@cache
def level_rank(level: str | None) -> int | None:
    """Where a level stands: alpha < A1 < A1.1 < A1.2 < ... < A2 < ... < C2.9; None for what is no level.

    A level without a sublevel comes before its sublevels, so `A2 needed` is met by whoever has A2 or more.
    """
    if level == "alpha":
        return 0
    found = _LEVEL.fullmatch(level or "")
    if found is None:
        return None
    return 10 * (1 + _CEFR.index(found[1])) + int(found[2] or 0)


_CEFR = ("A1", "A2", "B1", "B2", "C1", "C2")
_LEVEL = re.compile(rf"({'|'.join(_CEFR)})(?:[.]([1-9]))?")

# Vocabularies with a file of their own, since they carry more than words: file and key of the list in it.
_LARGE = {
    "categories": ("categories.json", "categories"),
    "target_groups": ("target_groups.json", "groups"),
    "districts": ("districts.json", "districts"),
    "quality": ("quality.json", "findings"),
    "quality_grade": ("quality.json", "grades"),
}


def _vocabulary(name: str, terms: list[Term], pattern: str | None = None) -> Vocabulary:
    by_code = MappingProxyType({term.code: term for term in terms})
    return Vocabulary(name, by_code, re.compile(pattern) if pattern else None)


def _term(entry: dict[str, Any]) -> Term:
    more = {word: value for word, value in entry.items() if word not in ("code", "label", "parent")}
    return Term(entry["code"], entry["label"]["de"], entry["label"]["en"], entry.get("parent"), MappingProxyType(more))


@cache
def _small() -> dict[str, Any]:
    found: dict[str, Any] = read_json("data", "vocabularies.json")
    return found
