"""Reading source files: YAML in, a checked `SourceFile` out, or what is wrong with its line."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import BaseModel, ValidationError

from verbund.errors import SourceFileError
from verbund.i18n import N_
from verbund.ingest.source_file import SourceFile
from verbund_connectors.kit import Connector

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET_KEY = re.compile(r"(password|passwort|secret|token|api_?key|authorization)$", re.IGNORECASE)


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


def _why(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
