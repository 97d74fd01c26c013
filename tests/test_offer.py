"""What an offer is: ids, content hash, end."""

import copy
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verbund.offer import content_hash, ends_at, offer_id, organisation_id, reject_id
from verbund.testing.builders import a_place, a_text, an_occurrence, an_offer, an_organisation

# Golden hashes: they change only with a decision (docs/decisions/0003), for a change revises every offer everywhere.
GOLDEN_OFFER = "0eeb5a98a062b756b7955a68087d0af0d74418b9c9542aec2db448e401ce9d45"
GOLDEN_BARE_OFFER = "3bd2abfb427d96a8a3eba3e45405283acde484cc55ea028f21446b6083a1f4db"
GOLDEN_ORGANISATION = "1f0e2ce9cd38f5610f2397fc6fc2242f112aec07356639ab5de4b5938e232637"


def _hash(**fields):
    return content_hash("offer", an_offer(**fields))


def test_the_hashes_of_known_records_never_move():
    assert content_hash("offer", an_offer()) == GOLDEN_OFFER
    assert content_hash("offer", {"kind": "course", "texts": {"de": {"title": "Deutsch"}}}) == GOLDEN_BARE_OFFER
    assert content_hash("organisation", an_organisation()) == GOLDEN_ORGANISATION


def test_ids_follow_from_district_source_and_record_key_and_never_move():
    assert offer_id("05954", "enr-kurse", "kurs-1") == "67c904eb-5e9b-5bc8-9d42-752451992075"
    ids = {make(*key) for make in (offer_id, organisation_id, reject_id) for key in (("1", "a", "b"), ("1", "ab", ""))}
    assert len(ids) == 6


@pytest.mark.parametrize(
    "field",
    [
        "offer_id",
        "district",
        "source",
        "record_key",
        "origin",
        "revision",
        "content_hash",
        "raw_digest",
        "mapping_version",
        "cause",
    ],
)
def test_identity_and_provenance_are_no_content(field):
    offer = an_offer()
    assert content_hash("offer", {**offer, field: "another"}) == content_hash("offer", offer)


CHANGES = {
    "kind": "event",
    "texts": {"de": a_text(title="Deutsch B1.2")},
    "categories": ["language"],
    "foreign_codes": [],
    "target_groups": ["refugees"],
    "level_from": "A1",
    "level_to": None,
    "languages_of_instruction": ["de", "en"],
    "age_from": 18,
    "age_to": 27,
    "gender": "female",
    "starts": [an_occurrence()],
    "recurrence": {"rule": "FREQ=WEEKLY;BYDAY=WE", "start": "2026-09-02T19:30:00"},
    "opening_hours": [],
    "availability": "full",
    "valid_from": "2026-09-01",
    "valid_to": "2027-09-01",
    "place": a_place(town="Witten"),
    "online_url": "https://kurse.example/raum",
    "area_served": [],
    "cost": {"amount": 2.30, "currency": "EUR", "free": False, "note": "je Unterrichtsstunde"},
    "funding": ["bamf"],
    "registration": None,
    "access": {"conditions": "Zulassung", "residence_note": None},
    "childcare": True,
    "barrier_free": None,
    "organisation_id": "o-1",
    "contact_ids": ["c-1"],
    "source_url": "https://kurse.example/anders",
    "licence": None,
    "attribution": "Kreis",
    "extra": {"a": "b"},
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_field_of_content_counts(field):
    assert an_offer()[field] != CHANGES[field]
    assert _hash(**{field: CHANGES[field]}) != _hash()


def test_every_field_of_the_schema_is_either_content_or_provenance():
    provenance = {"offer_id", "district", "source", "record_key", "origin", "revision", "content_hash"}
    provenance |= {"raw_digest", "mapping_version", "cause", "overridden", "own_values", "own_hash"}
    assert CHANGES.keys() | provenance == an_offer().keys()


def test_null_and_absent_and_default_are_equal():
    offer = an_offer(extra={}, funding=[])
    less = {name: value for name, value in offer.items() if value is not None and name not in ("extra", "funding")}
    less["starts"] = [
        {
            "start": s["start"],
            "end": s["end"],
            "seats": 20,
            "seats_free": 6,
            "waiting": 0,
            "registration_until": s["registration_until"],
            "status": "scheduled",
        }
        for s in offer["starts"]
    ]
    less["texts"] = {"de": {name: value for name, value in offer["texts"]["de"].items() if name != "translation"}}
    assert content_hash("offer", less) == content_hash("offer", offer)


def test_a_closed_week_is_not_an_unknown_one():
    assert _hash(opening_hours=[]) != _hash(opening_hours=None)


def test_a_zero_is_not_an_unknown_number_and_no_is_not_unknown():
    assert _hash(starts=[an_occurrence(waiting=0)]) != _hash(starts=[an_occurrence(waiting=None)])
    assert _hash(childcare=False) != _hash(childcare=None)


def test_sets_have_no_order_but_the_main_category_stays_first():
    assert _hash(categories=["sport", "a", "b"]) == _hash(categories=("sport", "b", "a", "b", "sport"))
    assert _hash(categories=["sport", "a", "b"]) != _hash(categories=["a", "sport", "b"])
    codes = [{"scheme": "x", "code": "1"}, {"scheme": "y", "code": "0", "label": None}]
    hours = [{"weekday": 1, "opens": "09:00", "closes": "12:00"}, {"weekday": 1, "opens": "14:00", "closes": "16:00"}]
    orders: dict[str, list[Any]] = {
        "foreign_codes": codes,
        "opening_hours": hours,
        "starts": [an_occurrence(), an_occurrence(start="2027-01-01T08:00:00Z")],
        "target_groups": ["a", "b"],
        "languages_of_instruction": ["de", "uk"],
        "area_served": ["05954", "05914"],
        "funding": ["f", "g"],
        "contact_ids": ["c", "d"],
    }
    for field, values in orders.items():
        assert _hash(**{field: values}) == _hash(**{field: values[::-1]}) == _hash(**{field: tuple(values)}), field
    rule = {"rule": "FREQ=DAILY", "start": "2026-09-02T19:30:00"}
    assert _hash(recurrence={**rule, "exceptions": ["a", "b"]}) == _hash(recurrence={**rule, "exceptions": ["b", "a"]})


def test_coordinates_count_to_six_digits_and_prices_to_the_cent():
    assert _hash(place=a_place(lon=7.29360004)) == _hash()
    assert _hash(place=a_place(lon=7.293601)) != _hash()
    assert _hash(place=a_place(lon=-0.0)) == _hash(place=a_place(lon=0))
    cost = an_offer()["cost"]
    assert _hash(cost={**cost, "amount": 5}) == _hash(cost={**cost, "amount": 5.001})


def test_instants_are_compared_in_utc():
    local = an_occurrence(start="2026-10-05T09:00:00+02:00", end="2026-12-18T11:15:00+01:00")
    assert _hash(starts=[local]) == _hash(starts=[an_occurrence()])
    assert _hash(starts=[an_occurrence(start="2026-10-05T09:00:00Z")]) != _hash(starts=[an_occurrence()])


def test_composed_and_decomposed_text_are_equal_in_values_and_names():
    composed: dict[str, Any] = {"title": "Frühstück für Mütter", "extra": {"Größe": "ä", "a": "ö"}}
    decomposed = {
        "title": unicodedata.normalize("NFD", composed["title"]),
        "extra": {unicodedata.normalize("NFD", name): value for name, value in composed["extra"].items()},
    }
    assert decomposed != composed
    assert _hash(**composed) == _hash(**decomposed)


def test_volatile_extras_do_not_count():
    draft = an_offer(extra={"order": "4", "note": "x"})
    other = an_offer(extra={"order": "5", "note": "x"})
    hidden = frozenset(("order",))
    assert content_hash("offer", draft) != content_hash("offer", other)
    assert content_hash("offer", draft, volatile_extra=hidden) == content_hash("offer", other, volatile_extra=hidden)
    assert content_hash("offer", an_offer(extra={"order": "1"}), volatile_extra=hidden) == _hash(extra={})


def _html(html, text="t"):
    return _hash(texts={"de": a_text(description_html=html, description_text=text)})


def test_attributes_that_say_how_a_page_looks_do_not_count():
    plain = _html('<p>Kurs <a href="https://a.example">hier</a><img src="b.jpg" alt="Haus"></p>')
    assert plain == _html(
        '<p class=\'x y\' id=p1 data-id="7" style="color:red">Kurs <a class="wp" href="https://a.example" target=_blank'
        ' rel="noopener">hier</a><img src="b.jpg" srcset="b2.jpg 2x" width="100" alt="Haus" onload="x()"></p>'
    )
    assert plain != _html('<p>Kurs <a href="https://b.example">hier</a><img src="b.jpg" alt="Haus"></p>')
    assert plain != _html('<p>Kurs <a href="https://a.example">hier</a><img src="b.jpg" alt="Hof"></p>')


def test_words_that_look_like_attributes_count():
    assert _html("<p>Raum id=4</p>") != _html("<p>Raum id=5</p>")


def test_text_made_from_html_by_us_does_not_count_but_text_of_its_own_does():
    assert _html("<p>a</p>", "a") == _html("<p>a</p>", "a\n")
    assert _html(None, "a") != _html(None, "b")


def test_the_sources_html_counts_in_place_of_our_sanitisers():
    source = {"texts": {"de": a_text(description_html="<p onclick=x>a<script>1</script></p>")}}
    one = an_offer(texts={"de": a_text(description_html="<p>a</p>")})
    two = an_offer(texts={"de": a_text(description_html="<p>a </p>")})
    assert content_hash("offer", one) != content_hash("offer", two)
    assert content_hash("offer", one, content_overrides=source) == content_hash("offer", two, content_overrides=source)


def test_an_offer_and_an_organisation_of_the_same_fields_differ():
    fields = {"kind": "other", "extra": {"a": "b"}}
    assert content_hash("offer", fields) != content_hash("organisation", fields)


def test_the_hash_changes_nothing_in_the_draft():
    offer = an_offer()
    before = copy.deepcopy(offer)
    content_hash("offer", offer, volatile_extra=frozenset(("a",)))
    assert offer == before


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.text(st.characters(exclude_categories=["Cs"]))
)
def test_two_texts_hash_alike_only_when_they_are_canonically_equal(one, other):
    equal = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    assert (_hash(attribution="x" + one) == _hash(attribution="x" + other)) == equal
    nfd = unicodedata.normalize("NFD", one)
    assert _hash(attribution=one) == _hash(attribution=nfd)


# --- the end of an offer ---------------------------------------------------------------------------------------------


def _start(start, end=None, **more):
    return {"start": start, "end": end, **more}


WEEKLY = {"rule": "FREQ=WEEKLY;BYDAY=WE", "start": "2026-09-02T19:30:00"}

ENDS = {
    "nothing is said": ({}, None),
    "the last start's end": (
        {
            "starts": [
                _start("2026-10-05T07:00:00Z", "2026-12-18T10:15:00Z"),
                _start("2026-09-01T07:00:00Z", "2026-09-01T08:00:00Z"),
            ]
        },
        "2026-12-18T10:15:00Z",
    ),
    "an end with an offset": (
        {"starts": [_start("2026-10-05T07:00:00Z", "2026-10-05T11:00:00+02:00")]},
        "2026-10-05T09:00:00Z",
    ),
    "a start without end lasts its local day": ({"starts": [_start("2026-07-01T22:30:00Z")]}, "2026-07-02T22:00:00Z"),
    "in winter the day ends an hour later": ({"starts": [_start("2026-12-01T08:00:00Z")]}, "2026-12-01T23:00:00Z"),
    "in its own zone": ({"starts": [_start("2026-12-01T08:00:00Z", zone="Europe/Lisbon")]}, "2026-12-02T00:00:00Z"),
    "a zone nobody knows": ({"starts": [_start("2026-12-01T08:00:00Z", zone="Mars/Base")]}, "2026-12-01T23:00:00Z"),
    "the last valid day": ({"valid_to": "2026-12-31"}, "2026-12-31T23:00:00Z"),
    "the day the clocks change": ({"valid_to": "2026-10-25"}, "2026-10-25T23:00:00Z"),
    "the later of both": (
        {"valid_to": "2026-10-06", "starts": [_start("2026-10-05T07:00:00Z", "2026-12-18T10:15:00Z")]},
        "2026-12-18T10:15:00Z",
    ),
    "weekly hours are open-ended": (
        {"opening_hours": [{"weekday": 1}], "starts": [_start("2026-10-05T07:00:00Z")]},
        None,
    ),
    "weekly hours until a day": ({"opening_hours": [{"weekday": 1}], "valid_to": "2026-12-31"}, "2026-12-31T23:00:00Z"),
    "for ever each week": ({"recurrence": WEEKLY}, None),
    "for ever each week and a start": ({"recurrence": WEEKLY, "starts": [_start("2026-10-05T07:00:00Z")]}, None),
    "each week until the offer ends": ({"recurrence": WEEKLY, "valid_to": "2026-12-31"}, "2026-12-31T23:00:00Z"),
    "until an instant": (
        {"recurrence": {**WEEKLY, "rule": "FREQ=WEEKLY;UNTIL=20270131T225959Z"}},
        "2027-01-31T23:00:00Z",
    ),
    "until a day": ({"recurrence": {**WEEKLY, "rule": "FREQ=WEEKLY;UNTIL=20270131"}}, "2027-01-31T23:00:00Z"),
    "until a local time": (
        {"recurrence": {**WEEKLY, "rule": "FREQ=WEEKLY;UNTIL=20270131T193000"}},
        "2027-01-31T23:00:00Z",
    ),
    "five times": ({"recurrence": {**WEEKLY, "rule": "FREQ=WEEKLY;COUNT=5"}}, "2026-09-30T22:00:00Z"),
    "far too many times": ({"recurrence": {**WEEKLY, "rule": "FREQ=DAILY;COUNT=999999999"}}, None),
    "an unreadable until": ({"recurrence": {**WEEKLY, "rule": "FREQ=WEEKLY;UNTIL=soon"}}, None),
    "an unreadable rule": ({"recurrence": {**WEEKLY, "rule": "COUNT=3;FREQ=SOMETIMES"}}, None),
    "an unreadable start": ({"starts": [_start("soon"), _start("2026-10-05T07:00:00Z")]}, None),
    "an unreadable last day": ({"valid_to": "soon"}, None),
    "the end of time": ({"valid_to": "9999-12-31"}, None),
}


@pytest.mark.parametrize(("fields", "end"), ENDS.values(), ids=ENDS.keys())
def test_an_offer_is_past_when_nothing_of_it_is_left(fields, end):
    assert ends_at(fields) == end


def test_a_draft_and_a_whole_offer_end_alike():
    assert ends_at(an_offer()) == "2027-03-26T11:15:00Z"
