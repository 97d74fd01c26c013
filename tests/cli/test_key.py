"""API keys at the keyboard."""

from __future__ import annotations

import stat

import pytest


@pytest.fixture(autouse=True)
def _hub(call):
    assert call("init").code == 0


def test_the_secret_of_a_new_key_is_shown_once(call, home):
    made = call("key", "add", "office", "--role", "district", "--district", "05954", "--district", "05124")
    secret = made.out.strip()
    assert made.code == 0 and secret.startswith("vbk_") and len(secret.splitlines()) == 1
    assert "shown only now" in made.err
    listed = call("key", "list")
    assert "office" in listed.out and secret not in listed.out + listed.err
    (item,) = call("key", "list", "--json").json["items"]
    assert (item["role"], item["districts"], item["revoked_on"]) == ("district", ["05124", "05954"], None)
    assert "secret" not in item and secret.startswith(f"vbk_{item['prefix']}_")
    assert stat.S_IMODE((home / "state.db").stat().st_mode) == 0o600


def test_a_key_is_revoked_by_its_name(call):
    call("key", "add", "agency", "--role", "hub", "--json")
    assert "agency" in call("key", "revoke", "agency").out
    assert call("key", "list", "--json").json["items"][0]["revoked_on"]
    again = call("key", "revoke", "agency")
    assert again.code == 2 and "agency" in again.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("office",),
        ("office", "--role", "district"),
        ("office", "--role", "king"),
        ("office", "--role", "hub", "--district", "05954"),
        ("office", "--role", "district", "--district", "Schwelm"),
        ("Erika Mustermann", "--role", "hub"),
        ("cli", "--role", "hub"),
    ],
)
def test_a_key_that_cannot_be_is_wrong_usage(call, arguments):
    assert call("key", "add", *arguments).code == 2
    assert call("key", "list", "--json").json["total"] == 0


def test_two_keys_of_one_name_would_blur_who_answered(call):
    call("key", "add", "office", "--role", "hub")
    again = call("key", "add", "office", "--role", "hub")
    assert again.code == 2 and "revoke" in again.err
