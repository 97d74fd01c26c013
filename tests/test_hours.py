"""Spans of local time, over midnight, over weekends and over the nights in which the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund import hours

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # twelve o'clock in Berlin, a Tuesday


def local(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=hours.LOCAL, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("spans", "covered"),
    [
        ([], False),
        (["07:00-09:00"], False),
        (["11:30-12:30"], True),
        (["12:00-13:00"], True),
        (["11:00-12:00"], False),
        (["22:00-06:00"], False),
        (["18:00-12:30"], True),
        (["00:00-24:00"], True),
        (["07:00-09:00", "11:59-12:01"], True),
        (["tue"], True),
        (["sat-sun"], False),
        (["fri-tue"], True),
        (["wed-mon 08:00-18:00"], False),
        (["Mon-Fri 08:00-18:00"], True),
    ],
)
def test_spans_are_local_and_may_go_over_midnight_and_over_days(spans, covered):
    assert hours.covered(spans, NOON) is covered


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins():
    friday_night = ["fri 22:00-06:00"]
    assert hours.covered(friday_night, local("2026-11-28T03:00"))  # Saturday
    assert not hours.covered(friday_night, local("2026-11-27T03:00"))  # Friday itself


def test_the_night_in_which_the_clock_is_put_back_is_an_hour_longer():
    night = ["02:00-03:00"]
    assert hours.covered(night, local("2026-10-25T02:30", fold=0))
    assert hours.covered(night, local("2026-10-25T02:30", fold=1))
    assert hours.free_from(night, local("2026-10-25T02:30", fold=0)) == local("2026-10-25T03:00")
    assert local("2026-10-25T03:00") - local("2026-10-25T02:00") == timedelta(hours=2)


def test_an_hour_that_the_spring_leaves_out_is_in_no_span():
    before, after = local("2026-03-29T01:59"), local("2026-03-29T03:00")
    assert after - before == timedelta(minutes=1)
    assert not hours.covered(["02:00-03:00"], before)
    assert not hours.covered(["02:00-03:00"], after)


def test_a_span_that_ends_in_the_hour_that_there_is_not_is_over_when_that_hour_would_be():
    night = ["22:00-02:30"]
    assert not hours.covered(night, local("2026-03-29T03:00"))
    assert local("2026-03-29T03:00") <= hours.free_from(night, local("2026-03-28T23:00")) <= local("2026-03-29T04:00")


def test_spans_that_follow_each_other_are_left_at_the_end_of_the_last():
    weekend = ["20:00-07:00", "sat-sun"]
    assert hours.free_from(weekend, local("2026-11-27T21:00")) == local("2026-11-30T07:00")


def test_spans_that_cover_the_whole_week_have_no_end():
    assert hours.free_from(["00:00-24:00"], NOON) == NOON


@pytest.mark.parametrize(
    "text", ["", "25:00-26:00", "07:00", "7-9", "07:00-07:00", "sun-xyz", "12:61-13:00", "24:00-07:00"]
)
def test_what_is_no_span_is_refused(text):
    with pytest.raises(ValueError, match=r"span|day"):
        hours.parsed(text)


@given(
    st.integers(0, 1439),
    st.integers(1, 1440),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
)
def test_outside_of_a_span_one_is_out_of_it_and_not_before_it_ends(begin, end, at):
    if begin == end:
        return
    text = [f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"]
    if begin == 0 and end == 1440:
        return
    free = hours.free_from(text, at)
    assert free >= at
    assert not hours.covered(text, free)
    if free > at:
        assert hours.covered(text, at)
        assert free - at <= timedelta(hours=25)
        # To the minute: what is a minute before lies inside, but for the hour that the spring leaves out.
        assert hours.covered(text, free - timedelta(minutes=1)) or free - local(f"{free.date()}T03:00") < timedelta(
            hours=1
        )
