"""The languages of one record, joined into its texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from verbund_connectors.html import (
    MAX_TEXT,
    MAX_TITLE,
    canonical_html,
    links,
    one_line,
    plain,
    sanitise,
    without_contact_cards,
)
from verbund_connectors.integreat._fields import Notes, Refused, organisation_of, source_url
from verbund_connectors.kit import ContactDraft, Item, Mapped, SourceContext, draft_offer, draft_text

# All languages of a record share this many characters of description: an encoded event holds 900 KiB, and a text
# stands in it twice, in up to three bytes a character.
_TEXT_BUDGET = 125_000
_MAX_SOURCE = 2_000_000  # characters; such a page is a broken export


class Record:
    """The languages of one record, joined: what they share is taken from the default language.

    Attributes:
        data: the item that speaks for all.
        title: its title.
        texts, content: by language, as stored and as hashed.
        notes: what was dropped.
    """

    def __init__(self, items: Sequence[Item], context: SourceContext, base: str, title: str = "title") -> None:
        self._hubs = [hub.rstrip("/").casefold() + "/" for hub in context.hub_urls if hub.strip("/")]
        self._base = base
        self._spoken = _by_language(items, context.default_language)
        first, self.data = next(iter(self._spoken.items()))
        self.notes = Notes()
        self.texts: dict[str, dict[str, Any]] = {}
        self.content: dict[str, dict[str, Any]] = {}
        limit = min(MAX_TEXT, _TEXT_BUDGET // len(self._spoken))
        for language, data in self._spoken.items():
            line = self.notes.text(data.get(title), f"{language}.{title}", MAX_TITLE)
            if line:
                self._add(language, data, line, limit)
            elif data is self.data:
                raise Refused("title_missing", title, data.get(title))
            else:
                self.notes.add("text_untitled", f"{language}.{title}")
        self.title = str(self.texts[first]["title"])

    def _add(self, language: str, data: Mapping[str, Any], title: str, limit: int) -> None:
        html = self._html(language, data)
        if len(html) > limit:
            self.notes.add("text_too_long", f"{language}.content", len(html))
        summary = self.notes.text(data.get("meta_description"), f"{language}.meta_description")
        # Nothing marks what a machine has translated.
        translation = "original" if language == data.get("default_language", language) else "unknown"
        self.texts[language] = draft_text(
            title,
            summary=summary,
            description_html=sanitise(html, limit=limit) or None,
            description_text=plain(html)[:limit].rstrip() or None,
            translation=translation,
        )
        counted = {"title": title, "summary": summary, "html": canonical_html(html), "translation": translation}
        self.content[language] = counted

    def _html(self, language: str, data: Mapping[str, Any]) -> str:
        html = data.get("content")
        if html is not None and not isinstance(html, str):
            self.notes.add("wrong_type", f"{language}.content", html)
            return ""
        if html and len(html) > _MAX_SOURCE:
            raise Refused("too_large", f"{language}.content", len(html))
        return without_contact_cards(html or "")

    def is_ours(self, *fields: str) -> bool:
        """Whether a text or one of the fields links to something below this hub: then the record came from here."""
        if not self._hubs:
            return False
        targets = [value for name in fields if isinstance(value := self.data.get(name), str)]
        for data in self._spoken.values():
            html = data.get("content")
            if isinstance(html, str):
                targets += [*links(html), *_ADDRESS_IN_TEXT.findall(plain(html))]
        return any(_below(target, hub) for target in targets for hub in self._hubs)

    def mapped(self, kind: str, *, contacts: tuple[ContactDraft, ...] = (), **fields: Any) -> Mapped:
        """The answer for `map`."""
        fields.setdefault("source_url", source_url(self.data, self._base))
        return Mapped(
            offer=draft_offer(kind, self.texts, **fields),
            organisation=organisation_of(self.data.get("organization"), self.notes),
            contacts=contacts,
            content={"texts": self.content},
            warnings=tuple(self.notes.warnings),
        )


_ADDRESS_IN_TEXT = re.compile(r"https?://[^\s<>\"']{1,2000}", re.IGNORECASE)


def _below(target: str, hub: str) -> bool:
    """Whether the address stands below the hub's; the hub's front page alone is only a mention."""
    folded = one_line(target).casefold()
    return folded.startswith(hub) and len(folded) > len(hub)


def _by_language(items: Sequence[Item], context_default: str) -> dict[str, dict[str, Any]]:
    """What each language says, the default one first. A text without id is the default language's, served abroad."""
    spoken: dict[str, dict[str, Any]] = {}
    borrowed: dict[str, dict[str, Any]] = {}
    default = context_default
    for item in items:
        data = item.data
        if not isinstance(data, dict):
            raise Refused("wrong_type", item.part, data)
        if "broken" in data:
            raise Refused(str(data["broken"]), str(data.get("place", item.part)))
        default = str(data.get("default_language") or context_default)
        language = str(data.get("language") or default)
        if language == default or data.get("translated") is not False:
            spoken[language] = data
        else:
            borrowed.setdefault(default, data)
    if default not in spoken and default in borrowed:
        spoken[default] = borrowed[default]
    if not spoken:
        raise Refused("title_missing", "title")
    return dict(sorted(spoken.items(), key=lambda entry: (entry[0] != default, entry[0])))
