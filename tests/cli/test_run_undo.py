"""Taking back a run at the keyboard: looked at, done, kept away, let in again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_hold import SOURCE


def write(folder: Path, *titles: str) -> None:
    rows = [f"{number};{title};Witten" for number, title in enumerate(titles)]
    (folder / "kurse.csv").write_text("\n".join(["ID;Titel;Ort", *rows, ""]), encoding="utf-8")


def titles(call) -> list[str]:
    return sorted(item["title"] for item in call("offer", "list", "--json").json["items"])


@pytest.fixture
def spoilt(call, home: Path, tmp_path: Path) -> str:
    """Two courses; then one is spoilt and one is new. The id of that second run."""
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    write(tmp_path, "Deutsch", "Nähen")
    call("init")
    assert call("source", "apply", "witten.yaml").code == 0
    write(tmp_path, "Deutsch", "N?hen", "Test")
    return str(call("source", "apply", "witten.yaml", "--json").json["run_id"])


def test_it_is_shown_before_it_is_done(call, spoilt: str) -> None:
    answer = call("run", "undo", spoilt, "--json")
    assert answer.code == 1
    changes = {change["record_key"]: change for change in answer.json["changes"]}
    assert {key: change["action"] for key, change in changes.items()} == {"1": "revise", "2": "withdraw"}
    assert changes["1"]["fields"]["texts.de.title"] == ["N?hen", "Nähen"]
    assert titles(call) == ["Deutsch", "N?hen", "Test"], "nothing was changed"
    assert "N?hen -> Nähen" in call("run", "undo", spoilt).out


def test_it_is_done_kept_away_and_let_in_again(call, spoilt: str) -> None:
    answer = call("run", "undo", spoilt, "--yes", "--json")
    assert answer.code == 0
    assert titles(call) == ["Deutsch", "Nähen"]
    assert call("source", "apply", "witten.yaml", "--json").json["counts"]["ignored"] == 2
    assert titles(call) == ["Deutsch", "Nähen"]
    assert call("run", "undo", spoilt, "--lift", "--json").json["lifted"] == 2
    call("source", "apply", "witten.yaml")
    assert titles(call) == ["Deutsch", "N?hen", "Test"]


def test_an_undo_is_undone_by_its_own_run(call, spoilt: str) -> None:
    (done,) = call("run", "undo", spoilt, "--yes", "--json").json["carried_out"]
    assert call("run", "undo", done["run_id"], "--yes").code == 0
    assert titles(call) == ["Deutsch", "N?hen", "Test"]


def test_twice_there_is_nothing_left_and_an_unknown_run_is_said(call, spoilt: str) -> None:
    call("run", "undo", spoilt, "--yes")
    answer = call("run", "undo", spoilt, "--yes", "--json")
    assert (answer.code, answer.json["changes"]) == (0, [])
    assert len(answer.json["later"]) == 2
    assert call("run", "undo", "nothing").code == 2


def test_the_run_of_a_decision_says_whose_it_was(call, spoilt: str) -> None:
    (done,) = call("run", "undo", spoilt, "--yes", "--note", "Die Datei war kaputt.", "--json").json["carried_out"]
    shown = call("run", "show", done["run_id"], "--json")
    assert shown.code == 0
    assert (shown.json["decision"], shown.json["undone"], shown.json["by"]) == ("RunUndoAsked", spoilt, "cli")
    told = call("run", "show", done["run_id"]).out
    assert "Die Datei war kaputt." in told
    assert spoilt in told
