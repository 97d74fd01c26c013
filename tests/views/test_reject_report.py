"""What people learn about rejects: since when, whether it was good before, and what to do."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine

from verbund import sqlite
from verbund.event_log.memory import MemoryEventLog
from verbund.events import Recorded
from verbund.projection.runner import Runner
from verbund.testing.builders import an_event
from verbund.views import all_views
from verbund.views.reject_report import RejectedRecord, RejectReport
from verbund.views.reject_words import group_document, harmless, reject_csv
from verbund.views.rejects import Reject
from verbund.views.sql import to_ms

MONDAY = datetime(2026, 9, 7, 8, tzinfo=UTC)


class DatedLog(MemoryEventLog):
    """Says that events were appended on the day that the test gave them."""

    def __init__(self, *, codec: Any) -> None:
        super().__init__(codec=codec)
        self.days: dict[tuple[str, int], int] = {}

    def read(self, *arguments: Any, **wishes: Any) -> list[Recorded]:
        found = super().read(*arguments, **wishes)
        for one in found:
            one.appended_ms = to_ms(MONDAY + timedelta(days=self.days[one.topic, one.position]))
        return found


class Hub:
    """A log and the views of it."""

    def __init__(self, engine: Any, codec: Any) -> None:
        self.engine, self.log = engine, DatedLog(codec=codec)

    def append(self, *events: Any, day: int = 0) -> None:
        for event in events:
            topic = f"{'runs' if event.type == 'RunFinished' else 'inventory'}.{event.source[:5]}"
            (position,) = self.log.append(topic, [event])
            self.log.days[topic, position] = day

    def say(self, *events: Any, day: int = 0) -> None:
        self.append(*events, day=day)
        Runner(all_views(), log=self.log, engine=self.engine).catch_up()

    @property
    def report(self) -> RejectReport:
        return RejectReport(self.engine)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def hub(request, tmp_path, codec):
    on_sqlite = request.param == "sqlite"
    made = sqlite.engine(tmp_path / "views.db") if on_sqlite else create_engine(request.getfixturevalue("postgres_url"))
    yield Hub(made, codec)
    made.dispose()


def rejected(key: str, *, run: str = "1", rule: str = "start_unusable", place: str = "starts.0", **more: Any) -> Any:
    return an_event("RecordRejected", record_key=key, rule=rule, place=place, run_id=run, **more)


def cleared(key: str, *, run: str = "9") -> Any:
    return an_event("RejectCleared", record_key=key, run_id=run)


def test_places_that_differ_in_a_number_only_are_one_field(hub):
    hub.say(rejected("a", place="starts.0"), rejected("b", place="starts.11"), rejected("c", place="valid_to"))
    assert [(group.place, group.count) for group in hub.report.groups()] == [("starts.*", 2), ("valid_to", 1)]


def test_a_group_of_one_place_says_it_as_it_is(hub):
    hub.say(rejected("a", place="starts.3"))
    assert hub.report.groups()[0].place == "starts.3"


def test_first_seen_is_when_it_was_rejected_first_and_last_seen_the_last_complete_pull(hub):
    hub.say(rejected("a"), day=0)
    hub.say(rejected("a", run="2", value="another value"), rejected("b", run="2"), day=3)
    done: dict[str, Any] = {"started_at": "2026-09-12T06:00:00Z", "source": "enr-kurse"}
    hub.say(an_event("RunFinished", run_id="3", outcome="complete", finished_at="2026-09-12T06:05:00Z", **done), day=5)
    hub.say(an_event("RunFinished", run_id="4", outcome="partial", finished_at="2026-09-13T06:05:00Z", **done), day=6)
    (group,) = hub.report.groups("enr-kurse")
    assert group.count == 2
    assert group.first_seen == MONDAY
    assert group.last_seen == datetime(2026, 9, 12, 6, 5, tzinfo=UTC)


def test_a_record_whose_offer_exists_has_regressed_and_is_named_by_its_title(hub):
    hub.say(an_event("OfferPublished", record_key="a", title="Nähtreff"))
    hub.say(rejected("a"), rejected("b"), day=1)
    a, b = hub.report.records()
    assert (a.title, a.regressed, a.offer_id is not None) == ("Nähtreff", True, True)
    assert (b.title, b.regressed, b.offer_id) == (None, False, None)
    assert [(group.regressed, group.back) for group in hub.report.groups()] == [(1, False)]


def test_a_record_that_was_cleared_and_is_rejected_again_has_regressed_and_its_group_is_back(hub):
    hub.say(rejected("a"))
    hub.say(cleared("a"), day=1)
    assert hub.report.groups() == []
    hub.say(rejected("a", run="3"), day=2)
    (group,) = hub.report.groups()
    assert (group.regressed, group.back, group.first_seen) == (1, True, MONDAY)


def test_a_group_is_back_when_another_record_breaks_the_rule_after_all_were_cleared(hub):
    hub.say(rejected("a"), rejected("b"))
    hub.say(cleared("a"), cleared("b"), day=1)
    hub.say(rejected("c", run="3"), day=2)
    assert [(group.regressed, group.back) for group in hub.report.groups()] == [(0, True)]


def test_a_group_is_not_back_while_some_of_it_never_went(hub):
    hub.say(rejected("a"), rejected("b"))
    hub.say(cleared("a"), day=1)
    hub.say(rejected("c", run="3"), day=2)
    assert [group.back for group in hub.report.groups()] == [False]
    hub.say(cleared("b"), day=3)
    assert [group.back for group in hub.report.groups()] == [False]  # c came before b went


def test_rejection_and_clearing_in_one_batch_leave_what_was_wrong(hub):
    hub.say(rejected("a"))
    hub.append(rejected("a", run="2", rule="title_missing", place="title"), cleared("a"))
    hub.say(rejected("b", rule="title_missing", place="title", run="5"), day=1)
    (group,) = hub.report.groups()
    assert (group.rule, group.back) == ("title_missing", True)


def test_one_record_is_found_by_its_key(hub):
    hub.say(rejected("a"), rejected("b"))
    assert hub.report.record("enr-kurse", "b").reject.record_key == "b"
    assert hub.report.record("enr-kurse", "c") is None
    assert hub.report.record("other-source", "b") is None


@pytest.mark.parametrize(("language", "fix"), [("de", "Den genannten Termin"), ("en", "Write the named start")])
def test_a_group_says_what_to_do_in_both_languages(hub, language, fix):
    hub.say(rejected("a"))
    document = group_document(hub.report.groups()[0], language)
    assert document["fix"].startswith(fix)
    assert document["examples"][0]["record_key"] == "a"


def a_record(**changed: Any) -> RejectedRecord:
    reject = {
        "reject_id": "1", "district": "05954", "source": "enr-kurse", "record_key": "kurs-1", "rule": "title_missing",
        "place": "Titel", "value": None, "raw_digest": "0f", "run_id": "1", "first_seen": MONDAY, "rejected_at": MONDAY,
    }  # fmt: skip
    return RejectedRecord(Reject(**{**reject, **changed}), "Nähtreff", None, False, MONDAY)


def test_the_file_for_the_provider_is_csv_as_rfc_4180_has_it():
    text = reject_csv([a_record(value='drei "Wörter",\r\nund mehr')], "de")
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    heading, line = csv.reader(io.StringIO(text, newline=""))
    assert heading == ["Kennung", "Titel", "Feld", "Was dort steht", "Was nicht stimmt", "Was zu tun ist", "Seit"]
    assert line[:4] == ["kurs-1", "Nähtreff", "Titel", 'drei "Wörter",\r\nund mehr']
    assert line[5].startswith("Einen Titel eintragen")
    assert line[6] == "2026-09-07"


def test_the_file_speaks_the_language_and_uses_the_delimiter_asked_for():
    lines = reject_csv([a_record()], "en", delimiter=";").splitlines()
    assert lines[0].startswith("Record;Title;")
    assert "Write a title" in lines[1]


@pytest.mark.parametrize("cell", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_cell_begins_a_formula(cell):
    assert harmless(cell) == f"'{cell}"
    assert csv.reader(io.StringIO(reject_csv([a_record(value=cell, record_key=cell)], "de"), newline="")) is not None
    *_, line = csv.reader(io.StringIO(reject_csv([a_record(value=cell, record_key=cell)], "de"), newline=""))
    assert line[0] == line[3] == f"'{cell}"


def test_plain_cells_stay_and_missing_ones_are_empty():
    assert harmless("kurs-1") == "kurs-1"
    assert harmless(None) == ""


def test_a_record_without_key_is_named_by_its_place():
    *_, line = csv.reader(io.StringIO(reject_csv([a_record(record_key="?table/row 7, Nr")], "de"), newline=""))
    assert line[0] == "table/row 7, Nr"


def test_a_rule_that_is_gone_still_has_a_line():
    *_, line = csv.reader(io.StringIO(reject_csv([a_record(rule="rule_of_long_ago")], "de"), newline=""))
    assert line[4] == "rule_of_long_ago."
