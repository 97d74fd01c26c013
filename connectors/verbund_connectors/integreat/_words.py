"""Integreat's words in ours: icons of place categories, and the little that the title of an event gives away."""

from __future__ import annotations

import re

from verbund_connectors.classify import category, fold, level_range

ICON_SCHEME = "integreat:place-category-icon"

# The icon is a fixed word; name and number of a category differ by instance and change with an edit. An icon that says
# nothing about a field of ours (a restaurant, a structure) says nothing here either.
CATEGORY_OF_ICON: dict[str, str | None] = {
    "advice": "counselling",
    "culture": "culture",
    "daily_routine": "everyday",
    "education": "school",
    "finance": "everyday",
    "gastronomy": None,
    "health": "health",
    "house": "everyday",
    "leisure": "sport",
    "media": "digital",
    "medical_aid": "health",
    "meeting_point": "participation",
    "mental_health": "health.mental",
    "mobility": "everyday",
    "office": "everyday",
    "other": "other",
    "other_help": "everyday",
    "service": "everyday",
    "shelter": "everyday",
    "shopping": "everyday",
    "structure": None,
}
# A place is a place, unless all one does there is to ask for advice.
KIND_OF_ICON = {"advice": "counselling"}

# Dates about something: what is named after these words is the topic, not what one takes part in.
_OCCASION = re.compile(
    r"info-?(abend|tag|veranstaltung|stand|termin)|elternabend|fest\b|feier|ausstellung|messe\b|markt\b|tag der |woche\b"
    r"|vortrag|lesung|eroffnung|turnier|abschluss(feier|fest)"
)
_COURSE = re.compile(r"(?<!ex)(?<!dis)(?<!kon)(?<!re)kurs(e|es)?\b|lehrgang|workshop|\bseminar\b")
_COUNSELLING = re.compile(r"beratung|sprechstunde")


def kind_of_event(title: str) -> str:
    """`course`, `counselling` or `sport` when the title of an event says so, else `event`."""
    folded = fold(title)
    if _OCCASION.search(folded):
        return "event"
    if _COURSE.search(folded):
        return "course"
    if _COUNSELLING.search(folded):
        return "counselling"
    return "sport" if category(title)[:1] == ["sport"] else "event"


def status_of(title: str) -> str | None:
    """`cancelled` or `full` when the title begins or ends with a word for it: Integreat has no field, editors write it."""
    folded = fold(title)
    return next((status for status, words in _STATUS if words.search(folded)), None)


def _at_either_end(words: str) -> re.Pattern[str]:
    return re.compile(rf"^\W*(?:{words})\b|\b(?:{words})\W*$")


_STATUS = (
    ("cancelled", _at_either_end("abgesagt|absage|entfallt|fallt (?:leider )?aus|cancell?ed")),
    ("full", _at_either_end("ausgebucht|fully booked")),
)


def categories_of_place(icon: str | None, title: str) -> tuple[str, ...]:
    """The category of the icon, then what the title names within it."""
    main = CATEGORY_OF_ICON.get(icon or "")
    named = category(title)
    if main is None:
        return tuple(named)
    return tuple(dict.fromkeys([main, *(code for code in named if code.split(".")[0] == main.split(".")[0])]))


def levels_of(kind: str, title: str) -> tuple[str | None, str | None]:
    """Levels that the title of a language course names."""
    if kind != "course" or category(title)[:1] != ["language"]:
        return None, None
    return level_range(title)
