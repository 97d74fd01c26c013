"""Walking an RPDE feed: what proves its end, and what stops it."""

from __future__ import annotations

import json

import pytest

from tests.connectors.rpde_feed import HOST, URL, connector, feed, gone, item, last_page
from verbund_connectors.kit import Item, Request
from verbund_connectors.rpde import RpdeSettings
from verbund_connectors.testing import pull


def walked(answers, **settings):
    return pull(connector(**settings), answers)


def the_end(answers, **settings):
    (end,) = walked(answers, **settings).ends
    return end


def page(following, *items):
    return json.dumps({"next": following, "items": list(items)}).encode()


def test_the_last_page_proves_that_this_was_all():
    end = the_end(feed([item("a", name="A")], [item("b", modified=2, name="B")]))
    assert (end.state, end.covers) == ("complete", "all")
    assert end.proof["last_page"] == f"{URL}?afterChangeNumber=2"
    assert end.proof["license"] == "https://creativecommons.org/licenses/by/4.0/"


def test_an_empty_page_with_another_next_is_not_the_end():
    answers = feed([item("a", name="A")], [], [item("b", modified=2, name="B")])
    result = walked(answers)
    assert [i.id for i in result.items] == ["a", "b"]
    assert result.ends[0].state == "complete"


def test_an_empty_feed_is_complete():
    assert the_end({URL: last_page(URL)}).state == "complete"


def test_the_next_pull_goes_on_at_the_end_and_covers_changes_only():
    first = walked(feed([item("a", name="A")]))
    changed = feed([item("b", modified=2, name="B")], url=f"{URL}?afterChangeNumber=1")
    second = pull(connector(), changed, cursors=first.cursors)
    assert [i.id for i in second.items] == ["b"]
    assert second.ends[0].covers == "changes"
    assert second.requests[0].url == f"{URL}?afterChangeNumber=1"


def test_a_cursor_of_another_feed_is_not_taken_up():
    (request,) = connector().begin({"feed": {"feed": f"{HOST}/other", "next": f"{HOST}/other?x=1"}})
    assert request.url == URL


def test_a_forgotten_position_makes_the_feed_start_again():
    cursors = {"feed": {"feed": URL, "next": f"{URL}?afterChangeNumber=77"}}
    result = pull(connector(), feed([item("a", name="A")]), cursors=cursors)
    assert [i.id for i in result.items] == ["a"]
    assert (result.ends[0].state, result.ends[0].covers) == ("complete", "all")


def test_the_page_limit_ends_the_pull_partial_and_the_next_one_goes_on():
    answers = feed(*([item(f"i{n}", modified=n, name="N")] for n in range(1, 6)))
    first = walked(answers, url=URL, max_pages=2)
    assert [i.id for i in first.items] == ["i1", "i2"]
    assert first.ends[0].state == "partial"
    assert first.ends[0].reasons == ("max_pages: stopped after 2 pages",)
    second = pull(connector(url=URL, max_pages=9), answers, cursors=first.cursors)
    assert [i.id for i in second.items] == ["i3", "i4", "i5"]


@pytest.mark.parametrize(
    ("following", "reason"),
    [
        ("/api/feed?afterChangeNumber=1", "next_relative"),
        ("https://elsewhere.example/api/feed?afterChangeNumber=1", "next_other_host"),
        (f"{HOST}:8443/api/feed?afterChangeNumber=1", "next_other_host"),
        ("http://sport.example/api/feed?afterChangeNumber=1", "next_other_host"),
        ("ftp://sport.example/api/feed", "next_unusable"),
        ("https://user@sport.example/api/feed", "next_unusable"),
        ("https://sport.example:abc/", "next_unusable"),
    ],
)
def test_a_next_that_leaves_the_feed_is_not_followed(following, reason):
    result = walked({URL: page(following, item("a", name="A"))})
    assert result.ends[0].state == "partial"
    assert result.ends[0].reasons == (reason,)
    assert len(result.requests) == 1
    assert not result.cursors


def test_a_next_may_move_to_https_on_the_same_host():
    end = the_end(
        {
            "http://sport.example/f": page("https://sport.example/f?a=1", item("a", name="A")),
            "https://sport.example/f?a=1": last_page("https://sport.example/f?a=1"),
        },
        url="http://sport.example/f",
    )
    assert end.state == "complete"


@pytest.mark.parametrize("length", [1, 2, 3, 7, 40])
def test_a_loop_of_any_length_ends_the_pull_partial(length):
    urls = [URL, *(f"{URL}?p={n}" for n in range(1, length))]
    answers = {url: page(urls[(n + 1) % length], item(f"i{n}", modified=n, name="N")) for n, url in enumerate(urls)}
    result = walked(answers)
    assert result.ends[0].state == "partial"
    assert len(result.requests) <= 4 * length + 4
    assert not result.cursors


def test_a_page_that_brings_the_same_item_again_under_a_new_address_ends_the_pull():
    answers = {URL: page(f"{URL}?n=1", item("a", name="A"))}
    answers |= {f"{URL}?n={n}": page(f"{URL}?n={n + 1}", item("a", name="A")) for n in range(1, 30)}
    result = walked(answers)
    assert result.ends[0].reasons[0].startswith("no_progress")
    assert len(result.requests) == 2


def test_versions_that_fall_from_page_to_page_leave_the_part_unproven():
    result = walked(feed([item("a", modified=5, name="A")], [item("b", modified=4, name="B")]))
    assert [i.id for i in result.items] == ["a", "b"]
    assert result.ends[0].state == "partial"
    assert result.ends[0].reasons == ("modified_not_rising",)
    assert not result.cursors


def test_versions_that_fall_within_a_page_leave_the_part_unproven():
    assert the_end(feed([item("a", modified=5, name="A"), item("b", modified=4, name="B")])).state == "partial"


def test_equal_versions_are_in_order():
    assert (
        the_end(
            feed([item("a", modified=5, name="A"), item("b", modified=5, name="B")], [item("c", modified=5, name="C")])
        ).state
        == "complete"
    )


def test_versions_beyond_what_a_float_holds_stay_exact():
    big = 2**60 + 1
    (only,) = walked(feed([item("a", modified=big, name="A")])).items
    assert only.modified == big


def test_ids_of_any_size_stay_exact():
    result = walked(
        feed([item(76121, name="A"), item(10**30 + 7, modified=2, name="B"), item("{c15814e5}", modified=3, name="C")])
    )
    assert [i.id for i in result.items] == ["76121", str(10**30 + 7), "{c15814e5}"]


def test_a_version_beyond_64_bits_is_left_out_and_the_item_stays():
    (only,) = walked(feed([item("a", modified=2**70, name="A")])).items
    assert only.modified is None


def test_an_item_without_id_is_reported_with_its_place_and_suspends_absence():
    entry = item("x", name="A")
    del entry["id"]
    result = walked(feed([item("a", name="A"), entry, "nonsense", {**entry, "id": " "}, {**entry, "id": True}]))
    assert [(b.rule, b.place) for b in result.broken] == [
        ("key_missing", "page 1, items[1]"),
        ("wrong_type", "page 1, items[2]"),
        ("key_missing", "page 1, items[3]"),
        ("key_missing", "page 1, items[4]"),
    ]
    assert [i.id for i in result.items] == ["a"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"<html>log in</html>", "log_in_page"),
        (b"[]", "not_a_feed"),
        (b'{"items": []}', "not_a_feed"),
        (b'{"next": "x"}', "not_a_feed"),
        (b'{"next": "x", "items": {}}', "not_a_feed"),
        (b'{"next": "https://sport.example/", "items": [', "not_json"),
        (b'{"next": "x", "items": [NaN]}', "not_json"),
        (b'{"next": "x", "items": ["\xe4"]}', "not_json"),
        (b'{"next": "x", "items": ["\\ud800"]}', "not_json"),
    ],
)
def test_an_answer_that_is_no_feed_fails_its_part_with_the_reason(body, reason):
    result = walked({URL: body})
    assert result.failed == {"feed": reason}
    assert not result.ends


def test_a_server_that_declares_another_encoding_is_believed():
    body = json.dumps({"next": URL, "items": [item("a", name="Übung")]}, ensure_ascii=False).encode("cp1252")
    result = pull(connector(), {URL: body}, headers={"content-type": "application/json; charset=windows-1252"})
    assert result.items[0].data["name"] == "Übung"


def test_the_state_of_a_walk_does_not_grow():
    answers = feed(*([item(f"i{n}", modified=n, name="N")] for n in range(1, 200)))
    sizes = [len(json.dumps(dict(request.state))) for request in walked(answers).requests]
    assert max(sizes) < 400


def test_a_deletion_keeps_its_version():
    (only,) = walked(feed([gone("a", modified=12)])).items
    assert (only.deleted, only.modified) == (True, 12)


def test_reading_a_page_asks_for_the_next_one_only_at_its_end():
    outputs = []
    made = connector()
    answers = feed([item("a", name="A")])
    result = pull(made, answers)
    outputs = [*result.items, *result.requests]
    assert isinstance(outputs[0], Item)
    assert isinstance(outputs[-1], Request)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": URL, "urls": {"a": URL}},
        {"url": "ftp://x"},
        {"urls": {"a": "x"}},
        {"url": URL, "max_pages": 0},
        {"url": URL, "maxpages": 3},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(ValueError):
        RpdeSettings(**settings)
