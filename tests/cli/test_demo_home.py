"""The demo begins empty, and never in a home that holds somebody's own sources."""

from __future__ import annotations

import pytest

from verbund.cli import demo_home, session
from verbund.errors import LockedError, SettingsError


@pytest.fixture
def prepared(home, tmp_path):
    def run(**flags):
        session.begin(session.Session(flags=flags))
        return demo_home.prepared()

    return run


def test_a_named_home_is_made_and_kept(prepared, tmp_path):
    with prepared(home=tmp_path / "hub") as home:
        assert home == tmp_path / "hub"
        assert session.current().configuration().settings.home == home
    assert (tmp_path / "hub" / "demo").exists()


def test_a_second_demo_begins_empty(prepared, tmp_path):
    with prepared(home=tmp_path / "hub") as home:
        (home / "log.db").write_text("old")
        (home / "search").mkdir()
        (home / "search" / "old").write_text("old")
    with prepared(home=tmp_path / "hub") as home:
        assert not (home / "log.db").exists()
        assert not (home / "search").exists()


@pytest.mark.parametrize("what", ["log.db", "sources/own.yaml"])
def test_a_named_home_of_a_real_hub_is_refused_and_untouched(prepared, tmp_path, what):
    file = tmp_path / "hub" / what
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(SettingsError, match="sources of its own"), prepared(home=tmp_path / "hub"):
        pass
    assert file.read_text() == "mine"


def test_beside_a_real_hub_the_demo_takes_a_temporary_home_and_removes_it(prepared, home):
    home.mkdir()
    (home / "log.db").write_text("mine")
    with prepared() as elsewhere:
        assert elsewhere != home
        assert elsewhere.is_dir()
    assert not elsewhere.exists()
    assert (home / "log.db").read_text() == "mine"


def test_two_demos_do_not_share_a_home(prepared, tmp_path):
    with prepared(home=tmp_path / "hub"), pytest.raises(LockedError), prepared(home=tmp_path / "hub"):
        pass


def test_settings_of_a_real_hub_in_the_environment_do_not_reach_the_demo(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("VERBUND_EVENT_LOG", "kafka://production:9092")
    monkeypatch.setenv("VERBUND_DATABASE", "postgresql+psycopg://production/verbund")
    with prepared(home=tmp_path / "hub") as home:
        settings = session.current().configuration().settings
        assert settings.event_log == f"sqlite:///{home}/log.db"
        assert settings.database.get_secret_value() == f"sqlite:///{home}/views.db"
