"""The doctor finds what is wrong and names the cure."""

from __future__ import annotations

import pytest


@pytest.fixture
def checks(call):
    def run(code):
        answer = call("doctor", "--json")
        assert answer.code == code
        return {check["name"]: check for check in answer.json["checks"]}

    return run


def test_a_fresh_hub_is_in_order(call, checks):
    call("init")
    found = checks(0)
    assert set(found) == {
        *(
            "python",
            "sqlite",
            "crc32c",
            "home",
            "disk",
            "log",
            "clock",
            "views",
            "search",
            "sources",
            "secrets",
            "alerts",
        )
    }
    assert {check["state"] for check in found.values()} <= {"ok", "warn"}


def test_without_a_home_the_machine_is_checked_and_the_next_command_named(checks):
    found = checks(1)
    assert found["home"]["fix"] == "verbund init"
    assert found["python"]["state"] == "ok"


def test_keys_that_others_can_read_are_found(call, checks, home):
    call("init")
    (home / "keys.db").write_bytes(b"")
    (home / "keys.db").chmod(0o644)
    found = checks(1)
    assert found["secrets"]["state"] == "fail"
    assert found["secrets"]["fix"].startswith("chmod 600 ")


def test_a_source_file_that_became_unreadable_is_found(call, checks, home):
    call("init")
    (home / "sources" / "broken.yaml").write_text("source: [")
    assert checks(1)["sources"]["state"] == "fail"


def test_a_log_that_cannot_be_opened_is_one_finding_among_others(call, checks, home):
    call("init")
    (home / "log.db").mkdir()
    found = checks(1)
    assert found["log"]["state"] == "fail"
    assert found["log"]["fix"] == "verbund explain E401"
    assert found["disk"]["state"] in ("ok", "warn")


def test_for_people_every_check_is_a_line_with_sign_and_word(call):
    call("init")
    lines = call("doctor").out.splitlines()
    assert any("ok" in line and "sqlite" in line for line in lines)
