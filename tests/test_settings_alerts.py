"""Settings of alerts: in the file and in the environment, whole or not at all, secrets by reference and masked."""

from __future__ import annotations

import base64

import pytest

from verbund.errors import SettingsError
from verbund.settings import load

KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()
FILE = """\
alerts:
  to: [it@kreis.example, leitung@kreis.example]
  from: verbund@kreis.example
  smtp: smtp://verbund@mail.kreis.example
  smtp_password: file:smtp.password
  webhook: https://chat.kreis.example/hook
  webhook_secret: ${HOOK}
  quiet: ["20:00-07:00", sat-sun]
  weekly: off
"""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / ".verbund"
    folder.mkdir()
    (folder / "smtp.password").write_text("geheim\n")
    return folder


def loaded(home, text="", **environ):
    (home / "verbund.yaml").write_text(text, encoding="utf-8")
    return load({"HOOK": KEY, **environ}, here=home.parent)


def test_nobody_is_told_anything_unless_it_is_set(home):
    assert not loaded(home).settings.alerts.are_on


def test_everything_may_stand_in_the_file(home):
    alerts = loaded(home, FILE).settings.alerts
    assert alerts.to == ("it@kreis.example", "leitung@kreis.example")
    assert alerts.quiet == ("20:00-07:00", "sat-sun")
    assert alerts.weekly is None
    server = alerts.mail_server
    assert (server.scheme, server.host, server.port, server.user) == ("smtp", "mail.kreis.example", 587, "verbund")
    assert server.password.get_secret_value() == "geheim"


def test_the_environment_goes_before_the_file_setting_by_setting(home):
    made = loaded(home, FILE, VERBUND_ALERTS_TO="a@b.example, c@d.example", VERBUND_ALERTS_QUIET="22:00-06:00")
    assert made.settings.alerts.to == ("a@b.example", "c@d.example")
    assert made.settings.alerts.quiet == ("22:00-06:00",)
    assert made.settings.alerts.sender == "verbund@kreis.example"
    assert (made.origins["alerts_to"], made.origins["alerts_from"]) == ("environment", "file")


def test_secrets_are_masked_and_by_reference(home):
    made = loaded(home, FILE, VERBUND_ALERTS_SMTP="smtps://user:canary@mail.example")
    shown = str(made.shown()) + repr(made.settings)
    assert "canary" not in shown
    assert "geheim" not in shown
    assert KEY not in shown
    assert made.shown()["alerts_smtp"] == "smtps://user:***@mail.example"
    assert made.shown()["alerts_webhook_secret"] == "***"


def test_a_secret_in_the_environment_may_name_a_file_too(home):
    (home.parent / "hook").write_text(KEY)
    made = loaded(home, VERBUND_ALERTS_WEBHOOK="https://x.example", VERBUND_ALERTS_WEBHOOK_SECRET="file:hook")
    assert made.settings.alerts.webhook_secret.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alerts: {too: x@y.example}", r"unknown key too; did you mean to\?"),
        ("alerts: {to: [x@y.example]}", "with alerts.to also alerts.from and alerts.smtp"),
        ("alerts: {webhook: 'https://x.example'}", "alerts.webhook_secret"),
        ("alerts: {to: nobody, from: x@y.example, smtp: 'smtp://h'}", "alerts_to"),
        ("alerts: {smtp: 'http://h'}", r"alerts_smtp cannot be \*\*\*"),
        ("alerts: {smtp: 'smtp-plain://u:p@h'}", "in the open"),
        ("alerts: {webhook: 'https://x.example', webhook_secret: short}", "24 to 64 random bytes"),
        ("alerts: {quiet: ['25:00-26:00']}", "alerts_quiet"),
        ("alerts: {weekly: someday}", "mon 07:00"),
        ("alerts: {weekly: 'xyz 07:00'}", "no day"),
        ("alerts: {smtp_password: 'file:gone'}", "alerts_smtp_password"),
        ("alerts: 3", "alerts"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(home, text, says):
    with pytest.raises(SettingsError, match=says):
        loaded(home, text)


def test_a_misspelt_variable_names_the_nearest(home):
    with pytest.raises(SettingsError, match="VERBUND_ALERTS_WEBHOOK"):
        loaded(home, VERBUND_ALERTS_WEBHOK="https://x.example")
