"""What guards compare of an offer's contents: how much text it has, in which languages, how sound, and what it is like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from verbund.event_log import EventLog
from verbund.ingest.inventory import ANSWER_WITHIN, PAGE

# UTF-8 that was read as Windows-1252 or Latin-1, and the sign for what could not be read at all.
_GARBLED = re.compile("Ã[\x80-\xbf€-™]|â€.|Â[\x80-\xbf]|\ufffd")

_LIKENESS_BYTES = 12

# Contents closer together in the log than this are read in one page.
CLOSE = PAGE // 4


class Traits(NamedTuple):
    """Of one offer.

    Attributes:
        likeness: equal for offers that a person would take for the same: title, first start and place are equal.
        languages: of its texts.
        text_size: characters of all descriptions and summaries.
        garbled: signs in its texts that betray a wrong encoding.
    """

    likeness: str
    languages: frozenset[str]
    text_size: int
    garbled: int


def traits_of(offer: Mapping[str, Any]) -> Traits:
    """The traits of an offer, or of the draft of one."""
    texts = offer["texts"]
    parts = [
        part
        for text in texts.values()
        for part in (text.get("summary"), text.get("description_text"))
        if part is not None
    ]
    said = "\n".join(parts)
    titles = "\n".join(text["title"] for text in texts.values())
    garbled = 0 if said.isascii() and titles.isascii() else len(_GARBLED.findall(f"{titles}\n{said}"))
    return Traits(_likeness(offer), frozenset(texts), sum(map(len, parts)), garbled)


def _likeness(offer: Mapping[str, Any]) -> str:
    texts = offer["texts"]
    text = texts.get("de") or next(iter(texts.values()), None)
    title = " ".join(text["title"].casefold().split()) if text else ""
    starts, place = offer.get("starts") or (), offer.get("place") or {}
    first = starts[0]["start"] if starts else ""
    said = f"{title}\n{first}\n{place.get('postcode') or ''}\n{place.get('street') or place.get('name') or ''}"
    return blake2b(said.encode(), digest_size=_LIKENESS_BYTES).hexdigest()


def published(log: EventLog, topic: str, positions: Sequence[int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The offers whose content lies at these positions of the log, in its order; of neighbours a page at once."""
    wanted = sorted(set(positions))
    begin = 0
    while begin < len(wanted):
        end = begin
        while (
            end + 1 < len(wanted) and wanted[end + 1] - wanted[end] < CLOSE and wanted[end + 1] - wanted[begin] < PAGE
        ):
            end += 1
        span = wanted[end] - wanted[begin] + 1
        page = log.read({topic: wanted[begin]}, limit=span, wait=ANSWER_WITHIN)
        found = {recorded.position: recorded for recorded in page}
        reached = page[-1].position if page else wanted[end]
        for position in wanted[begin : end + 1]:
            if position in found:
                yield position, found[position].data["offer"]
        begin = next((at for at in range(begin, end + 1) if wanted[at] > reached), end + 1)
