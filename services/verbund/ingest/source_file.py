"""Source files: one YAML file says how one feed of one district is read."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from verbund import hours
from verbund_connectors.kit import ContactPolicy
from verbund_schemas import districts

Removal: TypeAlias = Literal["explicit", "full-list", "status", "expiry", "none"]

#: How long a run may read from its source and map, unless the source file says otherwise.
RUN_TIMEOUT = timedelta(hours=1)

_DURATION = re.compile(r"^(\d+)\s*(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _duration(value: object) -> object:
    if isinstance(value, str) and (match := _DURATION.match(value.strip())):
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if isinstance(value, timedelta):
        return value
    raise ValueError("a duration is a number and s, m, h or d, for example 24h")


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _a_span(text: str) -> str:
    hours.parsed(text)
    return text


# Nobody's feed changes faster, and nobody wants to be asked more often.
_SHORTEST_RHYTHM = timedelta(seconds=10)


class Schedule(_Strict):
    """When a source is pulled, and how long that may take; for the spans of local time see `verbund.hours`."""

    every: Annotated[Duration, Field(ge=_SHORTEST_RHYTHM)]
    jitter: Duration = timedelta(0)
    not_between: tuple[Annotated[str, AfterValidator(_a_span)], ...] = ()
    timeout: Annotated[Duration, Field(ge=timedelta(seconds=1))] = RUN_TIMEOUT


class Grace(_Strict):
    """Both must be met before an absent record is withdrawn."""

    missing_runs: Annotated[int, Field(ge=1)] = 2
    missing_for: Duration = timedelta(hours=24)


class _Share(_Strict):
    share: Annotated[float, Field(gt=0)]


# A source with fewer offers than this holds from the second one that goes missing.
SMALL_SOURCE = 10


class _Shrink(_Strict):
    count: Annotated[int, Field(ge=0)] = 3
    share: Annotated[float, Field(gt=0, le=1)] = 0.10

    def within_a_week(self, live: int) -> float:
        """How many of so many may go missing within a week."""
        return 1.0 if live < SMALL_SOURCE else self.at_once(live)

    def at_once(self, live: int) -> float:
        """How many of so many their source may call off or delete at once."""
        return max(float(self.count), self.share * live)


def _off(value: object) -> object:
    return "off" if value is False else value  # YAML reads a bare `off` as false


_ShareOrOff: TypeAlias = Annotated[_Share | Literal["off"], BeforeValidator(_off)]


class Guards(_Strict):
    """What makes a run wait for a person; see `docs/` for each guard."""

    shrink: Annotated[_Shrink | Literal["off"], BeforeValidator(_off)] = _Shrink()
    empty: Annotated[Literal["hold", "off"], BeforeValidator(_off)] = "hold"
    id_churn: _ShareOrOff = _Share(share=0.5)
    revise: _ShareOrOff = _Share(share=0.5)
    blanked: _ShareOrOff = _Share(share=0.3)
    growth: _ShareOrOff = _Share(share=1.0)
    frozen: Annotated[Duration | Literal["off"], BeforeValidator(_off)] = timedelta(days=60)

    @property
    def frozen_after_s(self) -> int:
        """After how many seconds without a change a source is worth a look; 0: never."""
        return 0 if self.frozen == "off" else int(self.frozen.total_seconds())

    def share(self, guard: str) -> float:
        """The share at which a guard fires that is not off."""
        return float(getattr(self, guard).share)


class SourceFile(_Strict):
    """A source as its file describes it, references to secrets resolved in `settings` only.

    Attributes:
        connector_class: the registered connector.
        settings: its validated own settings.
        digest: SHA-256 in hex of the canonical file, references unresolved.
        path: where the file lies; `path:` settings are relative to its folder.
        text: the file as it was read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    source: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    district: str
    connector: str
    title: str | None = None
    licence: str | None = None
    attribution: str | None = None
    contacts: ContactPolicy = "functions"
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    schedule: Schedule | None = None
    removal: Removal | None = None
    grace: Grace | None = None
    guards: Guards = Guards()
    renamed_from: str | None = None

    connector_class: Any = Field(default=None, exclude=True)
    settings: Any = Field(default=None, exclude=True)
    digest: str = Field(default="", exclude=True)
    path: Path = Field(default=Path(), exclude=True)
    text: str = Field(default="", exclude=True)

    @field_validator("district", mode="before")
    @classmethod
    def _known_district(cls, value: object) -> object:
        if isinstance(value, int):
            raise ValueError('a district key is a string: write its five digits in quotes, "07233"')  # noqa: TRY004 — pydantic
        if isinstance(value, str) and value not in districts():
            raise ValueError(f"{value} is no district key; five digits, for example 05954 for Ennepe-Ruhr-Kreis")
        return value

    @model_validator(mode="before")
    @classmethod
    def _no_inner_fields(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("_loaded"):
            inner = {"connector_class", "settings", "digest", "path", "text", "with_"} & data.keys()
            if inner:
                raise ValueError(f"unknown key {min(inner)}")
        if isinstance(data, dict):
            data.pop("_loaded", None)
        return data

    @property
    def removal_mode(self) -> str:
        """The file's removal mode, else the connector's default."""
        return self.removal or str(self.connector_class.removal)

    @property
    def effective_grace(self) -> Grace:
        """The file's grace; for a file somebody hands in, none: a person saw the plan."""
        if self.grace is not None:
            return self.grace
        if "path" in self.with_:
            return Grace(missing_runs=1, missing_for=timedelta(0))
        return Grace()

    @property
    def timeout(self) -> timedelta:
        """How long a run may read from the source and map."""
        return self.schedule.timeout if self.schedule else RUN_TIMEOUT

    @property
    def mapping_version(self) -> str:
        """Changes whenever the same items could be mapped to something else."""
        said = orjson.dumps([self.with_, self.contacts, self.licence, self.attribution], option=orjson.OPT_SORT_KEYS)
        return f"{self.connector}/{self.connector_class.version}+{hashlib.sha256(said).hexdigest()[:12]}"

    @property
    def scope(self) -> dict[str, str]:
        """The settings that decide what the source covers."""
        dumped = self.settings.model_dump(mode="json")
        return {
            name: _text(dumped[name]) for name in self.connector_class.scope_settings if dumped.get(name) is not None
        }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
