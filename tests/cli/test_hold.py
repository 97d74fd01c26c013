"""Holds at the keyboard: seen, looked at, answered in each of the three ways."""

from __future__ import annotations

from pathlib import Path

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
  map: {title: Titel, place.town: Ort}
"""


def write(folder: Path, numbers: range) -> None:
    rows = [f"{number};Deutsch {number};Witten" for number in numbers]
    (folder / "kurse.csv").write_text("\n".join(["ID;Titel;Ort", *rows, ""]), encoding="utf-8")


@pytest.fixture
def held(call, home: Path, tmp_path: Path) -> Path:
    """Twenty courses of which eight are gone."""
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    write(tmp_path, range(20))
    call("init")
    assert call("source", "apply", "witten.yaml").code == 0
    write(tmp_path, range(12))
    answer = call("source", "apply", "witten.yaml", "--json")
    assert answer.code == 5
    assert answer.json["held"]
    return tmp_path


def test_a_plan_names_the_guard_and_ends_with_five(call, home: Path, tmp_path: Path) -> None:
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    write(tmp_path, range(20))
    call("init")
    call("source", "apply", "witten.yaml")
    write(tmp_path, range(12))
    answer = call("source", "plan", "witten.yaml", "--json")
    assert answer.code == 5
    assert [hold["guard"] for hold in answer.json["would_hold"]] == ["shrink"]


def test_a_hold_is_listed_and_shown(call, held: Path) -> None:
    (item,) = call("hold", "list", "--json").json["items"]
    assert (item["source"], item["guard"], item["count"], item["state"]) == ("witten-kurse", "shrink", 8, "open")
    assert set(item["message"]) == {"de", "en"}
    shown = call("hold", "show", item["hold_id"][:8], "--json").json
    assert len(shown["examples"]) == 8
    assert shown["expires"] > shown["opened_at"]
    whole = call("hold", "show", item["hold_id"], "--whole", "--json").json
    assert {one["record_key"] for one in whole["set"]} == {str(number) for number in range(12, 20)}
    assert "shrink" in call("hold", "show", item["hold_id"]).out


def test_allowing_once_withdraws_the_set_at_once(call, held: Path) -> None:
    (item,) = call("hold", "list", "--json").json["items"]
    answer = call("hold", "allow", item["hold_id"], "--once", "--json")
    assert answer.code == 0
    assert answer.json["run"]["counts"]["withdrawn"] == 8
    assert call("hold", "list", "--json").json["items"] == []
    assert call("offer", "list", "--state", "live", "--json").json["total"] == 12
    (over,) = call("hold", "list", "--all", "--json").json["items"]
    assert (over["state"], over["answer"], over["released"]) == ("closed", "allow_once", 8)


def test_allowing_up_to_a_number(call, held: Path) -> None:
    (item,) = call("hold", "list", "--json").json["items"]
    answer = call("hold", "allow", item["hold_id"], "--up-to", "5", "--json")
    assert answer.code == 5, "eight are more than five: asked again"
    (again,) = call("hold", "list", "--json").json["items"]
    assert again["hold_id"] != item["hold_id"]
    assert call("hold", "allow", again["hold_id"], "--up-to", "8", "--json").json["run"]["counts"]["withdrawn"] == 8


def test_rejecting_keeps_everything(call, held: Path) -> None:
    (item,) = call("hold", "list", "--json").json["items"]
    assert call("hold", "reject", item["hold_id"], "--note", "the export was cut").code == 0
    assert call("hold", "list", "--json").json["items"] == []
    assert call("source", "apply", "witten.yaml").code == 0
    assert call("offer", "list", "--state", "live", "--json").json["total"] == 20
    (kept,) = call("hold", "list", "--all", "--json").json["items"]
    assert (kept["state"], kept["note"]) == ("rejected", "the export was cut")


def test_why_says_that_a_record_is_held(call, held: Path) -> None:
    why = call("why", "witten-kurse", "15", "--json").json
    (item,) = call("hold", "list", "--json").json["items"]
    assert (why["outcome"], why["hold"]["hold_id"], why["hold"]["state"]) == ("held", item["hold_id"], "open")
    shown = call("why", "witten-kurse", "15")
    assert item["hold_id"] in shown.out and item["message"]["en"] in shown.out
    assert f"verbund hold show {item['hold_id'][:8]}" in shown.err
    assert call("why", "witten-kurse", "1", "--json").json["hold"] is None


def test_wrong_usage_is_told(call, held: Path) -> None:
    assert call("hold", "show", "ffffffff").code == 2
    (item,) = call("hold", "list", "--json").json["items"]
    assert call("hold", "allow", item["hold_id"]).code == 2
    call("hold", "allow", item["hold_id"], "--once")
    assert call("hold", "reject", item["hold_id"]).code == 4


def test_a_source_that_cannot_be_read_now_leaves_the_answer_for_later(call, held: Path) -> None:
    (item,) = call("hold", "list", "--json").json["items"]
    kept = (held / "kurse.csv").read_text(encoding="utf-8")
    (held / "kurse.csv").unlink()
    answer = call("hold", "allow", item["hold_id"], "--once", "--json")
    assert answer.code == 5 or answer.code == 3
    (waiting,) = call("hold", "list", "--json").json["items"]
    assert waiting["state"] == "answered"
    (held / "kurse.csv").write_text(kept, encoding="utf-8")
    assert call("source", "apply", "witten.yaml", "--json").json["counts"]["withdrawn"] == 8
