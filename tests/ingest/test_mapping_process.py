"""A second process maps as the first one does, and its loss costs nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from tests.ingest.conftest import ListFeed, ListSettings, World
from verbund.ingest import staging
from verbund.ingest.mapping import MappingTask, RawRecord, RecordMapper, masked
from verbund.ingest.mapping_process import MappingProcess
from verbund_connectors.kit import Answer, Item, SourceContext

TASK = MappingTask(
    connector=ListFeed,
    settings=ListSettings(url="https://kurse.example"),
    context=SourceContext(source="enr-list", district="05954"),
    secret=b"x" * 32,
    year=2026,
)
RECORDS: list[RawRecord] = [
    (number, f"k{number}", "raw", [(f"k{number}", "de", f"k{number}", None, 0, b'{"title": "A"}', ())])
    for number in range(20)
]


def test_both_processes_map_alike() -> None:
    with MappingProcess(TASK) as process:
        process.send(RECORDS)
        assert process.here(RECORDS) == process.receive() == RecordMapper(TASK).map(RECORDS)


def test_a_lost_process_costs_nothing() -> None:
    with MappingProcess(TASK) as process:
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGKILL)
        process._child.wait()
        process.send(RECORDS)
        assert process.receive() == RecordMapper(TASK).map(RECORDS)


def test_what_cannot_be_sent_is_mapped_here() -> None:
    class Local(ListFeed):
        pass

    task = MappingTask(
        connector=Local, settings=TASK.settings, context=TASK.context, secret=TASK.secret, year=TASK.year
    )
    with MappingProcess(task) as process:
        process.send(RECORDS)
        assert process.receive() == RecordMapper(task).map(RECORDS)


def test_a_large_pull_is_mapped_by_both(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "PROCESS_FROM", 1)
    monkeypatch.setattr(staging, "BATCH", 7)
    world.serve(*({"key": f"k{number}", "title": f"Kurs {number}", "organisation": "VHS"} for number in range(40)))
    run = world.apply()
    assert run["counts"]["published"] == 40


class Tripping(ListFeed):
    """Trips over what it reads."""

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        raise ValueError(f"cannot read {items[0].data['mail']}")


def test_a_connector_that_trips_rejects_the_record_and_tells_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    task = MappingTask(
        connector=Tripping, settings=TASK.settings, context=TASK.context, secret=TASK.secret, year=TASK.year
    )
    record: RawRecord = (1, "a", "raw", [("a", "de", "a", None, 0, b'{"mail": "canary@example.org"}', ())])
    [row] = RecordMapper(task).map([record]).rows
    assert (row[2], row[3]) == ("rejected", "connector_error")
    assert "canary" not in capsys.readouterr().out + repr(row)


@pytest.mark.parametrize(
    ("place", "value", "shown"),
    [
        ("title", "Kurs", "Kurs"),
        ("contact.email", "anna@example.org", "(16 characters)"),
        ("title", "Anna, anna@example.org, 02332 123456", "Anna, ***, ***"),
        ("title", "x" * 100, "x" * 80 + "..."),
        ("starts.0", {"start": "gestern"}, '{"start":"gestern"}'),
        ("title", None, None),
    ],
)
def test_a_rejected_value_is_masked(place: str, value: Any, shown: str | None) -> None:
    assert masked(place, value) == shown
