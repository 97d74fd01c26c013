"""The servers of the tests are real, quick and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.servers import parts
from tests.servers.parts import REPOSITORY, MissingPartError


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


@pytest.mark.kafka
def test_a_killed_test_run_leaves_no_server_behind():
    """Processes of our own, also where Docker is used: its containers have a guard of their own (Ryuk)."""
    program = """
from tests.servers.kafka import KafkaCluster
cluster = KafkaCluster().start()
print(cluster._processes[1].pid, cluster._folder, flush=True)
input()
"""
    run = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    assert run.stdin is not None
    pid, folder = run.stdout.readline().split()
    run.send_signal(signal.SIGKILL)
    run.wait(10)
    run.stdout.close()
    run.stdin.close()
    deadline = time.monotonic() + 20
    while _runs(int(pid)) or Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_missing_part_names_the_one_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(parts, "JARS", tmp_path / "none")
    for look in (parts.java, parts.kafka_jars_or_maven):
        with pytest.raises(MissingPartError, match="install it with: apt-get install -y default-jre-headless maven"):
            look()


def test_the_check_says_what_is_there():
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers", "check"],
        cwd=REPOSITORY,
        env=os.environ | {"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "missing  java: the program java is missing; install it with: apt-get" in done.stdout or (
        "a Docker engine answers" in done.stdout
    )
