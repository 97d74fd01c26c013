"""Faults of an Integreat region: languages, endpoints, the listing of regions, entries."""

from __future__ import annotations

from typing import Any

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Fault, Story


def _three_nights(s: Story, *fault: Fault, nights: int = 3, **how: Any) -> None:
    s.night()
    s.ends(2)
    s.nights(nights, *fault, **how)


def _is_place(key: str) -> bool:
    return key.startswith("place/")


@scenario("integreat")
def english_is_switched_off(s: Story) -> None:
    """The CMS does not list English any more, and answers 404 for it; every offer is still there in German."""
    gone = (faults.each(lambda _i, one: one if one["code"] == "de" else None, only="languages/"),)
    _three_nights(s, *gone, faults.answers(404, b"{}", only="/en/"), clean=True)


@scenario("integreat")
def english_is_listed_and_answers_404(s: Story) -> None:
    """Half switched off."""
    _three_nights(s, faults.answers(404, b"{}", only="/en/"))


@scenario("integreat")
def english_is_an_empty_list(s: Story) -> None:
    """Every translation was withdrawn at once; German is as it was."""
    _three_nights(s, faults.written(lambda _entries: [], only="/en/"), clean=True)


@scenario("integreat")
def german_is_an_empty_list(s: Story) -> None:
    """The default language is empty, English is not: the offers live on in English."""
    _three_nights(s, faults.written(lambda _entries: [], only="/de/"))


@scenario("integreat")
def german_is_not_listed(s: Story) -> None:
    """The default language is gone from the listing for a night."""
    _three_nights(s, faults.each(lambda _i, one: one if one["code"] != "de" else None, only="languages/"))


@scenario("integreat")
def languages_in_another_order(s: Story) -> None:
    """English is listed first for two nights; keys and offers stay."""
    _three_nights(s, faults.written(lambda entries: entries[::-1], only="languages/"), clean=True)


@scenario("integreat")
def english_is_taken_out_of_the_settings(s: Story) -> None:
    """A person edits the source file: another scope, not a deletion."""
    s.edit(languages=["de", "en"])
    s.night()
    s.ends(2)
    s.edit(languages=["de"])


@scenario("integreat")
def another_region_in_the_settings_by_mistake(s: Story) -> None:
    """The source file names a region that is not ours, for two nights."""
    s.night()
    s.ends(2)
    s.edit(region="nachbarkreis")
    s.nights(2, faults.of_another_district(), faults.renamed_region("nachbarkreis"))
    s.edit(region="kreis-beispiel")


@scenario("integreat")
def archived_region_still_answers(s: Story) -> None:
    """The listing hides the region, its lists answer with what is left of them."""
    hidden = faults.each(lambda _i, region: {**region, "live": False}, only="regions/")
    _three_nights(s, hidden, faults.only_share(0.2), nights=5)


@scenario("integreat")
def region_not_listed_and_lists_empty(s: Story) -> None:
    """An archived region of newer servers."""
    _three_nights(s, faults.written(lambda _regions: [], only="regions/"), faults.none_at_all())


@scenario("integreat")
def region_renamed(s: Story) -> None:
    """Another slug: the listing knows the new one, the old address answers 404."""
    _three_nights(s, faults.renamed_region("landkreis-neu"), nights=4)


@scenario("integreat")
def languages_listing_is_empty(s: Story) -> None:
    """The listing holds nothing, the lists would answer."""
    _three_nights(s, faults.written(lambda _codes: [], only="languages/"))


@scenario("integreat")
def languages_listing_is_an_error_page(s: Story) -> None:
    """Only this one address fails."""
    _three_nights(s, faults.answers(200, faults.ERROR_PAGE, only="languages/"))


@scenario("integreat")
def events_fail_for_a_week_and_places_are_fine(s: Story) -> None:
    """One endpoint is down; a place that truly ends is found all the same."""
    s.night()
    s.ends(3)  # place 1, place 2, event 3
    s.nights(7, faults.answers(500, b"", only="/events/"), shows=_is_place)


@scenario("integreat")
def events_are_empty_and_places_are_fine(s: Story) -> None:
    """One endpoint gives an empty list."""
    _three_nights(s, faults.written(lambda _events: [], only="/events/"), shows=_is_place)


@scenario("integreat")
def events_switched_off(s: Story) -> None:
    """The flag of the region says that events are off; the list is empty. A person would have to say that for good."""
    off = faults.each(lambda _i, region: {**region, "events": False}, only="regions/")
    _three_nights(s, off, faults.written(lambda _events: [], only="/events/"), shows=_is_place)


@scenario("integreat")
def english_cut_german_whole(s: Story) -> None:
    """Half of the English lists, silently."""
    _three_nights(s, faults.cut(0.5, only="/en/"))


@scenario("integreat")
def places_answer_with_events(s: Story) -> None:
    """A cache mixes up two addresses."""
    swap = faults.instead("/locations/", "/events/?combine_recurring=True")
    _three_nights(s, swap)


@scenario("integreat")
def a_third_of_the_entries_has_no_id(s: Story) -> None:
    """What has no id may be any of those that seem to be missing."""

    def nameless(index: int, entry: Any) -> Any:
        return {**entry, "location": {**entry["location"], "id": None}} if index % 3 == 0 else entry

    _three_nights(s, faults.each(nameless, only="/locations/"))


@scenario("integreat")
def one_entry_is_null_and_five_are_missing(s: Story) -> None:
    """A serialiser gives up in the middle."""

    def broken(entries: list[Any]) -> list[Any]:
        return [*entries[:-6], None]

    _three_nights(s, faults.written(broken, only="/locations/"))


@scenario("integreat")
def broken_dates_are_no_absence(s: Story) -> None:
    """Each event has its id and a date that nobody can read."""

    def dateless(_index: int, entry: Any) -> Any:
        return {**entry, "event": {**entry["event"], "start": "demnächst", "end": None}}

    _three_nights(s, faults.each(dateless, only="/events/"))


@scenario("integreat")
def entries_of_the_wrong_shape(s: Story) -> None:
    """Titles are objects, locations lists."""

    def wrong(index: int, entry: Any) -> Any:
        return {**entry, "title": {"rendered": entry["title"]}} if index % 2 else entry

    _three_nights(s, faults.each(wrong, only="/locations/"))


@scenario("integreat")
def ids_as_texts_are_the_same_ids(s: Story) -> None:
    """`"7"` for `7`."""

    def as_text(_index: int, entry: Any) -> Any:
        return {**entry, "location": {**entry["location"], "id": str(entry["location"]["id"])}}

    _three_nights(s, faults.each(as_text, only="/locations/"), clean=True)


@scenario("integreat")
def ids_with_a_decimal_point(s: Story) -> None:
    """`7.0` for `7`: a spreadsheet was in between."""

    def as_float(_index: int, entry: Any) -> Any:
        return {**entry, "location": {**entry["location"], "id": float(entry["location"]["id"])}}

    _three_nights(s, faults.each(as_float, only="/locations/"))


@scenario("integreat")
def every_entry_twice(s: Story) -> None:
    """A join doubles the rows; both say the same."""
    _three_nights(s, faults.written(lambda entries: entries + entries, only="/locations/"), clean=True)


@scenario("integreat")
def one_id_for_two_places(s: Story) -> None:
    """Two different entries under the id of the last one."""

    def clash(entries: list[Any]) -> list[Any]:
        last = entries[-1]["location"]
        return [*entries[:-2], {**entries[-2], "location": last}, entries[-1]]

    _three_nights(s, faults.written(clash, only="/locations/"))


@scenario("integreat")
def series_come_as_single_dates(s: Story) -> None:
    """The server does not combine series any more: other ids, a night long, for every event."""

    def uncombined(_index: int, entry: Any) -> Any:
        return {**entry, "event": {**entry["event"], "id": None, "recurrence_id": 5}}

    _three_nights(s, faults.each(uncombined, only="/events/"))


@scenario("integreat")
def entries_in_another_order(s: Story) -> None:
    """No fault at all: lists have no order."""
    _three_nights(s, faults.written(lambda entries: entries[::-1], only="/de/"), clean=True)


@scenario("integreat")
def a_byte_order_mark(s: Story) -> None:
    """Three bytes before the array."""
    _three_nights(s, faults.body(lambda sent: b"\xef\xbb\xbf" + sent), clean=True)


@scenario("integreat")
def warnings_of_php_before_the_array(s: Story) -> None:
    """A notice of the server's language stands before the JSON."""
    _three_nights(s, faults.body(lambda sent: b"<br /><b>Warning</b>: Undefined index" + sent))


@scenario("integreat")
def an_array_in_an_envelope(s: Story) -> None:
    """A new version of the API wraps its lists."""
    _three_nights(s, faults.body(lambda sent: b'{"count": 40, "results": ' + sent + b"}"))
