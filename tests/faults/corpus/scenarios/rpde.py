"""Faults of an OpenActive feed: pages, tombstones, order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.faults.corpus import faults
from tests.faults.corpus.publishers import RpdeFeed
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Answer, Fault, Reply, Serve, Story

FIRST = RpdeFeed.url


def _nights(s: Story, *fault: Fault, nights: int = 3, **how: Any) -> None:
    s.night()
    s.ends(2)
    s.nights(nights, *fault, **how)


def _saved_again(s: Story, *fault: Fault) -> None:
    """Two offers end; then the publisher saves everything anew, wrongly, and two nights later rightly."""
    feed = s.publisher
    assert isinstance(feed, RpdeFeed)
    s.night()
    s.ends(2)
    s.night()
    feed.touch()
    s.nights(2, *fault)
    feed.touch()


def _page(change: Any) -> Fault:
    """Each page as a JSON object, changed."""

    def other(url: str, answer: Answer) -> Answer:
        if not isinstance(answer, Reply):
            return answer
        return replace(answer, body=json.dumps(change(url, json.loads(answer.body))).encode())

    return faults.on_the_way(other)


def _restart() -> Fault:
    """Positions are forgotten: whoever goes on from one must read everything again."""
    return Fault(wire=lambda serve: lambda url: serve(url) if _began_anew(url) else Reply(status=410))


def _began_anew(url: str) -> bool:
    return url == FIRST or "walk=2" in url


def _second_walk() -> Fault:
    """After `_restart`: pages of the new walk name each other so that they can be told from old positions."""

    def change(_url: str, page: Any) -> Any:
        mark = "&walk=2" if "?" in page["next"] else ""
        return {**page, "next": page["next"] + ("" if "walk=2" in page["next"] else mark)}

    return _page(change)


@scenario("rpde")
def positions_forgotten(s: Story) -> None:
    """410 for every old position: the whole feed is read again, and says the same."""
    _nights(s, _second_walk(), _restart(), nights=2, clean=True)


@scenario("rpde", records=70)
def positions_forgotten_and_one_page_missing(s: Story) -> None:
    """Read again from the start, and twenty items are not in it: without a tombstone nothing is gone."""
    _nights(s, faults.written(lambda items: items[:20] + items[40:]), _second_walk(), _restart(), nights=2)


@scenario("rpde", records=70)
def positions_forgotten_and_only_half_there(s: Story) -> None:
    """Read again from the start of a feed that was cut in two."""
    _nights(s, faults.written(lambda items: items[: len(items) // 2]), _second_walk(), _restart(), nights=2)


@scenario("rpde")
def positions_forgotten_and_nothing_there(s: Story) -> None:
    """Read again from the start of an empty feed."""
    _nights(s, faults.written(lambda _items: []), _second_walk(), _restart(), nights=2)


@scenario("rpde", records=70, removal="full-list")
def full_list_and_one_page_missing(s: Story) -> None:
    """The source file lets absence count, and a page is lost in two whole walks."""
    s.night()
    lost = faults.written(lambda items: items[:20] + items[40:])
    s.nights(2, lost, _second_walk(), _restart())
    s.nights(2, _second_walk(), _restart(), clean=True)


@scenario("rpde")
def tombstones_are_never_sent(s: Story) -> None:
    """Two offers leave the feed without a word: nothing shows that they are gone, so nothing is taken away."""
    s.night()
    s.ends(2)
    dead = faults.each(lambda _i, item: None if item["state"] == "deleted" else item)
    s.nights(3, dead)
    s.ends(1)


@scenario("rpde")
def tombstones_twice(s: Story) -> None:
    """The same deletion two times on a page."""
    twice = faults.written(lambda items: [i for item in items for i in [item] * (1 + (item["state"] == "deleted"))])
    _nights(s, twice, clean=True)


@scenario("rpde")
def tombstones_with_data(s: Story) -> None:
    """Deletions that carry the last version of the thing."""
    data = {"@type": "SessionSeries", "name": "Kurs", "description": "war einmal"}
    _nights(s, faults.each(lambda _i, item: {"data": data, **item} if item["state"] == "deleted" else item), clean=True)


@scenario("rpde")
def an_old_tombstone_before_a_new_version(s: Story) -> None:
    """Deleted, and taken up again: the later version counts, whatever the page's order says."""
    s.night()
    before = dict(s.truth)
    gone = s.ends(2)
    s.nights(2)
    s.returns({key: before[key] for key in gone})
    old = [{"state": "deleted", "kind": "SessionSeries", "id": key, "modified": 7} for key in gone]
    s.nights(2, faults.written(lambda items: items + old), clean=None)


@scenario("rpde")
def everything_declared_deleted_for_a_night(s: Story) -> None:
    """A publisher rebuilds its table: all deleted, then all there again."""
    _nights(s, faults.none_at_all(), nights=1)


@scenario("rpde")
def a_fifth_declared_deleted_for_a_night(s: Story) -> None:
    """Eight tombstones for offers that exist."""
    s.night()
    s.ends(1)
    s.night(faults.only_share(0.8))


@scenario("rpde")
def items_out_of_order(s: Story) -> None:
    """Newest first, inside every page."""
    _nights(s, _page(lambda _url, page: {**page, "items": page["items"][::-1]}))


@scenario("rpde")
def modified_goes_backwards(s: Story) -> None:
    """Every version is older than what was told before, and the words are last year's."""

    def older(_index: int, item: Any) -> Any:
        data = {**item.get("data", {}), "name": "Alter Name"}
        return {**item, "modified": item["modified"] - 900, **({"data": data} if "data" in item else {})}

    _nights(s, faults.each(older), _second_walk(), _restart())


@scenario("rpde")
def versions_are_counted_anew_from_zero(s: Story) -> None:
    """A moved server begins its count again, for good: old positions lie beyond everything that will ever come."""
    s.night()
    feed = s.publisher
    assert isinstance(feed, RpdeFeed)
    feed.items.clear()
    feed.modified = 0
    s.ends(2)
    s.begins(1)
    s.nights(9)


@scenario("rpde")
def the_same_page_for_ever(s: Story) -> None:
    """Each `next` is new, and leads to the same items."""

    def endless(serve: Serve) -> Serve:
        def answer(url: str) -> Answer:
            page = json.loads(serve(FIRST).body)  # type: ignore[union-attr]  # the made-up server answers
            number = int(url.rpartition("=")[2]) + 1 if "?page=" in url else 1
            return Reply(body=json.dumps({**page, "next": f"{FIRST}?page={number}"}).encode())

        return answer

    _nights(s, Fault(wire=endless))


@scenario("rpde")
def pages_in_a_circle(s: Story) -> None:
    """The last page leads back to the first."""
    _nights(s, _page(lambda _url, page: page if page["items"] else {**page, "next": FIRST}))


@scenario("rpde", records=70)
def the_first_page_again_and_again_on_the_first_walk(s: Story) -> None:
    """A cache ignores the query: the first walk never gets past page one."""
    s.nights(2, Fault(wire=lambda serve: lambda _url: serve(FIRST)))
    s.ends(2)


@scenario("rpde")
def next_on_another_host(s: Story) -> None:
    """The feed leads away."""
    _nights(s, _page(lambda _url, page: {**page, "next": page["next"].replace("feed.example", "other.example")}))


@scenario("rpde")
def next_is_missing(s: Story) -> None:
    """Items without `next`."""
    _nights(s, _page(lambda _url, page: {"items": page["items"]}))


@scenario("rpde")
def next_is_empty(s: Story) -> None:
    """`next` is an empty text."""
    _nights(s, _page(lambda _url, page: {**page, "next": ""}))


@scenario("rpde", tolerates="nothing says that the old ids are over, so the offers stand there twice")
def ids_as_numbers(s: Story) -> None:
    """Ids that were texts are numbers now, with nothing of the text in them: other ids, for two nights."""
    number = faults.each(lambda _i, item: {**item, "id": int(item["id"].rpartition("-")[2])})
    _saved_again(s, number)


@scenario("rpde")
def ids_with_blanks_around(s: Story) -> None:
    """Blanks are no part of an id."""
    padded = faults.each(lambda _i, item: {**item, "id": f" {item['id']} "})
    _saved_again(s, padded)


@scenario("rpde")
def items_without_id(s: Story) -> None:
    """Every third item has none."""
    _nights(
        s,
        faults.each(lambda i, item: {**item, "id": None} if i % 3 == 0 else item),
        _second_walk(),
        _restart(),
        nights=2,
    )


@scenario("rpde")
def updated_items_without_data(s: Story) -> None:
    """All updated again, and empty: no deletion, and no new version either."""
    bare = faults.each(lambda _i, item: {**item, "data": None} if item["state"] == "updated" else item)
    _saved_again(s, bare)


@scenario("rpde")
def a_state_that_nobody_knows(s: Story) -> None:
    """`archived` is neither updated nor deleted."""
    odd = faults.each(lambda i, item: {**item, "state": "archived"} if i % 2 else item)
    _saved_again(s, odd)


@scenario("rpde")
def things_of_another_kind(s: Story) -> None:
    """Every item claims to be a slot of a facility."""
    other = faults.each(
        lambda _i, item: {
            **item,
            "kind": "Slot",
            **({"data": {**item["data"], "@type": "Slot"}} if "data" in item else {}),
        }
    )
    _saved_again(s, other)
