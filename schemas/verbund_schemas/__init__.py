"""The contract: Avro schemas, vocabularies and the register of districts. Imports nothing of ours."""

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

__all__ = [
    "Schema",
    "UnknownSchemaError",
    "digest",
    "event_names",
    "expanded",
    "fingerprint",
    "load",
    "shipped",
    "shipped_versions",
    "stored_names",
    "type_names",
]
