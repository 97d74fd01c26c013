"""From German words to the codes of the vocabularies: categories, target groups, sports, levels.

A word counts where it starts a word of the text (`Deutsch` in `Deutschkurs`), whatever its accents; the short ones
(`DaZ`, `MBE`) only as whole words. Nothing is invented: no hit, no code.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

# Words that the vocabulary's hints leave out and tables use all the time.
_MORE_WORDS: Mapping[str, tuple[str, ...]] = {
    "language": ("sprachkurs", "sprachförderung", "sprachtreff", "sprachcafé"),
    "language.vocational": ("deufö",),
    "school": ("schule",),
    "work": ("jobcoaching",),
    "health": ("erste-hilfe",),
    "sport": ("gymnastik", "lauftreff", "bewegung"),
}
# They also count at the end of a compound: `Verbraucherberatung`, `Wassergymnastik`.
_ENDINGS = ("beratung", "sprechstunde", "sprachkurs", "gymnastik", "fussball", "turnen", "schwimmen", "nachhilfe")
# Words that merely begin like a hint.
_NO_HITS = re.compile(
    r"vereinbar|vereint|vereinig|sucht$|suchte|sportlehrkraft|trainingsjacke|arbeitskreis|arbeitsgemeinsch"
)
_WHOLE_WORD_UP_TO = 3  # letters; `daf` must not hit `dafür`
_INDEXED_BY = 3  # letters
_MARKS = re.compile("[\u0300-\u036f]+")
_WORD = re.compile(r"[^\W_]+(?:[+])?")

LEVELS = ("alpha", "A1", "A2", "B1", "B2", "C1", "C2")


@cache
def vocabulary(name: str) -> Any:
    """A file of `verbund_schemas/data`, parsed."""
    return json.loads((resources.files("verbund_schemas") / "data" / f"{name}.json").read_text("utf-8"))


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """For comparing: lower case, ß as ss, no accents, no umlaut dots."""
    text = text.casefold()
    if text.isascii():
        return text
    return _MARKS.sub("", unicodedata.normalize("NFKD", text))


class _Words:
    """Words to codes, found in one pass over the words of a text."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        codes: dict[str, list[str]] = {}
        for code, hints in words.items():
            for hint in hints:
                codes.setdefault(fold(hint), []).append(code)
        self._starts: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for word in sorted(codes, key=len, reverse=True):
            self._starts.setdefault(word[:_INDEXED_BY], []).append((word, tuple(codes[word])))
        self._ends = [(ending, tuple(codes[ending])) for ending in _ENDINGS if ending in codes]

    def find(self, text: str) -> list[str]:
        """Codes in the order in which the text names them."""
        folded = fold(text)
        hits: dict[str, None] = {}
        for match in _WORD.finditer(folded):
            word, start = match[0], match.start()
            candidates = self._starts.get(word[:_INDEXED_BY])
            found = False
            if candidates is not None and not _NO_HITS.match(word):
                for hint, codes in candidates:
                    hit = word == hint if len(hint) <= _WHOLE_WORD_UP_TO else folded.startswith(hint, start)
                    # The longest hit decides; a shorter one adds only what is of the same kind.
                    if hit and (
                        not found or all(code.split(".")[0] in {h.split(".")[0] for h in hits} for code in codes)
                    ):
                        hits.update(dict.fromkeys(codes))
                        found = True
            if not found:
                for ending, codes in self._ends:
                    if len(word) > len(ending) and word.endswith(ending):
                        hits.update(dict.fromkeys(codes))
        return list(hits)


# --- categories and target groups ------------------------------------------------------------------------------------


@cache
def category_codes() -> frozenset[str]:
    """Every code of the vocabulary of categories."""
    return frozenset(entry["code"] for entry in vocabulary("categories")["categories"])


@cache
def target_group_codes() -> frozenset[str]:
    """Every code of the vocabulary of target groups."""
    return frozenset(entry["code"] for entry in vocabulary("target_groups")["groups"])


@cache
def _category_words() -> _Words:
    words = {e["code"]: list(e["hints"].get("keywords", ())) for e in vocabulary("categories")["categories"]}
    for code, more in _MORE_WORDS.items():
        words.setdefault(code, []).extend(more)
    words.setdefault("sport", []).extend(entry["de"] for entry in vocabulary("sports_de_openactive")["map"])
    return _Words(words)


@cache
def _category_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for entry in vocabulary("categories")["categories"]:
        for name in (entry["code"], *entry["label"].values()):
            names.setdefault(fold(name), entry["code"])
    return names


@lru_cache(maxsize=4096)
def _categories_in(text: str) -> tuple[str, ...]:
    named = _category_names().get(fold(text).strip())
    return _with_tops([named] if named else _category_words().find(text))


def _with_tops(codes: Iterable[str]) -> tuple[str, ...]:
    codes = tuple(codes)
    if len(codes) < 2 and all("." not in code for code in codes):
        return codes
    ordered: dict[str, None] = {}
    for code in codes:
        ordered.setdefault(code.split(".")[0])
        ordered.setdefault(code)
    tops = [code for code in ordered if "." not in code]
    return tuple(code for top in tops for code in ordered if code == top or code.startswith(f"{top}."))


def category(*texts: str | None) -> list[str]:
    """Codes in the order of the texts, the main one first, a sub-code after its top code; a code or label as it is."""
    codes: dict[str, None] = {}
    for text in texts:
        if text:
            codes.update(dict.fromkeys(_categories_in(text)))
    return list(_with_tops(codes))


@cache
def _sport_words() -> re.Pattern[str]:
    entries = [e for e in vocabulary("categories")["categories"] if e["code"].startswith("sport.")]
    return re.compile("|".join(re.escape(fold(w)) for e in entries for w in e["hints"].get("keywords", ())))


def kinds_of_sport(text: str) -> list[str]:
    """The sub-codes of sport that a text names; quick where it names none."""
    if _sport_words().search(fold(text)) is None:
        return []
    return [code for code in category(text) if code.startswith("sport.")]


@cache
def _group_words() -> _Words:
    return _Words({entry["code"]: entry["keywords"] for entry in vocabulary("target_groups")["groups"]})


@cache
def _group_names() -> dict[str, str]:
    return {
        fold(n): e["code"] for e in vocabulary("target_groups")["groups"] for n in (e["code"], *e["label"].values())
    }


@lru_cache(maxsize=4096)
def _groups_in(text: str) -> tuple[str, ...]:
    named = _group_names().get(fold(text).strip())
    return (named,) if named else tuple(_group_words().find(text))


def target_groups(text: str | None) -> list[str]:
    """Codes of the groups that a text names."""
    return list(_groups_in(text)) if text else []


# --- kinds -----------------------------------------------------------------------------------------------------------

_COURSE = re.compile(r"kurs\b|kurse\b|kurs[ -]|lehrgang|seminar|workshop|schulung|unterricht")
_COUNSELLING = re.compile(r"beratung|sprechstunde")
_MEETING = re.compile(r"treff|cafe|begegnung")


def kind(categories: Iterable[str], title: str, *, dated: bool = False) -> str:
    """The kind of offer that category and title speak for: what it is called counts before what it is about."""
    folded = fold(title)
    if _COURSE.search(folded):
        return "course"
    if _COUNSELLING.search(folded):
        return "counselling"
    main = next(iter(categories), "").split(".")[0]
    if main in {"sport", "counselling"}:
        return main
    if main == "language" and not _MEETING.search(folded):
        return "course"
    if _MEETING.search(folded):
        return "place"
    return "event" if dated else "programme"


_ORGANISATION_KINDS = (
    ("vhs", re.compile(r"\bvhs\b|volkshochschule")),
    ("school", re.compile(r"schule\b|gymnasium|berufskolleg|\bschule")),
    ("church", re.compile(r"kirche|gemeinde st\.|pfarr|moschee|dekanat|dioze")),
    (
        "charity",
        re.compile(
            r"caritas|diakonie|\bawo\b|arbeiterwohlfahrt|\bdrk\b|rotes kreuz|parit|malteser|johanniter|stiftung"
        ),
    ),
    ("office", re.compile(r"landkreis|\bkreis\b|stadt |\bstadt\b|jobcenter|agentur fur arbeit|\bamt\b|gemeinde|bamf")),
    ("club", re.compile(r"\be\. ?v\.|verein|\b(tus|tsv|sv|fc|tv|djk|vfl|vfb|sg)\b")),
    ("company", re.compile(r"\bgmbh\b|\bag\b|\bkg\b|\bug\b")),
)


@lru_cache(maxsize=4096)
def organisation_kind(name: str) -> str | None:
    """Kind of an organisation that its name tells, or None."""
    folded = fold(name)
    return next((kind for kind, words in _ORGANISATION_KINDS if words.search(folded)), None)


# --- sports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sport:
    """A sport in German and in the OpenActive activity list."""

    german: str
    activity: str
    id: str


@cache
def _sports() -> dict[str, Sport]:
    found: dict[str, Sport] = {}
    for entry in vocabulary("sports_de_openactive")["map"]:
        sport_ = Sport(entry["de"], entry["activity"], entry["id"])
        for name in (entry["id"], _sport_name(entry["activity"]), _sport_name(entry["de"])):
            found.setdefault(name, sport_)
    return found


def _sport_name(name: str) -> str:
    return fold(re.sub("[®™]", "", name)).strip()


@lru_cache(maxsize=4096)
def sport(label_or_id: str) -> Sport | None:
    """The sport of an activity's address, its English label or its German word; None when it has no German word."""
    sports = _sports()
    return sports.get(label_or_id) or sports.get(_sport_name(label_or_id))


# --- levels ----------------------------------------------------------------------------------------------------------

_LEVEL = re.compile(
    r"(?<![a-z0-9])(?:([abc][12])(?:\s?[.,/]\s?([1-9])(?![0-9a-z]))?(?![0-9])|(alpha)(?:\w*))", re.IGNORECASE
)
_OPEN_END = re.compile(r"\b(ab|mindestens|min\.?|from)\s+(?:niveau\s+|stufe\s+)?$", re.IGNORECASE)
_OPEN_START = re.compile(r"^\s*(bis|max\.?|up to)\s+(?:niveau\s+|stufe\s+)?$", re.IGNORECASE)


def level_rank(level: str) -> float:
    """Order of levels: alpha, A1, A1.1, A1.2, A2 ..."""
    base, _, sub = level.partition(".")
    return LEVELS.index(base) + (int(sub) / 10 if sub else 0)


@lru_cache(maxsize=4096)
def level_range(text: str | None) -> tuple[str | None, str | None]:
    """Lowest and highest level that a text names: `A2–B1`, `B1.2`, `Alpha, A1`; one level is both.

    `ab A2` has no upper, `bis B1` no lower end; (None, None) when no level is named.
    """
    found: list[tuple[str, int]] = []
    for match in _LEVEL.finditer(text or ""):
        level = "alpha" if match[3] else match[1].upper() + (f".{match[2]}" if match[2] else "")
        found.append((level, match.start()))
    if not found or text is None:
        return None, None
    levels = sorted((level for level, _ in found), key=level_rank)
    if len(found) == 1:
        before = text[: found[0][1]]
        if _OPEN_END.search(before):
            return levels[0], None
        if _OPEN_START.search(before):
            return None, levels[0]
    return levels[0], levels[-1]
