"""Two crawls of a real CMS: exactly the changes that its README lists, and nothing on the third pull."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.ingest.conftest import World, balanced
from tests.ingest.snapshots import serve_snapshot
from verbund.ingest.source_file import SourceFile
from verbund.ingest.source_loading import load_source
from verbund_connectors.integreat import Integreat


def source_of(world: World, extra: str = "") -> SourceFile:
    path: Path = world.folder / "integreat.yaml"
    path.write_text(
        'source: augsburg\ndistrict: "09772"\nconnector: integreat\nlicence: CC0-1.0\n'
        f"with:\n  base_url: {world.server.url}\n  region: landkreis-augsburg\n  pages: {{roots: [/landkreis-augsburg/de/]}}\n"
        f"{extra}",
        encoding="utf-8",
    )
    return load_source(path, connectors={"integreat": Integreat}, environ={})


def pull(world: World, number: int, extra: str = "") -> dict[str, Any]:
    serve_snapshot(world.server, number)
    return world.ingest.apply(source_of(world, extra)).document


def changed(world: World, before: int) -> set[tuple[str, str]]:
    """Type and record key of the events about offers since then."""
    found = set()
    for event in [event for event in world.events() if event.topic == "inventory.09772"][before:]:
        said = event.data.get("offer", event.data)
        if event.type.startswith("Offer"):
            found.add((event.type, said["record_key"]))
    return found


def count(world: World) -> int:
    return len([event for event in world.events() if event.topic == "inventory.09772"])


def test_the_first_crawl_arrives_whole(world: World) -> None:
    run = pull(world, 1)
    assert run["outcome"] == "complete", run["completeness"]
    assert balanced(run["counts"])
    assert run["counts"]["rejected"] == 0
    assert run["counts"]["ignored"] == 1, "a page without text is none of ours"
    assert run["counts"]["published"] + 1 == run["counts"]["delivered"]


def test_the_second_crawl_brings_exactly_the_listed_changes(world: World) -> None:
    pull(world, 1)
    before = count(world)
    run = pull(world, 2)
    assert (
        changed(world, before)
        == {
            ("OfferRevised", "event/1"),  # moved by one week
            ("OfferMissed", "event/2"),  # archived
            ("OfferMissed", "event/7"),  # deleted
            ("OfferRevised", "event/3"),  # renamed
            ("OfferRevised", "event/5"),  # English translation added
            ("OfferRevised", "event/6"),  # the address of place 2 inside it
            ("OfferRevised", "place/1"),  # closed for a time; its contact is its own event
            ("OfferRevised", "place/2"),  # address
            ("OfferRevised", "place/3"),  # category renamed
            ("OfferMissed", "offer/lehrstellen-beispiel"),
        }
        | PAGE_CHANGES
    )
    assert run["related"]["contacts"]["revised"] == 1
    assert balanced(run["counts"])


# The page /arbeit/ got a new slug: the same page under its lasting key, with another address.
PAGE_CHANGES: set[tuple[str, str]] = {("OfferRevised", "page/landkreis-augsburg/de/arbeit")}


def test_a_third_pull_of_the_same_appends_one_event(world: World) -> None:
    pull(world, 1)
    pull(world, 2)
    before = len(world.events())
    run = pull(world, 2)
    assert [event.type for event in world.events() if event.topic == "runs.09772"][-1] == "RunFinished"
    assert len(world.events()) == before + 1
    assert run["counts"]["unchanged"] + run["counts"]["ignored"] == run["counts"]["delivered"]
