"""Whether HTML is what our sanitiser writes, told without parsing it."""

from __future__ import annotations

import re

from verbund_connectors.html import sanitise

_TAGS = (
    "a|b|blockquote|br|caption|dd|details|div|dl|dt|em|h2|h3|h4|h5|h6|hr|i|li|ol|p|pre|s|strong|sub|summary|sup|table|"
    "tbody|td|tfoot|th|thead|tr|u|ul"
)
_PLAIN_ATTRIBUTE = ' (?:lang|dir|hreflang|start|colspan|rowspan|scope|rel)="[^"]*"'
_LINK = ' href="(?i:https?|mailto|tel):[^"]*"'
# Every < begins a tag of the list, whose attributes are of the list; possessive, so it takes as long as the text is.
_SANITISED = re.compile(f"(?:[^<>]++|</?(?:{_TAGS})>|<(?:{_TAGS})(?:{_PLAIN_ATTRIBUTE}|{_LINK})++>)*+")


def is_sanitised(html: str) -> bool:
    """Whether nothing in it can run or leads elsewhere than by a link."""
    return _SANITISED.fullmatch(html) is not None or sanitise(html) == html
