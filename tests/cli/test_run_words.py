"""A run in a sentence, in both languages."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from verbund.cli.run_words import rules_of, sentences

AT_TWO = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)  # 14:00 in Berlin


def run(outcome="complete", *, reasons=(), reason=None, held=False, **counts):
    return {
        "outcome": outcome,
        "held": held,
        "counts": counts,
        "reason": reason,
        "finished_at": "2026-11-24T12:00:00+00:00",
        "completeness": {"parts": [{"reasons": list(reasons)}]},
    }


def said(*arguments, rules=(), next_run_at=None, **more):
    return sentences(run(*arguments, **more), rules=dict(rules), next_run_at=next_run_at)


def test_what_a_run_brought_and_when_the_next_one_is():
    told = said(published=12, revised=3, withdrawn=1, rejected=2, rules={"title_missing": 1}, next_run_at=AT_TWO)
    assert told["en"] == (
        "Read completely: 12 new, 3 changed, 1 withdrawn; 2 records rejected (new: 1 × No title); next run at 14:00."
    )
    assert told["de"] == (
        "Vollständig gelesen: 12 neu, 3 geändert, 1 zurückgezogen; 2 Datensätze abgelehnt (neu: 1 × Kein Titel); "
        "nächster Lauf um 14:00."
    )


def test_a_run_that_changed_nothing_says_so():
    assert said(unchanged=40)["en"] == "Read completely: nothing has changed."


def test_a_failed_run_says_why_and_that_nothing_is_lost():
    told = said("failed", reason="E222", reasons=["E222"])
    assert told["en"] == "The source could not be read (There is nothing at this address); its offers stay as they are."


def test_a_partial_run_says_which_reason_its_part_gave():
    told = said("partial", reasons=["truncated: after 3"], published=1)
    assert told["en"] == "Read in part (Cut off); nothing counts as gone there: 1 new."


def test_a_source_that_asked_for_patience_is_named_with_its_time():
    told = said("failed", reason="E223", reasons=["rate_limited: resumes at 2026-11-25T01:00:00+00:00"])
    assert told["en"] == "The source asked to be left alone until 2026-11-25 02:00."
    assert told["de"] == "Die Quelle bat darum, bis 25.11.2026 02:00 in Ruhe gelassen zu werden."


@pytest.mark.parametrize(("number", "words"), [(1, "1 record waits"), (5, "5 records wait")])
def test_what_waits_for_a_decision_is_counted(number, words):
    waiting = {**run(held=True), "counts": {"held": number}}
    assert f"; {words} for a decision." in sentences(waiting, rules={}, next_run_at=None)["en"]


def test_rules_are_counted_for_the_records_that_this_run_met_first():
    rejects = [
        SimpleNamespace(rule=rule, run_id=run_id) for rule, run_id in (("a", "1"), ("b", "1"), ("b", "1"), ("a", "2"))
    ]
    assert rules_of(rejects, "1") == {"b": 2, "a": 1}
