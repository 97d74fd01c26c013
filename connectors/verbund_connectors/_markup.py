"""A scanner for HTML as it is found: tokens in order, in linear time, with nothing but this file deciding what they are.

No library's parser stands behind it, since content hashes rest on it and must not move with an update.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple


class Token(NamedTuple):
    """A piece of HTML: text (no name), an opening tag, or a closing one; `raw` is how it stands in the source."""

    raw: str
    name: str = ""
    closing: bool = False
    inside: str = ""

    def attributes(self) -> dict[str, str]:
        """By name in lower case, the first of a name; references decoded."""
        found: dict[str, str] = {}
        for name, value in _ATTRIBUTE.findall(self.inside):
            bare = value[1:-1] if value[:1] in {'"', "'"} else value
            found.setdefault(name.lower(), entities.unescape(bare))
        return found


def words(text: str) -> frozenset[str]:
    """The words of a list written with blanks."""
    return frozenset(text.split())


_ATTRIBUTE = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'<>]+))?""")
_NAME = re.compile(r"/?([a-zA-Z][^\s/>]*)")
# A quote counts only behind an equals sign, as in browsers: title=it's is a whole value.
_TAG_END = re.compile(r"""(?:[^=>]+|=\s*"[^"]*"|=\s*'[^']*'|=)*+>""")
# Their content is no markup, and no text for a reader either.
RAW = words("script style template noscript iframe noembed noframes xmp textarea title")
VOID = words("area base br col embed hr img input link meta source track wbr")


@lru_cache(maxsize=2)  # one text is sanitised, read and hashed in a row
def tokens(html: str) -> tuple[Token, ...]:
    """Tokens in order; comments and the content of scripts left out; what is never closed ends them."""
    return tuple(_scan(html))


def _scan(html: str) -> Iterator[Token]:
    at, length = 0, len(html)
    while at < length:
        start = html.find("<", at)
        if start < 0:
            yield Token(html[at:])
            return
        if start > at:
            yield Token(html[at:start])
        named = _NAME.match(html, start + 1)
        if named is None:
            at = _after_comment(html, start)
            if at == start:
                yield Token("<")
                at = start + 1
            continue
        ended = _TAG_END.match(html, named.end())
        end = ended.end() if ended else html.find(">", named.end()) + 1
        if end == 0:  # a tag that never ends: nothing after it can be told apart
            return
        name, closing = named[1].lower(), html[start + 1] == "/"
        yield Token(html[start:end], name, closing, html[named.end() : end - 1])
        at = end
        if name in RAW and not closing:
            close = re.compile(f"</{re.escape(name)}(?=[\\s/>])", re.IGNORECASE).search(html, at)
            at = close.start() if close else length


def _after_comment(html: str, start: int) -> int:
    """Where the comment or declaration at `start` ends; `start` when there is none."""
    if html.startswith("<!--", start):
        end = html.find("-->", start + 4)
        return end + 3 if end >= 0 else len(html)
    if html[start + 1 : start + 2] in {"!", "?", "/"}:
        end = html.find(">", start)
        return end + 1 if end >= 0 else len(html)
    return start
