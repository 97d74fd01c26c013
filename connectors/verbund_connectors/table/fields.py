"""The mapping, compiled: per field a small function that reads its cell and notes its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from verbund_connectors import classify, values
from verbund_connectors.german import parse_date, parse_decimal, parse_time_range, weekdays
from verbund_connectors.kit import Reject
from verbund_connectors.table.settings import CODES, DATES, ColumnRule
from verbund_connectors.table.words import WORDS

Cells: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Said:
    """What a row says, by field; what of it was not understood; and codes kept as they are.

    Attributes:
        foreign: field, column and text of words outside the vocabulary.
    """

    values: dict[str, Any]
    warnings: list[Reject] = field(default_factory=list)
    foreign: list[tuple[str, str, str]] = field(default_factory=list)

    def warn(self, rule: str, place: str, value: Any) -> None:
        """Note something that was dropped."""
        self.warnings.append(Reject(rule=rule, place=place, value=value))


class Step(NamedTuple):
    """How one field is read.

    Attributes:
        name: of the field.
        column: the one whose cells alone say it; None when there are several, or when they hardly ever repeat themselves.
        known: cells of that column that were read before and say nothing but a value. Towns, organisers, prices, term
            dates: a table says the same again and again.
        look: reads the cells of a row and notes what they say.
    """

    name: str
    column: str | None
    known: dict[str, Any]
    look: Callable[[Cells, Said], None]


Parse: TypeAlias = Callable[[Any], Any]

# What a formula leaves where its value could not be computed.
_ERROR = re.compile(r"#(?:N/A|NV|REF!|BEZUG!|VALUE!|WERT!|NAME\?|DIV/0!|NULL!|NUM!|ZAHL!)")
_MAX_MATCHED = 1_000  # characters that a pattern is tried on
_MAX_CACHED = 2_000  # cells of a column; one with more different ones hardly repeats itself
_POSTCODE = re.compile(r"(?:D-?\s?)?(\d{5})")


def compile_step(name: str, rule: ColumnRule) -> Step:
    """The step for one field."""
    column = rule.columns[0] if len(rule.columns) == 1 and name.partition(".")[0] not in _LONG else None
    known: dict[str, Any] = {}
    step = _CodeStep(name, rule, known) if name in CODES else _PlainStep(name, rule, known)
    return Step(name, column, known, step.look)


def _remember(known: dict[str, Any], raw: Any, value: Any) -> None:
    if isinstance(raw, str) and len(known) < _MAX_CACHED:
        known[raw] = value


class _PlainStep:
    """Reads one field that is no code."""

    __slots__ = (
        "_cell",
        "_failing",
        "_kept",
        "_known",
        "_name",
        "_parse",
        "_pattern",
        "_place",
        "_replaced",
        "_splits",
    )

    def __init__(self, name: str, rule: ColumnRule, known: dict[str, Any]) -> None:
        self._name = name
        self._parse = _list_parser(_parser(name, rule), rule) if name in _LISTS else _parser(name, rule)
        self._cell = _cell(rule)
        self._place = " + ".join(rule.columns)
        self._failing = _rule_of(name)
        self._kept = name in _KEPT_UNREAD
        self._replaced = {_key(text): target for text, target in rule.values.items()}
        self._pattern = re.compile(rule.pattern) if rule.pattern else None
        self._known = known

    def look(self, cells: Cells, said: Said) -> None:
        """Note the value, or that there is none in what the cells say."""
        cell = raw = self._cell(cells)
        if raw is not None and (self._replaced or self._pattern):
            raw = self._prepared(raw, said)
        if raw is None:
            return
        value = self._parse(raw)
        if value is not None:
            said.values[self._name] = value
            _remember(self._known, cell, value)
        elif not isinstance(raw, str) or raw.strip():
            said.warn(self._failing, self._place, raw)
            if self._kept:
                said.foreign.append((self._name, self._place, values.line(raw, 200) or ""))

    def _prepared(self, raw: Any, said: Said) -> Any:
        key = _key(raw)
        if key in self._replaced:
            raw = self._replaced[key]
        if raw is None or self._pattern is None:
            return raw
        found = _matched(self._pattern, raw)
        if found is None:
            said.warn("pattern_mismatch", self._place, raw)
        return found


def _cell(rule: ColumnRule) -> Callable[[Cells], Any]:
    if len(rule.columns) > 1:
        columns = rule.columns

        def joined(cells: Cells) -> Any:
            parts = [values.line(cells.get(column), 100_000) for column in columns]
            return " ".join(part for part in parts if part) or None

        return joined
    column = rule.columns[0]

    def single(cells: Cells) -> Any:
        raw = cells.get(column)
        return None if isinstance(raw, str) and raw[:1] == "#" and _ERROR.fullmatch(raw.strip()) else raw

    return single


def _key(raw: Any) -> str:
    return classify.fold(raw if isinstance(raw, str) else str(raw)).strip()


def _matched(pattern: re.Pattern[str], raw: Any) -> str | None:
    found = pattern.search(str(raw)[:_MAX_MATCHED])
    if found is None:
        return None
    return found[1] if pattern.groups else found[0]


def _pieces(raw: Any, splits: tuple[str, ...]) -> list[str]:
    pieces = [raw if isinstance(raw, str) else str(raw)]
    for split in splits:
        pieces = [part for piece in pieces for part in piece.split(split)]
    return [piece.strip() for piece in pieces if piece.strip()]


def _unique(found: Any) -> list[Any]:
    return list(dict.fromkeys(value for value in found if value is not None))


# --- plain fields ----------------------------------------------------------------------------------------------------

_LONG = frozenset({"title", "summary", "description"})  # hardly ever said twice
_LISTS = frozenset({"area_served", "funding"})
# What a person can still read where we cannot stays in `extra`; never contacts.
_KEPT_UNREAD = DATES | {
    "time",
    "weekdays",
    "age",
    "age_from",
    "age_to",
    "place.postcode",
    "seats",
    "seats_free",
    "waiting",
}
_COUNTS = frozenset({"seats", "seats_free", "waiting", "age_from", "age_to"})
_URLS = frozenset({"url", "registration.url", "online_url", "organisation.url", "contact.website"})
_AGES = re.compile(r"(?:ab\s*)?(\d{1,3})(?:\s*\+|\s*(?:-|–|bis)\s*(\d{1,3}))?\s*(?:j\w*\.?)?", re.IGNORECASE)


def _rule_of(name: str) -> str:
    if name in DATES or name in {"time", "weekdays"}:
        return "date_unreadable"
    return "url_unusable" if name in _URLS else "number_out_of_range" if name in _COUNTS else "value_unreadable"


def _parser(name: str, rule: ColumnRule) -> Parse:
    base = name.partition(".")[0]
    if base in {"description", "summary"}:
        return lambda raw: raw if isinstance(raw, str) else str(raw)
    if name in DATES:
        return _date_parser(rule.format)
    if name in _COUNTS:
        return values.whole
    if name in _URLS:
        return values.web
    special: dict[str, Parse] = {
        "cost": lambda raw: _cost(raw, "en" if rule.format == "en" else "de"),
        "time": lambda raw: parse_time_range(raw) if isinstance(raw, str) else None,
        "weekdays": lambda raw: (weekdays(raw) or None) if isinstance(raw, str) else None,
        "age": _age,
        "place.postcode": _postcode,
        "place.lat": lambda raw: values.degrees(raw, 90),
        "place.lon": lambda raw: values.degrees(raw, 180),
        "contact.email": values.mail,
        "contact.phone": values.phone,
        "contact.mobile": values.phone,
    }
    if base == "extra":
        return lambda raw: values.line(raw, 2_000)
    return special.get(name, values.line)


def _list_parser(parse: Parse, rule: ColumnRule) -> Parse:
    splits = rule.splits or (",", ";", "\n")
    return lambda raw: _unique(parse(piece) for piece in _pieces(raw, splits))


_LETTERS = (("YYYY", "%Y"), ("JJJJ", "%Y"), ("YY", "%y"), ("JJ", "%y"), ("MM", "%m"), ("DD", "%d"), ("TT", "%d"))


def _date_parser(given: str | None) -> Parse:
    if given is None:
        return parse_date
    for letters, code in _LETTERS:
        given = given.replace(letters, code)

    def parse(raw: Any) -> Any:
        if isinstance(raw, str):
            try:
                return parse_date(datetime.strptime(raw.strip(), given).date().isoformat())  # noqa: DTZ007 — a day
            except ValueError:
                pass
        return parse_date(raw)

    return parse


def _cost(raw: Any, style: Any) -> dict[str, Any] | None:
    """Amount and whether it is free; the words too, when they say more than the number."""
    amount = parse_decimal(raw, style=style)
    text = values.line(raw, 500)
    if text is None:
        return None
    plain = not isinstance(raw, str) or re.fullmatch(r"[\d.,\s€-]*(?:EUR|Euro)?", text, re.IGNORECASE) is not None
    if amount is not None and amount < 0:
        amount = None
    return {
        "amount": None if amount is None else round(amount, 2),
        "currency": "EUR",
        "free": None if amount is None else amount == 0,
        "note": None if plain and amount is not None else text,
    }


def _age(raw: Any) -> tuple[int | None, int | None] | None:
    found = _AGES.fullmatch(str(raw).strip())
    return (int(found[1]), int(found[2]) if found[2] else None) if found else None


def _postcode(raw: Any) -> tuple[str, bool] | None:
    """Five digits, and whether a leading zero was put back that a spreadsheet had eaten."""
    text = values.line(raw, 20) or ""
    if text.isascii() and text.isdecimal() and len(text) == 4:
        return f"0{text}", True
    found = _POSTCODE.fullmatch(text)
    return (found[1], False) if found else None


# --- fields with codes -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Read:
    """A cell of codes, read.

    Attributes:
        unknown: words without a code; kept: words that stay beside their code; refused: words of another pattern.
    """

    codes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class _CodeStep:
    """Reads one field of codes: by the listed values alone where there are any, else by the vocabulary's words."""

    __slots__ = (
        "_cell",
        "_classified",
        "_known",
        "_listed",
        "_name",
        "_pattern",
        "_place",
        "_read_before",
        "_splits",
        "_words",
    )

    def __init__(self, name: str, rule: ColumnRule, known: dict[str, Any]) -> None:
        self._name = name
        self._cell = _cell(rule)
        self._place = " + ".join(rule.columns)
        self._listed = {_key(text): target for text, target in rule.values.items()}
        self._words = WORDS.get(name, {})
        self._classified = _CLASSIFIED.get(name)
        self._pattern = re.compile(rule.pattern) if rule.pattern else None
        self._splits = rule.splits or ((",", ";", "/") if name == "languages" else ())
        self._known = known
        self._read_before: dict[Any, _Read] = {}

    def look(self, cells: Cells, said: Said) -> None:
        """Note the codes, and the words that have none."""
        raw = self._cell(cells)
        if raw is None or raw == "":
            return
        read = self._read_before.get(raw)
        if read is None:
            read = self._read(raw)
            if len(self._read_before) < _MAX_CACHED:
                self._read_before[raw] = read
        if read.codes:
            said.values[self._name] = read.codes
            if not (read.unknown or read.refused or read.kept):
                _remember(self._known, raw, read.codes)
        for word in read.unknown:
            said.warn("code_unknown", self._place, word)
        for word in read.refused:
            said.warn("pattern_mismatch", self._place, word)
        for word in (*read.kept, *read.unknown):
            said.foreign.append((self._name, self._place, word))

    def _read(self, raw: Any) -> _Read:
        read = _Read()
        # A word of the list may hold what would split it: `Schule und Bildung`.
        pieces = [str(raw).strip()] if _key(raw) in self._listed else _pieces(raw, self._splits)
        for piece in pieces:
            word = piece if self._pattern is None else _matched(self._pattern, piece)
            if word is None:
                read.refused.append(piece)
            else:
                self._read_word(word, piece, read)
        read.codes = _unique(read.codes)
        return read

    def _read_word(self, word: str, piece: str, read: _Read) -> None:
        key = _key(word)
        if key in self._listed:
            target = self._listed[key]
            read.codes.extend((target,) if isinstance(target, str) else target or ())
        elif self._listed:
            read.unknown.append(piece)
        elif key in self._words:
            read.codes.append(self._words[key])
        elif self._classified is not None and (found := self._classified(word)):
            read.codes.extend(found)
            if self._name in _KEEPS_WORDS and key not in found:
                read.kept.append(piece)
        else:
            read.unknown.append(piece)


def _levels(text: str) -> list[str]:
    """Both ends; an open one is empty."""
    low, high = classify.level_range(text)
    return [low or "", high or ""] if low or high else []


_CLASSIFIED: Mapping[str, Callable[[str], list[str]]] = {
    "category": classify.category,
    "target_groups": classify.target_groups,
    "level": _levels,
    "level_from": _levels,
    "level_to": _levels,
}
# The source's own word stays beside the code that we read from it.
_KEEPS_WORDS = frozenset({"category", "target_groups"})
