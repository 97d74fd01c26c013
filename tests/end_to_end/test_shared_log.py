"""The same commands on Kafka and PostgreSQL: what one machine writes, the views of the federation show."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]

SOURCE = """\
source: witten-kurse
district: "05954"
connector: table
licence: CC-BY-4.0
with:
  path: kurse.csv
  key: [ID]
  map: {title: Titel, place.town: Ort}
"""


@pytest.fixture
def verbund(kafka_server, postgres_url, tmp_path):
    """Run the command with a home of its own and the shared servers."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VERBUND_")}
    environ |= {
        "VERBUND_EVENT_LOG": f"kafka://{kafka_server.bootstrap}/{kafka_server.prefix()}",
        "VERBUND_DATABASE": postgres_url,
        "LANGUAGE": "en",
    }

    def run(home: str, *arguments: str, code: int = 0) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "verbund", "--home", str(tmp_path / home), *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


def test_a_district_ingests_on_its_machine_and_the_hub_shows_it_on_another(verbund, tmp_path):
    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "kurse.csv").write_text("ID;Titel;Ort\n1;Deutsch A1;Witten\n2;Deutsch B1;Witten\n", encoding="utf-8")
    run = json.loads(verbund("district", "source", "apply", "witten.yaml", "--json")[0])
    assert run["counts"]["published"] == 2

    listed, said = verbund("hub", "offer", "list", "--json")
    assert json.loads(listed)["total"] == 0
    assert "events behind" in said

    verbund("hub", "project", "--once")
    listed, said = verbund("hub", "offer", "list", "--json")
    assert [item["title"] for item in json.loads(listed)["items"]] == ["Deutsch A1", "Deutsch B1"]
    assert "0 events behind" in said
    assert json.loads(verbund("hub", "offer", "find", "deutsch b1", "--json")[0])["total"] == 1
    assert json.loads(verbund("hub", "log", "verify", "--json")[0])["ok"]
    assert json.loads(verbund("hub", "view", "compare", "--json")[0])["equal"]
    checks = json.loads(verbund("hub", "doctor", "--json")[0])["checks"]
    assert {check["state"] for check in checks} <= {"ok", "warn"}
