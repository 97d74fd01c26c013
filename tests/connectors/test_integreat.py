"""The captured crawls of one region: what they say, and what an editor's day changes."""

import json
from datetime import date
from urllib.parse import urlsplit

import fastavro
import pytest

import verbund_schemas
from tests.connectors.integreat_feed import BASE, FEEDS, connector, crawl, snapshot
from verbund_connectors.integreat import Integreat
from verbund_connectors.kit import Ignored, Mapped, Rejected
from verbund_connectors.times import expand

ROOTS = {"roots": ["/landkreis-augsburg/de/"]}


@pytest.fixture(scope="module", name="first")
def _first():
    return crawl(snapshot("snapshot-1"), pages=ROOTS)


@pytest.fixture(scope="module", name="second")
def _second():
    return crawl(snapshot("snapshot-2"), pages=ROOTS)


# --- what is asked ---


def test_the_crawl_asks_each_list_of_each_language_once_and_says_who_it_is(first):
    region = f"{BASE}/api/v3/landkreis-augsburg"
    events = [f"{region}/{code}/events/?combine_recurring=True" for code in ("de", "en", "ar")]
    lists = [f"{region}/{code}/{name}/" for name in ("locations", "pages") for code in ("de", "en", "ar")]
    expected = [f"{BASE}/api/v3/regions/", f"{region}/languages/", f"{region}/offers/", *events, *lists]
    assert sorted(request.url for request in first.requests) == sorted(expected)
    assert all(request.headers["X-Integreat-Development"] == "1" for request in first.requests)
    assert all(request.timeout_s >= 60 for request in first.requests)


def test_every_part_is_complete_with_a_proof(first):
    parts = {f"{name}.{code}" for name in ("events", "locations", "pages") for code in ("de", "en", "ar")}
    assert set(first.ends) == {"region", "languages", "offers"} | parts
    assert {end.state for end in first.ends.values()} == {"complete"}
    end = first.ends["events.de"]
    assert end.covers == "all"
    assert end.scope == {"base_url": BASE, "region": "landkreis-augsburg", "language": "de"}
    assert end.proof == {"status": "200", "array": "closed", "count": "8", "region": "listed", "language": "listed"}
    assert first.broken == []


def test_without_roots_no_page_is_asked_for():
    assert not any("/pages/" in str(request.url) for request in crawl(snapshot("snapshot-1")).requests)


def test_only_named_languages_are_asked_and_always_the_default_one():
    done = crawl(snapshot("snapshot-1"), languages=["ar"])
    assert {part for part in done.ends if "." in part} == {"events.de", "events.ar", "locations.de", "locations.ar"}


# --- what is there: written from the files by hand ---

GERSTHOFEN = ("place/1", "Volkshochschule Gersthofen", "Bahnhofstraße 1", "86368", "Gersthofen", 10.876, 48.424)
NEUSAESS = ("place/2", "Migrationsberatung Neusäß", "Hauptstraße 12", "86356", "Neusäß", 10.836, 48.394)
DIEDORF = ("place/3", "Sportverein Diedorf", "Sportplatz 3", "86420", "Diedorf", None, None)
KLEIDER = ("place/4", "Kleiderkammer", "Lager 5", "86356", "Neusäß", 10.83, 48.39)

# key: kind, titles by language, place, start and end of the one date, rule and local start, last day
EVENTS = {
    "event/1": ("event", {"de": "Infoabend Ausbildung", "en": "Info evening on apprenticeships"}, GERSTHOFEN,
                ("2026-12-02T17:00:00Z", "2026-12-02T19:00:00Z"), None, "2026-12-02"),
    "event/2": ("counselling", {"de": "Online-Sprechstunde Anerkennung"}, None,
                ("2026-11-27T09:00:00Z", "2026-11-27T10:00:00Z"), None, "2026-11-27"),
    "event/3": ("event", {"de": "Interkulturelle Woche"}, None,
                ("2026-12-11T23:00:00Z", "2026-12-18T23:00:00Z"), None, "2026-12-18"),
    "event/4": ("course", {"de": "Deutschkurs A1 (Abendkurs)", "ar": "دورة اللغة الألمانية A1"}, GERSTHOFEN,
                None, ("FREQ=WEEKLY;UNTIL=20270322T235959;BYDAY=TU,TH", "2026-11-03T18:00:00"), "2027-03-22"),
    "event/5": ("sport", {"de": "Offenes Volleyballtraining"}, DIEDORF,
                None, ("FREQ=WEEKLY;INTERVAL=2;BYDAY=WE", "2026-09-02T19:30:00"), None),
    "event/6": ("event", {"de": "Sprachcafé"}, NEUSAESS, None, ("FREQ=MONTHLY;BYDAY=-1TH", "2026-10-29T15:00:00"), None),
    "event/7": ("event", {"de": "Nikolaus-Sportfest"}, DIEDORF, None, ("FREQ=YEARLY", "2025-12-06T09:00:00"), None),
    "event/8": ("course", {"de": "Berufssprachkurs B2 (Vollzeit)"}, GERSTHOFEN,
                ("2026-11-25T07:30:00Z", "2027-02-20T12:00:00Z"), None, "2027-02-20"),
}  # fmt: skip

# key: kind, main category, titles, address, availability
PLACES = {
    "place/1": (
        "place",
        "school",
        {"de": "Volkshochschule Gersthofen", "en": "Adult education centre Gersthofen"},
        GERSTHOFEN,
        None,
    ),
    "place/2": ("counselling", "counselling", {"de": "Migrationsberatung Neusäß"}, NEUSAESS, None),
    "place/3": ("place", "sport", {"de": "Sportverein Diedorf"}, DIEDORF, None),
    "place/4": ("counselling", "counselling", {"de": "Kleiderkammer"}, KLEIDER, "temporarily_closed"),
}

SERVICES = {
    "offer/formular-beispiel": ("Kontaktformular", None),
    "offer/lehrstellen-beispiel": ("Lehrstellensuche (Beispiel)", "https://apprentice.example.org/search"),
    "offer/praktikum-beispiel": ("Praktikumsbörse (Beispiel)", "https://offers.example.org/internships?location=86150"),
}

PAGES = {
    "page/landkreis-augsburg/de/deutsch-lernen/integrationskurse": {
        "de": "Integrationskurse",
        "en": "Integration courses",
    },
    "page/landkreis-augsburg/de/arbeit": {"de": "Ausbildung und Arbeit"},
}


def titles(answer):
    return {language: text["title"] for language, text in answer.offer["texts"].items()}


def address(answer):
    where = answer.offer["place"]
    return where and tuple(where[name] for name in ("key", "name", "street", "postcode", "town", "lon", "lat"))


def test_the_records_are_exactly_those_of_the_feed(first):
    empty = {"page/landkreis-augsburg/de/deutsch-lernen"}  # a page without text holds others together
    assert set(first.answers) == EVENTS.keys() | PLACES.keys() | SERVICES.keys() | PAGES.keys() | empty
    assert {key for key, answer in first.answers.items() if answer == Ignored(reason="out_of_scope")} == empty
    assert not any(answer.warnings for answer in first.answers.values() if isinstance(answer, Mapped))


@pytest.mark.parametrize("key", EVENTS)
def test_each_event_says_what_the_feed_says(first, key):
    kind, texts, where, moments, series, last = EVENTS[key]
    answer = first.answers[key]
    offer = answer.offer
    assert (offer["kind"], titles(answer), address(answer), offer["valid_to"]) == (kind, texts, where, last)
    assert [(start["start"], start["end"]) for start in offer["starts"]] == ([moments] if moments else [])
    rule = offer["recurrence"]
    assert (rule and (rule["rule"], rule["start"])) == series
    assert rule is None or rule["zone"] == "Europe/Berlin"


@pytest.mark.parametrize("key", PLACES)
def test_each_place_says_what_the_feed_says(first, key):
    kind, category, texts, where, availability = PLACES[key]
    answer = first.answers[key]
    offer = answer.offer
    assert (offer["kind"], offer["categories"][0], titles(answer), address(answer)) == (kind, category, texts, where)
    assert offer["availability"] == availability


@pytest.mark.parametrize("key", SERVICES)
def test_what_integreat_calls_offers_are_services(first, key):
    answer = first.answers[key]
    assert (titles(answer)["de"], answer.offer["online_url"]) == SERVICES[key]
    assert answer.offer["kind"] == "service"


@pytest.mark.parametrize("key", PAGES)
def test_pages_below_the_roots_are_programmes(first, key):
    assert titles(first.answers[key]) == PAGES[key]
    assert first.answers[key].offer["kind"] == "programme"


def test_all_day_and_long_dates_keep_their_sense(first):
    week = first.answers["event/3"].offer["starts"][0]
    assert week["all_day"] is True
    assert first.answers["event/8"].offer["extra"] == {"only_weekdays": "true"}


def test_levels_come_from_the_title_of_a_language_course_only(first):
    levels = {key: answer.offer["level_to"] for key, answer in first.answers.items() if isinstance(answer, Mapped)}
    assert {key: level for key, level in levels.items() if level} == {"event/4": "A1", "event/8": "B2"}


def test_a_text_served_under_a_foreign_language_is_no_translation(first):
    texts = first.answers["event/4"].offer["texts"]
    assert {language: text["translation"] for language, text in texts.items()} == {"de": "original", "ar": "unknown"}
    assert texts["de"]["description_text"] == "Inhalt\nDi und Do\nKosten: 0 €"


def test_opening_hours_contacts_and_organisation_of_the_adult_education_centre(first):
    answer = first.answers["place/1"]
    hours = [(slot["weekday"], slot["opens"], slot["closes"]) for slot in answer.offer["opening_hours"]]
    assert hours == [
        (1, "09:00", "12:00"), (1, "14:00", "17:00"), (2, "09:00", "12:00"),
        (3, "09:00", "12:00"), (4, "14:00", "18:00"), (5, "09:00", "12:00"),
    ]  # fmt: skip
    assert answer.offer["barrier_free"] is True
    assert answer.offer["registration"] == {"how": None, "url": "https://vhs.example.org/termin"}
    key, organisation = answer.organisation
    assert (key, organisation["name"], organisation["url"]) == (
        "organisation/1", "Volkshochschule Musterkreis e.V.", "https://vhs.example.org",
    )  # fmt: skip
    [contact] = answer.contacts
    assert (contact.place_key, contact.area, contact.rank) == ("place/1", "Kursanmeldung", 0)
    assert contact.data["email"] == "anmeldung@vhs.example.org"


@pytest.mark.parametrize(
    ("policy", "names"), [("none", []), ("functions", [None, None]), ("names", ["Beratungsstelle", "Frau Beispiel"])]
)
def test_names_are_mapped_only_where_the_source_file_says_so(policy, names):
    done = crawl(snapshot("snapshot-1"), contacts=policy)
    assert [contact.data["name"] for contact in done.answers["place/2"].contacts] == names
    kept = str([item.data for item in done.items.values()])
    assert ("Frau Beispiel" in kept) is (policy == "names")
    assert ("+491510000000" in kept) is (policy != "none")


def test_a_category_keeps_its_icon_and_label_beside_our_code(first):
    assert first.answers["place/3"].offer["foreign_codes"] == (
        {"scheme": "integreat:place-category-icon", "code": "leisure", "label": "Freizeit und Sport"},
    )


def test_a_series_is_expanded_on_the_wall_clock_over_october(first):
    series = first.answers["event/5"].offer["recurrence"]
    starts = [start for start, _ in expand(series, since=date(2026, 10, 14), until=date(2026, 10, 28))]
    assert starts == ["2026-10-14T17:30:00Z", "2026-10-28T18:30:00Z"]  # 19:30 both times


def test_the_address_of_a_record_stays_on_the_host_of_the_source():
    feed = snapshot("snapshot-1")
    path = "/landkreis-augsburg/de/events/infoabend-ausbildung/"
    for base, expected in ((BASE, BASE + path), ("https://cms.example.org/api/v3/", "https://cms.example.org" + path)):
        assert crawl(feed, base_url=base).answers["event/1"].offer["source_url"] == expected
    web = crawl(feed, base_url="https://cms.example.org", web_url="https://app.example.org/")
    assert web.answers["event/1"].offer["source_url"] == "https://app.example.org" + path
    hosts = {urlsplit(request.url).netloc for request in web.requests}
    assert hosts == {"cms.example.org"}


def test_every_offer_fits_the_schema(first):
    schema = fastavro.parse_schema(verbund_schemas.expanded("Offer"))
    ours = {"offer_id": "x", "district": "09772", "source": "s", "revision": 1, "content_hash": "0", "cause": "source"}
    for key, answer in first.answers.items():
        if isinstance(answer, Mapped):
            origin = {"system": "integreat", "record_key": key, "hub": None, "hops": []}
            record = {**ours, **answer.offer, "record_key": key, "origin": origin, "contact_ids": []}
            record |= dict.fromkeys(("organisation_id", "licence", "attribution", "raw_digest", "mapping_version"))
            assert fastavro.validate(record, schema, strict=True), key
    contact = fastavro.parse_schema(verbund_schemas.expanded("Contact"))
    for draft in first.answers["place/2"].contacts:
        assert fastavro.validate({"contact_id": "x", **draft.data}, contact, strict=True)


def test_the_other_region_has_its_own_records():
    done = crawl(snapshot("snapshot-1"), region="donau-ries")
    assert set(done.answers) == {"event/12", "event/20", "event/21", "event/22", "place/6", "offer/praktikum-beispiel"}
    assert done.answers["event/22"].offer["recurrence"]["rule"] == "FREQ=MONTHLY;BYDAY=3MO"
    assert titles(done.answers["event/20"]) == {"de": "Einzelkurs (neuer Titel)"}


# --- what an editor's day changes: the table of the samples' README ---


def counted(answer):
    return {**answer.offer, **answer.content}


def test_exactly_the_edited_records_differ(first, second):
    before, after = first.answers, second.answers
    assert before.keys() - after.keys() == {"event/2", "event/7", "offer/lehrstellen-beispiel"}
    assert after.keys() <= before.keys()
    changed = {}
    for key in after:
        if isinstance(after[key], Mapped):
            old, new = counted(before[key]), counted(after[key])
            fields = {name for name in new if new[name] != old[name]}
            if fields:
                changed[key] = fields
    assert changed == {
        "event/1": {"starts", "valid_to"},
        "event/3": {"texts", "source_url"},
        "event/5": {"texts"},
        "event/6": {"place"},
        "place/1": {"opening_hours", "availability"},
        "place/2": {"place"},
        "place/3": {"foreign_codes"},  # the renamed label of its category
        "page/landkreis-augsburg/de/arbeit": {"source_url"},  # a new slug is the same page
    }
    assert {key for key in after if getattr(after[key], "contacts", ()) != getattr(before[key], "contacts", ())} == {
        "place/1"
    }


def test_the_edits_have_arrived(second):
    answers = second.answers
    assert answers["event/1"].offer["starts"][0]["start"] == "2026-12-09T17:00:00Z"
    assert titles(answers["event/3"]) == {"de": "Interkulturelle Woche 2026"}
    assert titles(answers["event/5"]) == {"de": "Offenes Volleyballtraining", "en": "Open volleyball training"}
    assert answers["place/1"].offer["availability"] == "temporarily_closed"
    assert answers["place/1"].contacts[0].data["phone"] == "+498212222"
    assert (
        answers["place/2"].offer["place"]["street"] == answers["event/6"].offer["place"]["street"] == "Hauptstraße 14"
    )


def test_a_save_without_change_gives_equal_items(first, second):
    def of_event_8(done):
        return {name: item.data for name, item in done.items.items() if item.key == "event/8"}

    assert of_event_8(first) == of_event_8(second)


# --- what came in by iCalendar ---


def test_events_that_came_in_by_icalendar_are_events_like_all_others():
    imported = json.loads((FEEDS / "ical-import" / "offer-1.events.json").read_bytes())
    feed = snapshot("snapshot-1") | {"donau-ries.de.events": imported}
    answers = {
        key: answer for key, answer in crawl(feed, region="donau-ries").answers.items() if key.startswith("event/")
    }
    assert {
        key: (answer.offer["kind"], titles(answer)["de"], answer.offer["valid_to"]) for key, answer in answers.items()
    } == {
        "event/12": ("event", "Infoabend Ausbildung", "2026-12-03"),
        "event/823": ("course", "Einzelkurs mit HTML", "2026-12-10"),
        "event/824": ("course", "Wochenkurs VERSCHOBEN", "2026-12-09"),
        "event/825": ("event", "Monatlich dritter Montag UTC", None),
        "event/826": ("event", "Ganztags mehrtaegig", "2026-12-18"),
        "event/827": ("event", "Abgesagt", "2026-12-11"),
        "event/828": ("event", "Langlaeufer 90 Tage", "2027-03-11"),
    }
    assert [start["status"] for start in answers["event/827"].offer["starts"]] == ["cancelled"]
    assert answers["event/823"].offer["starts"][0]["status"] is None


def test_an_event_that_carries_our_link_through_the_cms_is_ours():
    imported = json.loads((FEEDS / "ical-import" / "offer-2.events.json").read_bytes())
    feed = snapshot("snapshot-1") | {"donau-ries.de.events": imported}
    made = connector(region="donau-ries", hub_urls=("https://vhs.example.org/kurs/",))
    ours = {key for key, answer in crawl(feed, made).answers.items() if answer == Ignored(reason="ours")}
    assert ours == {"event/823"}


def test_captured_error_bodies_are_no_feed():
    for path in sorted((FEEDS / "errors").glob("*.json")):
        feed = snapshot("snapshot-1") | {"landkreis-augsburg.de.events": path.read_bytes()}
        with pytest.raises(Exception, match="not_a_feed"):
            crawl(feed)


def test_the_connector_says_what_the_kit_asks():
    made = connector()
    assert isinstance(made, Integreat)
    assert Integreat.removal == "full-list"
    assert {"order", "available_languages", "last_updated"} <= Integreat.volatile_extra
    assert isinstance(made.map("nonsense/1", []), Rejected)
