"""German ways to write dates, prices, times and weekdays."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund_connectors.german import parse_date, parse_decimal, parse_time_range, says_free, weekdays


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1.9.2026", date(2026, 9, 1)),
        ("01.02.27", date(2027, 2, 1)),
        ("01. 02. 2027", date(2027, 2, 1)),
        ("12. Januar 2027", date(2027, 1, 12)),
        ("3. März 2027", date(2027, 3, 3)),
        ("5. Okt. 26", date(2026, 10, 5)),
        ("Mo, 5.10.2026", date(2026, 10, 5)),
        ("ab 12.01.2027", date(2027, 1, 12)),
        ("ab dem 12.01.2027", date(2027, 1, 12)),
        ("12.01.2027 09:00", date(2027, 1, 12)),
        ("2027-02-01", date(2027, 2, 1)),
        ("2027-02-01T09:00:00+01:00", date(2027, 2, 1)),
        (46054, date(2026, 2, 1)),
        (46054.75, date(2026, 2, 1)),
        ("46054", date(2026, 2, 1)),
    ],
)
def test_days(text, day):
    assert parse_date(text) == day


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nach Absprache",
        "31.02.2026",
        "1.1.1899",
        "1.1.2101",
        "12.01.2027 – 25.06.2027",
        "2026",
        "1.9.",
        None,
        5,
        float("nan"),
        float("inf"),
        12345678,
    ],
)
def test_what_is_no_day_is_none(text):
    assert parse_date(text) is None


def test_old_macs_count_from_1904():
    assert parse_date(44592, epoch_1904=True) == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1.234,50 €", 1234.5),
        ("84,00", 84.0),
        ("kostenlos", 0.0),
        ("Teilnahme kostenfrei", 0.0),
        ("0,00", 0.0),
        ("1,50 €", 1.5),
        ("€ 5", 5.0),
        ("5,- Euro", 5.0),
        ("5,– €", 5.0),
        ("1.234", 1234.0),
        ("0.500", 0.5),
        ("12.50", 12.5),
        ("1,234.50", 1234.5),
        ("1.234.567,89"[:9], 1234567.0),
        ("1'200", 1200.0),
        ("ab 5 €", 5.0),
        (12, 12.0),
        (12.5, 12.5),
    ],
)
def test_numbers(text, number):
    if number < 1_000_000:
        assert parse_decimal(text) == number
    else:
        assert parse_decimal(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "auf Anfrage",
        "5 - 10 €",
        "kostenlos, sonst 5 €",
        "5 € oder 3 €",
        ".",
        None,
        True,
        float("nan"),
        float("inf"),
        "02302 000000",
    ],
)
def test_what_is_no_one_number_is_none(text):
    assert parse_decimal(text) is None


def test_english_numbers_where_the_source_says_so():
    assert parse_decimal("1,234", style="en") == 1234.0
    assert parse_decimal("1.234", style="en") == 1.234


def test_free_words():
    assert says_free("gebührenfrei")
    assert not says_free("5 €")


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("9.00 – 11.30 Uhr", ("09:00", "11:30")),
        ("14:00-16:00", ("14:00", "16:00")),
        ("10 Uhr", ("10:00", None)),
        ("von 9 bis 11 Uhr", ("09:00", "11:00")),
        ("9-11", ("09:00", "11:00")),
        ("ab 18:30 Uhr", ("18:30", None)),
        ("20–24 Uhr", ("20:00", "00:00")),
        ("09:00:00", ("09:00", None)),
        ("9.30h", ("09:30", None)),
    ],
)
def test_times(text, hours):
    assert parse_time_range(text) == hours


@pytest.mark.parametrize(
    "text", ["", "10", "vormittags", "25 Uhr", "9.75 Uhr", "9-11 und 14-16 Uhr", "nach Vereinbarung"]
)
def test_what_is_no_time_is_none(text):
    assert parse_time_range(text) is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mo, Di, Mi, Do", (1, 2, 3, 4)),
        ("Di+Do", (2, 4)),
        ("samstags", (6,)),
        ("Montag bis Donnerstag", (1, 2, 3, 4)),
        ("Mo-Fr", (1, 2, 3, 4, 5)),
        ("Mo. – Mi.", (1, 2, 3)),
        ("Fr-Mo", (1, 5, 6, 7)),
        ("montags und mittwochs", (1, 3)),
        ("jeden Dienstag", (2,)),
        ("Mo/Mi/Fr", (1, 3, 5)),
        ("täglich", (1, 2, 3, 4, 5, 6, 7)),
        ("am Wochenende", (6, 7)),
        ("Sonnabend", (6,)),
        ("Tuesday and Thursday", (2, 4)),
    ],
)
def test_weekdays(text, days):
    assert weekdays(text) == days


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nach Absprache",
        "jeden 1. Montag im Monat",
        "jeden ersten Montag",
        "14-tägig montags",
        "Mo außer in den Ferien",
        "letzter Freitag",
    ],
)
def test_another_rhythm_is_not_taken_for_every_week(text):
    assert weekdays(text) == ()


@given(st.text(max_size=60))
def test_no_text_breaks_anything(text):
    parse_date(text)
    parse_decimal(text)
    parse_time_range(text)
    weekdays(text)


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31)))
def test_every_german_date_comes_back(day):
    assert (
        parse_date(f"{day:%d.%m.%Y}")
        == day
        == parse_date(f"{day.day}.{day.month}.{day.year}")
        == parse_date(day.isoformat())
    )


@given(st.decimals(min_value=0, max_value=999_999, places=2))
def test_every_german_amount_comes_back(amount):
    whole, _, cents = f"{amount:,.2f}".replace(",", " ").partition(".")
    assert parse_decimal(f"{whole.replace(' ', '.')},{cents} €") == float(amount)
