"""OpenActive feeds (RPDE 1.0): sport sessions, courses and events, in one feed or split over several.

A part is a feed. It is walked by `next` to the last page, which proves that this was all; the next pull goes on there
and reads changes. Deletions are explicit. Series and sessions of split feeds become one record.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from verbund_connectors.html import web_address
from verbund_connectors.kit import (
    JSON,
    Answer,
    Broken,
    Cursor,
    Item,
    Output,
    PartEnd,
    Request,
    Response,
    Settings,
    SourceContext,
)
from verbund_connectors.rpde import page, records
from verbund_connectors.rpde.offer import answer

__all__ = ["Rpde", "RpdeSettings"]

_ONLY_PART = "feed"
# A page has about 500 items: five million are no district's feed but a server that never ends.
_MAX_PAGES = 10_000
_GONE = (404, 410)


class RpdeSettings(Settings):
    """Settings of `rpde`.

    Attributes:
        url: the one feed.
        urls: name of the part -> feed, for publishers that split series and sessions.
        max_pages: pages read in one pull; the next pull goes on where this one stopped.
        key_by_kind: record keys begin with the kind, for publishers whose feeds use the same ids for different things.
    """

    url: str | None = None
    urls: dict[str, str] = Field(default_factory=dict)
    max_pages: int = Field(default=_MAX_PAGES, ge=1)
    key_by_kind: bool = False

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and web_address(value) is None:
            raise ValueError("`url` is an http or https address, for example https://example.org/api/session-series")
        return value

    @field_validator("urls")
    @classmethod
    def _are_addresses(cls, value: dict[str, str]) -> dict[str, str]:
        for name, url in value.items():
            if web_address(url) is None:
                raise ValueError(f"`urls: {name}` is an http or https address")
        return value

    @model_validator(mode="after")
    def _has_one_of_both(self) -> RpdeSettings:
        if bool(self.url) == bool(self.urls):
            raise ValueError("give either `url` (one feed) or `urls` (name: feed, for each feed)")
        return self

    @property
    def feeds(self) -> dict[str, str]:
        """First page by part."""
        return self.urls or {_ONLY_PART: str(self.url)}


class Rpde:
    """The connector of OpenActive feeds."""

    version: ClassVar[str] = "1"
    settings_model: ClassVar[type[Settings]] = RpdeSettings
    removal: ClassVar[str] = "full-list"
    volatile_extra: ClassVar[frozenset[str]] = frozenset()
    scope_settings: ClassVar[tuple[str, ...]] = ("url", "urls")

    def __init__(self, settings: RpdeSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._split = len(settings.feeds) > 1

    def begin(self, cursors: Mapping[str, JSON]) -> Sequence[Request]:
        """A request per feed: its first page, or the end of the last walk."""
        requests = []
        for part, url in self._settings.feeds.items():
            cursor = cursors.get(part)
            if isinstance(cursor, dict) and cursor.get("feed") == url and isinstance(cursor.get("next"), str):
                state = page.Step(resumed=True).state()
                requests.append(Request(part=part, url=cursor["next"], state=state, expects=(200, *_GONE)))
            else:
                requests.append(Request(part=part, url=url))
        return requests

    def read(self, response: Response) -> Iterator[Output]:
        """The items of a page, and the next page or the end of the part.

        Raises:
            UnreadableError: the answer is no page of an RPDE feed.
        """
        part = response.request.part
        step = page.Step.of(response.request.state)
        feed = self._settings.feeds.get(part, "")
        if response.status in _GONE:  # the publisher has forgotten the position: read everything again
            yield Request(part=part, url=feed)
            return
        read = page.parse(response)
        last: tuple[str, str] | None = None
        for number, entry in enumerate(read.items):
            item_id = page.id_of(entry) if isinstance(entry, dict) else None
            if item_id is None:
                rule = "key_missing" if isinstance(entry, dict) else "wrong_type"
                yield Broken(part=part, rule=rule, place=f"page {step.page}, items[{number}]", value=_short(entry))
                continue
            yield from self._items(part, item_id, entry)
            last = (str(entry.get("modified")), item_id)
        yield from self._ending(response, read, step, last, feed)

    def _items(self, part: str, ident: str, entry: Mapping[str, Any]) -> Iterator[Item]:
        modified = page.modified_of(entry)
        by_kind = self._settings.key_by_kind
        if entry.get("state") == "deleted":
            yield records.tombstone(part, ident, entry, modified=modified, by_kind=by_kind)
        else:
            yield from records.items_of(part, ident, entry, modified=modified, split=self._split, by_kind=by_kind)

    def _ending(
        self, response: Response, read: page.Page, step: page.Step, last: tuple[str, str] | None, feed: str
    ) -> Iterator[Output]:
        """Go on, or say how the part ended."""
        part, asked = response.request.part, str(response.request.url)
        covers: Any = "changes" if step.resumed else "all"
        flaw = step.flaw or next(page.disorder(read.items, step.last), "")
        own = page.is_same_address(read.next, asked) or page.is_same_address(read.next, response.url)
        if not read.items and own:
            proof = {"last_page": read.next, "pages": str(step.page)}
            if read.license:
                proof["license"] = read.license
            if flaw:
                yield PartEnd(part=part, state="partial", covers=covers, proof=proof, reasons=(flaw,))
                return
            yield PartEnd(part=part, covers=covers, proof=proof)
            yield Cursor(part=part, value={"feed": feed, "next": read.next})
            return
        reason = self._stops(read, asked, step, last)
        if reason is None:
            following = step.following(asked, last, flaw)
            yield Request(part=part, url=read.next, state=following.state())
            return
        reasons = (flaw, reason) if flaw else (reason,)
        yield PartEnd(part=part, state="partial", covers=covers, reasons=reasons)
        if reason.startswith("max_pages") and not flaw:
            yield Cursor(part=part, value={"feed": feed, "next": read.next})

    def _stops(self, read: page.Page, asked: str, step: page.Step, last: tuple[str, str] | None) -> str | None:
        if refused := page.why_not(read.next, asked):
            return refused
        if page.is_same_address(read.next, asked) or read.next == step.mark:
            return f"loop: page {step.page} leads to a page that was read before"
        if last is not None and last == step.last:
            return f"no_progress: page {step.page} ends with the item of the page before"
        if step.page >= self._settings.max_pages:
            return f"max_pages: stopped after {step.page} pages"
        return None

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        """The offer of a series with its sessions, a course, an event or a facility."""
        return answer(key, items, self._context)


def _short(entry: Any) -> str:
    """Enough to find it, not so much that it carries a person: the names of its fields."""
    return ", ".join(sorted(map(str, entry)))[:120] if isinstance(entry, dict) else type(entry).__name__
