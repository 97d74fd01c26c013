"""A mapping guessed from headings."""

from __future__ import annotations

import io

import pytest

from tests.connectors.table_feed import CSV, answers_of, as_csv, as_xlsx, connector, saved, workbook
from verbund_connectors.kit import Mapped, UnreadableError, Withdrawn
from verbund_connectors.table import Table, draft


def drafted(body):
    return Table.draft_from(io.BytesIO(body))


@pytest.mark.parametrize("body", [CSV, as_xlsx(CSV)], ids=["csv", "xlsx"])
def test_the_drafted_settings_read_the_made_up_table_whole(body):
    settings = drafted(body)
    assert settings["key"] == ["Angebots-ID"]
    _, answers = answers_of(connector(**settings), body)
    assert [type(answer) for answer in answers.values()] == [Mapped, Mapped, Withdrawn]
    course = answers["EN-0002"]
    assert isinstance(course, Mapped)
    assert (course.offer["level_from"], course.offer["place"]["town"], course.offer["cost"]["amount"]) == (
        "alpha",
        "Witten",
        1.5,
    )


def test_other_headings_of_the_same_meaning_are_recognised():
    headings = [
        "Kurs-Nr.",
        "Kurstitel",
        "Anbieter",
        "Kursbeginn",
        "Kursende",
        "Kursgebühr",
        "Veranstaltungsort",
        "Anmeldeschluss",
        "Freie Plätze",
        "Ansprechpartner/in",
    ]
    row = ["271-A1", "Deutsch A1", "VHS", "1.2.2027", "1.6.2027", "84,00", "Raum 3", "20.1.2027", "4", "Erika Beispiel"]
    assert draft(headings, [row]) == {
        "key": ["Kurs-Nr."],
        "map": {
            "title": "Kurstitel",
            "organisation": "Anbieter",
            "place.name": "Veranstaltungsort",
            "start": "Kursbeginn",
            "end": "Kursende",
            "cost": "Kursgebühr",
            "registration_until": "Anmeldeschluss",
            "seats_free": "Freie Plätze",
            "contact.name": "Ansprechpartner/in",
        },
    }


def test_a_heading_whose_cells_are_something_else_is_not_taken_for_a_date():
    assert "start" not in draft(["ID", "Titel", "Von"], [["1", "a", "Verein A"], ["2", "b", "Verein B"]])["map"]


def test_headings_below_a_title_are_found():
    body = saved(
        workbook({"S": [["Angebote im Landkreis"], [], ["Nr", "Titel", "PLZ", "Ort"], [1, "Yoga", 1067, "Dresden"]]})
    )
    settings = drafted(body)
    assert settings["header_rows"] == 3
    _, answers = answers_of(connector(**settings), body)
    assert list(answers) == ["1"]


def test_a_table_of_unknown_words_still_gets_a_key_and_a_title():
    settings = draft(["A", "B"], [["k1", "ein langer Text"], ["k2", "noch ein langer Text"]])
    assert settings == {"key": ["A"], "map": {"title": "B"}}


def test_commas_in_sentences_make_no_columns():
    body = as_csv([["ID", "Titel"], ["1", "eins, zwei, drei"], ["2", "vier, fünf"]])
    assert drafted(body)["delimiter"] == ";"


def test_a_file_that_is_no_table_says_why():
    with pytest.raises(UnreadableError, match="log_in_page"):
        drafted(b"<html></html>")
