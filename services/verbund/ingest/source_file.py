"""Source files: one YAML file says how one feed of one district is read."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import orjson
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from verbund.errors import SourceFileError
from verbund.i18n import N_
from verbund_connectors.kit import Connector, ContactPolicy, Settings
from verbund_schemas import districts

Removal: TypeAlias = Literal["explicit", "full-list", "status", "expiry", "none"]

_DURATION = re.compile(r"^(\d+)\s*(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_KEY = re.compile(r"(password|passwort|secret|token|api_?key|authorization)$", re.IGNORECASE)


def _duration(value: object) -> object:
    if isinstance(value, str) and (match := _DURATION.match(value.strip())):
        return timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if isinstance(value, timedelta):
        return value
    raise ValueError("a duration is a number and s, m, h or d, for example 24h")


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Schedule(_Strict):
    """When a source is pulled; times of `not_between` are local, `HH:MM-HH:MM`."""

    every: Duration
    jitter: Duration = timedelta(0)
    not_between: tuple[Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")], ...] = ()


class Grace(_Strict):
    """Both must be met before an absent record is withdrawn."""

    missing_runs: Annotated[int, Field(ge=1)] = 2
    missing_for: Duration = timedelta(hours=24)


class _Share(_Strict):
    share: Annotated[float, Field(gt=0)]


class _Shrink(_Strict):
    count: Annotated[int, Field(ge=0)] = 3
    share: Annotated[float, Field(gt=0, le=1)] = 0.10


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


def load_source(
    path: Path, *, connectors: Mapping[str, type[Connector]], environ: Mapping[str, str] = os.environ
) -> SourceFile:
    """Read and check one source file.

    Raises:
        SourceFileError: with file, line and, for an unknown name, the nearest known one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceFileError("{file} cannot be read: {why}", file=str(path), why=_why(error)) from error
    try:
        document, lines = _parse(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SourceFileError(
            "{file}, line {line}: this is not YAML: {why}",
            file=path.name,
            line=mark.line + 1 if mark else 1,
            why=getattr(error, "problem", None) or "unreadable",
        ) from error
    if not isinstance(document, dict):
        raise SourceFileError("{file} holds no mapping of keys; see `verbund source init`", file=path.name)
    return _checked(document, lines, text=text, path=path, connectors=connectors, environ=environ)


def _checked(
    document: dict[str, Any],
    lines: Mapping[tuple[str, ...], int],
    *,
    text: str,
    path: Path,
    connectors: Mapping[str, type[Connector]],
    environ: Mapping[str, str],
) -> SourceFile:
    name = document.get("connector")
    if isinstance(name, str) and name not in connectors:
        nearest = _nearest(name, connectors)
        said = N_("{file}, line {line}: there is no connector {name!r}; did you mean {nearest!r}?")
        if nearest is None:
            said = N_(
                "{file}, line {line}: there is no connector {name!r}; `verbund doctor` lists those that are installed"
            )
        raise _complaint(path, lines, ("connector",), said, name=name, nearest=nearest)
    try:
        plain = SourceFile.model_validate({**document, "_loaded": False})
    except ValidationError as error:
        raise _explained(error, path, lines, SourceFile, prefix=()) from error
    connector = connectors[plain.connector]
    model = connector.settings_model
    resolved = _resolved(plain.with_, ("with",), path=path, lines=lines, environ=environ)
    try:
        settings = model.model_validate(resolved)
    except ValidationError as error:
        raise _explained(error, path, lines, model, prefix=("with",)) from error
    digest = hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return plain.model_copy(
        update={"connector_class": connector, "settings": settings, "digest": digest, "path": path, "text": text}
    )


def _parse(text: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """The document and the line of each key; a key given twice is an error, since YAML would drop the first."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    lines: dict[tuple[str, ...], int] = {}
    if node is not None:
        for at, line, mark in _keys(node, ()):
            if at in lines:
                raise yaml.MarkedYAMLError(problem=f"{at[-1]} is given twice", problem_mark=mark)
            lines[at] = line
    return yaml.safe_load(text), lines


def _keys(node: yaml.Node, prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int, yaml.Mark]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            at = (*prefix, str(key.value))
            yield at, key.start_mark.line + 1, key.start_mark
            yield from _keys(value, at)


def _resolved(
    value: Any, at: tuple[str, ...], *, path: Path, lines: Mapping[tuple[str, ...], int], environ: Mapping[str, str]
) -> Any:
    if isinstance(value, dict):
        return {
            key: _resolved(inner, (*at, str(key)), path=path, lines=lines, environ=environ)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_resolved(inner, at, path=path, lines=lines, environ=environ) for inner in value]
    if not isinstance(value, str):
        return value
    secret = bool(_SECRET_KEY.search(at[-1]))
    if secret and value.startswith("file:"):
        try:
            return (path.parent / value.removeprefix("file:")).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise _complaint(
                path,
                lines,
                at,
                N_("{file}, line {line}: the file of this secret cannot be read ({why})"),
                why=_why(error),
            ) from error
    names = _REFERENCE.findall(value)
    if secret and not names:
        raise _complaint(
            path,
            lines,
            at,
            N_("{file}, line {line}: a secret is written as {example} or file:PATH, never in the file itself"),
            example="${NAME}",
        )
    for name in names:
        if name not in environ:
            raise _complaint(
                path,
                lines,
                at,
                N_("{file}, line {line}: the environment has no {name}; set it or use file:PATH"),
                name=name,
            )
    return _REFERENCE.sub(lambda match: environ[match[1]], value)


def _explained(
    error: ValidationError,
    path: Path,
    lines: Mapping[tuple[str, ...], int],
    model: type[BaseModel],
    *,
    prefix: tuple[str, ...],
) -> SourceFileError:
    # A misspelt key is the cause of a missing one.
    first = min(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
    at = (*prefix, *(str(step) for step in first["loc"]))
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        nearest = _nearest(at[-1], known)
        said = N_("{file}, line {line}: unknown key {name!r}; did you mean {nearest!r}?")
        if nearest is None:
            said = N_("{file}, line {line}: unknown key {name!r}; take it out")
        return _complaint(path, lines, at, said, name=at[-1], nearest=nearest)
    if first["type"] == "missing":
        return _complaint(path, lines, at, N_("{file}, line {line}: {name} is missing"), name=".".join(at))
    message = str(first["msg"]).removeprefix("Value error, ")
    return _complaint(
        path, lines, at, N_("{file}, line {line}: {name}: {why}"), name=".".join(at) or path.name, why=message
    )


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that would be known at this place, as the file spells them."""
    for step in loc:
        field = next((f for n, f in model.model_fields.items() if step in (n, f.alias)), None)
        inner = getattr(field, "annotation", None)
        inner = next(
            (a for a in getattr(inner, "__args__", (inner,)) if isinstance(a, type) and issubclass(a, BaseModel)), inner
        )
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items() if not field.exclude]


def _complaint(
    path: Path,
    lines: Mapping[tuple[str, ...], int],
    at: tuple[str, ...],
    what: str,
    **facts: str | None,
) -> SourceFileError:
    """The marked sentence, with the line of the key, or of the nearest key above it."""
    while at and at not in lines:
        at = at[:-1]
    return SourceFileError(what, file=path.name, line=lines.get(at, 1), **facts)


def _nearest(name: str, known: Mapping[str, Any] | list[str]) -> str | None:
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()


__all__ = ["Grace", "Guards", "Schedule", "Settings", "SourceFile", "load_source"]
