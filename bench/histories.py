"""Made-up histories: the same seed gives the same events, one at a time, whatever their number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bench.search import Town as Words
from verbund.events import Event, derived_id, event_id
from verbund.ingest.inventory import topics_of
from verbund.testing.builders import a_place, a_text, an_event, an_occurrence, an_offer
from verbund_schemas import vocabulary

SEED = 20261124
DECIDED = datetime(2026, 9, 1, 8, tzinfo=UTC)
RUN = "5b9a1d0e-7c3f-4d62-9a51-0d9f5f6f1a10"

#: Shares of the flat history; what is left is new offers (70 %).
UPDATES, DUPLICATES, LATE = 0.20, 0.05, 0.05
# Words in a description, so that a body has about 1.45 KB.
WORDS_OF_A_TEXT = 22

DISTRICTS = ("05954", "09188", "13076", "14522", "07233")


class Offers:
    """Whole offers with texts from a vocabulary, by number and revision."""

    def __init__(self, district: str = "05954", source: str = "bench-kurse") -> None:
        self.district, self.source = district, source
        self.random = random.Random(f"{SEED} {district}")
        self._words = Words()
        self._template = an_offer(district=district, source=source)
        self._categories = list(vocabulary("categories").terms)

    def event(self, number: int, revision: int) -> Event:
        """`OfferPublished` for the first revision, then `OfferRevised`; a call makes new texts."""
        record_key = f"kurs-{number:07d}"
        offer_id = derived_id(f"bench {self.district} {record_key}")
        words = self._words
        title, text = words.text(5).capitalize(), words.text(WORDS_OF_A_TEXT)
        start = f"2027-{number % 12 + 1:02d}-{number % 28 + 1:02d}T07:00:00Z"
        offer: dict[str, Any] = {
            **self._template,
            "offer_id": offer_id,
            "record_key": record_key,
            "revision": revision,
            "content_hash": f"{number:056x}{revision:08x}",
            "texts": {
                "de": a_text(title=title, summary=text[:60], description_html=f"<p>{text}</p>", description_text=text)
            },
            "categories": [self._categories[number % len(self._categories)]],
            "place": a_place(lon=round(7 + number % 997 / 1000, 4), lat=round(51 + number % 991 / 1000, 4)),
            "starts": [an_occurrence(start=start, end=start.replace("2027", "2028"), seats_free=number % 20)],
            "source_url": f"https://kurse.example/{record_key}",
        }
        event_type = "OfferPublished" if revision == 1 else "OfferRevised"
        return self.plain(event_type, offer_id, revision, {"offer": offer})

    def plain(self, event_type: str, offer_id: str, revision: int, data: dict[str, Any]) -> Event:
        """An event of these data."""
        return Event(
            id=event_id(offer_id, event_type, revision, str(revision)),
            type=event_type,
            source=f"{self.district}/{self.source}",
            subject=offer_id,
            time=DECIDED,
            data=data,
            revision=revision,
            run_id=RUN,
        )


def flat_history(size: int) -> Iterator[Event]:
    """One district's offers: 70 % new, 20 % updates, 5 % duplicates, 5 % late older revisions, mixed.

    A duplicate and a late one are events that came before, word for word.
    """
    offers = Offers()
    chance = offers.random
    newest: list[Event] = []
    older: list[Event] = []
    for _ in range(size):
        what = chance.random()
        if not newest or what >= UPDATES + DUPLICATES + LATE or (what < LATE and not older):
            newest.append(offers.event(len(newest), 1))
            yield newest[-1]
        elif what < LATE:
            yield older[chance.randrange(len(older))]
        elif what < LATE + DUPLICATES:
            yield newest[chance.randrange(len(newest))]
        else:
            number = chance.randrange(len(newest))
            older.append(newest[number])
            newest[number] = offers.event(number, newest[number].revision + 1)
            yield newest[number]


def whole_history(size: int) -> Iterator[tuple[str, Event]]:
    """All that happens in five districts, with topics: offers published, revised, missed, seen again and withdrawn,
    organisations, contacts, rejects and runs.
    """
    makers = [Offers(district) for district in DISTRICTS]
    chance = random.Random(SEED)
    stand: list[list[tuple[str, int, str]]] = [[] for _ in makers]
    for turn in range(size):
        which = turn % len(makers)
        offers, known = makers[which], stand[which]
        inventory, contacts, runs, _desk = topics_of(offers.district)
        common: dict[str, Any] = {"district": offers.district, "source": offers.source}
        what = chance.random()
        if what < 0.02:
            key = f"traeger-{turn % 500}"
            yield inventory, an_event("OrganisationPublished", record_key=key, **common)
        elif what < 0.12:
            yield contacts, an_event("ContactPublished", record_key=f"kurs-{turn:07d}", **common)
        elif what < 0.13:
            yield inventory, an_event("RecordRejected", record_key=f"kaputt-{turn}", **common)
        elif what < 0.135:
            yield runs, an_event("RunFinished", run_id=derived_id(f"bench run {turn}"), **common)
        elif what < 0.75 or not known:
            event = offers.event(len(known), 1)
            known.append((event.subject, 1, "live"))
            yield inventory, event
        else:
            number = chance.randrange(len(known))
            event, known[number] = _next(offers, number, known[number], missed=what > 0.92)
            yield inventory, event


def _next(
    offers: Offers, number: int, stands: tuple[str, int, str], *, missed: bool
) -> tuple[Event, tuple[str, int, str]]:
    offer_id, revision, state = stands
    then = {"live": "missed" if missed else "live", "missed": "withdrawn" if missed else "live", "withdrawn": "live"}[
        state
    ]
    if then == "live" and state != "missed":
        event = offers.event(number, revision + 1)
        return event, (offer_id, revision + 1, "live")
    event_type = {"live": "OfferSeenAgain", "missed": "OfferMissed", "withdrawn": "OfferWithdrawn"}[then]
    fields: dict[str, Any] = {"district": offers.district, "source": offers.source, "record_key": f"kurs-{number:07d}"}
    event = an_event(event_type, offer_id=offer_id, revision=revision + 1, **fields)
    return event, (offer_id, revision + 1, then)
