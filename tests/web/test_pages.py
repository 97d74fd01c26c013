"""The pages: what a reader sees without script, in German and English."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from tests.web.conftest import NOW, VHS
from verbund.testing.builders import a_place, a_text, an_event, an_offer
from verbund.web.pages import cleaned, static_address, with_code
from verbund.web.wording import Wording

COURSE = an_offer()["offer_id"]
PAGES = [
    "/{}/",
    "/{}/?q=deutsch&kind=course",
    "/{}/?q=nirgendwo&kind=course",
    "/{}/?from=heute",
    "/{}/sources",
    "/{}/sources/enr-kurse",
    f"/{{}}/offers/{COURSE}",
]


class Page(HTMLParser):
    """A page taken apart: elements with their attributes, text, and whether every element was closed."""

    VOID = frozenset(("meta", "link", "input", "br", "img", "hr"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes <{self.open[-1:]}>"
        self.open.pop()

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_page_keeps_the_rules_of_access(client, language):
    titles = set()
    for pattern in PAGES:
        answer = client.get(pattern.format(language))
        page = Page(answer.text)
        assert page.open == [], pattern
        assert page.all("html")[0]["lang"] == language
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert page.all("nav") and page.all("header") and page.all("footer")
        links = page.all("a")
        assert links[0]["href"] == "#content" and page.all("main")[0]["id"] == "content"
        ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
        assert len(ids) == len(set(ids)), pattern
        labelled = {label["for"] for label in page.all("label")}
        for name in ("input", "select"):
            for field in page.all(name):
                assert field.get("type") == "hidden" or field["id"] in labelled, (pattern, field)
        assert not page.all("script") and not page.all("style")
        assert not [
            attributes
            for _, attributes in page.elements
            if "style" in attributes or any(name.startswith("on") for name in attributes)
        ]
        assert all(int(attributes.get("tabindex") or 0) <= 0 for _, attributes in page.elements)
        for address in [
            *(link.get("href") for link in page.all("link")),
            *(image.get("src") for image in page.all("img")),
        ]:
            assert address and address.startswith("/"), address  # nothing from elsewhere
        titles.update(re.findall(r"<title>(.*?)</title>", answer.text, re.DOTALL))
    assert len(titles) >= 4


def test_the_start_page_follows_the_reader(client):
    for header, language in (("", "de"), ("en-GB,en;q=0.9", "en"), ("fr", "de"), ("en;q=0.2, de;q=0.9", "de")):
        answer = client.get("/", headers={"Accept-Language": header})
        assert (answer.status_code, answer.headers["location"]) == (302, f"/{language}/")


def test_switching_the_language_keeps_the_search(client):
    page = Page(client.get("/de/?q=deutsch&kind=course").text)
    assert "/en/?q=deutsch&kind=course" in [link.get("href") for link in page.all("a")]


def test_facets_have_counts_in_brackets_and_chips_can_be_removed(client):
    answer = client.get("/de/?kind=sport&q=Fußball")
    assert "1 Angebot" in answer.text
    page = Page(answer.text)
    chosen = [box for box in page.all("input") if "checked" in box]
    assert [(box["name"], box["value"]) for box in chosen] == [("kind", "sport")]
    assert re.search(r"Sport\s*\(1\)", page.text)
    without = [link["href"] for link in page.all("a") if link["href"] and link["href"].startswith("?")]
    assert "?q=Fu%C3%9Fball" in without and "?kind=sport" in without
    assert "<mark>Fußball</mark>" in answer.text


def test_no_hits_name_the_filter_to_leave_out(client):
    page = Page(client.get("/de/?q=Fußball&kind=course").text)
    assert "Kein Angebot passt" in page.text
    assert "ohne „Fußball“" in page.text and "ohne Kurs" in page.text


def test_a_value_that_cannot_be_is_named_and_the_rest_still_searched(client):
    answer = client.get("/en/?from=heute&kind=sport&nonsense=1")
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "From: this value is not possible" in page.text and "1 offer" in page.text
    assert client.get("/en/?cursor=abc").status_code == 422
    assert client.get("/en/?from=2027-01-01&to=2026-01-01").status_code == 422


def test_pages_follow_each_other(site):
    site.add(*(an_event("OfferPublished", record_key=f"k{number}", title=f"Kochkurs {number}") for number in range(30)))
    client = site.client()
    first = Page(client.get("/de/?q=kochkurs").text)
    (following,) = [link["href"] for link in first.all("a") if link.get("rel") == "next"]
    second = Page(client.get(following).text)
    assert len(first.all("article")) == 20 and len(second.all("article")) == 10
    assert "Erste Seite" in second.text


def test_an_offer_page_tells_everything(site):
    weekly = {"rule": "FREQ=WEEKLY;BYDAY=MO,WE", "start": "2026-09-07T18:00:00", "end": "2026-09-07T19:30:00", "all_day": False, "zone": "Europe/Berlin", "exceptions": []}  # fmt: skip
    hours = [{"weekday": 1, "opens": "08:00", "closes": "12:00", "by_appointment": True}]
    english = a_text(title="German", description_html="<p>Text<script>alert(1)</script></p>", translation="machine")
    arabic = a_text(title="دورة", translation="unknown", description_html=None, description_text="نص")
    site.add(
        an_event(
            "OfferRevised",
            revision=2,
            organisation_id=VHS,
            texts={"de": a_text(), "en": english, "ar": arabic},
            recurrence=weekly,
            opening_hours=hours,
            access={"conditions": "Nur mit Zulassung", "residence_note": None},
        )
    )
    client = site.client()
    answer = client.get(f"/de/offers/{COURSE}")
    page = Page(answer.text)
    for words in (
        "Volkshochschule Ennepe-Ruhr-Süd", "Mittelstraße 42, 58332 Schwelm", "6 / 20", "2,29\xa0€ (je Unterrichtsstunde)", "A2 – B1.1",
        "jede Woche am Montag", "18:00–19:30 Uhr", "08:00 – 12:00 (nach Vereinbarung)", "Nur mit Zulassung", "Maschinell übersetzt",
        "Wer diesen Text übersetzt hat, ist nicht bekannt", "Quelle: enr-kurse", "Fassung 2", "CC BY 4.0", "Ennepe-Ruhr-Kreis",
    ):  # fmt: skip
        assert words in page.text, words
    assert {"lang": "ar", "dir": "rtl"} in [
        {name: one.get(name) for name in ("lang", "dir")} for one in page.all("div")
    ]
    assert "alert(1)" not in answer.text
    english_page = client.get(f"/en/offers/{COURSE}").text
    assert "Translated by a machine" in english_page and "Read the German text" in english_page


def test_a_field_that_a_person_set_says_by_whom_when_why_and_what_the_source_says(site):
    site.add(
        an_event("FieldOverridden", field="place.town", value='"Hattingen"', note="Umgezogen. <b>Wirklich</b>"),
        an_event("FieldOverridden", field="childcare", value="true", run_id="waits"),
        an_event(
            "OfferRevised",
            revision=2,
            place={**a_place(), "town": "Hattingen"},
            overridden=["place.town"],
            own_values={"place.town": '"Schwelm"'},
        ),
    )
    answer = site.client().get(f"/de/offers/{COURSE}")
    page = Page(answer.text)
    for words in ("Am Hub geändert", "place.town", "Hattingen", "Schwelm", "cli: Umgezogen. <b>Wirklich</b>"):
        assert words in page.text, words
    assert "childcare" not in page.text, "what waits is not said to hold"
    told = site.client().get(f"/v1/offers/{COURSE}").json()["overrides"]
    assert [(one["field"], one["own"], one["counts"]) for one in told] == [
        ("childcare", False, False),
        ("place.town", "Schwelm", True),
    ]


def test_a_missed_offer_says_so_and_a_withdrawn_one_is_gone(site):
    site.add(an_event("OfferMissed", revision=2))
    client = site.client()
    assert "Zuletzt nicht bestätigt" in client.get(f"/de/offers/{COURSE}").text
    site.add(an_event("OfferWithdrawn", revision=3))
    gone = client.get(f"/de/offers/{COURSE}")
    assert gone.status_code == 410 and "zurückgezogen" in gone.text


def test_contacts_are_shown_only_by_whoever_may_open_them(site):
    site.add(an_event("OfferRevised", revision=2, contact_ids=["c1", "c2"]))
    asked = []

    def contacts_of(district, ids):
        asked.append((district, tuple(ids)))
        empty = dict.fromkeys(("function", "name", "email", "phone", "mobile", "website", "appointment_url"))
        return {"c1": {**empty, "function": "Anmeldung", "phone": "02336 12345"}}

    assert "02336" not in site.client().get(f"/de/offers/{COURSE}").text
    assert "02336 12345" in site.client(contacts_of=contacts_of).get(f"/de/offers/{COURSE}").text
    assert asked == [("05954", ("c1", "c2"))]
    assert "02336" not in site.client(contacts_of=contacts_of).get(f"/v1/offers/{COURSE}").text


def test_sources_show_one_word_and_why(site):
    site.add(an_event("RecordRejected", record_key="z"))
    page = Page(site.client(clock=lambda: NOW + timedelta(days=30)).get("/de/sources").text)
    for words in (
        "Kurse im Ennepe-Ruhr-Kreis",
        "gestört",
        "Lange überfällig",
        "Abgelehnte Datensätze",
    ):
        assert words in page.text, words


def test_static_files_may_be_kept_and_say_who_made_them(client):
    for name in ("verbund.css", "vendor/kern/kern.min.css"):
        answer = client.get(static_address(name))
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]
        assert "url(http" not in answer.text
    assert client.get("/static/vendor/kern/LICENSE.md").status_code == 200
    assert client.get("/static/../app.py").status_code == 404


@pytest.mark.parametrize(
    "html",
    [
        "<script>x</script>",
        "<p onclick=x>a</p>",
        "<a href='javascript:x'>a</a>",
        "<img src=x onerror=x>",
        "<p style='x'>a</p>",
    ],
)
def test_descriptions_are_cleaned_once_more(html):
    assert not re.search(r"script|onclick|onerror|style|<img", str(cleaned(html)))


@pytest.mark.parametrize(
    ("rule", "german"),
    [
        ("FREQ=WEEKLY;BYDAY=WE", "jede Woche am Mittwoch, 18:00 Uhr, ab Mi., 2. Sept. 2026"),
        ("FREQ=WEEKLY;INTERVAL=2", "alle 2 Wochen am Mittwoch, 18:00 Uhr, ab Mi., 2. Sept. 2026"),
        ("FREQ=DAILY;COUNT=3", "jeden Tag, 18:00 Uhr, ab Mi., 2. Sept. 2026, 3 Mal"),
        ("FREQ=MONTHLY;BYDAY=1WE", "jeden Monat am ersten Mittwoch, 18:00 Uhr, ab Mi., 2. Sept. 2026"),
        ("FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1", "jeden Monat am letzten Freitag, 18:00 Uhr, ab Mi., 2. Sept. 2026"),
        (
            "FREQ=WEEKLY;UNTIL=20261231T230000Z",
            "jede Woche am Mittwoch, 18:00 Uhr, ab Mi., 2. Sept. 2026 bis Do., 31. Dez. 2026",
        ),
        ("FREQ=YEARLY", "jedes Jahr, 18:00 Uhr, ab Mi., 2. Sept. 2026"),
        ("FREQ=HOURLY", "wiederkehrend, 18:00 Uhr, ab Mi., 2. Sept. 2026"),
    ],
)
def test_recurrences_are_said_in_words(rule, german):
    said = {"rule": rule, "start": "2026-09-02T18:00:00", "end": None, "all_day": False, "zone": "Europe/Berlin"}
    assert Wording("de").recurrence(said) == german
    assert "18:00" in Wording("en").recurrence(said)


def test_what_stands_in_backticks_is_code_and_everything_is_escaped():
    assert with_code("set `a < b` & `c`") == "set <code>a &lt; b</code> &amp; <code>c</code>"
    assert with_code("plain <b>") == "plain &lt;b&gt;"
