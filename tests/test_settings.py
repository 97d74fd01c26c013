"""Settings: order, origin, masking, the home, and names that are nearly right."""

from __future__ import annotations

from pathlib import Path

import pytest

from verbund.errors import SettingsError
from verbund.settings import NAMES, load


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / ".verbund"
    folder.mkdir()
    return folder


def write(home: Path, text: str) -> None:
    (home / "verbund.yaml").write_text(text, encoding="utf-8")


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(home, tmp_path):
    write(home, "listen: 127.0.0.1:1\nlog_level: error\nlang: de\n")
    loaded = load(
        {"VERBUND_LISTEN": "127.0.0.1:2", "VERBUND_LOG_LEVEL": "debug"},
        flags={"listen": "127.0.0.1:3", "log_level": None},
        here=tmp_path,
    )
    assert loaded.settings.listen == "127.0.0.1:3"
    assert loaded.settings.log_level == "debug"
    assert loaded.settings.lang == "de"
    assert loaded.settings.public_url is None
    assert {name: loaded.origins[name] for name in ("listen", "log_level", "lang", "public_url")} == {
        "listen": "flag",
        "log_level": "environment",
        "lang": "file",
        "public_url": "default",
    }


def test_every_setting_has_an_origin(home, tmp_path):
    assert set(load({}, here=tmp_path).origins) >= set(NAMES)


def test_the_files_of_the_hub_lie_in_its_home(home, tmp_path):
    settings = load({}, here=tmp_path).settings
    assert settings.event_log == f"sqlite:///{home}/log.db"
    assert settings.database.get_secret_value() == f"sqlite:///{home}/views.db"
    assert (settings.ingest, settings.state, settings.keys) == (
        home / "ingest.db",
        home / "state.db",
        home / "keys.db",
    )
    assert settings.raw_folder == home / "raw"
    assert settings.search == home / "search"


def test_the_nearest_home_upwards_is_taken(home, tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert load({}, here=below).settings.home == home


def test_without_a_home_the_way_out_is_named(tmp_path):
    with pytest.raises(SettingsError, match="verbund init"):
        load({}, here=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_default_home_is_made_only_when_asked(tmp_path):
    assert load({}, here=tmp_path, create=True).settings.home == tmp_path / ".verbund"
    assert (tmp_path / ".verbund").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("how", ["environment", "flag"])
def test_a_named_home_is_made_on_demand(tmp_path, how):
    named = tmp_path / "deep" / "hub"
    environ, flags = ({"VERBUND_HOME": str(named)}, None) if how == "environment" else ({}, {"home": named})
    assert load(environ, flags=flags, here=tmp_path).settings.home == named
    assert named.is_dir()


def test_a_home_that_cannot_be_made_is_a_usage_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be made"):
        load({"VERBUND_HOME": str(tmp_path / "file" / "hub")}, here=tmp_path)


def test_a_misspelt_variable_names_the_nearest(home, tmp_path):
    with pytest.raises(SettingsError, match=r"VERBUND_DATABSE is no setting .* did you mean VERBUND_DATABASE\?"):
        load({"VERBUND_DATABSE": "x"}, here=tmp_path)


def test_a_misspelt_key_names_the_nearest_and_its_line(home, tmp_path):
    write(home, "log_level: info\nfetch-allow: [127.0.0.0/8]\n")
    with pytest.raises(
        SettingsError, match=r"verbund.yaml has an unknown key fetch-allow; did you mean fetch_allow\?"
    ) as caught:
        load({}, here=tmp_path)
    assert caught.value.facts["line"] == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VERBUND_SERVICE_HOST", "10.0.0.1"),
        ("VERBUND_SERVICE_PORT", "80"),
        ("VERBUND_SERVICE_PORT_HTTP", "80"),
        ("VERBUND_PORT", "tcp://10.0.0.1:80"),
        ("VERBUND_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("VERBUND_PORT_80_TCP_PROTO", "tcp"),
        ("VERBUND_WEB_SERVICE_HOST", "10.0.0.1"),
        ("VERBUND_WEB_PORT", "tcp://10.0.0.1:80"),
    ],
)
def test_names_that_kubernetes_makes_are_ignored(home, tmp_path, name, value):
    load({name: value}, here=tmp_path)


def test_a_port_of_our_own_is_not_taken_for_one_of_kubernetes(home, tmp_path):
    with pytest.raises(SettingsError, match="VERBUND_PORT"):
        load({"VERBUND_PORT": "8080"}, here=tmp_path)


def test_an_empty_variable_is_not_set(home, tmp_path):
    assert load({"VERBUND_PROXY": ""}, here=tmp_path).origins["proxy"] == "default"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VERBUND_LISTEN", "8080"),
        ("VERBUND_LISTEN", "127.0.0.1:99999"),
        ("VERBUND_FETCH_ALLOW", "127.0.0.1/8"),
        ("VERBUND_LOG_LEVEL", "loud"),
        ("VERBUND_EVENT_LOG", "rabbit://x"),
        ("VERBUND_EVENT_LOG", "kafka://host:9092/two/parts"),
        ("VERBUND_PUBLIC_URL", "verbund.example.org"),
        ("VERBUND_RAW", "s3:bucket"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_variable(home, tmp_path, name, value):
    with pytest.raises(SettingsError, match=name):
        load({name: value}, here=tmp_path)


def test_networks_may_be_a_list_or_words(home, tmp_path):
    assert len(load({"VERBUND_FETCH_ALLOW": "127.0.0.0/8, 10.0.0.0/8"}, here=tmp_path).settings.fetch_allow) == 2
    write(home, "fetch_allow: ['127.0.0.0/8', '::1/128']\n")
    assert len(load({}, here=tmp_path).settings.fetch_allow) == 2


def test_secrets_are_masked(home, tmp_path):
    write(home, "kafka: {sasl_mechanism: SCRAM-SHA-512, username: hub, password: '${KAFKA_PASSWORD}'}\n")
    loaded = load(
        {
            "KAFKA_PASSWORD": "canary-1",
            "VERBUND_DATABASE": "postgresql+psycopg://hub:canary-2@db/verbund",
            "VERBUND_PROXY": "http://me:canary-3@proxy:3128",
        },
        here=tmp_path,
    )
    assert loaded.settings.kafka["password"].get_secret_value() == "canary-1"
    assert loaded.settings.database.get_secret_value().count("canary-2") == 1
    for text in (repr(loaded), str(loaded.shown())):
        assert "canary" not in text
    assert loaded.shown()["database"] == "postgresql+psycopg://hub:***@db/verbund"


def test_a_secret_may_stand_in_a_file_of_its_own(home, tmp_path):
    (home / "kafka.password").write_text("canary\n")
    write(home, "kafka: {password: 'file:kafka.password'}\n")
    assert load({}, here=tmp_path).settings.kafka["password"].get_secret_value() == "canary"


def test_files_of_kafka_are_meant_from_the_home(home, tmp_path):
    write(home, "kafka: {security_protocol: SSL, cafile: ca.pem}\n")
    assert load({}, here=tmp_path).settings.kafka["cafile"].get_secret_value() == str(home / "ca.pem")


def test_a_reference_to_nothing_is_a_settings_error(home, tmp_path):
    write(home, "kafka: {password: '${NOT_SET}'}\n")
    with pytest.raises(SettingsError, match="NOT_SET"):
        load({}, here=tmp_path)
    write(home, "kafka: {password: 'file:absent'}\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        load({}, here=tmp_path)


@pytest.mark.parametrize("text", ["listen: [", "- a\n- b\n", "just words\n"])
def test_a_file_that_holds_no_settings_is_refused(home, tmp_path, text):
    write(home, text)
    with pytest.raises(SettingsError, match=r"verbund\.yaml"):
        load({}, here=tmp_path)


def test_the_home_cannot_be_moved_by_its_own_file(home, tmp_path):
    write(home, "home: /elsewhere\n")
    with pytest.raises(SettingsError, match="home"):
        load({}, here=tmp_path)


def test_paths_in_the_file_are_meant_from_the_home_and_in_the_environment_from_here(home, tmp_path):
    write(home, "raw: file:payloads\ningest: sub/ingest.db\n")
    settings = load({"VERBUND_SEARCH": "index", "VERBUND_DATABASE": "sqlite:///v.db"}, here=tmp_path).settings
    assert settings.raw_folder == home / "payloads"
    assert settings.ingest == home / "sub" / "ingest.db"
    assert settings.search == tmp_path / "index"
    assert settings.database.get_secret_value() == f"sqlite:///{tmp_path}/v.db"


def test_an_address_of_version_six_can_be_listened_on(home, tmp_path):
    settings = load({"VERBUND_LISTEN": "[::1]:0"}, here=tmp_path).settings
    assert (settings.host, settings.port) == ("::1", 0)


def test_the_state_may_lie_in_a_database_that_several_machines_share(home, tmp_path):
    url = "postgresql+psycopg://verbund:geheim@db.example/verbund"
    loaded = load({"VERBUND_STATE": url}, here=tmp_path)
    assert loaded.settings.state_url is not None and loaded.settings.state_url.get_secret_value() == url
    assert loaded.settings.state == home / "state.db"  # what this machine alone keeps
    assert loaded.shown()["state"] == "postgresql+psycopg://verbund:***@db.example/verbund"
    assert "geheim" not in repr(loaded)
    assert loaded.origins["state"] == "environment"


@pytest.mark.parametrize("value", ["own.db", "sqlite:///own.db", "{here}/own.db", "sqlite:///{here}/own.db"])
def test_the_state_may_lie_in_a_file_that_is_named_either_way(home, tmp_path, value):
    settings = load({"VERBUND_STATE": value.format(here=tmp_path)}, here=tmp_path).settings
    assert (settings.state, settings.state_url) == (tmp_path / "own.db", None)
