"""Withdrawal by hand: the offer goes at once, its content stays away until it changes or a person lets it in again."""

from __future__ import annotations

from typing import Any

from tests.ingest.conftest import World, balanced
from verbund.ingest.asking import Asking


def asking(world: World) -> Asking:
    return Asking(world.log, clock=lambda: world.now, by="test")


def seen(world: World, key: str) -> dict[str, Any]:
    """What a person who looks at an offer sees of it."""
    offers = [event.data["offer"] for event in world.events() if event.type in ("OfferPublished", "OfferRevised")]
    return next(offer for offer in reversed(offers) if offer["record_key"] == key)


def states(world: World) -> dict[str, str]:
    """Title of each offer that is shown, by record."""
    shown: dict[str, tuple[str, str]] = {}
    for event in world.events():
        if event.type in ("OfferPublished", "OfferRevised"):
            offer = event.data["offer"]
            shown[event.subject] = (offer["record_key"], offer["texts"]["de"]["title"])
        elif event.type == "OfferRekeyed" and event.subject in shown:
            shown[event.subject] = (event.data["record_key"], shown[event.subject][1])
        elif event.type == "OfferWithdrawn":
            shown.pop(event.subject, None)
    return dict(shown.values())


def record(key: str, title: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "title": title, **more}


def withdrawn(world: World) -> str:
    """Two offers, one of which a person withdrew; its id."""
    world.serve(record("a", "Kurs A"), record("b", "Kurs B", organisation="Verein", contacts=["x@example.org"]))
    world.apply()
    offer = seen(world, "b")
    world.tomorrow()
    asking(world).withdraw(offer, note="Der Raum ist geschlossen.")
    (done,) = world.ingest.carry_out_decisions(world.source())
    assert done["type"] == "WithdrawnByHand"
    return str(offer["offer_id"])


def test_it_goes_at_once_without_a_pull(world: World) -> None:
    runs = world.types().count("RunFinished")
    withdrawn(world)
    assert states(world) == {"a": "Kurs A"}
    assert world.types().count("RunFinished") == runs + 1, "only the pull before is reported"
    gone = next(event for event in world.events() if event.type == "OfferWithdrawn")
    assert (gone.data["reason"], gone.data["content_hash"]) == ("by_hand", seen(world, "b")["content_hash"])
    assert {"OrganisationWithdrawn", "ContactWithdrawn"} <= set(world.types()), "nobody refers to them any more"


def test_the_same_content_is_ignored_by_every_later_pull(world: World) -> None:
    withdrawn(world)
    for text in ("", 'title: "Noch einmal alles gelesen"\n'):
        world.tomorrow()
        counts = world.apply(text)["counts"]
        assert (counts["ignored"], counts["unchanged"], counts["published"]) == (1, 1, 0)
        assert balanced(counts)
    assert states(world) == {"a": "Kurs A"}
    assert world.types().count("OrganisationPublished") == 1
    why = world.ingest.why("enr-list", "b")
    assert (why["outcome"], why["because"]) == ("ignored", "refused")
    (refusal,) = why["refusals"]
    assert (refusal["by"], refusal["note"], refusal["decision"]) == (
        "test",
        "Der Raum ist geschlossen.",
        "WithdrawnByHand",
    )


def test_why_says_so_before_the_next_pull(world: World) -> None:
    withdrawn(world)
    why = world.ingest.why("enr-list", "b")
    assert (why["outcome"], why["because"]) == ("ignored", "refused")


def test_a_lost_memory_changes_nothing(world: World) -> None:
    withdrawn(world)
    world.ingest = world.new_ingest("another.db")
    world.tomorrow()
    assert world.ingest.carry_out_decisions(world.source())[0]["events"] == 0
    assert world.apply()["counts"]["ignored"] == 1
    assert states(world) == {"a": "Kurs A"}


def test_a_changed_content_comes_again(world: World) -> None:
    withdrawn(world)
    world.tomorrow()
    world.serve(record("a", "Kurs A"), record("b", "Kurs B in einem anderen Raum"))
    assert world.apply()["counts"]["reopened"] == 1
    assert states(world)["b"] == "Kurs B in einem anderen Raum"
    world.tomorrow()
    world.serve(record("a", "Kurs A"), record("b", "Kurs B", organisation="Verein", contacts=["x@example.org"]))
    assert world.apply()["counts"]["ignored"] == 1, "back to what was refused: the last good version stays"
    assert states(world)["b"] == "Kurs B in einem anderen Raum"


def test_a_lifted_refusal_lets_it_in_with_the_next_run(world: World) -> None:
    ident = withdrawn(world)
    world.tomorrow()
    world.apply()
    refusals = world.ingest.refusals("enr-list", offer_id=ident)
    asking(world).lift(refusals)
    world.ingest.carry_out_decisions(world.source())
    assert world.ingest.refusals("enr-list") == []
    world.tomorrow()
    assert world.apply()["counts"]["reopened"] == 1
    assert states(world) == {"a": "Kurs A", "b": "Kurs B"}
    assert world.types().count("ContactPublished") == 2


def test_a_content_that_changed_meanwhile_is_not_what_the_person_saw(world: World) -> None:
    world.serve(record("a", "Kurs A"), record("b", "Kurs B"))
    world.apply()
    offer = seen(world, "b")
    world.tomorrow()
    world.serve(record("a", "Kurs A"), record("b", "Kurs B, jetzt richtig"))
    world.apply()
    asking(world).withdraw(offer)
    world.ingest.carry_out_decisions(world.source())
    assert states(world)["b"] == "Kurs B, jetzt richtig"
    assert world.types().count("ContentRefused") == 1


def test_a_run_carries_out_what_was_decided_elsewhere(world: World) -> None:
    world.serve(record("a", "Kurs A"), record("b", "Kurs B"))
    world.apply()
    asking(world).withdraw(seen(world, "b"))
    world.tomorrow()
    assert world.apply()["counts"]["ignored"] == 1
    assert states(world) == {"a": "Kurs A"}


def test_a_refused_record_that_is_missing_or_over_goes_like_any_other(world: World) -> None:
    world.serve(record("a", "Kurs A"), record("b", "Kurs B"))
    world.apply()
    world.tomorrow()
    world.serve(record("a", "Kurs A"), record("b", "Kurs B, neu"))
    world.apply()
    asking(world).withdraw(seen(world, "b"))
    world.ingest.carry_out_decisions(world.source())
    for _ in range(4):
        world.tomorrow(2)
        world.serve(record("a", "Kurs A"))
        assert balanced(world.apply()["counts"])
    assert states(world) == {"a": "Kurs A"}
    assert world.types().count("OfferWithdrawn") == 1
