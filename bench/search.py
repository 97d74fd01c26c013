"""Search at 10 k, 100 k and 1 M offers: `python bench/search.py --sizes 10000,100000,1000000`; JSON on stdout.

Offers are made up: German-like words from a vocabulary of 4,000 whose use follows Zipf's law, the 401 real districts
with their neighbours, categories, levels, weekly and dated starts, places. The same seed gives the same offers and
the same questions. A third of the questions are broad words, a third one district with its neighbours (half of them
with a word), a third narrow: two rarer words, filters, a date window, a radius, a misspelt or unfinished word.

Each question is asked twice over: hits alone, and the whole answer with all facets, as `/v1/offers` counts it. `ms` is
what somebody waits, `cpu_ms` what it costs on all cores: the second hardly moves when other work goes on beside.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from verbund.codec import AvroCodec
from verbund.events import Recorded
from verbund.testing.builders import a_place, an_occurrence, an_offer, an_organisation
from verbund.views.search import Horizon, SearchIndex, SearchQuery, SearchWriter
from verbund_schemas import districts, vocabulary

SEED = 20270101
TODAY = date(2026, 9, 1)
HORIZON = Horizon(date(2026, 1, 1), date(2027, 12, 31))
QUESTIONS = 300

# The most frequent two dozen words of a language say nothing (the, and, for) and nobody looks for them; words with a
# meaning come after them. The broadest word is then in three of ten offers.
CONTENT_WORDS_FROM = 25
KEYS_IN_A_COMMIT = 10_000


def _words(text: str) -> list[str]:
    return text.split()


FIRST = _words(
    "sprach deutsch integrations berufs alltags familien eltern kinder jugend frauen mädchen senioren stadt kreis "
    "schul bildungs sozial migrations asyl gesundheits sport fußball schwimm turn tanz musik theater koch näh garten "
    "computer bewerbungs ausbildungs arbeits kultur begegnungs nachbarschafts stadtteil lese lern hausaufgaben "
    "prüfungs alphabetisierungs orientierungs anerkennungs rechts schuldner schwangeren flüchtlings ehrenamts vereins"
)
LAST = _words(
    "kurs kurse beratung treff gruppe hilfe angebot programm projekt café abend training unterricht begleitung "
    "werkstatt betreuung förderung zentrum stelle woche seminar verein spiel prüfung sprechstunde vermittlung netz "
    "patenschaft fest reise labor stunde schule tag team haus vorbereitung information gespräch nachmittag kreis "
    "bühne chor fahrt forum klasse markt runde übung"
)
ALONE = _words(
    "gemeinsam kostenlos anmeldung erforderlich offen neu wöchentlich anfänger fortgeschrittene zugewanderte menschen "
    "lernen üben sprechen verstehen kommen termin bitte melden gerne willkommen teilnahme plätze raum leitung dauer"
)


def vocabulary_of_words() -> list[str]:
    """Words by frequency: compounds and single words, mixed by the seed."""
    words = [first + last for first, last in itertools.product(FIRST, LAST)] + list(LAST) + list(ALONE)
    syllables = _words("ba ber dau fel gra hol kan lin mor nau pei ros sen tal wei zun")
    words += ["".join(parts) for parts in itertools.product(syllables, syllables, syllables)]
    random.Random(SEED).shuffle(words)
    return words[:4000]


class Town:
    """Everything random about offers, from one seed."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.words = vocabulary_of_words()
        self.weights = list(itertools.accumulate(1 / (rank + CONTENT_WORDS_FROM) for rank in range(len(self.words))))
        self.districts = list(districts().values())
        self.categories = list(vocabulary("categories").terms)
        self.groups = list(vocabulary("target_groups").terms)
        self.kinds = list(vocabulary("kind").terms)

    def text(self, length: int) -> str:
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=length))

    def offer(self, number: int) -> dict[str, Any]:
        pick = self.random
        district = pick.choice(self.districts)
        title = self.text(5).capitalize()
        level = pick.choice((None, None, "A1", "A2", "B1", "B2"))
        start = TODAY + timedelta(days=pick.randint(-20, 400))
        when: dict[str, Any] = {"starts": []}
        chance = pick.random()
        if chance < 0.3:
            rule = {
                "rule": f"FREQ=WEEKLY;BYDAY={pick.choice(('MO', 'TU', 'WE', 'TH', 'FR'))}",
                "start": "2026-01-05T18:00:00",
            }
            when["recurrence"] = {**rule, "end": None, "all_day": False, "zone": "Europe/Berlin", "exceptions": []}
        elif chance < 0.75:
            when["starts"] = [an_occurrence(start=f"{start}T08:00:00Z", end=f"{start + timedelta(days=90)}T08:00:00Z")]
        place = a_place(
            lon=round(district.lon + pick.gauss(0, 0.12), 5),
            lat=round(district.lat + pick.gauss(0, 0.08), 5),
            town=district.name,
        )
        return an_offer(
            offer_id=str(UUID(int=pick.getrandbits(128))),
            record_key=str(number),
            district=district.ags,
            source=f"source-{district.ags}-{number % 2}",
            kind=pick.choice(self.kinds),
            texts={"de": _text(title, self.text(40))},
            categories=pick.sample(self.categories, k=pick.choice((1, 1, 2))),
            target_groups=pick.sample(self.groups, k=pick.choice((0, 1, 2))),
            level_from=level,
            level_to=level and {"A1": "A2", "A2": "B1", "B1": "B1", "B2": "C1"}[level],
            languages_of_instruction=pick.choice((["de"], ["de"], ["de", "en"], [])),
            place=place,
            cost={"amount": None, "currency": "EUR", "free": pick.choice((True, False, None)), "note": None},
            organisation_id=_organisation_id(district.ags, number % 50),
            **when,
        )

    def events(self, size: int) -> Iterator[Recorded]:
        """Every organisation, then every offer, as a log would hand them out."""
        codec = AvroCodec()
        at = 0
        for district in self.districts if size > 20_000 else self.districts[:40]:
            for number in range(50):
                name = f"{self.words[number * 7].capitalize()} {district.name}"
                state = an_organisation(
                    district=district.ags, name=name, organisation_id=_organisation_id(district.ags, number)
                )
                yield _recorded("OrganisationPublished", state, "organisation", at, codec)
                at += 1
        for number in range(size):
            yield _recorded("OfferPublished", self.offer(number), "offer", at + number, codec)

    def questions(self) -> list[tuple[str, SearchQuery]]:
        """The fixed mix."""
        pick = random.Random(SEED + 1)
        made: list[tuple[str, SearchQuery]] = []
        for _ in range(QUESTIONS // 3):
            made.append(("broad", SearchQuery(today=TODAY, text=self.words[pick.randint(0, 30)] + " ")))
            district = pick.choice(self.districts)
            word = self.words[pick.randint(0, 200)] if pick.random() < 0.5 else ""
            made.append(
                ("district", SearchQuery(today=TODAY, text=word, districts=(district.ags,), with_neighbours=True))
            )
            made.append(("narrow", self._narrow(pick)))
        return made

    def _narrow(self, pick: random.Random) -> SearchQuery:
        rare = self.words[pick.randint(300, 3999)]
        district = pick.choice(self.districts)
        kinds: list[dict[str, Any]] = [
            {"text": f"{rare} {self.words[pick.randint(50, 300)]}"},
            {"text": rare, "levels": ("B1",), "kinds": ("course",)},
            {
                "text": self.words[pick.randint(20, 200)],
                "starts_from": date(2026, 10, 1),
                "starts_to": date(2026, 11, 15),
            },
            {"text": self.words[pick.randint(20, 200)], "near": (district.lon, district.lat, 20.0)},
            {"text": rare[:-2] + rare[-1]},
            {"text": rare[:5]},
        ]
        return SearchQuery(today=TODAY, **pick.choice(kinds))


def run(size: int, folder: Path) -> dict[str, Any]:
    """Build an index of one size, ask the questions."""
    town = Town()
    began = time.perf_counter()
    made_s = _build(town, size, folder)
    built = time.perf_counter() - began
    neighbours = {ags: district.neighbours for ags, district in districts().items()}
    index = SearchIndex(folder, neighbours=neighbours)
    questions = town.questions()
    wall: dict[str, dict[str, Any]] = {}
    cpu: dict[str, dict[str, Any]] = {}
    for name, facets in (("hits", False), ("whole", True)):
        for _, query in questions[:30]:
            index.search(query, facets=facets)
        took: dict[str, list[float]] = {"all": []}
        used: dict[str, list[float]] = {"all": []}
        for kind, query in questions:
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            index.search(query, facets=facets)
            for times, seconds in (
                (took, time.perf_counter() - began_s),
                (used, time.process_time() - began_cpu_s),
            ):
                times.setdefault(kind, []).append(seconds * 1000)
                times["all"].append(seconds * 1000)
        wall[name] = {kind: _figures(some) for kind, some in took.items()}
        cpu[name] = {kind: _figures(some) for kind, some in used.items()}
    totals = [index.search(query, facets=False).total for _, query in questions]
    index.close()
    return {
        "offers": size,
        "build_s": round(built - made_s, 1),
        "offers_per_s": round(size / (built - made_s)),
        "index_mb": round(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "hits_found_median": sorted(totals)[len(totals) // 2],
        "hits_found_most": max(totals),
        "ms": wall,
        "cpu_ms": cpu,
    }


def _build(town: Town, size: int, folder: Path) -> float:
    """Fill the index; the seconds that making up the offers took."""
    writer = SearchWriter(folder, horizon=HORIZON)
    events = town.events(size)
    made_s = 0.0
    while True:
        began = time.perf_counter()
        batch = list(itertools.islice(events, 1000))
        made_s += time.perf_counter() - began
        if not batch:
            break
        writer.stage(batch)
        if writer.staged >= KEYS_IN_A_COMMIT:
            writer.commit()
    writer.commit()
    writer.publish()
    writer.close()
    return made_s


def _recorded(event_type: str, state: dict[str, Any], name: str, at: int, codec: AvroCodec) -> Recorded:
    return Recorded(
        topic=f"inventory.{state['district']}",
        position=at,
        appended_ms=1_780_000_000_000 + at,
        id=str(at),
        type=event_type,
        source=f"{state['district']}/{state['source']}",
        subject=state[f"{name}_id"],
        time="2026-09-01T08:00:00Z",
        revision=1,
        run_id=None,
        schema="",
        body=b"",
        codec=codec,
        _data={name: state},
    )


def _text(title: str, description: str) -> dict[str, Any]:
    return {
        "title": title,
        "summary": None,
        "description_html": None,
        "description_text": description,
        "translation": "original",
    }


def _organisation_id(ags: str, number: int) -> str:
    return str(UUID(int=int(ags) * 1000 + number))


def _figures(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    p95 = ordered[math.ceil(len(ordered) * 0.95) - 1]
    return {"p50": round(ordered[len(ordered) // 2], 2), "p95": round(p95, 2), "max": round(ordered[-1], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sizes", default="10000,100000", help="numbers of offers, by comma")
    wishes = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    results = []
    for size in map(int, wishes.sizes.split(",")):
        folder = Path(tempfile.mkdtemp(prefix="verbund-bench-search-"))
        try:
            results.append(run(size, folder))
        finally:
            shutil.rmtree(folder)
        print(json.dumps(results[-1]), file=sys.stderr)
    print(json.dumps({"bench": "search", "questions": QUESTIONS, "results": results}, indent=1))


if __name__ == "__main__":
    main()
