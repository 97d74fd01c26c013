"""A source from its draft to its removal, on a table in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

SOURCE = """\
source: witten-kurse
district: "05954"
connector: table
title: Kurse in Witten
licence: CC-BY-4.0
with:
  path: kurse.csv
  key: [ID]
  map: {title: Titel, place.town: Ort, organisation: Träger}
"""
HEADING = "ID;Titel;Ort;Träger"
ROWS = ["1;Deutsch A1;Witten;Haus Ruhr", "2;Deutsch B1;Witten;Haus Ruhr", "3;Nähcafé;Herdecke;Faden e.V."]


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    write(tmp_path, *ROWS)
    return tmp_path


def write(folder: Path, *rows: str) -> None:
    (folder / "kurse.csv").write_text("\n".join([HEADING, *rows, ""]), encoding="utf-8")


@pytest.fixture
def applied(call, folder):
    call("init")
    assert call("source", "apply", "witten.yaml").code == 0
    return call


def test_a_draft_guesses_the_mapping_and_shows_mapped_rows(call, folder):
    answer = call("source", "init", "--connector", "table", "--from", "kurse.csv")
    assert answer.code == 0
    drafted = yaml.safe_load(answer.out)
    assert drafted["connector"] == "table"
    assert drafted["with"]["map"]["title"] == "Titel"
    assert "Nähcafé" in answer.err
    sample = call("source", "init", "--connector", "table", "--from", "kurse.csv", "--json").json["sample"]
    assert [row["record_key"] for row in sample] == ["1", "2", "3"]


@pytest.mark.parametrize("connector", ["table", "rpde", "integreat"])
def test_a_draft_is_a_file_that_only_lacks_what_a_person_knows(call, folder, connector):
    drafted = yaml.safe_load(call("source", "init", "--connector", connector).out)
    assert drafted.keys() >= {"source", "district", "connector", "with"}


def test_a_connector_that_is_not_there_names_the_nearest(call, folder):
    answer = call("source", "init", "--connector", "tabel")
    assert answer.code == 2
    assert "did you mean table" in answer.err


def test_a_file_that_is_no_table_is_a_usage_error(call, folder):
    (folder / "x.bin").write_bytes(b"\x00\x01\x02" * 100)
    assert call("source", "init", "--connector", "table", "--from", "x.bin").code == 2
    assert call("source", "init", "--connector", "table", "--from", "absent.csv").code == 2


def test_a_check_shows_connection_sample_and_rights(call, folder):
    call("init")
    document = call("source", "check", "witten.yaml", "--json").json
    assert document["connection"]["ok"]
    assert [one["title"] for one in document["sample"]] == ["Deutsch A1", "Deutsch B1", "Nähcafé"]
    assert document["rights"]["passed_on"] is True
    assert call("offer", "list", "--json").json["total"] == 0


def test_a_plan_says_what_would_change_and_changes_nothing(call, folder):
    call("init")
    answer = call("source", "plan", "witten.yaml", "--out", "plan.json", "--json")
    assert answer.code == 6
    plan = answer.json
    assert plan.keys() >= {"source", "district", "base", "completeness", "counts", "changes", "would_hold"}
    assert [change["action"] for change in plan["changes"]] == ["publish"] * 3
    assert all(change.keys() >= {"action", "record_key", "offer_id", "fields"} for change in plan["changes"])
    assert json.loads((folder / "plan.json").read_text()) == plan
    assert call("log", "verify", "--json").json["events"] == 0


def test_applying_registers_the_source_and_says_what_was_done(applied):
    source = applied("source", "list", "--json").json["items"][0]
    assert (source["source"], source["health"], source["state"]) == ("witten-kurse", "healthy", "active")
    assert applied("offer", "list", "--json").json["total"] == 3


def test_applying_again_changes_nothing_and_appends_one_event(applied):
    before = applied("log", "verify", "--json").json["events"]
    run = applied("source", "apply", "witten.yaml", "--json").json
    assert run["counts"]["unchanged"] == 3
    assert applied("log", "verify", "--json").json["events"] == before + 1
    assert applied("source", "plan", "witten.yaml").code == 0


def test_a_plan_shows_old_and_new(applied, folder):
    write(folder, "1;Deutsch A1 am Abend;Witten;Haus Ruhr", *ROWS[1:])
    plan = applied("source", "plan", "witten.yaml", "--json").json
    assert plan["changes"][0]["fields"]["texts.de.title"] == ["Deutsch A1", "Deutsch A1 am Abend"]
    said = applied("source", "plan", "witten.yaml").out
    assert "Deutsch A1 -> Deutsch A1 am Abend" in said


def test_a_new_reject_is_a_finding_once(applied, folder):
    write(folder, "1;;Witten;Haus Ruhr", *ROWS[1:])
    answer = applied("source", "apply", "witten.yaml", "--json")
    assert answer.code == 1
    reject = answer.json["rejects"][0]
    assert reject.keys() >= {"record_key", "rule", "place", "value", "raw_digest"}
    assert applied("source", "apply", "witten.yaml").code == 0
    assert applied("offer", "list", "--json").json["total"] == 3  # the last good version stays


def test_a_source_that_reads_a_file_beside_it_stays_where_it_is(applied, folder, home):
    kept = home / "sources" / "witten-kurse.yaml"
    assert kept.is_symlink()
    assert kept.resolve() == folder / "witten.yaml"
    assert applied("ingest", "--once").code == 0


def test_a_file_that_vanished_fails_the_run_and_withdraws_nothing(applied, folder):
    (folder / "kurse.csv").unlink()
    answer = applied("source", "apply", "witten.yaml", "--json")
    assert answer.code in (2, 3)
    assert applied("offer", "list", "--json").json["total"] == 3


def test_removing_is_shown_first_and_then_done(applied):
    plan = applied("source", "remove", "witten-kurse", "--json")
    assert plan.code == 6
    assert len(plan.json["changes"]) == 3
    assert applied("offer", "list", "--json").json["total"] == 3
    assert applied("source", "remove", "witten-kurse", "--yes").code == 0
    assert applied("offer", "list", "--json").json["total"] == 0
    assert applied("source", "list", "--json").json["total"] == 0
    assert applied("source", "remove", "witten-kurse").code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SOURCE.replace("key:", "kye:"), "did you mean 'key'"),
        (SOURCE.replace("connector: table", "connector: tabel"), "table"),
        (SOURCE.replace('"05954"', "13076"), "in quotes"),
        ("- a\n- b\n", "holds no"),
        ("source: [", "YAML"),
    ],
)
def test_a_source_file_that_cannot_be_is_named_with_its_line(call, folder, text, said):
    call("init")
    (folder / "bad.yaml").write_text(text, encoding="utf-8")
    answer = call("source", "plan", "bad.yaml")
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err
    assert "bad.yaml" in answer.err


def test_a_saved_plan_is_carried_out_and_only_once(call, applied, folder) -> None:
    write(folder, *ROWS, "4;Töpfern;Witten;Haus Ruhr")
    assert call("source", "plan", "witten.yaml", "--out", "plan.json").code == 6
    write(folder, *ROWS, "4;Töpfern;Witten;Haus Ruhr", "5;Singen;Witten;Haus Ruhr")
    done = call("source", "apply", "plan.json", "--json")
    assert (done.code, done.json["counts"]["published"]) == (0, 1)
    again = call("source", "apply", "plan.json")
    assert again.code == 4
    assert "Plan again" in again.err


def test_a_plan_is_compared_with_a_saved_one(call, applied, folder) -> None:
    write(folder, *ROWS, "4;Töpfern;Witten;Haus Ruhr")
    call("source", "plan", "witten.yaml", "--out", "plan.json")
    write(folder, *ROWS, "5;Singen;Witten;Haus Ruhr")
    compared = call("source", "plan", "witten.yaml", "--compare", "plan.json", "--json").json["compared"]
    assert [one["record_key"] for one in compared["added"]] == ["5"]
    assert [one["record_key"] for one in compared["dropped"]] == ["4"]
    assert call("source", "plan", "witten.yaml", "--compare", "witten.yaml").code == 2


def test_a_filter_is_looked_at_before_it_is_used(call, applied, folder) -> None:
    write(folder, *ROWS[:1])
    (folder / "anders.csv").write_text((folder / "kurse.csv").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "neu.yaml").write_text(SOURCE.replace("kurse.csv", "anders.csv"), encoding="utf-8")
    answer = call("source", "filter-preview", "neu.yaml", "--json")
    assert answer.code == 5
    assert (answer.json["kept"], len(answer.json["lost"]), answer.json["gained"]) == (1, 2, [])
    assert "path" in answer.json["settings"]


def test_a_mapping_is_tried_on_the_past(call, applied, folder) -> None:
    (folder / "neu.yaml").write_text(SOURCE.replace("title: Titel", "title: Titel, summary: Träger"), encoding="utf-8")
    answer = call("source", "replay", "witten-kurse", "--mapping", "neu.yaml", "--since", "2020-01-01", "--json")
    assert answer.code == 6
    assert [change["action"] for change in answer.json["changes"]] == ["revise"] * 3
    assert call("source", "replay", "anders", "--mapping", "neu.yaml", "--since", "2020-01-01").code == 2
