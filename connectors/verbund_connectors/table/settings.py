"""Settings of `table`: which column says what of an offer; every misspelling is answered with the nearest name."""

from __future__ import annotations

import difflib
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from verbund_connectors import classify
from verbund_connectors.html import web_address
from verbund_connectors.kit import Settings

LANGUAGE = re.compile(r"[a-z]{2}")
# Fields with a text per language: `title.en`.
TEXTS = ("title", "summary", "description")
# Fields whose value is a code of a word list; an unknown word is kept beside, never made a code.
CODES = frozenset(
    {"category", "target_groups", "level", "level_from", "level_to", "kind", "gender", "status", "languages"}
    | {"availability", "childcare", "barrier_free", "organisation.kind"}
)
DATES = frozenset({"start", "end", "valid_from", "valid_to", "registration_until", "exam_on"})
FIELDS: frozenset[str] = (
    frozenset(
        {*TEXTS, "age", "age_from", "age_to", "time", "weekdays", "online_url", "area_served", "cost", "cost.note"}
    )
    | {
        "place.name",
        "place.street",
        "place.postcode",
        "place.town",
        "place.lat",
        "place.lon",
        "place.key",
        "place.ags8",
    }
    | {"funding", "registration", "registration.url", "access", "access.residence_note", "url", "seats", "seats_free"}
    | {"waiting", "organisation", "organisation.key", "organisation.url"}
    | {"contact.name", "contact.function", "contact.email", "contact.phone", "contact.mobile", "contact.website"}
    | CODES
    | DATES
)
_OTHER_NAMES = {
    "name": "title", "titel": "title", "beschreibung": "description", "text": "description", "categories": "category",
    "provider": "organisation", "provider.name": "organisation", "organisation.name": "organisation", "organization": "organisation",
    "address.street": "place.street", "address.postal_code": "place.postcode", "address.locality": "place.town",
    "place.plz": "place.postcode", "place.postal_code": "place.postcode", "place.city": "place.town", "plz": "place.postcode",
    "price": "cost", "price.amount": "cost", "cost.amount": "cost", "source_url": "url", "link": "url", "email": "contact.email",
    "phone": "contact.phone", "starts": "start", "begin": "start", "target_group": "target_groups", "date": "start",
    "language": "languages", "deadline": "registration_until", "contact.mail": "contact.email", "contact.url": "contact.website",
}  # fmt: skip
STATES = frozenset({"active", "withdrawn", "cancelled", "postponed", "full", "waiting_list", "temporarily_closed"})
_LEVEL = re.compile(r"alpha|[ABC][12](\.[1-9])?")
_KINDS = frozenset({"course", "counselling", "sport", "event", "place", "programme", "service"})
# A repeated group that repeats inside itself runs for years on the wrong text.
_RUNAWAY = re.compile(r"\((?:[^()\\]|\\.)*[+*}](?:[^()\\]|\\.)*\)[+*{]")


class ColumnRule(BaseModel):
    """How one field is read.

    Attributes:
        column: heading, or several whose cells are joined by a blank.
        values: cell text -> value of the field; null drops it. For fields with codes, what is not listed is kept as a
            foreign code.
        format: of dates (`DD.MM.YYYY` or strftime), `en` or `de` for amounts.
        split: text or texts that part the cell into several values.
        pattern: what a value must look like; its first group, when there is one, is the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str | tuple[str, ...]
    values: dict[str, str | tuple[str, ...] | None] = Field(default_factory=dict)
    format: str | None = None
    split: str | tuple[str, ...] = ()
    pattern: str | None = None

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        """YAML reads `yes:` and `5:` as something else than a text."""
        if not isinstance(values, dict):
            return values
        return {
            _text(cell): [_text(v) for v in to] if isinstance(to, list) else _text(to) for cell, to in values.items()
        }

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"`pattern` is no regular expression: {error}") from error
            if _RUNAWAY.search(pattern) or len(pattern) > 500:
                raise ValueError("`pattern` repeats a group that repeats inside; write it simpler")
        return pattern

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings."""
        return (self.column,) if isinstance(self.column, str) else self.column

    @property
    def splits(self) -> tuple[str, ...]:
        """The texts that part a cell."""
        return (self.split,) if isinstance(self.split, str) and self.split else tuple(self.split)


class TableSettings(Settings):
    """Settings of `table`.

    Attributes:
        url, path: where the table is; one of them. A path is relative to the source file.
        format: csv or xlsx; left out: told by the first bytes.
        sheet: name or number (1, 2 ...) of the sheet; left out: the first visible one that has the columns.
        encoding: left out: byte order mark, then UTF-8, then Windows-1252.
        delimiter: left out: the one of `;` `,` tab `|` that finds the columns.
        header_rows: the row with the headings; several are joined, `[2, 3]`.
        key: columns that together name a record for ever.
        map: Offer field -> column, or a rule.
        defaults: Offer field -> value for records that say nothing.
    """

    url: str | None = None
    path: str | None = None
    format: Literal["csv", "xlsx"] | None = None
    sheet: str | int | None = None
    encoding: str = "auto"
    delimiter: str = "auto"
    header_rows: int | tuple[int, ...] = 1
    key: tuple[str, ...]
    map: dict[str, ColumnRule]
    defaults: dict[str, str] = Field(default_factory=dict)

    @field_validator("key", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("map", mode="before")
    @classmethod
    def _rules(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {field: {"column": rule} if isinstance(rule, str | list) else rule for field, rule in value.items()}

    @field_validator("defaults", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return {k: ", ".join(map(_text, v)) if isinstance(v, list) else _text(v) for k, v in value.items()} if isinstance(value, dict) else value  # noqa: E501 # fmt: skip

    @model_validator(mode="after")
    def _usable(self) -> TableSettings:
        if bool(self.url) == bool(self.path):
            raise ValueError("give either `url` or `path`")
        if self.url and web_address(self.url) is None:
            raise ValueError("`url` is an http or https address")
        if not self.key:
            raise ValueError("`key` names the columns that identify a record, for example `key: [Angebots-ID]`")
        for field in (*self.map, *self.defaults):
            check_field(field)
        if not {"title", "title.de"} & self.map.keys() and not any(
            f.startswith("title") for f in (*self.map, *self.defaults)
        ):
            raise ValueError("`map` has no `title`")
        if any(row < 1 for row in self.heading_rows):
            raise ValueError("`header_rows` counts from 1")
        for field, rule in self.map.items():
            _check_values(field, rule)
        if self.delimiter != "auto" and len(self.delimiter) != 1:
            raise ValueError("`delimiter` is one character, for example ';' or \"\\t\"")
        if self.encoding != "auto":
            _check_encoding(self.encoding)
        return self

    @property
    def heading_rows(self) -> tuple[int, ...]:
        """Numbers of the rows with headings, ascending, from 1."""
        rows = self.header_rows if isinstance(self.header_rows, tuple) else (self.header_rows,)
        return tuple(sorted(rows)) or (1,)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is used."""
        used = [column for rule in self.map.values() for column in rule.columns]
        return tuple(dict.fromkeys((*self.key, *used)))


def check_field(field: str) -> None:
    """Whether there is such a field.

    Raises:
        ValueError: there is none; names the nearest.
    """
    base, _, language = field.partition(".")
    if field in FIELDS or (base in TEXTS and LANGUAGE.fullmatch(language)) or (base == "extra" and language):
        return
    raise ValueError(f"an offer has no field {field!r}{_did_you_mean(field)}")


def _did_you_mean(field: str) -> str:
    near = _OTHER_NAMES.get(field.lower()) or nearest(field, FIELDS)
    return f"; did you mean {near!r}?" if near else f"; fields are {', '.join(sorted(FIELDS))} and extra.NAME"


def nearest(name: str, names: Any) -> str | None:
    """The most similar name."""
    folded = {classify.fold(other): other for other in names}
    found = difflib.get_close_matches(classify.fold(name), folded, n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def _check_values(field: str, rule: ColumnRule) -> None:
    known: Any = {
        "category": classify.category_codes(),
        "target_groups": classify.target_group_codes(),
        "status": STATES,
        "kind": _KINDS,
        "gender": {"female", "male", "all"},
        "availability": {"open", "temporarily_closed", "full"},
    }.get(field)
    for target in rule.values.values():
        for code in (target,) if isinstance(target, str) else target or ():
            if known is not None and code not in known:
                near = nearest(code, known)
                raise ValueError(
                    f"`map: {field}: values` has the unknown code {code!r}"
                    + (f"; did you mean {near!r}?" if near else "")
                )
            if field in {"level", "level_from", "level_to"} and not _LEVEL.fullmatch(code):
                raise ValueError(f"`map: {field}: values` has the unknown level {code!r}; levels are alpha, A1 ... C2")


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise ValueError(f"there is no encoding {encoding!r}; usual are utf-8 and cp1252") from error


def _text(value: Any) -> Any:
    if value is True or value is False:
        return "true" if value else "false"
    return value if value is None or isinstance(value, str) else str(value)
