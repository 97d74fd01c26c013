"""What an offer lacks, and what its source should mend first."""

from __future__ import annotations

from typing import Any

import pytest

from verbund.quality import Finding, findings, findings_of, mark_of, marks
from verbund.quality_score import score
from verbund.testing.builders import a_place, a_text, an_occurrence, an_offer
from verbund_schemas import vocabulary

ENGLISH = a_text(title="German B1.1", description_text="Prepares for the exam for newcomers, four days a week.")
LONG = "Der Kurs bereitet auf den Deutsch-Test für Zuwanderer vor, vier Tage in der Woche."


def a_good_offer(**fields: Any) -> dict[str, Any]:
    """Lacks nothing."""
    good = {
        "texts": {"de": a_text(description_text=LONG), "en": ENGLISH},
        "organisation_id": "0b1a2f9e-6a39-5a2e-9c0e-1f1f1f1f1f1f",
        "contact_ids": ["0b1a2f9e-6a39-5a2e-9c0e-2f2f2f2f2f2f"],
    }
    return an_offer(**{**good, **fields})


def german(**fields: Any) -> dict[str, Any]:
    return {"de": a_text(**{"description_text": LONG, **fields}), "en": ENGLISH}


def codes(offer: dict[str, Any]) -> set[str]:
    return {finding.code for finding in findings(offer)}


def test_a_good_offer_has_no_findings():
    assert findings(a_good_offer()) == ()
    assert marks(a_good_offer()) == ""


START: dict[str, Any] = {"kind": "course"}

# What is changed of a good offer, and what is then found.
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "only a title": (
        {"texts": german(description_text=None, summary=None, description_html=None)}, {"no_description"},
    ),
    "the summary counts as description": ({"texts": german(description_text=None, summary=LONG)}, set()),
    "a few words": ({"texts": german(description_text="Bitte anrufen.")}, {"description_short"}),
    "the title again": (
        {"texts": german(title="Nähtreff", description_text=" nähtreff ")}, {"description_is_title"},
    ),
    "a long title again": ({"texts": german(title=LONG, description_text=LONG)}, {"description_is_title"}),
    "capitals": ({"texts": german(title="DEUTSCHKURS")}, {"title_in_capitals"}),
    "an abbreviation is no shouting": ({"texts": german(title="DTZ B1")}, set()),
    "a long title": ({"texts": german(title="x" * 101)}, {"title_long"}),
    "garbled umlauts": ({"texts": german(description_text=LONG.replace("ü", "Ã¼"))}, {"text_garbled"}),
    "lost letters": ({"texts": german(title="N\ufffdhtreff")}, {"text_garbled"}),
    "garbled quotation marks": ({"texts": german(description_text=f"â€žGutâ€œ {LONG}")}, {"text_garbled"}),
    "a Portuguese word is not garbled": ({"texts": german(description_text=f"LIÇÃO, ÂNGELO, pâte. {LONG}")}, set()),
    "no time at all": ({"starts": []}, {"no_time"}),
    "a programme needs no time": ({"kind": "programme", "starts": [], "registration": None}, set()),
    "counselling without hours": ({"kind": "counselling", "starts": []}, {"no_opening_hours"}),
    "a date in the text only": (
        {"starts": [], "texts": german(description_text=f"Beginn am 12.1.2027. {LONG}")}, {"dates_in_text_only"},
    ),
    "a date in words": (
        {"starts": [], "texts": german(description_text=f"Beginn am 12. Januar 2027. {LONG}")}, {"dates_in_text_only"},
    ),
    "a year is no date": ({"starts": [], "texts": german(description_text=f"Seit 2015. {LONG}")}, {"no_time"}),
    "a day without clock": (
        {"starts": [an_occurrence(all_day=True)]}, {"start_without_clock"},
    ),
    "a start without end": ({"starts": [an_occurrence(end=None)]}, {"no_end"}),
    "no deadline": ({"starts": [an_occurrence(registration_until=None)]}, {"no_deadline"}),
    "no seats": ({"starts": [an_occurrence(seats_free=None, status=None)]}, {"seats_unknown"}),
    "full says enough": ({"starts": [an_occurrence(seats_free=None, status="full")]}, set()),
    "an event needs no deadline": (
        {"kind": "event", "starts": [an_occurrence(registration_until=None, seats_free=None, status=None)]}, set(),
    ),
    "no place": ({"place": None}, {"no_place"}),
    "online needs no place": ({"place": None, "online_url": "https://kurs.example"}, set()),
    "no coordinates": ({"place": a_place(lon=None, lat=None)}, {"no_position"}),
    "no postcode": ({"place": a_place(postcode=None)}, {"no_postcode"}),
    "no level": ({"level_from": None, "level_to": None}, {"no_level"}),
    "a level reached is a level": ({"level_from": None}, set()),
    "sewing needs no level": ({"level_from": None, "level_to": None, "categories": ["leisure"]}, set()),
    "no category": ({"categories": []}, {"no_category"}),
    "no organisation": ({"organisation_id": None}, {"no_organisation"}),
    "no contact": ({"contact_ids": []}, {"no_contact"}),
    "nowhere to turn": (
        {"contact_ids": [], "source_url": None, "registration": None, "place": None},
        {"nowhere_to_turn", "no_page", "no_registration", "no_place"},
    ),
    "no page": ({"source_url": None}, {"no_page"}),
    "no registration": ({"registration": {"how": None, "url": None}}, {"no_registration"}),
    "no target group": ({"target_groups": []}, {"no_target_group"}),
    "no language": ({"languages_of_instruction": []}, {"no_languages"}),
    "no cost": ({"cost": None}, {"cost_unknown"}),
    "an empty cost": (
        {"cost": {"amount": None, "currency": "EUR", "free": None, "note": None}}, {"cost_unknown"},
    ),
    "a note on cost": (
        {"cost": {"amount": None, "currency": "EUR", "free": None, "note": "nach Einkommen"}}, set(),
    ),
    "German only": ({"texts": {"de": a_text(description_text=LONG)}}, {"german_only"}),
    "machines only": (
        {"texts": {"de": a_text(description_text=LONG), "en": {**ENGLISH, "translation": "machine"}}},
        {"machine_translated_only"},
    ),
    "one translation by people": (
        {"texts": {**german(), "uk": a_text(translation="machine")}}, set(),
    ),
    "childcare unknown": ({"childcare": None}, {"childcare_unknown"}),
    "barriers unknown": ({"barrier_free": None}, {"barriers_unknown"}),
    "no licence": ({"licence": None}, {"no_licence"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_missing_is_found_and_nothing_else(case):
    changed, expected = CASES[case]
    assert codes(a_good_offer(**changed)) == expected


def test_every_finding_of_the_vocabulary_can_be_found():
    found = set().union(*(expected for _, expected in CASES.values()))
    assert set(vocabulary("quality").terms) - found == {"past", "rejected"}  # found by views, not in an offer


def test_findings_come_in_the_order_of_the_vocabulary_with_their_grade():
    found = findings(a_good_offer(contact_ids=[], licence=None, starts=[]))
    assert found == (Finding("no_time", "error"), Finding("no_contact", "warning"), Finding("no_licence", "notice"))


def test_marks_stand_for_findings_and_unknown_ones_for_nothing():
    offer = a_good_offer(starts=[], cost=None)
    assert findings_of(marks(offer)) == findings(offer)
    assert findings_of("z0!") == ()
    assert findings_of(mark_of("past")) == (Finding("past", "warning"),)


def test_an_offer_loses_points_by_grade_and_never_more_than_all():
    assert score([("", 1)]).points == 100
    assert score([(mark_of("no_place"), 1)]).points == 90
    assert score([(mark_of("no_time") + mark_of("no_page") + mark_of("no_licence"), 1)]).points == 70
    everything = "".join(mark_of(code) for code in vocabulary("quality").terms if code != "rejected")
    assert score([(everything, 1)]).points == 0


def test_the_score_of_many_is_the_mean_and_a_rejected_record_counts_nothing():
    assert score([("", 3), (mark_of("no_place"), 1)]).points == 97.5
    assert score([("", 3), (mark_of("rejected"), 1)]).points == 75
    assert score([]).points is None
    assert score([("", 0)]).offers == 0


def test_what_to_mend_first_is_what_raises_the_score_most():
    found = score([(mark_of("no_target_group"), 8), (mark_of("no_place"), 2), ("", 0)])
    assert [(share.code, share.count, share.share, share.gain) for share in found.shares] == [
        ("no_target_group", 8, 0.8, 3.2),
        ("no_place", 2, 0.2, 2.0),
    ]
    assert found.first is not None
    assert found.first.code == "no_target_group"


def test_mending_rejects_makes_them_like_the_others():
    found = score([(mark_of("no_place"), 4), (mark_of("rejected"), 1)])
    assert found.points == 72
    assert [(share.code, share.gain) for share in found.shares] == [("rejected", 18.0), ("no_place", 8.0)]
    assert [share.gain for share in score([(mark_of("rejected"), 2)]).shares] == [100]


def test_what_costs_nothing_more_is_not_what_to_mend_first():
    worst = "".join(mark_of(code) for code in ("nowhere_to_turn", "text_garbled", "no_time", "no_place", "no_level"))
    found = score([(worst + mark_of("no_contact") + mark_of("no_description") + mark_of("title_long"), 1)])
    assert found.points == 0
    assert {share.gain for share in found.shares} >= {0.0}
    assert score([("", 5)]).first is None
