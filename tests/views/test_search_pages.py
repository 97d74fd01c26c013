"""Orders, pages and days of the search."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.views.search_kit import HORIZON, KEYS, TODAY, an_index, found, text
from verbund.errors import UsageError
from verbund.testing.builders import a_published_offer, an_occurrence, an_offer
from verbund.views.search import SearchQuery, next_start
from verbund.views.search_marks import one_letter_apart
from verbund.views.search_schema import FOREVER
from verbund.views.search_space import distance_km, place_of, point_of
from verbund.views.search_starts import days_of


def start_on(day: date, **fields):
    return an_occurrence(start=f"{day}T16:00:00Z", end=None, **fields)


def weekly(rule="FREQ=WEEKLY;BYDAY=WE", start="2026-01-07T18:00:00", **fields):
    return {
        "rule": rule,
        "start": start,
        "end": None,
        "all_day": False,
        "zone": "Europe/Berlin",
        "exceptions": [],
        **fields,
    }


@pytest.fixture(name="index", scope="module")
def _index(tmp_path_factory):
    chance = random.Random(5)
    offers = []
    for number in range(90):
        day = TODAY + timedelta(days=chance.randint(-30, 200))
        kind = chance.choice(("dated", "dated", "open", "twice"))
        starts = {"open": [], "dated": [start_on(day)], "twice": [start_on(day), start_on(day + timedelta(days=40))]}[
            kind
        ]
        words = "Chor " * chance.randint(1, 4)
        offers.append(a_published_offer(record_key=f"k{number}", starts=starts, texts=text(f"Angebot {number}", words)))
    return an_index(tmp_path_factory.mktemp("index"), *offers)


def paged(index, limit, **wishes):
    cursor, seen = None, []
    while True:
        answer = index.search(SearchQuery(today=TODAY, limit=limit, cursor=cursor, **wishes))
        seen += [hit.offer_id for hit in answer.hits]
        cursor = answer.next_cursor
        if cursor is None:
            return answer.total, seen


@pytest.mark.parametrize("order", ["rank", "start", "changed"])
@pytest.mark.parametrize("limit", [1, 7, 30])
@pytest.mark.parametrize("words", ["", "chor"])
def test_pages_add_up_to_the_whole_list(index, order, limit, words):
    total, whole = paged(index, 100, order=order, text=words)
    assert total == len(whole) == len(set(whole))
    assert paged(index, limit, order=order, text=words) == (total, whole)


def test_next_starts_come_in_order_and_open_offers_last(index):
    _, ids = paged(index, 20, order="start")
    now = datetime.combine(TODAY, datetime.min.time(), UTC)
    starts = [next_start(OFFERS[offer_id], now) for offer_id in ids]
    dated = [start.date() for start in starts if isinstance(start, datetime)]
    assert dated == sorted(dated)
    assert all(start is None for start in starts[len(dated) :])


class _Offers(dict[str, Any]):
    def __missing__(self, offer_id):
        chance = random.Random(5)
        for number in range(90):
            day = TODAY + timedelta(days=chance.randint(-30, 200))
            kind = chance.choice(("dated", "dated", "open", "twice"))
            chance.randint(1, 4)
            starts = {
                "open": [],
                "dated": [start_on(day)],
                "twice": [start_on(day), start_on(day + timedelta(days=40))],
            }[kind]
            offer = an_offer(record_key=f"k{number}", starts=starts)
            self[offer["offer_id"]] = offer
        return self[offer_id]


OFFERS = _Offers()


@pytest.mark.parametrize("cursor", ["x", "bm90aGluZw", "W10", "WyJyYW5rIiwxLCJrIiwtMV0"])
def test_a_cursor_that_is_none_is_refused(index, cursor):
    with pytest.raises(UsageError, match="first page"):
        index.search(SearchQuery(today=TODAY, text="chor", cursor=cursor))


def test_a_cursor_of_another_order_is_refused(index):
    cursor = index.search(SearchQuery(today=TODAY, text="chor", limit=1)).next_cursor
    with pytest.raises(UsageError, match="another order"):
        index.search(SearchQuery(today=TODAY, text="chor", order="start", cursor=cursor))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"starts": [start_on(date(2026, 10, 5))]}, ([date(2026, 10, 5)], None)),
        (
            {"starts": [start_on(date(2026, 10, 5), status="cancelled"), start_on(date(2026, 11, 2))]},
            ([date(2026, 11, 2)], None),
        ),
        ({"starts": [], "valid_from": "2026-09-10"}, ([], date(2026, 9, 10))),
        ({"starts": [an_occurrence(start="2026-10-05T22:30:00Z", end=None)]}, ([date(2026, 10, 6)], None)),  # local day
        (
            {"starts": [], "recurrence": weekly("FREQ=WEEKLY;BYDAY=WE;UNTIL=20260128"), "valid_from": "2026-01-10"},
            ([date(2026, 1, 14), date(2026, 1, 21), date(2026, 1, 28)], None),
        ),
        (
            {"starts": [], "recurrence": weekly("FREQ=WEEKLY;BYDAY=WE;COUNT=3", exceptions=["2026-01-14T18:00:00"])},
            ([date(2026, 1, 7), date(2026, 1, 21)], None),
        ),
        ({"starts": [], "recurrence": weekly("FREQ=NONSENSE")}, ([], HORIZON.last + timedelta(days=1))),
    ],
)
def test_days_of_an_offer(fields, expected):
    days = days_of(an_offer(**fields), HORIZON)
    starts, open_from = expected
    assert [date.fromordinal(day) for day in days.starts] == starts
    assert days.open_from == (open_from.toordinal() if open_from else FOREVER + 1)


@settings(deadline=None, max_examples=60)
@given(
    weekdays=st.sets(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=0, max_size=4),
    freq=st.sampled_from(["WEEKLY", "DAILY"]),
    start=st.datetimes(datetime(2025, 6, 1), datetime(2027, 1, 1)),
    until=st.one_of(st.none(), st.dates(date(2026, 2, 1), date(2027, 6, 1))),
)
def test_the_short_way_to_expand_weeks_is_the_long_one(weekdays, freq, start, until):
    start = start.replace(microsecond=0, second=0)
    rule = f"FREQ={freq}" + (f";BYDAY={','.join(sorted(weekdays))}" if weekdays else "")
    end = f";UNTIL={until:%Y%m%d}T235959" if until else ""
    # With an exception, even of a day long gone, a rule is expanded; without one, weeks without end are kept as weekdays.
    limit = f";UNTIL={until:%Y%m%d}" if until else ""
    expanded = weekly(rule + limit, start.isoformat(), exceptions=["2020-01-01"])
    short = days_of(an_offer(starts=[], recurrence=expanded), HORIZON)
    first, last = (
        datetime.combine(HORIZON.first, datetime.min.time()),
        datetime.combine(HORIZON.last, datetime.max.time()),
    )
    long = rrulestr(rule + end, dtstart=start).between(first, last, inc=True)
    assert [date.fromordinal(day) for day in short.starts] == [moment.date() for moment in long]


def test_windows_over_weekly_offers_are_exact(tmp_path):
    chance = random.Random(3)
    rules = {}
    for number in range(40):
        weekdays = chance.sample(["MO", "TU", "WE", "TH", "FR", "SA", "SU"], chance.randint(1, 3))
        start = datetime.combine(TODAY + timedelta(days=chance.randint(-60, 60)), datetime.min.time())
        rules[f"w{number}"] = (f"FREQ=WEEKLY;BYDAY={','.join(weekdays)}", start)
    index = an_index(
        tmp_path,
        *(
            a_published_offer(record_key=key, starts=[], recurrence=weekly(rule, f"{start:%Y-%m-%dT%H:%M:%S}"))
            for key, (rule, start) in rules.items()
        ),
    )
    for _ in range(40):
        first = TODAY + timedelta(days=chance.randint(0, 90))
        last = first + timedelta(days=chance.choice((0, 1, 2, 5, 6, 7, 30)))
        begin, end = datetime.combine(first, datetime.min.time()), datetime.combine(last, datetime.max.time())
        expected = {
            key for key, (rule, start) in rules.items() if rrulestr(rule, dtstart=start).between(begin, end, inc=True)
        }
        assert found(index, starts_from=first, starts_to=last) == expected


def test_next_start_keeps_its_local_time_over_the_end_of_summer_time():
    offer = an_offer(starts=[], recurrence=weekly(start="2026-09-02T18:00:00"))
    assert next_start(offer, datetime(2026, 10, 20, tzinfo=UTC)) == datetime(2026, 10, 21, 16, tzinfo=UTC)
    assert next_start(offer, datetime(2026, 10, 27, tzinfo=UTC)) == datetime(2026, 10, 28, 17, tzinfo=UTC)


def test_next_start_of_whole_days_is_a_day():
    offer = an_offer(starts=[an_occurrence(start="2026-10-04T22:00:00Z", end="2026-10-05T22:00:00Z", all_day=True)])
    assert next_start(offer, datetime(2026, 10, 5, 12, tzinfo=UTC)) == date(2026, 10, 5)
    assert next_start(offer, datetime(2026, 10, 6, 12, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("a", "b", "close"),
    [
        ("kurs", "kurs", True), ("kurs", "kus", True), ("kurs", "kurse", True), ("kurs", "kuhs", True),
        ("kurs", "krus", True), ("kurs", "kuh", False), ("kurs", "ksur", False), ("ab", "ba", True), ("a", "", True),
    ],
)  # fmt: skip
def test_one_letter_apart(a, b, close):
    assert one_letter_apart(a, b) is close


@given(lon=st.floats(5.5, 15.5), lat=st.floats(47, 55.5))
def test_a_point_keeps_its_place_to_the_metre(lon, lat):
    assert distance_km((lon, lat), place_of(point_of(lon, lat))) < 0.001


def test_every_place_inside_a_circle_is_found_and_none_outside(tmp_path):
    chance = random.Random(11)
    center = (9.6, 47.9)
    places = {}
    offers = []
    for number in range(150):
        spot = (round(center[0] + chance.uniform(-0.4, 0.4), 5), round(center[1] + chance.uniform(-0.3, 0.3), 5))
        places[f"k{number}"] = spot
        offers.append(
            a_published_offer(
                record_key=f"k{number}",
                place={**an_offer()["place"], "lon": spot[0], "lat": spot[1]},
            )
        )
    index = an_index(tmp_path, *offers)
    for km in (0.7, 3.0, 8.5, 20.0):
        expected = {key for key, spot in places.items() if distance_km(center, spot) <= km}
        answer = index.search(SearchQuery(today=TODAY, near=(*center, km), limit=100))
        assert answer.total == len(expected)
        if len(expected) <= 100:
            assert {KEYS[hit.offer_id] for hit in answer.hits} == expected
