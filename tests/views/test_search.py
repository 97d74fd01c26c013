"""Finding offers: words, filters, facets, pages."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.views.search_kit import TODAY, an_index, found, text
from verbund.errors import UsageError, ViewUnavailableError
from verbund.testing.builders import a_place, a_published_offer, an_event, an_occurrence, an_organisation
from verbund.views.search import SearchIndex, SearchQuery


@pytest.fixture(name="index")
def _index(tmp_path):
    return an_index(
        tmp_path,
        a_published_offer(
            record_key="swim",
            title="Schwimmen für Mädchen",
            texts=text("Schwimmen für Mädchen", "Im Hallenbad, mit Müttercafé."),
        ),
        a_published_offer(
            record_key="german", title="Deutschkurs B1", texts=text("Deutschkurs B1", "Sprachkurs am Abend")
        ),
        a_published_offer(
            record_key="advice",
            kind="counselling",
            texts={
                **text("Beratung zur Anerkennung", "Wir beraten Sie."),
                "en": text("Counselling on recognition", "We advise you.")["de"],
            },
        ),
    )


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("Schwimmen", {"swim"}),
        ("schwimmt", {"swim"}),
        ("Madchen", {"swim"}),
        ("Maedchen", {"swim"}),
        ("MÄDCHEN", {"swim"}),
        ("Muettercafe", {"swim"}),
        ("Schwimen", {"swim"}),
        ("Beratugn", {"advice"}),
        ("berat", {"advice"}),
        ("Deuts", {"german"}),
        ("counselling recognition", {"advice"}),
        ("recogniton", {"advice"}),
        ("für Mädchen im Hallenbad", {"swim"}),
        ("Schwimmen Beratung", set()),
        ("Schwelm", {"swim", "german", "advice"}),
        ('"Sprachkurs am Abend"', {"german"}),
        ('"Abend Sprachkurs"', set()),
        ("", {"swim", "german", "advice"}),
    ],
)
def test_words_find_what_people_mean(index, typed, keys):
    assert found(index, text=typed) == keys


def test_a_short_word_is_not_corrected(index):
    assert found(index, text="bat ") == set()


def test_exact_hits_come_before_corrected_ones(tmp_path):
    index = an_index(
        tmp_path,
        *(a_published_offer(record_key=f"k{n}", texts=text("Kochen", "Kochen Kochen")) for n in range(3)),
        a_published_offer(record_key="exact", texts=text("Sonstiges", "viele Worte davor und Kachen")),
    )
    answer = index.search(SearchQuery(today=TODAY, text="Kachen"))
    assert (answer.total, answer.corrected) == (4, ())
    assert answer.hits[0].marks["title"] == (("Sonstiges", False),)


def test_a_word_that_nobody_uses_is_named_as_corrected(index):
    answer = index.search(SearchQuery(today=TODAY, text="Schwimen Hallenbad "))
    assert (answer.total, answer.corrected) == (1, ("Schwimen",))


def test_a_title_counts_more_than_a_text(tmp_path):
    index = an_index(
        tmp_path,
        a_published_offer(record_key="text", texts=text("Angebot", "Chor")),
        a_published_offer(record_key="title", texts=text("Chor", "Angebot")),
    )
    assert index.search(SearchQuery(today=TODAY, text="Chor")).hits[0].marks["title"] == (("Chor", True),)


def test_matches_are_marked_where_they_stand(index):
    hit = index.search(SearchQuery(today=TODAY, text="maedchen muettercafe")).hits[0]
    assert hit.marks["title"] == (("Schwimmen für ", False), ("Mädchen", True))
    assert ("Müttercafé", True) in hit.marks["text"]


def test_a_long_text_is_cut_around_the_match(tmp_path):
    index = an_index(tmp_path, a_published_offer(texts=text("Titel", "davor " * 100 + "Treffer" + " danach" * 100)))
    pieces = index.search(SearchQuery(today=TODAY, text="Treffer")).hits[0].marks["text"]
    assert pieces[0] == ("… ", False) and pieces[-1] == (" …", False)
    assert ("Treffer", True) in pieces and len("".join(piece for piece, _ in pieces)) < 250


def test_the_name_of_the_organisation_finds_its_offers(tmp_path):
    provider = an_organisation(name="Turnverein Eichenkreuz")
    index = an_index(
        tmp_path,
        an_event("OrganisationPublished", name="Turnverein Eichenkreuz"),
        a_published_offer(record_key="with", organisation_id=provider["organisation_id"]),
        a_published_offer(record_key="without"),
    )
    assert found(index, text="Eichenkreuz") == {"with"}
    assert found(index, organisations=(provider["organisation_id"],)) == {"with"}


FILTERED: dict[str, dict[str, Any]] = {
    "a": {
        "district": "05954",
        "kind": "course",
        "level_from": "A1",
        "level_to": "A2",
        "categories": ["language.other", "sport"],
        "cost": None,
    },
    "b": {
        "district": "09188",
        "kind": "sport",
        "level_from": None,
        "level_to": None,
        "categories": ["sport.football"],
        "cost": {"amount": 0.0, "currency": "EUR", "free": None, "note": None},
    },
    "c": {
        "district": "09188",
        "kind": "course",
        "level_from": "A2.2",
        "level_to": "B1.1",
        "categories": ["language"],
        "target_groups": ["women", "parents"],
    },
}


@pytest.fixture(name="filtered")
def _filtered(tmp_path):
    offers = [
        a_published_offer(record_key=key, source=f"source-{fields['district']}", **fields)
        for key, fields in FILTERED.items()
    ]
    return an_index(tmp_path, *offers, neighbours={"05954": ("09188",)})


@pytest.mark.parametrize(
    ("filters", "keys"),
    [
        ({"districts": ("05954",)}, "a"),
        ({"districts": ("05954",), "with_neighbours": True}, "abc"),
        ({"kinds": ("course",)}, "ac"),
        ({"kinds": ("course", "sport")}, "abc"),
        ({"kinds": ("course",), "districts": ("09188",)}, "c"),
        ({"levels": ("A2",)}, "ac"),
        ({"levels": ("A1",)}, "a"),
        ({"levels": ("B1",)}, "c"),
        ({"levels": ("A2.1",)}, "a"),
        ({"levels": ("B1.1",)}, "c"),
        ({"levels": ("B1.2",)}, ""),
        ({"categories": ("language",)}, "ac"),
        ({"categories": ("sport",)}, "ab"),
        ({"categories": ("sport.football",)}, "b"),
        ({"target_groups": ("women",)}, "c"),
        ({"free": ("free",)}, "b"),
        ({"free": ("unknown", "paid")}, "ac"),
        ({"sources": ("source-05954",)}, "a"),
        ({"languages": ("de",)}, "abc"),
        ({"languages": ("uk",)}, ""),
    ],
)
def test_filters_are_joined_and_values_added_up(filtered, filters, keys):
    assert found(filtered, **filters) == set(keys)


def test_a_facet_leaves_out_its_own_filter(filtered):
    answer = filtered.search(SearchQuery(today=TODAY, kinds=("sport",), districts=("09188",)))
    assert answer.total == 1
    assert dict(answer.facets["kind"]) == {"course": 1, "sport": 1}
    assert dict(answer.facets["district"]) == {"09188": 1}
    assert dict(answer.facets["free"]) == {"free": 1}


def test_every_facet_count_is_what_choosing_it_gives(filtered):
    filters = {
        "kind": "kinds", "district": "districts", "level": "levels", "category": "categories", "free": "free",
        "language": "languages", "target_group": "target_groups", "source": "sources",
    }  # fmt: skip
    starts: tuple[dict[str, Any], ...] = ({}, {"kinds": ("course",)}, {"districts": ("09188",), "levels": ("A2",)})
    for start in starts:
        for name, counts in filtered.search(SearchQuery(today=TODAY, **start)).facets.items():
            for value, count in counts:
                wish: dict[str, Any] = {**start, filters[name]: (value,)}
                alone = SearchQuery(today=TODAY, **wish)
                assert filtered.search(alone, facets=False).total == count, (start, name, value)


def test_a_chosen_value_without_offers_stays_in_its_facet(filtered):
    assert ("event", 0) in filtered.search(SearchQuery(today=TODAY, kinds=("event",))).facets["kind"]


def test_past_offers_are_hidden_unless_asked_for(tmp_path):
    index = an_index(
        tmp_path,
        a_published_offer(
            record_key="over", starts=[an_occurrence(start="2026-01-05T08:00:00Z", end="2026-02-05T08:00:00Z")]
        ),
        a_published_offer(record_key="last-day", starts=[], valid_to="2026-09-01"),
        a_published_offer(record_key="day-before", starts=[], valid_to="2026-08-31"),
        a_published_offer(record_key="open", starts=[]),
    )
    assert found(index) == {"last-day", "open"}
    assert found(index, past=True) == {"over", "last-day", "day-before", "open"}
    assert dict(index.search(SearchQuery(today=TODAY)).facets["kind"]) == {"course": 2}


def test_radius_is_exact(tmp_path):
    lon, lat = 9.0, 50.0
    # 0.01 degrees of latitude are 1.112 km.
    north = {f"n{km}": a_place(lon=lon, lat=lat + km / 111.195) for km in (1, 9, 10, 11, 25)}
    index = an_index(
        tmp_path,
        *(a_published_offer(record_key=key, place=place) for key, place in north.items()),
        a_published_offer(record_key="nowhere", place=None),
    )
    assert found(index, near=(lon, lat, 9.99)) == {"n1", "n9"}
    assert found(index, near=(lon, lat, 10.01)) == {"n1", "n9", "n10"}
    assert found(index, near=(lon, lat, 0.5)) == set()
    assert index.search(SearchQuery(today=TODAY, near=(lon, lat, 20))).total == 4


@pytest.mark.parametrize("near", [(200.0, 50.0, 5.0), (9.0, 50.0, 0.0), (9.0, 50.0, 5000.0), (50.0, 90.0, 5.0)])
def test_a_place_that_is_none_is_refused(index, near):
    with pytest.raises(UsageError, match="longitude comes first"):
        index.search(SearchQuery(today=TODAY, near=near))


def test_without_an_index_there_is_no_empty_answer(tmp_path):
    with pytest.raises(ViewUnavailableError):
        SearchIndex(tmp_path).search(SearchQuery(today=TODAY))


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_limits(index, limit):
    with pytest.raises(UsageError, match="1 to 100"):
        index.search(SearchQuery(today=TODAY, limit=limit))


def test_today_is_an_input(index):
    assert index.search(SearchQuery(today=date(2040, 1, 1))).total == 0
