"""What is news to people, and when it is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund import hours
from verbund.alerts.due import alerts_due, last_weekly, weekly_due
from verbund.alerts.facts import Look, Message, SourceNow, Told
from verbund.settings_alerts import AlertSettings

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday, twelve o'clock in Berlin
ANY_TIME = AlertSettings()
NIGHTLY = AlertSettings(quiet=("20:00-07:00", "sat-sun"))
SILENT = NIGHTLY.model_copy(update={"quiet_except": "nothing"})


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=hours.LOCAL).astimezone(UTC)


def source(name="a", word="healthy", *because, paused=False):
    return SourceNow(source=name, district="05954", title=f"Quelle {name}", word=word, because=because, paused=paused)


def hold(hold_id="h1", name="a", count=12, opened_at=NOON):
    return {
        "hold_id": hold_id,
        "source": name,
        "district": "05954",
        "guard": "shrink",
        "count": count,
        "counts": {"withdraw": count},
        "examples": [{"action": "withdraw", "record_key": "k1", "title": "Deutschkurs"}],
        "message": {"de": "12 von 40 Angeboten fehlen.", "en": "12 of 40 offers are missing."},
        "opened_at": opened_at.isoformat(),
        "expires_at": (opened_at + timedelta(days=30)).isoformat(),
    }


def look(*sources, holds=()):
    return Look(sources=sources, holds=tuple(holds))


def told_over(steps, settings=ANY_TIME):
    """What is said at each of the steps, as pairs of kind and source."""
    told, said = Told(), []
    for now, seen in steps:
        due = alerts_due(told, seen, now, settings)
        told = due.told
        said.append([(item.kind, item.source) for item in due.items])
    return said


def test_a_source_that_gets_worse_is_told_once_and_so_is_its_recovery():
    words = ["healthy", "degraded", "degraded", "warning", "healthy"]
    steps = [(NOON + timedelta(hours=n), look(source("a", word))) for n, word in enumerate(words)]
    assert told_over(steps) == [[], [("degraded", "a")], [], [("recovered", "a")], []]


def test_warnings_and_sources_that_never_ran_are_no_news():
    assert told_over([(NOON, look(source("a", "warning"), source("b", "never_run")))]) == [[]]


def test_what_is_bad_when_alerts_are_set_up_is_told_in_one_message():
    seen = look(source("a", "held"), source("b", "degraded"), source("c"), holds=[hold()])
    assert told_over([(NOON, seen)]) == [[("new_hold", "a"), ("degraded", "b")]]


def test_a_hold_is_told_with_all_that_one_needs_to_answer():
    (item,) = alerts_due(Told(), look(source("a", "held"), holds=[hold()]), NOON, ANY_TIME).items
    assert item.hold == hold()


def test_a_source_that_is_held_while_nobody_lists_its_holds_is_told_all_the_same():
    assert told_over([(NOON, look(source("a", "held")))] * 2) == [[("held", "a")], []]


def test_an_open_hold_is_brought_to_mind_after_three_and_ten_days_and_before_it_expires():
    seen = look(source("a", "held"), holds=[hold()])
    days = [d for d in range(31) if told_over([(NOON, seen), (NOON + timedelta(days=d), seen)])[1]]
    assert days[0] == 3
    steps = [(NOON + timedelta(days=d), seen) for d in range(31)]
    reminded = [d for d, said in enumerate(told_over(steps)) if ("hold_reminder", "a") in said]
    assert reminded == [3, 10, 29]


def test_a_hold_that_grew_to_twice_its_size_is_news_and_one_more_record_is_not():
    sizes = [10, 11, 19, 20, 25, 40]
    steps = [(NOON, look(source("a", "held"), holds=[hold(count=size)])) for size in sizes]
    assert [bool(said) for said in told_over(steps)] == [True, False, False, True, False, True]


def test_a_second_hold_of_a_source_is_news_too():
    steps = [
        (NOON, look(source("a", "held"), holds=[hold("h1")])),
        (NOON, look(source("a", "held"), holds=[hold("h1"), hold("h2")])),
    ]
    assert told_over(steps)[1] == [("new_hold", "a")]


def test_an_answered_hold_of_a_source_that_is_well_again_is_a_recovery():
    steps = [(NOON, look(source("a", "held"), holds=[hold()])), (NOON, look(source("a")))]
    assert told_over(steps) == [[("new_hold", "a")], [("recovered", "a")]]


def test_nobody_is_told_of_a_source_that_was_paused():
    steps = [
        (NOON, look(source("a", "degraded"))),
        (NOON, look(source("a", "degraded", paused=True))),
        (NOON, look(source("a", "degraded"))),
        (NOON, look()),
    ]
    assert told_over(steps) == [[("degraded", "a")], [], [], []]


# --- quiet times -----------------------------------------------------------------------------------------------------


def test_in_a_quiet_time_alerts_wait_and_come_in_one_message_when_it_ends():
    bad = look(source("a", "degraded"), source("b", "degraded"))
    steps = [(local("2026-11-24T21:00"), look(source("a", "degraded"), source("b"))), (local("2026-11-25T03:00"), bad)]
    steps += [(local("2026-11-25T07:00"), bad)]
    assert told_over(steps, NIGHTLY) == [[], [], [("degraded", "a"), ("degraded", "b")]]


def test_what_is_over_when_a_quiet_time_ends_is_not_told():
    steps = [(local("2026-11-24T21:00"), look(source("a", "degraded"))), (local("2026-11-25T07:00"), look(source("a")))]
    assert told_over(steps, NIGHTLY) == [[], []]


def test_the_first_hold_of_a_quiet_time_is_told_at_once_and_the_others_wait():
    first = look(source("a", "held"), source("b"), holds=[hold("h1", "a")])
    both = look(source("a", "held"), source("b", "held"), holds=[hold("h1", "a"), hold("h2", "b")])
    steps = [(local("2026-11-24T21:00"), first), (local("2026-11-24T22:00"), both), (local("2026-11-25T07:00"), both)]
    assert told_over(steps, NIGHTLY) == [[("new_hold", "a")], [], [("new_hold", "b")]]


def test_the_next_quiet_time_lets_its_first_hold_through_again():
    first = look(source("a", "held"), source("b"), holds=[hold("h1", "a")])
    both = look(source("a", "held"), source("b", "held"), holds=[hold("h1", "a"), hold("h2", "b")])
    steps = [(local("2026-11-24T21:00"), first), (local("2026-11-25T21:00"), both)]
    assert told_over(steps, NIGHTLY) == [[("new_hold", "a")], [("new_hold", "b")]]


def test_a_quiet_time_may_let_nothing_through():
    held = look(source("a", "held"), holds=[hold()])
    steps = [(local("2026-11-28T12:00"), held), (local("2026-11-30T07:00"), held)]
    assert told_over(steps, SILENT) == [[], [("new_hold", "a")]]


WORDS = st.sampled_from(["healthy", "warning", "degraded", "held", "never_run"])


@given(st.lists(st.tuples(WORDS, WORDS), max_size=30), st.integers(1, 12))
def test_after_any_story_people_know_how_things_are(story, step_hours):
    """Whatever happens by day and night: at an hour that is not quiet, what was said last of a source is how it is."""
    known: dict[str, str] = {}
    told, now = Told(), NOON
    for words in [*story, story[-1] if story else ("healthy", "healthy")]:
        seen = look(*(source(name, word) for name, word in zip("ab", words, strict=True)))
        due = alerts_due(told, seen, now, NIGHTLY)
        told = due.told
        known |= {item.source: item.kind for item in due.items}
        if not hours.covered(NIGHTLY.quiet, now):
            for one in seen.sources:
                believed = known.get(one.source, "recovered")
                assert believed == (one.word if one.word in ("degraded", "held") else "recovered")
        assert not alerts_due(told, seen, now, NIGHTLY).items  # nothing is said twice
        now += timedelta(hours=step_hours)


# --- the week --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-30T06:59", "2026-11-23T07:00"),
        ("2026-11-30T07:00", "2026-11-30T07:00"),
        ("2026-12-02T12:00", "2026-11-30T07:00"),
        ("2026-03-30T07:00", "2026-03-30T07:00"),  # the day after the clock was put forward
        ("2026-03-30T06:00", "2026-03-23T07:00"),
        ("2026-10-26T06:30", "2026-10-19T07:00"),  # the day after it was put back
    ],
)
def test_the_week_ends_at_the_same_time_by_the_clock_on_the_wall(now, last):
    assert last_weekly("mon 07:00", local(now)) == local(last)


def test_the_summary_comes_once_a_week_and_the_first_waits_for_its_day():
    told, at = Told(weekly_at=local("2026-11-24T12:00")), []
    now = local("2026-11-24T12:00")
    while now < local("2026-12-15T12:00"):
        if weekly_due(told, now, ANY_TIME):
            at.append(now)
            told = Told(weekly_at=now)
        now += timedelta(hours=1)
    assert at == [local("2026-11-30T07:00"), local("2026-12-07T07:00"), local("2026-12-14T07:00")]


def test_the_summary_may_be_off_and_waits_for_the_end_of_a_quiet_time():
    before, monday = Told(weekly_at=local("2026-11-24T12:00")), local("2026-11-30T06:00")
    assert weekly_due(before, monday, AlertSettings(weekly="mon 06:00"))
    assert not weekly_due(before, monday, AlertSettings(weekly="mon 06:00", quiet=("20:00-07:00",)))
    assert not weekly_due(before, local("2026-11-30T12:00"), AlertSettings(weekly="off"))
    assert not weekly_due(Told(), local("2026-11-30T12:00"), ANY_TIME)


def test_messages_and_what_was_told_survive_the_way_through_json():
    due = alerts_due(Told(weekly_at=NOON), look(source("a", "held", "held", "E210"), holds=[hold()]), NOON, ANY_TIME)
    message = Message(message_id="m1", kind="alert", made_at=NOON, items=due.items, holds=(hold(),))
    assert Message.of(message.document()) == message
    assert Told.of(due.told.document()) == due.told
