"""The made-up feeds have the shapes of real ones, two editions that differ, and dates that never age."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest

from verbund.demo import ennepe_ruhr, ludwigslust_parchim, mittelsachsen, rpde_feed, starnberg, vulkaneifel
from verbund.demo.feeds import SOURCES, DemoFeeds

# An ordinary day, both ends of a leap day, the turn of a year, and both changes of the clock.
DAYS = [
    date(2026, 11, 24),
    date(2028, 2, 28),
    date(2028, 2, 29),
    date(2026, 12, 31),
    date(2027, 3, 28),
    date(2027, 10, 31),
]
# What an Integreat CMS 2026.10.0 answers.
PLACE = (
    "id url path title modified_gmt last_updated published_at meta_description excerpt content available_languages icon "
    "thumbnail website email phone_number contacts category temporarily_closed opening_hours appointment_url location "
    "hash organization barrier_free"
)
EVENT = (
    "id url path title modified_gmt last_updated published_at excerpt content available_languages thumbnail location "
    "location_path meeting_url event hash recurrence_rule"
)
HOST = re.compile(r"(?:https?://|[\w.-]@)([\w.-]+)")


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("make", [starnberg.region, vulkaneifel.region], ids=["starnberg", "vulkaneifel"])
def test_a_region_answers_as_the_cms_does(today, make):
    region = make(today, 1)
    answers = {path: json.loads(body) for path, body in region.answers().items()}
    base = f"/api/v3/{region.slug}"
    for code in region.languages:
        assert all(set(place) == set(PLACE.split()) for place in answers[f"{base}/{code}/locations/"])
        assert all(set(event) == set(EVENT.split()) for event in answers[f"{base}/{code}/events/"])
    german = answers[f"{base}/de/events/"]
    starts = [
        event["event"]["start"]
        for event in german
        if not event["recurrence_rule"] and event["event"]["start"] != "bald"
    ]
    assert all(date.fromisoformat(start[:10]) > today for start in starts)
    fallbacks = [event for event in answers[f"{base}/uk/events/"] if event["id"] is None]
    assert fallbacks
    assert {event["title"] for event in fallbacks} <= {event["title"] for event in german}


@pytest.mark.parametrize("today", DAYS)
@pytest.mark.parametrize("edition", [1, 2])
@pytest.mark.parametrize("make", [ennepe_ruhr.series, ennepe_ruhr.sessions, ennepe_ruhr.courses])
def test_a_feed_of_pages_is_walked_to_its_end_in_order(today, edition, make):
    address, asked, seen = "https://feed.example/x", "/x", []
    while True:
        page = json.loads(rpde_feed.page(make(today, edition), address=address, asked=asked))
        assert page["license"]
        if not page["items"]:
            break
        seen += page["items"]
        asked = "{0.path}?{0.query}".format(urlsplit(page["next"]))
    assert page["next"].endswith(asked)
    order = [(item["modified"], item["id"]) for item in seen]
    assert order == sorted(order)
    assert len(set(order)) == len(order) == len(make(today, edition))
    assert all(("data" in item) == (item["state"] == "updated") for item in seen)


@pytest.mark.parametrize("make", [ennepe_ruhr.series, ennepe_ruhr.sessions])
def test_whoever_read_the_first_edition_only_gets_what_the_second_changed(make):
    first, second = make(DAYS[0], 1), make(DAYS[0], 2)
    last = max((entry.modified, entry.id) for entry in first)
    changed = [entry for entry in second if (entry.modified, entry.id) > last]
    assert changed
    unchanged = {entry.id: entry for entry in first if entry.id not in {one.id for one in changed}}
    assert all(unchanged[entry.id] == entry for entry in second if entry not in changed)


def workbook(today: date, edition: int) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(io.BytesIO(ludwigslust_parchim.workbook(today, edition)))
    rows: list[tuple[Any, ...]] = list(book[ludwigslust_parchim.SHEET].iter_rows(values_only=True))
    return rows[ludwigslust_parchim.HEADING_ROW - 1], rows[ludwigslust_parchim.HEADING_ROW :]


@pytest.mark.parametrize("today", DAYS)
def test_the_workbook_has_its_heading_in_the_third_row_and_real_dates(today):
    heading, records = workbook(today, 2)
    begin, end = heading.index("Beginn"), heading.index("Ende")
    assert all(record[begin].date() > today for record in records)
    assert all(record[begin] < record[end] for record in records)
    assert sum(record[heading.index("Kurs")] is None for record in records) == 1


def test_the_three_rivals_agree_in_the_second_edition():
    def rivals(edition):
        heading, records = workbook(DAYS[0], edition)
        begin = heading.index("Beginn")
        return {record[0]: record[begin] for record in records if record[0].startswith("PCH-B1-")}

    assert len(rivals(1)) == 3
    assert len(rivals(2)) == 2
    assert rivals(1)["PCH-B1-2"] < rivals(2)["PCH-B1-2"]


@pytest.mark.parametrize("today", DAYS)
def test_the_old_program_writes_its_code_page(today):
    body = mittelsachsen.table(today, 1)
    rows = list(csv.DictReader(io.StringIO(body.decode("cp1252"), newline=""), delimiter=";"))
    with pytest.raises(UnicodeDecodeError):
        body.decode("utf-8")
    assert len({row["Angebots-ID"] for row in rows}) == len(rows)
    assert {"0,00", "15,50"} == {row["Kosten"] for row in rows}


def test_the_same_day_makes_the_same_bytes():
    assert mittelsachsen.table(DAYS[0], 1) == mittelsachsen.table(DAYS[0], 1)
    assert starnberg.region(DAYS[0], 1).answers() == starnberg.region(DAYS[0], 1).answers()


def test_every_address_is_invented():
    texts = [mittelsachsen.table(DAYS[0], 2).decode("cp1252")]
    for make in (starnberg.region, vulkaneifel.region):
        texts += [body.decode("unicode_escape") for body in make(DAYS[0], 2).answers().values()]
    texts += [json.dumps(entry.data) for entry in ennepe_ruhr.series(DAYS[0], 1)]
    hosts = {host.strip(".") for text in texts for host in HOST.findall(text)}
    assert {host for host in hosts if not host.endswith(".example")} == {"openactive.io"}


def test_the_source_files_point_to_the_server_that_serves_them(tmp_path):
    with DemoFeeds(DAYS[0], port=0) as feeds:
        paths = feeds.write_sources(tmp_path)
        assert [path.stem for path in paths] == list(SOURCES)
        assert all(feeds.url in path.read_text() for path in paths)


def test_two_demos_at_once_have_a_server_each():
    with DemoFeeds(DAYS[0]) as one, DemoFeeds(DAYS[0]) as other:
        assert one.url != other.url
