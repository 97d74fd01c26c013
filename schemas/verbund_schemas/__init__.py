"""The contract: Avro schemas, vocabularies and the register of districts. Imports nothing of ours."""

from verbund_schemas._districts import BKG_ATTRIBUTION, BKG_LICENCE_URL, BKG_URL, District, districts
from verbund_schemas._schemas import (
    Schema,
    UnknownSchemaError,
    digest,
    event_names,
    expanded,
    fingerprint,
    load,
    shipped,
    shipped_versions,
    stored_names,
    type_names,
)
from verbund_schemas._vocabularies import Term, Vocabulary, level_rank, vocabulary, vocabulary_names

__all__ = [
    "BKG_ATTRIBUTION",
    "BKG_LICENCE_URL",
    "BKG_URL",
    "District",
    "Schema",
    "Term",
    "UnknownSchemaError",
    "Vocabulary",
    "digest",
    "districts",
    "event_names",
    "expanded",
    "fingerprint",
    "level_rank",
    "load",
    "shipped",
    "shipped_versions",
    "stored_names",
    "type_names",
    "vocabulary",
    "vocabulary_names",
]
