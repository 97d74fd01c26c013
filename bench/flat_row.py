"""The flat table: thirty columns of an offer. Imports nothing, so that the peer's own environment can use it, too."""

from __future__ import annotations

from typing import Any

TABLE = "flat_offers"

#: Names and PostgreSQL types, in order; the first is the key.
COLUMNS = (
    ("offer_id", "text"), ("revision", "int8"), ("district", "text"), ("source", "text"), ("record_key", "text"),
    ("kind", "text"), ("title", "text"), ("summary", "text"), ("description", "text"), ("category", "text"),
    ("target_group", "text"), ("level_from", "text"), ("level_to", "text"), ("language", "text"), ("age_from", "int8"),
    ("starts_at", "text"), ("ends_at", "text"), ("seats", "int8"), ("seats_free", "int8"), ("place", "text"),
    ("street", "text"), ("postcode", "text"), ("town", "text"), ("lon", "float8"), ("lat", "float8"), ("cost", "float8"),
    ("childcare", "bool"), ("source_url", "text"), ("licence", "text"), ("content_hash", "text"),
)  # fmt: skip
NAMES = tuple(name for name, _ in COLUMNS)

#: Where the columns are in an event, for a reader that decodes no more than it needs.
FIELDS = tuple(
    f"offer.{path}"
    for path in (
        "offer_id", "revision", "district", "source", "record_key", "kind", "texts.title", "texts.summary",
        "texts.description_text", "categories", "target_groups", "level_from", "level_to", "languages_of_instruction",
        "age_from", "starts.start", "starts.end", "starts.seats", "starts.seats_free", "place.name", "place.street",
        "place.postcode", "place.town", "place.lon", "place.lat", "cost.amount", "childcare", "source_url", "licence",
        "content_hash",
    )
)  # fmt: skip

CREATE = (
    f"CREATE TABLE {TABLE} ({', '.join(f'{name} {kind} NOT NULL' for name, kind in COLUMNS)}, PRIMARY KEY (offer_id))",
    f"CREATE INDEX {TABLE}_source ON {TABLE} (district, source)",
    f"CREATE INDEX {TABLE}_category ON {TABLE} (category)",
)


def row_of(offer: dict[str, Any]) -> tuple[Any, ...]:
    """The row of an offer, as a schema of its type decodes it."""
    text, place, start = offer["texts"]["de"], offer["place"], offer["starts"][0]
    return (
        offer["offer_id"], offer["revision"], offer["district"], offer["source"], offer["record_key"],
        offer["kind"], text["title"], text["summary"], text["description_text"], offer["categories"][0],
        offer["target_groups"][0], offer["level_from"], offer["level_to"], offer["languages_of_instruction"][0],
        offer["age_from"], start["start"], start["end"], start["seats"], start["seats_free"], place["name"],
        place["street"], place["postcode"], place["town"], place["lon"], place["lat"], offer["cost"]["amount"],
        offer["childcare"], offer["source_url"], offer["licence"], offer["content_hash"],
    )  # fmt: skip
