"""Between a question and its answer: nobody there, and feeds that do not stand still meanwhile."""

from __future__ import annotations

from datetime import timedelta

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Story


@scenario("integreat", "csv")
def half_is_missing_for_three_weeks_and_nobody_is_there(s: Story) -> None:
    """Questions expire unanswered; no answer is no consent."""
    s.night()
    s.ends(2)
    for _ in range(7):
        s.night(faults.only_share(0.5), after=timedelta(days=3), attended=False)


@scenario("integreat", "csv")
def the_season_ends_and_nobody_is_there_for_three_weeks(s: Story) -> None:
    """When somebody comes back, the question is still there."""
    s.night()
    s.ends(list(s.truth)[:30])
    for _ in range(7):
        s.night(after=timedelta(days=3), attended=False)


@scenario("integreat", "csv")
def empty_for_three_weeks_and_nobody_is_there(s: Story) -> None:
    """The same with nothing at all."""
    s.night()
    s.ends(2)
    for _ in range(7):
        s.night(faults.none_at_all(), after=timedelta(days=3), attended=False)


@scenario("integreat", "csv")
def half_is_missing_and_then_three_quarters(s: Story) -> None:
    """Rejected, and the fault grows."""
    s.night()
    s.nights(2, faults.only_share(0.5))
    s.nights(2, faults.only_share(0.25))
    s.night(faults.only_share(0.5))
    s.night()
    s.ends(2)


@scenario("integreat", "csv")
def half_ends_in_truth_and_the_next_night_half_of_the_rest_is_missing(s: Story) -> None:
    """An answer holds for the set that was seen, not for the night in which it is carried out."""
    s.night()
    s.ends(20)
    s.night()
    s.night(faults.only_share(0.5))


@scenario("integreat", "csv")
def half_ends_in_truth_and_the_next_nights_fail(s: Story) -> None:
    """An answer waits for the next complete pull."""
    s.night()
    s.ends(20)
    s.night()
    s.nights(3, faults.answers(500))


@scenario("integreat", "csv")
def a_rejected_fault_ends_piece_by_piece(s: Story) -> None:
    """Half missing, rejected; a fifth of it comes back every night; two of it never do, in truth."""
    s.night()
    keys = list(s.truth)
    s.night(faults.only_share(0.5))
    s.ends(keys[-2:])
    for share in (0.6, 0.7, 0.8, 0.9):
        s.night(faults.only_share(share * len(keys) / (len(keys) - 2)))


@scenario("csv", "integreat")
def ids_are_new_and_four_offers_end_at_the_same_time(s: Story) -> None:
    """A new site that left four behind."""
    s.night()
    s.ends(4)
    s.renames(list(s.truth), faults.plus_a_million)
    s.nights(2)


@scenario("csv")
def another_key_column_in_the_settings(s: Story) -> None:
    """A person finds that titles are the better keys; the offers are the same."""
    s.night()
    titles = {key: record.title for key, record in s.truth.items()}
    s.edit(key=["Titel"])
    s.renames(list(s.truth), titles.__getitem__)
    back = {title: key for key, title in titles.items()}
    s.nights(3, faults.renamed(lambda key: back.get(key, key)), clean=True)
    s.renames(list(s.truth), back.__getitem__)
    s.edit(key=["ID"])
    s.nights(2)


@scenario("csv")
def a_column_taken_out_of_the_settings(s: Story) -> None:
    """A person drops the descriptions; that is no fault of the feed and needs no asking."""
    s.night()
    kept = {field: column for field, column in s.source["with"]["map"].items() if field != "description"}
    s.edit(map=kept)
    s.changes(len(s.truth), text="")
    s.nights(2)


@scenario("integreat", "csv", "rpde")
def a_good_night_between_two_kinds_of_fault(s: Story) -> None:
    """Blank, whole, half, whole, renamed, whole: each is asked about and none leaves a trace."""
    s.night()
    s.ends(1)
    s.night(faults.rewritten(lambda record: faults.replaced(record, text="")))
    s.night()
    s.night(faults.only_share(0.4))
    s.ends(1)
    s.night()
    s.night(faults.renamed(faults.plus_a_million))
    s.night()
