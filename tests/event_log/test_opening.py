"""A URL names a log, and a wrong one says what would be right."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from tests.servers.parts import free_ports
from verbund.errors import LogUnavailableError, SettingsError
from verbund.event_log.kafka_settings import kafka_settings
from verbund.event_log.memory import MemoryEventLog
from verbund.event_log.opening import open_log
from verbund.event_log.sqlite import SqliteEventLog
from verbund.testing.event_log import TOPIC, PlainCodec, numbered


def test_a_log_in_memory():
    assert isinstance(open_log("memory:", codec=PlainCodec()), MemoryEventLog)


def test_a_log_in_a_file_makes_its_folder(tmp_path):
    log = open_log(f"sqlite:///{tmp_path}/home/log.db", codec=PlainCodec())
    assert isinstance(log, SqliteEventLog)
    log.close()
    assert (tmp_path / "home" / "log.db").exists()


@pytest.mark.kafka
def test_a_log_on_a_cluster_uses_the_prefix_of_its_url(kafka_server):
    prefix = kafka_server.prefix()
    log = open_log(f"kafka://{kafka_server.bootstrap}/{prefix}", codec=PlainCodec())
    log.append(TOPIC, [numbered(1)])
    log.close()
    with kafka_server.admin() as admin:
        assert f"{prefix}.{TOPIC}" in admin.list_topics()


@pytest.mark.parametrize("url", ["sqlite://log.db", "postgresql://x/y", "kafka:host", ""])
def test_another_url_is_refused_with_the_right_ones(url):
    with pytest.raises(SettingsError, match="sqlite:///file, kafka://host:port/prefix or memory:"):
        open_log(url, codec=PlainCodec())


def test_a_misspelt_setting_names_the_nearest():
    with pytest.raises(SettingsError, match="usrname; did you mean username"):
        kafka_settings("h:1", further={"usrname": "x"})


def test_an_impossible_setting_is_refused_without_its_value():
    with pytest.raises(SettingsError, match="security_protocol") as refused:
        kafka_settings("h:1", further={"security_protocol": SecretStr("hunter2")})
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_password_is_masked():
    settings = kafka_settings("h:1", further={"username": "u", "password": SecretStr("hunter2")})
    assert "hunter2" not in repr(settings) + str(settings)
    assert "hunter2" not in settings.model_dump_json()


def test_a_broker_that_is_not_there_is_unreachable():
    (port,) = free_ports(1)
    with pytest.raises(LogUnavailableError, match="cannot be reached"):
        open_log(f"kafka://127.0.0.1:{port}", codec=PlainCodec(), kafka_settings={"reach_within_s": "0.5"})
