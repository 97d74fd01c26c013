"""A person answers at the hub what a district's machine asks: the web needs the log, the views and a key, no ingest."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.web.conftest import Client
from verbund.bootstrap import Hub
from verbund.settings import load

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


@pytest.fixture(name="shared")
def _shared(kafka_server, postgres_url):
    return {
        "VERBUND_EVENT_LOG": f"kafka://{kafka_server.bootstrap}/{kafka_server.prefix()}",
        "VERBUND_DATABASE": postgres_url,
        "VERBUND_STATE": postgres_url,
        "LANGUAGE": "en",
    }


@pytest.fixture(name="verbund")
def _verbund(shared, tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VERBUND_")} | shared

    def run(home: str, *arguments: str, code: int = 0) -> str:
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
        return done.stdout

    return run


def test_what_a_district_asks_is_answered_at_the_hub_and_carried_out_at_the_district(verbund, shared, tmp_path):
    def deliver(count: int) -> None:
        rows = [f"{number};Deutsch {number};Witten" for number in range(count)]
        (tmp_path / "kurse.csv").write_text("\n".join(["ID;Titel;Ort", *rows, ""]), encoding="utf-8")

    (tmp_path / "witten.yaml").write_text(SOURCE, encoding="utf-8")
    deliver(20)
    verbund("district", "source", "apply", "witten.yaml")
    deliver(12)
    assert json.loads(verbund("district", "source", "apply", "witten.yaml", "--json", code=5))["held"]

    verbund("hub", "project", "--once")
    secret = verbund("hub", "key", "add", "office", "--role", "district", "--district", "05954").strip()
    settings = load({**shared, "VERBUND_HOME": str(tmp_path / "another-hub")}, here=tmp_path).settings
    with Hub(settings, environ=shared) as hub:
        client = Client(hub.web_app())
        (hold,) = client.get("/v1/holds").json()["items"]
        address, headers = f"/v1/holds/{hold['hold_id']}/answer", {"Authorization": f"Bearer {secret}"}
        body = {"answer": "allow_once", "set_digest": hold["set_digest"]}
        answer = client.post(address, json=body, headers=headers)
        assert (answer.status_code, answer.json()["soon"]) == (202, False), answer.text
        assert client.post(address, json=body, headers=headers).status_code == 202
        assert client.post(address, json={"answer": "reject"}, headers=headers).status_code == 409
        assert client.get(f"/v1/holds/{hold['hold_id']}/records").status_code == 410, "the set lies at the district"

    run = json.loads(verbund("district", "source", "apply", "witten.yaml", "--json"))
    assert (run["counts"]["withdrawn"], run["held"]) == (8, False)
    verbund("hub", "project", "--once")
    over = json.loads(verbund("hub", "hold", "list", "--all", "--json"))["items"][0]
    assert (over["state"], over["by"], over["released"]) == ("closed", "office", 8)
