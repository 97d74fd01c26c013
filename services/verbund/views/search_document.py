"""What the index keeps of an offer: fields for finding it, and a card from which the document can be made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, TypeAlias

import orjson
import tantivy

from verbund.views.search_schema import BLOCKS, FACETS, SEPARATOR, start_field
from verbund.views.search_space import cell_of, point_of
from verbund.views.search_starts import Horizon, days_of

#: The card of an offer: its values by field (`values`), its texts by language (`texts`: title, rest), its organisation.
Card: TypeAlias = dict[str, Any]

_MAIN_LEVELS = ("alpha", "A1", "A2", "B1", "B2", "C1", "C2")
_TIE_BITS = 62

# Names of fields, so that they are not made again for each document.
_SINGLE = tuple(name for name, many in FACETS.items() if not many)
_SETS = {name: f"{name}_set" for name, many in FACETS.items() if many}
_BLOCKS_BY_FIELD = {start_field(block): block for block in BLOCKS}

# A vocabulary has some hundred codes; far fewer sets of them are in use than offers.
_MEMORY_OF_CODES = 10_000


def card_of(offer: Mapping[str, Any], *, horizon: Horizon, changed_ms: int) -> Card:
    """The card of an offer: a function of its event alone."""
    days = days_of(offer, horizon)
    place = offer["place"] or {}
    values: dict[str, Any] = {
        "district": offer["district"],
        "source": offer["source"],
        "kind": offer["kind"],
        "category": _with_parents(tuple(offer["categories"])),
        "target_group": sorted(set(offer["target_groups"])),
        "level": _levels(offer["level_from"], offer["level_to"]),
        "sublevel": _sublevels(offer["level_from"], offer["level_to"]),
        "language": sorted(set(offer["languages_of_instruction"])),
        "free": _free(offer["cost"]),
        "starts": days.starts,
        "open_from": days.open_from,
        "weekdays": days.weekdays,
        "weekly_from": days.weekly_from,
        "ends": days.ends,
        "changed": changed_ms,
    }
    lon, lat = place.get("lon"), place.get("lat")
    if lon is not None and lat is not None:
        values["cell"], values["point"] = cell_of(lon, lat), point_of(lon, lat)
    texts = {
        language: (text["title"], "\n".join(part for part in (text["summary"], text["description_text"]) if part))
        for language, text in offer["texts"].items()
    }
    return {
        "values": values,
        "texts": texts,
        "place": " ".join(part for part in (place.get("name"), place.get("town")) if part),
        "organisation": offer["organisation_id"],
    }


def document_of(
    key: str, card: Card, *, card_json: bytes, revision: int, state: str, organisation_name: str
) -> tantivy.Document:
    """The document of an offer that is live or missed; its card comes as values and as they are stored."""
    values = card["values"]
    fields = {
        **_bare_fields(key, "offer", {"revision": revision, "state": state, "card": orjson.Fragment(card_json)}),
        "tie": _tie(key),
        **_facets(values),
        **_times(values),
        **{name: values[name] for name in ("changed", "cell", "point") if name in values},
        **_words(card["texts"], f"{organisation_name}\n{card['place']}"),
    }
    if card["organisation"]:
        fields["organisation"] = card["organisation"]
    return tantivy.Document.from_dict(fields)


def stored_in(document: tantivy.Document) -> tuple[str, dict[str, Any]]:
    """Key of a document, and what it stores."""
    key, stored = document.get_first("key"), document.get_first("card")
    return str(key), orjson.loads(stored or b"{}")


def bare_document(key: str, what: str, stored: Mapping[str, Any]) -> tantivy.Document:
    """A document that is found by its key only."""
    return tantivy.Document.from_dict(_bare_fields(key, what, stored))


def _bare_fields(key: str, what: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": key, "what": what, "card": orjson.dumps({"what": what, **stored})}


def _facets(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: values[name] for name in _SINGLE}
    for name, as_set in _SETS.items():
        fields[name] = list(values[name])
        fields[as_set] = SEPARATOR.join(values[name])
    return {**fields, "sublevel": list(values["sublevel"])}


def _times(values: Mapping[str, Any]) -> dict[str, Any]:
    fields = {field: list({day // block for day in values["starts"]}) for field, block in _BLOCKS_BY_FIELD.items()}
    if values["weekdays"]:
        fields["weekly_from"] = values["weekly_from"]
        fields["weekday"] = [str(weekday) for weekday in values["weekdays"]]
    return {**fields, "open_from": values["open_from"], "ends": values["ends"]}


def _words(texts: Mapping[str, Sequence[str]], names: str) -> dict[str, list[str]]:
    """Texts by the field of their language; names are found in every language."""
    fields: dict[str, list[str]] = {"text_de": [], "text_xx": []}
    for language, (title, rest) in texts.items():
        ending = "de" if language == "de" else "xx"
        fields.setdefault(f"title_{ending}", []).append(title)
        fields[f"text_{ending}"].append(f"{title}\n{rest}")
    fields["words_de"] = list(fields["text_de"])
    for words in (fields["text_de"], fields["text_xx"]):
        words.append(names)
    return fields


def _tie(key: str) -> int:
    """An order among equals that does not depend on when a document was written."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) >> (64 - _TIE_BITS)


@lru_cache(maxsize=_MEMORY_OF_CODES)
def _with_parents(codes: tuple[str, ...]) -> Sequence[str]:
    """Codes are dotted paths: whoever looks for `language` wants `language.integration_course` too."""
    found: set[str] = set()
    for code in codes:
        parts = code.split(".")
        found.update(".".join(parts[: length + 1]) for length in range(len(parts)))
    return tuple(sorted(found))


@lru_cache(maxsize=_MEMORY_OF_CODES)
def _levels(needs: str | None, reaches: str | None) -> Sequence[str]:
    """Main levels from the one needed to the one reached; a missing end is the other one."""
    low, high = needs or reaches, reaches or needs
    mains = [level for level in (_main(low), _main(high)) if level in _MAIN_LEVELS]
    if not mains:
        return ()
    first, last = sorted(_MAIN_LEVELS.index(level) for level in (mains[0], mains[-1]))
    return _MAIN_LEVELS[first : last + 1]


@lru_cache(maxsize=_MEMORY_OF_CODES)
def _sublevels(needs: str | None, reaches: str | None) -> Sequence[str]:
    """Half levels such as B1.2 from the one needed to the one reached."""
    low, high = needs or reaches, reaches or needs
    mains = _levels(needs, reaches)
    halves = [f"{main}.{half}" for main in mains if main != "alpha" for half in (1, 2)]
    if low and low in halves:
        halves = halves[halves.index(low) :]
    if high and high in halves:
        halves = halves[: halves.index(high) + 1]
    return tuple(halves)


def _main(level: str | None) -> str | None:
    return level.split(".")[0] if level else None


def _free(cost: Mapping[str, Any] | None) -> str:
    if cost is None:
        return "unknown"
    if cost["free"] is not None:
        return "free" if cost["free"] else "paid"
    if cost["amount"] is None:
        return "unknown"
    return "paid" if cost["amount"] else "free"
