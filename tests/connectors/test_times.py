"""The shared words for time."""

import contextlib
import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from verbund_connectors.times import day_end, day_start, expand, instant, local, rrule_value

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-03T18:00:00+01:00", "2026-11-03T17:00:00Z"),
        ("2026-11-03T18:00:00.552Z", "2026-11-03T18:00:00Z"),
        ("2026-11-03T18:00", "2026-11-03T17:00:00Z"),
        ("2026-07-03 18:00:00", "2026-07-03T16:00:00Z"),
        ("2026-07-03", "2026-07-02T22:00:00Z"),
        ("2026-03-29T02:30:00", "2026-03-29T01:30:00Z"),  # the clock jumps over it: the offset before the jump
        ("2026-10-25T02:30:00", "2026-10-25T00:30:00Z"),  # exists twice: the first one
        ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
    ],
)
def test_instants(text, expected):
    assert instant(text, BERLIN) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "morgen",
        "2026-13-01",
        "2026-02-30",
        "2026-11-03T25:00",
        "1999-12-31",
        "9999-12-31",
        "2026-11-03T18:00+99:00",
        "٢٠٢٦-١١-٠٣",
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):
        instant(text, BERLIN)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../etc/passwd", "", "localtime"])
def test_unknown_zones_are_refused(zone):
    with pytest.raises(ValueError):
        instant("2026-11-03", zone)


def test_local_wall_time():
    assert local("2026-07-03T16:00:00Z", BERLIN) == "2026-07-03T18:00:00"
    assert local("2026-11-03T18:00:00", BERLIN) == "2026-11-03T18:00:00"


def test_days_begin_and_end_at_local_midnight():
    assert day_start("2026-10-25", BERLIN) == "2026-10-24T22:00:00Z"
    assert day_end(date(2026, 10, 25), BERLIN) == "2026-10-25T23:00:00Z"  # 25 hours later


def test_only_the_rule_is_taken_and_plus_signs_go():
    assert rrule_value("DTSTART:20261221T170000\nRRULE:FREQ=MONTHLY;BYDAY=+3MO") == "FREQ=MONTHLY;BYDAY=3MO"
    assert rrule_value("rrule:freq=weekly;byday=tu,th") == "FREQ=WEEKLY;BYDAY=TU,TH"
    assert rrule_value("RRULE:FREQ=WEEKLY;\r\n BYDAY=TU;") == "FREQ=WEEKLY;BYDAY=TU"


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "DTSTART:20261221T170000",
        "RRULE:FREQ=WEEKLY\nRRULE:FREQ=DAILY",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MINUTELY",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;BYHOUR=1",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=MONTHLY;BYDAY=0MO",
        "FREQ=MONTHLY;BYDAY=99MO",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=DAILY;UNTIL=20270230",
        "FREQ=DAILY;UNTIL=20270301;COUNT=3",
        "FREQ=DAILY;FREQ=DAILY",
    ],
)
def test_rules_that_are_refused(rule):
    with pytest.raises(ValueError):
        rrule_value(rule)


def series(rule, start, end=None, **fields):
    return {"rule": rule, "start": start, "end": end, "zone": BERLIN, **fields}


def test_a_series_keeps_its_wall_time_over_the_change_of_the_clock():
    volleyball = series("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "2026-09-02T19:30:00", "2026-09-02T21:30:00")
    assert expand(volleyball, since=date(2026, 10, 10), until=date(2026, 11, 15)) == [
        ("2026-10-14T17:30:00Z", "2026-10-14T19:30:00Z"),
        ("2026-10-28T18:30:00Z", "2026-10-28T20:30:00Z"),
        ("2026-11-11T18:30:00Z", "2026-11-11T20:30:00Z"),
    ]


def test_last_thursday_and_third_monday():
    last = series("FREQ=MONTHLY;BYDAY=-1TH", "2026-10-29T15:00:00")
    assert [start[:10] for start, _ in expand(last, since=date(2026, 10, 1), until=date(2027, 1, 31))] == [
        "2026-10-29",
        "2026-11-26",
        "2026-12-31",
        "2027-01-28",
    ]
    third = series("FREQ=MONTHLY;BYDAY=+3MO", "2026-12-21T18:00:00")
    assert [start[:10] for start, _ in expand(third, since=date(2026, 1, 1), until=date(2027, 2, 28))] == [
        "2026-12-21",
        "2027-01-18",
        "2027-02-15",
    ]


def test_until_is_an_inclusive_local_day():
    for until in ("20270105T235959", "20270105", "20270105T180000", "20270105T170000Z"):
        daily = series(f"FREQ=DAILY;UNTIL={until}", "2027-01-04T18:00:00")
        assert len(expand(daily, since=date(2027, 1, 1), until=date(2027, 12, 31))) == 2, until


def test_count_counts_from_the_first_start_not_from_the_window():
    three = series("FREQ=DAILY;COUNT=3", "2027-01-04T18:00:00")
    assert [start for start, _ in expand(three, since=date(2027, 1, 6), until=date(2027, 2, 1))] == [
        "2027-01-06T17:00:00Z"
    ]


def test_exceptions_are_left_out_and_running_ones_kept():
    weekly = series("FREQ=WEEKLY", "2027-01-04T20:00:00", "2027-01-05T02:00:00", exceptions=["2027-01-11T20:00:00"])
    starts = [start[:10] for start, _ in expand(weekly, since=date(2027, 1, 5), until=date(2027, 1, 18))]
    assert starts == ["2027-01-04", "2027-01-18"]


def test_the_limit_holds():
    assert (
        len(
            expand(series("FREQ=DAILY", "2027-01-04T20:00:00"), since=date(2027, 1, 1), until=date(2099, 1, 1), limit=7)
        )
        == 7
    )


def test_an_end_is_never_before_its_start_when_the_clock_jumps():
    nightly = series("FREQ=DAILY;COUNT=1", "2026-03-29T02:30:00", "2026-03-29T03:10:00")
    [(start, end)] = expand(nightly, since=date(2026, 3, 1), until=date(2026, 4, 1))
    assert end is not None
    assert start < end


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
        "FREQ=DAILY;COUNT=99999",
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
    ],
)
def test_no_rule_takes_long(rule):
    started = time.process_time()
    expand(series(rule, "2000-01-03T18:00:00"), since=date(2099, 1, 1), until=date(9999, 12, 31))
    assert time.process_time() - started < 2  # a library without bounds takes up to minutes


weekdays = st.lists(
    st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3, unique=True
).map(",".join)
nth = st.tuples(st.sampled_from([-2, -1, 1, 2, 3, 5]), st.sampled_from(["MO", "WE", "SU"])).map(
    lambda pair: f"{pair[0]}{pair[1]}"
)
rules = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(1, 9)),
    st.builds("FREQ=DAILY;BYMONTH={};BYDAY={}".format, st.integers(1, 12), weekdays),
    st.builds(
        "FREQ=WEEKLY;INTERVAL={};BYDAY={};WKST={}".format, st.integers(1, 4), weekdays, st.sampled_from(["MO", "SU"])
    ),
    st.just("FREQ=WEEKLY"),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYDAY={}".format, st.integers(1, 5), nth),
    st.builds("FREQ=MONTHLY;BYDAY={};BYSETPOS={}".format, weekdays, st.sampled_from([-1, 1, 2])),
    st.builds("FREQ=MONTHLY;BYMONTHDAY={}".format, st.sampled_from([-1, 1, 13, 31])),
    st.builds("FREQ=MONTHLY;BYMONTHDAY={};BYDAY={}".format, st.integers(1, 28), weekdays),
    st.just("FREQ=MONTHLY"),
    st.just("FREQ=YEARLY"),
    st.builds("FREQ=YEARLY;BYMONTH={};BYDAY={}".format, st.integers(1, 12), nth),
    st.builds("FREQ=YEARLY;BYDAY={}".format, nth),
    st.builds("FREQ=YEARLY;BYMONTHDAY={}".format, st.integers(1, 31)),
    st.builds(
        "FREQ=YEARLY;INTERVAL={};BYMONTH={};BYMONTHDAY={}".format,
        st.integers(1, 3),
        st.integers(1, 12),
        st.integers(1, 28),
    ),
)
ends = st.one_of(
    st.just(""),
    st.integers(1, 40).map(";COUNT={}".format),
    st.dates(date(2024, 1, 1), date(2030, 1, 1)).map(";UNTIL={:%Y%m%d}T235959".format),
)


@settings(max_examples=300, deadline=None)
@given(
    rule=rules,
    end=ends,
    start=st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31)).map(lambda moment: moment.replace(microsecond=0)),
)
def test_the_expansion_agrees_with_dateutil(rule, end, start):
    horizon = datetime(2030, 12, 31, 23, 59, 59)
    expected = rrulestr(rule + end, dtstart=start).between(start, horizon, inc=True)[:50]
    mine = expand(series(rule + end, start.isoformat()), since=start.date(), until=date(2030, 12, 31), limit=50)
    zone = ZoneInfo(BERLIN)
    assert [text for text, _ in mine] == [
        moment.replace(tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in expected
    ]


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_refused(text):
    with contextlib.suppress(ValueError):
        assert rrule_value(rrule_value(text)) == rrule_value(text)
