"""Mapping: what a connector makes of records becomes rows, in a child as in its parent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.ingest.conftest import World
from tests.ingest.list_feed import ListFeed, ListSettings
from verbund.ingest import staging
from verbund.ingest.jail import Cell, Jail
from verbund.ingest.mapping import MappingTask, RawRecord, RecordMapper
from verbund.masking import masked
from verbund_connectors.kit import Answer, Item, SourceContext

MOST_BATCHES = 50_000  # tiny ones: many seconds, in which a process starts in any case
TASK = MappingTask(
    connector=ListFeed,
    settings=ListSettings(url="https://kurse.example"),
    context=SourceContext(source="enr-list", district="05954"),
    secret=b"x" * 32,
    year=2026,
)


def test_a_large_pull_is_mapped_by_two_children(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "SECOND_CHILD_FROM", 1)
    monkeypatch.setattr(staging, "BATCH", 7)
    world.serve(*({"key": f"k{number}", "title": f"Kurs {number}", "organisation": "VHS"} for number in range(40)))
    assert world.apply()["counts"]["published"] == 40


RECORDS: list[RawRecord] = [
    (number, f"k{number}", "raw", [(f"k{number}", "de", f"k{number}", None, 0, data, ())])
    for number, data in enumerate(
        (
            b'{"title": "A", "organisation": "VHS", "contacts": ["a@vhs.example", "b@vhs.example"]}',
            b'{"title": "B", "starts": ["2027-01-12T08:00:00Z"]}',
            b'{"title": "C", "starts": ["9999-01-12T08:00:00Z", "2027-01-12T08:00:00Z"]}',
            b'{"title": ""}',
            b'{"ours": true}',
            b'{"title": "D", "deleted": true}',
        )
    )
]


def test_a_child_maps_as_its_parent_would() -> None:
    with Jail() as jail, Cell(jail, TASK) as cell:
        [staged] = cell.map(iter([RECORDS]))
    assert staged == RecordMapper(TASK).map(RECORDS)


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
    assert re.fullmatch(r"ValueError in test_mapping\.py, line \d+", trip)
    assert "canary" not in capsys.readouterr().out + repr(staged)


def test_a_bug_of_a_connector_is_logged_without_what_the_record_held(world: World) -> None:
    world.serve({"key": "a", "title": "A", "contacts": 12345678})
    with capture_logs() as logged:
        run = world.apply()
    assert run["counts"]["rejected"] == 1
    [line] = [line for line in logged if line["event"] == "record_not_mapped"]
    assert line["source"] == "enr-list"
    assert line["error"].startswith("TypeError in list_feed.py, line ")
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
