"""German ways to write dates, times, weekdays and prices, read without guessing: what is not understood is None.

Every function takes what a table cell or a text field holds and gives plain values; none knows of feeds or offers.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

# Offers run today: a year outside is a typing error or an empty date of some office software (1899, 1900, 9999).
FIRST_YEAR = 2000
LAST_YEAR = 2100

# Day numbers of spreadsheets that can be dates of offers: 36526 is 2000-01-01, 73415 is 2100-12-31.
_FIRST_SERIAL = 36526
_LAST_SERIAL = 73415
_EPOCH_1900 = date(1899, 12, 30)  # day 60 never was: from March 1900 on, counting starts two days early
_EPOCH_1904 = date(1904, 1, 1)
_DAYS_1904 = (_EPOCH_1904 - _EPOCH_1900).days

_MONTHS = ("jan", "feb", "mär", "apr", "mai", "jun", "jul", "aug", "sep", "okt", "nov", "dez")
_MONTH = {name: number for number, name in enumerate(_MONTHS, 1)} | {"mrz": 3, "mae": 3, "mar": 3, "oct": 10, "dec": 12}

_LEAD = r"(?:(?:ab|am|seit|bis|vom|zum|den|dem|beginn:?)\s+)*(?:[a-zäöü]{2,10}[.,]{0,2}\s+)?(?:(?:ab|am|den|dem)\s+)*"
_DOTTED = re.compile(rf"{_LEAD}(\d{{1,2}})\.\s?(\d{{1,2}})\.\s?(\d{{4}}|\d{{2}})(?:,?\s+\d.*)?", re.IGNORECASE)
_NAMED = re.compile(rf"{_LEAD}(\d{{1,2}})\.?\s*([a-zäöü]{{3,9}})\.?,?\s+(\d{{4}}|\d{{2}})", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")


def parse_date(value: str | float | None, *, epoch_1904: bool = False) -> date | None:
    """The day: `1.9.2026`, `01.02.27`, `12. Januar 2027`, `Mo, 5.10.2026`, ISO 8601, or a spreadsheet's day number.

    None for anything else, for days that do not exist, and for years outside 2000 to 2100.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        return _of_serial(float(value), epoch_1904=epoch_1904)
    return _date_of_text(value.strip(), epoch_1904)


@lru_cache(maxsize=4096)  # a table repeats its dates; term starts come by the hundred
def _date_of_text(text: str, epoch_1904: bool) -> date | None:
    if found := _DOTTED.fullmatch(text):
        return _day(found[3], int(found[2]), int(found[1]))
    if found := _ISO.fullmatch(text):
        return _day(found[1], int(found[2]), int(found[3]))
    if found := _NAMED.fullmatch(text):
        month = _MONTH.get(found[2].lower()[:3])
        return _day(found[3], month, int(found[1])) if month else None
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        return _of_serial(float(text), epoch_1904=epoch_1904)
    return None


def _day(year: str, month: int, day: int) -> date | None:
    number = int(year) + (2000 if len(year) == 2 else 0)
    if not FIRST_YEAR <= number <= LAST_YEAR:
        return None
    try:
        return date(number, month, day)
    except ValueError:
        return None


def _of_serial(number: float, *, epoch_1904: bool) -> date | None:
    days = number + (_DAYS_1904 if epoch_1904 else 0)
    if not _FIRST_SERIAL <= days <= _LAST_SERIAL:  # NaN fails here too
        return None
    return _EPOCH_1900 + timedelta(days=int(days))


# --- numbers and prices ----------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"-?\d[\d.,'\u00a0\u202f]*")
_WHOLE_EUROS = re.compile(r"[,.](?:-|–|—|--)")
_FREE = re.compile(
    r"\b(kostenlos|kostenfrei|gebührenfrei|entgeltfrei|gratis|umsonst|frei|free|keine kosten|ohne gebühr)\w*",
    re.IGNORECASE,
)
_MAX_AMOUNT = 1_000_000.0  # no offer costs more; larger is a phone or account number


def parse_decimal(value: str | float | None, *, style: Literal["de", "en"] = "de") -> float | None:
    """The number in a German text: `1.234,50 €`, `84,00`, `5,- Euro`; `kostenlos` is 0.0.

    None when there is no number, more than one, or a word beside it that changes its meaning (`kostenlos, sonst 5 €`).
    A single dot before exactly three digits parts thousands unless `style` is en.
    """
    if value is None or isinstance(value, bool):
        return None
    if not isinstance(value, str):
        number = float(value)
        return number if abs(number) < _MAX_AMOUNT else None
    return _decimal_of_text(value, style)


@lru_cache(maxsize=4096)
def _decimal_of_text(text: str, style: str) -> float | None:
    numbers = _NUMBER.findall(_WHOLE_EUROS.sub("", text))
    free = _FREE.search(text)
    if len(numbers) != 1:
        return 0.0 if free and not numbers else None
    number = _plain(numbers[0].rstrip(".,'"), style)
    if number is None or abs(number) >= _MAX_AMOUNT or (free and number):
        return None
    return number


def _plain(digits: str, style: str) -> float | None:
    digits = re.sub("['\u00a0\u202f]", "", digits)
    comma, dot = digits.rfind(","), digits.rfind(".")
    if comma >= 0 and dot >= 0:
        decimal = "," if comma > dot else "."
    elif comma >= 0:
        decimal = "." if style == "en" or digits.count(",") > 1 else ","
    else:
        thousands = digits.count(".") > 1 or (style == "de" and bool(re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", digits)))
        decimal = "," if thousands else "."
    whole = digits.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    try:
        return float(whole)
    except ValueError:
        return None


def says_free(text: str) -> bool:
    """Whether a word says that it costs nothing, and no number says otherwise."""
    return parse_decimal(text) == 0.0


# --- times and weekdays ----------------------------------------------------------------------------------------------

_CLOCK = r"(\d{1,2})(?:\s?[:.h]\s?(\d{2}))?(?::\d{2})?"
_RANGE = re.compile(
    rf"(?:von\s+|ab\s+|um\s+|ca\.?\s+)*{_CLOCK}\s*(?:uhr|h)?(?:\s*(?:-|–|—|−|bis|/|to)+\s*{_CLOCK}\s*(?:uhr|h)?)?\.?",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def parse_time_range(text: str) -> tuple[str, str | None] | None:
    """Local start and end as HH:MM: `9.00 – 11.30 Uhr`, `14:00-16:00`, `von 9 bis 11 Uhr`, `10 Uhr` (no end).

    An end not after the start lies on the next day; `24:00` is given as `00:00`. None for anything else.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        return None
    start = _clock(found[1], found[2])
    end = _clock(found[3], found[4]) if found[3] else None
    if start is None or (found[3] and end is None):
        return None
    if not found[3] and not found[2] and not re.search(r"uhr|h", text, re.IGNORECASE):
        return None  # a bare number is no time
    return start, end


def _clock(hour: str, minute: str | None) -> str | None:
    hours, minutes = int(hour), int(minute or 0)
    if (hours, minutes) == (24, 0):
        hours = 0
    return f"{hours:02}:{minutes:02}" if hours <= 23 and minutes <= 59 else None


_DAYS = {"mo": 1, "di": 2, "mi": 3, "do": 4, "fr": 5, "sa": 6, "so": 7}
_DAY_NAMES = ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag")
_WEEKDAY = _DAYS | {name: number for number, name in enumerate(_DAY_NAMES, 1)} | {"sonnabend": 6}
_ENGLISH = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY |= {name: number for number, name in enumerate(_ENGLISH, 1)}
_GROUPS = {"täglich": (1, 2, 3, 4, 5, 6, 7), "wochentags": (1, 2, 3, 4, 5), "wochenende": (6, 7)}
# Words that make the rhythm something else than every week: better none than a wrong one.
_OTHER_RHYTHM = re.compile(
    r"\d\s*\.|erste|zweite|dritte|vierte|letzte|tägig|monat|alle\s+\d|außer|nicht", re.IGNORECASE
)
_FILLERS = frozenset(
    {"und", "jeden", "jede", "jeweils", "am", "immer", "sowie", "oder", "u", "and", "every", "von", "im", "den"}
)
_WORD = re.compile(r"[a-zäöüß]+|[-–—]", re.IGNORECASE)


@lru_cache(maxsize=4096)
def weekdays(text: str) -> tuple[int, ...]:
    """ISO weekdays, ascending: `Mo, Di, Mi`, `Di+Do`, `samstags`, `Montag bis Donnerstag`, `täglich`.

    Empty when a word is not understood or the rhythm is not weekly (`jeden 1. Montag im Monat`, `14-tägig`).
    """
    if _OTHER_RHYTHM.search(text):
        return ()
    days: set[int] = set()
    last: int | None = None
    ranging = False
    for word in _WORD.findall(text.lower()):
        if word in {"-", "–", "—", "bis"}:
            ranging = last is not None
            continue
        if word in _GROUPS:
            days.update(_GROUPS[word])
            continue
        day = _WEEKDAY.get(word) or _WEEKDAY.get(word.removesuffix("s"))
        if day is None:
            if word in _FILLERS:
                continue
            return ()
        if ranging and last is not None:
            days.update((last + step - 1) % 7 + 1 for step in range((day - last) % 7 + 1))
        days.add(day)
        last, ranging = day, False
    return tuple(sorted(days))
