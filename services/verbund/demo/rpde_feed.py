"""Pages of an RPDE feed: ordered by time and id, followed by `next`, ending with an empty page that names itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
PAGE_SIZE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An item of the feed; `data` is None when it was deleted."""

    kind: str
    id: str
    modified: int
    data: dict[str, Any] | None

    def as_item(self) -> dict[str, Any]:
        """As the feed writes it."""
        item: dict[str, Any] = {"state": "updated", "kind": self.kind, "id": self.id, "modified": self.modified}
        if self.data is None:
            return {**item, "state": "deleted"}
        return {**item, "data": self.data}


def page(entries: Sequence[Entry], *, address: str, asked: str) -> bytes:
    """The page that was asked for; `asked` is path and query of the request, `address` the feed without query."""
    query = parse_qs(urlsplit(asked).query)
    after = (int(query["afterTimestamp"][0]), query["afterId"][0]) if "afterTimestamp" in query else (-1, "")
    ordered = sorted(entries, key=lambda entry: (entry.modified, entry.id))
    shown = [entry for entry in ordered if (entry.modified, entry.id) > after][:PAGE_SIZE]
    following = address + (f"?{urlsplit(asked).query}" if query else "")
    if shown:
        following = f"{address}?afterTimestamp={shown[-1].modified}&afterId={quote(shown[-1].id, safe='')}"
    return json.dumps(
        {"next": following, "items": [entry.as_item() for entry in shown], "license": LICENCE}, ensure_ascii=False
    ).encode()
