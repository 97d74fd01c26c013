"""The records are all there, and what they say is wrong."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.corpus import faults
from tests.faults.corpus.scenarios.telling import scenario
from tests.faults.corpus.story import Fault, Story

FEEDS = ("integreat", "rpde", "csv", "xlsx")


def _two_bad_nights(s: Story, *fault: Fault) -> None:
    s.night()
    s.ends(2)
    s.nights(2, *fault)


@scenario(*FEEDS)
def all_descriptions_blank(s: Story) -> None:
    """A field was renamed in the source's own export."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, text="")))


@scenario("integreat", "csv", "rpde")
def half_of_the_descriptions_blank(s: Story) -> None:
    """Half of them is more than chance."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, text=""), share=0.5))


@scenario(*FEEDS)
def all_titles_blank(s: Story) -> None:
    """Nothing has a name any more."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, title="")))


@scenario("integreat", "csv", "rpde")
def all_texts_blank(s: Story) -> None:
    """Neither titles nor descriptions."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, title="", text="")))


@scenario("integreat", "csv")
def all_texts_are_the_same(s: Story) -> None:
    """A template's place-holder in every record."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, title="Titel", text="Text folgt")))


@scenario(*FEEDS)
def every_umlaut_garbled(s: Story) -> None:
    """UTF-8 taken for Windows-1252 inside the source."""
    _two_bad_nights(
        s,
        faults.rewritten(
            lambda record: replace(record, title=faults.mojibake(record.title), text=faults.mojibake(record.text))
        ),
    )


@scenario("integreat", "csv")
def every_umlaut_a_question_mark(s: Story) -> None:
    """A database that knows only ASCII."""
    _two_bad_nights(
        s,
        faults.rewritten(
            lambda record: replace(
                record, title=faults.question_marks(record.title), text=faults.question_marks(record.text)
            )
        ),
    )


@scenario("integreat", "csv", "rpde")
def titles_moved_by_one_record(s: Story) -> None:
    """Ids and texts were joined one row off: each offer says what its neighbour is."""

    def shifted(records):
        return [
            replace(record, title=records[i - 1].title, text=records[i - 1].text) for i, record in enumerate(records)
        ]

    _two_bad_nights(s, faults.lists(shifted))


@scenario("integreat", "csv", "rpde")
def all_dates_in_the_past(s: Story) -> None:
    """A year typed wrong in the export: everything seems to be over."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, last_day="2017-06-01")))


@scenario("csv", "xlsx", "rpde")
def all_cancelled_by_mistake(s: Story) -> None:
    """A status column is filled down to the end."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, cancelled=True)))


@scenario("csv", "rpde")
def half_cancelled_by_mistake(s: Story) -> None:
    """The same to the middle."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, cancelled=True), share=0.5))


@scenario("integreat", "csv")
def blank_and_half_missing(s: Story) -> None:
    """Two faults at once."""
    _two_bad_nights(s, faults.rewritten(lambda record: replace(record, text="")), faults.only_share(0.5))
