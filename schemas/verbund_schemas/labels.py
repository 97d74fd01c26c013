"""Whether every field says what it is, and every personal one why it is kept and how long."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from verbund_schemas._schemas import Schema, event_names, expanded, type_names
from verbund_schemas._vocabularies import vocabulary_names

#: What `pii` may say: no; yes (plain personal data, never in an event as it is); encrypted (under a key that can go).
PII = ("no", "yes", "encrypted")

# Words in a field's name that hint at a person, English and German. Such a field must say `pii`, be it "no".
_SUSPICIOUS = frozenset(
    """
    address birth birthday birthdate born contact contacts email fax gender handy iban mail mobile mobil nationality
    person persons phone phones photo portrait religion salutation signature ssn tel telefon telephone user username
    whatsapp author coach editor instructor leader lecturer referent teacher trainer tutor
    firstname forename fullname lastname surname ansprechpartner ansprechperson anrede leitung nachname vorname
    """.split()  # noqa: SIM905 - words read best as words
)

# Words that make a `name` beside them that of a person: first_name, display_name.
_WHOSE_NAME = frozenset(("display", "family", "first", "full", "given", "last", "legal", "maiden", "middle"))

# Names that hold such a word and are known to be harmless: ids that tell nothing, and words about whole offers.
_HARMLESS = {
    ("Offer", "gender"): "whom the offer is for",
    ("Offer", "contact_ids"): "keyed hashes that tell nothing without the key",
}
_HARMLESS_FIELDS = frozenset(("contact_id",))

# Records that describe a person: here a bare `name` is that person's, and every text field must say whether it is.
_OF_PERSONS = frozenset(("Contact",))

_WORD = re.compile(r"[A-Z]?[a-z0-9]+")


def problems_with_labels() -> list[str]:
    """All that is missing in today's schemas; empty when each field is labelled."""
    found: list[str] = []
    for name in (*type_names(), *event_names()):
        found += problems(expanded(name))
    return list(dict.fromkeys(found))


def problems(schema: Schema) -> list[str]:
    """What is missing in one self-contained schema: sentences that name record and field."""
    found: list[str] = []
    for record in _records(schema):
        if not record.get("doc", "").strip():
            found.append(f"{record['name']}: has no doc")
        for field in record["fields"]:
            found += [f"{record['name']}.{field['name']}: {problem}" for problem in _field(record["name"], field)]
    return found


def _field(record: str, field: Schema) -> Iterator[str]:
    if not field.get("doc", "").strip():
        yield "has no doc"
    if "vocabulary" in field and field["vocabulary"] not in vocabulary_names():
        yield f"names the vocabulary {field['vocabulary']}, which does not exist"
    pii = field.get("pii")
    if pii is None:
        if _may_be_personal(record, field):
            yield "may hold personal data and says nothing of it: add pii, purpose and retention, or pii no"
        return
    if pii not in PII:
        yield f"pii says {pii}; it may say {', '.join(PII)}"
    if pii != "no":
        for label in ("purpose", "retention"):
            if not str(field.get(label, "")).strip():
                yield f"holds personal data and has no {label}"


def _may_be_personal(record: str, field: Schema) -> bool:
    name = field["name"]
    if (record, name) in _HARMLESS or name in _HARMLESS_FIELDS or not _holds_words(field["type"]):
        return False
    if record in _OF_PERSONS:
        return True
    words = {word.lower() for word in _WORD.findall(name)}
    return bool(words & _SUSPICIOUS) or ("name" in words and bool(words & _WHOSE_NAME))


def _holds_words(schema: Any) -> bool:
    """Whether text or bytes can stand in it; a flag or a number of seats names nobody. Records are looked into apart."""
    match schema:
        case "string" | "bytes":
            return True
        case list():
            return any(_holds_words(branch) for branch in schema)
        case {"items": inner} | {"values": inner}:
            return _holds_words(inner)
        case _:
            return False


def _records(schema: Any) -> Iterator[Schema]:
    match schema:
        case {"type": "record", "fields": fields}:
            yield schema
            for field in fields:
                yield from _records(field["type"])
        case {"items": inner} | {"values": inner}:
            yield from _records(inner)
        case list():
            for branch in schema:
                yield from _records(branch)
        case _:
            return
