"""One offer at the keyboard: taken down, kept away, let in again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_hold import SOURCE, write


@pytest.fixture
def courses(call, home: Path, tmp_path: Path) -> dict[str, str]:
    """Three courses; their offer ids by record."""
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    write(tmp_path, range(3))
    call("init")
    assert call("source", "apply", "witten.yaml").code == 0
    items = call("offer", "list", "--json").json["items"]
    return {item["record_key"]: item["offer_id"] for item in items}


def test_an_offer_is_withdrawn_stays_away_and_is_let_in_again(call, courses: dict[str, str]) -> None:
    ident = courses["1"]
    answer = call("offer", "withdraw", ident, "--note", "Der Raum ist geschlossen.", "--json")
    assert answer.code == 0
    assert answer.json["withdrawn"]
    assert call("offer", "show", ident, "--json").json["state"] == "withdrawn"
    run = call("source", "apply", "witten.yaml", "--json")
    assert (run.code, run.json["counts"]["ignored"]) == (0, 1)
    why = call("why", "witten-kurse", "1", "--json").json
    assert (why["outcome"], why["because"]) == ("ignored", "refused")
    assert why["refusals"][0]["note"] == "Der Raum ist geschlossen."
    assert "Der Raum ist geschlossen." in call("why", "witten-kurse", "1").out
    assert call("offer", "lift", ident).code == 0
    run = call("source", "apply", "witten.yaml", "--json")
    assert run.json["counts"]["reopened"] == 1
    assert call("offer", "show", ident, "--json").json["state"] == "live"


def test_what_is_withdrawn_or_not_refused_is_said(call, courses: dict[str, str]) -> None:
    ident = courses["2"]
    assert call("offer", "lift", ident).code == 4
    assert call("offer", "withdraw", ident).code == 0
    again = call("offer", "withdraw", ident)
    assert again.code == 4
    assert "by_hand" in again.err
    assert call("offer", "withdraw", "00000000-0000-0000-0000-000000000000").code == 2


def test_a_source_that_is_kept_elsewhere_carries_it_out_there(call, courses: dict[str, str], home: Path) -> None:
    (home / "sources" / "witten-kurse.yaml").rename(home / "elsewhere.yaml")
    answer = call("offer", "withdraw", courses["0"], "--json")
    assert (answer.code, answer.json["withdrawn"]) == (0, False)
    assert answer.err
    (home / "elsewhere.yaml").rename(home / "sources" / "witten-kurse.yaml")
    assert call("source", "apply", "witten.yaml", "--json").json["counts"]["ignored"] == 1
    assert call("offer", "show", courses["0"], "--json").json["state"] == "withdrawn"
