"""Feeds that are not the sample: other regions, older and newer servers, switched-off parts, broken and hostile items."""

import copy
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import verbund_connectors.integreat
import verbund_schemas
from tests.connectors.integreat_feed import BASE, answer, connector, crawl, snapshot
from verbund_connectors.classify import category_codes
from verbund_connectors.integreat import IntegreatSettings
from verbund_connectors.integreat._words import CATEGORY_OF_ICON
from verbund_connectors.kit import Ignored, Mapped, Rejected, Request, UnreadableError

SAMPLE = snapshot("snapshot-1")
EVENTS = "landkreis-augsburg.de.events"
PLACES = "landkreis-augsburg.de.locations"
ROOTS = {"roots": ["/landkreis-augsburg/de/"]}


def altered(**lists):
    """The sample with other lists: `events=[...]` stands for the German ones of the region."""
    feed = copy.deepcopy(SAMPLE)
    for name, value in lists.items():
        feed[{"events": EVENTS, "places": PLACES, "regions": "regions"}.get(name, name)] = value
    return feed


def an_event(**fields):
    """Event 8, with other fields; a dict changes the object of that name."""
    return edited(next(e for e in SAMPLE[EVENTS] if e["event"]["id"] == 8), fields)


def a_place(**fields):
    return edited(next(p for p in SAMPLE[PLACES] if p["location"]["id"] == 2), fields)


def edited(entry, fields):
    entry = copy.deepcopy(entry)
    for name, value in fields.items():
        entry[name] = (
            {**entry[name], **value} if isinstance(value, dict) and isinstance(entry.get(name), dict) else value
        )
    return entry


def one(key, *, contacts="functions", hub_urls=(), **lists):
    """What the connector says of one record, if only German says something."""
    feed = {name: value for name, value in altered(**lists).items() if ".en." not in name and ".ar." not in name}
    return crawl(feed, connector(contacts=contacts, hub_urls=hub_urls)).answers[key]


def rules(found):
    return [(reject.rule, reject.place) for reject in (found.warnings if isinstance(found, Mapped) else found.rejects)]


# --- regions and languages that are switched off ---


def region(**fields):
    return [edited(entry, fields) if entry["path"] == "landkreis-augsburg" else entry for entry in SAMPLE["regions"]]


def test_a_region_that_left_the_listing_suspends_all_its_parts():
    gone = [entry for entry in SAMPLE["regions"] if entry["path"] != "landkreis-augsburg"]
    done = crawl(altered(regions=gone), languages=["de", "ar"])
    assert not done.items
    assert set(done.ends) == {"region", "offers", "events.de", "events.ar", "locations.de", "locations.ar"}
    assert {(end.state, end.reasons) for end in done.ends.values()} == {("failed", ("region_not_listed",))}


def test_a_hidden_region_is_not_read():
    done = crawl(altered(regions=region(live=False)))
    assert done.ends["region"].reasons == ("region_hidden",)
    assert len(done.requests) == 1


def test_a_region_without_languages_endpoint_is_archived():
    feed = {name: value for name, value in SAMPLE.items() if name != "landkreis-augsburg.languages"}
    done = crawl(feed)
    assert done.ends["languages"].reasons == ("region_archived",)
    assert done.ends["region"].state == "complete"


def test_what_a_region_has_switched_off_is_suspended_and_not_empty():
    done = crawl(altered(regions=region(events=False, pois=False, extras=False)))
    off = {part for part, end in done.ends.items() if (end.state, end.reasons) == ("partial", ("suspended_by_region",))}
    assert off == {"offers"} | {f"{name}.{code}" for name in ("events", "locations") for code in ("de", "en", "ar")}
    assert not done.items


def test_contacts_that_a_region_has_switched_off_are_not_read():
    done = crawl(altered(regions=region(contacts=False)))
    assert done.answers["place/2"].contacts == ()
    assert "mbe.example.org/termin" not in str(done.items)


def test_a_language_that_answers_404_fails_alone():
    feed = {name: value for name, value in SAMPLE.items() if name != "landkreis-augsburg.ar.events"}
    done = crawl(feed)
    assert (done.ends["events.ar"].state, done.ends["events.ar"].reasons) == ("failed", ("language_off",))
    assert done.ends["events.de"].state == "complete"


def test_a_wanted_language_that_is_not_listed_fails():
    done = crawl(SAMPLE, languages=["de", "fa"])
    assert done.ends["events.fa"].reasons == done.ends["locations.fa"].reasons == ("language_not_listed",)


def test_an_older_region_without_flags_is_read_whole():
    bare = [{"id": 1, "name": "Landkreis Augsburg", "path": "landkreis-augsburg", "aliases": "{}"}]
    assert set(crawl(altered(regions=bare)).answers) == set(crawl(SAMPLE).answers)


def test_another_default_language_takes_the_place_of_german():
    feed = altered(**{"landkreis-augsburg.languages": list(reversed(SAMPLE["landkreis-augsburg.languages"]))})
    texts = crawl(feed).answers["event/4"].offer["texts"]
    assert texts["ar"]["translation"] == "original"
    assert texts["de"]["translation"] == "unknown"


# --- answers that are no feed ---


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b"  \n", "empty_body"),
        (b"<!DOCTYPE html><form><input type=password></form>", "log_in_page"),
        (b"\xef\xbb\xbf<html><a href=/login>x</a>", "log_in_page"),
        (b"<html><body>502 Bad Gateway</body></html>", "not_json"),
        (b'{"error": "This region is archived."}', "not_a_feed"),
        (b'"x"', "not_a_feed"),
        (b"null", "not_a_feed"),
        (b'[{"id": 1}, {"id"', "truncated"),
        (b'[{"id": NaN}]', "not_json"),
        (b'[{"id": 1}]]', "not_json"),
        (b'[{"title": "\xfc"}]', "not_json"),
        (b'[{"title": "\\ud800"}]', "not_json"),
        (b"[" * 100_000 + b"]" * 100_000, "not_json"),
    ],
)
def test_an_answer_that_is_no_feed_is_unreadable(body, reason):
    with pytest.raises(UnreadableError) as caught:
        crawl(altered(events=body))
    assert caught.value.reason == reason


def test_a_byte_order_mark_is_no_trouble():
    assert "event/8" in crawl(altered(events=b"\xef\xbb\xbf" + json.dumps(SAMPLE[EVENTS]).encode())).answers


def test_a_body_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("verbund_connectors.integreat._reading.MAX_BODY", 1000)
    with pytest.raises(UnreadableError, match="too_large"):
        crawl(SAMPLE)


# --- records without key, or with a key and nothing else ---


@pytest.mark.parametrize("number", [None, 0, -1, True, "TODO", "", 1.5, [], {}, "12a", 10**30])
def test_an_event_without_usable_id_is_broken_and_the_rest_flows(number):
    done = crawl(altered(events=[an_event(event={"id": number}), *SAMPLE[EVENTS]]))
    assert [(broken.part, broken.rule, broken.place) for broken in done.broken] == [
        ("events.de", "key_missing" if number in (None, "") else "key_junk", "[0].event.id")
    ]
    assert len([key for key in done.answers if key.startswith("event/")]) == 8


@pytest.mark.parametrize("entry", [None, 1, "x", [], {}, {"event": None}, {"event": 5}])
def test_something_that_is_no_event_is_broken(entry):
    assert len(crawl(altered(events=[entry, *SAMPLE[EVENTS]])).broken) == 1


def test_expanded_dates_of_a_series_have_no_key():
    [broken] = crawl(altered(events=[an_event(event={"id": None, "recurrence_id": 4}), *SAMPLE[EVENTS]])).broken
    assert (broken.rule, "series" in broken.value) == ("key_missing", True)


def test_ids_as_digits_are_the_same_ids():
    assert isinstance(one("event/8", events=[an_event(event={"id": "8"})]), Mapped)


def test_two_different_records_under_one_id_are_rejected():
    assert rules(one("event/8", events=[an_event(), an_event(title="Anders")])) == [("key_duplicate", "event.id")]
    assert isinstance(one("event/8", events=[an_event(), an_event(id=99, last_updated="x")]), Mapped)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": None}, ("title_missing", "title")),
        ({"title": "  \u200b "}, ("title_missing", "title")),
        ({"title": 5}, ("title_missing", "title")),
        ({"event": {"start": None}}, ("no_usable_start", "event.start")),
        ({"event": {"start": "bald"}}, ("no_usable_start", "event.start")),
        ({"event": {"start": 1}}, ("no_usable_start", "event.start")),
        ({"event": {"start": "0001-01-01T00:00:00+01:00"}}, ("no_usable_start", "event.start")),
        ({"recurrence_rule": "RRULE:FREQ=SECONDLY"}, ("recurrence_unusable", "recurrence_rule")),
        ({"recurrence_rule": "FREQ=DAILY;INTERVAL=0"}, ("recurrence_unusable", "recurrence_rule")),
        ({"recurrence_rule": 7}, ("recurrence_unusable", "recurrence_rule")),
        ({"recurrence_rule": ""}, ("recurrence_unusable", "recurrence_rule")),
        ({"content": "x" * 2_000_001}, ("too_large", "de.content")),
    ],
)
def test_an_event_that_cannot_be_taken_says_why(fields, expected):
    found = one("event/8", events=[an_event(**fields)])
    assert isinstance(found, Rejected)
    assert rules(found) == [expected]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event": {"end": "9999-12-31T23:59:00+01:00"}}, ("date_unreadable", "event.end")),
        ({"event": {"end": "2026-11-01T08:00:00+01:00"}}, ("end_before_start", "event.end")),
        ({"location": 5}, ("wrong_type", "location")),
        ({"location": {"longitude": 2.35, "latitude": 48.85}}, ("position_outside", "location")),
        ({"location": {"postcode": "D-86356"}}, ("code_unknown", "location.postcode")),
        ({"location": {"longitude": "ost"}}, ("wrong_type", "location.longitude")),
        ({"location": {"longitude": 0, "latitude": 0}}, ("position_null_island", "location")),
        ({"location": {"longitude": 48.4, "latitude": 10.8}}, ("position_swapped", "location")),
        ({"meeting_url": "javascript:alert(1)"}, ("url_unusable", "meeting_url")),
        ({"meeting_url": "https://meet.example/" + "a" * 3000}, ("url_too_long", "meeting_url")),
        ({"content": 7}, ("wrong_type", "de.content")),
        ({"title": "Kurs " * 100}, ("title_too_long", "de.title")),
        ({"content": "<p>Wort</p>" * 5000}, ("text_too_long", "de.content")),
        ({"event": {"timezone": "Mars/Olympus"}}, ("code_unknown", "event.timezone")),
    ],
)
def test_a_field_that_cannot_be_taken_is_left_out_with_a_warning(fields, expected):
    found = one("event/8", events=[an_event(**fields)])
    assert isinstance(found, Mapped)
    assert rules(found) == [expected]


def test_limits_of_texts_hold():
    found = one("event/8", events=[an_event(title="Kurs " * 100, content="<p>Wort &amp; Satz</p>" * 5000)])
    text = found.offer["texts"]["de"]
    assert len(text["title"]) <= 300
    assert len(text["description_text"]) <= 20_000
    assert text["description_html"].endswith("</p>")
    longer = one("event/8", events=[an_event(title="Kurs " * 100, content="<p>Wort &amp; Satz</p>" * 5001)])
    assert longer.content != found.content  # what is cut still counts


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        ("FREQ=WEEKLY", None),
        ("FREQ=WEEKLY;UNTIL=20270322T235959", "2027-03-22"),
        ("FREQ=WEEKLY;UNTIL=99991231", None),
        ("FREQ=WEEKLY;COUNT=3", "2026-12-09"),
        ("FREQ=DAILY;COUNT=2000", "2032-05-16"),
    ],
)
def test_the_last_day_of_a_series(rule, last):
    found = one("event/8", events=[an_event(recurrence_rule=f"DTSTART:20261125T073000\nRRULE:{rule}")])
    assert found.offer["valid_to"] == last
    assert found.offer["starts"] == ()


def test_every_rule_has_a_name_in_both_languages():
    folder = Path(verbund_connectors.integreat.__file__).parent
    said = set()
    for path in folder.glob("*.py"):
        said |= set(re.findall(r'(?:Refused\(|\.add\(|rule=|"broken": |rule = )"(\w+_\w+)"', path.read_text()))
    assert len(said) > 15
    assert said <= set(verbund_schemas.vocabulary("rules").terms)


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("ABGESAGT: Deutschkurs A1", "cancelled"),
        ("Deutschkurs A1 (entfällt!)", "cancelled"),
        ("Deutschkurs A1 – fällt leider aus", "cancelled"),
        ("Ausgebucht! Schwimmkurs", "full"),
        ("Wenn der Kurs abgesagt wird: Infoabend", None),
        ("Deutschkurs A1 (verschoben)", None),
    ],
)
def test_what_editors_write_into_the_title_is_the_status_of_the_date(title, status):
    assert one("event/8", events=[an_event(title=title)]).offer["starts"][0]["status"] == status


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("Deutschkurs B1", "course"),
        ("Intensivkurse Deutsch", "course"),
        ("Workshop: Bewerbung schreiben", "course"),
        ("Infoabend zum Integrationskurs", "event"),
        ("Exkurs Demokratie", "event"),
        ("Offene Sprechstunde", "counselling"),
        ("Migrationsberatung vor Ort", "counselling"),
        ("Fußball für alle", "sport"),
        ("Sportfest", "event"),
        ("Sprachcafé", "event"),
        ("Tag der offenen Tür der Beratungsstelle", "event"),
        ("Weihnachtsmarkt", "event"),
    ],
)
def test_the_kind_of_an_event_is_what_its_title_says_or_event(title, kind):
    assert one("event/8", events=[an_event(title=title)]).offer["kind"] == kind


# --- places of other shapes ---


def test_postcodes_are_strings_with_their_leading_zero():
    assert one("place/2", places=[a_place(location={"postcode": 1067})]).offer["place"]["postcode"] == "01067"
    assert one("place/2", places=[a_place(location={"postcode": "01067"})]).offer["place"]["postcode"] == "01067"


def test_swapped_coordinates_are_put_right():
    where = one("place/2", places=[a_place(location={"longitude": 48.4, "latitude": 10.8})]).offer["place"]
    assert (where["lon"], where["lat"], where["position_source"]) == (10.8, 48.4, "source")


CLOSED = {"allDay": False, "closed": True, "appointmentOnly": False, "timeSlots": []}
OPEN = {"allDay": False, "closed": False, "timeSlots": [{"start": "09:00", "end": "12:00"}]}  # as older servers have it


@pytest.mark.parametrize(
    ("given_hours", "expected"),
    [
        (None, None),
        ([], None),
        ([CLOSED] * 7, []),
        ([OPEN, *[CLOSED] * 6], [{"weekday": 1, "opens": "09:00", "closes": "12:00", "by_appointment": False}]),
        ([*[CLOSED] * 6, {"allDay": True}], [{"weekday": 7, "opens": None, "closes": None, "by_appointment": False}]),
        (
            [{**OPEN, "appointmentOnly": True}, {"appointmentOnly": True, "timeSlots": []}, *[CLOSED] * 5],
            [
                {"weekday": 1, "opens": "09:00", "closes": "12:00", "by_appointment": True},
                {"weekday": 2, "opens": None, "closes": None, "by_appointment": True},
            ],
        ),
        ([OPEN] * 6, None),
        ([None, *[CLOSED] * 6], None),
        ([{"timeSlots": [{"start": "9 Uhr", "end": "12:00"}]}, *[OPEN] * 6], None),
        ("montags", None),
    ],
)
def test_opening_hours(given_hours, expected):
    assert one("place/2", places=[a_place(opening_hours=given_hours)]).offer["opening_hours"] == expected


def test_every_icon_has_its_category_and_an_unknown_one_keeps_its_code():
    icons = {
        "advice",
        "culture",
        "daily_routine",
        "education",
        "finance",
        "gastronomy",
        "health",
        "house",
        "leisure",
        "media",
        "medical_aid",
        "meeting_point",
        "mental_health",
        "mobility",
        "office",
        "other",
        "other_help",
        "service",
        "shelter",
        "shopping",
        "structure",
    }
    assert len(icons) == 21
    assert set(CATEGORY_OF_ICON) == icons
    assert {code for code in CATEGORY_OF_ICON.values() if code} <= category_codes()
    new = one("place/2", places=[a_place(title="Neues", category={"icon": "library", "name": "Bücherei"})])
    assert new.offer["categories"] == ()
    assert new.offer["foreign_codes"][0]["code"] == "library"


def test_a_contact_keeps_its_identity_when_its_data_or_its_neighbours_change():
    contacts = a_place()["contacts"]
    more = [{"area_of_responsibility": "Neu", "name": "N", "email": "n@mbe.example.org"}, *contacts]
    found = one("place/2", places=[a_place(contacts=more)]).contacts
    assert [(contact.area, contact.rank) for contact in found] == [
        ("Neu", 0),
        ("", 0),
        ("Anerkennung ausländischer Abschlüsse", 0),
    ]
    assert (
        one("place/2", places=[a_place(contacts=[None, 5, {"name": "nur ein Name"}, *contacts])]).contacts[0].rank == 1
    )


def test_an_older_server_without_optional_fields_is_read():
    old_event = {
        "id": 5, "path": "/landkreis-augsburg/de/events/alt/", "title": "Alter Kurs", "content": "<p>x</p>",
        "last_updated": "2021-01-01T00:00:00+01:00", "location": {"id": None},
        "event": {"id": 70, "start_date": "2027-01-05", "start_time": "18:00:00", "end_date": "2027-01-05", "end_time": "20:00:00"},
    }  # fmt: skip
    found = one("event/70", events=[old_event])
    assert found.offer["starts"][0]["start"] == "2027-01-05T17:00:00Z"
    assert found.offer["place"] is None
    old_place = {
        "id": 1,
        "path": "/landkreis-augsburg/de/locations/alt/",
        "title": "Alt",
        "content": "",
        "location": {"id": 9},
    }
    found = one("place/9", places=[old_place])
    assert found.offer["kind"] == "place"
    assert found.offer["source_url"] == f"{BASE}/landkreis-augsburg/de/locations/alt/"
    assert found.warnings == ()


def test_fields_of_a_newer_server_change_nothing():
    newer = an_event(seats=12, hash="abc", event={"revision": 5}, location={"plus_code": "8FWH"})
    assert one("event/8", events=[newer]) == one("event/8", events=[an_event()])


# --- languages ---


def test_only_a_fallback_is_taken_as_the_text_of_the_default_language():
    feed = altered(events=[])  # the German list has lost it, Arabic still serves the German text
    texts = crawl(feed).answers["event/8"].offer["texts"]
    assert list(texts) == ["de"]
    assert texts["de"]["translation"] == "original"


def test_a_translation_without_title_is_left_out():
    arabic = [edited(e, {"title": ""}) if e["event"]["id"] == 4 else e for e in SAMPLE["landkreis-augsburg.ar.events"]]
    found = crawl(altered(**{"landkreis-augsburg.ar.events": arabic})).answers["event/4"]
    assert list(found.offer["texts"]) == ["de"]
    assert rules(found) == [("text_untitled", "ar.title")]


# --- html ---

CARD = (
    '<div contenteditable="false" data-contact-id="7" class="contact-card notranslate"><h4>Erika Muster</h4>'
    '<p><a href="tel:+4982199">+4982199</a></p></div>'
)


def test_contact_cards_never_leave_the_reading_step_and_do_not_count():
    with_card = altered(events=[an_event(content=f"<p>Text</p>{CARD}<p>Ende</p>")])
    done = crawl(with_card)
    assert "Erika" not in str(done.items)
    assert "4982199" not in str(done.answers)
    without = crawl(altered(events=[an_event(content="<p>Text</p><p>Ende</p>")]))
    assert done.items["events.de", "event/8"] == without.items["events.de", "event/8"]


def test_what_an_editor_adds_by_itself_does_not_count():
    before = one("event/8", events=[an_event(content="<p>a <a href='https://x.example/1'>b</a></p>")])
    after = one(
        "event/8",
        events=[
            an_event(
                content='<p class="x">a\n<a target="_blank" class="link-external" href="https://x.example/1">b</a></p>'
            )
        ],
    )
    assert before.content == after.content


def test_scripts_do_not_arrive():
    found = one(
        "event/8", events=[an_event(content='<p onclick="x()">a<script>alert(1)</script><img src=x onerror=y></p>')]
    )
    assert found.offer["texts"]["de"]["description_html"] == "<p>a </p>"


# --- our own offers ---

HUB = "https://hub.example.org/verbund"


@pytest.mark.parametrize(
    ("fields", "ours"),
    [
        ({"content": f'<p><a class="link-external" href="{HUB}/offers/1">Anmeldung</a></p>'}, True),
        ({"content": "<p>HTTPS://HUB.example.org/verbund/offers/1</p>"}, True),
        ({"meeting_url": f"{HUB}/offers/1"}, True),
        ({"content": f'<p><a href="{HUB}/">Alle Angebote</a></p>'}, False),
        ({"content": f'<p><a href="{HUB}2/offers/1">Andere</a></p>'}, False),
        ({"content": '<p><a href="https://hub.example.org.evil.example/verbund/1">x</a></p>'}, False),
    ],
)
def test_a_record_that_links_to_an_offer_of_this_hub_came_from_it(fields, ours):
    found = one("event/8", events=[an_event(**fields)], hub_urls=(HUB,))
    assert (found == Ignored(reason="ours")) is ours
    assert isinstance(one("event/8", events=[an_event(**fields)]), Mapped)


# --- pages ---


def a_page(path, *, history=None, parent=None, title="Seite", content="<p>x</p>"):
    return {
        "id": 1, "path": f"/landkreis-augsburg/de/{path}/", "url": f"{BASE}/landkreis-augsburg/de/{path}/", "title": title,
        "content": content, "parent": {"id": 0, "path": parent, "url": None}, "slug_history": history, "available_languages": {},
    }  # fmt: skip


def page_keys(*pages, **settings):
    feed = {name: value for name, value in SAMPLE.items() if not name.endswith(".pages")}
    done = crawl(feed | {"landkreis-augsburg.de.pages": list(pages)}, **({"pages": ROOTS} | settings))
    return {key.removeprefix("page/landkreis-augsburg/de/") for key in done.answers if key.startswith("page/")}


def test_a_renamed_page_and_its_children_keep_their_keys():
    before = page_keys(a_page("a", history=["a"]), a_page("a/b", history=["b"]))
    after = page_keys(a_page("neu", history=["a", "neu"]), a_page("neu/anders", history=["b", "anders"]))
    assert before == after == {"a", "a/b"}


def test_a_page_that_takes_over_a_slug_does_not_take_over_the_other_page():
    assert page_keys(a_page("b", history=["a", "b"]), a_page("a", history=["a"])) == {"a", "a~2"}


def test_an_older_server_without_slug_history_keys_pages_by_their_path():
    assert page_keys(a_page("a"), a_page("a/b", history="x")) == {"a", "a/b"}


def test_a_path_with_hidden_characters_is_no_key():
    assert page_keys(a_page("a"), a_page("b\u202e"), a_page("c\n")) == {"a"}


def test_translations_find_their_renamed_page():
    second = snapshot("snapshot-2")
    work = "landkreis-augsburg.de.pages"
    german = copy.deepcopy(second[work])
    renamed = next(p for p in german if p["slug_history"][0] == "arbeit")
    english = {**renamed, "path": "/landkreis-augsburg/en/work/", "title": "Work", "slug_history": ["work"],
               "available_languages": {"de": {"id": 1, "path": renamed["path"], "url": ""}}}  # fmt: skip
    feed = second | {"landkreis-augsburg.en.pages": [english]}
    texts = crawl(feed, pages=ROOTS).answers["page/landkreis-augsburg/de/arbeit"].offer["texts"]
    assert {language: text["title"] for language, text in texts.items()} == {
        "de": "Ausbildung und Arbeit",
        "en": "Work",
    }


def test_pages_outside_the_roots_are_out_of_scope_and_their_text_is_not_kept():
    feed = altered(
        **{"landkreis-augsburg.de.pages": [a_page("a"), a_page("ab", content="<p>geheim</p>"), a_page("a/c")]}
    )
    done = crawl(feed, pages={"roots": ["landkreis-augsburg/de/a"]})
    assert done.answers["page/landkreis-augsburg/de/ab"] == Ignored(reason="out_of_scope")
    assert "geheim" not in str(done.items)
    assert isinstance(done.answers["page/landkreis-augsburg/de/a"], Mapped)
    assert isinstance(done.answers["page/landkreis-augsburg/de/a/c"], Mapped)


def test_a_root_given_by_its_old_name_still_holds_after_the_rename():
    feed = altered(**{"landkreis-augsburg.de.pages": [a_page("neu", history=["a", "neu"])]})
    done = crawl(feed, pages={"roots": ["/landkreis-augsburg/de/a/"]})
    assert isinstance(done.answers["page/landkreis-augsburg/de/a"], Mapped)


# --- settings ---


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "ftp://cms.example.org"},
        {"base_url": "https://user:word@cms.example.org"},
        {"base_url": "https://cms.example.org?x=1"},
        {"region": "../other"},
        {"region": ""},
        {"languages": []},
        {"languages": ["de/../x"]},
        {"pages": {"roots": []}},
        {"langauges": ["de"]},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        IntegreatSettings(**{"base_url": "https://cms.example.org", "region": "x", **wrong})


# --- size ---


def test_a_region_of_three_hundred_places_and_eight_hundred_events_arrives_whole():
    places = [a_place(location={"id": number}, title=f"Ort {number}") for number in range(1, 301)]
    events = [an_event(event={"id": number}, title=f"Kurs {number}") for number in range(1, 801)]
    started = time.process_time()
    answers = crawl(altered(places=places, events=events), languages=["de"]).answers
    assert time.process_time() - started < 30
    assert sum(key.startswith("place/") for key in answers) == 300
    assert sum(key.startswith("event/") for key in answers) == 800
    assert all(isinstance(found, Mapped) for found in answers.values())


# --- anything ---

odd = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20),
    st.sampled_from(["", "\u0000", "\u202e", "<", "2026-10-25T02:30:00", "9999-99-99", "RRULE:FREQ=DAILY", "https://", "86356"]),
    st.lists(st.none(), max_size=8), st.dictionaries(st.sampled_from(["id", "start", "timeSlots", "x"]), st.none(), max_size=2),
)  # fmt: skip


def places_in(value, path=()):
    """Every place in a JSON value, as the steps that lead there."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*path, step)
        yield from places_in(inner, (*path, step))


SPOTS = [
    (name, path)
    for name in SAMPLE
    if name.startswith(("regions", "landkreis-augsburg"))
    for path in places_in(SAMPLE[name], ())
]


def put(feed, name, path, value):
    target = feed[name]
    for step in path[:-1]:
        try:
            target = target[step]
        except (IndexError, KeyError, TypeError):
            return  # an earlier change has taken it away
    if isinstance(target, dict) or (isinstance(target, list) and isinstance(path[-1], int) and path[-1] < len(target)):
        target[path[-1]] = value


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.lists(st.tuples(st.sampled_from(SPOTS), odd), min_size=1, max_size=6))
def test_a_feed_with_anything_anywhere_is_read_or_unreadable(changes):
    feed = copy.deepcopy(SAMPLE)
    for (name, path), value in changes:
        put(feed, name, path, value)
    done = crawl(feed, pages=ROOTS, contacts="names", hub_urls=(HUB,))
    again = crawl(feed, pages=ROOTS, contacts="names", hub_urls=(HUB,))
    assert done.answers == again.answers  # no clock, no order of sets
    json.dumps([item.data for item in done.items.values()])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_record_of_anything_is_mapped_or_rejected(data):
    entry = data.draw(st.recursive(odd, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(list(an_event()) + list(a_place()) + list(an_event()["event"])), inner, max_size=6), max_leaves=12))  # fmt: skip
    done = crawl(
        altered(
            events=[entry],
            places=[entry],
            **{"landkreis-augsburg.offers": [entry], "landkreis-augsburg.de.pages": [entry]},
        ),
        pages=ROOTS,
    )
    assert all(isinstance(found, Mapped | Rejected | Ignored) for found in done.answers.values())


@settings(max_examples=150, deadline=None)
@given(cut=st.integers(0, 5000), junk=st.binary(max_size=8))
def test_a_body_cut_anywhere_is_unreadable_and_never_half_read(cut, junk):
    made = connector()
    request = Request(
        part="events.de",
        url=f"{BASE}/api/v3/landkreis-augsburg/de/events/",
        state={"step": "events", "language": "de", "default": "de"},
    )
    body = json.dumps(SAMPLE[EVENTS]).encode()[:cut] + junk
    with pytest.raises(UnreadableError):
        list(made.read(answer(request, {EVENTS: body})))
