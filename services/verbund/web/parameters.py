"""The filters of `/v1/offers` and of the search page: one model, so that both take the same addresses."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from verbund.views.search import SearchQuery
from verbund.views.search_query import MOST_HITS
from verbund.views.search_space import MOST_KM
from verbund_schemas import districts, vocabulary

Cost = Literal["free", "paid", "unknown"]

#: Filters that take several values, joined by OR.
LISTS = (
    "district", "kind", "category", "level", "target_group", "language", "free", "source", "organisation",
)  # fmt: skip

_VOCABULARIES = {"kind": "kind", "level": "levels"}


class OfferFilters(BaseModel):
    """What to look for. Values of one filter are joined by OR, filters by AND; give a list as `level=A1&level=A2`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    q: Annotated[
        str,
        Field(
            max_length=200,
            description="Words that must all occur; stemmed, umlauts as you like, one typing error forgiven. "
            'The last word may be unfinished unless a space follows. "A phrase" in quotes.',
            examples=["deutschkurs mütter"],
        ),
    ] = ""
    district: Annotated[list[str], Field(description="Five-digit district keys.", examples=[["05954"]])] = []
    neighbours: Annotated[bool, Field(description="With the districts that border on those.")] = False
    near: Annotated[
        str | None,
        Field(pattern=r"^-?\d+(\.\d+)?,-?\d+(\.\d+)?$", description="Longitude,latitude.", examples=["7.29,51.28"]),
    ] = None
    radius_km: Annotated[float, Field(gt=0, le=MOST_KM, description="Around `near`.")] = 10
    from_: Annotated[
        date | None,
        Field(alias="from", description="First day of the window: offers that take place or are open in it."),
    ] = None
    to: Annotated[date | None, Field(description="Last day of the window.")] = None
    level: Annotated[
        list[str], Field(description="Language levels taught: alpha, A1 … C2, B1.2.", examples=[["B1"]])
    ] = []
    language: Annotated[list[str], Field(description="Languages of instruction, ISO 639-1.")] = []
    category: Annotated[list[str], Field(description="Categories; each includes those below it.")] = []
    target_group: Annotated[list[str], Field(description="Whom it is for.")] = []
    kind: Annotated[list[str], Field(description="course, counselling, sport, event, place, programme, service.")] = []
    free: Annotated[list[Cost], Field(description="What it costs: free, paid, unknown.")] = []
    source: Annotated[list[str], Field(description="Names of sources.")] = []
    organisation: Annotated[list[str], Field(description="Ids of organisations.")] = []
    past: Annotated[bool, Field(description="Past offers, too.")] = False
    order: Annotated[
        Literal["rank", "start", "changed"],
        Field(description="rank: best match, without words the last changed; start: next start; changed."),
    ] = "rank"
    limit: Annotated[int, Field(ge=1, le=MOST_HITS, description="Offers on a page.")] = 20
    cursor: Annotated[str | None, Field(max_length=300, description="`next` of the page before.")] = None
    lang: Annotated[
        Literal["de", "en"] | None, Field(description="Language of titles and labels; else Accept-Language.")
    ] = None

    @field_validator("district", "kind", "level")
    @classmethod
    def _known(cls, values: list[str], info: Any) -> list[str]:
        for value in values:
            if info.field_name == "district" and value not in districts():
                raise ValueError(f"there is no district {value[:20]!r}; keys have five digits, see /v1/districts")
            if info.field_name in _VOCABULARIES and value not in vocabulary(_VOCABULARIES[info.field_name]):
                raise ValueError(f"there is no {info.field_name} {value[:20]!r}")
        return values

    @model_validator(mode="after")
    def _window(self) -> OfferFilters:
        if self.from_ and self.to and self.from_ > self.to:
            raise ValueError("the window ends before it begins: swap `from` and `to`")
        return self

    def query(self, today: date) -> SearchQuery:
        """The question that these filters ask."""
        near = None
        if self.near:
            lon, lat = self.near.split(",")
            near = (float(lon), float(lat), self.radius_km)
        return SearchQuery(
            today=today,
            text=self.q,
            districts=tuple(self.district),
            with_neighbours=self.neighbours,
            near=near,
            starts_from=self.from_,
            starts_to=self.to,
            levels=tuple(self.level),
            languages=tuple(self.language),
            categories=tuple(self.category),
            target_groups=tuple(self.target_group),
            kinds=tuple(self.kind),
            sources=tuple(self.source),
            organisations=tuple(self.organisation),
            free=tuple(self.free),
            past=self.past,
            order=self.order,
            limit=self.limit,
            cursor=self.cursor,
        )
