"""Faults of tables: headings, columns, rows, sheets, bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from tests.faults.corpus import faults
from tests.faults.corpus.publishers import HEADINGS
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Fault, Story

BOTH = ("csv", "xlsx")
FILE = {"url": None, "path": "angebote.csv"}


def _nights(s: Story, *fault: Fault, nights: int = 3, **how: Any) -> None:
    s.night()
    s.ends(2)
    s.nights(nights, *fault, **how)


def _rows(change: Any) -> Fault:
    """The rows below the headings, changed one by one; None leaves one out."""
    return faults.each(lambda index, row: row if index == 0 else change(index, row))


@scenario(*BOTH)
def the_key_column_is_renamed(s: Story) -> None:
    """`ID` is called `Nummer` now."""
    _nights(s, faults.each(lambda i, row: ["Nummer", *row[1:]] if i == 0 else row))


@scenario(*BOTH)
def another_column_is_renamed(s: Story) -> None:
    """`Beschreibung` is called `Text` now."""
    _nights(s, faults.each(lambda i, row: [*row[:2], "Text", *row[3:]] if i == 0 else row))


@scenario(*BOTH)
def the_headings_are_missing(s: Story) -> None:
    """The first row is an offer."""
    _nights(s, faults.written(lambda rows: rows[1:]))


@scenario(*BOTH)
def nothing_but_the_headings(s: Story) -> None:
    """An export with a filter that nothing passes."""
    _nights(s, faults.written(lambda rows: rows[:1]))


@scenario(*BOTH)
def all_rows_moved_one_cell_to_the_right(s: Story) -> None:
    """Keys stand under the titles."""
    _nights(s, _rows(lambda _i, row: ["", *row[:-1]]))


@scenario(*BOTH)
def all_rows_moved_one_cell_to_the_left(s: Story) -> None:
    """Titles stand under the keys: other ids, all of them."""
    _nights(s, _rows(lambda _i, row: [*row[1:], ""]))


@scenario("csv")
def one_row_too_wide_in_the_middle(s: Story) -> None:
    """An unquoted semicolon moves the cells of a single row."""
    _nights(s, _rows(lambda i, row: [*row[:2], "Bitte melden", *row[2:]] if i == 9 else row))


@scenario("csv")
def commas_for_semicolons(s: Story) -> None:
    """Another delimiter, rightly quoted: the same table."""
    _nights(s, faults.body(_delimited(",")), clean=True)


@scenario("csv")
def tabs_for_semicolons(s: Story) -> None:
    """Another delimiter again."""
    _nights(s, faults.body(_delimited("\t")), clean=True)


def _delimited(by: str) -> Callable[[bytes], bytes]:
    def written_anew(sent: bytes) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=by).writerows(csv.reader(io.StringIO(sent.decode(), newline=""), delimiter=";"))
        return out.getvalue().encode()

    return written_anew


@scenario("csv")
def semicolons_without_quotes(s: Story) -> None:
    """Every description has a semicolon in it, and the export has forgotten to quote: every row is one cell too wide."""
    _nights(s, faults.body(lambda sent: sent.replace(b"statt;", b"statt; ").replace(b'"', b"")))


@scenario("csv")
def windows_1252_without_a_word(s: Story) -> None:
    """Another encoding, as Excel saves it: the same words."""
    _nights(s, faults.body(lambda sent: sent.decode().encode("cp1252")), clean=True)


@scenario("csv")
def utf_8_labelled_as_latin_1(s: Story) -> None:
    """The server's label is wrong, the bytes are right."""
    label = {"content-type": "text/csv; charset=iso-8859-1"}
    _nights(s, faults.on_the_way(lambda _url, answer: faults.relabelled(answer, label)), clean=True)


@scenario("csv")
def latin_1_labelled_as_utf_8(s: Story) -> None:
    """The other way about."""
    label = {"content-type": "text/csv; charset=utf-8"}
    sent_so = faults.body(lambda sent: sent.decode().encode("latin-1"))
    _nights(s, sent_so, faults.on_the_way(lambda _url, answer: faults.relabelled(answer, label)), clean=True)


@scenario("csv")
def utf_16_with_its_mark(s: Story) -> None:
    """Excel's "Unicode text"."""
    _nights(s, faults.body(lambda sent: sent.decode().encode("utf-16")), clean=True)


@scenario("csv")
def a_byte_order_mark_before_the_key(s: Story) -> None:
    """Three bytes before the first heading are no part of it."""
    _nights(s, faults.body(lambda sent: b"\xef\xbb\xbf" + sent), clean=True)


@scenario(*BOTH)
def keys_empty_in_some_rows(s: Story) -> None:
    """Seven rows have no key: any of them may be one that seems to be missing."""
    _nights(s, _rows(lambda i, row: ["", *row[1:]] if i % 5 == 0 else row))


@scenario(*BOTH)
def keys_with_blanks_around(s: Story) -> None:
    """Blanks are no part of a key."""
    _nights(s, _rows(lambda _i, row: [f"  {row[0]} ", *row[1:]]), clean=True)


@scenario(*BOTH)
def keys_are_broken_references(s: Story) -> None:
    """A formula lost its column."""
    _nights(s, _rows(lambda i, row: ["#REF!" if i % 2 else "TODO", *row[1:]]))


@scenario(*BOTH)
def every_row_twice(s: Story) -> None:
    """The same rows again below."""
    _nights(s, faults.written(lambda rows: rows + rows[1:]), clean=True)


@scenario(*BOTH)
def one_key_for_two_different_rows(s: Story) -> None:
    """Copied down by hand: the last but one has the key of the last."""
    _nights(s, faults.written(lambda rows: [*rows[:-2], [rows[-1][0], *rows[-2][1:]], rows[-1]]))


@scenario(*BOTH)
def one_key_for_all_rows(s: Story) -> None:
    """Filled down to the end."""
    _nights(s, _rows(lambda _i, row: ["A-5", *row[1:]]))


@scenario(*BOTH)
def headings_again_in_the_middle_and_a_sum_below(s: Story) -> None:
    """A list made for printing."""
    summed = ["Summe", "", "", "", "", ""]
    _nights(s, faults.written(lambda rows: [*rows[:15], list(HEADINGS), *rows[15:], summed]))


@scenario(*BOTH)
def columns_and_rows_in_another_order(s: Story) -> None:
    """Sorted by hand: the same table."""
    _nights(s, faults.written(lambda rows: [row[::-1] for row in rows[:1] + rows[:0:-1]]), clean=True)


@scenario(*BOTH)
def empty_rows_between(s: Story) -> None:
    """Space for the eye."""
    _nights(s, faults.written(lambda rows: [r for row in rows for r in (row, [""] * 6)]), clean=True)


@scenario("csv")
def no_line_end_at_the_end(s: Story) -> None:
    """The last row is whole, its line end is not there."""
    _nights(s, faults.body(lambda sent: sent.rstrip(b"\r\n")), clean=True)


@scenario("xlsx")
def another_sheet_comes_first(s: Story) -> None:
    """A cover sheet before the list."""
    _nights(s, faults.written(lambda rows: [["Stand: September"], ["sheet:Liste"], *rows]), clean=True)


@scenario("xlsx")
def the_archive_comes_first(s: Story) -> None:
    """Last year's list, with the same columns, lies before this year's: other records, none of ours."""
    old = [[f"A-{n}", f"Kurs des Vorjahres {n}", "War schön.", "aktiv", "2027-01-31", "X"] for n in range(900, 930)]
    _nights(s, faults.written(lambda rows: [list(HEADINGS), *old, ["sheet:Aktuell"], *rows]))


@scenario("xlsx")
def the_named_sheet_is_missing(s: Story) -> None:
    """The source file names a sheet, and it was renamed."""
    s.edit(sheet="Angebote")
    _nights(s, faults.written(lambda rows: [["leer"], ["sheet:Angebote 2027"], *rows]))


@scenario("xlsx")
def the_named_sheet_is_empty(s: Story) -> None:
    """The sheet is there with its headings, the rows lie on another one."""
    s.edit(sheet="Angebote")
    _nights(s, faults.written(lambda rows: [rows[0], ["sheet:Neu"], *rows]))


@scenario("xlsx")
def another_sheet_in_the_settings(s: Story) -> None:
    """A person points the source file at another sheet by mistake: a change of scope."""
    other = [[f"B-{n}", f"Beratung {n}", "Nach Absprache.", "aktiv", "2027-01-31", "X"] for n in range(30)]
    two = faults.written(lambda rows: [*rows, ["sheet:Beratung"], list(HEADINGS), *other])
    s.edit(sheet="Angebote")
    s.night()
    s.ends(2)
    s.edit(sheet="Beratung")
    s.nights(2, two)
    s.edit(sheet="Angebote")
    s.nights(3, two, clean=True)


@scenario("xlsx")
def the_old_excel_format(s: Story) -> None:
    """Saved as XLS."""
    _nights(s, faults.answers(200, b"\xd0\xcf\x11\xe0" + bytes(600), kind="application/vnd.ms-excel"))


@scenario("csv")
def another_file_in_the_settings_by_mistake(s: Story) -> None:
    """The source file names the address of another district's table for two nights."""
    s.night()
    s.ends(2)
    s.edit(url="https://feed.example/nachbar.csv")
    s.nights(2, faults.of_another_district(), faults.served_as("angebote.csv", "nachbar.csv"))
    s.edit(url="https://feed.example/angebote.csv")


@scenario("csv")
def the_table_has_moved(s: Story) -> None:
    """The same table at another address; a person edits the source file, and that is right."""
    s.night()
    s.ends(2)
    s.edit(url="https://feed.example/neu.csv")
    moved = faults.served_as("angebote.csv", "neu.csv")
    s.nights(4, moved, clean=True)
    s.edit(url="https://feed.example/angebote.csv")


@scenario("csv")
def a_file_beside_the_source_file_is_half(s: Story) -> None:
    """Uploads have no grace time: the guard is all there is."""
    s.edit(**FILE)
    s.night()
    s.ends(2)
    s.night(faults.only_share(0.5))


@scenario("csv")
def a_file_beside_the_source_file_is_gone(s: Story) -> None:
    """Moved away while it was edited."""
    s.edit(**FILE)
    _nights(s, faults.answers(404))


@scenario("csv")
def a_file_beside_the_source_file_loses_three_by_and_by(s: Story) -> None:
    """Three offers, one a night, that truly end."""
    s.edit(**FILE)
    s.night()
    for _ in range(3):
        s.ends(1)
        s.night()


@scenario(*BOTH)
def the_status_column_says_nothing_known(s: Story) -> None:
    """`aktiv` became `online`."""
    _nights(s, _rows(lambda _i, row: [*row[:3], "online", *row[4:]]))


@scenario(*BOTH)
def the_status_column_says_inactive(s: Story) -> None:
    """Every row is switched off for two nights by somebody who tries something."""
    _nights(s, _rows(lambda _i, row: [*row[:3], "inaktiv", *row[4:]]), nights=2)


@scenario(*BOTH)
def a_filter_was_left_on(s: Story) -> None:
    """The export holds what was on the screen."""
    _nights(s, _rows(lambda i, row: row if i % 4 == 0 else None))


@scenario("xlsx")
def keys_became_numbers(s: Story) -> None:
    """Keys that are numbers come as text, as numbers, as numbers with a decimal point: the same keys."""
    s.renames(list(s.truth), lambda key: key.removeprefix("A-"))
    s.night()
    s.ends(2)
    s.night(_rows(lambda _i, row: [int(row[0]), *row[1:]]), clean=True)
    s.night(_rows(lambda _i, row: [float(row[0]), *row[1:]]), clean=True)
