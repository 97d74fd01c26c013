"""Where settings are written: the environment and `verbund.yaml`; names that are nearly right are named."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from verbund.errors import SettingsError

PREFIX: Final = "VERBUND_"

#: Names that Kubernetes (and Docker's links) make for a Service called `verbund` or `verbund-web`.
_MADE_BY_KUBERNETES = re.compile(r"VERBUND_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)")
_KUBERNETES_PORT = re.compile(r"VERBUND_(\w+_)?PORT")
_KUBERNETES_PORT_VALUE = re.compile(r"(tcp|udp|sctp)://")
# The tests of this repository look for sample feeds by such a name.
_OF_THE_TESTS = "VERBUND_TEST_"

_REFERENCE = re.compile(r"\$\{(\w+)\}")
_NEAR = 0.5  # difflib: half of the letters in order; a swapped or a missing letter scores above 0.8


def from_environment(environ: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """Settings of variables `VERBUND_...`; empty ones are not set.

    Raises:
        SettingsError: a variable that is no setting.
    """
    known = tuple(PREFIX + name.upper() for name in names)
    values: dict[str, Any] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(_OF_THE_TESTS):
            continue
        if variable in known:
            if value.strip():  # compose files pass on empty variables
                values[variable.removeprefix(PREFIX).lower()] = value.strip()
        elif not _of_kubernetes(variable, value):
            raise _unknown_variable(variable, known)
    return values


def _of_kubernetes(variable: str, value: str) -> bool:
    if _MADE_BY_KUBERNETES.fullmatch(variable):
        return True
    return bool(_KUBERNETES_PORT.fullmatch(variable) and _KUBERNETES_PORT_VALUE.match(value))


def from_file(
    path: Path, environ: Mapping[str, str], names: tuple[str, ...], *, nested: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """Settings of a file; without the file, none. `nested`: those of `alerts: {to: ...}` are called `alerts_to`.

    Raises:
        SettingsError: the file is no YAML, has a key that is no setting, or names a secret that is not there.
    """
    text = _text_of(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SettingsError(
            "{file} is no YAML: {reason}.",
            file=str(path),
            line=mark.line + 1 if mark else None,
            reason=getattr(error, "problem", None) or "unreadable",
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError("{file} must hold names and values, such as `listen: 127.0.0.1:8080`.", file=str(path))
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    lines = {key.value: key.start_mark.line + 1 for key, _value in entries}
    for key in content:
        if key not in names:
            raise _unknown_key(str(key), names, path, lines.get(str(key)))
    found: dict[str, Any] = {}
    for name, value in content.items():
        if name in nested:
            found |= _flat(name, value or {}, nested[name], environ, path, lines[name])
        elif value is not None:
            found[name] = _resolved(value, environ, path, lines[name])
    return found


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError("{file} cannot be read: {reason}.", file=str(path), reason=str(error)) from error


def _flat(
    name: str,
    inner: Any,
    names: tuple[str, ...],
    environ: Mapping[str, str],
    path: Path,
    line: int,
) -> dict[str, Any]:
    if not isinstance(inner, dict):
        raise SettingsError(
            "{file}: {name} must hold names and values, one below the other.", file=str(path), line=line, name=name
        )
    for key in inner:
        if key not in names:
            raise _unknown_key(str(key), names, path, line)
    return {
        f"{name}_{key}": [_resolved(part, environ, path, line) for part in value]
        if isinstance(value, list)
        else _resolved(value, environ, path, line)
        for key, value in inner.items()
        if value is not None
    }


def secret_file(name: str, value: Any, base: Path) -> Any:
    """The value, or with `file:PATH` what lies there; the path is relative to `base`.

    Raises:
        SettingsError: nothing can be read there.
    """
    if not isinstance(value, str) or not value.startswith("file:"):
        return value
    try:
        return (base / value.removeprefix("file:")).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            "The setting {name} names a file for a secret that cannot be read: {reason}.",
            name=name,
            reason=error.strerror or str(error),
        ) from error


def _resolved(value: Any, environ: Mapping[str, str], path: Path, line: int) -> Any:
    """Replace `${NAME}` by the variable; `file:` secrets are read for values under `kafka:` only."""
    if isinstance(value, dict):
        return {
            key: _beside(key, _secret(_resolved(part, environ, path, line), path, line), path)
            for key, part in value.items()
        }
    if not isinstance(value, str):
        return value

    def variable(match: re.Match[str]) -> str:
        if match[1] not in environ:
            raise SettingsError(
                "{file} names the environment variable {variable}, which is not set.",
                file=str(path),
                line=line,
                variable=match[1],
            )
        return environ[match[1]]

    return _REFERENCE.sub(variable, value)


def _beside(key: str, value: Any, path: Path) -> Any:
    """`cafile`, `certfile`, `keyfile` are meant from the home."""
    return str(path.parent / value) if key.endswith("file") and isinstance(value, str) else value


def _secret(value: Any, path: Path, line: int) -> Any:
    if not isinstance(value, str):
        return value if isinstance(value, dict) else str(value)
    if not value.startswith("file:"):
        return value
    try:
        return (path.parent / value.removeprefix("file:")).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(
            "{file} names a file for a secret that cannot be read: {reason}.",
            file=str(path),
            line=line,
            reason=error.strerror or str(error),
        ) from error


def nearest(name: str, known: tuple[str, ...]) -> str | None:
    """The known name that this one was probably meant to be."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)), None)


def _unknown_variable(name: str, known: tuple[str, ...]) -> SettingsError:
    if (guess := nearest(name, known)) is None:
        return SettingsError("The environment variable {name} is no setting of Verbund.", name=name)
    return SettingsError(
        "The environment variable {name} is no setting of Verbund; did you mean {nearest}?", name=name, nearest=guess
    )


def _unknown_key(name: str, known: tuple[str, ...], path: Path, line: int | None) -> SettingsError:
    facts: dict[str, Any] = {"name": name, "file": str(path), "line": line}
    if (guess := nearest(name, known)) is None:
        return SettingsError("{file} has an unknown key {name}.", **facts)
    return SettingsError("{file} has an unknown key {name}; did you mean {nearest}?", nearest=guess, **facts)
