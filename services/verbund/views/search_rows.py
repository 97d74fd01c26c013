"""What the index says of keys that a batch touches: read once, then kept until the next commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import tantivy
from tantivy import Query

from verbund.events import Recorded
from verbund.views.fold import district_of
from verbund.views.search_document import stored_in

# Keys asked for in one query.
_KEYS_AT_ONCE = 1000

# Offers of one organisation that are made anew when its name changes; more than any has.
_MOST_OFFERS = 100_000


@dataclass(slots=True)
class Row:
    """A key as it stands: committed, or staged since.

    Attributes:
        state: live, missed or withdrawn; a withdrawn offer keeps its card, for the row is made of its latest content too.
        card: of an offer, as JSON bytes; None for organisations and for keys without content.
        name: of an organisation.
        organisation: of an offer, the id.
        stored: a document of it is in the index, so it has to be deleted before the next is added.
    """

    revision: int
    state: str
    card: bytes | None = None
    name: str = ""
    organisation: str | None = None
    stored: bool = True


class Rows:
    """Rows by key, over one committed state of the index; `known` holds those that were read or staged since."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher
        self.known: dict[str, Row | None] = {}

    def load(self, keys: Iterable[str]) -> None:
        """See that the rows of these keys are known; None: the index has none."""
        missing = [key for key in dict.fromkeys(keys) if key not in self.known]
        for at in range(0, len(missing), _KEYS_AT_ONCE):
            some = missing[at : at + _KEYS_AT_ONCE]
            self.known.update(dict.fromkeys(some))
            for key, row in self._found(Query.term_set_query(self._schema, "key", some), len(some)):
                self.known[key] = row

    def offers_of(self, organisations: set[str]) -> set[str]:
        """Keys of the offers that name one of these organisations."""
        idents = {key.partition("/")[2] for key in organisations}
        for ident in idents:
            query = Query.term_query(self._schema, "organisation", ident, index_option="basic")
            for offer, row in self._found(query, _MOST_OFFERS):
                self.known.setdefault(offer, row)
        if not idents:
            return set()
        return {
            offer
            for offer, row in self.known.items()
            if row and row.card and row.organisation and organisation_key(offer, row.organisation) in organisations
        }

    def _found(self, query: Query, most: int) -> list[tuple[str, Row]]:
        hits = self._searcher.search(query, most, count=False).hits
        documents = (self._searcher.doc(address) for _, address in hits)
        return [(key, _row(stored)) for key, stored in map(stored_in, documents)]


def key_of(record: Recorded) -> str:
    """District and subject: a district that used another's id would only get documents of its own."""
    return f"{district_of(record.topic)}/{record.subject}"


def organisation_key(offer: str, organisation: str) -> str:
    """Key of an organisation that an offer names: one of the same district."""
    return f"{offer.partition('/')[0]}/{organisation}"


def _row(stored: dict[str, Any]) -> Row:
    card = stored.get("card")
    return Row(
        stored["revision"],
        stored["state"],
        bytes(memoryview(orjson.dumps(card))) if card else None,  # not with the buffer that it was made in
        stored.get("name", ""),
        card["organisation"] if card else None,
    )
