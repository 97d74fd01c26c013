"""A provider's mistakes, from the list of what is wrong to the file that goes to the provider; and what to mend first."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

SOURCE = """\
source: witten-kurse
district: "05954"
connector: table
title: Kurse in Witten
licence: CC-BY-4.0
with:
  path: kurse.csv
  key: [ID]
  map: {title: Titel, place.town: Ort, url: Seite, contact.phone: Telefon}
"""
HEADING = "ID;Titel;Ort;Seite;Telefon;Notiz"
GOOD = ["1;Deutsch A1;Witten;https://kurse.example/1;02302 1234;", "2;Nähcafé;Herdecke;https://kurse.example/2;;"]


def write(folder: Path, *rows: str) -> None:
    (folder / "kurse.csv").write_text("\n".join([HEADING, *rows, ""]), encoding="utf-8")


@pytest.fixture
def apply(call: Any, tmp_path: Path, home: Path) -> Any:
    """Deliver these rows."""
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")

    def deliver(*rows: str) -> Any:
        write(tmp_path, *rows)
        return call("source", "apply", "witten.yaml", "--json")

    call("init")
    return deliver


def test_a_record_that_was_good_before_is_marked_and_says_what_to_do(call, apply):
    apply(*GOOD)
    apply("1;;Witten;;02302 1234;Frau Beispiel", GOOD[1], "3;;Witten;;;")
    (group,) = call("reject", "list", "--json").json["items"]
    assert (group["rule"], group["place"], group["count"], group["regressed"]) == ("title_missing", "Titel", 2, 1)
    said = call("reject", "list", "--source", "witten-kurse").out
    assert "1 was good" in said
    assert "No title → Write a title" in said


def test_one_reject_shows_what_the_source_sent_without_a_person(call, apply):
    apply(*GOOD)
    apply("1;;Witten;;02302 1234;Mail an anna@kurse.example", GOOD[1])
    document = call("reject", "show", "witten-kurse", "1", "--json").json
    assert (document["rule"], document["title"], document["regressed"]) == ("title_missing", "Deutsch A1", True)
    (item,) = document["raw"]
    assert item["data"]["Ort"] == "Witten"
    assert item["data"]["Telefon"] == "(10 characters)"
    assert "anna" not in str(document)
    said = call("reject", "show", "witten-kurse", "1").out
    assert "was good; its last good version stays" in said
    assert "anna" not in said
    assert "02302" not in said


def test_a_record_that_is_not_rejected_is_a_finding_with_the_way_on(call, apply):
    apply(*GOOD)
    answer = call("reject", "show", "witten-kurse", "1")
    assert answer.code == 1
    assert "verbund why witten-kurse 1" in answer.err
    assert call("reject", "show", "nothing", "1").code == 2
    assert call("reject", "list", "--source", "nothing").code == 2


def test_the_file_for_the_provider_opens_in_a_spreadsheet(call, apply, tmp_path):
    apply("=1+1;;Witten;;;", GOOD[1])
    (line,) = csv.DictReader(io.StringIO(call("reject", "export", "--lang", "de").out, newline=""))
    assert line["Kennung"] == "'=1+1"
    assert line["Was zu tun ist"].startswith("Einen Titel eintragen")
    call("reject", "export", "--lang", "en", "--excel", "--out", "provider.csv")
    written = (tmp_path / "provider.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbfRecord;Title;")
    assert b"\r\n" in written
    assert b"\r\r" not in written


def test_a_group_that_was_mended_and_comes_again_is_back(call, apply):
    apply("1;;Witten;;;", GOOD[1])
    apply(*GOOD)
    assert call("reject", "list", "--json").json["total"] == 0
    assert "Nothing is rejected" in call("reject", "list").err
    apply(GOOD[0], "2;;Herdecke;;;")
    (group,) = call("reject", "list", "--json").json["items"]
    assert group["back"] is True
    assert "is back" in call("reject", "list").out


def test_a_source_shows_its_quality_what_to_mend_first_and_what_was_left_out(call, apply):
    apply("1;Deutsch A1;Witten;kein Link;02302 1234;", GOOD[1])
    document = call("source", "show", "witten-kurse", "--json").json
    assert 0 < document["quality"]["score"] < 100
    assert document["quality"]["mend_first"]["fix"]
    assert [(one["rule"], one["count"], one["examples"]) for one in document["dropped_values"]] == [
        ("url_unusable", 1, ["1"])
    ]
    said = call("source", "show", "witten-kurse").out
    for words in ("Mend this first:", "Values left out", "Unusable web address", "of 100"):
        assert words in said, words
    (listed,) = call("source", "list", "--json").json["items"]
    assert listed["score"] == document["quality"]["score"]


def test_an_offer_shows_what_it_lacks_and_how_to_mend_it(call, apply):
    apply(*GOOD)
    offer = call("offer", "list", "--json").json["items"][0]["offer_id"]
    findings = call("offer", "show", offer, "--json").json["findings"]
    assert {"no_description", "german_only"} <= {one["code"] for one in findings}
    assert findings[0]["grade"] in ("error", "warning")
    assert "Write two or three sentences" in call("offer", "show", offer).out


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("title_missing", ("No title (rule for records)", "The record is rejected", "→ Write a title")),
        ("shrink", ("Too many are missing (guard)", "guards: {shrink: {count: 3, share: 0.10}}")),
        ("no_level", ("Language course without level (finding of quality)",)),
        ("EMPTY", ("Empty delivery (guard)", "Empty answer (reason why a part is not complete)")),
        ("truncated: at byte 512", ("Cut off",)),
        ("e102", ("E102:",)),
    ],
)
def test_any_code_is_explained(call, code, words):
    said = call("explain", code).out
    for word in words:
        assert word in said, word


def test_an_explanation_is_in_the_language_of_the_terminal_and_has_all_meanings_in_json(call, monkeypatch):
    document = call("explain", "ours", "--json").json
    assert [one["kind"] for one in document["meanings"]] == ["ignored", "withdrawals"]
    assert document["title"] == document["meanings"][0]["title"]
    monkeypatch.setenv("VERBUND_LANG", "de")
    assert "Zu viele fehlen (Wächter)" in call("explain", "shrink").out


def test_an_unknown_code_names_the_nearest(call):
    answer = call("explain", "titel_missing")
    assert answer.code == 2
    assert "did you mean title_missing" in answer.err
