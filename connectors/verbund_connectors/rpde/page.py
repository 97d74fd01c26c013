"""A page of an RPDE feed: bytes to items, and whether the walk may go on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import orjson

from verbund_connectors.html import MAX_URL
from verbund_connectors.kit import Response, UnreadableError

# Longest run of pages between two looks at the same address; doubles, so that a loop of any length is found.
_FIRST_STRIDE = 2
# RPDE allows numbers beyond what a JSON parser keeps exactly; the store of versions has 64 bits.
_MAX_MODIFIED = 2**63 - 1
_CHARSET = re.compile(r"charset=[\"']?([a-z0-9_-]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """What an RPDE page says."""

    next: str
    items: list[Any]
    license: str | None


def parse(response: Response) -> Page:
    """The page.

    Raises:
        UnreadableError: no JSON, or not the envelope of RPDE.
    """
    body = response.body.read().removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise UnreadableError("empty", "the answer has no content")
    if body.lstrip()[:1] == b"<":
        raise UnreadableError("log_in_page", "a web page instead of an RPDE feed")
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        data = _in_other_charset(body, response.headers, error)
    if not isinstance(data, dict) or not isinstance(data.get("items"), list) or not isinstance(data.get("next"), str):
        raise UnreadableError("not_a_feed", "an RPDE page is an object with `next` and `items`")
    items = data["items"]
    if any(isinstance(item, dict) and isinstance(item.get("id"), float) for item in items):
        # An integer beyond 64 bits: read again by the parser that keeps every digit.
        items = json.loads(body, parse_constant=_refused)["items"]
    licence = data.get("license")
    return Page(data["next"], items, licence if isinstance(licence, str) else None)


def _refused(text: str) -> NoReturn:
    raise UnreadableError("not_json", f"{text} is no JSON number")


def _in_other_charset(body: bytes, headers: Mapping[str, str], error: Exception) -> Any:
    """JSON is UTF-8; a server that declares another encoding is believed."""
    named = _CHARSET.search(headers.get("content-type", ""))
    if named and named[1].lower() not in {"utf-8", "utf8"}:
        try:
            return orjson.loads(body.decode(named[1]))
        except (ValueError, LookupError):
            pass
    raise UnreadableError("not_json", f"the answer cannot be read as JSON ({error})") from error


def modified_of(item: Mapping[str, Any]) -> int | None:
    """The item's version when it is a whole number that 64 bits hold."""
    value = item.get("modified")
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_MODIFIED:
        return value
    return None


def id_of(item: Mapping[str, Any]) -> str | None:
    """The item's id as text; whole numbers count, anything else does not."""
    value = item.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


# --- the walk --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """Where a walk is; travels in `Request.state` and has the same size on every page.

    Attributes:
        page: 1 for the first one of this pull.
        resumed: began at a cursor.
        mark, mark_at: an address seen before and its page: meeting it again is a loop (Brent's algorithm).
        last: version and id of the last item so far.
        flaw: what was out of order on an earlier page.
    """

    page: int = 1
    resumed: bool = False
    mark: str = ""
    mark_at: int = 1
    stride: int = _FIRST_STRIDE
    last: tuple[str, str] | None = None
    flaw: str = ""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Step:
        """From the state of a request."""
        last = state.get("last")
        return cls(**{**state, "last": tuple(last) if last else None})

    def state(self) -> dict[str, Any]:
        """For a request; only what says something."""
        empty = Step()
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in said.items()
            if value != getattr(empty, name)
        }

    def following(self, url: str, last: tuple[str, str] | None, flaw: str) -> Step:
        """The next step, which will ask for what comes after `url`."""
        mark, at, stride = self.mark or url, self.mark_at, self.stride
        if self.page - at >= stride:
            mark, at, stride = url, self.page, stride * 2
        return Step(self.page + 1, self.resumed, mark, at, stride, last or self.last, flaw or self.flaw)


def is_same_address(a: str, b: str) -> bool:
    """Equal byte for byte, or but for percent encoding."""
    return a == b or unquote(a) == unquote(b)


def why_not(next_url: str, asked: str) -> str | None:
    """Why the address in `next` must not be followed: `next_relative`, `next_other_host`; None when it may."""
    if len(next_url) > MAX_URL:
        return "next_unusable"
    try:
        there, here = urlsplit(next_url), urlsplit(asked)
        ports = there.port, here.port
    except ValueError:
        return "next_unusable"
    if not there.scheme or not there.netloc:
        return "next_relative"
    if there.scheme not in {"http", "https"} or "@" in there.netloc:
        return "next_unusable"
    upgrade = (here.scheme, there.scheme) == ("http", "https") and ports == (None, None)
    if there.hostname != here.hostname or (there.scheme != here.scheme and not upgrade):
        return "next_other_host"
    default = 443 if there.scheme == "https" else 80
    if not upgrade and (ports[0] or default) != (ports[1] or default):
        return "next_other_host"
    return None


def disorder(items: list[Any], before: tuple[str, str] | None) -> Iterator[str]:
    """`modified_not_rising` when an item is older than the one before it, on this page or the last one."""
    last = int(before[0]) if before and before[0].isdecimal() else None
    for item in items:
        modified = modified_of(item) if isinstance(item, dict) else None
        if modified is None:
            continue
        if last is not None and modified < last:
            yield "modified_not_rising"
            return
        last = modified
