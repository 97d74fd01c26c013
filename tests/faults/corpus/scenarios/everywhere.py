"""Faults that any kind of feed can have."""

from __future__ import annotations

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Story

ALL = ("integreat", "rpde", "csv", "xlsx")


@scenario(*ALL)
def nothing_goes_wrong_and_two_offers_end(s: Story) -> None:
    """The plain life: nothing changes, two offers end, one begins."""
    s.nights(2)
    s.ends(2)
    s.begins(1)
    s.nights(2)


@scenario("integreat", "csv", "xlsx")
def empty_for_one_night(s: Story) -> None:
    """The list is well formed and holds nothing; two offers truly end at that time."""
    s.nights(2)
    s.ends(2)
    s.night(faults.none_at_all())
    s.nights(2)


@scenario("integreat", "csv", "xlsx")
def half_for_two_nights(s: Story) -> None:
    """Every second half is missing, twice."""
    s.nights(2)
    s.ends(2)
    s.nights(2, faults.only_share(0.5))
    s.nights(2)


@scenario(*ALL)
def an_error_page_with_status_200(s: Story) -> None:
    """The server apologises in HTML and calls it success."""
    s.nights(2)
    s.ends(2)
    s.nights(2, faults.answers(200, faults.ERROR_PAGE))
    s.nights(2)


@scenario("integreat", "csv", "xlsx")
def all_ids_renamed_for_one_night(s: Story) -> None:
    """A restored database numbers everything anew, and is put right the day after."""
    s.nights(2)
    s.ends(2)
    s.night(faults.renamed(faults.plus_a_million))
    s.nights(2)
