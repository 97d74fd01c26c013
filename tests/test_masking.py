"""What of a source's values people get to see."""

import pytest

from verbund.ingest.raw_record import LONGEST_LIST, raw_items, without_people
from verbund.masking import masked


@pytest.mark.parametrize(
    ("place", "value", "shown"),
    [
        ("starts.0", "bald", "bald"),
        ("starts.0", "2026-13-45", "2026-13-45"),
        ("starts.0", "31/02/2027", "31/02/2027"),
        ("starts.0", "20270230", "20270230"),
        ("text", "Frau M. unter 02336 / 12 34 56", "Frau M. unter ***"),
        ("text", "+49 170 1234567", "***"),
        ("text", "anna.muster@amt.example", "***"),
        ("Telefon", "110", "(3 characters)"),
        ("contact.role", "Leitung", "(7 characters)"),
        ("cost", {"amount": -1}, '{"amount":-1}'),
        ("title", None, None),
        ("title", "x" * 81, "x" * 80 + "..."),
    ],
)
def test_a_value_is_shown_without_a_person(place, value, shown):
    assert masked(place, value) == shown


def test_a_raw_record_keeps_its_shape_and_loses_its_people():
    raw = {
        "title": "Nähtreff",
        "start": "2027-01-12",
        "leader": {"name": "Anna Muster", "room": 7},
        "Ansprechpartner": "Anna Muster",
        "content": "<p>Fragen an Anna Muster, 02336 123456</p>",
        "note": "Mail an anna@amt.example",
        "free": True,
        "places": [{"lat": 51.2}] * (LONGEST_LIST + 5),
    }
    shown = without_people(raw)
    assert shown["title"] == "Nähtreff"
    assert shown["start"] == "2027-01-12"
    assert shown["leader"] == {"name": "(11 characters)", "room": "(1 characters)"}
    assert shown["content"] == "(42 characters of markup)"
    assert shown["note"] == "Mail an ***"
    assert shown["free"] is True
    assert len(shown["places"]) == LONGEST_LIST + 1
    assert "Anna" not in str(shown)


def test_a_machine_that_does_not_ingest_has_no_raw_records(tmp_path):
    assert raw_items(tmp_path / "ingest.db", "enr-kurse", "kurs-1") == []
    assert not (tmp_path / "ingest.db").exists()
