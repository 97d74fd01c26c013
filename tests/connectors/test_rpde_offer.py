"""What an OpenActive thing says of an offer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.connectors.rpde_feed import URLS, answers_of, connector, feed, item, offer, one, recorded
from verbund_connectors.kit import Item, Mapped, Rejected
from verbund_connectors.testing import pull

SHARED = Path(os.environ.get("VERBUND_TEST_FEEDS", Path(__file__).parents[3] / "shared" / "feeds")) / "openactive"
FOOTBALL = {
    "@type": "Concept",
    "@id": "https://openactive.io/activity-list#0a5f732d-e806-4e51-ad40-0a7de0239c8c",
    "prefLabel": "Football",
}


def football():
    return offer(answers_of(connector(urls=URLS), recorded())[1]["{c15814e5-8931-470c-8a16-ef45afedaece}"])


def of(**data):
    return offer(one(item("a", **{"name": "Yoga", **data})))


def schedule(**more):
    return {"@type": "Schedule", "startDate": "2027-01-04", "startTime": "18:00", "repeatFrequency": "P1W", **more}


def test_a_series_becomes_a_sport_offer():
    said = football()
    assert said["kind"] == "sport"
    assert said["categories"] == ["sport"]
    assert said["extra"]["sport"] == "Fußball"
    assert said["foreign_codes"][0]["code"].startswith("https://openactive.io/activity-list#")
    assert (said["age_from"], said["age_to"], said["gender"]) == (16, 27, "all")
    assert said["cost"] == {"amount": 0.0, "currency": "EUR", "free": True, "note": None}
    assert said["place"]["street"] == "Beispielweg 12"
    assert (said["place"]["postcode"], said["place"]["town"]) == ("58452", "Witten")
    assert (said["place"]["lat"], said["place"]["lon"], said["place"]["position_source"]) == (51.4368, 7.3347, "source")
    assert (
        said["texts"]["de"]["description_html"]
        == "<p>Offenes Training, auch ohne Deutschkenntnisse.</p><p>Bitte Hallenschuhe mitbringen.</p>"
    )


def test_a_schedule_becomes_a_recurrence_in_local_time():
    assert football()["recurrence"] == {
        "rule": "FREQ=WEEKLY;BYDAY=WE,FR;UNTIL=20270630T235959",
        "start": "2027-01-06T18:00:00",
        "end": "2027-01-06T19:30:00",
        "all_day": False,
        "zone": "Europe/Berlin",
        "exceptions": ["2027-04-02T18:00:00"],
    }


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"byDay": ["MO"], "repeatFrequency": "P2W"}, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO"),
        ({"byDay": "schema:Tuesday", "repeatCount": 10}, "FREQ=WEEKLY;BYDAY=TU;COUNT=10"),
        ({"repeatFrequency": "P1D", "repeatCount": 3}, "FREQ=DAILY;COUNT=3"),
        ({"repeatFrequency": "P1M", "byDay": ["2TU"]}, "FREQ=MONTHLY;BYDAY=2TU"),
        ({"repeatFrequency": "P1M", "byMonthDay": [1, 15]}, "FREQ=MONTHLY;BYMONTHDAY=1,15"),
        ({"repeatFrequency": "P1Y", "byMonth": [9]}, "FREQ=YEARLY;BYMONTH=9"),
    ],
)
def test_rhythms_of_schedules(given, rule):
    assert of(eventSchedule=schedule(**given))["recurrence"]["rule"] == rule


def test_schedules_that_differ_in_their_weekday_are_one():
    assert (
        of(eventSchedule=[schedule(byDay=["MO"]), schedule(byDay=["TH"])])["recurrence"]["rule"]
        == "FREQ=WEEKLY;BYDAY=MO,TH"
    )


def test_of_schedules_with_other_times_the_first_is_taken_and_the_others_kept():
    answer = one(
        item("a", name="Yoga", eventSchedule=[schedule(byDay=["MO"]), schedule(byDay=["TH"], startTime="09:00")])
    )
    assert isinstance(answer, Mapped)
    assert answer.offer["recurrence"]["rule"] == "FREQ=WEEKLY;BYDAY=MO"
    assert [w.rule for w in answer.warnings] == ["more_than_one_schedule"]
    assert len(json.loads(answer.offer["extra"]["schedule"])) == 2


def test_a_partial_schedule_is_never_expanded():
    assert of(eventSchedule=[{**schedule(byDay=["MO"]), "@type": "PartialSchedule"}])["recurrence"] is None


@pytest.mark.parametrize(
    "broken",
    [{"repeatFrequency": "PT1M"}, {"byDay": ["Someday"]}, {"startTime": "25:99"}, {"scheduleTimezone": "Mars/Base"}],
)
def test_a_broken_schedule_costs_the_schedule_only(broken):
    answer = one(item("a", name="Yoga", eventSchedule=schedule(**broken)))
    assert isinstance(answer, Mapped)
    assert answer.offer["recurrence"] is None
    assert [w.rule for w in answer.warnings] == ["recurrence_unusable"]


def test_an_end_before_the_start_lies_on_the_next_day():
    assert of(eventSchedule=schedule(endTime="01:00"))["recurrence"]["end"] == "2027-01-05T01:00:00"


def event(**data):
    return offer(one(item("a", kind="Event", **{"name": "Lauf", **data})))["starts"]


def test_dates_without_time_are_whole_days_of_their_zone():
    (start,) = event(startDate="2027-07-01", endDate="2027-07-03")
    assert (start["start"], start["end"], start["all_day"]) == ("2027-06-30T22:00:00Z", "2027-07-03T22:00:00Z", True)


def test_a_time_without_offset_is_berlin_time():
    (start,) = event(startDate="2027-07-01T10:00:00", duration="PT1H30M")
    assert (start["start"], start["end"]) == ("2027-07-01T08:00:00Z", "2027-07-01T09:30:00Z")


def test_an_absurd_date_costs_the_start_only():
    answer = one(item("a", kind="Event", name="Lauf", startDate="9999-12-31T23:00:00Z"))
    assert isinstance(answer, Mapped)
    assert answer.offer["starts"] == []
    assert [w.rule for w in answer.warnings] == ["date_unreadable"]


def test_sessions_are_in_order_and_once_each():
    said = of(
        subEvent=[
            {"startDate": "2027-02-02T10:00:00Z"},
            {"startDate": "2027-02-01T10:00:00Z"},
            {"startDate": "2027-02-01T11:00:00+01:00"},
        ]
    )
    assert [s["start"] for s in said["starts"]] == ["2027-02-01T10:00:00Z", "2027-02-02T10:00:00Z"]


def test_more_sessions_than_an_event_holds_keep_the_latest_and_say_so():
    answer = one(
        item(
            "a",
            name="Yoga",
            subEvent=[{"startDate": f"20{y:02}-01-01T{h:02}:00:00Z"} for y in range(10, 50) for h in range(24)],
        )
    )
    assert isinstance(answer, Mapped)
    assert len(answer.offer["starts"]) == 400
    assert answer.offer["starts"][-1]["start"] == "2049-01-01T23:00:00Z"
    assert [w.rule for w in answer.warnings] == ["too_many_starts"]


@pytest.mark.parametrize(
    ("offers", "cost"),
    [
        ({"price": 5, "priceCurrency": "EUR"}, (5.0, False, None)),
        ([{"name": "A", "price": "4.50"}, {"name": "B", "price": 2}], (2.0, False, "A: 4.50 EUR; B: 2.00 EUR")),
        ([{"price": 0}, {"price": 0}], (0.0, True, "Preis: 0.00 EUR; Preis: 0.00 EUR")),
        ([{"price": 0}, {"price": 3}], (0.0, False, "Preis: 0.00 EUR; Preis: 3.00 EUR")),
    ],
)
def test_prices(offers, cost):
    said = of(offers=offers)["cost"]
    assert (said["amount"], said["free"], said["note"]) == cost


@pytest.mark.parametrize("offers", [None, [], [{"price": "gratis"}], [{"price": float(-1)}], "5 EUR"])
def test_an_unknown_price_is_not_invented(offers):
    assert of(offers=offers)["cost"] is None


def test_free_for_all_is_free():
    assert of(isAccessibleForFree=True)["cost"]["free"] is True


def test_words_and_older_shapes_are_read_too():
    said = of(activity="Football", level="Beginner", ageRange="16+", location="Sportplatz", category=["Turniere"])
    assert said["extra"] == {"sport": "Fußball", "level": "Beginner"}
    assert (said["age_from"], said["age_to"]) == (16, None)
    assert said["place"]["name"] == "Sportplatz"
    old = one(
        {
            "state": "updated",
            "kind": "x",
            "id": 1,
            "modified": 1,
            "data": {"type": "SessionSeries", "id": "https://x.example/1", "name": "Yoga"},
        }
    )
    assert offer(old)["kind"] == "sport"


def test_a_place_with_its_address_as_text_and_positions_as_text():
    said = of(
        location={
            "@type": "Place",
            "name": "Halle",
            "address": "Weg 1, 58452 Witten",
            "geo": {"latitude": "51.4", "longitude": "7.3"},
        }
    )["place"]
    assert (said["street"], said["lat"], said["lon"]) == ("Weg 1, 58452 Witten", 51.4, 7.3)


def test_half_a_position_is_none():
    assert of(location={"name": "H", "geo": {"latitude": 51.4}})["place"]["lat"] is None


def test_a_foreign_postcode_is_kept_beside():
    said = of(location={"name": "H", "address": {"postalCode": "NG10 4AD"}})
    assert (said["place"]["postcode"], said["extra"]["postcode"]) == (None, "NG10 4AD")


def test_a_virtual_location_is_where_to_go_online():
    said = of(location=[{"@type": "VirtualLocation", "url": "https://meet.example/x"}])
    assert (said["online_url"], said["place"]) == ("https://meet.example/x", None)


def test_without_a_name_there_is_no_offer():
    answer = one(item("a", url="https://x.example/1"))
    assert isinstance(answer, Rejected)
    assert answer.rejects[0].rule == "title_missing"


def test_what_is_no_web_address_is_no_link():
    assert of(url="javascript:alert(1)")["source_url"] is None


def test_markup_in_a_description_is_made_safe_and_its_source_counts_for_the_hash():
    answer = one(item("a", name="Yoga", description='<p class="x" onclick="y()">Hallo</p><script>alert(1)</script>'))
    assert isinstance(answer, Mapped)
    assert answer.offer["texts"]["de"]["description_html"] == "<p>Hallo</p>"
    assert answer.offer["texts"]["de"]["description_text"] == "Hallo"
    counted = answer.content["texts"]["de"]["description_html"]
    assert counted.startswith("<p>Hallo</p>")
    assert "class" not in counted


def test_control_and_direction_characters_never_reach_a_title():
    assert of(name="Yo\u202ega\u0000 \u200bfür  alle\n")["texts"]["de"]["title"] == "Yoga für alle"


@pytest.mark.parametrize(("policy", "names"), [("none", []), ("functions", []), ("names", ["Erika Beispiel"])])
def test_persons_are_contacts_only_where_names_are_wanted(policy, names):
    _, answers = answers_of(connector(policy, urls=URLS), recorded())
    answer = answers["{c15814e5-8931-470c-8a16-ef45afedaece}"]
    assert isinstance(answer, Mapped)
    assert [c.data["name"] for c in answer.contacts if "name" in c.data] == names
    assert ("sport@tus.example" in [c.data["email"] for c in answer.contacts]) == (policy != "none")


def test_an_organiser_who_is_a_person_is_no_organisation():
    answer = one(
        item("a", name="Yoga", organizer={"@type": "Person", "name": "Erika Beispiel", "email": "e@x.example"})
    )
    assert isinstance(answer, Mapped)
    assert answer.organisation is None
    assert answer.contacts == ()


@pytest.mark.parametrize(
    "junk", [None, [], {}, "x", 5, True, [None], [[]], {"@type": None}, {"@type": ["Schedule"]}, [{"startDate": 5}]]
)
@pytest.mark.parametrize(
    "name",
    [
        "location",
        "organizer",
        "activity",
        "offers",
        "eventSchedule",
        "subEvent",
        "ageRange",
        "superEvent",
        "leader",
        "category",
        "level",
        "startDate",
        "description",
        "genderRestriction",
        "url",
        "@context",
    ],
)
def test_any_shape_of_any_property_is_survived(name, junk):
    connector("names").map(
        "a", [Item(part="feed", id="a", key="a", data={"@type": "Event", "name": "Lauf", name: junk})]
    )


def samples():
    return sorted(SHARED.glob("examples/*.json")) if SHARED.is_dir() else []


def test_every_published_example_is_accounted_for():
    """The examples of the specification where they are at hand, else the made-up feed."""
    kinds = set()
    for file in samples():
        page = json.loads(file.read_text("utf-8"))
        made = connector(url="https://www.example.org/feed")
        result, answers = answers_of(made, {"https://www.example.org/feed": json.dumps(page).encode()})
        assert result.items, file.name
        kinds |= {type(answer).__name__ for answer in answers.values()}
    if not samples():
        kinds = {type(a).__name__ for a in answers_of(connector(urls=URLS), recorded())[1].values()} | {
            "Ignored",
            "Rejected",
        }
    assert {"Mapped"} <= kinds <= {"Mapped", "Ignored", "Rejected", "Withdrawn"}


def test_the_derived_feed_of_three_pages_arrives_whole():
    names = ("rpde_timestamp_page_1.json", "rpde_timestamp_page_2.json", "rpde_timestamp_page_3_last.json")
    url = "http://127.0.0.1:8471/openactive/session-series"
    if SHARED.is_dir():
        pages = [(SHARED / name).read_bytes() for name in names]
        addresses = [url, *(json.loads(page)["next"] for page in pages[:-1])]
        answers = dict(zip(addresses, pages, strict=True))
    else:
        answers = feed(
            [item("a", name="A"), item("b", modified=2, name="B")], [item("c", modified=3, name="C")], url=url
        )
    result = pull(connector(url=url), answers)
    made = connector(url=url)
    taken = [key for key, items in result.records().items() if isinstance(made.map(key, items), Mapped)]
    assert len(taken) == 3
    assert result.ends[0].state == "complete"
