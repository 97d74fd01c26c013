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


def test_a_field_is_set_kept_shown_and_given_back(call, courses: dict[str, str], tmp_path: Path) -> None:
    ident = courses["1"]
    answer = call("offer", "override", ident, "place.town", "Hattingen", "--note", "Umgezogen.", "--json")
    assert answer.code == 0
    (one,) = answer.json["overrides"]
    assert (one["field"], one["value"], one["own"], one["counts"]) == ("place.town", "Hattingen", "Witten", True)
    assert (one["by"], one["note"]) == ("cli", "Umgezogen.")
    write(tmp_path, range(4))
    assert call("source", "apply", "witten.yaml").code == 0
    shown = call("offer", "show", ident, "--json").json
    assert (shown["place"]["town"], shown["overridden"]) == ("Hattingen", ["place.town"])
    for text in (call("offer", "show", ident).out, call("why", "witten-kurse", "1").out):
        assert "Hattingen" in text
        assert "Witten" in text
        assert "Umgezogen." in text
    assert call("offer", "lift-override", ident, "place.town").code == 0
    assert call("offer", "show", ident, "--json").json["place"]["town"] == "Witten"
    assert call("offer", "lift-override", ident, "place.town").code == 4


def test_what_does_not_fit_is_refused_with_a_sentence(call, courses: dict[str, str]) -> None:
    answer = call("offer", "override", courses["1"], "childcare", "vielleicht")
    assert answer.code == 2
    assert "childcare" in answer.err
    assert call("offer", "override", courses["1"], "contact_ids", "[]").code == 2
    assert call("offer", "show", courses["1"], "--json").json["revision"] == 1
