"""What an author of a connector writes against: three pure steps, and the words they speak.

The runner does all I/O. It calls `begin` once, answers every `Request` with a `Response`, hands that to `read`, keeps
the `Item`s in its source cache, joins those of one record key and hands them to `map`. Steps two and three may run in
a child process without network, and `map` may be called again years later for the same items: no step reads a clock,
a file, an environment variable or anything global that changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, ClassVar, Literal, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

JSON: TypeAlias = Any  # what `json.loads` gives

ContactPolicy: TypeAlias = Literal["none", "functions", "names"]


class Settings(BaseModel):
    """Base of a connector's own settings (`with:` of a source file): unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a connector may know of the source file beside its own settings.

    Attributes:
        source, district: names, for scoping keys.
        contacts: none: map no contacts; functions: without names of persons; names: as the source has them.
        defaults_language: language of texts whose source names none.
        hub_urls: addresses of this hub; a record that links to an offer below one of them came from us (`ours`).
    """

    source: str
    district: str
    contacts: ContactPolicy = "functions"
    default_language: str = "de"
    hub_urls: tuple[str, ...] = ()


# --- what goes between the steps -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something to fetch: an http(s) `url`, or a `path` of a file beside the source file.

    Attributes:
        part: the part of the pull that the answer belongs to.
        state: handed back with the response, JSON; says what is being read.
        expects: statuses that `read` wants to see; any other ends the part as failed.
        timeout_s: total deadline, seconds; None: the runner's.
    """

    part: str
    url: str | None = None
    path: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, JSON] = field(default_factory=dict)
    expects: tuple[int, ...] = (200,)
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer to one request: `body` at its start and free of content encodings, header names in lower case."""

    request: Request
    url: str
    status: int
    headers: Mapping[str, str]
    body: IO[bytes]
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing as the source sent it.

    Attributes:
        part, id: name it; the last one of an id in a part counts.
        key: the record it belongs to, or None when it is only needed by others (a Course of CourseInstances).
        data: JSON value; hashed canonically, kept in the source cache, handed to `map` as it is.
        deleted: the source says explicitly that it is gone (tombstone).
        modified: the source's own order of versions; an item with a lower one than the cached is `stale`.
        needs: ids of other items, in any part, that `map` wants beside those of the record.
    """

    part: str
    id: str
    key: str | None
    data: JSON = None
    deleted: bool = False
    modified: int | None = None
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Something delivered that has no usable key: rejected, and absence in its part does not count in this pull."""

    part: str
    rule: str
    place: str
    value: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartEnd:
    """A part is over. Parts that never end are failed by the runner.

    Attributes:
        state: complete only with a proof that this was all.
        covers: all: what is absent is gone; changes: only what changed was read.
        scope: the filters in force, for example region and language.
        proof: how the source showed it: declared total, last page, end marker, digest of the file.
        reasons: why it is not complete.
    """

    part: str
    state: Literal["complete", "partial", "failed"] = "complete"
    covers: Literal["all", "changes"] = "all"
    scope: Mapping[str, str] = field(default_factory=dict)
    proof: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the next pull goes on in this part, JSON; kept only once everything before it is durable."""

    part: str
    value: JSON


Output: TypeAlias = Item | Broken | Request | PartEnd | Cursor


# --- what `map` answers ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Why a record cannot be taken: the rule, where, and what stood there (the runner masks it)."""

    rule: str
    place: str
    value: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDraft:
    """A contact of a record; `place_key`, `area` and `rank` make its id, never name, phone or mail.

    Attributes:
        data: fields of the schema `Contact` but its id.
    """

    place_key: str
    area: str
    rank: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A record that can be taken.

    Attributes:
        offer: from `draft_offer`; what a source can say. The runner adds identity, hashes and provenance.
        organisation: from `draft_organisation`, with its key in the source; the offer's `organisation_id` points to it.
        contacts: in the order of the source.
        content: what the content hash covers instead of the offer's own fields, by field; a text's source HTML before
            our sanitiser, for example: `{"texts": {...}}`.
        warnings: rule and place of what was dropped from a record that is taken all the same.
    """

    offer: Mapping[str, Any]
    organisation: tuple[str, Mapping[str, Any]] | None = None
    contacts: tuple[ContactDraft, ...] = ()
    content: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Reject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A record that is none of ours: `ours` (came from this hub), `out_of_scope`."""

    reason: Literal["ours", "out_of_scope"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """The source itself says that the record is over: `explicit_delete`, `cancelled`."""

    reason: Literal["explicit_delete", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A keyed record that cannot be taken; it is seen, and its last good version stays."""

    rejects: tuple[Reject, ...]


Answer: TypeAlias = Mapped | Ignored | Withdrawn | Rejected


class Connector(Protocol):
    """One kind of feed. Registered under the entry point group `verbund.connectors`; made once per run.

    Attributes:
        version: raised when `map` would say something else of the same items; all records are mapped again then.
        settings_model: the model of `with:`.
        removal: default removal mode of the source file.
        volatile_extra: names in `extra` that do not count for the content hash.
        scope_settings: names of settings that decide what the source covers; editing them is a change of scope.
    """

    version: ClassVar[str]
    settings_model: ClassVar[type[Settings]]
    removal: ClassVar[str]
    volatile_extra: ClassVar[frozenset[str]]
    scope_settings: ClassVar[tuple[str, ...]]

    def __init__(self, settings: Any, context: SourceContext) -> None: ...

    def begin(self, cursors: Mapping[str, JSON]) -> Sequence[Request]:
        """The first requests, in the order in which they are to be made; `cursors` by part, from earlier pulls."""
        ...

    def read(self, response: Response) -> Iterator[Output]:
        """What one answer holds, streamed: a feed of any size passes through bounded memory.

        Raises:
            UnreadableError: the answer is not this kind of feed; its part is failed.
        """
        ...

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        """The record made of these items (those of the key, in order of part and id, then the needed ones)."""
        ...


class UnreadableError(Exception):
    """The answer is not what this connector reads.

    Args:
        reason: code of the rule, for example `not_json`, `truncated`, `not_a_feed`, `log_in_page`.
        detail: what was found, without personal data.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


# --- drafts ----------------------------------------------------------------------------------------------------------

_OFFER_DRAFT: dict[str, Any] = {
    "categories": (),
    "foreign_codes": (),
    "target_groups": (),
    "level_from": None,
    "level_to": None,
    "languages_of_instruction": (),
    "age_from": None,
    "age_to": None,
    "gender": None,
    "starts": (),
    "recurrence": None,
    "opening_hours": None,
    "availability": None,
    "valid_from": None,
    "valid_to": None,
    "place": None,
    "online_url": None,
    "area_served": (),
    "cost": None,
    "funding": (),
    "registration": None,
    "access": None,
    "childcare": None,
    "barrier_free": None,
    "source_url": None,
}
_SAYABLE = frozenset((*_OFFER_DRAFT, "extra", "origin"))


def draft_offer(kind: str, texts: Mapping[str, Mapping[str, Any]], **fields: Any) -> dict[str, Any]:
    """An offer with everything unknown but what is given; names and meaning are those of `types/Offer.avsc`.

    Raises:
        TypeError: a field that a source cannot say.
    """
    if not fields.keys() <= _SAYABLE:
        raise TypeError(f"an offer draft has no field {', '.join(sorted(fields.keys() - _SAYABLE))}")
    return {**_OFFER_DRAFT, "kind": kind, "texts": texts, "extra": {}, **fields}


def draft_text(
    title: str,
    *,
    summary: str | None = None,
    description_html: str | None = None,
    description_text: str | None = None,
    translation: str = "original",
) -> dict[str, Any]:
    """A text of an offer in one language."""
    return {
        "title": title,
        "summary": summary,
        "description_html": description_html,
        "description_text": description_text,
        "translation": translation,
    }


def draft_organisation(name: str, **fields: Any) -> dict[str, Any]:
    """An organisation with everything unknown but what is given."""
    return {"name": name, "kind": None, "url": None, "place": None, "extra": {}, **fields}


_PLACE: dict[str, Any] = dict.fromkeys(
    ("key", "name", "street", "postcode", "town", "ags8", "lon", "lat", "position_source")
)


def place(**fields: Any) -> dict[str, Any]:
    """A place with everything unknown but what is given."""
    return {**_PLACE, **fields}


def occurrence(start: str, end: str | None = None, **fields: Any) -> dict[str, Any]:
    """A dated start; instants in UTC with Z."""
    return {
        "start": start,
        "end": end,
        "all_day": False,
        "zone": "Europe/Berlin",
        "seats": None,
        "seats_free": None,
        "waiting": None,
        "registration_until": None,
        "exam_on": None,
        "status": None,
        **fields,
    }


def first_of(values: Iterable[str | None]) -> str | None:
    """The first value that says something."""
    return next((value for value in values if value), None)
