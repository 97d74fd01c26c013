"""From German words to codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund_connectors import classify
from verbund_connectors.classify import category, kind, level_range, organisation_kind, sport, target_groups


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Deutschkurs", ["language"]),
        ("Alphabetisierungskurs", ["language", "language.literacy"]),
        ("Sprachcafé", ["language", "language.open"]),
        ("Sprachcafe", ["language", "language.open"]),
        ("Hausaufgabenhilfe", ["school", "school.homework"]),
        ("Fußball für Geflüchtete", ["sport"]),
        ("FUSSBALL", ["sport"]),
        ("Asylberatung", ["counselling", "counselling.migration"]),
        ("Verbraucherberatung", ["counselling"]),
        ("Wassergymnastik", ["sport"]),
        ("Bewerbungstraining", ["work"]),
        ("Offene Halle am Freitag", ["sport", "sport.open"]),
        ("DaZ für Eltern", ["language"]),
        ("Schule und Lernen", ["school"]),
        ("language.literacy", ["language", "language.literacy"]),
        ("Gesundheit", ["health"]),
        ("Theater spielen", ["culture"]),
    ],
)
def test_categories(text, codes):
    assert category(text) == codes


@pytest.mark.parametrize(
    "text", ["Transportkosten", "dafür", "dazu", "Vereinbarkeit", "Wer sucht, der findet", "", None]
)
def test_words_that_only_look_like_one_hit_nothing(text):
    assert category(text) == []


def test_the_first_text_gives_the_main_category():
    assert category("Schwimmkurs", "mit Beratung")[0] == "sport"
    assert category("Sprechstunde", "im Sportverein")[0] == "counselling"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Kinder und Jugendliche", ["children", "youth"]),
        ("junge Männer", ["men"]),
        ("Frauen", ["women"]),
        ("Neu Zugewanderte", ["newcomers"]),
        ("Geflüchtete aus der Ukraine", ["refugees"]),
        ("Senioren 60+", ["seniors"]),
        ("U27", ["youth"]),
        ("Hunde", []),
    ],
)
def test_target_groups(text, codes):
    assert target_groups(text) == codes


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("A2–B1", ("A2", "B1")),
        ("A1 bis B1", ("A1", "B1")),
        ("Alpha, A1", ("alpha", "A1")),
        ("B1.2", ("B1.2", "B1.2")),
        ("A1.1-A1.2", ("A1.1", "A1.2")),
        ("B1/B2", ("B1", "B2")),
        ("ab A2", ("A2", None)),
        ("ab Niveau A2", ("A2", None)),
        ("bis B1", (None, "B1")),
        ("Niveau b1", ("B1", "B1")),
        ("Alphabetisierung", ("alpha", "alpha")),
        ("Deutsch B2 – Prüfungsvorbereitung", ("B2", "B2")),
        ("Raum 3, Haus BA1", (None, None)),
        ("A10", (None, None)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_levels(text, levels):
    assert level_range(text) == levels


def test_sports_by_address_label_and_german_word():
    football = sport("https://openactive.io/activity-list#0a5f732d-e806-4e51-ad40-0a7de0239c8c")
    assert football is not None
    assert football.german == "Fußball"
    assert sport("football") == sport("Fussball") == football
    assert sport("Zumba") == sport("Zumba®")
    assert sport("Quidditch") is None


@pytest.mark.parametrize(
    ("categories", "title", "is_kind"),
    [
        (["language"], "Deutsch B1", "course"),
        (["language", "language.open"], "Sprachcafé", "place"),
        (["sport"], "Fußball", "sport"),
        (["sport"], "Schwimmkurs", "course"),
        (["counselling"], "Migrationsberatung", "counselling"),
        ([], "Sommerfest", "programme"),
    ],
)
def test_kinds(categories, title, is_kind):
    assert kind(categories, title) == is_kind


@pytest.mark.parametrize(
    ("name", "is_kind"),
    [
        ("VHS Beispiel", "vhs"),
        ("TuS Beispiel 1900 e.V.", "club"),
        ("Caritas Beispiel", "charity"),
        ("Landkreis Beispiel", "office"),
        ("Lernwerk GmbH", "company"),
        ("Gesamtschule Beispiel", "school"),
        ("Erika", None),
    ],
)
def test_kinds_of_organisations(name, is_kind):
    assert organisation_kind(name) == is_kind


@given(st.text(max_size=200))
def test_every_code_is_one_of_the_vocabulary(text):
    assert set(category(text)) <= classify.category_codes()
    assert set(target_groups(text)) <= classify.target_group_codes()
