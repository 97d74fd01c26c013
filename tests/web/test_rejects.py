"""What the web says about rejects and quality of a source."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.web.conftest import NOW, Client
from tests.web.test_pages import Page
from verbund.testing.builders import an_event
from verbund.web import create_app


@pytest.fixture(name="rejecting")
def _rejecting(site: Any) -> Any:
    site.add(
        an_event("RecordRejected", record_key="kurs-1", rule="title_missing", place="Titel", value=None),
        an_event("RecordRejected", record_key="kurs-9", rule="title_missing", place="Titel", value="=cmd()"),
    )
    return site


def test_the_api_gives_rejects_by_rule_with_what_to_do(rejecting):
    answer = rejecting.client().get("/v1/sources/enr-kurse/rejects?lang=de").json()
    (group,) = answer["items"]
    assert (answer["total"], group["count"], group["regressed"], group["back"]) == (2, 2, 1, False)
    assert group["title"] == "Kein Titel"
    assert group["fix"].startswith("Einen Titel eintragen")
    assert [one["record_key"] for one in group["examples"]] == ["kurs-1", "kurs-9"]
    english = rejecting.client().get("/v1/sources/enr-kurse/rejects", headers={"Accept-Language": "en"}).json()
    assert english["items"][0]["title"] == "No title"


@pytest.mark.parametrize(("excel", "delimiter"), [("", ","), ("&excel=true", ";")])
def test_the_file_for_the_provider_is_csv_with_a_mark_for_umlauts(rejecting, excel, delimiter):
    answer = rejecting.client().get(f"/v1/sources/enr-kurse/rejects.csv?lang=de{excel}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="rejects-enr-kurse.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=delimiter))
    assert [(row["Kennung"], row["Titel"], row["Was dort steht"]) for row in rows] == [
        ("kurs-1", "Deutsch B1.1 am Vormittag", ""),
        ("kurs-9", "", "'=cmd()"),
    ]


@pytest.mark.parametrize("tail", ["rejects", "rejects.csv"])
def test_an_unknown_source_has_no_rejects_but_a_problem(client, tail):
    answer = client.get(f"/v1/sources/nothing/{tail}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_sources_have_a_score_and_one_says_what_to_mend_first(rejecting):
    (listed,) = rejecting.client().get("/v1/sources").json()["items"]
    one = rejecting.client().get("/v1/sources/enr-kurse?lang=de").json()
    assert 0 < listed["score"] < 100
    assert one["score"] == one["quality"]["score"] == listed["score"]
    assert one["quality"]["judged"] == 5
    assert one["quality"]["mend_first"]["code"] == "rejected"
    assert one["quality"]["mend_first"]["title"] == "Datensatz abgelehnt"


def test_a_source_that_shows_nothing_has_no_score(empty_site):
    empty_site.add(an_event("SourceChanged"))
    assert empty_site.client().get("/v1/sources").json()["items"][0]["score"] is None
    page = Page(empty_site.client().get("/en/sources/enr-kurse").text)
    assert "Nothing is rejected." in page.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ("Was nicht übernommen werden konnte", "Kein Titel (Titel): 2", "Einen Titel eintragen", "kurs-9", "Zuerst beheben")),
        ("en", ("What could not be taken", "No title (Titel): 2", "Write a title", "kurs-9", "Mend this first")),
    ],
)  # fmt: skip
def test_the_page_of_a_source_says_what_to_do(rejecting, language, words):
    page = Page(rejecting.client(clock=lambda: NOW + timedelta(days=1)).get(f"/{language}/sources/enr-kurse").text)
    for word in words:
        assert word in page.text, word
    assert not page.open
    links = {attributes.get("href") for tag, attributes in page.elements if tag == "a"}
    file = next(link for link in links if link and "rejects.csv" in link)
    assert rejecting.client().get(file).status_code == 200


def test_the_page_of_a_source_is_linked_from_the_list_and_unknown_ones_are_not_found(client):
    assert 'href="/de/sources/enr-kurse"' in client.get("/de/sources").text
    assert client.get("/de/sources/nothing").status_code == 404


def test_values_that_a_mapping_left_out_are_shown_where_they_are_known(site):
    dropped = [{"rule": "code_unknown", "title": "Wert", "place": "niveau", "count": 3, "text": "", "fix": "Wählen."}]

    def dropped_of(source: str, language: str) -> list[dict[str, Any]]:
        assert (source, language) == ("enr-kurse", "de")
        return dropped

    client = Client(create_app(replace(site.reading, dropped_of=dropped_of)))
    assert client.get("/v1/sources/enr-kurse?lang=de").json()["dropped"] == dropped
    assert "Wählen." in Page(client.get("/de/sources/enr-kurse").text).text
