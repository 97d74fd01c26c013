"""Bodies of the API, for its description and for those who generate clients from it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class FacetValue(BaseModel):
    """One value of a facet."""

    value: str
    label: str
    count: int = Field(description="Exact number of offers that choosing it gives, all other filters applied.")


class FoundOffer(BaseModel):
    """What a list needs of an offer."""

    model_config = ConfigDict(extra="allow")

    offer_id: str
    title: str | None = Field(description="In the language asked for, else German, else the first there is.")
    language: str | None = Field(description="Language of the title.")
    kind: str
    district: str
    source: str
    organisation: str | None
    place: dict[str, Any] | None
    next_start: str | None = Field(description="Next dated start: an instant (UTC), or a day for whole days.")
    cost: dict[str, Any] | None
    state: str = Field(description="live, or missed: absent from its source's last complete pull, not withdrawn yet.")
    last_changed: str
    marks: dict[str, list[tuple[str, bool]]] = Field(
        description="Title and the text around the first match, in pieces; true: what was looked for."
    )


class FoundOffers(BaseModel):
    """The answer of a search."""

    total: int = Field(description="Exact number of offers found, on all pages.")
    facets: dict[str, list[FacetValue]]
    items: list[FoundOffer]
    next: str | None = Field(description="Address of the next page.")
    corrected: list[str] = Field(
        description="Words that no offer has as typed: only those with one letter changed were found."
    )


class WholeOffer(BaseModel):
    """The record of the schema `Offer`, and where it stands."""

    model_config = ConfigDict(extra="allow")

    offer_id: str
    district: str
    source: str
    kind: str
    texts: dict[str, dict[str, Any]] = Field(description="By language.")
    state: str
    revision: int
    last_changed: str | None
    passed_on: bool = Field(description="False: its licence does not allow passing the content on.")
    overrides: list[dict[str, Any]] = Field(
        default=[],
        description="Fields that people set at the hub: field, value, own (what the source says), counts, by, note, at.",
    )


class HistoryStep(BaseModel):
    """One revision."""

    revision: int
    type: str
    state: str
    at: str = Field(description="When the log took it, UTC.")
    run_id: str | None
    cause: str | None
    reason: str | None
    changes: dict[str, list[Any]] = Field(description="Fields that changed: old and new value.")


class OfferHistory(BaseModel):
    """Revisions, the newest first."""

    offer_id: str
    total: int
    items: list[HistoryStep]


class ChangeItem(BaseModel):
    """One change."""

    number: int
    kind: str = Field(description="offer or organisation.")
    id: str
    type: str
    revision: int
    district: str
    source: str
    deleted: bool
    state: str
    changed_at: str
    data: dict[str, Any] | None = Field(description="The content as it stands now.")
    withheld: str | None = Field(description="licence: it may not be passed on.")


class ChangeFeed(BaseModel):
    """A page of changes."""

    epoch: int
    items: list[ChangeItem]
    after: str = Field(description="Keep it: the position after this page.")
    next: str = Field(description="Where to go on, now or later.")
    more: bool = Field(description="There is more already.")


class DistrictFacts(BaseModel):
    """One district."""

    district: str
    name: str
    full_name: str
    state: str
    lon: float
    lat: float
    neighbours: list[str]
    offers: int
    sources: list[str]


class Districts(BaseModel):
    """All districts."""

    total: int
    items: list[DistrictFacts]
    attribution: str = Field(description="Must stand wherever points or neighbours are shown.")


class Source(BaseModel):
    """One source."""

    model_config = ConfigDict(extra="allow")

    source: str
    district: str
    title: str | None
    health: str = Field(description="healthy, warning, degraded, held, never_run.")
    because: list[str]
    last_run: dict[str, Any] | None
    fresh_at: str | None = Field(description="End of the last complete run.")
    resumes_at: str | None = Field(
        default=None, description="The source asked for patience; it is not pulled before then."
    )
    rejects: int
    score: float | None = Field(
        default=None, description="Quality of what it shows, 0 to 100; a rejected record counts as an offer with 0."
    )


class RejectGroup(BaseModel):
    """Rejected records that break the same rule in the same field."""

    model_config = ConfigDict(extra="allow")

    rule: str
    title: str = Field(description="The rule in the language asked for.")
    place: str
    count: int
    regressed: int = Field(description="How many of them were good before.")
    back: bool = Field(description="The whole group had been cleared and is there again.")
    first_seen: str
    last_seen: str
    text: str
    fix: str = Field(description="What the provider can do.")


class Rejects(BaseModel):
    """What a source could not deliver."""

    source: str
    total: int = Field(description="Number of records.")
    items: list[RejectGroup]


class Sources(BaseModel):
    """All sources."""

    total: int
    items: list[Source]


class HoldDocument(BaseModel):
    """A set of changes that waits for a person."""

    model_config = ConfigDict(extra="allow")

    hold_id: str
    source: str
    district: str
    guard: str = Field(description="Code of what holds it; `verbund explain` has the long text.")
    guard_label: str
    state: str = Field(
        description="open; answered (the next complete run carries it out); expired; rejected (kept); closed."
    )
    sentence: str = Field(description="The question in the language asked for.")
    message: dict[str, str] = Field(description="The question by language.")
    count: int = Field(description="Records of the set.")
    counts: dict[str, int] = Field(description="Records of the set by what would be done with them.")
    examples: list[dict[str, Any]] = Field(description="Up to ten: action, record_key, offer_id, title, like.")
    set_digest: str = Field(description="Names the set; send it with your answer.")
    run_id: str
    opened_at: str
    expires: str
    reminders: list[str] = Field(description="When people are reminded of it; empty when nobody is.")
    answer: str | None = Field(description="allow_once, allow_up_to, reject; expired or resolved without an answer.")
    up_to: int | None
    by: str | None = Field(description="Name of the key that answered, or cli.")
    ended_at: str | None
    released: int | None = Field(description="Records of the set whose change was carried out.")
    note: str | None = Field(default=None, description="Only with a key of the district.")


class Holds(BaseModel):
    """Holds, the oldest first."""

    total: int
    items: list[HoldDocument]


class HeldRecord(BaseModel):
    """One record of a held set."""

    action: str
    record_key: str
    offer_id: str | None
    title: str | None


class HoldRecords(BaseModel):
    """A page of the set."""

    hold_id: str
    set_digest: str
    total: int
    items: list[HeldRecord]
    next: str | None = Field(description="Address of the next page.")


class Answered(BaseModel):
    """The answer is in the log."""

    hold_id: str
    source: str
    state: str
    answer: str
    up_to: int | None
    by: str | None = Field(description="Name of the key whose answer counts.")
    soon: bool = Field(description="The scheduler of this machine was told to run the source.")
    next: str = Field(description="What happens next, in the language asked for.")


class Alive(BaseModel):
    """This process."""

    status: str
    version: str
