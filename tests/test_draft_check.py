"""What is wrong with a draft, and what is left of it."""

import copy
import inspect
import re
from typing import Any

import pytest

import verbund_schemas
from verbund import draft_check, value_check
from verbund.codec import AvroCodec
from verbund.offer import check_draft, check_organisation, ends_at, rejects, without
from verbund.testing.builders import a_place, a_text, an_occurrence, an_offer, an_organisation

YEAR = 2026


def _found(record_key=None, **fields):
    found = check_draft({**an_offer(), **fields}, year=YEAR, record_key=record_key)
    return {(finding.rule, finding.place) for finding in found}


def test_a_good_offer_and_organisation_have_no_findings():
    assert check_draft(an_offer(), year=YEAR, record_key="kurs-1") == []
    assert check_organisation(an_organisation(), year=YEAR, record_key="vhs") == []


def test_a_draft_of_the_connectors_kit_has_no_findings():
    draft = {name: value for name, value in an_offer().items() if not name.endswith(("_id", "_hash"))}
    assert check_draft(draft, year=YEAR) == []


@pytest.mark.parametrize("key", ["TODO", "tbd", " n/a ", "NULL", "-", "a\nb", "a\x00"])
def test_a_key_that_is_a_placeholder_costs_the_record(key):
    assert _found(key) == {("key_junk", "record_key")}


def test_an_empty_and_an_endless_key_cost_the_record():
    assert _found(" ") == {("key_missing", "record_key")}
    assert _found("k" * 501) == {("key_too_long", "record_key")}
    assert _found("k" * 500) == set()
    assert _found("Straße 5 / Kurs\u00a07") == set()


LONG = "x" * 20_001

COSTS_THE_RECORD = {
    "no texts": ({"texts": {}}, ("title_missing", "texts")),
    "an empty title": ({"texts": {"de": a_text(title=" \n")}}, ("title_missing", "texts")),
    "a title over 300 characters": ({"texts": {"de": a_text(title="x" * 301)}}, ("title_too_long", "texts.de.title")),
    "an unknown kind": ({"kind": "kurs"}, ("kind_unknown", "kind")),
    "a text that is a list": ({"texts": {"de": a_text(summary=["a"])}}, ("wrong_type", "texts.de.summary")),
    "a title that is a number": ({"texts": {"de": a_text(title=5)}}, ("wrong_type", "texts.de.title")),
    "an unknown field": ({"titel": "x"}, ("field_unknown", "titel")),
    "an unknown nested field": ({"place": a_place(ort="x")}, ("field_unknown", "place.ort")),
    "a start without its start": ({"starts": [{"end": None}]}, ("field_missing", "starts.0.start")),
    "a number that is a text": ({"age_from": "16"}, ("wrong_type", "age_from")),
    "a flag that is a word": ({"childcare": "ja"}, ("wrong_type", "childcare")),
    "a lone surrogate": ({"attribution": "a\ud800"}, ("not_unicode", "attribution")),
    "a NUL": ({"extra": {"a": "b\x00"}}, ("not_unicode", "extra.a")),
    "a NUL in a name": ({"extra": {"a\x00": "b"}}, ("not_unicode", "extra")),
    "no start that can be used": (
        {"starts": [an_occurrence(start="0026-10-05T07:00:00Z", end=None)]},
        ("no_usable_start", "starts"),
    ),
    "a last day that cannot be read": ({"valid_to": "31.12.2026"}, ("valid_to_unusable", "valid_to")),
    "a last day before all times": ({"valid_to": "1970-01-01"}, ("valid_to_unusable", "valid_to")),
}


@pytest.mark.parametrize(("fields", "expected"), COSTS_THE_RECORD.values(), ids=COSTS_THE_RECORD.keys())
def test_a_record_is_rejected_for(fields, expected):
    found = check_draft({**an_offer(), **fields}, year=YEAR)
    assert expected in {(finding.rule, finding.place) for finding in rejects(found)}


def test_a_draft_without_kind_or_texts_is_rejected():
    assert {finding.place for finding in rejects(check_draft({}, year=YEAR))} == {"kind", "texts"}


TEXTS = {"de": a_text(), "tr": a_text(title="")}

COSTS_A_VALUE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "a language without title": ({"texts": TEXTS}, "text_untitled", {"texts": {"de": a_text()}}),
    "an unknown language": (
        {"texts": {"de": a_text(), "d.e!": a_text()}},
        "language_unknown",
        {"texts": {"de": a_text()}},
    ),
    "a text over 20,000 characters": (
        {"texts": {"de": a_text(description_html=LONG)}},
        "text_too_long",
        {"texts": {"de": {name: value for name, value in a_text().items() if name != "description_html"}}},
    ),
    "an unheard-of way of translating": (
        {"texts": {"de": a_text(translation="ai")}},
        "code_unknown",
        {"texts": {"de": a_text(translation="unknown")}},
    ),
    "categories of nobody": ({"categories": ["a", "language", "b"]}, "code_unknown", {"categories": ["language"]}),
    "a target group of nobody": ({"target_groups": ["aliens"]}, "code_unknown", {"target_groups": []}),
    "a level of nobody": ({"level_to": "B1+"}, "code_unknown", {"level_to": None}),
    "an endless address": ({"source_url": "https://a.example/" + "x" * 2000}, "url_too_long", {"source_url": None}),
    "an address that is none": ({"source_url": "javascript:alert(1)"}, "url_unusable", {"source_url": None}),
    "an address with a space": ({"online_url": "https://a.example/a b"}, "url_unusable", {"online_url": None}),
    "a language of instruction of nobody": (
        {"languages_of_instruction": ["de", "Deutsch"]},
        "language_unknown",
        {"languages_of_instruction": ["de"]},
    ),
    "ages the wrong way round": (
        {"age_from": 27, "age_to": 16},
        "number_out_of_range",
        {"age_from": None, "age_to": None},
    ),
    "an age of nobody": ({"age_to": 1000}, "number_out_of_range", {"age_to": None}),
    "a first day before all times": ({"valid_from": "1970-01-01"}, "year_out_of_range", {"valid_from": None}),
    "a last day that means never": ({"valid_to": "9999-12-31"}, "year_out_of_range", {"valid_to": None}),
    "a start of 1926 among others": (
        {"starts": [an_occurrence(start="1926-10-05T07:00:00Z"), an_occurrence()]},
        "start_unusable",
        {"starts": [an_occurrence()]},
    ),
    "a start without zone among others": (
        {"starts": [an_occurrence(), an_occurrence(start="2026-10-05T07:00:00")]},
        "start_unusable",
        {"starts": [an_occurrence()]},
    ),
    "seats below zero": (
        {"starts": [an_occurrence(seats_free=-1)]},
        "number_out_of_range",
        {"starts": [{name: value for name, value in an_occurrence().items() if name != "seats_free"}]},
    ),
    "an end before the start": (
        {"starts": [an_occurrence(end="2026-10-05T06:00:00Z")]},
        "end_before_start",
        {"starts": [{name: value for name, value in an_occurrence().items() if name != "end"}]},
    ),
    "a price below zero": ({"cost": {"amount": -1.0}}, "number_out_of_range", {"cost": {}}),
    "a price in nothing": ({"cost": {"amount": 1.0, "currency": "Mark"}}, "code_unknown", {"cost": None}),
    "an eighth weekday": (
        {"opening_hours": [{"weekday": 8}, {"weekday": 1}]},
        "number_out_of_range",
        {"opening_hours": None},
    ),
    "a 25th hour": (
        {"opening_hours": [{"weekday": 1, "opens": "25:00"}]},
        "date_unreadable",
        {"opening_hours": None},
    ),
    "a rule that is none": (
        {"recurrence": {"rule": "each week", "start": "2026-09-02T19:30:00"}},
        "recurrence_unusable",
        {"recurrence": None},
    ),
    "a rule in no zone": (
        {"recurrence": {"rule": "FREQ=DAILY", "start": "2026-09-02T19:30:00", "zone": "Mars"}},
        "recurrence_unusable",
        {"recurrence": None},
    ),
    "a municipality key of seven digits": (
        {"place": a_place(ags8="5954028")},
        "code_unknown",
        {"place": {name: value for name, value in a_place().items() if name != "ags8"}},
    ),
    "an extra with dots in its name": ({"extra": {"a.b.c": LONG, "d": "e"}}, "text_too_long", {"extra": {"d": "e"}}),
}


@pytest.mark.parametrize(("fields", "rule", "left"), COSTS_A_VALUE.values(), ids=COSTS_A_VALUE.keys())
def test_a_value_is_dropped_for(fields, rule, left):
    draft = {**an_offer(), **fields}
    before = copy.deepcopy(draft)
    found = check_draft(draft, year=YEAR)
    assert {finding.rule for finding in found} == {rule}
    assert rejects(found) == []
    cleaned = without(draft, found)
    assert {name: cleaned[name] for name in fields} == left
    assert draft == before
    assert check_draft(cleaned, year=YEAR) == []
    AvroCodec().encode("OfferPublished", {"offer": cleaned})


POSITIONS = {
    "outside": ((200.0, 51.0), "position_outside"),
    "not finite": ((float("nan"), 51.0), "position_outside"),
    "swapped": ((51.28, 7.29), "position_swapped"),
    "half": ((7.29, None), "position_half"),
    "null island": ((0, 0.0), "position_null_island"),
}


@pytest.mark.parametrize(("position", "rule"), POSITIONS.values(), ids=POSITIONS.keys())
def test_a_position_that_cannot_be_is_dropped_as_a_whole(position, rule):
    lon, lat = position
    for check, draft, schema in (
        (check_draft, an_offer(place=a_place(lon=lon, lat=lat)), "Offer"),
        (check_organisation, an_organisation(place=a_place(lon=lon, lat=lat)), "Organisation"),
    ):
        found = check(draft, year=YEAR)
        assert rule in {finding.rule for finding in found}
        assert rejects(found) == []
        place = without(draft, found, schema=schema)["place"]
        assert [place.get(name) for name in ("lon", "lat", "position_source")] == [None, None, None]
        assert place["town"] == "Schwelm"


def test_a_position_abroad_is_fine():
    assert _found(place=a_place(lon=-0.12, lat=51.5)) == set()


def test_several_findings_are_dropped_together():
    draft = an_offer(
        categories=["x", "language", "y", "school", "z"],
        starts=[an_occurrence(start="x"), an_occurrence(status="?", exam_on="soon"), an_occurrence(end="y")],
        texts={"de": a_text(summary=LONG), "xx.yy": a_text(summary=LONG), "tr": a_text(title="", summary=LONG)},
        place=a_place(lon=0, lat=0, ags8="x"),
    )
    cleaned = without(draft, check_draft(draft, year=YEAR))
    assert check_draft(cleaned, year=YEAR) == []
    assert cleaned["categories"] == ["language", "school"]
    assert len(cleaned["starts"]) == 1
    assert cleaned["texts"].keys() == {"de"}


def test_nothing_that_is_dropped_makes_an_offer_live_on():
    for fields, _, _ in COSTS_A_VALUE.values():
        draft = {**an_offer(), **fields}
        if draft.get("valid_to") == "9999-12-31" or draft.get("recurrence"):
            continue
        cleaned = without(draft, check_draft(draft, year=YEAR))
        assert (ends_at(cleaned) is None) <= (ends_at({**draft, "opening_hours": None}) is None)


def test_an_organisation_needs_a_name_of_a_line():
    for name, rule in (("", "title_missing"), (None, "title_missing"), ("x" * 301, "title_too_long")):
        found = check_organisation({**an_organisation(), "name": name}, year=YEAR)
        assert rule in {finding.rule for finding in rejects(found)}


def test_years_are_counted_from_the_one_that_is_given():
    assert _found(valid_to="2036-12-31") == set()
    assert _found(valid_to="2037-01-01") == {("year_out_of_range", "valid_to")}
    assert check_draft(an_offer(valid_to="2037-01-01"), year=2027) == []


def test_every_rule_says_what_it_costs():
    for rule in verbund_schemas.vocabulary("rules").terms.values():
        assert rule.more["effect"] in ("reject", "drop")


def test_every_rule_that_is_found_here_is_in_the_vocabulary():
    text = inspect.getsource(draft_check) + inspect.getsource(value_check)
    used = set(re.findall(r"(?:Finding|_is)\(\s*\"(\w+)\"", text)) | set(
        re.findall(r"\"((?:kind|code|position)_\w+)\"", text)
    )
    used -= {"position_source"}
    assert len(used) > 20
    assert used <= set(verbund_schemas.vocabulary("rules").terms)
