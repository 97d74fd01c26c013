"""Log lines: one per unit of work, on stderr, UTC, secrets and personal data masked by their type.

A program calls `configure` once; everybody else writes `log = structlog.get_logger()` and
`log.info("feed_pulled", source=…)`. Importing this module does not import structlog (200 ms, most of it for tracebacks
that we do not use).
"""

from __future__ import annotations

import hmac
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, ClassVar, Final, Literal, TextIO, TypeAlias, cast, final

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
Format: TypeAlias = Literal["console", "json"]

# Libraries whose chatter is not ours. They stay so on `debug` too: httpcore would show headers, kafka its log-in.
_QUIET: Final = ("kafka", "httpx", "httpcore", "hpack", "urllib3", "asyncio", "sqlalchemy", "uvicorn.access")
# Tells where the server listens.
_TALKING: Final = ("uvicorn", "uvicorn.error")

# Logged values are flat; deeper than this is a mistake and is not looked into.
_DEEPEST = 6


class _Masked:
    """A text that shows itself only to who asks for it by name."""

    __slots__ = ("_text",)
    _MASK: ClassVar[str] = "***"

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the one place that needs it, never for a log, an error or a report."""
        return self._text

    def __repr__(self) -> str:
        return self._MASK

    def __format__(self, _spec: str) -> str:
        return self._MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((type(self), self._text))

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"a {type(self).__name__} does not travel: reveal it where it is needed")


@final
class Secret(_Masked):
    """A password, key or token."""

    __slots__ = ()


@final
class Personal(_Masked):
    """A name, address or number of a person."""

    __slots__ = ()
    _MASK = "[personal]"


def configure(level: Level = "info", format: Format | None = None, *, stream: TextIO | None = None) -> None:  # noqa: A002 - the setting's name
    """Send the lines of structlog and of all libraries to stderr, in one form.

    Args:
        level: of our own lines; libraries show warnings only.
        format: None: `console` when stderr is a terminal, else `json`.
        stream: instead of stderr, which is looked up for each line.
    """
    import structlog  # noqa: PLC0415 - see the module's docstring

    out = cast("TextIO", _Out(stream))
    shape = format or ("console" if out.isatty() else "json")
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(_traceback),
        masked,
    ]
    renderer = _renderer(shape, colours=out.isatty())
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,  # a line per unit of work: nothing to gain, and a second `configure` counts
    )
    handler = _OfLibraries(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    _route(handler, level)


def masked(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: secrets, personal data and bytes become their mask, errors of ours their sentence."""
    return {name: _shown(value, _DEEPEST) for name, value in line.items()}


def _shown(value: Any, deeper: int) -> Any:
    match value:
        case str() | int() | float() | None:
            return value
        case _Masked():
            return repr(value)
        case bytes() | bytearray() | memoryview():
            return f"<{len(value)} bytes>"  # a key or a body, neither is for a log
        case BaseException():
            return f"{getattr(value, 'error_code', type(value).__name__)}: {value}"
        case Mapping() | list() | tuple() | set() | frozenset() if not deeper:
            return "…"
        case Mapping():
            return {str(name): _shown(inner, deeper - 1) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_shown(inner, deeper - 1) for inner in value]
        case _:
            return value


def _traceback(exc_info: Any) -> str:
    """A traceback without the values of local variables, which hold what nobody wrapped."""
    import traceback  # noqa: PLC0415 - only when something failed

    return "".join(traceback.format_exception(*exc_info)).rstrip()


def _renderer(shape: Format, *, colours: bool) -> Any:
    import structlog  # noqa: PLC0415 - see the module's docstring

    if shape == "console":
        return structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def _route(handler: logging.Handler, level: Level) -> None:
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _OfLibraries)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _TALKING:
        logging.getLogger(name).setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    for name in (*_QUIET, *_TALKING):  # uvicorn brings handlers of its own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


class _OfLibraries(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` finds and replaces it and leaves those of others alone."""


class _Out:
    """Stderr as it is when a line is written: tests and terminals change it."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return (self._stream or sys.stderr).write(text)

    def flush(self) -> None:
        (self._stream or sys.stderr).flush()

    def isatty(self) -> bool:
        return (self._stream or sys.stderr).isatty()
