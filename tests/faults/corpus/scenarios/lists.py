"""The list that a source delivers is not the list of what there is."""

from __future__ import annotations

from datetime import timedelta

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Story

LISTS = ("integreat", "csv")
HOUR = timedelta(hours=1)


@scenario(*LISTS)
def empty_for_one_night(s: Story) -> None:
    """The list is well formed and holds nothing; two offers truly end at that time."""
    s.night()
    s.ends(2)
    s.night(faults.none_at_all())


@scenario("integreat", "csv")
def empty_for_a_week(s: Story) -> None:
    """Somebody emptied the wrong table, and is on holiday."""
    s.night()
    s.ends(2)
    s.nights(7, faults.none_at_all())


@scenario("integreat", "csv", "rpde")
def empty_every_second_night(s: Story) -> None:
    """Two servers behind one name, one of them without data."""
    s.night()
    s.ends(1)
    for _ in range(4):
        s.night(faults.none_at_all())
        s.night()


@scenario(*LISTS)
def half_for_two_nights(s: Story) -> None:
    """The second half is missing, two nights running, which is longer than the grace time."""
    s.night()
    s.ends(2)
    s.nights(2, faults.only_share(0.5))


@scenario("rpde")
def half_is_declared_deleted_and_comes_back(s: Story) -> None:
    """An import of the publisher fails half-way: real tombstones for offers that exist."""
    s.night()
    s.ends(2)
    s.nights(2, faults.only_share(0.5))


@scenario("integreat", "csv")
def half_then_full_then_half(s: Story) -> None:
    """What came back must be asked about again when it goes again."""
    s.night()
    s.nights(2, faults.only_share(0.5))
    s.ends(1)
    s.nights(2)
    s.nights(2, faults.only_share(0.5))


@scenario("integreat", "csv")
def a_quarter_is_missing_for_a_week(s: Story) -> None:
    """One of four pages of the export is lost, and two offers of the others end."""
    s.night()
    s.ends(2)
    s.nights(7, faults.only_share(0.75))


@scenario("integreat", "csv")
def another_tenth_is_missing_every_night(s: Story) -> None:
    """Pages without a stable order: each night other offers fall between two pages."""
    s.night()
    s.ends(1)
    keys = list(s.truth)
    for night in range(6):
        s.night(faults.without(keys[night * 4 : night * 4 + 4]))


@scenario("integreat", "csv")
def nine_in_a_hundred_vanish_every_night_for_a_week(s: Story) -> None:
    """A slow bleeding under every limit of a single night."""
    s.night()
    keys = list(s.truth)
    s.ends(keys[:1])
    for night in range(1, 8):
        s.night(faults.only_share(0.91**night))


@scenario("integreat", "csv", records=6)
def a_small_source_loses_one_a_night(s: Story) -> None:
    """Six offers, and each night one less, although all exist."""
    s.night()
    for left in (5, 4, 3, 2):
        s.night(faults.only_share((left + 0.5) / 6))
    s.night()
    s.ends(1)


@scenario("integreat", "csv", records=3)
def a_tiny_source_is_empty_for_two_nights(s: Story) -> None:
    """Three offers are not too few to lose."""
    s.night()
    s.nights(2, faults.none_at_all())
    s.ends(1)


@scenario("integreat", "csv")
def one_offer_is_missing_for_one_night(s: Story) -> None:
    """Saved as a draft and published again in the morning."""
    s.night()
    key = next(reversed(s.truth))
    s.ends(2)
    s.night(faults.without([key]))


@scenario("integreat", "csv")
def missing_in_five_pulls_of_one_afternoon(s: Story) -> None:
    """Hourly pulls: many misses, few hours."""
    s.night()
    keys = list(s.truth)[-3:]
    s.ends(1)
    s.nights(5, faults.without(keys), after=HOUR)
    s.night(after=HOUR)


@scenario("integreat", "csv")
def the_first_pull_brings_only_half(s: Story) -> None:
    """A new source is half there, and whole a day later."""
    s.night(faults.only_share(0.5))
    s.ends(1)


@scenario("integreat", "csv", "rpde")
def feed_of_another_district(s: Story) -> None:
    """A mistyped name on the publisher's side: the whole list of the neighbour."""
    s.night()
    s.ends(2)
    s.nights(2, faults.of_another_district())


@scenario("csv", "integreat")
def the_neighbours_list_is_appended_to_ours(s: Story) -> None:
    """A join without condition: ours is all there, with twice as many of others."""
    s.night()
    s.ends(1)
    s.nights(2, faults.lists(lambda records: records + faults.strangers(records, 90)))


@scenario(*LISTS, "rpde")
def all_ids_renamed_for_one_night(s: Story) -> None:
    """A restored database numbers everything anew, and is put right the day after."""
    s.night()
    s.ends(2)
    s.night(faults.renamed(faults.plus_a_million))


@scenario("integreat", "csv")
def all_ids_renamed_for_three_nights(s: Story) -> None:
    """The same for longer than the grace time."""
    s.night()
    s.ends(2)
    s.nights(3, faults.renamed(faults.plus_a_million))


@scenario("integreat", "csv", tolerates="a third with new ids is below the limit of the guard, the new ones are shown")
def a_third_of_the_ids_renamed_for_three_nights(s: Story) -> None:
    """One of three tables was numbered anew."""
    s.night()
    s.ends(2)
    s.nights(3, faults.renamed(faults.plus_a_million, share=0.33))


@scenario("integreat", "csv")
def other_ids_every_night(s: Story) -> None:
    """Row numbers are given out as ids: each night everything is new."""
    s.night()
    s.ends(1)
    for night in range(1, 5):

        def moved(key: str, night: int = night) -> str:
            digits = key.rpartition("-")[2].rpartition("/")[2]
            return key.removesuffix(digits) + str(int(digits) + 5_000 * night)

        s.night(faults.renamed(moved))


@scenario("integreat", "csv", "rpde")
def the_same_answer_for_ever(s: Story) -> None:
    """A cache that nobody empties: 304 for ten nights, while the world moves on."""
    s.night()
    stuck = s.steps[-1].serve
    s.ends(2)
    s.begins(1)
    s.nights(10, faults.frozen(stuck))


@scenario("integreat", "csv")
def an_old_copy_for_three_nights(s: Story) -> None:
    """A cache wakes up and delivers last week's list: ended offers are back, new ones gone."""
    s.night()
    old = s.steps[-1].serve
    s.ends(2)
    s.nights(3)
    s.begins(6)
    s.nights(2)
    s.nights(3, faults.frozen(old))


@scenario("integreat", "csv")
def half_missing_then_the_same_half_ends_in_truth(s: Story) -> None:
    """Rejected in the first week, true in the third: an old no is no answer to a new question."""
    s.night()
    s.nights(2, faults.only_share(0.5))
    s.nights(2)
    s.night(after=timedelta(days=8))
    s.ends(list(s.truth)[20:])


@scenario("integreat", "csv")
def six_end_while_half_is_missing(s: Story) -> None:
    """The run after the fault removes exactly the right set."""
    s.night()
    s.ends(list(s.truth)[::7])
    s.nights(3, faults.only_share(0.6))
