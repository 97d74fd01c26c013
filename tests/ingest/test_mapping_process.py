"""A second process maps as the first one does, and its loss costs nothing."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.ingest.conftest import ListFeed, ListSettings, World
from verbund.ingest import staging
from verbund.ingest.mapping import MappingTask, RawRecord, RecordMapper, Staged
from verbund.ingest.mapping_process import MappingProcess
from verbund.masking import masked
from verbund_connectors.kit import Answer, Item, Reject, Rejected, SourceContext

MOST_BATCHES = 50_000  # tiny ones: many seconds, in which a process starts in any case
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
        assert process.receive() == Staged()
        process.send(RECORDS)
        assert process.here(RECORDS) == process.receive() == RecordMapper(TASK).map(RECORDS)


def test_a_lost_process_costs_nothing() -> None:
    with MappingProcess(TASK) as process:
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGKILL)
        process._child.wait()
        assert process.answered
        assert process.receive() == Staged()
        for _ in range(2):
            process.send(RECORDS)
            assert process.answered
            assert process.receive() == RecordMapper(TASK).map(RECORDS)
        assert not process.sent


def test_a_process_that_is_lost_while_it_maps_costs_nothing() -> None:
    with MappingProcess(TASK) as process:
        process.receive()
        process.send(RECORDS)
        assert process._child is not None
        os.kill(process._child.pid, signal.SIGKILL)
        process._child.wait()
        assert process.receive() == RecordMapper(TASK).map(RECORDS)


def test_a_process_that_is_not_needed_any_more_is_not_waited_for(capfd: pytest.CaptureFixture[str]) -> None:
    with MappingProcess(TASK) as process:
        child = process._child
    assert child is not None
    assert child.returncode == -signal.SIGKILL
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_sent_is_mapped_here() -> None:
    class Local(ListFeed):
        pass

    task = MappingTask(
        connector=Local, settings=TASK.settings, context=TASK.context, secret=TASK.secret, year=TASK.year
    )
    with MappingProcess(task) as process:
        assert process.receive() == Staged()
        process.send(RECORDS)
        assert process.receive() == RecordMapper(task).map(RECORDS)


def test_a_large_pull_is_mapped_by_both(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "PROCESS_FROM", 1)
    monkeypatch.setattr(staging, "BATCH", 7)
    world.serve(*({"key": f"k{number}", "title": f"Kurs {number}", "organisation": "VHS"} for number in range(40)))
    run = world.apply()
    assert run["counts"]["published"] == 40


class Telling(ListFeed):
    """Says which process maps."""

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        return Rejected(rejects=(Reject(rule=str(os.getpid()), place="record"),))


def test_both_processes_take_part_once_the_second_has_started() -> None:
    task = MappingTask(
        connector=Telling, settings=TASK.settings, context=TASK.context, secret=TASK.secret, year=TASK.year
    )
    mapped_by: Counter[str] = Counter()
    sent = 0

    def batches() -> Iterator[list[RawRecord]]:
        nonlocal sent
        while len(mapped_by) < 2 and sent < MOST_BATCHES:
            sent += 1
            yield RECORDS

    for staged in staging._mapped(batches(), task, staging.PROCESS_FROM):
        mapped_by.update(row[3] for row in staged.rows)
    assert len(mapped_by) == 2
    assert mapped_by.total() == sent * len(RECORDS)


class Tripping(ListFeed):
    """Trips over what it reads."""

    def map(self, key: str, items: Sequence[Item]) -> Answer:
        raise ValueError(f"cannot read {items[0].data['mail']}")


def test_a_connector_that_trips_rejects_the_record_and_tells_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    task = MappingTask(
        connector=Tripping, settings=TASK.settings, context=TASK.context, secret=TASK.secret, year=TASK.year
    )
    record: RawRecord = (1, "a", "raw", [("a", "de", "a", None, 0, b'{"mail": "canary@example.org"}', ())])
    staged = RecordMapper(task).map([record])
    [row], [trip] = staged.rows, staged.trips
    assert (row[2], row[3]) == ("rejected", "connector_error")
    assert re.fullmatch(r"ValueError in test_mapping_process\.py, line \d+", trip)
    assert "canary" not in capsys.readouterr().out + repr(staged)


def test_a_bug_of_a_connector_is_logged_without_what_the_record_held(world: World) -> None:
    world.serve({"key": "a", "title": "A", "contacts": 12345678})
    with capture_logs() as logged:
        run = world.apply()
    assert run["counts"]["rejected"] == 1
    [line] = [line for line in logged if line["event"] == "record_not_mapped"]
    assert line["source"] == "enr-list"
    assert line["error"].startswith("TypeError in conftest.py, line ")
    assert "12345678" not in repr(logged)


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
