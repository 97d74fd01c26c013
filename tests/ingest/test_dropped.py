"""What people learn of values that a mapping left out."""

from __future__ import annotations

from verbund.ingest.dropped import Dropped, dropped_document, dropped_values, grouped


def test_what_was_left_out_is_grouped_by_rule_and_field_and_a_record_counts_once():
    rows = [
        ("a", "date_unreadable at starts.0; date_unreadable at starts.3; code_unknown at niveau"),
        ("b", "date_unreadable at starts.1"),
        ("c", "code_unknown at niveau"),
        ("d", "url_unusable at source_url"),
    ]
    assert grouped(rows) == [
        Dropped("code_unknown", "niveau", 2, ("a", "c")),
        Dropped("date_unreadable", "starts.*", 2, ("a", "b")),
        Dropped("url_unusable", "source_url", 1, ("d",)),
    ]


def test_three_examples_are_enough():
    (one,) = grouped((key, "code_unknown at niveau") for key in "abcde")
    assert (one.count, one.examples) == (5, ("a", "b", "c"))


def test_other_reasons_are_no_values():
    assert grouped([("a", "conflict"), ("b", "missed since 2026")]) == []


def test_a_group_says_what_to_do_in_the_language_asked_for():
    document = dropped_document(Dropped("date_unreadable", "starts.*", 2, ("a",)), "de")
    assert (document["title"], document["count"]) == ("Unlesbares Datum", 2)
    assert document["fix"].startswith("Datum als 12.01.2027")


def test_a_machine_that_does_not_ingest_knows_of_none(tmp_path):
    assert dropped_values(tmp_path / "ingest.db", "enr-kurse") == []
    assert not (tmp_path / "ingest.db").exists()
