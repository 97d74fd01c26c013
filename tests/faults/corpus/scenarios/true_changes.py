"""Great changes that are true: whoever guards must let them through, too."""

from __future__ import annotations

from datetime import timedelta

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Story

ALL = ("integreat", "rpde", "csv", "xlsx")


@scenario(*ALL)
def nothing_goes_wrong_and_two_offers_end(s: Story) -> None:
    """The plain life: two offers end, one begins, one changes."""
    s.night()
    s.ends(2)
    s.begins(1)
    s.changes(1)


@scenario(*ALL)
def the_season_ends(s: Story) -> None:
    """Everything is over for good."""
    s.night()
    s.ends(len(s.truth))


@scenario("integreat", "csv")
def the_season_ends_and_the_next_begins(s: Story) -> None:
    """Everything over; a month later it is all back under the old ids."""
    s.night()
    before = dict(s.truth)
    s.ends(len(s.truth))
    s.nights(4)
    s.night(after=timedelta(days=28))
    s.returns(before)


@scenario(*ALL)
def half_ends_for_good(s: Story) -> None:
    """A provider closes."""
    s.night()
    s.ends(20)


@scenario("integreat", "csv", "rpde")
def half_ends_and_a_part_comes_back(s: Story) -> None:
    """Between question and answer, five are taken up again."""
    s.night()
    before = dict(s.truth)
    gone = s.ends(20)
    s.night()
    s.returns({key: before[key] for key in gone[:5]})


@scenario("integreat", "csv")
def one_ends_every_night(s: Story) -> None:
    """Ten nights, ten ends, all true: more than the guard lets through without asking."""
    s.night()
    for _ in range(10):
        s.ends(1)
        s.night()


@scenario("integreat", "csv", records=5)
def a_small_source_truly_loses_two(s: Story) -> None:
    """Five offers, two of them over."""
    s.night()
    s.ends(2)


@scenario("csv", "rpde")
def all_cancelled_in_truth(s: Story) -> None:
    """The hall burnt down: every course says that it does not take place."""
    s.nights(2)
    records = dict(s.truth)
    s.ends(len(records))
    said = [faults.replaced(record, cancelled=True) for record in records.values()]
    s.nights(4, faults.lists(lambda _records: said), clean=True)


@scenario("integreat", "csv", "rpde")
def three_times_as_many(s: Story) -> None:
    """The autumn programme is out."""
    s.night()
    s.begins(80)
    s.ends(2)


@scenario("integreat", "csv", "rpde")
def every_title_changes(s: Story) -> None:
    """A new naming scheme."""
    s.night()
    s.changes(len(s.truth))
    s.ends(1)


@scenario("integreat", "csv", "rpde")
def every_offer_has_a_new_id_for_good(s: Story) -> None:
    """The site was built anew; the offers are the same."""
    s.night()
    s.renames(list(s.truth), faults.plus_a_million)


@scenario("integreat", "csv", "rpde")
def half_of_the_offers_have_new_ids_for_good(s: Story) -> None:
    """One of two systems was replaced."""
    s.night()
    s.renames(list(s.truth)[:20], faults.plus_a_million)


@scenario("integreat", "csv", "rpde")
def a_wholly_other_programme(s: Story) -> None:
    """All old offers over, as many new ones that have nothing in common with them."""
    s.night()
    s.ends(len(s.truth))
    s.begins(40)


@scenario("integreat", "csv")
def ended_offers_return_one_by_one(s: Story) -> None:
    """Withdrawn by right, back by right."""
    s.night()
    before = dict(s.truth)
    gone = s.ends(3)
    s.nights(3)
    for key in gone:
        s.returns({key: before[key]})
        s.night()


@scenario("integreat", "csv", "rpde")
def offers_end_by_their_own_date(s: Story) -> None:
    """Three offers have a last day, and are not listed any more after it."""
    keys = s.begins(3, last_day="2026-09-10")
    s.nights(3)
    s.ends([key for key in keys if key in s.truth])


@scenario("csv", "rpde")
def past_offers_stay_in_the_list(s: Story) -> None:
    """Nobody tidies up: three offers are over by date and still delivered."""
    s.begins(3, last_day="2026-09-10")
    s.nights(3)
    s.ends(2)


@scenario("integreat", "csv")
def the_day_of_the_clock_change(s: Story) -> None:
    """Three offers are missing at noon on both sides of the change to summer time: 24 hours by the clock on the wall,
    23 in truth, and that is no day."""
    s.night(after=timedelta(days=200, hours=8))  # 26 March 2027, noon
    keys = list(s.truth)[-3:]
    s.ends(1)
    s.night(faults.without(keys))
    s.night(faults.without(keys), after=timedelta(hours=23))
