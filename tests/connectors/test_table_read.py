"""Reading tables: encodings, delimiters, headings, keys, and files that are not whole."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Any

import pytest
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from tests.connectors.table_feed import CSV, SETTINGS, answers_of, as_csv, as_xlsx, connector, saved, workbook
from verbund_connectors.kit import Mapped, Rejected, Response, UnreadableError, Withdrawn
from verbund_connectors.table import sheet
from verbund_connectors.testing import pull

ROWS = [["ID", "Titel"], ["A-1", "Deutsch für Mütter"], ["A-2", "Übung"]]


def read(body, **settings):
    made = connector(**settings)
    request = made.begin({})[0]
    return pull(made, {request.url or request.path or "": body})


def titles(result):
    return [item.data.get("Titel") for item in result.items]


def reason(body, **settings):
    result = read(body, **settings)
    assert not result.ends
    return result.failed["table"]


def test_the_made_up_table_arrives_whole():
    result, answers = answers_of(connector(**SETTINGS), CSV)
    assert [type(answers[key]) for key in ("EN-0001", "EN-0002", "EN-0003")] == [Mapped, Mapped, Withdrawn]
    (end,) = result.ends
    assert (end.state, end.covers, end.proof["rows"], end.proof["encoding"], end.proof["delimiter"]) == (
        "complete",
        "all",
        "3",
        "cp1252",
        ";",
    )
    assert len(end.proof["digest"]) == 64


def test_a_workbook_of_the_same_table_says_the_same():
    _, from_csv = answers_of(connector(**SETTINGS), CSV)
    _, from_xlsx = answers_of(connector(**SETTINGS), as_xlsx(CSV))
    assert from_csv == from_xlsx


# --- encodings and delimiters ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_are_found(encoding):
    result = read(as_csv(ROWS, encoding=encoding))
    assert titles(result) == ["Deutsch für Mütter", "Übung"]


def test_a_late_byte_decides_that_a_file_is_not_utf_8():
    rows = [["ID", "Titel"], *([f"A-{n}", "x" * 50] for n in range(30_000)), ["Z", "Ärzte"]]
    result = read(as_csv(rows, encoding="cp1252"))
    assert titles(result)[-1] == "Ärzte"
    assert result.ends[0].proof["encoding"] == "cp1252"


def test_a_declared_encoding_counts():
    assert titles(read(as_csv([["ID", "Titel"], ["1", "ł"]], encoding="iso8859-2"), encoding="iso8859-2")) == ["ł"]


def test_a_server_is_believed_where_the_file_is_not_utf_8():
    made = connector()
    body = as_csv([["ID", "Titel"], ["1", "łódź"]], encoding="iso8859-2")
    result = pull(made, {"t": body}, headers={"content-type": "text/csv; charset=iso-8859-2"})
    assert titles(result) == ["łódź"]
    wrong = pull(made, {"t": as_csv(ROWS, encoding="cp1252")}, headers={"content-type": "text/csv; charset=utf-8"})
    assert titles(wrong) == ["Deutsch für Mütter", "Übung"]


def test_bytes_that_the_declared_encoding_has_not_fail_the_part():
    assert reason(as_csv(ROWS, encoding="cp1252"), encoding="utf-8") == "encoding"


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_delimiters_are_found(delimiter):
    assert titles(read(as_csv([["ID", "Titel"], ["1", "a;b,c"]], delimiter=delimiter))) == ["a;b,c"]


def test_a_set_delimiter_counts():
    assert titles(read(as_csv(ROWS, delimiter="~"), delimiter="~")) == ["Deutsch für Mütter", "Übung"]


def test_a_quoted_line_break_stays_inside_its_cell():
    assert titles(read(b'ID;Titel\r\n1;"zwei\r\nZeilen"\r\n2;x\r\n')) == ["zwei\r\nZeilen", "x"]


# --- headings ---


def test_headings_in_a_later_row():
    body = as_csv([["Angebote des Kreises"], ["Stand: heute"], *ROWS])
    assert titles(read(body, header_rows=3)) == ["Deutsch für Mütter", "Übung"]


def test_headings_of_two_rows_are_joined_and_merged_cells_spread():
    body = as_csv([["", "Angebot", "", "Ort"], ["ID", "Titel", "Preis", ""], ["1", "Yoga", "5", "Witten"]])
    result = read(
        body, header_rows=[1, 2], map={"title": "Angebot Titel", "cost": "Angebot Preis", "place.town": "Ort"}
    )
    assert result.items[0].data == {"ID": "1", "Angebot Titel": "Yoga", "Angebot Preis": "5", "Ort": "Witten"}


def test_headings_are_found_whatever_their_case_accents_and_blanks():
    assert len(read(as_csv([["id ", " TITEL\n"], ["1", "x"]])).items) == 1


def test_the_second_of_two_equal_headings_has_a_number():
    result = read(
        as_csv([["ID", "Titel", "Ort", "Ort"], ["1", "x", "Witten", "Hagen"]]),
        map={"title": "Titel", "place.town": "Ort (2)"},
    )
    assert result.items[0].data["Ort (2)"] == "Hagen"


def test_a_missing_column_names_the_nearest_heading():
    made = connector(map={"title": "Titel", "organisation": "Traeger"})
    with pytest.raises(UnreadableError, match="did you mean 'Träger'") as caught:
        list(made.read(_response(made, as_csv([["ID", "Titel", "Träger"], ["1", "x", "y"]]))))
    assert caught.value.reason == "missing_column"


def _response(made, body):
    return Response(request=made.begin({})[0], url="", status=200, headers={}, body=io.BytesIO(body), digest="d")


def test_columns_that_are_not_used_are_not_taken():
    result = read(as_csv([["ID", "Titel", "Dozentin"], ["1", "x", "Erika Beispiel"]]))
    assert result.items[0].data == {"ID": "1", "Titel": "x"}


# --- keys ---


def test_rows_without_a_usable_key_are_reported_by_row_and_suspend_absence():
    body = as_csv([["ID", "Titel"], ["", "a"], ["TODO", "b"], ["n/a", "c"], ["7", "d"], ["", ""]])
    result = read(body)
    assert [(b.rule, b.place) for b in result.broken] == [
        ("key_missing", "row 2, ID"),
        ("key_junk", "row 3, ID"),
        ("key_junk", "row 4, ID"),
    ]
    assert [i.key for i in result.items] == ["7"]


def test_row_numbers_count_lines_within_quotes():
    result = read(b'ID;Titel\n1;"a\nb"\n;c\n')
    assert result.broken[0].place == "row 4, ID"


def test_several_columns_make_a_key():
    body = as_csv(
        [["Träger", "Kurs", "Titel"], ["VHS", "1", "a"], ["VHS", "2", "b"], ["AWO|x", "", "c"], ["", "", "d"]]
    )
    result = read(body, key=["Träger", "Kurs"])
    assert [i.key for i in result.items] == ["VHS|1", "VHS|2", "AWO¦x|"]
    assert result.broken[0].rule == "key_missing"


def test_equal_rows_with_one_key_are_one_with_a_warning():
    _, answers = answers_of(connector(), as_csv([["ID", "Titel"], ["1", "a"], ["2", "b"], ["1", "a"], ["1", "a"]]))
    answer = answers["1"]
    assert isinstance(answer, Mapped)
    assert [w.rule for w in answer.warnings] == ["row_repeated"]


def test_different_rows_with_one_key_are_rejected_together():
    _, answers = answers_of(connector(), as_csv([["ID", "Titel"], ["1", "a"], ["2", "b"], ["1", "c"]]))
    assert isinstance(answers["1"], Rejected)
    assert answers["1"].rejects[0].rule == "key_duplicate"
    assert isinstance(answers["2"], Mapped)


def test_headings_repeated_between_the_rows_are_no_offer():
    _, answers = answers_of(connector(), as_csv([["ID", "Titel"], ["1", "a"], ["id", "Titel"], ["2", "b"]]))
    assert isinstance(answers["id"], Rejected)
    assert answers["id"].rejects[0].rule == "key_junk"
    assert isinstance(answers["2"], Mapped)


def test_a_hundred_thousand_keys_are_told_apart():
    result = read(as_csv([["ID", "Titel"], *([f"A-{n}", "x"] for n in range(100_000))]))
    assert len({item.key for item in result.items}) == 100_000
    assert sum(item.id != item.key for item in result.items) < 20


# --- shapes and cuts ---


def test_a_row_with_too_many_or_too_few_cells_is_rejected_and_the_rest_flows():
    _, answers = answers_of(connector(), b"ID;Titel;Ort\n1;a;x\n2;b\n3;c;y;z\n4;d;w;;\n")
    assert [type(answers[key]).__name__ for key in "1234"] == ["Mapped", "Rejected", "Rejected", "Mapped"]
    short = answers["2"]
    assert isinstance(short, Rejected)
    assert short.rejects[0].rule == "row_shape"


@pytest.mark.parametrize(
    "cut", [b'ID;Titel\n1;a\n2;"b', b'ID;Titel\n1;a\n2;"b\nc', b"ID;Titel\n1;a\n2", b'ID;Titel\n1;a\n2;"b\n']
)
def test_a_file_that_ends_inside_a_row_is_partial(cut):
    result = read(cut)
    assert [i.key for i in result.items] == ["1"]
    assert result.ends[0].state == "partial"
    assert result.ends[0].reasons[0].startswith("truncated")


def test_a_file_that_ends_inside_a_character_is_partial():
    result = read("ID;Titel\n1;a\n2;ü".encode()[:-1])
    assert result.ends[0].state == "partial"


def test_the_last_row_needs_no_line_end():
    assert read(b"ID;Titel\n1;a\n2;b").ends[0].state == "complete"


def test_a_note_below_the_table_is_a_rejected_row_not_a_cut_file():
    result, answers = answers_of(connector(), b"ID;Titel\n1;a\nStand: 1.9.2026\n")
    assert result.ends[0].state == "complete"
    assert isinstance(answers["Stand: 1.9.2026"], Rejected)


def test_a_table_of_headings_only_is_complete_and_empty():
    result = read(b"ID;Titel\n")
    assert (result.items, result.ends[0].state) == ([], "complete")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html></html>", "log_in_page"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "xls"),
        (b"\x1f\x8b\x08\x00abc", "not_a_table"),
        (b"%PDF-1.7", "not_a_table"),
        (b"PK\x03\x04garbage", "truncated"),
        (b'{"error": "maintenance"}', "missing_column"),
        (b"ID;Titel\n" + b"x;" * 600 + b"\n", "too_many_columns"),
        (b"ID;Titel\n1;" + b"x" * 200_000 + b"\n", "not_a_table"),
    ],
)
def test_what_is_no_table_fails_the_part_with_the_reason(body, why):
    assert reason(body) == why


def test_another_format_than_the_set_one_fails_the_part():
    assert reason(b"ID;Titel\n", format="xlsx") == "not_a_table"


# --- workbooks ---


def test_dates_times_and_numbers_of_a_workbook_are_read_by_their_format():
    rows: list[list[Any]] = [
        ["ID", "Titel", "Beginn", "Uhrzeit", "PLZ", "Kosten"],
        [17, "Kurs", datetime(2027, 2, 1), time(9, 30), 1067, 1.5],
    ]
    settings = {
        "map": {"title": "Titel", "start": "Beginn", "time": "Uhrzeit", "place.postcode": "PLZ", "cost": "Kosten"}
    }
    result, answers = answers_of(connector(**settings), saved(workbook({"S": rows})))
    assert result.items[0].data == {
        "ID": 17,
        "Titel": "Kurs",
        "Beginn": "2027-02-01",
        "Uhrzeit": "09:30",
        "PLZ": 1067,
        "Kosten": 1.5,
    }
    answer = answers["17"]
    assert isinstance(answer, Mapped)
    assert answer.offer["starts"][0]["start"] == "2027-02-01T08:30:00Z"
    assert answer.offer["place"]["postcode"] == "01067"
    assert [w.rule for w in answer.warnings] == ["postcode_completed"]
    assert answer.offer["cost"]["amount"] == 1.5


@pytest.mark.parametrize(("epoch", "serial"), [(WINDOWS_EPOCH, 46054), (MAC_EPOCH, 44592)])
def test_day_numbers_without_date_format_are_read_by_the_calendar_of_the_workbook(epoch, serial):
    book = workbook({"S": [["ID", "Titel", "Beginn"], ["1", "x", serial]]})
    book.epoch = epoch
    result = read(saved(book), map={"title": "Titel", "start": "Beginn"})
    assert result.items[0].data["Beginn"] == date(2026, 2, 1).isoformat()


def test_hidden_sheets_are_read_only_when_named():
    sheets = {"Alt": [["ID", "Titel"], ["1", "alt"]], "Neu": [["ID", "Titel"], ["1", "neu"]]}
    body = saved(workbook(sheets, hidden=("Alt",)))
    assert titles(read(body)) == ["neu"]
    assert titles(read(body, sheet="Alt")) == ["alt"]
    assert titles(read(body, sheet=2)) == ["neu"]


def test_the_sheet_that_has_the_columns_is_taken():
    body = saved(workbook({"Hinweise": [["Bitte lesen"], ["ID", "nichts"]], "Liste": ROWS}))
    assert titles(read(body)) == ["Deutsch für Mütter", "Übung"]


def test_a_sheet_that_is_not_there_is_named():
    assert reason(saved(workbook({"S": ROWS})), sheet="T") == "missing_sheet"
    assert reason(saved(workbook({"S": ROWS})), sheet=5) == "missing_sheet"


def test_headings_in_a_later_row_of_a_sheet():
    body = saved(workbook({"S": [["Angebote"], [], *ROWS]}))
    assert titles(read(body, header_rows=3)) == ["Deutsch für Mütter", "Übung"]


def test_a_formula_without_a_value_and_an_error_are_empty():
    book = workbook({"S": [["ID", "Titel", "Ort"], ["1", "x", "=1+1"], ["2", "y", "#REF!"]]})
    _, answers = answers_of(connector(map={"title": "Titel", "place.town": "Ort"}), saved(book))
    for answer in answers.values():
        assert isinstance(answer, Mapped)
        assert answer.offer["place"] is None


def test_a_sheet_with_one_cell_in_the_far_corner_costs_nothing():
    book = workbook({"S": ROWS})
    book["S"].cell(row=1_048_576, column=16_384, value="weit weg")
    result = read(saved(book))
    assert titles(result) == ["Deutsch für Mütter", "Übung"]
    assert result.ends[0].proof["stopped"] == "after 1000 empty rows"


def test_a_workbook_that_unpacks_to_more_than_any_table_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            with archive.open(f"xl/worksheets/sheet{number}.xml", "w", force_zip64=True) as member:
                for _ in range(80):
                    member.write(bytes(1 << 20))
    assert reason(out.getvalue()) == "too_large"


def test_a_workbook_with_thousands_of_members_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(sheet.MAX_MEMBERS + 1):
            archive.writestr(f"a{number}", b"")
    assert reason(out.getvalue()) == "too_large"


def test_an_archive_that_is_no_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert reason(out.getvalue()) == "not_a_table"


def test_a_cut_workbook_is_refused():
    body = saved(workbook({"S": ROWS}))
    assert all(reason(body[: len(body) * n // 8]) in {"truncated", "not_a_table"} for n in range(1, 8))
