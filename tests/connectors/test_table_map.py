"""A row to an offer, and the settings that say how."""

from __future__ import annotations

import pytest

from tests.connectors.table_feed import CSV, SETTINGS, answers_of, as_csv, connector, mapped, one
from verbund_connectors.kit import Ignored, Item, Mapped, Rejected, Withdrawn
from verbund_connectors.table import TableSettings


def offer(row, **settings):
    return mapped(row, **settings).offer


def rules(answer):
    return [w.rule for w in answer.warnings]


def test_a_course_of_the_made_up_table():
    _, answers = answers_of(connector(**SETTINGS), CSV)
    said = answers["EN-0002"]
    assert isinstance(said, Mapped)
    course = said.offer
    assert course["kind"] == "course"
    assert course["texts"]["de"]["title"] == "Deutschkurs für Mütter mit Kinderbetreuung"
    assert course["texts"]["de"]["description_text"] == "Alphabetisierung und A1\nmit Kinderbetreuung"
    assert course["texts"]["de"]["description_html"] == "<p>Alphabetisierung und A1<br>mit Kinderbetreuung</p>"
    assert course["categories"] == ["language"]
    assert (course["level_from"], course["level_to"]) == ("alpha", "A1")
    assert course["recurrence"] == {
        "rule": "FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20270625T235959",
        "start": "2027-01-12T09:00:00",
        "end": "2027-01-12T11:30:00",
        "all_day": False,
        "zone": "Europe/Berlin",
        "exceptions": [],
    }
    assert [(s["start"], s["end"]) for s in course["starts"]] == [("2027-01-12T08:00:00Z", "2027-01-12T10:30:00Z")]
    assert (course["valid_from"], course["valid_to"]) == ("2027-01-12", "2027-06-25")
    assert course["cost"] == {"amount": 1.5, "currency": "EUR", "free": False, "note": None}
    assert said.organisation == (
        "name:vhs beispiel",
        {"name": "VHS Beispiel", "kind": "vhs", "url": None, "place": None, "extra": {}},
    )
    assert [c.data["email"] for c in said.contacts] == ["kurse@vhs.example"]
    assert said.warnings == ()


def test_free_of_charge_is_free_and_keeps_its_words():
    assert offer({"Kosten": "kostenlos"}, map={"cost": "Kosten"})["cost"] == {
        "amount": 0.0,
        "currency": "EUR",
        "free": True,
        "note": "kostenlos",
    }


def test_a_price_that_is_no_number_is_a_note():
    assert offer({"Kosten": "auf Anfrage"}, map={"cost": "Kosten"})["cost"] == {
        "amount": None,
        "currency": "EUR",
        "free": None,
        "note": "auf Anfrage",
    }


# --- status ---


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("inaktiv", "explicit_delete"),
        ("Gelöscht", "explicit_delete"),
        ("abgesagt", "cancelled"),
        ("fällt aus", "cancelled"),
    ],
)
def test_a_status_withdraws(word, reason):
    assert one({"Status": word}, map={"status": "Status"}) == Withdrawn(reason=reason)


def test_a_full_course_says_so_at_its_start():
    said = offer({"Status": "ausgebucht", "Beginn": "1.2.2027"}, map={"status": "Status", "start": "Beginn"})
    assert (said["starts"][0]["status"], said["availability"]) == ("full", "full")


def test_a_status_that_nobody_knows_warns_and_withdraws_nothing():
    answer = mapped({"Status": "B"}, map={"status": {"column": "Status", "values": {"A": "active"}}})
    assert rules(answer) == ["code_unknown"]
    assert answer.offer["extra"] == {"status": "B"}


# --- codes ---


def test_listed_values_are_the_only_ones():
    rule = {"column": "Feld", "values": {"Sprache": "language", "Sport & Spiel": ["sport", "culture"], "egal": None}}
    assert offer({"Feld": "Sport & Spiel"}, map={"category": rule})["categories"] == ["sport", "culture"]
    assert offer({"Feld": " SPRACHE "}, map={"category": rule})["categories"] == ["language"]
    unknown = mapped({"Feld": "Gesundheit"}, map={"category": rule})
    assert unknown.offer["categories"] == []
    assert unknown.offer["foreign_codes"] == [{"scheme": "Feld", "code": "Gesundheit", "label": None}]
    assert rules(unknown) == ["code_unknown"]


def test_without_listed_values_the_vocabulary_reads_the_word_and_the_word_is_kept():
    said = offer({"Feld": "Gesundheitskurse"}, map={"category": "Feld"})
    assert said["categories"] == ["health"]
    assert said["foreign_codes"] == [{"scheme": "Feld", "code": "Gesundheitskurse", "label": None}]


def test_without_a_category_column_the_title_tells():
    assert offer({"Titel": "Fußball"})["categories"] == ["sport"]
    assert offer({"Titel": "Allerlei"})["categories"] == []


@pytest.mark.parametrize(
    ("cell", "levels"),
    [
        ("A2–B1", ("A2", "B1")),
        ("B1.2", ("B1.2", "B1.2")),
        ("ab A2", ("A2", None)),
        ("Alpha, A1", ("alpha", "A1")),
        ("Anfänger", (None, None)),
    ],
)
def test_levels(cell, levels):
    said = offer({"Niveau": cell}, map={"level": "Niveau"})
    assert (said["level_from"], said["level_to"]) == levels


def test_listed_levels():
    rule = {"column": "Niveau", "values": {"Anfänger": "A1", "Mittelstufe": ["B1", "B2"]}}
    said = offer({"Niveau": "Mittelstufe"}, map={"level": rule})
    assert (said["level_from"], said["level_to"]) == ("B1", "B2")


def test_a_pattern_takes_its_group_and_warns_of_what_does_not_fit():
    rule = {"column": "Niveau", "split": ",", "pattern": r"^Stufe (\w\d)$"}
    answer = mapped({"Niveau": "Stufe A1, offen"}, map={"level": rule})
    assert answer.offer["level_from"] == "A1"
    assert rules(answer) == ["pattern_mismatch"]


def test_target_groups_are_split():
    said = offer(
        {"Für": "Kinder, Jugendliche und Frauen"}, map={"target_groups": {"column": "Für", "split": [",", " und "]}}
    )
    assert said["target_groups"] == ["children", "youth", "women"]


def test_yes_and_no():
    said = offer({"K": "ja", "B": "x"}, map={"childcare": "K", "barrier_free": "B"})
    assert (said["childcare"], said["barrier_free"]) == (True, True)
    assert offer({"K": "Nein"}, map={"childcare": "K"})["childcare"] is False
    assert offer({"K": "vielleicht"}, map={"childcare": "K"})["childcare"] is None


def test_languages_and_gender_and_kind():
    said = offer(
        {"L": "Deutsch, Arabisch", "G": "Frauen", "A": "Beratung"}, map={"languages": "L", "gender": "G", "kind": "A"}
    )
    assert (said["languages_of_instruction"], said["gender"], said["kind"]) == (["de", "ar"], "female", "counselling")


# --- when ---

WHEN = {"start": "Beginn", "end": "Ende", "weekdays": "Tage", "time": "Zeit"}


def test_a_day_without_time_is_a_whole_day():
    (start,) = offer({"Beginn": "1.7.2027"}, map={"start": "Beginn"})["starts"]
    assert (start["start"], start["end"], start["all_day"]) == ("2027-06-30T22:00:00Z", "2027-07-01T22:00:00Z", True)


def test_an_evening_past_midnight_ends_on_the_next_day():
    (start,) = offer({"Beginn": "1.2.2027", "Zeit": "22-1 Uhr"}, map={"start": "Beginn", "time": "Zeit"})["starts"]
    assert (start["start"], start["end"]) == ("2027-02-01T21:00:00Z", "2027-02-02T00:00:00Z")


def test_weekdays_and_a_time_without_a_date_are_weekly_hours():
    said = offer({"Tage": "samstags", "Zeit": "10-12 Uhr"}, map={"weekdays": "Tage", "time": "Zeit"})
    assert said["opening_hours"] == [{"weekday": 6, "opens": "10:00", "closes": "12:00", "by_appointment": False}]
    assert said["starts"] == []


def test_a_term_that_begins_on_another_weekday_starts_with_the_first_meeting():
    said = offer({"Beginn": "1.2.2027", "Ende": "30.6.2027", "Tage": "Mi", "Zeit": "18 Uhr"}, map=WHEN)
    assert said["recurrence"]["start"] == "2027-02-03T18:00:00"
    assert said["starts"][0]["start"] == "2027-02-03T17:00:00Z"


def test_an_open_ended_rhythm_has_no_last_day():
    said = offer({"Beginn": "1.2.2027", "Ende": "", "Tage": "Mo", "Zeit": "9-10 Uhr"}, map=WHEN)
    assert said["recurrence"]["rule"] == "FREQ=WEEKLY;BYDAY=MO"
    assert (said["valid_from"], said["valid_to"]) == ("2027-02-01", None)


def test_words_instead_of_a_date_warn_and_stay_readable():
    answer = mapped(
        {"Beginn": "nach Absprache", "Tage": "jeden 1. Montag"}, map={"start": "Beginn", "weekdays": "Tage"}
    )
    assert rules(answer) == ["date_unreadable", "date_unreadable"]
    assert answer.offer["starts"] == []
    assert answer.offer["extra"] == {"start": "nach Absprache", "weekdays": "jeden 1. Montag"}


def test_an_end_before_the_start_is_dropped():
    answer = mapped({"Beginn": "1.2.2027", "Ende": "1.1.2027"}, map={"start": "Beginn", "end": "Ende"})
    assert rules(answer) == ["end_before_start"]
    assert answer.offer["valid_to"] is None


def test_a_date_format_of_its_own():
    rule = {"column": "Beginn", "format": "YYYY/DD/MM"}
    assert offer({"Beginn": "2027/02/01"}, map={"start": rule})["starts"][0]["start"] == "2027-01-01T23:00:00Z"


def test_seats_deadline_and_exam_stand_at_the_start():
    columns = {
        "start": "Beginn",
        "seats": "Plätze",
        "seats_free": "frei",
        "registration_until": "bis",
        "exam_on": "Prüfung",
    }
    (start,) = offer(
        {"Beginn": "1.2.2027", "Plätze": "20", "frei": "3", "bis": "20.1.2027", "Prüfung": "1.7.2027"}, map=columns
    )["starts"]
    assert (start["seats"], start["seats_free"], start["registration_until"], start["exam_on"]) == (
        20,
        3,
        "2027-01-20",
        "2027-07-01",
    )


def test_seats_without_a_start_are_kept_beside():
    assert offer({"Plätze": "20"}, map={"seats": "Plätze"})["extra"] == {"seats": "20"}


# --- where and who ---


@pytest.mark.parametrize(
    ("cell", "code", "warned"),
    [
        ("01067", "01067", []),
        ("1067", "01067", ["postcode_completed"]),
        ("D-58452", "58452", []),
        ("584", None, ["value_unreadable"]),
    ],
)
def test_postcodes(cell, code, warned):
    answer = mapped({"PLZ": cell, "Ort": "X"}, map={"place.postcode": "PLZ", "place.town": "Ort"})
    assert answer.offer["place"]["postcode"] == code
    assert rules(answer) == warned


def test_positions_with_a_comma():
    said = offer({"B": "51,4368", "L": "7,3347"}, map={"place.lat": "B", "place.lon": "L"})["place"]
    assert (said["lat"], said["lon"], said["position_source"]) == (51.4368, 7.3347, "source")


def test_columns_are_joined_in_one_field():
    assert offer({"Str": "Weg", "Nr": "3a"}, map={"place.street": ["Str", "Nr"]})["place"]["street"] == "Weg 3a"


def test_addresses_without_scheme_get_https_and_others_are_dropped():
    assert offer({"Web": "www.vhs.example/kurse"}, map={"url": "Web"})["source_url"] == "https://www.vhs.example/kurse"
    answer = mapped({"Web": "javascript:alert(1)"}, map={"url": "Web"})
    assert answer.offer["source_url"] is None
    assert rules(answer) == ["url_unusable"]


def test_languages_of_texts():
    said = offer({"T": "German course", "B": "For beginners"}, map={"title.en": "T", "description.en": "B"})["texts"]
    assert list(said) == ["de", "en"]
    assert said["en"]["description_text"] == "For beginners"


def test_extra_fields_and_defaults():
    said = offer(
        {"F": "BAMF"},
        map={"extra.förderung": "F"},
        defaults={"place.town": "Witten", "cost": 0, "childcare": True, "category": "language"},
    )
    assert said["extra"] == {"förderung": "BAMF"}
    assert (said["place"]["town"], said["cost"]["free"], said["childcare"], said["categories"]) == (
        "Witten",
        True,
        True,
        ["language"],
    )


def test_a_cell_goes_before_its_default():
    assert (
        offer({"Ort": "Hagen"}, map={"place.town": "Ort"}, defaults={"place.town": "Witten"})["place"]["town"]
        == "Hagen"
    )


def test_a_default_of_one_row_is_not_left_over_from_another():
    made = connector(map={"title": "Titel", "place.town": "Ort"}, defaults={"place.town": "Witten"})
    _, answers = answers_of(made, as_csv([["ID", "Titel", "Ort"], ["1", "a", "Hagen"], ["2", "b", ""]]))
    assert [answer.offer["place"]["town"] for answer in answers.values() if isinstance(answer, Mapped)] == [
        "Hagen",
        "Witten",
    ]


CONTACT = {"contact.name": "Name", "contact.email": "Mail", "contact.phone": "Tel", "contact.function": "Stelle"}


@pytest.mark.parametrize(
    ("policy", "email", "name"),
    [("none", None, None), ("functions", "kurse@vhs.example", None), ("names", "kurse@vhs.example", "Erika Beispiel")],
)
def test_contacts_follow_the_policy(policy, email, name):
    row = {"Name": "Erika Beispiel", "Mail": "kurse@vhs.example", "Tel": "02302 000000", "Stelle": "Anmeldung"}
    contacts = mapped(row, contacts=policy, map=CONTACT).contacts
    assert [c.data.get("email") for c in contacts] == ([email] if email else [])
    assert [c.data.get("name") for c in contacts] == ([name] if email else [])


def test_a_mail_address_made_of_the_name_is_a_name():
    (contact,) = mapped(
        {"Name": "Erika Beispiel", "Mail": "e.beispiel@vhs.example", "Tel": "02302 000000", "Stelle": ""}, map=CONTACT
    ).contacts
    assert contact.data["email"] is None
    assert contact.data["phone"] == "02302 000000"


def test_a_contact_without_any_way_to_reach_it_is_none():
    assert mapped({"Name": "Erika", "Mail": "", "Tel": "-", "Stelle": "x"}, map=CONTACT).contacts == ()


# --- what costs the record ---


def test_a_row_without_title_is_rejected():
    answer = one({"Titel": " "})
    assert isinstance(answer, Rejected)
    assert (answer.rejects[0].rule, answer.rejects[0].place) == ("title_missing", "Titel")


def test_what_came_from_this_hub_is_ours():
    assert one({"Web": "https://hub.example/offers/1"}, map={"url": "Web"}) == Ignored(reason="ours")


def test_cells_of_any_kind_are_survived():
    made = connector(**SETTINGS)
    for cell in ("", " ", "\u0000", "\ud800", 0, -1, 10**20, 1.5, True, None, "x" * 5000, "=1+1", "#REF!", "<b>"):
        for column in TableSettings(**SETTINGS).columns:
            made.map("k", [Item(part="table", id="k", key="k", data={"Titel": "x", column: cell})])


# --- settings ---


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"map": {"title": "T", "place.city": "O"}}, "place.town"),
        ({"map": {"title": "T", "organisaton": "O"}}, "organisation"),
        ({"map": {"title": "T", "provider.name": "O"}}, "organisation"),
        ({"map": {"title": "T", "zzzzqqq": "O"}}, "fields are"),
        ({"map": {"description": "T"}}, "no `title`"),
        ({"map": {"title": "T", "category": {"column": "C", "values": {"a": "langage"}}}}, "language"),
        ({"map": {"title": "T", "level": {"column": "C", "values": {"a": "A7"}}}}, "unknown level"),
        ({"map": {"title": "T", "status": {"column": "C", "values": {"a": "gone"}}}}, "unknown code"),
        ({"map": {"title": {"column": "T", "pattern": "("}}}, "regular expression"),
        ({"map": {"title": {"column": "T", "pattern": "(a+)+$"}}}, "repeats"),
        ({"map": {"title": {"column": "T", "colour": "x"}}}, "colour"),
        ({"defaults": {"titel": "x"}}, "title"),
        ({"path": None}, "`url` or `path`"),
        ({"url": "https://x.example/a.csv"}, "`url` or `path`"),
        ({"encoding": "klingon"}, "no encoding"),
        ({"delimiter": ";;"}, "one character"),
        ({"header_rows": 0}, "counts from 1"),
        ({"key": []}, "key"),
        ({"keys": ["a"]}, "keys"),
    ],
)
def test_a_misspelt_setting_is_answered_with_the_nearest(change, said):
    with pytest.raises(ValueError) as caught:
        TableSettings(**{"path": "t.csv", "key": ["ID"], "map": {"title": "T"}, **change})
    assert said in str(caught.value)


def test_words_that_yaml_reads_as_something_else_are_texts():
    settings = TableSettings(
        path="t", key="ID", map={"title": "T", "status": {"column": "S", "values": {True: "active", 0: "withdrawn"}}}
    )
    assert settings.map["status"].values == {"true": "active", "0": "withdrawn"}
    assert settings.key == ("ID",)
