"""The servers of the tests are real, quick and never left behind."""

from __future__ import annotations

import psycopg
import pytest


@pytest.mark.kafka
def test_a_broker_answers(kafka_server):
    with kafka_server.admin() as admin:
        assert isinstance(admin.list_topics(), list)


@pytest.mark.kafka
def test_each_prefix_is_new(kafka_server):
    assert kafka_server.prefix() != kafka_server.prefix()


@pytest.mark.postgres
def test_each_test_has_an_empty_database_of_its_own(postgres_url):
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as link:
        tables = link.execute("select count(*) from information_schema.tables where table_schema = 'public'").fetchone()
    assert tables == (0,)
