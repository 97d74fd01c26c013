"""Integreat: events, places, third-party services and, on demand, pages of one region of one Integreat CMS.

The API answers whole lists, without paging, change marks or tombstones. So every pull reads all of a region and each
language, one part per endpoint and language, and a part is complete when its array was closed and its region and
language are listed. A region that is archived still answers with data: the listing decides, not the answer.

Keys that outlive a save: `event/{event.id}`, `place/{location.id}`, `offer/{alias}`, and `page/{path}` of the default
language, each step of it being the page's first slug (so a rename stays the same page; `_reading.lasting_paths`).
The default language, the first one listed, is always read: keys, originals and fallbacks come from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, field_validator

from verbund_connectors.html import web_address
from verbund_connectors.integreat import _offers, _reading
from verbund_connectors.integreat._fields import Refused
from verbund_connectors.kit import (
    JSON,
    Answer,
    Broken,
    Item,
    Output,
    PartEnd,
    Reject,
    Rejected,
    Request,
    Response,
    Settings,
    SourceContext,
)

# 800 events took 13 s on two cores; a large region on a busy evening may need several times that.
_TIMEOUT_S = 120.0
# The first header keeps our pulls out of the region's visitor statistics.
_HEADERS = {"X-Integreat-Development": "1", "Accept": "application/json"}
_CODE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
# Endpoint to the flag of the region that switches it; switched off, it still answers.
_ENDPOINTS = {"locations": "pois", "events": "events"}


class Pages(Settings):
    """Pages that become offers: those at and below these paths of the default language."""

    roots: tuple[str, ...] = Field(min_length=1)


class IntegreatSettings(Settings):
    """`with:` of a source file.

    Attributes:
        base_url: the CMS's root, without `/api/v3`.
        region: slug of the region, as in its addresses.
        languages: codes to read beside the default one; left out, all that the region shows.
        pages: left out, no page becomes an offer.
        web_url: where people read what the CMS holds, when that is another host than `base_url`.
    """

    base_url: str
    region: str = Field(pattern=r"^[\w-]{1,200}$")
    languages: tuple[str, ...] | None = None
    pages: Pages | None = None
    web_url: str | None = None

    @field_validator("base_url", "web_url")
    @classmethod
    def _root(cls, value: str | None) -> str | None:
        if value is None:
            return None
        address = web_address(value)
        if not address or "?" in address or "#" in address:
            raise ValueError("must be an http(s) address without query, such as https://cms.example.org")
        return address.rstrip("/").removesuffix("/api/v3")

    @field_validator("languages")
    @classmethod
    def _codes(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and (not value or not all(_CODE.fullmatch(code) for code in value)):
            raise ValueError("must be codes of languages such as de, en, ar; leave it out for all")
        return value


class Integreat:
    """The connector; see the module."""

    version: ClassVar[str] = "1"
    settings_model: ClassVar[type[Settings]] = IntegreatSettings
    removal: ClassVar[str] = "full-list"
    # None of these is kept today; a later version that keeps one must not make it count.
    volatile_extra: ClassVar[frozenset[str]] = frozenset(
        {"order", "available_languages", "revision_id", "modified_gmt", "last_updated", "published_at"}
    )
    scope_settings: ClassVar[tuple[str, ...]] = ("base_url", "region", "languages", "pages")

    def __init__(self, settings: IntegreatSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._base = settings.base_url
        self._roots = tuple(root.strip("/") for root in settings.pages.roots) if settings.pages else ()

    # --- begin ---

    def begin(self, cursors: Mapping[str, JSON]) -> Sequence[Request]:  # noqa: ARG002 - every pull reads all
        """The listing of regions; the rest follows from what it says."""
        return [self._request("region", "regions/", {"step": "region"})]

    def _request(self, part: str, path: str, state: Mapping[str, JSON]) -> Request:
        url = f"{self._base}/api/v3/{path}"
        # 404 is read, not refused: it says that a region or language was switched off.
        return Request(part=part, url=url, headers=_HEADERS, state=state, expects=(200, 404), timeout_s=_TIMEOUT_S)

    def _in_region(self, part: str, path: str, state: Mapping[str, JSON]) -> Request:
        return self._request(part, f"{quote(self._settings.region, safe='')}/{path}", state)

    # --- read ---

    def read(self, response: Response) -> Iterator[Output]:
        """Listings give further requests; each list of a language gives its items and the end of its part."""
        state = response.request.state
        step = str(state["step"])
        if response.status == 404:
            yield from self._absent(response.request.part, step)
            return
        entries = _reading.array(response.body)
        if step == "region":
            yield from self._region(entries)
        elif step == "languages":
            yield from self._languages(entries, state)
        else:
            yield from self._items(step, response.request.part, entries, state)

    def _absent(self, part: str, step: str) -> Iterator[PartEnd]:
        if step in {"region", "languages"}:
            reason = "no_integreat_api" if step == "region" else "region_archived"
            yield from self._suspended(part, reason)
        else:
            yield PartEnd(part=part, state="failed", reasons=("language_off" if "." in part else "not_found",))

    def _suspended(self, part: str, reason: str) -> Iterator[PartEnd]:
        """This part and all that hang on it end as failed, so that nothing of the region is taken for gone."""
        yield PartEnd(part=part, state="failed", reasons=(reason,))
        for code in self._settings.languages or ():
            for endpoint in self._endpoints():
                yield PartEnd(part=f"{endpoint}.{code}", state="failed", reasons=(reason,))
        yield PartEnd(part="offers", state="failed", reasons=(reason,))

    def _endpoints(self) -> tuple[str, ...]:
        return (*_ENDPOINTS, "pages") if self._roots else tuple(_ENDPOINTS)

    def _region(self, entries: Sequence[JSON]) -> Iterator[Output]:
        wanted = self._settings.region
        named = (e for e in entries if isinstance(e, dict) and isinstance(e.get("path"), str))
        region = next((entry for entry in named if entry["path"].strip("/") == wanted), None)
        if region is None:
            yield from self._suspended("region", "region_not_listed")
        elif region.get("live") is False:
            yield from self._suspended("region", "region_hidden")
        else:
            flags = {name: region.get(name) is not False for name in ("events", "pois", "extras", "contacts")}
            yield self._end("region", len(entries))
            yield self._in_region("languages", "languages/", {"step": "languages", **flags})

    def _languages(self, entries: Sequence[JSON], state: Mapping[str, JSON]) -> Iterator[Output]:
        codes = []
        for index, entry in enumerate(entries):
            code = entry.get("code") if isinstance(entry, dict) else None
            if isinstance(code, str) and _CODE.fullmatch(code):
                codes.append(code)
            else:
                yield Broken(part="languages", rule="language_unknown", place=f"[{index}].code", value=code)
        if not codes:
            yield from self._suspended("languages", "no_languages")
            return
        yield self._end("languages", len(entries))
        default = codes[0]
        wanted = dict.fromkeys([default, *(self._settings.languages or codes)])
        for code in wanted:
            if code in codes:
                yield from self._language(code, default, state)
            else:
                for endpoint in self._endpoints():
                    yield PartEnd(part=f"{endpoint}.{code}", state="failed", reasons=("language_not_listed",))
        common = {"default": default, "language": default}
        if state.get("extras") is False:
            yield self._off("offers")
        else:
            yield self._in_region("offers", "offers/", {"step": "offers", **common})
        if self._roots:
            others = [code for code in wanted if code in codes and code != default]
            pages = {"step": "pages", **common, "then": others}
            yield self._in_region(f"pages.{default}", f"{quote(default)}/pages/", pages)

    def _language(self, code: str, default: str, state: Mapping[str, JSON]) -> Iterator[Output]:
        for endpoint, flag in _ENDPOINTS.items():
            part = f"{endpoint}.{code}"
            if state.get(flag) is False:
                yield self._off(part)
                continue
            query = "?combine_recurring=True" if endpoint == "events" else ""
            said = {"step": endpoint, "language": code, "default": default}
            if state.get("contacts") is False:
                said["contacts"] = "off"
            yield self._in_region(part, f"{quote(code)}/{endpoint}/{query}", said)

    def _off(self, part: str) -> PartEnd:
        return PartEnd(part=part, state="partial", reasons=("suspended_by_region",))

    def _end(self, part: str, count: int, **scope: str) -> PartEnd:
        proof = {"status": "200", "array": "closed", "count": str(count)}
        if part != "region":
            proof["region"] = "listed"
        if "language" in scope:
            proof["language"] = "listed"
        scope = {"base_url": self._base, "region": self._settings.region, **scope}
        return PartEnd(part=part, scope=scope, proof=proof)

    def _items(self, step: str, part: str, entries: Sequence[JSON], state: Mapping[str, JSON]) -> Iterator[Output]:
        language, default = str(state["language"]), str(state["default"])
        scope = {"language": language} if step != "offers" else {}
        if step == "events":
            keep = partial(_spoken, _reading.event, language, default)
            yield from _reading.items(entries, part, _reading.event_key, keep, "event.id")
        elif step == "locations":
            policy = "none" if state.get("contacts") == "off" else self._context.contacts
            keep = partial(_spoken, partial(_reading.place, contacts=policy), language, default)
            yield from _reading.items(entries, part, _reading.place_key, keep, "location.id")
        elif step == "offers":
            keep = partial(_spoken, _reading.service, language, default)
            yield from _reading.items(entries, part, _reading.service_key, keep, "alias")
        else:
            scope["roots"] = " ".join(self._roots)
            yield from self._pages(part, entries, state)
        yield self._end(part, len(entries), **scope)

    def _pages(self, part: str, entries: Sequence[JSON], state: Mapping[str, JSON]) -> Iterator[Output]:
        language, default = str(state["language"]), str(state["default"])
        if language == default:
            lasting = _reading.lasting_paths(entries, default)
            # Other languages name a page by its path of today; they need to know the ones that were renamed.
            renamed = {path: key for path, key in lasting.items() if path != key}
            for code in state.get("then") or ():
                more = {"step": "pages", "language": code, "default": default, "renamed": renamed}
                yield self._in_region(f"pages.{code}", f"{quote(code)}/pages/", more)
        else:
            renamed = dict(state.get("renamed") or {})

        def key(entry: Mapping[str, Any]) -> str | None:
            path = _reading.page_path(entry, default, language)
            return f"page/{renamed.get(path, path)}" if path else None

        def keep(entry: Mapping[str, Any]) -> dict[str, Any]:
            path = _reading.page_path(entry, default, language) or ""
            if not self._wanted(path) and not self._wanted(str(renamed.get(path, path))):
                return {"out_of_scope": True}
            return _spoken(_reading.page, language, default, entry)

        yield from _reading.items(entries, part, key, keep, "path")

    def _wanted(self, path: str) -> bool:
        return any(path == root or path.startswith(f"{root}/") for root in self._roots)

    # --- map ---

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        """The offer that the languages of a record make together."""
        maker = _MAKERS.get(key.partition("/")[0])
        if maker is None:
            return Rejected(rejects=(Reject(rule="key_junk", place="key", value=key),))
        try:
            return maker(key, items, self._context, self._settings.web_url or self._base)
        except Refused as refused:
            return Rejected(rejects=(refused.reject,))


_MAKERS = {"event": _offers.event, "place": _offers.place, "page": _offers.page, "offer": _offers.service}


def _spoken(keep: Any, language: str, default: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of an entry, and in which language: without id, it is the default language's text served again."""
    data: dict[str, Any] = keep(entry)
    return {**data, "language": language, "default_language": default, "translated": entry.get("id", 0) is not None}
